//! Rows to write.

use store::{Batch, NewEvent, NodeWrite, Store};
use vocabulary::{
    BootId, EndorsementKey, EndorsementKind, Event, EventKind, Identity, Kept, Mac, Node, NodeId, NodeState, ProcessId,
    Reason, Run, RunId, RunState, Step, StepRecord, Timestamp, TpmIdentity,
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

pub(crate) fn id(last: u8) -> NodeId {
    NodeId::of(mac(last))
}

pub(crate) fn node(last: u8) -> Node {
    Node {
        id: id(last),
        mac: mac(last),
        state: NodeState::CalledHome,
        since: Timestamp::from_microsecond(1_800_000_000_123_456).unwrap(),
        reason: Some(Reason { cause: "it's \"quoted\"\n".to_owned(), remedy: "look".to_owned() }),
        waits_for: NodeState::CalledHome.waits_for(),
        approved: true,
        identity: Some(Identity {
            mac: mac(last),
            smbios_uuid: "4c4c4544-0042-3510-8054-b4c04f564433".parse().ok(),
            machine_id: "0123456789abcdef0123456789abcdef".to_owned().try_into().ok(),
            host_keys: Vec::new(),
            answered: Some(at(6)),
            tpm: Some(TpmIdentity {
                key: EndorsementKey { kind: EndorsementKind::Rsa2048, sha256: [last; 32] },
                proven: Some(at(7)),
            }),
            kept: Some(Kept { disk: None, since: at(8) }),
        }),
        address: Some([10, 77, 1, last].into()),
        firmware: Some(vocabulary::Firmware::UefiX64),
        boot: Some(BootId(4)),
        run: None,
        nomad: "6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b2c".parse().ok(),
        certificates: Some(at(9)),
        created: at(0),
        generation: 1,
    }
}

pub(crate) fn run(last: u8, boot: Option<u64>, attempt: u32) -> Run {
    Run {
        id: RunId(0),
        node: id(last),
        boot: boot.map(BootId),
        state: RunState::Queued,
        purpose: vocabulary::RunPurpose::Certificates,
        retry_of: None,
        attempt,
        asked_by: "call-home".to_owned(),
        cause: None,
        process: None,
        created: at(0),
        started: None,
        ended: None,
        tasks_done: 0,
        tasks_changed: 0,
        task: None,
    }
}

pub(crate) fn process() -> ProcessId {
    ProcessId { pid: 4711, start_ticks: 987_654, host_boot: "b0b0".to_owned() }
}

pub(crate) fn step(last: u8, boot: Option<u64>, second: i64, step: Step) -> StepRecord {
    let boot = boot.map(BootId);
    StepRecord { node: id(last), boot, at: at(second), step, detail: "fine".to_owned(), took_ms: None }
}

pub(crate) fn event(text: &str) -> NewEvent {
    NewEvent { at: at(0), kind: EventKind::Part, node: None, run: None, data: text.into() }
}

pub(crate) fn text(event: &Event) -> &str {
    event.data.as_str().unwrap()
}

/// A store with the nodes 1 to 3.
pub(crate) async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let nodes = (1..=3).map(|last| NodeWrite::from(node(last))).collect();
    store.commit(Batch { nodes, ..Batch::default() }).await.unwrap();
    (folder, store)
}
