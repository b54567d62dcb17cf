//! What becomes of a run when its node is parked, denied, late, or booted by somebody else.

use vocabulary::{Approved, CallHome, NodeId, Token};

use super::*;
use crate::nodes::{
    endorsement::Clearance,
    launcher::Turns,
    lifecycle::Enroll,
    requests::{
        Answer, Living, Outside, TurnedDown,
        tests::{ask, at, booting, by_ann, call, call_home, discover, mac, outside},
    },
};

fn other_key(honest: &CallHome) -> CallHome {
    let key = HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap();
    CallHome { ssh_host_keys: vec![key], ..honest.clone() }
}

/// A machine that called home, and what is to be launched on it.
fn called_home() -> (Ledger, CallHome, Launchable) {
    let (mut ledger, token) = booting(Enroll::Auto);
    let honest = call(1, token);
    call_home(&mut ledger, 10, &honest).0.unwrap();
    let [one] = ledger.launchables().try_into().unwrap();
    (ledger, honest, one)
}

fn answers(ledger: &mut Ledger, one: &Launchable) -> Clearance {
    ledger.answered(at(11), one, &mut Writes::default())
}

fn ready(one: &Launchable) -> Ready {
    let process = ProcessId { pid: 7, start_ticks: 1, host_boot: "x".into() };
    Ready { run: one.run.id, host_keys: one.host.host_keys.clone(), process, at: at(20) }
}

fn begins(ledger: &mut Ledger, one: &Launchable) -> bool {
    ledger.begins(at(20), ready(one), &mut Writes::default())
}

fn park(ledger: &mut Ledger, honest: &CallHome) -> Writes {
    let (answer, writes) = call_home(ledger, 15, &other_key(honest));
    assert!(matches!(answer, Err(TurnedDown::Parked(_))), "{answer:?}");
    writes
}

fn deny(ledger: &mut Ledger) -> Writes {
    let mut writes = Writes::default();
    let order: Approved<NodeId> = by_ann(NodeId::of(mac(1)));
    ledger.deny(at(15), order, &mut writes).unwrap();
    writes
}

#[test]
fn parking_or_denying_a_node_ends_its_queued_run_in_the_same_write_however_far_it_was_handed_on() {
    for how in [park as fn(&mut Ledger, &CallHome) -> Writes, |ledger, _| deny(ledger)] {
        let (mut ledger, honest, one) = called_home();
        assert_eq!(answers(&mut ledger, &one), Clearance::Go);
        assert_eq!(ledger.inventory().len(), 1);
        let writes = how(&mut ledger, &honest);
        let run = &writes.runs[&one.run.id];
        assert_eq!(run.state, RunState::Cancelled);
        assert!(run.cause.as_ref().unwrap().starts_with("its node is "), "{run:?}");
        assert!(ledger.launchables().is_empty() && ledger.inventory().is_empty());
        assert!(!begins(&mut ledger, &one), "it was handed to the runner before, and gets no word to go");
        assert_eq!(ledger.withdrawn(&HashSet::from([one.run.id])), [one.run.id]);
        assert_eq!(answers(&mut ledger, &one), Clearance::Stop);
    }
}

#[test]
fn a_run_that_goes_on_a_node_that_is_parked_or_denied_is_withdrawn_and_changes_nothing_by_its_end() {
    for how in [park as fn(&mut Ledger, &CallHome) -> Writes, |ledger, _| deny(ledger)] {
        let (mut ledger, honest, one) = called_home();
        answers(&mut ledger, &one);
        assert!(begins(&mut ledger, &one));
        assert!(ledger.withdrawn(&HashSet::new()).is_empty());
        how(&mut ledger, &honest);
        assert_eq!(ledger.withdrawn(&HashSet::new()), [one.run.id]);
        let state = ledger.machine(mac(1)).unwrap().node.state;
        let running = ledger.run(one.run.id).unwrap().clone();
        assert!(ledger.unwanted(&running).unwrap().contains(state.name()));
        let over = Run { state: RunState::Succeeded, ended: Some(at(30)), ..running };
        ledger.run_changed(
            at(30),
            &over,
            Some(&Promises::Kept { count: 4, nomad: None }),
            Verifying::NotYet,
            &mut Writes::default(),
        );
        assert_eq!(ledger.machine(mac(1)).unwrap().node.state, state, "the run of a parked node made it {state}");
        assert!(ledger.withdrawn(&HashSet::new()).is_empty());
    }
}

#[test]
fn a_run_goes_only_on_the_host_keys_that_it_was_launched_for() {
    let (mut ledger, honest, one) = called_home();
    answers(&mut ledger, &one);
    let foreign = Ready { host_keys: other_key(&honest).ssh_host_keys, ..ready(&one) };
    assert!(!ledger.begins(at(20), foreign, &mut Writes::default()));
    let run = ledger.run(one.run.id).unwrap();
    assert_eq!(run.state, RunState::Cancelled, "it would wait for ever");
}

#[test]
fn a_machine_that_never_answers_fails_with_its_run_and_the_run_can_be_asked_for_again() {
    let (mut ledger, _, one) = called_home();
    let mut writes = Writes::default();
    ledger.tick(at(10 + 61), &mut writes);
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Failed);
    assert_eq!(writes.runs[&one.run.id].state, RunState::Cancelled, "queued for ever");
    let again = ledger.retry(at(80), &by_ann(one.run.id), &mut Writes::default()).unwrap();
    assert_eq!(ledger.launchables().iter().map(|one| one.run.id).collect::<Vec<_>>(), [again]);
}

#[test]
fn a_run_that_waits_for_a_free_place_is_late_but_starts_and_a_restart_finds_it() {
    let (mut ledger, _, one) = called_home();
    answers(&mut ledger, &one);
    ledger.tick(at(10 + 61), &mut Writes::default());
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Failed, "its lateness is said");
    let machines = ledger.machines().cloned().collect();
    let runs = vec![ledger.run(one.run.id).unwrap().clone()];
    let mut ledger = Ledger::new(ledger.rules.clone(), ledger.counters, machines, runs, None);
    assert_eq!(ledger.launchables().len(), 1, "forgotten by a restart");
    assert!(begins(&mut ledger, &one));
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Configuring);
}

/// The pinned key answered, and then the TPM stays busy, or the machine loses its power before the launch.
#[test]
fn a_late_run_whose_machine_answered_once_ends_when_its_last_tries_fail_too() {
    let (mut ledger, _, one) = called_home();
    answers(&mut ledger, &one);
    ledger.tick(at(10 + 61), &mut Writes::default());
    let fails = |ledger: &mut Ledger, seconds: i64| {
        let reason = Reason { cause: "its TPM is busy".into(), remedy: "nothing".into() };
        let mut writes = Writes::default();
        ledger.stuck(at(seconds), mac(1), reason, &mut writes);
        writes
    };
    for seconds in [80, 81, 80 + 299] {
        assert!(fails(&mut ledger, seconds).runs.is_empty(), "the control node's own network may be the late one");
        assert_eq!(ledger.launchables().len(), 1);
    }
    assert_eq!(ledger.machine(mac(1)).unwrap().node.reason.as_ref().unwrap().cause, "its TPM is busy");
    let writes = fails(&mut ledger, 80 + 300);
    let run = &writes.runs[&one.run.id];
    assert_eq!(run.state, RunState::Cancelled, "queued for ever");
    assert!(run.cause.as_ref().unwrap().contains("its TPM is busy"), "{run:?}");
    assert!(ledger.launchables().is_empty());
    let again = ledger.retry(at(400), &by_ann(one.run.id), &mut Writes::default()).unwrap();
    assert!(fails(&mut ledger, 401).runs.is_empty(), "a new run has its time anew");
    assert_eq!(ledger.launchables().iter().map(|one| one.run.id).collect::<Vec<_>>(), [again]);
}

#[test]
fn a_run_whose_try_failed_goes_behind_all_others() {
    let (_, _, one) = called_home();
    let queue = || [1, 2, 3].map(|id| Launchable { run: Run { id: RunId(id), ..one.run.clone() }, ..one.clone() });
    let mut turns = Turns::default();
    let order = |turns: &mut Turns| turns.in_order(queue().into()).iter().map(|one| one.run.id.0).collect::<Vec<_>>();
    for (failed, then) in [(1, [2, 3, 1]), (2, [3, 1, 2]), (3, [1, 2, 3]), (1, [2, 3, 1])] {
        turns.failed(RunId(failed));
        assert_eq!(order(&mut turns), then);
    }
    turns.in_order(Vec::new());
    assert_eq!(order(&mut turns), [1, 2, 3], "what is over is forgotten");
}

#[test]
fn a_node_is_in_the_inventory_once_its_pinned_key_answered_in_this_boot() {
    let (mut ledger, _, one) = called_home();
    assert!(ledger.inventory().is_empty(), "nobody has looked who is at its address");
    answers(&mut ledger, &one);
    assert_eq!(ledger.inventory().len(), 1);
    discover(&mut ledger, 30, 1);
    let (Answer::Boot(token), _) = ask(&mut ledger, 31, 1, Outside { random: [4; 32], ..outside() }) else { panic!() };
    call_home(&mut ledger, 40, &other_key(&call(1, token))).0.unwrap();
    assert!(ledger.inventory().is_empty(), "the new keys have not answered");
    assert_eq!(answers(&mut ledger, &one), Clearance::Stop, "an answer of the boot before says nothing");
    assert!(ledger.inventory().is_empty());
}

/// Where another server leases, the source of the call-home is all there is: whoever posts from another node's address
/// gets it on record and nothing for it.
#[test]
fn another_nodes_address_in_a_call_home_moves_nobody() {
    let (mut ledger, _, one) = called_home();
    answers(&mut ledger, &one);
    let honest = ledger.inventory();
    discover(&mut ledger, 20, 2);
    let (Answer::Boot(token), _) = ask(&mut ledger, 21, 2, Outside { random: [9; 32], ..outside() }) else { panic!() };
    let attack = CallHome { addresses: vec![honest[0].address.into()], ..other_key(&call(2, token)) };
    ledger.call_home(at(22), &attack, honest[0].address.into(), None, &mut Writes::default()).unwrap();
    assert_eq!(ledger.inventory(), honest);
    let attacker = ledger.launchables().into_iter().find(|one| one.host.node == NodeId::of(mac(2))).unwrap();
    assert_eq!(attacker.host.address, honest[0].address);
    assert_ne!(attacker.host.host_keys, honest[0].host_keys, "only its own key would open that door");
}

#[test]
fn an_address_belongs_to_the_node_that_answered_there_last() {
    let (mut ledger, _, first) = called_home();
    answers(&mut ledger, &first);
    discover(&mut ledger, 20, 2);
    let (Answer::Boot(token), _) = ask(&mut ledger, 21, 2, Outside { random: [9; 32], ..outside() }) else { panic!() };
    call_home(&mut ledger, 22, &other_key(&call(2, token))).0.unwrap();
    let second = ledger.launchables().into_iter().find(|one| one.host.node == NodeId::of(mac(2))).unwrap();
    assert_eq!(second.host.address, first.host.address);
    assert_eq!(ledger.answered(at(30), &second, &mut Writes::default()), Clearance::Go);
    assert_eq!(ledger.inventory(), [second.host]);
}

#[test]
fn a_discover_that_nobody_follows_up_takes_no_token_away() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let honest = call(1, token);
    let minted_in = ledger.machine(mac(1)).unwrap().node.boot;
    discover(&mut ledger, 5, 1);
    let (run, writes) = call_home(&mut ledger, 10, &honest);
    let run = run.expect("anybody can send a DISCOVER");
    let boot = ledger.machine(mac(1)).unwrap().boot.clone().unwrap();
    assert_eq!((boot.token, writes.runs[&run].boot), (Some(honest.token.hash()), Some(boot.id)));
    assert_eq!((Some(boot.id), ledger.machine(mac(1)).unwrap().node.boot), (minted_in, minted_in));
    assert_eq!(writes.boots.into_keys().collect::<Vec<_>>(), [boot.id], "a token is in one row alone");

    discover(&mut ledger, 20, 1);
    let (again, writes) = call_home(&mut ledger, 21, &honest);
    assert_eq!((again, writes.is_empty()), (Ok(run), true), "the same 202, whatever else moved");
    let (other, writes) = call_home(&mut ledger, 22, &other_key(&honest));
    assert!(matches!(other, Err(TurnedDown::Parked(_))), "{other:?}");
    assert!(writes.events.iter().any(|event| event.kind == EventKind::Alarm), "a stolen token, and no alarm");
}

#[test]
fn a_new_token_ends_the_one_before() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let first = call(1, token);
    discover(&mut ledger, 5, 1);
    let again = Outside { random: [4; 32], living: Living::Silent, ..outside() };
    let (Answer::Boot(second), writes) = ask(&mut ledger, 6, 1, again) else { panic!() };
    let tokens: Vec<bool> = writes.boots.values().map(|(_, boot)| boot.token.is_some()).collect();
    assert_eq!(tokens, [false, true]);
    let (late, _) = call_home(&mut ledger, 7, &first);
    assert!(matches!(late, Err(TurnedDown::Refused(_))), "{late:?}");
    call_home(&mut ledger, 8, &call(1, second)).0.unwrap();
}

#[test]
fn a_token_of_nobody_is_still_of_nobody_after_a_discover() {
    let (mut ledger, _) = booting(Enroll::Auto);
    discover(&mut ledger, 5, 1);
    let (answer, _) = call_home(&mut ledger, 6, &call(1, Token::from_random([99; 32])));
    assert!(matches!(answer, Err(TurnedDown::Refused(_))));
}
