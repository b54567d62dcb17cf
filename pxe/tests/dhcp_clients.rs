//! The real server and the DHCP clients that people run.

use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pxe::dhcp::LeaseState;
use tasks::{Clock as _, SystemClock};

use crate::dhcp_rig::{Disk, Rig, config};

/// What udhcpc calls on every change: takes the address and writes it down.
const SCRIPT: &str = r#"#!/bin/sh
case "$1" in
bound) ip addr add "$ip/$mask" dev "$interface" 2>/dev/null; echo "$ip" > "$NOTES/bound" ;;
renew) echo "$ip" > "$NOTES/renew" ;;
esac
"#;

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn have(program: &str, package: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("SKIPPED: {program} is missing: apt install {package}");
    }
    found
}

/// A client that runs; killed on drop.
struct Client(Child);

impl Client {
    /// udhcpc, which stays and takes signals.
    fn udhcpc(rig: &Rig, folder: &Path, more: &[&str]) -> Self {
        let script = folder.join("script");
        fs::write(&script, SCRIPT).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
        let _ = fs::remove_file(folder.join("bound"));
        let mut command = rig.client_program("udhcpc");
        command.args(["-i", "c0", "-f", "-t", "8", "-T", "1", "-s"]).arg(&script).args(more);
        Self(command.env("NOTES", folder).spawn().unwrap())
    }

    /// dhclient, with a client id that is not its MAC.
    fn dhclient(rig: &Rig, folder: &Path) -> Self {
        let (leases, config) = (folder.join("leases"), folder.join("dhclient.conf"));
        fs::write(&leases, "").unwrap();
        fs::write(&config, "timeout 20;\nsend dhcp-client-identifier \"somebody-else\";\n").unwrap();
        let mut command = rig.client_program("dhclient");
        command.args(["-d", "-sf", "/bin/true", "-pf", "/dev/null", "-lf"]).arg(&leases).arg("-cf").arg(&config);
        Self(command.arg("c0").spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks until there is something to see.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock;
    let deadline = clock.uptime() + PATIENCE;
    while clock.uptime() < deadline {
        if let Some(seen) = look() {
            return seen;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not come within {PATIENCE:?}");
}

/// The address that udhcpc's script wrote down.
fn noted(folder: &Path, file: &str) -> Ipv4Addr {
    until(file, || fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok())
}

fn in_lease_file(folder: &Path) -> Ipv4Addr {
    until("dhclient's lease", || {
        let text = fs::read_to_string(folder.join("leases")).ok()?;
        text.split_once("fixed-address ")?.1.split_once(';')?.0.parse().ok()
    })
}

#[test]
fn b07_udhcpc_gets_a_lease_with_and_without_the_broadcast_flag() {
    let Some(rig) = Rig::new() else { return };
    if !have("udhcpc", "udhcpc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let _server = rig.serve(config(5), &disk);
    let mut leased = Vec::new();
    for flags in [&[][..], &["-B"]] {
        let _client = Client::udhcpc(&rig, folder.path(), flags);
        leased.push(noted(folder.path(), "bound"));
    }
    assert_eq!(leased[0], leased[1]);
    assert_eq!(disk.kept().len(), 1);
}

#[test]
fn b10_udhcpc_and_dhclient_on_one_card_have_one_address() {
    let Some(rig) = Rig::new() else { return };
    if !have("udhcpc", "udhcpc") || !have("dhclient", "isc-dhcp-client") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let _server = rig.serve(config(5), &disk);
    let address = {
        let _client = Client::udhcpc(&rig, folder.path(), &["-x", "0x3d:ff00112233"]);
        noted(folder.path(), "bound")
    };
    rig.client_ip(&["addr", "flush", "dev", "c0"]);
    let _client = Client::dhclient(&rig, folder.path());
    assert_eq!(in_lease_file(folder.path()), address);
    assert_eq!(disk.kept().len(), 1);
}

#[test]
fn b09_udhcpc_renews_its_lease_and_gives_it_back() {
    let Some(rig) = Rig::new() else { return };
    if !have("udhcpc", "udhcpc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let server = rig.serve(config(5), &disk);
    let client = Client::udhcpc(&rig, folder.path(), &[]);
    let address = noted(folder.path(), "bound");
    let lease = || disk.kept().into_iter().find(|lease| lease.address == address).unwrap();
    let first = lease();
    client.signal(Signal::SIGUSR1);
    assert_eq!(noted(folder.path(), "renew"), address);
    assert!(lease().expires > first.expires);
    client.signal(Signal::SIGUSR2);
    until("the release", || (lease().state == LeaseState::Released).then_some(()));
    assert_eq!(server.handle.snapshot().pools[0].free, 5);
}
