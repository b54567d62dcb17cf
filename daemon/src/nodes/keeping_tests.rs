//! What a node with a data disk, its cloner and its owner live through, on the ledger.

use vocabulary::{Approved, Authority, DataDisk, EventKind, HostKey, MachineId, NodeState, RunId, Token};

use super::*;
use crate::nodes::{
    ledger::{Ledger, Writes},
    lifecycle::Enroll,
    requests::{
        Answer, Approval, Outside, TurnedDown,
        tests::{ask, at, call, call_home, discover, ledger, mac, outside},
    },
};

const UUID: &str = "0b9a5bd2-1111-4222-8333-444455556666";

fn says(state: DataState, detail: &str) -> Option<DataDisk> {
    let uuid = state.keeps_identity().then(|| UUID.parse().unwrap());
    Some(DataDisk { state, uuid, detail: detail.to_owned() })
}

/// From the first packet to the call-home, of the machine with this last byte and these keys.
fn boot(
    ledger: &mut Ledger,
    second: i64,
    (last, letter): (u8, char),
    data: Option<DataDisk>,
) -> (Result<RunId, TurnedDown>, Writes) {
    let random = [u8::try_from(second % 251).unwrap(), last].repeat(16).try_into().unwrap();
    discover(ledger, second, last);
    let (Answer::Boot(token), _) = ask(ledger, second, last, Outside { random, ..outside() }) else {
        panic!("no token")
    };
    call_home(ledger, second, &said(last, token, letter, data))
}

fn said(last: u8, token: Token, letter: char, data: Option<DataDisk>) -> CallHome {
    let digit = char::from_digit(u32::from(letter) % 16, 16).unwrap();
    CallHome {
        ssh_host_keys: vec![HostKey::try_from(format!("ssh-ed25519 {}", letter.to_string().repeat(64))).unwrap()],
        machine_id: MachineId::try_from(digit.to_string().repeat(32)).unwrap(),
        data,
        ..call(last, token)
    }
}

/// A machine that is known by what its disk keeps.
fn with_disk() -> Ledger {
    let mut ledger = ledger(Enroll::Auto);
    let (run, writes) = boot(&mut ledger, 0, (1, 'A'), says(DataState::Mounted, "/dev/vda1"));
    run.unwrap();
    assert!(writes.steps.iter().any(|line| line.detail == "its data disk is mounted: /dev/vda1"), "{:?}", writes.steps);
    ledger
}

fn disk(ledger: &Ledger) -> Option<Kept> {
    ledger.machine(mac(1)).unwrap().node.identity.as_ref().unwrap().kept
}

fn alarms(writes: &Writes) -> Vec<String> {
    let alarms = writes.events.iter().filter(|event| event.kind == EventKind::Alarm);
    alarms.map(|event| event.data["cause"].as_str().unwrap().to_owned()).collect()
}

fn state(ledger: &Ledger, last: u8) -> NodeState {
    ledger.machine(mac(last)).unwrap().node.state
}

fn approve(ledger: &mut Ledger, second: i64, last: u8) {
    let order = Approval::Nodes(vec![NodeId::of(mac(last))]);
    let approved = Approved::mint(order, Authority::Person { name: "ann".into() }).unwrap();
    ledger.approve(at(second), approved, &mut Writes::default()).unwrap();
}

#[test]
fn a_machine_whose_disk_kept_its_keys_and_id_is_the_same_node() {
    let mut ledger = with_disk();
    let since = disk(&ledger).unwrap();
    assert_eq!(since, Kept { disk: Some(UUID.parse().unwrap()), since: at(0) });
    for (second, state) in [(100, DataState::Mounted), (200, DataState::IdentityOnly), (300, DataState::Mounted)] {
        let (run, writes) = boot(&mut ledger, second, (1, 'A'), says(state, "x"));
        run.unwrap();
        assert_eq!(disk(&ledger), Some(since));
        assert_eq!(alarms(&writes).len(), usize::from(state == DataState::IdentityOnly));
    }
}

#[test]
fn a_node_with_a_disk_that_comes_back_with_other_keys_is_parked_and_the_alarm_says_what_became_of_the_disk() {
    for (data, words) in [
        (None, "is gone"),
        (says(DataState::Unusable, "it does not mount"), "can make nothing"),
        (says(DataState::Ambiguous, "/dev/vda1 /dev/vdb1"), "two disks"),
        (says(DataState::Mounted, "/dev/vda1"), "keeps other host keys"),
    ] {
        let mut ledger = with_disk();
        let (run, writes) = boot(&mut ledger, 100, (1, 'B'), data.clone());
        assert!(matches!(run, Err(TurnedDown::Parked(cause)) if cause.contains(words)), "{data:?}");
        let [alarm] = &alarms(&writes)[..] else { panic!("{:?}", writes.events) };
        assert!(alarm.contains(words), "{alarm}");
        assert_eq!(state(&ledger, 1), NodeState::Suspect);
        assert!(ledger.inventory().is_empty() && ledger.launchables().is_empty());
        if let Some(data) = data {
            assert!(writes.steps.iter().any(|line| line.detail.contains(&data.detail)), "{:?}", writes.steps);
        }
    }
}

#[test]
fn a_disk_keeps_both_the_keys_and_the_machine_id() {
    let mut ledger = with_disk();
    discover(&mut ledger, 100, 1);
    let (Answer::Boot(token), _) = ask(&mut ledger, 100, 1, outside()) else { panic!("no token") };
    let other = MachineId::try_from("e".repeat(32)).unwrap();
    let call = CallHome { machine_id: other, ..said(1, token, 'A', says(DataState::Mounted, "x")) };
    assert!(matches!(call_home(&mut ledger, 100, &call).0, Err(TurnedDown::Parked(_))));
}

#[test]
fn within_the_window_of_an_approval_a_node_may_come_without_its_disk_and_is_known_without_it() {
    let mut ledger = with_disk();
    boot(&mut ledger, 100, (1, 'B'), None).0.unwrap_err();
    approve(&mut ledger, 200, 1);
    let (run, writes) = boot(&mut ledger, 300, (1, 'C'), None);
    run.unwrap();
    assert_eq!(disk(&ledger), None);
    assert!(writes.steps.iter().any(|line| line.detail.contains("no data disk any more")), "{:?}", writes.steps);
    boot(&mut ledger, 400, (1, 'D'), None).0.unwrap();
    assert_eq!(state(&ledger, 1), NodeState::CalledHome, "it has new keys at each boot again");
}

#[test]
fn a_disk_that_was_moved_to_another_node_parks_that_one_until_a_person_says_so() {
    let mut ledger = with_disk();
    boot(&mut ledger, 50, (2, 'B'), None).0.unwrap();
    let (run, _) = boot(&mut ledger, 100, (2, 'A'), says(DataState::Mounted, "x"));
    assert!(matches!(run, Err(TurnedDown::Parked(cause)) if cause.contains("another node")));
    assert_eq!((state(&ledger, 1), state(&ledger, 2)), (NodeState::CalledHome, NodeState::Suspect));
    approve(&mut ledger, 200, 2);
    boot(&mut ledger, 300, (2, 'A'), says(DataState::Mounted, "x")).0.unwrap();
}

#[test]
fn a_disk_that_is_of_no_use_is_an_alarm_and_keeps_no_machine_from_its_run() {
    for (data, words) in [(DataState::Unusable, "of no use"), (DataState::Ambiguous, "neither is mounted")] {
        let mut ledger = ledger(Enroll::Auto);
        let (run, writes) = boot(&mut ledger, 0, (1, 'A'), says(data, "why"));
        run.unwrap();
        let [alarm] = &alarms(&writes)[..] else { panic!("{:?}", writes.events) };
        assert!(alarm.contains(words) && alarm.contains("why"), "{alarm}");
        assert_eq!(disk(&ledger), None);
    }
}
