//! Who is a member, and what is done about clients, as a table.

use vocabulary::{Mac, Timestamp};

use super::*;
use crate::nodes::lifecycle::Tracked;

const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);

fn id(number: u8) -> NomadId {
    format!("6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b{number:02x}").parse().unwrap()
}

fn node(state: NodeState, nomad: Option<u8>) -> Node {
    let node = Tracked::new(Timestamp::UNIX_EPOCH, MAC).node;
    Node { state, nomad: nomad.map(id), approved: true, ..node }
}

fn client(number: u8, status: Status, placement: Placement) -> NomadClient {
    NomadClient { id: id(number), node: NodeId::of(MAC), status, placement }
}

fn view(serf: Option<Serf>, clients: Vec<NomadClient>) -> View {
    View { members: serf.map(|serf| (NodeId::of(MAC), serf)).into_iter().collect(), clients }
}

fn run(state: RunState) -> Run {
    let mut turn = crate::nodes::lifecycle::Turn::default();
    let mut counters = crate::nodes::lifecycle::Counters { boot: 1, run: 1 };
    let mut tracked = Tracked::new(Timestamp::UNIX_EPOCH, MAC);
    let repeat = crate::nodes::lifecycle::Repeat::default();
    tracked.queue_run(Timestamp::UNIX_EPOCH, "test", repeat, &mut counters, &mut turn);
    Run { state, ..turn.run.unwrap() }
}

#[test]
fn a_member_is_alive_and_the_one_ready_eligible_client_that_the_machine_reported() {
    let joining = node(NodeState::Joining, Some(1));
    let good = || client(1, Status::Ready, Placement::Eligible);
    let alive = Some(Serf::Alive);
    assert_eq!(standing(&joining, &view(alive, vec![good()])), Standing::Member);
    let closed = client(1, Status::Ready, Placement::Ineligible);
    assert_eq!(standing(&joining, &view(alive, vec![closed])), Standing::Verified);
    for (serf, lack) in [(None, "do not know it"), (Some(Serf::Failed), "does not reach it")] {
        let Standing::Nowhere(said) = standing(&joining, &view(serf, vec![good()])) else { panic!("{lack}") };
        assert!(said.contains(lack), "{said}");
    }
    let elsewhere = NomadClient { node: NodeId::of(Mac([2; 6])), ..good() };
    for (clients, lack) in [
        (vec![], "do not know its client"),
        (vec![client(2, Status::Ready, Placement::Eligible)], "do not know its client"),
        (vec![elsewhere], "calls itself node-020202020202"),
        (vec![client(1, Status::Initializing, Placement::Eligible)], "first heartbeat"),
        (vec![client(1, Status::Down, Placement::Eligible)], "miss its heartbeats"),
        (vec![client(1, Status::Disconnected, Placement::Eligible)], "miss its heartbeats"),
        (vec![good(), client(2, Status::Down, Placement::Ineligible)], "an earlier client of it"),
        (vec![client(1, Status::Ready, Placement::Draining)], "drains it"),
    ] {
        let Standing::ConsulAlone(said) = standing(&joining, &view(alive, clients)) else { panic!("{lack}") };
        assert!(said.contains(lack), "{said}");
    }
    let silent = node(NodeState::Joining, None);
    assert!(matches!(standing(&silent, &view(alive, vec![good()])), Standing::ConsulAlone(_)));
}

#[test]
fn whoever_is_not_verified_gets_no_allocations() {
    let succeeded = run(RunState::Succeeded);
    let eligible = [client(1, Status::Ready, Placement::Eligible)];
    for state in NodeState::ALL {
        let (own, other) = (node(state, Some(1)), node(state, Some(2)));
        let verified = matches!(
            state,
            NodeState::Ready
                | NodeState::Lapsed
                | NodeState::CalledHome
                | NodeState::Configuring
                | NodeState::Verifying
                | NodeState::Joining
        );
        let expected = if verified { vec![] } else { vec![Act::Close(id(1))] };
        assert_eq!(acts(Some(&own), None, eligible.iter()), expected, "{state}");
        assert_eq!(acts(Some(&other), Some(&succeeded), eligible.iter()), [Act::Close(id(1))], "{state}");
    }
    assert_eq!(acts(None, None, eligible.iter()), [Act::Close(id(1))], "nobody knows a machine of that name");
    for placement in [Placement::Ineligible, Placement::Draining] {
        let closed = [client(1, Status::Ready, placement)];
        assert_eq!(acts(None, None, closed.iter()), [], "a person's drain is left alone");
    }
}

#[test]
fn an_earlier_self_is_purged_once_it_is_down_and_the_new_one_is_verified() {
    let succeeded = run(RunState::Succeeded);
    let stale = |status| [client(1, status, Placement::Ineligible)];
    for state in [NodeState::Joining, NodeState::Ready, NodeState::Lapsed, NodeState::Failed] {
        let node = node(state, Some(2));
        assert_eq!(acts(Some(&node), Some(&succeeded), stale(Status::Down).iter()), [Act::Purge(id(1))], "{state}");
        assert_eq!(acts(Some(&node), Some(&succeeded), stale(Status::Ready).iter()), [], "{state}");
    }
    for state in [NodeState::Booting, NodeState::Configuring, NodeState::Suspect] {
        assert_eq!(acts(Some(&node(state, None)), None, stale(Status::Down).iter()), [], "{state}");
    }
}

#[test]
fn a_failure_is_healed_by_the_cluster_only_where_the_run_was_well() {
    let failed = node(NodeState::Failed, Some(1));
    assert!(waits(&failed, Some(&run(RunState::Succeeded))));
    assert!(!waits(&failed, Some(&run(RunState::Failed))) && !waits(&failed, None));
    assert!(!waits(&node(NodeState::Failed, None), Some(&run(RunState::Succeeded))));
    assert!(!waits(&node(NodeState::Ready, Some(1)), Some(&run(RunState::Succeeded))));
}

#[test]
fn a_ready_node_lapses_by_what_is_said_of_it_and_never_by_who_else_has_its_name() {
    let ready = node(NodeState::Ready, Some(1));
    let good = || client(1, Status::Ready, Placement::Eligible);
    let alive = Some(Serf::Alive);
    assert_eq!(lapse(&ready, &view(alive, vec![good()])), None);
    assert_eq!(lapse(&ready, &view(alive, vec![good(), client(2, Status::Ready, Placement::Eligible)])), None);
    for (serf, client, lack) in [
        (None, good(), "do not know it"),
        (Some(Serf::Failed), good(), "does not reach it"),
        (alive, client(2, Status::Ready, Placement::Eligible), "do not know its client"),
        (alive, client(1, Status::Down, Placement::Eligible), "miss its heartbeats"),
        (alive, client(1, Status::Ready, Placement::Draining), "drains it"),
        (alive, client(1, Status::Ready, Placement::Ineligible), "ineligible"),
    ] {
        let said = lapse(&ready, &view(serf, vec![client])).unwrap();
        assert!(said.cause.contains(lack), "{said:?}");
        let by_order = matches!(lack, "drains it" | "ineligible");
        assert_eq!(said.remedy.contains("roost node drain"), by_order, "{said:?}");
    }
}
