//! The call-home decision, sentence by sentence of the trust rules.

use std::time::Duration;

use vocabulary::{CallHome, Firmware, HostKey, Mac, MachineId, NodeState, SmbiosUuid, Timestamp, Token};

use super::*;
use crate::nodes::lifecycle::{Accepted, Counters, Turn};

const OWN: &str = "4c4c4544-0042-3510-8054-b4c04f564433";
const OTHER: &str = "4c4c4544-0042-3510-8054-b4c04f564434";
const VENDOR_DEFAULT: &str = "03000200-0400-0500-0006-000700080009";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn mac() -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, 1])
}

fn token() -> Token {
    Token::from_random([1; 32])
}

fn key(letter: char) -> HostKey {
    HostKey::try_from(format!("ssh-ed25519 {}", letter.to_string().repeat(64))).unwrap()
}

fn call(uuid: &str) -> CallHome {
    CallHome {
        token: token(),
        hostname: "whatever".into(),
        addresses: vec![],
        mac: mac(),
        smbios_uuid: Some(uuid.parse().unwrap()),
        machine_id: MachineId::try_from("0123456789abcdef0123456789abcdef".to_owned()).unwrap(),
        ssh_host_keys: vec![key('A'), key('B')],
        hardware: vocabulary::Hardware::default(),
        data: None,
    }
}

fn booting(uuid: &str) -> Tracked {
    let mut tracked = Tracked::new(at(0), mac());
    let (mut counters, mut turn) = (Counters { boot: 1, run: 1 }, Turn::default());
    tracked.discovered(at(0), Firmware::Bios, &mut counters, &mut turn);
    tracked.admit(at(0), "test", &mut turn);
    let uuid: SmbiosUuid = uuid.parse().unwrap();
    tracked.script_sent(at(1), (token().hash(), Duration::from_secs(600)), Some(uuid), &mut counters, &mut turn);
    tracked
}

fn decided(tracked: &Tracked, call: &CallHome) -> Decision {
    decide(at(60), tracked, call.token.hash(), call)
}

#[test]
fn the_first_call_home_of_a_boot_is_accepted() {
    assert_eq!(decided(&booting(OWN), &call(OWN)), Decision::Accept);
}

#[test]
fn b34_the_same_call_home_twice_is_one_run() {
    let mut tracked = booting(OWN);
    tracked.boot.as_mut().unwrap().accepted = Some(Accepted { digest: digest(&call(OWN)), run: RunId(7), at: at(50) });
    let mut moved = call(OWN);
    moved.hostname = "another-name".into();
    moved.addresses = vec!["10.0.0.9".parse().unwrap()];
    moved.ssh_host_keys.reverse();
    assert_eq!(decided(&tracked, &moved), Decision::Repeat(RunId(7)));
}

#[test]
fn b34_a_used_token_with_another_identity_parks_the_node() {
    let mut tracked = booting(OWN);
    tracked.boot.as_mut().unwrap().accepted = Some(Accepted { digest: digest(&call(OWN)), run: RunId(7), at: at(50) });
    let mut changes: Vec<CallHome> = vec![call(OTHER), call(OWN), call(OWN), call(OWN)];
    changes[1].mac = Mac([2; 6]);
    changes[2].machine_id = MachineId::try_from("f".repeat(32)).unwrap();
    changes[3].ssh_host_keys = vec![key('C')];
    for changed in changes {
        assert!(matches!(decided(&tracked, &changed), Decision::Park(_)), "{changed:?}");
    }
}

#[test]
fn b34_an_expired_or_superseded_token_is_refused_without_alarm() {
    let tracked = booting(OWN);
    assert_eq!(decide(at(700), &tracked, token().hash(), &call(OWN)), Decision::Refuse(Refusal::Expired));
    let other = Token::from_random([2; 32]).hash();
    assert_eq!(decide(at(60), &tracked, other, &call(OWN)), Decision::Refuse(Refusal::Superseded));
}

#[test]
fn b34_another_mac_with_this_token_parks_the_node() {
    let mut foreign = call(OWN);
    foreign.mac = Mac([9; 6]);
    assert!(matches!(decided(&booting(OWN), &foreign), Decision::Park(_)));
}

#[test]
fn another_uuid_than_the_boot_was_asked_with_parks_the_node() {
    assert!(matches!(decided(&booting(OWN), &call(OTHER)), Decision::Park(_)));
}

#[test]
fn a_known_mac_with_another_uuid_is_parked_and_an_approval_opens_the_door() {
    let mut tracked = booting(OTHER);
    tracked.node.identity = Some(identity(&call(OWN)));
    assert!(matches!(decided(&tracked, &call(OTHER)), Decision::Park(_)));

    let mut turn = Turn::default();
    tracked.park(at(61), "test", &mut turn);
    assert_eq!(decided(&tracked, &call(OTHER)), Decision::Refuse(Refusal::Parked));
    tracked.admit(at(62), "root", &mut turn);
    assert_eq!(tracked.node.state, NodeState::Approved);
    assert_eq!(decided(&tracked, &call(OTHER)), Decision::Accept);
}

#[test]
fn a_vendor_default_counts_as_no_uuid() {
    let mut tracked = booting(VENDOR_DEFAULT);
    assert_eq!(decided(&tracked, &call(VENDOR_DEFAULT)), Decision::Accept);
    tracked.node.identity = Some(identity(&call(OWN)));
    assert!(matches!(decided(&tracked, &call(VENDOR_DEFAULT)), Decision::Park(_)));
}

#[test]
fn a_node_that_is_not_admitted_gets_no_run() {
    let mut tracked = booting(OWN);
    tracked.deny(at(2), "root", &mut Turn::default());
    assert_eq!(decided(&tracked, &call(OWN)), Decision::Refuse(Refusal::NotAdmitted));
}
