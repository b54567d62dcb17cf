//! What this host lacks for a rack, each with the command that brings it.
//!
//! Asked before anything is made, so that a person reads one list and not the first failure of a half-made rack.

use std::{fs, path::Path, process::Command};

use crate::{
    machine::{Firmware, OVMF_CODE, OVMF_VARS, QEMU},
    tpm::SWTPM,
};

/// QEMU 7.2 (Debian 12) corrupts kernel 6.12 while it boots.
const QEMU_MAJOR_MIN: u32 = 10;

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Lack {
    /// What, and why it matters.
    pub what: String,
    /// How to get it.
    pub remedy: String,
}

/// The NIC's ROM, where Debian 12 and Debian 13 keep it; QEMU finds it by itself.
const NIC_ROMS: [&str; 2] = ["/usr/lib/ipxe/qemu/efi-virtio.rom", "/usr/share/qemu/efi-virtio.rom"];

/// Everything that is missing for racks with machines of these kinds; empty means ready.
#[must_use]
pub fn preflight(firmwares: &[Firmware]) -> Vec<Lack> {
    let debian = debian_release();
    let mut lacks = Vec::new();
    lacks.extend(root());
    lacks.extend(device("/dev/net/tun", "modprobe tun (in a container: pass the device in)"));
    lacks.extend(program("ip", &["-V"], "apt install iproute2"));
    lacks.extend(qemu(debian));
    lacks.extend(program("qemu-img", &["--version"], "apt install qemu-utils"));
    lacks.extend(file("/usr/share/seabios/bios-256k.bin", "apt install seabios"));
    lacks.extend(one_of(&NIC_ROMS, "apt install ipxe-qemu"));
    if firmwares.contains(&Firmware::Uefi) {
        lacks.extend([OVMF_CODE, OVMF_VARS].into_iter().find_map(|path| file(path, "apt install ovmf")));
    }
    lacks
}

/// Everything that is missing for machines with a TPM, besides what a rack needs.
#[must_use]
pub fn preflight_tpm() -> Vec<Lack> {
    program(SWTPM, &["--version"], "apt install swtpm").into_iter().collect()
}

/// Everything that is missing for synthetic machines, besides what a rack needs.
#[must_use]
pub fn preflight_synthetic() -> Vec<Lack> {
    let sshd = file("/usr/sbin/sshd", "apt install openssh-server");
    let keygen = program("ssh-keygen", &["-?"], "apt install openssh-client");
    sshd.into_iter().chain(keygen).chain(program("unshare", &["--version"], "apt install util-linux")).collect()
}

fn root() -> Option<Lack> {
    let is_root = rustix::process::geteuid().is_root();
    (!is_root).then(|| lack("root, for namespaces and taps", "run it with sudo"))
}

fn device(path: &str, remedy: &str) -> Option<Lack> {
    let opened = fs::OpenOptions::new().read(true).write(true).open(path);
    opened.err().map(|error| lack(&format!("{path} ({error})"), remedy))
}

fn file(path: &str, remedy: &str) -> Option<Lack> {
    (!Path::new(path).exists()).then(|| lack(path, remedy))
}

fn one_of(paths: &[&str], remedy: &str) -> Option<Lack> {
    let there = paths.iter().any(|path| Path::new(path).exists());
    (!there).then(|| lack(&paths.join(" or "), remedy))
}

fn program(name: &str, args: &[&str], remedy: &str) -> Option<Lack> {
    let started = Command::new(name).args(args).output();
    started.err().map(|error| lack(&format!("the program {name} ({error})"), remedy))
}

fn qemu(debian: Option<u32>) -> Option<Lack> {
    let remedy = match debian {
        Some(12) => concat!(
            "echo 'deb http://deb.debian.org/debian bookworm-backports main' > /etc/apt/sources.list.d/backports.list ",
            "&& apt update && apt install -t bookworm-backports qemu-system-x86 qemu-utils"
        ),
        _ => "apt install qemu-system-x86 qemu-utils",
    };
    let Ok(output) = Command::new(QEMU).arg("--version").output() else {
        return Some(lack(&format!("the program {QEMU}"), remedy));
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match major(&text) {
        Some(found) if found >= QEMU_MAJOR_MIN => None,
        _ => {
            let found = text.lines().next().unwrap_or("an unknown version").to_owned();
            Some(lack(&format!("QEMU {QEMU_MAJOR_MIN} or newer (here is {found})"), remedy))
        }
    }
}

/// `QEMU emulator version 10.0.2 (Debian ...)` is 10.
fn major(text: &str) -> Option<u32> {
    text.split_once("version ")?.1.split('.').next()?.parse().ok()
}

fn debian_release() -> Option<u32> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let line = release.lines().find_map(|line| line.strip_prefix("VERSION_ID="))?;
    line.trim_matches('"').parse().ok()
}

fn lack(what: &str, remedy: &str) -> Lack {
    Lack { what: what.into(), remedy: remedy.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_qemu_versions() {
        assert_eq!(major("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright"), Some(10));
        assert_eq!(major("QEMU emulator version 7.2.17"), Some(7));
        assert_eq!(major("what?"), None);
    }

    #[test]
    fn every_lack_says_how_to_get_it() {
        let missing = [file("/nonexistent", "apt install x"), program("roost-no-such-program", &[], "apt install y")];
        for lack in missing.into_iter().flatten() {
            assert!(lack.remedy.starts_with("apt install"), "{lack:?}");
        }
        assert!(program("roost-no-such-program", &[], "apt install y").is_some());
    }
}
