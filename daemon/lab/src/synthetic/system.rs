//! The booted system of a synthetic machine: a real sshd on a throw-away copy of this host's file system.
//!
//! An overlay over `/` in mount, process and host-name namespaces of its own: what Ansible installs, writes or restarts
//! there ends with the machine and never touches the host. No systemd runs in it; tests that need one use QEMU.
//! Rejected: sshd on the host's own root (a role's first task would change the host), and containers (an engine to
//! install, for one process).

use std::{
    fs::{self, File},
    io::{self, Read as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use vocabulary::{HostKey, NodeId, ProcessId};

use super::{disk::LoopDisk, place::Synthetic};
use crate::{
    namespace::EnterError,
    process,
    tpm::{self, Tpm, TpmError},
};

const BANNER: Duration = Duration::from_secs(20);

/// Runs as the first process of the namespaces: `$1` is the machine's directory, `$2` its host name.
///
/// Nothing mounted here may show outside. Where `/` is no mount (in a chroot), that takes the mount below the machine's
/// directory, and whatever is mounted over it is private by that.
const ENTER: &str = r#"
if ! mount --make-rprivate / 2>/dev/null; then
    mount --make-private "$(findmnt --noheadings --output TARGET --target "$1")"
fi
mount -t tmpfs -o mode=0700 tmpfs "$1/live"
mkdir "$1/live/upper" "$1/live/work" "$1/live/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/live/upper,workdir=$1/live/work" "$1/live/root"
root=$1/live/root
if [ -e "$1/data-disk" ]; then
    # Partitions of its disk that are made later have a node in the kernel's own tree of devices alone.
    mount -t devtmpfs devtmpfs "$root/dev"
else
    mount --rbind /dev "$root/dev"
    mount --make-rprivate "$root/dev"
fi
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# This host's own TPM is not the machine's: neither its device nor what the firmware says of it.
[ ! -e "$root/dev/tpmrm0" ] || mount --bind "$1/machine-id" "$root/dev/tpmrm0"
[ ! -d "$root/sys/firmware" ] || mount -t tmpfs -o ro tmpfs "$root/sys/firmware"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mkdir -p "$root/run/sshd" "$root/run/lab" "$root/tmp" "$root/root/.ssh"
chmod 700 "$root/root" "$root/root/.ssh"
cp "$1/sshd_config" "$1/host_key" "$root/run/lab/"
[ ! -e "$1/data-disk" ] || cp "$1/data-disk" "$root/run/lab/"
cp "$1/authorized_keys" "$root/root/.ssh/authorized_keys"
chmod 600 "$root/root/.ssh/authorized_keys"
cp "$1/machine-id" "$root/etc/machine-id"
hostname "$2"
echo "$2" > "$root/etc/hostname"
exec chroot "$root" /usr/sbin/sshd -D -e -f /run/lab/sshd_config
"#;

const SSHD_CONFIG: &str = "\
ListenAddress 0.0.0.0:22
HostKey /run/lab/host_key
AuthorizedKeysFile /root/.ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PidFile none
Subsystem sftp internal-sftp
";

/// The running system of a synthetic machine; dropping it switches the machine off.
#[derive(Debug)]
pub struct System {
    child: Child,
    id: ProcessId,
    host_key: HostKey,
}

/// The system could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// A file could not be made.
    #[error("cannot prepare {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A program is missing or failed.
    #[error("{program} failed: {said} (apt install openssh-server openssh-client util-linux)")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// sshd does not answer.
    #[error("sshd of machine {name} did not answer within {BANNER:?}; its log:\n{log}")]
    Silent {
        /// Which machine.
        name: String,
        /// What it logged.
        log: String,
    },
    /// Its TPM did not start.
    #[error("cannot give the machine a TPM")]
    Tpm(#[from] TpmError),
    /// The namespace is gone.
    #[error("cannot reach the machine's namespace")]
    Enter(#[from] EnterError),
    /// The runtime is going down.
    #[error("the runtime stops")]
    Runtime(#[from] tokio::task::JoinError),
}

impl System {
    /// The key its sshd shows.
    #[must_use]
    pub fn host_key(&self) -> &HostKey {
        &self.host_key
    }
}

impl Drop for System {
    fn drop(&mut self) {
        process::signal(&self.id, Signal::KILL);
        if let Err(error) = self.child.wait() {
            tracing::debug!(%error, "system not reaped");
        }
    }
}

impl Synthetic {
    /// Puts the TPM of that name into it, a new one if there was none: for as long as it lives, systems that are
    /// started find it. A machine has room for one at a time.
    pub async fn insert_tpm(&self, chip: &str) -> Result<Tpm, SystemError> {
        let (namespace, folder) = (self.namespace.clone(), self.dir.join(format!("tpm-{chip}")));
        Ok(tokio::task::spawn_blocking(move || Tpm::on_loopback(&namespace, &folder)).await??)
    }

    /// Boots it: sshd answers on port 22 for root with this fleet key (a line of `authorized_keys`) and no other.
    ///
    /// The host key is made once a machine, so that a second boot shows the same one.
    pub async fn start_system(&self, fleet_key: &str) -> Result<System, SystemError> {
        self.start(fleet_key, "SetEnv ROOST_DISKS=none\n".to_owned()).await
    }

    /// Boots it with that disk, and no other of this host's, and with the program of the node image that mounts it.
    pub async fn start_system_with_disk(
        &self,
        fleet_key: &str,
        disk: &LoopDisk,
        program: &str,
    ) -> Result<System, SystemError> {
        self.write("data-disk", program)?;
        let path = self.dir.join("data-disk");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))
            .map_err(|source| SystemError::File { path, source })?;
        let settings = format!(
            "SetEnv ROOST_DISKS={} ROOST_DISK_SERIAL={} ROOST_DATA_DISK=/run/lab/data-disk ROOST_HOST_KEY=/run/lab/host_key\n",
            disk.name(),
            disk.serial()
        );
        self.start(fleet_key, settings).await
    }

    /// Boots it with a TPM: what runs over SSH finds the chip that is inserted, or a broken one if none is.
    pub async fn start_system_with_tpm(&self, fleet_key: &str) -> Result<System, SystemError> {
        self.start(fleet_key, format!("SetEnv TPM2TOOLS_TCTI={} ROOST_DISKS=none\n", tpm::tools_address())).await
    }

    async fn start(&self, fleet_key: &str, settings: String) -> Result<System, SystemError> {
        let host_key = self.prepare(fleet_key, &settings)?;
        let log_path = self.dir.join("sshd.log");
        let log = File::create(&log_path).map_err(|source| SystemError::File { path: log_path.clone(), source })?;
        let child = self.spawn_system(log)?;
        let unknown = || ProcessId { pid: child.id(), start_ticks: 0, host_boot: process::host_boot() };
        let id = process::identify(child.id()).unwrap_or_else(unknown);
        let system = System { child, id, host_key };
        let namespace = self.namespace.clone();
        let answers = move || process::wait_until(BANNER, || namespace.enter(speaks_ssh).unwrap_or(false));
        if tokio::task::spawn_blocking(answers).await? {
            return Ok(system);
        }
        let log = fs::read_to_string(&log_path).unwrap_or_default();
        Err(SystemError::Silent { name: self.name.to_string(), log })
    }

    fn spawn_system(&self, log: File) -> Result<Child, SystemError> {
        let failed = |error: io::Error| SystemError::Program { program: "unshare", said: error.to_string() };
        let mut command = self.namespace.command("unshare");
        command.args(["--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "unchanged"]);
        command.args(["sh", "-euc", ENTER, "enter"]).arg(&self.dir).arg(NodeId::of(self.mac).to_string());
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
        command.spawn().map_err(failed)
    }

    fn prepare(&self, fleet_key: &str, settings: &str) -> Result<HostKey, SystemError> {
        let live = self.dir.join("live");
        fs::create_dir_all(&live).map_err(|source| SystemError::File { path: live, source })?;
        self.write("authorized_keys", &format!("{}\n", fleet_key.trim()))?;
        self.write("sshd_config", &format!("{SSHD_CONFIG}{settings}"))?;
        self.write("machine-id", &format!("{}\n", self.machine_id()))?;
        let key = self.dir.join("host_key");
        if !key.exists() {
            keygen(&key)?;
        }
        let public = key.with_extension("pub");
        let text = fs::read_to_string(&public).map_err(|source| SystemError::File { path: public, source })?;
        HostKey::try_from(text).map_err(|error| SystemError::Program { program: "ssh-keygen", said: error.to_string() })
    }

    fn write(&self, name: &str, text: &str) -> Result<(), SystemError> {
        let path = self.dir.join(name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o600)))
            .map_err(|source| SystemError::File { path, source })
    }
}

fn keygen(path: &Path) -> Result<(), SystemError> {
    let failed = |said: String| SystemError::Program { program: "ssh-keygen", said };
    let output =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"]).arg(path).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// Inside the namespace: whether port 22 greets as sshd does.
fn speaks_ssh() -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 22));
    let greeting = || -> io::Result<[u8; 4]> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting).map(|()| greeting)
    };
    greeting().is_ok_and(|greeting| &greeting == b"SSH-")
}
