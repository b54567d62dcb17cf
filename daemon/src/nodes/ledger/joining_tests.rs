//! A node and the cluster's word, in the order in which things happen.

use std::time::Duration;

use vocabulary::{NomadId, ProcessId, Run, RunState};

use super::*;
use crate::nodes::{
    joining::{NomadClient, Placement, Serf, Status},
    ledger::{Ready, Verifying},
    lifecycle::{Enroll, Membership, Promises},
    requests::tests::{at, booting, call, call_home, mac},
};

fn id(number: u8) -> NomadId {
    format!("6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b{number:02x}").parse().unwrap()
}

fn view(serf: Serf, clients: &[(u8, Status, Placement)]) -> View {
    let node = NodeId::of(mac(1));
    let client = |(number, status, placement): &(u8, Status, Placement)| NomadClient {
        id: id(*number),
        node: node.clone(),
        status: *status,
        placement: *placement,
    };
    View { members: [(node.clone(), serf)].into(), clients: clients.iter().map(client).collect() }
}

/// A node whose run ended well and found this client.
fn verified(membership: Membership, nomad: Option<u8>) -> (Ledger, Writes) {
    let (mut ledger, token) = booting(Enroll::Auto);
    ledger.rules.membership = membership;
    call_home(&mut ledger, 10, &call(1, token)).0.unwrap();
    let [one] = ledger.launchables().try_into().unwrap();
    ledger.answered(at(11), &one, &mut Writes::default());
    let process = ProcessId { pid: 7, start_ticks: 1, host_boot: "x".into() };
    let ready = Ready { run: one.run.id, host_keys: one.host.host_keys.clone(), process, at: at(20) };
    assert!(ledger.begins(at(20), ready, &mut Writes::default()));
    let run = ledger.run(one.run.id).unwrap().clone();
    let over = Run { state: RunState::Succeeded, ended: Some(at(30)), ..run };
    let promises = Promises::Kept { count: 4, nomad: nomad.map(id) };
    let mut writes = Writes::default();
    ledger.run_changed(at(30), &over, Some(&promises), Verifying::NotYet, &mut writes);
    (ledger, writes)
}

fn state(ledger: &Ledger) -> NodeState {
    ledger.machine(mac(1)).unwrap().node.state
}

fn said(ledger: &mut Ledger, second: i64, view: &View) -> (Vec<Act>, Vec<Step>) {
    let mut writes = Writes::default();
    let acts = ledger.cluster_said(at(second), view, &mut writes);
    (acts, writes.steps.iter().map(|line| line.step).collect())
}

#[test]
fn without_a_cluster_kept_promises_are_enough() {
    let (ledger, writes) = verified(Membership::NotAsked, None);
    assert_eq!(state(&ledger), NodeState::Ready);
    assert!(writes.steps.iter().any(|line| line.step == Step::Ready));
}

#[test]
fn a_run_that_found_no_client_makes_no_node_ready_where_there_is_a_cluster() {
    let (ledger, _) = verified(Membership::Demanded, None);
    assert_eq!(state(&ledger), NodeState::Failed);
    assert!(ledger.machine(mac(1)).unwrap().node.reason.as_ref().unwrap().cause.contains("no Nomad client"));
}

#[test]
fn a_node_is_ready_once_both_agree_and_says_meanwhile_what_it_lacks() {
    use Placement::{Eligible, Ineligible};
    let (mut ledger, writes) = verified(Membership::Demanded, Some(1));
    assert_eq!(state(&ledger), NodeState::Joining);
    assert!(ledger.is_joining() && writes.steps.iter().all(|line| line.step != Step::Ready));
    let cause = |ledger: &Ledger| ledger.machine(mac(1)).unwrap().node.reason.clone().unwrap().cause;

    assert_eq!(said(&mut ledger, 31, &View::default()), (vec![], vec![]));
    assert!(cause(&ledger).contains("Consul's servers do not know it"));
    assert_eq!(said(&mut ledger, 32, &view(Serf::Alive, &[])), (vec![], vec![Step::ConsulJoined]));
    assert!(cause(&ledger).contains("Nomad's servers do not know its client"));
    let closed = view(Serf::Alive, &[(1, Status::Ready, Ineligible)]);
    assert_eq!(said(&mut ledger, 33, &closed), (vec![Act::Admit(id(1))], vec![]), "verified: it is let in");
    assert_eq!(state(&ledger), NodeState::Joining, "not before the servers say so");
    let stale = view(Serf::Alive, &[(1, Status::Ready, Eligible), (9, Status::Down, Ineligible)]);
    assert_eq!(said(&mut ledger, 34, &stale), (vec![Act::Purge(id(9))], vec![]));
    assert_eq!(state(&ledger), NodeState::Joining, "its old self is still there");
    let reason = Reason { cause: "Nomad has no leader".into(), remedy: "roost cluster status".into() };
    ledger.cluster_silent(at(35), &reason, &mut Writes::default());
    assert_eq!(cause(&ledger), "Nomad has no leader");

    let member = view(Serf::Alive, &[(1, Status::Ready, Eligible)]);
    assert_eq!(said(&mut ledger, 36, &member), (vec![], vec![Step::NomadJoined, Step::Ready]));
    assert_eq!((state(&ledger), ledger.is_joining()), (NodeState::Ready, false));
    let drained = view(Serf::Alive, &[(1, Status::Ready, Ineligible)]);
    assert_eq!(said(&mut ledger, 37, &drained), (vec![], vec![]), "a person's word on a ready node stands");
}

#[test]
fn an_impostor_under_a_ready_nodes_name_gets_nothing_and_neither_does_a_stranger() {
    let (mut ledger, _) = verified(Membership::Demanded, Some(1));
    let good = (1, Status::Ready, Placement::Eligible);
    said(&mut ledger, 31, &view(Serf::Alive, &[good]));
    let both = view(Serf::Alive, &[good, (2, Status::Ready, Placement::Eligible)]);
    assert_eq!(said(&mut ledger, 32, &both).0, [Act::Close(id(2))]);
    assert_eq!(state(&ledger), NodeState::Ready);
    let stranger = NomadClient { node: NodeId::of(mac(77)), ..both.clients[0].clone() };
    let view = View { clients: vec![stranger], ..View::default() };
    assert_eq!(said(&mut ledger, 33, &view).0, [Act::Close(id(1))]);
}

#[test]
fn a_node_that_the_cluster_does_not_take_fails_with_what_it_lacked_and_is_healed_by_its_word() {
    let (mut ledger, _) = verified(Membership::Demanded, Some(1));
    said(&mut ledger, 31, &view(Serf::Alive, &[]));
    let limit = i64::try_from(ledger.rules.sla.joining.as_secs()).unwrap();
    ledger.tick(at(31 + limit), &mut Writes::default());
    let node = &ledger.machine(mac(1)).unwrap().node;
    assert_eq!(node.state, NodeState::Failed);
    let cause = node.reason.clone().unwrap().cause;
    assert!(cause.contains("within") && cause.contains("do not know its client"), "{cause}");
    said(&mut ledger, 40 + limit, &view(Serf::Alive, &[]));
    assert_eq!(ledger.machine(mac(1)).unwrap().node.reason.clone().unwrap().cause, cause, "its failure stands");
    said(&mut ledger, 41 + limit, &view(Serf::Alive, &[(1, Status::Ready, Placement::Eligible)]));
    assert_eq!(state(&ledger), NodeState::Ready);
}

#[test]
fn a_restart_goes_on_waiting_and_a_new_boot_begins_anew() {
    let (ledger, _) = verified(Membership::Demanded, Some(1));
    let machines = ledger.machines().cloned().collect();
    let runs = ledger.machines().filter_map(|one| ledger.run(one.node.run?).cloned()).collect();
    let mut again = super::super::Ledger::new(ledger.rules.clone(), ledger.counters, machines, runs, None);
    said(&mut again, 40, &view(Serf::Alive, &[(1, Status::Ready, Placement::Eligible)]));
    assert_eq!(state(&again), NodeState::Ready);
    again.turn(at(50), mac(1), &mut Writes::default(), |tracked, counters, turn, _| {
        let token = vocabulary::Token::from_random([5; 32]).hash();
        tracked.script_sent(at(50), (token, Duration::from_secs(60)), None, counters, turn);
    });
    assert_eq!(again.machine(mac(1)).unwrap().node.nomad, None);
    let came_back = view(Serf::Alive, &[(1, Status::Ready, Placement::Eligible)]);
    assert_eq!(said(&mut again, 51, &came_back).0, [Act::Close(id(1))], "it is not verified in this boot");
}

#[test]
fn ready_is_taken_back_after_a_while_with_its_reason_and_given_back_at_once() {
    use Placement::{Eligible, Ineligible};
    let (mut ledger, _) = verified(Membership::Demanded, Some(1));
    let well = view(Serf::Alive, &[(1, Status::Ready, Eligible)]);
    let missed = view(Serf::Failed, &[(1, Status::Ready, Eligible)]);
    said(&mut ledger, 31, &well);
    let absent = i64::try_from(ledger.rules.sla.absent.as_secs()).unwrap();
    // A short miss, twice, with a moment of agreement between: it stays ready.
    for start in [100, 100 + absent] {
        assert_eq!(said(&mut ledger, start, &missed), (vec![], vec![]));
        assert!(ledger.is_joining(), "it is looked at often meanwhile");
        said(&mut ledger, start + absent, &missed);
        assert_eq!(said(&mut ledger, start + absent, &well), (vec![], vec![]));
        assert_eq!((state(&ledger), ledger.is_joining()), (NodeState::Ready, false));
    }
    // Servers that do not answer say nothing of anybody.
    said(&mut ledger, 1000, &missed);
    let reason = Reason { cause: "no leader".into(), remedy: "wait".into() };
    ledger.cluster_silent(at(1001), &reason, &mut Writes::default());
    assert_eq!(said(&mut ledger, 1002 + absent, &missed), (vec![], vec![]));

    assert_eq!(said(&mut ledger, 1003 + 2 * absent, &missed), (vec![], vec![Step::Lapsed]));
    let node = ledger.machine(mac(1)).unwrap().node.clone();
    assert_eq!((node.state, node.waits_for), (NodeState::Lapsed, vocabulary::Wait::Cluster));
    assert_eq!(node.reason.unwrap().cause, "Consul's gossip does not reach it");
    let closed = view(Serf::Alive, &[(1, Status::Ready, Ineligible)]);
    assert_eq!(said(&mut ledger, 2000, &closed), (vec![], vec![]), "nobody undoes a person's order");
    assert!(ledger.machine(mac(1)).unwrap().node.reason.clone().unwrap().cause.contains("ineligible"));
    ledger.tick(at(90_000), &mut Writes::default());
    assert_eq!(state(&ledger), NodeState::Lapsed, "it may be away for as long as it likes");
    assert_eq!(said(&mut ledger, 90_001, &well), (vec![], vec![Step::Ready]));
    assert_eq!((state(&ledger), ledger.is_joining()), (NodeState::Ready, false));
}
