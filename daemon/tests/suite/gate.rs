//! Who is let in and who is put out while Ansible is at work, with synthetic machines that have a real sshd.

use std::{path::Path, time::Duration};

use lab::{
    Synthetic, SyntheticSpec,
    synthetic::{CallHomeClaim, Lease, Stage, System},
};
use vocabulary::{Firmware, HostKey, Mac, NodeId, NodeState, RunState, Step, Token};

use crate::bench::{BASE, Bench, Setup};

const PATIENCE: Duration = Duration::from_secs(90);

/// A machine that called home, and its words; its system runs until it is dropped.
struct Booted {
    machine: Synthetic,
    claim: CallHomeClaim,
    lease: Lease,
    _system: System,
}

impl Booted {
    fn mac(&self) -> Mac {
        self.machine.mac()
    }
}

async fn boot(bench: &Bench, name: &str, lie: impl FnOnce(&mut CallHomeClaim)) -> Booted {
    let machine = Synthetic::plug_in(&bench.rack, SyntheticSpec::new(name.parse().unwrap(), Firmware::Bios)).unwrap();
    let lease = machine.dhcp(Stage::Ipxe).await.unwrap();
    let script = machine.script(lease.boot_file.as_ref().unwrap()).await.unwrap();
    let token = Token::try_from(script.argument("roost.token").expect("the script has a token")).unwrap();
    let private = bench.data.path().join("ssh/fleet_ed25519");
    let public = std::process::Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    let fleet_key = String::from_utf8(public.stdout).unwrap();
    let system = machine.start_system(&fleet_key).await.unwrap_or_else(|error| panic!("{error:?}"));
    let mut claim = machine.claim(token, lease.address.into(), system.host_key().clone());
    lie(&mut claim);
    let answer = machine.call_home(BASE, &claim).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    Booted { machine, claim, lease, _system: system }
}

/// Somebody who stole the token calls home with a key of his own.
async fn cloned(booted: &Booted) {
    let mut cloner = booted.claim.clone();
    cloner.ssh_host_keys = vec![HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap()];
    let answer = booted.machine.call_home(BASE, &cloner).await.unwrap();
    assert_eq!(answer.status, 409, "{}", answer.text());
}

fn inventory(bench: &Bench) -> String {
    std::fs::read_to_string(bench.data.path().join("inventory/50-roost.yaml")).unwrap_or_default()
}

fn listed(bench: &Bench, mac: Mac) -> bool {
    inventory(bench).contains(&NodeId::of(mac).to_string())
}

async fn run_of(bench: &Bench, mac: Mac) -> daemon::http::wire::RunView {
    bench.runs().await.into_iter().find(|run| run.node == NodeId::of(mac)).expect("it has a run")
}

#[tokio::test(flavor = "multi_thread")]
async fn parking_a_node_ends_its_run_wherever_it_is_and_takes_the_node_out_of_the_inventory() {
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/playbooks/endless.yaml");
    let bench = Bench::up(Setup { playbook, concurrency: 1, ..Setup::small() }).await;

    let running = boot(&bench, "m1", |_| ()).await;
    bench.reached(running.mac(), Step::RunStarted, PATIENCE).await;
    let waiting = boot(&bench, "m2", |_| ()).await;
    bench.until(PATIENCE, "the second run to be handed over", async || listed(&bench, waiting.mac())).await;

    cloned(&waiting).await;
    let cancelled = async |mac| run_of(&bench, mac).await.state == RunState::Cancelled;
    assert!(cancelled(waiting.mac()).await, "it ends in the write that parks its node");
    bench.until(PATIENCE, "the parked node to leave the inventory", async || !listed(&bench, waiting.mac())).await;

    cloned(&running).await;
    bench.until(PATIENCE, "the run that goes on to be ended", async || cancelled(running.mac()).await).await;
    let ended = run_of(&bench, running.mac()).await;
    assert!(ended.cause.as_ref().is_some_and(|cause| cause.starts_with("its node is suspect")), "{ended:?}");

    // The next run gets the free place: the parked nodes' turns are over, and neither is back.
    let address = running.claim.addresses[0];
    let honest = boot(&bench, "m3", |claim| claim.addresses = vec![address]).await;
    bench.reached(honest.mac(), Step::RunStarted, PATIENCE).await;
    assert!(run_of(&bench, waiting.mac()).await.started.is_none(), "the run of a parked node started");
    for parked in [&running, &waiting] {
        assert_eq!(bench.node(parked.mac()).await.unwrap().state, NodeState::Suspect);
        assert!(!listed(&bench, parked.mac()), "{}", inventory(&bench));
    }
    assert!(listed(&bench, honest.mac()), "{}", inventory(&bench));
    assert!(!inventory(&bench).contains(&address.to_string()), "another node's address was believed");
}

/// A packet in a node's name has its next renewal refused, and it goes on under another address.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_lease_was_declined_in_its_name_is_followed_and_nobody_boots_under_its_mac() {
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/playbooks/endless.yaml");
    let bench = Bench::up(Setup { playbook, concurrency: 1, ..Setup::small() }).await;
    let node = boot(&bench, "m1", |_| ()).await;
    let mac = node.mac();
    bench.reached(mac, Step::RunStarted, PATIENCE).await;
    node.machine.decline(&node.lease).unwrap();
    bench.until(PATIENCE, "the lease to be declined", async || bench.count(mac, Step::Alarm).await == 1).await;
    let moved = node.machine.dhcp(Stage::System).await.unwrap();
    assert_ne!(moved.address, node.lease.address);
    let is_there = async || bench.node(mac).await.unwrap().address == Some(moved.address);
    bench.until(PATIENCE, "the node to be known at its new address", is_there).await;
    bench
        .until(PATIENCE, "its new address in the inventory", async || {
            inventory(&bench).contains(&moved.address.to_string())
        })
        .await;

    let lease = node.machine.dhcp(Stage::Ipxe).await.unwrap();
    let script = node.machine.script(&lease.boot_file.unwrap()).await.unwrap();
    assert!(script.token.is_none(), "somebody got a token under the MAC of a node that is up");
    assert!(script.shown().contains("belongs to a machine that is up"), "{}", script.shown());
    assert_eq!(bench.node(mac).await.unwrap().address, Some(moved.address));
}
