//! What a machine with a TPM, its cloner and its owner live through, on the ledger.

use std::time::Duration;

use vocabulary::{
    Approved, Authority, CallHome, EndorsementKind, EventKind, Firmware, Hardware, HostKey, Mac, MachineId, NodeId,
    NodeState, RunState,
};

use super::*;
use crate::nodes::{
    ledger::{Asked, Seen},
    lifecycle::{Counters, Enroll, Membership, Rules, Slas},
    requests::{Answer, Approval, Living, Outside},
};

const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn key(byte: u8) -> EndorsementKey {
    EndorsementKey { kind: EndorsementKind::Rsa2048, sha256: [byte; 32] }
}

fn ledger(tpm: TpmRule) -> Ledger {
    let hour = Duration::from_secs(3600);
    let sla = Slas {
        power_on: hour,
        readmitted: hour,
        booting: hour,
        called_home: hour,
        configuring: hour,
        verifying: hour,
        joining: hour,
        absent: hour,
        retiring: hour,
    };
    let rules = Rules {
        enroll: Enroll::Auto,
        tpm,
        token_ttl: hour,
        sla,
        membership: Membership::NotAsked,
        certificate_lifetime: Duration::from_secs(30 * 86_400),
        max_runs: 3,
        max_strangers: 9,
    };
    Ledger::new(rules, Counters { boot: 1, run: 1 }, vec![], vec![], None)
}

/// From the first packet to the accepted call-home, with host keys of this boot's own; what is to be launched then.
fn boot(ledger: &mut Ledger, second: i64, host_key: char) -> Launchable {
    let mut writes = Writes::default();
    let seen =
        Seen { mac: MAC, address: None, step: Step::Discover, detail: "x".into(), firmware: Some(Firmware::Bios) };
    ledger.saw(at(second), seen, &mut writes);
    let peer = "10.77.1.5".parse().unwrap();
    let asked = Asked { mac: MAC, uuid: None, firmware: None, peer };
    let random = [u8::try_from(host_key).unwrap(); 32];
    let outside = Outside { random, living: Living::Silent, image: Ok(()) };
    let Answer::Boot(token) = ledger.script(at(second), asked, outside, &mut writes) else { panic!("no token") };
    let call = CallHome {
        token,
        hostname: "x".into(),
        addresses: vec![],
        mac: MAC,
        smbios_uuid: None,
        machine_id: MachineId::try_from("0".repeat(32)).unwrap(),
        ssh_host_keys: vec![HostKey::try_from(format!("ssh-ed25519 {}", host_key.to_string().repeat(64))).unwrap()],
        hardware: Hardware::default(),
        data: None,
    };
    ledger.call_home(at(second), &call, peer, None, &mut writes).unwrap();
    let [one] = ledger.launchables().try_into().unwrap();
    assert_eq!(ledger.answered(at(second), &one, &mut writes), Clearance::Go);
    one
}

fn found(ledger: &mut Ledger, second: i64, asked: &Launchable, finding: &Finding) -> (Clearance, Writes) {
    let mut writes = Writes::default();
    (ledger.tpm_found(at(second), asked, finding, &mut writes), writes)
}

fn state(ledger: &Ledger) -> NodeState {
    ledger.machine(MAC).unwrap().node.state
}

/// A machine that has proved key 1 in its first boot and boots again.
fn known_machine() -> (Ledger, Launchable) {
    let mut ledger = ledger(TpmRule::Prove);
    let first = boot(&mut ledger, 0, 'A');
    assert_eq!(first.question, Question::AnyKey);
    assert_eq!(found(&mut ledger, 1, &first, &Finding::Proven(key(1))).0, Clearance::Go);
    let second = boot(&mut ledger, 100, 'B');
    (ledger, second)
}

#[test]
fn the_first_proven_key_is_part_of_the_identity_and_on_the_timeline() {
    let mut ledger = ledger(TpmRule::Prove);
    let one = boot(&mut ledger, 0, 'A');
    let (clearance, writes) = found(&mut ledger, 4, &one, &Finding::Proven(key(1)));
    assert_eq!(clearance, Clearance::Go);
    let tpm = ledger.machine(MAC).unwrap().node.identity.as_ref().unwrap().tpm;
    assert_eq!(tpm, Some(TpmIdentity { key: key(1), proven: Some(at(4)) }));
    let [line] = &writes.steps[..] else { panic!("{:?}", writes.steps) };
    assert_eq!(line.step, Step::TpmProven);
    assert!(line.detail.contains(&key(1).to_string()) && line.detail.contains("first time"), "{}", line.detail);
    assert_eq!(writes.nodes.len(), 1, "it is written in the same transaction");
    assert_eq!(ledger.launchables()[0].question, Question::Settled, "one proof a boot is enough");
}

#[test]
fn a_machine_without_a_tpm_goes_on_as_ever() {
    let mut ledger = ledger(TpmRule::Prove);
    for (second, host_key) in [(0, 'A'), (100, 'B')] {
        let one = boot(&mut ledger, second, host_key);
        assert_eq!(one.question, Question::AnyKey);
        assert_eq!(ledger.inventory().len(), 1);
        let (clearance, writes) = found(&mut ledger, second + 1, &one, &Finding::Absent);
        assert_eq!((clearance, writes.is_empty()), (Clearance::Go, true));
    }
}

#[test]
fn until_the_same_key_is_proven_again_no_inventory_holds_the_node() {
    let (mut ledger, second) = known_machine();
    assert_eq!(second.question, Question::TheKey(key(1)));
    assert_eq!((ledger.inventory().len(), ledger.hosts().len()), (0, 1));
    let (clearance, writes) = found(&mut ledger, 101, &second, &Finding::Proven(key(1)));
    assert_eq!(clearance, Clearance::Go);
    assert!(writes.steps[0].detail.contains("as before"));
    assert_eq!(ledger.inventory().len(), 1);
}

#[test]
fn whoever_cannot_prove_the_known_key_is_parked_with_an_alarm_and_without_a_run() {
    let other = Finding::Disproved("it has another TPM".into());
    for finding in [Finding::Absent, other, Finding::Proven(key(2))] {
        let (mut ledger, second) = known_machine();
        let (clearance, writes) = found(&mut ledger, 101, &second, &finding);
        assert_eq!((clearance, state(&ledger)), (Clearance::Stop, NodeState::Suspect), "{finding:?}");
        assert_eq!(writes.events.iter().filter(|event| event.kind == EventKind::Alarm).count(), 1);
        assert_eq!(ledger.run(second.run.id).unwrap().state, RunState::Cancelled);
        assert!(ledger.launchables().is_empty() && ledger.inventory().is_empty() && ledger.hosts().is_empty());
        assert_eq!(state(&ledger), NodeState::Suspect, "the end of its run does not move it");
    }
}

#[test]
fn an_approval_forgets_the_key_and_the_next_boot_may_prove_another() {
    let (mut ledger, second) = known_machine();
    found(&mut ledger, 101, &second, &Finding::Absent);
    let order = Approval::Nodes(vec![NodeId::of(MAC)]);
    let approved = Approved::mint(order, Authority::Person { name: "ann".into() }).unwrap();
    ledger.approve(at(200), approved, &mut Writes::default()).unwrap();
    let third = boot(&mut ledger, 300, 'C');
    assert_eq!(third.question, Question::AnyKey);
    assert_eq!(found(&mut ledger, 301, &third, &Finding::Proven(key(2))).0, Clearance::Go);
}

/// The machine has booted again meanwhile: what was found out of its earlier boot neither clears nor parks it.
#[test]
fn an_answer_to_an_older_question_changes_nothing() {
    let (mut ledger, second) = known_machine();
    let third = boot(&mut ledger, 200, 'C');
    for finding in [Finding::Proven(key(1)), Finding::Absent] {
        let (clearance, writes) = found(&mut ledger, 201, &second, &finding);
        assert_eq!((clearance, writes.is_empty()), (Clearance::Stop, true));
    }
    assert_eq!(third.question, Question::TheKey(key(1)));
    assert_eq!((state(&ledger), ledger.inventory().len()), (NodeState::CalledHome, 0));
}

#[test]
fn a_rule_to_ignore_tpms_asks_nobody_but_holds_those_to_theirs_who_proved_one() {
    let mut fresh = ledger(TpmRule::Ignore);
    assert_eq!(boot(&mut fresh, 0, 'A').question, Question::Settled);
    let (mut known, _) = known_machine();
    known.rules.tpm = TpmRule::Ignore;
    assert_eq!(known.launchables()[0].question, Question::TheKey(key(1)));
}
