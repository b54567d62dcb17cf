//! A real sshd for tests: on an address of loopback, with a host key of its own, for as long as it is held.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use vocabulary::HostKey;

use super::Pinned;

/// One that is running; dropping it ends it.
pub(crate) struct Sshd {
    child: Child,
    folder: tempfile::TempDir,
    address: Ipv4Addr,
}

impl Sshd {
    /// Lets in whoever has one of these keys (lines of `authorized_keys`); `settings` are further lines of its configuration.
    pub(crate) fn at(address: [u8; 4], admitted: &str, settings: &str) -> Self {
        let (address, folder) = (Ipv4Addr::from(address), tempfile::tempdir().unwrap());
        let path = |name: &str| folder.path().join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
            .arg(path("host"))
            .status();
        assert!(made.unwrap().success());
        fs::create_dir_all("/run/sshd").unwrap();
        fs::write(path("admitted"), admitted).unwrap();
        let config = format!(
            "ListenAddress {address}:22\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
             UseDNS no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n{settings}",
            path("host").display(),
            path("admitted").display()
        );
        fs::write(path("config"), config).unwrap();
        let log = fs::File::create(path("log")).unwrap();
        let child = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(path("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("apt install openssh-server");
        let sshd = Self { child, folder, address };
        for _ in 0..500 {
            if TcpStream::connect((address, 22)).is_ok() {
                return sshd;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("sshd: {}", fs::read_to_string(sshd.folder.path().join("log")).unwrap());
    }

    /// What it is pinned as.
    pub(crate) fn pinned(&self) -> Pinned {
        let host_key = fs::read_to_string(self.folder.path().join("host.pub")).unwrap();
        Pinned { address: self.address, host_keys: vec![HostKey::try_from(host_key.trim().to_owned()).unwrap()] }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
