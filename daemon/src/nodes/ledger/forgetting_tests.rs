//! Who is forgotten, who is not, and what of them is left.

use vocabulary::Token;

use super::{super::tokens::TOKEN_GRACE, *};
use crate::nodes::{
    admission::Refusal,
    lifecycle::Rules,
    requests::{
        Answer, Approval, Outside, TurnedDown,
        tests::{ask, at, booting, by_ann, call, call_home, discover, ledger, mac, outside},
    },
};

fn node(last: u8) -> NodeId {
    NodeId::of(mac(last))
}

fn forget(ledger: &mut Ledger, last: u8, living: Living) -> (Result<String, OrderError>, Writes) {
    let mut writes = Writes::default();
    let result = ledger.forget(at(50), by_ann(node(last)), living, &mut writes);
    (result, writes)
}

fn refused(ledger: &Ledger, last: u8, living: Living) -> String {
    match ledger.forgettable(&node(last), living) {
        Err(OrderError::Conflict { cause, remedy }) => {
            assert!(remedy.contains("roost "), "{remedy}");
            cause
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stranger_is_forgotten_and_comes_again_as_one() {
    let mut ledger = ledger(Enroll::Approve);
    discover(&mut ledger, 0, 1);
    let (effect, writes) = forget(&mut ledger, 1, Living::Silent);
    assert!(effect.unwrap().starts_with("waiting -> forgotten"));
    assert_eq!(writes.forgotten, [node(1)]);
    let kinds: Vec<EventKind> = writes.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Audit, EventKind::Timeline]);
    assert!(writes.events[1].data["detail"].as_str().unwrap().contains("forgotten by ann"));
    assert!(ledger.machine(mac(1)).is_none());
    assert!(matches!(forget(&mut ledger, 1, Living::Silent).0, Err(OrderError::UnknownNode(_))));
    discover(&mut ledger, 60, 1);
    assert_eq!(ledger.machine(mac(1)).unwrap().node.created, at(60));
}

#[test]
fn what_was_about_to_be_written_of_it_goes_too() {
    let mut ledger = ledger(Enroll::Approve);
    let mut writes = discover(&mut ledger, 0, 1);
    assert!(!writes.nodes.is_empty() && !writes.steps.is_empty());
    ledger.forget(at(0), by_ann(node(1)), Living::Silent, &mut writes).unwrap();
    assert!(writes.nodes.is_empty() && writes.boots.is_empty() && writes.steps.is_empty());
}

#[test]
fn a_node_on_its_way_or_at_work_is_kept() {
    let (mut ledger, token) = booting(Enroll::Auto);
    assert!(refused(&ledger, 1, Living::Silent).contains("on its way"));
    call_home(&mut ledger, 5, &call(1, token)).0.unwrap();
    assert!(refused(&ledger, 1, Living::Silent).contains("run 1"));
    assert!(ledger.cancel_queued(at(6), vocabulary::RunId(1), "ann", &mut Writes::default()));
    assert!(ledger.machine(mac(1)).unwrap().node.state == NodeState::Failed);
    assert!(ledger.forgettable(&node(1), Living::Answers).is_ok(), "a failed node is forgotten, up or not");
}

#[test]
fn a_node_that_answers_is_kept_and_one_that_is_away_goes_with_its_token_and_runs() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let honest = call(1, token.clone());
    call_home(&mut ledger, 5, &honest).0.unwrap();
    assert!(ledger.cancel_queued(at(6), vocabulary::RunId(1), "ann", &mut Writes::default()));
    let mut writes = Writes::default();
    ledger.turn(at(7), mac(1), &mut writes, |tracked, _, _, _| tracked.enter(at(7), NodeState::Ready));
    assert!(refused(&ledger, 1, Living::Answers).contains("answers on its pinned host key"));
    let unknown = ledger.forgettable(&node(1), Living::Unknown).unwrap_err();
    assert!(unknown.to_string().contains("cannot find out"), "{unknown}");
    forget(&mut ledger, 1, Living::Silent).0.unwrap();
    assert!(ledger.run(vocabulary::RunId(1)).is_none() && ledger.hosts().is_empty());
    let (late, _) = call_home(&mut ledger, 60, &honest);
    assert_eq!(late, Err(TurnedDown::Refused(Refusal::UnknownToken)));
}

#[test]
fn a_parked_node_waits_for_a_decision() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let honest = call(1, token);
    call_home(&mut ledger, 5, &honest).0.unwrap();
    let mut cloner = honest;
    cloner.ssh_host_keys = vec![vocabulary::HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap()];
    assert!(matches!(call_home(&mut ledger, 6, &cloner).0, Err(TurnedDown::Parked(_))));
    ledger.cancel_queued(at(6), vocabulary::RunId(1), "ann", &mut Writes::default());
    assert!(refused(&ledger, 1, Living::Silent).contains("parked"));
    ledger.deny(at(7), by_ann(node(1)), &mut Writes::default()).unwrap();
    assert!(ledger.forgettable(&node(1), Living::Silent).is_ok());
}

#[test]
fn the_oldest_stranger_makes_room_once_it_had_its_time() {
    let mut ledger = ledger(Enroll::Approve);
    discover(&mut ledger, 0, 1);
    discover(&mut ledger, 10, 2);
    assert!(discover(&mut ledger, 599, 3).is_empty(), "nobody is driven out before it could be noticed");
    let writes = discover(&mut ledger, 600, 3);
    assert_eq!(writes.forgotten, [node(1)]);
    assert!(writes.nodes.contains_key(&node(3)));
    assert!(discover(&mut ledger, 601, 4).is_empty());
    discover(&mut ledger, 610, 4);
    assert!(ledger.machine(mac(2)).is_none() && ledger.machine(mac(3)).is_some());
}

#[test]
fn nobody_whom_a_person_decided_on_makes_room() {
    let mut ledger = ledger(Enroll::Approve);
    for last in [1, 2] {
        discover(&mut ledger, 0, last);
        ledger.deny(at(1), by_ann(node(last)), &mut Writes::default()).unwrap();
    }
    assert!(discover(&mut ledger, 9_000, 3).is_empty());
    assert!(matches!(ask(&mut ledger, 9_001, 3, outside()).0, Answer::Wait(_)));
    ledger.approve(at(9_002), by_ann(Approval::Nodes(vec![node(1)])), &mut Writes::default()).unwrap();
    assert!(!discover(&mut ledger, 9_003, 3).is_empty(), "an approved one is no stranger");
}

#[test]
fn strangers_that_a_rule_denied_make_room() {
    let mut ledger = ledger(Enroll::Deny);
    discover(&mut ledger, 0, 1);
    discover(&mut ledger, 0, 2);
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Denied);
    assert_eq!(discover(&mut ledger, 600, 3).forgotten, [node(1)]);
}

#[test]
fn a_token_is_forgotten_after_its_time_unless_it_is_its_machines_last() {
    let (mut ledger, first) = booting(Enroll::Auto);
    let again = Outside { random: [4; 32], ..outside() };
    let Answer::Boot(last) = ask(&mut ledger, 10, 1, again).0 else { panic!("no token") };
    let known = |ledger: &Ledger, token: &Token| ledger.owner(token.hash()).is_some();
    let Rules { token_ttl, .. } = ledger.rules.clone();
    let end = 2 + i64::try_from((token_ttl + TOKEN_GRACE).as_secs()).unwrap();
    ledger.prune_tokens(at(end));
    assert!(known(&ledger, &first) && known(&ledger, &last));
    ledger.prune_tokens(at(end + 1));
    assert!(!known(&ledger, &first) && known(&ledger, &last));
    ledger.prune_tokens(at(end + 1_000_000));
    assert!(known(&ledger, &last), "a repeat of its call-home gets the same answer");
}
