//! A kept rack: power from elsewhere, and machines that wake on the real packet.

use std::{sync::Arc, time::Duration};

use lab::{Firmware, Keeper, MachineSpec, PowerAction, Rack, control, wake::magic_payload};
use tasks::Stop;

use crate::support::{chain, eventually, machine_name, rack};

/// A rack with one small machine, served until the guard is dropped at the test's end.
fn kept() -> (Arc<Rack>, Arc<lab::Machine>, Stop, tokio::task::JoinSet<()>) {
    let rack = Arc::new(rack());
    let spec = MachineSpec { memory_mib: 128, ..MachineSpec::new(machine_name("m"), Firmware::Bios) };
    let machine = rack.add(spec).unwrap();
    let keeper = Keeper::build(Arc::clone(&rack)).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let stop = Stop::new();
    let mut tasks = tokio::task::JoinSet::new();
    let told = stop.clone();
    tasks.spawn(async move { keeper.run(told).await.unwrap() });
    (rack, machine, stop, tasks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_wakes_on_its_own_packet_and_on_no_other() {
    let (rack, machine, stop, tasks) = kept();
    let mut stranger = machine.mac();
    stranger.0[5] ^= 1;
    let send = |mac| {
        let sent = rack.namespace().enter(|| {
            let socket = std::net::UdpSocket::bind("10.77.0.1:0")?;
            socket.set_broadcast(true)?;
            socket.send_to(&magic_payload(mac), "10.77.255.255:9")
        });
        sent.unwrap().unwrap();
    };
    send(stranger);
    // The stranger's packet is in the listener's queue before ours: once ours has woken the machine, it was seen.
    assert!(!machine.status().await.unwrap().on);
    send(machine.mac());
    eventually("the machine runs", async || machine.status().await.unwrap().detail == "running").await;
    machine.power_off().await.unwrap();

    raw_frame(&rack, machine.mac());
    eventually("the raw frame wakes it too", async || machine.status().await.unwrap().on).await;
    stop.cancel();
    tasks.join_all().await;
    drop(machine);
}

#[tokio::test(flavor = "multi_thread")]
async fn power_is_changed_from_elsewhere() {
    let (rack, machine, stop, tasks) = kept();
    let dir = rack.dir();
    let name = machine.name();
    assert!(control::power(dir, name, PowerAction::On).await.unwrap().on);
    assert!(control::power(dir, name, PowerAction::On).await.unwrap().on, "on twice is on");
    assert!(control::power(dir, name, PowerAction::Cycle).await.unwrap().on);
    assert!(!control::power_by_mac(dir, machine.mac(), PowerAction::Off).await.unwrap().on);
    let error = control::power(dir, &machine_name("nobody"), PowerAction::On).await.unwrap_err();
    assert!(error.to_string().contains("there are: m"), "{error}");
    stop.cancel();
    tasks.join_all().await;
    let error = control::power(dir, name, PowerAction::On).await.unwrap_err();
    assert!(error.to_string().contains("roost lab list"), "{error}");
}

/// Wake-on-LAN without IP, as etherwake sends it.
fn raw_frame(rack: &Rack, mac: vocabulary::Mac) {
    let script = "import socket,sys; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(('rack0',0)); \
                  m=bytes.fromhex(sys.argv[1]); s.send(b'\\xff'*6+m+b'\\x08\\x42'+b'\\xff'*6+m*16)";
    let sent = rack.command("python3").args(["-c", script, &mac.bare()]).status().unwrap();
    assert!(sent.success());
}

/// A keeper that is dropped with its runtime must not hang it.
#[test]
fn a_keeper_ends_with_its_stop() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (_rack, _machine, stop, mut tasks) = kept();
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), tasks.join_next()).await.unwrap();
    });
}
