//! Power orders over a real store and a real program, whose caller leaves or whose daemon ends in the middle.

use std::{fs, path::Path, sync::Arc};

use store::{Batch, NodeWrite, Store};
use tasks::ManualClock;
use vocabulary::{Authority, Identity, Mac, Node, NodeState, Timestamp};

use super::*;
use crate::{
    adapters::boot::NoLeases,
    nodes::{NodesPart, lifecycle::Tracked, requests::tests::ledger},
    power::CommandPower,
    ssh::{FleetKey, Keyring},
};

const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

/// The lifecycle and the part, running over a folder until they are killed.
struct House {
    store: Store,
    nodes: Nodes,
    switches: Switches,
    parts: JoinSet<()>,
    /// Of the part that switches.
    stop: Stop,
}

impl House {
    async fn open(folder: &Path) -> Self {
        Self::open_with(folder, |_| ()).await
    }

    /// With a node that is otherwise.
    async fn open_with(folder: &Path, change: impl FnOnce(&mut Node)) -> Self {
        let at = Timestamp::UNIX_EPOCH;
        let store = Store::open(folder, at).await.unwrap();
        if store.node(NodeId::of(MAC)).await.unwrap().is_none() {
            let mut node =
                Node { generation: 1, approved: true, state: NodeState::Ready, ..Tracked::new(at, MAC).node };
            change(&mut node);
            let nodes = vec![NodeWrite { node, from: 0 }];
            store.commit(Batch { nodes, ..Batch::default() }).await.unwrap();
        }
        let rules = ledger(crate::nodes::lifecycle::Enroll::Approve).rules;
        let clock = Arc::new(ManualClock::new(at));
        let (part, nodes) = NodesPart::build(rules, store.clone(), clock, Arc::default()).await.unwrap();
        let key = FleetKey::ensure(folder).await.unwrap();
        let keys = Arc::new(Keyring::open_ring(key, folder.to_owned()).await.unwrap());
        let pulse = Pulse::new(nodes.clone(), keys, Arc::new(NoLeases), Arc::new(tasks::SystemClock));
        let (switches, mut switcher) =
            super::switches(nodes.clone(), Arc::new(outlet(folder)), pulse, Duration::from_secs(20));
        switcher.hands.patience = Patience { looks: 3, apart: crate::adapters::pulse::APART };
        let mut parts = JoinSet::new();
        parts.spawn(async move { part.run(Stop::new()).await.unwrap() });
        let stop = Stop::new();
        let told = stop.clone();
        parts.spawn(async move { switcher.run(told).await.unwrap() });
        Self { store, nodes, switches, parts, stop }
    }

    fn order(&self, action: PowerAction) -> impl Future<Output = Result<Vec<Effect>, NodeError>> {
        let order = PowerOrder { node: NodeId::of(MAC), action };
        self.switches.switch(Approved::mint(order, Authority::Person { name: "ann".into() }).unwrap())
    }

    /// Gives an order and leaves once the program is in the middle of it.
    async fn order_and_leave(&self, action: PowerAction, folder: &Path) {
        tokio::select! {
            done = self.order(action) => panic!("the program ended too early: {done:?}"),
            () = until(async || log(folder) == format!("{} began\n", action.name())) => {}
        }
    }

    async fn node(&self) -> Node {
        self.nodes.ask(|ledger, _, _| ledger.machine(MAC).unwrap().node.clone()).await.unwrap()
    }

    async fn is_settled(&self) -> bool {
        self.nodes.ask(|ledger, _, _| ledger.switchings().is_empty()).await.unwrap()
    }

    /// As `systemctl restart` would.
    async fn stop(mut self) {
        self.stop.cancel();
        until(async || self.parts.try_join_next().is_some()).await;
        self.kill().await;
    }

    /// As `kill -9` would: no part hears of it, and what was not synced is gone.
    async fn kill(mut self) {
        self.parts.shutdown().await;
        self.store.close().await;
    }
}

/// A switch that takes until the file `go` is there, writes down how far it came, and ends as that file says; with the
/// word `cut` the shell that keeps its exit status is ended with it, as in a fall of the control node.
fn outlet(folder: &Path) -> CommandPower {
    let dir = folder.display();
    let script = format!(
        "echo {{action}} began >>{dir}/log; until [ -e {dir}/go ]; do sleep 0.02; done; echo {{action}} ended >>{dir}/log
        read -r how <{dir}/go || exit 0
        [ \"$how\" = cut ] || exit $how
        read -r _ _ _ up _ </proc/$PPID/stat; kill -9 $up $PPID"
    );
    let argv = ["sh", "-c", &script].map(str::to_owned).to_vec();
    CommandPower { argv, limit: Duration::from_secs(60), folder: folder.join("power") }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("in time");
}

#[tokio::test]
async fn an_order_is_carried_out_to_its_end_although_its_client_left() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    house.order_and_leave(PowerAction::Off, folder.path()).await;
    let Err(NodeError::Conflict { reason, .. }) = house.order(PowerAction::On).await else { panic!("a second order") };
    assert!(reason.contains("power off by ann is being carried out"), "{reason}");
    fs::write(folder.path().join("go"), "").unwrap();
    until(async || house.is_settled().await).await;
    assert_eq!(log(folder.path()), "off began\noff ended\n");
    let node = house.node().await;
    assert_eq!((node.state, node.reason.unwrap().cause.as_str()), (NodeState::Approved, "switched off by ann"));
    house.kill().await;
}

#[tokio::test]
async fn a_daemon_killed_between_the_switch_and_its_row_finds_out_that_the_machine_is_off() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    house.order_and_leave(PowerAction::Off, folder.path()).await;
    assert_eq!(house.node().await.state, NodeState::Ready);
    house.kill().await;
    fs::write(folder.path().join("go"), "").unwrap();
    let house = House::open(folder.path()).await;
    until(async || house.is_settled().await).await;
    let node = house.node().await;
    assert_eq!((node.state, node.reason.unwrap().cause.as_str()), (NodeState::Approved, "switched off by ann"));
    assert_eq!(log(folder.path()), "off began\noff ended\n", "the order is not given again");
    house.kill().await;
}

/// An approved machine that never called home: nothing can be asked of it.
fn bare(node: &mut Node) {
    node.state = NodeState::Approved;
}

/// A machine that can be asked: whatever has this key at this address.
fn pinned(address: [u8; 4], host_key: &str) -> impl FnOnce(&mut Node) {
    let host_keys = vec![vocabulary::HostKey::try_from(host_key.to_owned()).unwrap()];
    move |node| {
        let (machine_id, answered) = (None, None);
        let identity = Identity { mac: MAC, smbios_uuid: None, machine_id, host_keys, answered, tpm: None, kept: None };
        (node.identity, node.address) = (Some(identity), Some(address.into()));
    }
}

/// The daemon is killed during an `off`, whose program then ends like this; the next one has found out how it ended.
async fn cut_short(folder: &Path, how: &str, node: impl FnOnce(&mut Node)) -> (Node, String) {
    let house = House::open_with(folder, node).await;
    house.order_and_leave(PowerAction::Off, folder).await;
    house.kill().await;
    fs::write(folder.join("go"), how).unwrap();
    let house = House::open(folder).await;
    until(async || house.is_settled().await).await;
    assert_eq!(log(folder), "off began\noff ended\n", "the order is not given again");
    let (node, lines) = (house.node().await, house.store.timeline(NodeId::of(MAC), None, 99).await.unwrap());
    house.kill().await;
    (node, lines.last().unwrap().detail.clone())
}

#[tokio::test]
async fn an_off_whose_program_failed_while_no_daemon_ran_is_no_machine_that_is_off() {
    for (address, node) in [(None, None), (Some([127, 22, 3, 9]), Some(FOREIGN))] {
        let folder = tempfile::tempdir().unwrap();
        let change = |one: &mut Node| match (address, node) {
            (Some(address), Some(key)) => pinned(address, key)(one),
            _ => bare(one),
        };
        let (node, told) = cut_short(folder.path(), "1\n", change).await;
        assert_eq!(node.reason, None, "it was not switched off");
        assert!(told.starts_with("power order failed: sh failed: exit status: 1"), "{told}");
    }
}

/// A host key of nobody here.
const FOREIGN: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJvb3N0cm9vc3Ryb29zdHJvb3N0cm9vc3Ryb29zdHJv";

#[tokio::test]
async fn an_off_of_which_nobody_knows_how_it_ended_is_told_by_the_machine_itself() {
    let folders = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let [silent, answers, loaded, unknown] = &folders;
    let sshd = crate::ssh::sshd::Sshd::at([127, 22, 3, 1], "", "");
    let own = sshd.pinned().host_keys[0].to_string();
    // Takes connections and says nothing, as an sshd that strangers load.
    let _listener = std::net::TcpListener::bind("127.22.3.2:22").expect("root may take port 22");

    let (node, told) = cut_short(silent.path(), "cut\n", pinned([127, 22, 3, 9], FOREIGN)).await;
    assert_eq!((node.reason.unwrap().cause.as_str(), told.as_str()), ("switched off by ann", "switched off"));
    let (node, told) = cut_short(answers.path(), "cut\n", pinned([127, 22, 3, 1], &own)).await;
    assert_eq!(node.state, NodeState::Ready);
    assert!(told.contains("the machine still answers"), "{told}");
    let (node, told) = cut_short(loaded.path(), "cut\n", pinned([127, 22, 3, 2], FOREIGN)).await;
    assert_eq!(node.state, NodeState::Ready);
    assert!(told.contains("cannot be found out"), "{told}");
    let (node, told) = cut_short(unknown.path(), "cut\n", bare).await;
    assert_eq!((node.state, node.reason), (NodeState::Approved, None));
    assert!(told.contains("cannot be found out"), "{told}");
}

/// Its row was written and the daemon killed before the program began: nothing was switched, and nothing is awaited.
#[tokio::test]
async fn an_order_that_never_began_is_not_held_against_the_node() {
    for action in [PowerAction::Cycle, PowerAction::Off] {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path()).await;
        let ordered = house.nodes.ask(move |ledger, now, writes| {
            ledger.power(now, (&NodeId::of(MAC), action), "ann", Living::Answers, writes).is_ok()
        });
        assert!(ordered.await.unwrap());
        house.kill().await;
        let house = House::open(folder.path()).await;
        until(async || house.is_settled().await).await;
        let awaited = house.nodes.ask(|ledger, _, _| ledger.power_orders()).await.unwrap();
        assert!(awaited.is_empty(), "nobody will answer what was never sent: {awaited:?}");
        let lines = house.store.timeline(NodeId::of(MAC), None, 99).await.unwrap();
        let told = &lines.last().unwrap().detail;
        assert!(told.contains("the daemon ended before the order was given"), "{told}");
        assert_eq!((house.node().await.state, log(folder.path())), (NodeState::Ready, String::new()));
        house.kill().await;
    }
}

#[tokio::test]
async fn a_daemon_killed_during_a_cycle_gives_it_no_second_time_and_waits_for_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    house.order_and_leave(PowerAction::Cycle, folder.path()).await;
    house.kill().await;
    fs::write(folder.path().join("go"), "").unwrap();
    let house = House::open(folder.path()).await;
    until(async || house.is_settled().await).await;
    let awaited = house.nodes.ask(|ledger, _, _| ledger.power_orders()).await.unwrap();
    assert!(awaited.contains_key(&NodeId::of(MAC)));
    assert_eq!(log(folder.path()), "cycle began\ncycle ended\n", "the order is not given again");
    house.kill().await;
}

#[tokio::test]
async fn a_cycle_that_a_stop_of_the_daemon_finds_under_way_goes_on_and_the_next_daemon_lets_it_end() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    house.order_and_leave(PowerAction::Cycle, folder.path()).await;
    house.stop().await;
    let house = House::open(folder.path()).await;
    let Err(NodeError::Conflict { reason, .. }) = house.order(PowerAction::Off).await else { panic!("a second order") };
    assert!(reason.contains("power cycle by ann is being carried out"), "{reason}");
    assert!(!house.is_settled().await, "the program is between off and on");
    fs::write(folder.path().join("go"), "").unwrap();
    until(async || house.is_settled().await).await;
    assert_eq!(log(folder.path()), "cycle began\ncycle ended\n");
    let awaited = house.nodes.ask(|ledger, _, _| ledger.power_orders()).await.unwrap();
    assert!(awaited.contains_key(&NodeId::of(MAC)));
    house.kill().await;
}
