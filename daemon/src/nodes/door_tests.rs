//! The approval of a suspect: what it opens, for how long, and what it never brings back.

use vocabulary::{CallHome, HostKey, NodeId, RunState, SmbiosUuid};

use super::*;
use crate::nodes::{
    ledger::{Ledger, Writes},
    requests::{
        Answer, Approval, Outside, TurnedDown,
        tests::{ask, at, booting, by_ann, call, call_home, discover, mac, outside},
    },
};

fn other_key(honest: &CallHome) -> CallHome {
    let key = HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap();
    CallHome { ssh_host_keys: vec![key], ..honest.clone() }
}

/// A machine that called home, was cloned, parked and approved again.
fn pardoned() -> (Ledger, CallHome, Writes) {
    let (mut ledger, token) = booting(Enroll::Auto);
    let honest = call(1, token);
    call_home(&mut ledger, 10, &honest).0.unwrap();
    assert!(matches!(call_home(&mut ledger, 11, &other_key(&honest)).0, Err(TurnedDown::Parked(_))));
    let mut writes = Writes::default();
    ledger.approve(at(20), by_ann(Approval::Nodes(vec![NodeId::of(mac(1))])), &mut writes).unwrap();
    (ledger, honest, writes)
}

fn state(ledger: &Ledger) -> NodeState {
    ledger.machine(mac(1)).unwrap().node.state
}

fn tick(ledger: &mut Ledger, second: i64) -> Writes {
    let mut writes = Writes::default();
    ledger.tick(at(second), &mut writes);
    writes
}

#[test]
fn an_approved_suspect_says_what_to_do_and_its_used_token_promises_no_run() {
    let (mut ledger, honest, writes) = pardoned();
    let node = &ledger.machine(mac(1)).unwrap().node;
    let reason = node.reason.clone().unwrap();
    assert!(reason.cause.contains("approved by ann") && reason.remedy.contains("power"), "{reason:?}");
    assert!(writes.boots.values().all(|(_, boot)| boot.token.is_none()), "a restart would find the token again");
    assert_eq!(writes.pardoned.map(|open| open.len()), Some(1), "a restart would forget the time limit");
    let (repeat, _) = call_home(&mut ledger, 30, &honest);
    assert!(matches!(repeat, Err(TurnedDown::Refused(_))), "promised a run that never starts: {repeat:?}");
    let run = ledger.run(vocabulary::RunId(1)).unwrap();
    assert_eq!(run.state, RunState::Cancelled);
    assert!(ledger.launchables().is_empty() && ledger.hosts().is_empty(), "nothing rests on what was in doubt");
}

#[test]
fn an_approval_of_a_suspect_ends_by_itself_and_the_node_is_suspect_again_with_a_reason() {
    let (mut ledger, _, _) = pardoned();
    tick(&mut ledger, 20 + 3600);
    assert_eq!(state(&ledger), NodeState::Approved);
    let writes = tick(&mut ledger, 20 + 3601);
    assert_eq!((state(&ledger), writes.pardoned.map(|open| open.len())), (NodeState::Suspect, Some(0)));
    let reason = ledger.machine(mac(1)).unwrap().node.reason.clone().unwrap();
    assert!(reason.cause.contains("did not call home within") && reason.remedy.contains("approve"), "{reason:?}");
    assert!(matches!(ask(&mut ledger, 4000, 1, outside()).0, Answer::Refuse(_)));
    assert!(tick(&mut ledger, 1_000_000).is_empty(), "it waits for a person, and says so once");
}

#[test]
fn the_door_stays_limited_while_the_machine_boots() {
    let (mut ledger, _, _) = pardoned();
    discover(&mut ledger, 3300, 1);
    let Answer::Boot(token) = ask(&mut ledger, 3301, 1, Outside { random: [7; 32], ..outside() }).0 else { panic!() };
    assert_eq!(state(&ledger), NodeState::Booting);
    tick(&mut ledger, 20 + 3601);
    assert_eq!(state(&ledger), NodeState::Suspect);
    assert!(matches!(call_home(&mut ledger, 3700, &call(1, token)).0, Err(TurnedDown::Refused(_))));
}

#[test]
fn within_its_time_another_identity_is_believed_once() {
    let (mut ledger, _, _) = pardoned();
    discover(&mut ledger, 30, 1);
    let Answer::Boot(token) = ask(&mut ledger, 31, 1, Outside { random: [7; 32], ..outside() }).0 else { panic!() };
    let uuid: SmbiosUuid = "4c4c4544-0042-3510-8054-b4c04f564433".parse().unwrap();
    let changed = CallHome { smbios_uuid: Some(uuid), ..other_key(&call(1, token)) };
    call_home(&mut ledger, 40, &changed).0.unwrap();
    assert_eq!(ledger.machine(mac(1)).unwrap().pardoned, None);
    assert_eq!(ledger.launchables().len(), 1);
    tick(&mut ledger, 20 + 3601);
    assert_ne!(state(&ledger), NodeState::Suspect);

    discover(&mut ledger, 4000, 1);
    let Answer::Boot(token) = ask(&mut ledger, 4001, 1, Outside { random: [8; 32], ..outside() }).0 else { panic!() };
    assert!(matches!(call_home(&mut ledger, 4002, &call(1, token)).0, Err(TurnedDown::Parked(_))), "the door is shut");
}

#[test]
fn a_denial_closes_the_door() {
    let (mut ledger, _, _) = pardoned();
    ledger.deny(at(30), by_ann(NodeId::of(mac(1))), &mut Writes::default()).unwrap();
    tick(&mut ledger, 20 + 3601);
    assert_eq!(state(&ledger), NodeState::Denied);
}
