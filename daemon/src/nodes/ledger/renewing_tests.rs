//! Certificates of nodes through jumps of the clock, failures, restarts and what people do meanwhile.

use vocabulary::{HostKey, Identity, MachineId, Node, ProcessId};

use super::*;
use crate::nodes::{
    ledger::{Ready, Verifying},
    lifecycle::{Enroll, Promises},
    requests::tests::{at, by_ann, ledger, mac},
};

const DAY: i64 = 86_400;
const LIFETIME: i64 = 30 * DAY;

/// A ready node whose certificates were made at the beginning.
fn node(last: u8) -> Node {
    let key = HostKey::try_from(format!("ssh-ed25519 {}", "A".repeat(64))).unwrap();
    let identity = Identity {
        mac: mac(last),
        smbios_uuid: None,
        machine_id: MachineId::try_from("0".repeat(32)).ok(),
        host_keys: vec![key],
        answered: Some(at(0)),
        tpm: None,
        kept: None,
    };
    Node {
        state: NodeState::Ready,
        waits_for: NodeState::Ready.waits_for(),
        approved: true,
        identity: Some(identity),
        address: Some([10, 77, 1, last].into()),
        run: Some(RunId(u64::from(last))),
        nomad: "6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b2c".parse().ok(),
        certificates: Some(at(LIFETIME)),
        generation: 1,
        ..Tracked::new(at(0), mac(last)).node
    }
}

/// The run that made it ready.
fn made_by(node: &Node) -> Run {
    let run = Run::queued(node.run.unwrap(), node.id.clone(), RunPurpose::Configure, "call-home", at(0));
    Run { state: RunState::Succeeded, started: Some(at(0)), ended: Some(at(0)), ..run }
}

fn of(nodes: &[Node], open: &[Run]) -> Ledger {
    let mut rules = ledger(Enroll::Approve).rules;
    rules.max_strangers = 99;
    let runs = nodes.iter().map(made_by).chain(open.iter().cloned()).collect();
    let machines = nodes.iter().map(|node| Tracked::kept(node.clone(), None, None, at(0))).collect();
    Ledger::new(rules, crate::nodes::lifecycle::Counters { boot: 1, run: 1000 }, machines, runs, None)
}

fn one() -> Ledger {
    of(&[node(1)], &[])
}

fn known(ledger: &Ledger) -> Node {
    ledger.machine(mac(1)).unwrap().node.clone()
}

fn is_due(ledger: &Ledger, second: i64) -> bool {
    !ledger.due_for_renewal(at(second)).is_empty()
}

/// The first that is due answers.
fn renewed(ledger: &mut Ledger, second: i64) -> (RunId, Writes) {
    let mut writes = Writes::default();
    let due = ledger.due_for_renewal(at(second));
    let run = ledger.renew(at(second), &due[0], &mut writes).unwrap();
    (run, writes)
}

fn begins(ledger: &mut Ledger, second: i64, run: RunId) -> bool {
    let process = ProcessId { pid: 7, start_ticks: 1, host_boot: "x".into() };
    let host_keys = known(ledger).identity.unwrap().host_keys;
    ledger.begins(at(second), Ready { run, host_keys, process, at: at(second) }, &mut Writes::default())
}

fn ends(ledger: &mut Ledger, second: i64, run: RunId, state: RunState, found: Option<i64>) -> Writes {
    let mut writes = Writes::default();
    let run = ledger.run(run).unwrap().clone();
    let cause = (state != RunState::Succeeded).then(|| "task failed".to_owned());
    let over = Run { state, ended: Some(at(second)), cause, ..run };
    if let Some(found) = found {
        ledger.certificates_found(at(second), &over, at(found), &mut writes);
    }
    let promises = Promises::Kept { count: 3, nomad: known(ledger).nomad };
    ledger.run_changed(at(second), &over, Some(&promises), Verifying::NotYet, &mut writes);
    writes
}

fn lines(writes: &Writes) -> Vec<(Step, &str)> {
    writes.steps.iter().map(|line| (line.step, line.detail.as_str())).collect()
}

#[test]
fn a_ready_node_gets_new_certificates_at_a_third_of_their_life_and_stays_ready() {
    let mut ledger = one();
    assert!(!is_due(&ledger, 10 * DAY - 1) && is_due(&ledger, 11 * DAY + 1));
    let before = known(&ledger);
    let (run, writes) = renewed(&mut ledger, 11 * DAY + 1);
    assert_eq!(ledger.run(run).unwrap().purpose, RunPurpose::Certificates);
    assert!(matches!(lines(&writes)[..], [(Step::Certificates, _)]), "{:?}", lines(&writes));
    assert!(!is_due(&ledger, 12 * DAY), "one at a time");
    let [launchable] = ledger.launchables().try_into().unwrap();
    assert_eq!(launchable.run.id, run);
    assert!(begins(&mut ledger, 11 * DAY + 2, run));
    assert_eq!(ledger.running().len(), 1);
    let writes = ends(&mut ledger, 11 * DAY + 30, run, RunState::Succeeded, Some(11 * DAY + LIFETIME));
    assert!(lines(&writes)[0].1.starts_with("renewed by run 1000"), "{:?}", lines(&writes));
    let after = known(&ledger);
    assert_eq!(
        (after.state, after.since, after.run, after.nomad),
        (before.state, before.since, before.run, before.nomad)
    );
    assert!(ledger.run(before.run.unwrap()).is_some(), "the run that made it ready is forgotten");
    assert!(!is_due(&ledger, 21 * DAY) && is_due(&ledger, 23 * DAY));
}

#[test]
fn after_a_year_without_the_daemon_the_first_look_finds_them_and_those_that_ended_first_go_first() {
    let late = Node { certificates: Some(at(LIFETIME + DAY)), ..node(2) };
    let unknown = Node { certificates: None, ..node(3) };
    let ledger = of(&[late.clone(), node(1), unknown.clone()], &[]);
    let due: Vec<NodeId> = ledger.due_for_renewal(at(365 * DAY)).into_iter().map(|host| host.node).collect();
    assert_eq!(due, [unknown.id, node(1).id, late.id]);
}

#[test]
fn a_node_that_the_servers_miss_is_renewed_like_one_that_they_find() {
    let lapsed = Node { state: NodeState::Lapsed, ..node(1) };
    let mut ledger = of(&[lapsed], &[]);
    let (run, _) = renewed(&mut ledger, 40 * DAY);
    assert!(begins(&mut ledger, 40 * DAY, run));
    ends(&mut ledger, 40 * DAY, run, RunState::Succeeded, Some(40 * DAY + LIFETIME));
    assert_eq!(known(&ledger).state, NodeState::Lapsed, "it is ready again by the servers' word");
}

#[test]
fn no_more_than_a_few_are_renewed_at_the_same_time() {
    let nodes: Vec<Node> = (1..=9).map(node).collect();
    let mut ledger = of(&nodes, &[]);
    let due = ledger.due_for_renewal(at(40 * DAY));
    let runs = due.iter().filter_map(|host| ledger.renew(at(40 * DAY), host, &mut Writes::default())).count();
    assert_eq!((due.len(), runs), (AT_ONCE * LOOKS_A_PLACE, AT_ONCE));
    assert!(ledger.due_for_renewal(at(40 * DAY)).is_empty(), "nobody is asked for nothing");
    let asked_long_ago = Host { address: [10, 9, 9, 9].into(), ..due[0].clone() };
    assert_eq!(one().renew(at(40 * DAY), &asked_long_ago, &mut Writes::default()), None, "it is elsewhere now");
}

#[test]
fn a_renewal_that_fails_leaves_the_node_ready_with_the_reason_and_is_tried_again_ever_more_rarely() {
    let mut ledger = one();
    let mut second = 12 * DAY;
    let mut pauses = Vec::new();
    for count in 0..14 {
        let (run, _) = renewed(&mut ledger, second);
        begins(&mut ledger, second, run);
        let writes = ends(&mut ledger, second, run, RunState::Failed, None);
        assert_eq!(lines(&writes).len(), 1, "{count}");
        let node = known(&ledger);
        assert_eq!(node.state, NodeState::Ready);
        assert!(node.reason.unwrap().cause.contains("are not renewed: run 10"));
        let begun = second;
        while !is_due(&ledger, second) {
            second += 1;
        }
        pauses.push(second - begun);
    }
    assert!(pauses[0] <= 3 && pauses.is_sorted() && (3600..=4501).contains(&pauses[13]), "{pauses:?}");
    let (run, _) = renewed(&mut ledger, second);
    // Something else of the node is not as it should be: its certificates are.
    ends(&mut ledger, second, run, RunState::Failed, Some(second + LIFETIME));
    assert_eq!(known(&ledger).reason, None);
    assert!(!is_due(&ledger, second + DAY));
}

#[test]
fn a_machine_that_is_away_is_told_of_once_and_found_when_it_is_back() {
    let mut ledger = one();
    let away = |ledger: &mut Ledger, second| {
        let reason = Reason { cause: "it does not answer".to_owned(), remedy: "switch it on".to_owned() };
        let mut writes = Writes::default();
        ledger.not_renewed(at(second), &node(1).id, (Miss::Away, reason), &mut writes);
        writes
    };
    assert_eq!(lines(&away(&mut ledger, 29 * DAY)), [(Step::Certificates, "not renewed: it does not answer")]);
    for hour in 0..48 {
        let second = 29 * DAY + 3600 * (hour + 1);
        assert!(is_due(&ledger, second), "it is looked for for ever");
        assert!(lines(&away(&mut ledger, second)).is_empty(), "the same is said once");
    }
    let reason = known(&ledger).reason.unwrap();
    assert!(reason.cause.contains("its agents are shut out") && reason.remedy.contains("switch it on"), "{reason:?}");
    let (run, _) = renewed(&mut ledger, 40 * DAY);
    assert!(begins(&mut ledger, 40 * DAY, run));
}

#[test]
fn whoever_is_not_let_in_gets_nothing_and_loses_what_was_under_way() {
    let kept_out = |change: fn(&mut Node)| {
        let mut node = node(1);
        change(&mut node);
        of(&[node], &[])
    };
    for (ledger, why) in [
        (kept_out(|node| node.approved = false), "not approved"),
        (kept_out(|node| node.state = NodeState::Suspect), "suspect"),
        (kept_out(|node| node.state = NodeState::Denied), "denied"),
        (kept_out(|node| node.state = NodeState::Booting), "booting"),
        (kept_out(|node| node.state = NodeState::Retiring), "retiring"),
        (kept_out(|node| node.state = NodeState::Retired), "retired"),
        (kept_out(|node| node.identity = None), "nobody that is known"),
        (kept_out(|node| (node.nomad, node.certificates) = (None, None)), "without agents"),
    ] {
        assert!(!is_due(&ledger, 40 * DAY), "{why}");
    }
    let mut pardoned = one();
    pardoned.turn(at(1), mac(1), &mut Writes::default(), |one, _, _, _| one.pardoned = Some(at(1)));
    assert!(!is_due(&pardoned, 40 * DAY));

    for began in [false, true] {
        let mut ledger = one();
        let (run, _) = renewed(&mut ledger, 40 * DAY);
        assert!(!began || begins(&mut ledger, 40 * DAY, run));
        ledger.deny(at(40 * DAY), by_ann(node(1).id), &mut Writes::default()).unwrap();
        let over = ledger.run(run).unwrap().state.ended();
        assert_eq!(
            (over, ledger.withdrawn(&std::collections::HashSet::new())),
            (!began, vec![run; usize::from(began)])
        );
        assert!(!begins(&mut ledger, 40 * DAY, run), "no word to go");
        ends(&mut ledger, 40 * DAY, run, RunState::Cancelled, None);
        assert_eq!(known(&ledger).state, NodeState::Denied);
        assert!(!is_due(&ledger, 41 * DAY));
    }
}

#[test]
fn a_run_that_a_person_asked_for_is_not_doubled() {
    let mut ledger = one();
    let last = known(&ledger).run.unwrap();
    let (renewal, _) = renewed(&mut ledger, 12 * DAY);
    let asked = ledger.retry(at(12 * DAY), &by_ann(last), &mut Writes::default()).unwrap();
    assert_eq!(ledger.run(renewal).map(|run| run.state), None, "over and forgotten: the whole run brings them");
    assert_eq!(ledger.launchables().iter().map(|one| one.run.id).collect::<Vec<_>>(), [asked]);
    assert!(!is_due(&ledger, 13 * DAY));

    let mut ledger = one();
    let (renewal, _) = renewed(&mut ledger, 12 * DAY);
    assert!(begins(&mut ledger, 12 * DAY, renewal));
    let asked = ledger.retry(at(12 * DAY), &by_ann(last), &mut Writes::default()).unwrap();
    assert!(ledger.withdrawn(&std::collections::HashSet::new()).is_empty(), "the one that goes on may end");
    ends(&mut ledger, 12 * DAY + 9, renewal, RunState::Succeeded, Some(12 * DAY + LIFETIME));
    assert_eq!((known(&ledger).run, known(&ledger).state), (Some(asked), NodeState::CalledHome));

    let mut ledger = one();
    let (renewal, _) = renewed(&mut ledger, 12 * DAY);
    let refused = ledger.retry(at(12 * DAY), &by_ann(renewal), &mut Writes::default()).unwrap_err();
    assert!(refused.to_string().contains("renews certificates"), "{refused}");
}

#[test]
fn a_daemon_that_comes_back_goes_on_with_the_renewal_that_it_finds() {
    for began in [false, true] {
        let mut before = one();
        let (run, _) = renewed(&mut before, 12 * DAY);
        assert!(!began || begins(&mut before, 12 * DAY, run));
        let mut ledger = of(&[known(&before)], &[before.run(run).unwrap().clone()]);
        assert!(!is_due(&ledger, 13 * DAY));
        let found = (ledger.launchables().len(), ledger.running().len());
        assert_eq!(found, if began { (0, 1) } else { (1, 0) });
        ends(&mut ledger, 13 * DAY, run, RunState::Succeeded, Some(12 * DAY + LIFETIME));
        assert!(!is_due(&ledger, 14 * DAY), "renewed");
    }
}

#[test]
fn one_that_goes_away_before_its_run_begins_keeps_no_place_for_the_others() {
    let mut ledger = one();
    let (run, _) = renewed(&mut ledger, 12 * DAY);
    let reason = Reason { cause: "no answer".to_owned(), remedy: "look".to_owned() };
    ledger.stuck(at(12 * DAY), mac(1), reason, &mut Writes::default());
    assert_eq!(ledger.run(run).unwrap().state, RunState::Cancelled);
    assert!(!is_due(&ledger, 12 * DAY + 1) && is_due(&ledger, 12 * DAY + 10));
}
