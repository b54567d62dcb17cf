//! The program that mounts a node's data disk, against real file systems on loop devices.
//!
//! A boot is one call in a mount namespace of its own: what was mounted in it ends with it, as with the power. The root
//! folder is new each time, as a live machine's is; only the disk stays.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const SIZE_BYTES: u64 = 24 << 20;
const FIRST_ID: &str = "0123456789abcdef0123456789abcdef";

/// A disk of a file; its loop device goes with it.
struct Disk {
    folder: tempfile::TempDir,
    device: String,
}

impl Disk {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("disk");
        fs::File::create(&file).unwrap().set_len(SIZE_BYTES).unwrap();
        let device = attach(&file, &[]);
        Self { folder, device }
    }

    fn labelled() -> Self {
        let disk = Self::empty();
        succeed(Command::new("mkfs.ext4").args(["-q", "-m", "1", "-L", "ROOST_DATA", &disk.device]));
        disk
    }

    /// The same disk on a controller that takes no writes.
    fn read_only(mut self) -> Self {
        detach(&self.device);
        self.device = attach(&self.folder.path().join("disk"), &["--read-only"]);
        self
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        detach(&self.device);
    }
}

fn attach(file: &Path, options: &[&str]) -> String {
    succeed(Command::new("losetup").args(["--find", "--show"]).args(options).arg(file))
}

fn detach(device: &str) {
    succeed(Command::new("losetup").args(["--detach", device]));
}

#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} (as root?): {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What one boot left behind in RAM, and what a command in it said at the end.
struct Boot {
    root: tempfile::TempDir,
    said: String,
}

impl Boot {
    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).unwrap_or_default().trim_end().to_owned()
    }

    /// State and words for the call-home.
    fn told(&self) -> (String, String) {
        let told = self.read("run/roost/data-disk");
        let mut lines = told.lines().map(str::to_owned);
        (lines.next().unwrap_or_default(), lines.nth(1).unwrap_or_default())
    }

    fn private_key(&self) -> String {
        self.read("etc/ssh/ssh_host_ed25519_key")
    }
}

/// Boots with these disks and runs `then` in the new root before the power goes.
fn boot(disks: &[&Disk], then: &str) -> Boot {
    let root = tempfile::tempdir().unwrap();
    for folder in ["etc/ssh", "var/lib", "sys/class/tty/console", "dev"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("etc/machine-id"), format!("{FIRST_ID}\n")).unwrap();
    fs::write(root.path().join("sys/class/tty/console/active"), "ttyS0\n").unwrap();
    let output = run(root.path(), disks, &format!("sh \"$program\" boot || echo exit $?; cd \"$ROOST_ROOT\"; {then}"));
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    assert!(!said.contains("exit"), "a machine must boot whatever its disk is: {said}");
    Boot { root, said }
}

fn run(root: &Path, disks: &[&Disk], script: &str) -> Output {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("image/root/usr/lib/roost/data-disk");
    let names: Vec<&str> = disks.iter().map(|disk| disk.device.trim_start_matches("/dev/")).collect();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-uc", script]);
    command.env("program", program).env("ROOST_ROOT", root).env("ROOST_DISKS", names.join(","));
    command.output().unwrap()
}

#[test]
fn host_key_machine_id_and_data_outlive_a_reboot() {
    let disk = Disk::labelled();
    let first = boot(&[&disk], "echo kept >var/lib/nomad/file; stat -c %a var/lib/docker var/lib/nomad");
    assert_eq!((first.told().0.as_str(), first.said.as_str()), ("mounted", "710\n700"), "{}", first.told().1);
    assert_eq!(first.read("etc/machine-id"), FIRST_ID, "a disk that knows none keeps the one of this boot");
    let (key, public) = (first.private_key(), first.read("etc/ssh/ssh_host_ed25519_key.pub"));
    assert!(key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") && public.starts_with("ssh-ed25519 "), "{public}");
    assert!(first.read("dev/ttyS0").contains("data disk: mounted"));

    let second =
        boot(&[&disk], "echo other >etc/machine-id; sh \"$program\" boot; cat var/lib/nomad/file etc/machine-id");
    assert_eq!(second.said, format!("kept\n{FIRST_ID}"));
    assert_eq!((second.private_key(), second.read("etc/ssh/ssh_host_ed25519_key.pub")), (key, public));
}

#[test]
fn a_machine_without_such_a_disk_has_nothing_to_say() {
    let disk = Disk::empty();
    let boot = boot(&[&disk], "ls var/lib");
    assert_eq!((boot.told().0.as_str(), boot.said.as_str(), boot.private_key().as_str()), ("", "", ""));
}

#[test]
fn of_two_disks_with_the_label_neither_is_mounted() {
    let (one, other) = (Disk::labelled(), Disk::labelled());
    let boot = boot(&[&one, &other], "ls var/lib");
    let (state, words) = boot.told();
    assert_eq!((state.as_str(), boot.said.as_str()), ("ambiguous", ""));
    assert!(words.contains(&one.device) && words.contains(&other.device), "{words}");
}

#[test]
fn a_disk_that_takes_no_writes_still_says_who_the_machine_is() {
    let disk = Disk::labelled();
    // Shut down in order: what stands in the journal alone cannot be read from a disk that takes no writes.
    let before = boot(&[&disk], "umount var/lib/* run/roost/data").private_key();
    let disk = disk.read_only();
    let boot = boot(&[&disk], "mountpoint -q var/lib/nomad && echo mounted");
    let (state, words) = boot.told();
    assert_eq!((state.as_str(), boot.said.as_str(), boot.private_key()), ("identity_only", "", before));
    assert!(words.contains("read-only"), "{words}");
}

#[test]
fn a_full_disk_still_says_who_the_machine_is() {
    let disk = Disk::labelled();
    let first = boot(&[&disk], "dd if=/dev/zero of=var/lib/nomad/all bs=64k 2>/dev/null; echo full");
    assert_eq!(first.said, "full");
    let second = boot(&[&disk], "mountpoint -q var/lib/nomad && echo mounted");
    let (state, words) = second.told();
    assert_eq!((state.as_str(), second.said.as_str()), ("identity_only", ""));
    assert_eq!(second.private_key(), first.private_key());
    assert!(words.contains("takes no writes") && words.contains("No space"), "{words}");
}

#[test]
fn a_broken_disk_never_keeps_a_machine_from_booting() {
    let disk = Disk::labelled();
    boot(&[&disk], "true");
    // The superblock, which holds the label, stays; the group descriptors and what follows them do not.
    succeed(Command::new("dd").args([
        "if=/dev/urandom",
        &format!("of={}", disk.device),
        "bs=4k",
        "seek=1",
        "count=800",
    ]));
    let boot = boot(&[&disk], "mountpoint -q var/lib/nomad && echo mounted");
    let (state, words) = boot.told();
    assert_eq!((state.as_str(), boot.said.as_str(), boot.private_key().as_str()), ("unusable", "", ""));
    assert!(words.contains("check"), "{words}");
}

#[test]
fn an_unclean_file_system_is_mended_before_it_is_mounted() {
    let disk = Disk::labelled();
    boot(&[&disk], "mkdir var/lib/nomad/folder");
    succeed(Command::new("debugfs").args(["-w", "-R", "clri /nomad/folder", &disk.device]));
    succeed(Command::new("debugfs").args(["-w", "-R", "set_super_value state 0", &disk.device]));
    let boot = boot(&[&disk], "ls var/lib/nomad");
    assert_eq!((boot.told().0.as_str(), boot.said.as_str()), ("mounted", ""), "{}", boot.told().1);
}

#[test]
fn a_damaged_key_is_replaced_and_never_half_written() {
    let disk = Disk::labelled();
    let first = boot(&[&disk], "echo nonsense >run/roost/data/identity/ssh_host_ed25519_key");
    let second = boot(&[&disk], "true");
    assert_eq!(second.told().0, "mounted");
    assert_ne!(second.private_key(), first.private_key());
    assert_eq!(boot(&[&disk], "true").private_key(), second.private_key());
}

/// `live` finds what the machine wrote into RAM before it had the disk, and says twice what it says once.
#[test]
fn a_live_machine_moves_onto_its_disk_without_losing_what_it_wrote() {
    let disk = Disk::labelled();
    let live = "sh \"$program\" live";
    let told = "cat var/lib/consul/file; grep -c . /proc/self/mountinfo";
    let root = tempfile::tempdir().unwrap();
    for folder in ["etc/ssh", "var/lib"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("etc/machine-id"), format!("{FIRST_ID}\n")).unwrap();
    let early = "cd \"$ROOST_ROOT\"; mkdir -p var/lib/consul; echo early >var/lib/consul/file";
    let once = run(root.path(), &[&disk], &format!("{early}; {live}; {told}"));
    let twice = run(root.path(), &[&disk], &format!("{early}; {live}; {live}; {told}"));
    assert!(String::from_utf8_lossy(&once.stdout).starts_with("early\n"), "{once:?}");
    assert_eq!(once.stdout, twice.stdout, "nothing is mounted twice");
}
