//! Machines that really start: power, console, snapshot, the KVM probe.

use std::{sync::Arc, time::Duration};

use lab::{Firmware, Machine, MachineSpec, Rack, TpmModel, accel, machine::Snapshot};

use crate::support::{chain, machine_name, rack};

/// Firmware under software emulation on two busy cores.
const FIRMWARE: Duration = Duration::from_secs(90);

fn small(rack: &Rack, name: &str, firmware: Firmware) -> Arc<Machine> {
    let memory_mib = if firmware == Firmware::Uefi { 512 } else { 128 };
    rack.add(MachineSpec { memory_mib, ..MachineSpec::new(machine_name(name), firmware) }).unwrap()
}

#[tokio::test]
async fn a_bios_machine_powers_on_speaks_and_powers_off() {
    let rack = rack();
    let machine = small(&rack, "bios", Firmware::Bios);
    machine.power_on().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(machine.power_on().await.is_err(), "it is on");
    machine.console().wait_for("iPXE", FIRMWARE).await.unwrap();
    let status = machine.status().await.unwrap();
    assert!(status.on && status.detail == "running", "{status:?}");
    machine.power_off().await.unwrap();
    assert!(!machine.status().await.unwrap().on);
    assert!(rack.state().processes.is_empty());
}

#[tokio::test]
async fn a_token_on_the_console_is_never_written_down() {
    let rack = rack();
    let machine = small(&rack, "talks", Firmware::Bios);
    machine.power_on().await.unwrap();
    reach_the_shell(&machine).await;
    let token = vocabulary::Token::from_random([11; 32]);
    // In pieces, of which none is a token or looks like the begin of one: only iPXE puts it together.
    let (first, rest) = token.expose().split_at(1);
    let pieces: Vec<_> =
        std::iter::once(first).chain(rest.as_bytes().chunks(8).map(|piece| str::from_utf8(piece).unwrap())).collect();
    let mut whole = "echo roost.token=".to_owned();
    for (name, piece) in ('a'..='z').zip(pieces) {
        type_line(&machine, &format!("set {name} {piece}")).await;
        whole.push_str(&format!("${{{name}}}"));
    }
    type_line(&machine, &format!("{whole} done")).await;
    machine.console().wait_for("token=<token> done", FIRMWARE).await.unwrap();
    let console = std::fs::read_to_string(machine.console().path()).unwrap();
    assert!(!console.contains(token.expose()));
}

/// iPXE listens for Ctrl-B for two seconds of its own time, which a busy host may let pass between two looks; so it is
/// pressed from the start until the prompt is there.
async fn reach_the_shell(machine: &Machine) {
    let pressing = async {
        while machine.console().wait_for("iPXE>", Duration::from_millis(200)).await.is_err() {
            machine.type_text("\x02").unwrap();
        }
    };
    tokio::time::timeout(FIRMWARE, pressing).await.expect("iPXE's prompt");
}

/// The firmware keeps fifteen keys and drops what is beyond, so nobody types faster than iPXE echoes. The end of a line
/// is not waited for before its newline: what may be the begin of a token is shown only then.
async fn type_line(machine: &Machine, line: &str) {
    let last = (line.len() - 1) / 8 * 8;
    for begin in (0..last).step_by(8) {
        machine.type_text(&line[begin..begin + 8]).unwrap();
        machine.console().wait_for(&line[..begin + 8], FIRMWARE).await.unwrap();
    }
    machine.type_text(&format!("{}\r", &line[last..])).unwrap();
    machine.console().wait_for(line, FIRMWARE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_uefi_machine_asks_for_its_loader_as_real_firmware_does() {
    let rack = rack();
    let machine = small(&rack, "uefi", Firmware::Uefi);
    let socket = rack.namespace().enter(|| std::net::UdpSocket::bind("0.0.0.0:67")).unwrap().unwrap();
    socket.set_read_timeout(Some(FIRMWARE)).unwrap();
    machine.power_on().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    let mut packet = [0; 1500];
    let (count, _) = socket.recv_from(&mut packet).unwrap();
    assert_eq!(packet[28..34], machine.mac().0);
    let class = b"PXEClient:Arch:00007";
    assert!(packet[..count].windows(class.len()).any(|window| window == class));
}

#[tokio::test]
async fn a_machine_is_saved_and_goes_on_where_it_was() {
    let rack = rack();
    let machine = small(&rack, "saved", Firmware::Bios);
    machine.power_on().await.unwrap();
    machine.console().wait_for("Press Ctrl-B for the iPXE", FIRMWARE).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let taken = machine.save(dir.path()).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(!machine.status().await.unwrap().on);
    assert_eq!(Snapshot::open(dir.path()).unwrap(), taken);

    machine.power_on_from(&taken).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    machine.console().wait_for("net0", FIRMWARE).await.unwrap();
    let since = machine.console().text().unwrap();
    assert!(!since.contains("SeaBIOS"), "it did not start anew: {since}");

    let other = rack.add(MachineSpec { memory_mib: 256, ..MachineSpec::new(machine_name("other"), Firmware::Bios) });
    let error = other.unwrap().power_on_from(&taken).await.unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
}

#[tokio::test]
async fn a_tpm_has_power_as_long_as_its_machine_and_keeps_its_seed() {
    let rack = rack();
    let spec = MachineSpec { memory_mib: 128, ..MachineSpec::new(machine_name("sealed"), Firmware::Bios) };
    let machine = rack.add(MachineSpec { tpm: Some(TpmModel::Tis), ..spec }).unwrap();
    let process = || rack.state().processes.get("TPM of machine sealed").cloned();
    let mut seeds = Vec::new();
    for _ in 0..2 {
        machine.power_on().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
        let running = process().unwrap();
        assert!(lab::process::alive(&running));
        machine.console().wait_for("Press Ctrl-B for the iPXE", FIRMWARE).await.unwrap();
        machine.power_off().await.unwrap();
        assert!(!lab::process::alive(&running));
        assert_eq!(process(), None);
        seeds.push(std::fs::metadata(machine.dir().join("tpm/tpm2-00.permall")).unwrap().len());
    }
    assert!(seeds[0] > 0 && seeds[0] == seeds[1], "{seeds:?}");
}

#[tokio::test]
async fn the_kvm_probe_keeps_its_deadline_and_its_answer() {
    let cache = tempfile::tempdir().unwrap();
    let limit = Duration::from_secs(60);
    let verdict = tokio::time::timeout(limit, accel::probe(cache.path())).await.expect("the probe has a deadline");
    eprintln!("{}", verdict.because);
    let again = tokio::time::timeout(Duration::from_secs(5), accel::probe(cache.path())).await.unwrap();
    assert_eq!(again, verdict);
}
