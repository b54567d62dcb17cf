//! An order and its stages on the ledger: who is let in meanwhile, what a restart finds, who is called when.

use vocabulary::RunState;

use super::*;
use crate::nodes::{
    lifecycle::Enroll,
    requests::{
        Answer, Approval, Living,
        tests::{ask, at, booting, by_ann, call, call_home, discover, ledger, mac, outside},
    },
};

const ORDERLY: Way = Way::Orderly { deadline: Some(Duration::from_secs(60)) };

fn id() -> NodeId {
    NodeId::of(mac(1))
}

fn retire(ledger: &mut Ledger, second: i64, way: Way) -> Result<Writes, OrderError> {
    let mut writes = Writes::default();
    let order = by_ann(RetireOrder { node: id(), way });
    ledger.retire(at(second), order, &mut writes).map(|_| writes)
}

fn done(ledger: &mut Ledger, second: i64, stage: Stage) -> Vec<(Step, String)> {
    let mut writes = Writes::default();
    ledger.stage_done(at(second), &id(), stage, "so it is", &mut writes);
    writes.steps.into_iter().map(|line| (line.step, line.detail)).collect()
}

/// One whose run is queued.
fn called_home() -> Ledger {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 10, &call(1, token)).0.unwrap();
    ledger
}

fn state(ledger: &Ledger) -> NodeState {
    ledger.machine(mac(1)).unwrap().node.state
}

fn script(ledger: &mut Ledger, second: i64) -> Answer {
    ask(ledger, second, 1, outside()).0
}

#[test]
fn from_the_order_on_a_node_is_let_in_by_nobody_and_its_run_ends() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let first = call(1, token);
    let run = call_home(&mut ledger, 10, &first).0.unwrap();
    let writes = retire(&mut ledger, 20, ORDERLY).unwrap();
    assert_eq!(writes.runs[&run].state, RunState::Cancelled);
    assert_eq!(writes.retirements.as_ref().unwrap()[&id()].stage, Stage::Drain);
    let node = &ledger.machine(mac(1)).unwrap().node;
    assert!(!node.approved && ledger.inventory().is_empty() && ledger.gossip_members().is_empty());
    assert_eq!((node.state, node.waits_for), (NodeState::Retiring, vocabulary::Wait::Cluster));

    let Answer::Refuse(why) = script(&mut ledger, 21) else { panic!("let in") };
    assert!(why.cause.contains("retiring") && why.cause.contains("moved away"), "{why:?}");
    assert!(call_home(&mut ledger, 22, &first).0.is_err(), "also with the token that it had");
    let order = by_ann(Approval::Nodes(vec![id()]));
    for refused in [
        retire(&mut ledger, 23, Way::Compromised).map(drop),
        ledger.approve(at(23), order, &mut Writes::default()).map(drop),
        ledger.deny(at(23), by_ann(id()), &mut Writes::default()),
        ledger.forgettable(&id(), Living::Silent).map(drop),
    ] {
        let Err(OrderError::Conflict { cause, .. }) = refused else { panic!("{refused:?}") };
        assert!(cause.contains("is being retired by ann"), "{cause}");
    }
}

#[test]
fn each_stage_is_a_line_with_its_seconds_and_is_done_once() {
    for way in [ORDERLY, Way::Compromised] {
        let mut ledger = called_home();
        retire(&mut ledger, 20, way).unwrap();
        let mut second = 20;
        for stage in way.stages() {
            assert_eq!(ledger.retirements()[&id()].stage, *stage);
            let other = way.stages().iter().find(|other| *other != stage).unwrap();
            assert_eq!(done(&mut ledger, second, *other), [], "it is not its turn");
            second += 2;
            let [(step, detail)] = done(&mut ledger, second, *stage).try_into().unwrap();
            let took = if *stage == Stage::Forget { format!("{}.0 s in all", second - 20) } else { "2.0 s".to_owned() };
            assert_eq!((step, detail.as_str()), (stage.step(), format!("so it is; {took}").as_str()));
            assert_eq!(done(&mut ledger, second, *stage), [], "once");
        }
        assert_eq!((state(&ledger), ledger.retirements().len()), (NodeState::Retired, 0));
        let Answer::Refuse(why) = script(&mut ledger, 90) else { panic!("let in") };
        assert!(why.cause.contains("retired by ann") && why.remedy.contains("roost node approve"), "{why:?}");

        let order = by_ann(Approval::Nodes(vec![id()]));
        ledger.approve(at(91), order, &mut Writes::default()).unwrap();
        assert_eq!(state(&ledger), NodeState::Approved);
        assert!(matches!(script(&mut ledger, 92), Answer::Boot(_)));
    }
}

#[test]
fn tokens_go_first_where_it_is_compromised_and_keys_only_once_it_is_silent() {
    let place = |way: Way, stage| way.stages().iter().position(|one| *one == stage);
    assert_eq!(place(Way::Compromised, Stage::Revoke), Some(0));
    assert!(place(Way::Compromised, Stage::LeaveGossip) < place(Way::Compromised, Stage::Rotate));
    assert_eq!(place(ORDERLY, Stage::Rotate), None);
    assert_eq!(place(ORDERLY, Stage::Drain), Some(0));
    let mut ledger = called_home();
    let writes = retire(&mut ledger, 20, Way::Compromised).unwrap();
    assert!(writes.events.iter().any(|event| event.kind == vocabulary::EventKind::Alarm));
}

#[test]
fn who_takes_long_says_so_once_a_stage_and_goes_on() {
    let mut ledger = called_home();
    retire(&mut ledger, 20, ORDERLY).unwrap();
    let limit = i64::try_from(ledger.rules.sla.retiring.as_secs()).unwrap();
    let alarms = |ledger: &mut Ledger, second| {
        let mut writes = Writes::default();
        ledger.tick(at(second), &mut writes);
        assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Retiring);
        (writes.events.iter().filter(|event| event.kind == vocabulary::EventKind::Alarm).count(), writes.retirements)
    };
    let reason = Reason { cause: "two are left".into(), remedy: "wait".into() };
    ledger.stage_waits(at(21), &id(), Stage::Drain, reason, &mut Writes::default());
    assert_eq!(alarms(&mut ledger, 20 + limit).0, 0, "its work has its own deadline on top");
    let (count, kept) = alarms(&mut ledger, 81 + limit);
    assert_eq!((count, kept.unwrap()[&id()].alarmed), (1, true), "it outlives a restart that somebody was called");
    assert_eq!(alarms(&mut ledger, 82 + limit).0, 0);
    done(&mut ledger, 90 + limit, Stage::Drain);
    assert_eq!(alarms(&mut ledger, 91 + 2 * limit).0, 1, "of the next stage too");
}

#[test]
fn only_who_was_let_in_once_is_retired() {
    let mut ledger = ledger(Enroll::Approve);
    assert!(matches!(ledger.retirable(&id(), ORDERLY), Err(OrderError::UnknownNode(_))));
    discover(&mut ledger, 0, 1);
    assert!(matches!(ledger.retirable(&id(), ORDERLY), Err(OrderError::Conflict { .. })));
}
