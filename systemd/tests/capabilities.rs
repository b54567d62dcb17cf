//! The unit's capabilities are enough, and none of them is too much: sockets opened as an ordinary user with exactly
//! that set, in a network namespace of the test's own.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddrV4},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Command,
};

use socket2::{Domain, Socket, Type};
use systemd::unit::CAPABILITIES;

use crate::{again, role, skip};

/// Not a test of its own: what the child does.
#[test]
fn child_role() {
    match role().as_deref() {
        Some("with") => assert!(dhcp_and_tftp().is_ok(), "{:?}", dhcp_and_tftp()),
        Some("without") => assert_eq!(dhcp_and_tftp().unwrap_err().kind(), io::ErrorKind::PermissionDenied),
        _ => {}
    }
}

/// As `pxe` opens them: bound to the interface first, then to the port.
fn dhcp_and_tftp() -> io::Result<()> {
    for port in [67, 69] {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.bind_device(Some(b"lo"))?;
        socket.set_broadcast(true)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    }
    Ok(())
}

#[test]
fn the_boot_ports_open_with_the_units_capabilities_and_not_without() {
    if !rustix::process::geteuid().is_root() {
        skip("only root can become another user with chosen capabilities");
        return;
    }
    let names = CAPABILITIES.map(|name| format!(",+{}", name.trim_start_matches("CAP_").to_lowercase()));
    let (folder, binary) = readable_copy();
    for (role, set) in [("with", format!("-all{}", names.concat())), ("without", "-all".to_owned())] {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
            .args([format!("--inh-caps={set}"), format!("--ambient-caps={set}"), format!("--bounding-set={set}")])
            .arg(&binary);
        again(&mut command, "capabilities::child_role", role);
        let ran = command.current_dir(folder.path()).status().unwrap();
        assert!(ran.success(), "{role}: {ran}");
    }
}

/// The checkout may lie where another user cannot look.
fn readable_copy() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let binary = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    (folder, binary)
}
