//! The initrd's script and its neighbours, run in a folder that plays the machine.
//!
//! The functions are sourced into busybox's shell (dash where there is no busybox), with `/proc`, `/sys` and the
//! consoles replaced, and with whatever would touch the machine (restart, network) as shell functions of the test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest as _, Sha256};

fn image(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("image").join(path)
}

/// A machine of files: one console, a command line, one network interface.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn with_command_line(words: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("sys/class/tty/console/active", "tty0 ttyS0\n");
        write("sys/class/net/lo/address", "00:00:00:00:00:00\n");
        write("sys/class/net/enp1s0/address", "02:00:00:aa:bb:cc\n");
        write("proc/cmdline", words);
        write("proc/uptime", "12.34 20.00\n");
        write("proc/sys/kernel/random/uuid", "01234567-89ab-cdef-0123-456789abcdef\n");
        write("dev/tty0", "");
        write("dev/ttyS0", "");
        write("root/etc/keep", "");
        write("run/resolv.conf", "nameserver 10.77.0.1\n");
        Self { folder }
    }

    /// Runs a snippet after sourcing the script; restarting ends the shell with 9, reports go to `reports`.
    fn run(&self, snippet: &str) -> (Option<i32>, String) {
        let script = format!(
            "set -u; . {}; roost_restart() {{ exit 9; }}; roost_tell() {{ echo \"$1: $2\" >>reports; }}; {snippet}",
            image("root/etc/initramfs-tools/scripts/roost").display()
        );
        let busybox = Path::new("/bin/busybox").exists() || Path::new("/usr/bin/busybox").exists();
        let (shell, args): (_, &[&str]) = if busybox { ("busybox", &["sh", "-c"]) } else { ("sh", &["-c"]) };
        let output = Command::new(shell)
            .args(args)
            .arg(script)
            .current_dir(self.folder.path())
            .envs([("ROOST_PROC", "proc"), ("ROOST_SYS", "sys"), ("ROOST_DEV", "dev"), ("ROOST_RUN", "run")])
            .env("rootmnt", "root")
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap_or_default()
    }
}

fn command_line(content: &[u8]) -> String {
    format!(
        "initrd=initrd.img boot=roost roost.url=http://10.77.0.1:7601 roost.token=SECRET roost.image=/assets/x/root.squashfs \
         roost.sha256={} roost.bytes={} roost.ssh=AAAAC3Nz roost.mac=02:00:00:AA:BB:CC BOOTIF=01-02-00-00-aa-bb-cc quiet\n",
        hex::encode(Sha256::digest(content)),
        content.len()
    )
}

#[test]
fn an_image_with_another_digest_is_refused_on_every_console_and_the_machine_starts_over() {
    let machine = Machine::with_command_line(&command_line(b"the right image"));
    fs::write(machine.folder.path().join("image"), b"the wrong image").unwrap();
    let (code, said) = machine.run("roost_read_cmdline; roost_nic=enp1s0; roost_verify image; echo mounted");
    assert_eq!((code, said.as_str()), (Some(9), ""), "nothing runs after a mismatch");
    for console in ["dev/tty0", "dev/ttyS0"] {
        let shown = machine.read(console);
        assert!(!shown.is_empty(), "{console} stays silent");
    }
    let reports = machine.read("reports");
    assert!(reports.starts_with("failed: the root image is not the expected one: sha256 "), "{reports}");
    assert!(!reports.contains('"') && !reports.contains('\\'), "a report must be plain inside JSON: {reports}");
}

#[test]
fn a_mismatch_stops_the_boot_even_where_restarting_fails() {
    let machine = Machine::with_command_line(&command_line(b"the right image"));
    fs::write(machine.folder.path().join("image"), b"the wrong image").unwrap();
    let snippet = "roost_restart() { :; }; roost_read_cmdline; roost_verify image || echo refused";
    assert_eq!(machine.run(snippet), (Some(0), "refused\n".to_owned()));
}

#[test]
fn the_named_image_passes() {
    let machine = Machine::with_command_line(&command_line(b"the right image"));
    fs::write(machine.folder.path().join("image"), b"the right image").unwrap();
    assert_eq!(machine.run("roost_read_cmdline; roost_verify image && echo ok"), (Some(0), "ok\n".to_owned()));
}

#[test]
fn a_missing_word_of_the_command_line_is_named() {
    let words = command_line(b"x").replace("roost.sha256", "roost.sha");
    let machine = Machine::with_command_line(&words);
    assert_eq!(machine.run("roost_read_cmdline; echo went on").0, Some(9));
    assert!(machine.read("dev/ttyS0").contains("roost 12.34: "), "{}", machine.read("dev/ttyS0"));
    let shown = machine.run("roost_say() { echo \"$1\"; }; roost_read_cmdline").1;
    assert!(shown.contains("roost.sha256 is missing"), "{shown}");
}

#[test]
fn the_boot_interface_is_found_by_its_address() {
    let machine = Machine::with_command_line(&command_line(b"x"));
    assert_eq!(machine.run("roost_read_cmdline; roost_nic_of_mac; echo $roost_name").1, "enp1s0\nnode-020000aabbcc\n");
}

#[test]
fn the_token_reaches_no_console() {
    let machine = Machine::with_command_line(&command_line(b"x"));
    machine.run("roost_read_cmdline; roost_nic=enp1s0; roost_fail 'it broke' 'mend it'");
    assert!(!machine.read("dev/tty0").contains("SECRET") && !machine.read("dev/ttyS0").contains("SECRET"));
}

#[test]
fn a_station_is_told_again_while_the_daemon_restarts_and_not_after_a_refusal() {
    let tell = |answers: &str| {
        let machine = Machine::with_command_line(&command_line(b"x"));
        let script = image("root/etc/initramfs-tools/scripts/roost");
        let wget = format!("wget() {{ echo try >>tries; {answers}; }}; sleep() {{ :; }}");
        let done = machine.run(&format!(". {}; {wget}; roost_read_cmdline; roost_tell note x", script.display()));
        (done.0, machine.read("tries").lines().count())
    };
    let refused = "echo \"wget: can't connect to remote host: Connection refused\" >&2; return 1";
    assert_eq!(tell(&format!("[ $(grep -c . tries) -ge 3 ] || {{ {refused}; }}")), (Some(0), 3));
    assert_eq!(tell(refused), (Some(0), 5), "a report that fails never stops the boot");
    assert_eq!(tell("echo 'wget: server returned error: HTTP/1.1 404 Not Found' >&2; return 1"), (Some(0), 1));
}

/// The disks of a SATA controller are seen once its driver is loaded, and need another one then.
#[test]
fn drivers_are_loaded_for_controllers_and_then_for_the_disks_they_found() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::with_command_line("");
    let write = |path: &str, content: &str| {
        let path = machine.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    write("sys/bus/pci/devices/0000:00:1f.2/class", "0x010601\n");
    write("sys/bus/pci/devices/0000:00:1f.2/modalias", "pci:ahci\n");
    write("sys/bus/pci/devices/0000:00:02.0/class", "0x020000\n");
    write("sys/bus/pci/devices/0000:00:02.0/modalias", "pci:network\n");
    let found = "mkdir -p sys/bus/scsi/devices/0:0:0:0; echo scsi:t-0x00 >sys/bus/scsi/devices/0:0:0:0/modalias";
    write("modprobe", &format!("#!/bin/sh\nshift\necho \"$@\" >>loaded\n{found}\n"));
    let modprobe = machine.folder.path().join("modprobe");
    fs::set_permissions(&modprobe, fs::Permissions::from_mode(0o755)).unwrap();
    let status = Command::new("sh")
        .arg(image("root/usr/lib/roost/load-disk-drivers"))
        .current_dir(machine.folder.path())
        .env("ROOST_ROOT", machine.folder.path())
        .env("ROOST_MODPROBE", &modprobe)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(machine.read("loaded"), "pci:ahci\nscsi:t-0x00\n");
}

#[test]
fn the_new_root_learns_whose_boot_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::with_command_line(&command_line(b"x"));
    machine.run("roost_read_cmdline; roost_write_identity root");
    assert_eq!(machine.read("root/etc/hostname"), "node-020000aabbcc\n");
    assert_eq!(machine.read("root/etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    assert_eq!(machine.read("root/root/.ssh/authorized_keys"), "ssh-ed25519 AAAAC3Nz roost\n");
    assert_eq!(machine.read("root/etc/resolv.conf"), "nameserver 10.77.0.1\n");
    assert!(
        machine
            .read("root/etc/systemd/network/10-roost-boot.network")
            .contains("PermanentMACAddress=02:00:00:aa:bb:cc\n")
    );
    assert_eq!(
        machine.read("root/etc/roost/boot.env"),
        "ROOST_URL=http://10.77.0.1:7601\nROOST_TOKEN=SECRET\nROOST_MAC=02:00:00:aa:bb:cc\n"
    );
    for (path, mode) in [("root/etc/roost/boot.env", 0o600), ("root/root/.ssh/authorized_keys", 0o600)] {
        let found = fs::metadata(machine.folder.path().join(path)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
}

#[test]
fn every_shell_script_parses_and_shellcheck_has_no_complaint() {
    let scripts = [
        "finish.sh",
        "root/etc/initramfs-tools/hooks/roost",
        "root/etc/initramfs-tools/scripts/roost",
        "root/etc/initramfs-tools/scripts/roost-lease",
        "root/etc/initramfs-tools/scripts/init-bottom/roost",
        "root/usr/lib/roost/data-disk",
        "root/usr/lib/roost/load-disk-drivers",
    ];
    for script in scripts.map(image) {
        assert!(Command::new("sh").arg("-n").arg(&script).status().unwrap().success(), "{}", script.display());
        match Command::new("shellcheck").args(["-s", "sh"]).arg(&script).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
            Err(_) => eprintln!("shellcheck is not installed: {} was only parsed", script.display()),
        }
    }
}
