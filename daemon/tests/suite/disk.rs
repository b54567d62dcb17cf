//! Data disks: the node's half against real devices, interrupted anywhere, and the whole order with a synthetic machine:
//! real SSH, a real disk, a daemon that is killed. That a booted machine has its data again is proven in `boot.rs`.

use std::{
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use lab::{
    Synthetic, SyntheticSpec,
    synthetic::{LoopDisk, Stage, System},
};
use serde_json::json;
use vocabulary::{Firmware, NodeId, NodeState, Step, Token};

use crate::bench::{BASE, Bench, Setup};

/// The program of the node image that mounts a data disk.
const DATA_DISK: &str = include_str!("../../../pxe/image/root/usr/lib/roost/data-disk");
const PATIENCE: Duration = Duration::from_secs(90);
const SMALL_BYTES: u64 = 64 << 20;
const LARGE_BYTES: u64 = 2 << 30;
const UUID: &str = "0b9a5bd2-1111-4222-8333-444455556666";

/// A disk and a node of folders for the script alone.
struct Node {
    folder: tempfile::TempDir,
    disk: LoopDisk,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = LoopDisk::empty(&folder.path().join("disk"), SMALL_BYTES).unwrap_or_else(|error| panic!("{error}"));
        for path in ["root/etc/ssh", "root/var/lib", "root/run", "bin"] {
            std::fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        std::fs::write(folder.path().join("root/etc/machine-id"), format!("{}\n", "7".repeat(32))).unwrap();
        let key = folder.path().join("root/etc/ssh/ssh_host_ed25519_key");
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        let node = Self { folder, disk };
        node.program("data-disk", DATA_DISK);
        node
    }

    fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(self.path(name), text).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// One run of the script in mounts, devices and a process group of its own.
    fn run(&self, words: &str) -> Output {
        let devices = "mount -t devtmpfs devtmpfs /dev && mount -t tmpfs tmpfs /run && mkdir -p /run/lock";
        let script = format!("{devices}; {words}\n{}", include_str!("../../src/disk/node.sh"));
        let mut command = Command::new("setsid");
        command.args(["--wait", "unshare", "--mount", "--propagation", "private", "sh", "-c", &script]);
        command.env("PATH", format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap()));
        command.env("ROOST_DISKS", self.disk.name()).env("ROOST_DISK_SERIAL", "S1");
        command.env("ROOST_ROOT", self.path("root")).env("ROOST_DATA_DISK", self.path("data-disk"));
        command.output().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make(&self, wipe: &str) -> String {
        let words =
            format!("verb=make device={} serial=UzE= size={SMALL_BYTES} uuid={UUID} wipe={wipe}", self.disk.name());
        said(&self.run(&words))
    }

    /// The power goes right after this tool has done its work.
    fn killed_after(&self, tool: &str) {
        let shim = format!("bin/{tool}");
        let text = format!("#!/bin/sh\nPATH=$(echo \"$PATH\" | cut -d : -f 2-)\n{tool} \"$@\"\nkill -9 0\n");
        self.program(&shim, &text);
        assert_eq!(self.make("no"), "", "{tool} was not called");
        std::fs::remove_file(self.path(&shim)).unwrap();
    }

    /// Label, UUID of the file system, and whether the key on it is the node's.
    fn found(&self) -> (String, String, bool) {
        let partition = format!("/dev/{}p1", self.disk.name());
        let words = format!(
            "folder=$(mktemp -d); mount -o ro {partition} $folder; blkid -p -s LABEL -o value {partition}; \
             blkid -p -s UUID -o value {partition}; \
             cmp -s $folder/identity/ssh_host_ed25519_key $ROOST_ROOT/etc/ssh/ssh_host_ed25519_key && echo same; \
             umount $folder; exit 0"
        );
        let told = said(&self.run(&words));
        let mut lines = told.lines().map(str::to_owned);
        (lines.next().unwrap_or_default(), lines.next().unwrap_or_default(), lines.next().as_deref() == Some("same"))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn whatever_interrupts_the_making_of_a_disk_the_same_order_brings_it_to_its_end() {
    for tool in ["wipefs", "sfdisk", "partx", "mkfs.ext4", "mount", "umount", "e2label"] {
        let node = Node::new();
        node.killed_after(tool);
        let made = node.make("no");
        assert!(made.starts_with("roost-disk made mounted"), "after {tool}: {made}");
        assert_eq!(node.found(), ("ROOST_DATA".into(), UUID.into(), true), "after {tool}");
        assert!(node.make("no").starts_with("roost-disk made"), "a third time changes nothing");
    }
}

#[test]
fn nothing_is_written_to_a_disk_that_is_not_as_it_was_when_the_order_was_given() {
    let node = Node::new();
    let device = node.disk.device().to_owned();
    let make = |words: &str| {
        let all = format!(
            "verb=make device={} serial=UzE= size={SMALL_BYTES} uuid={UUID} wipe=no; {words}",
            node.disk.name()
        );
        said(&node.run(&all))
    };
    assert!(make("size=1").contains("refused") && make("serial=-").contains("another serial"), "{}", make("serial=-"));
    assert!(make("device=loop-none").contains("is not there"));
    assert!(Command::new("mkfs.ext4").args(["-q", "-L", "mine"]).arg(&device).status().unwrap().success());
    assert!(make("").starts_with(&format!("roost-disk refused {} holds ext4 now", node.disk.name())), "{}", make(""));
    let mounted = make("mkdir -p /run/x; mount $(device_of $device 2>/dev/null || echo /dev/$device) /run/x; wipe=yes");
    assert!(mounted.contains("is in use: /run/x"), "{mounted}");
    let label = Command::new("blkid").args(["-p", "-s", "LABEL", "-o", "value"]).arg(&device).output().unwrap();
    assert_eq!(said(&label), "mine");
    assert!(node.make("yes").starts_with("roost-disk made mounted"));
}

#[test]
fn a_survey_names_every_disk_and_what_is_on_it() {
    let node = Node::new();
    let survey = || said(&node.run("verb=survey"));
    let start = format!("roost-disk disk {} {SMALL_BYTES} rw fixed UzE= - ", node.disk.name());
    assert_eq!(survey(), format!("{start}- - -\nroost-disk end"));
    assert!(node.make("no").contains("made"));
    let after = survey();
    assert!(after.starts_with(&start) && after.ends_with(" data\nroost-disk end"), "{after}");
}

fn machine(bench: &Bench) -> Synthetic {
    Synthetic::plug_in(&bench.rack, SyntheticSpec::new("m1".parse().unwrap(), Firmware::Bios)).unwrap()
}

/// From iPXE's DHCP to the answered call-home; the system runs until it is dropped.
async fn boot(
    bench: &Bench,
    machine: &Synthetic,
    disk: Option<&LoopDisk>,
    data: Option<serde_json::Value>,
) -> (System, u16) {
    let private = bench.data.path().join("ssh/fleet_ed25519");
    let output = Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    let fleet_key = String::from_utf8(output.stdout).unwrap();
    let lease = machine.dhcp(Stage::Ipxe).await.unwrap();
    let script = machine.script(&lease.boot_file.unwrap()).await.unwrap();
    let token = Token::try_from(script.argument("roost.token").expect("the script has a token")).unwrap();
    let started = match disk {
        Some(disk) => machine.start_system_with_disk(&fleet_key, disk, DATA_DISK).await,
        None => machine.start_system(&fleet_key).await,
    };
    let system = started.unwrap_or_else(|error| panic!("{error:?}"));
    let mut claim = machine.claim(token, lease.address.into(), system.host_key().clone());
    claim.data = data;
    if disk.is_none() {
        claim.machine_id = "f".repeat(32);
    }
    let answer = machine.call_home(BASE, &claim).await.unwrap();
    (system, answer.status)
}

fn ordering(bench: &Bench, words: &[&str]) -> Command {
    let mut roost = bench.rack.command(env!("CARGO_BIN_EXE_roost"));
    roost.env("ROOST_SOCKET", bench.daemon.api().socket()).args(["node", "disk"]).args(words);
    roost
}

fn roost(bench: &Bench, words: &[&str]) -> Output {
    ordering(bench, words).output().unwrap()
}

async fn has_line(bench: &Bench, machine: &Synthetic, words: &str) {
    let there = async || bench.steps(machine.mac()).await.iter().any(|line| line.detail.contains(words));
    bench.until(PATIENCE, &format!("a line {words:?}"), there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_while_it_has_a_disk_made_goes_on_and_the_node_is_known_by_its_disk() {
    let mut bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench);
    let node = NodeId::of(machine.mac()).to_string();
    let disk = LoopDisk::empty(&bench.data.path().join("disk"), LARGE_BYTES).unwrap_or_else(|error| panic!("{error}"));
    let (system, status) = boot(&bench, &machine, Some(&disk), None).await;
    assert_eq!(status, 202);
    let early = roost(&bench, &["node-525400999999", "--yes"]);
    assert_eq!(early.status.code(), Some(5), "{early:?}");
    bench.in_state(machine.mac(), NodeState::Ready, PATIENCE).await;

    let rehearsed = roost(&bench, &[&node, "--dry-run"]);
    assert!(said(&rehearsed).contains(&format!("{}: 2.0 GiB, serial lab-", disk.name())), "{rehearsed:?}");
    assert!(said(&rehearsed).contains("empty -> GPT and ext4 labelled ROOST_DATA"), "{rehearsed:?}");
    assert_eq!(label(&disk), "", "a rehearsal changes nothing");
    assert_eq!(roost(&bench, &[&node]).status.code(), Some(2), "an order says that it is one");

    let mut order = ordering(&bench, &[&node, "--yes"]).spawn().unwrap();
    has_line(&bench, &machine, "is made its data disk by root").await;
    bench.crash().await;
    order.wait().unwrap();
    has_line(&bench, &machine, "is its data disk").await;
    let identity = bench.node(machine.mac()).await.unwrap().identity.unwrap();
    assert!(identity.kept.is_some(), "{identity:?}");
    assert_eq!(label(&disk), "ROOST_DATA");
    let again = roost(&bench, &[&node, "--yes"]);
    assert!(again.status.success() && said(&again).contains("already; nothing changes"), "{again:?}");
    let second = roost(&bench, &[&node, "--device", "vdz", "--yes"]);
    assert_eq!(second.status.code(), Some(6), "{second:?}");

    drop(system);
    let data = json!({ "state": "mounted", "uuid": identity.kept.unwrap().disk, "detail": "x" });
    let (system, status) = boot(&bench, &machine, Some(&disk), Some(data)).await;
    assert_eq!(status, 202, "the same keys, so the same node");
    bench.in_state(machine.mac(), NodeState::Ready, PATIENCE).await;
    assert_eq!(bench.count(machine.mac(), Step::Alarm).await, 0);

    drop(system);
    let (_system, status) = boot(&bench, &machine, None, None).await;
    assert_eq!(status, 409, "its disk is gone, and its machine id with it");
    let reason = bench.node(machine.mac()).await.unwrap().reason.unwrap();
    assert!(reason.cause.contains("its disk ROOST_DATA is gone"), "{reason:?}");
    bench.daemon.stop(Duration::from_secs(20)).await.unwrap();
}

/// Of the partition where there is one, as the host sees it.
fn label(disk: &LoopDisk) -> String {
    let name = disk.name();
    let words = format!("mount -t devtmpfs devtmpfs /dev; blkid -p -s LABEL -o value /dev/{name}p1");
    let mut command = Command::new("unshare");
    said(&command.args(["--mount", "--propagation", "private", "sh", "-c", &words]).output().unwrap())
}
