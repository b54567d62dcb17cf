//! An order for a data disk, from its row to what the node is known by afterwards.

use uuid::Uuid;
use vocabulary::{EventKind, Identity};

use super::*;
use crate::nodes::{
    lifecycle::{Counters, Enroll},
    requests::tests::{at, ledger, mac},
};

fn key(letter: char) -> HostKey {
    HostKey::try_from(format!("ssh-ed25519 {}", letter.to_string().repeat(64))).unwrap()
}

/// A ledger with one machine that is up and known for certain.
fn up(state: NodeState) -> Ledger {
    let mut tracked = Tracked::new(at(0), mac(1));
    tracked.node.approved = true;
    tracked.node.generation = 1;
    tracked.node.address = Some([10, 77, 1, 5].into());
    tracked.node.identity = Some(Identity {
        mac: mac(1),
        smbios_uuid: None,
        machine_id: None,
        host_keys: vec![key('A')],
        answered: Some(at(0)),
        tpm: None,
        kept: None,
    });
    tracked.enter(at(0), state);
    Ledger::new(ledger(Enroll::Approve).rules, Counters { boot: 1, run: 1 }, vec![tracked], vec![], None)
}

fn node() -> NodeId {
    NodeId::of(mac(1))
}

fn target(content: Content) -> Target {
    let uuid = Uuid::from_u128(7);
    Target { device: "vdb".parse().unwrap(), serial: "S1".into(), size_bytes: 3 << 30, uuid, content }
}

fn order(ledger: &mut Ledger) -> Result<Writes, OrderError> {
    let mut writes = Writes::default();
    ledger.disk_ordered(at(10), &node(), (target(Content::Keep), "ann"), &mut writes).map(|()| writes)
}

fn ended(ledger: &mut Ledger, end: &MakingEnd) -> Writes {
    let mut writes = Writes::default();
    ledger.disk_ended(at(20), &node(), end, &mut writes);
    writes
}

fn kept(ledger: &Ledger) -> Option<Kept> {
    ledger.machine(mac(1)).unwrap().node.identity.as_ref().unwrap().kept
}

#[test]
fn an_order_is_in_the_store_with_its_audit_and_its_line_before_the_node_hears_of_it() {
    let mut ledger = up(NodeState::Ready);
    let writes = order(&mut ledger).unwrap();
    let making = Making { target: target(Content::Keep), by: "ann".into(), ordered: at(10) };
    assert_eq!(writes.makings, Some(Makings::from([(node(), making.clone())])));
    let audit = writes.events.iter().find(|event| event.kind == EventKind::Audit).unwrap();
    assert_eq!((&audit.data["what"], &audit.data["by"]), (&json!("disk"), &json!("ann")));
    assert_eq!(writes.steps[0].detail, "vdb (serial S1) is made its data disk by ann");
    let read: Making = serde_json::from_value(json!(making)).unwrap();
    assert_eq!(read, making, "the next daemon goes on with the same words");
}

#[test]
fn once_it_is_made_the_node_is_known_by_what_the_disk_keeps() {
    let mut ledger = up(NodeState::Ready);
    order(&mut ledger).unwrap();
    let writes = ended(&mut ledger, &MakingEnd::Made { host_keys: vec![key('A')], words: "mounted".into() });
    assert_eq!(kept(&ledger), Some(Kept { disk: Some(Uuid::from_u128(7)), since: at(20) }));
    assert_eq!((writes.makings, writes.nodes.len()), (Some(Makings::new()), 1));
    assert!(writes.steps[0].detail.contains("mounted"));
    assert!(order(&mut ledger).is_ok(), "the way is free for the next order");
}

/// It booted meanwhile: what the disk keeps is not what it is pinned by now.
#[test]
fn a_disk_that_keeps_an_earlier_boots_key_is_no_part_of_the_identity() {
    let mut ledger = up(NodeState::Ready);
    order(&mut ledger).unwrap();
    ended(&mut ledger, &MakingEnd::Made { host_keys: vec![key('B')], words: String::new() });
    assert_eq!(kept(&ledger), None);
}

#[test]
fn what_did_not_come_to_its_end_says_what_is_left() {
    let mut ledger = up(NodeState::Ready);
    order(&mut ledger).unwrap();
    let writes = ended(&mut ledger, &MakingEnd::Refused("vdb is in use".into()));
    assert_eq!((writes.steps[0].step, kept(&ledger)), (Step::Note, None));
    order(&mut ledger).unwrap();
    let writes = ended(&mut ledger, &MakingEnd::Unfinished("it failed at its file system".into()));
    let alarm = writes.events.iter().find(|event| event.kind == EventKind::Alarm).unwrap();
    let remedy = alarm.data["remedy"].as_str().unwrap();
    assert!(remedy.contains("--device vdb --wipe 'S1' --yes") && remedy.contains("no boot mounts it"), "{remedy}");
    assert!(ended(&mut ledger, &MakingEnd::Refused("x".into())).is_empty(), "it is over");
}

#[test]
fn a_disk_is_made_on_a_node_that_is_up_and_known_and_one_at_a_time() {
    let mut ledger = up(NodeState::Failed);
    order(&mut ledger).unwrap();
    assert!(matches!(order(&mut ledger), Err(OrderError::Conflict { cause, .. }) if cause.contains("being made")));
    for state in [NodeState::Configuring, NodeState::Booting, NodeState::Suspect, NodeState::CalledHome] {
        let refused = order(&mut up(state));
        assert!(matches!(&refused, Err(OrderError::Conflict { cause, .. }) if cause.contains(state.name())), "{state}");
    }
    let stranger = NodeId::of(mac(9));
    assert_eq!(ledger.diskable(&stranger), Err(OrderError::UnknownNode(stranger.clone())));
}
