//! Random batches against a model that is too simple to be wrong: a batch is written whole or not at all.

use std::{collections::BTreeMap, net::Ipv4Addr};

use proptest::prelude::*;
use serde_json::Value;
use store::{Batch, LeaseRow, NodeWrite, RunFilter, Store, Write};
use vocabulary::{Node, NodeId, Run, RunId, RunState, Seq};

use crate::samples::{at, event, id, mac, node, run, text};

#[derive(Debug, Clone)]
enum Op {
    Node { last: u8, from: u64, step: u64 },
    Event(u8),
    Set { name: u8, value: Option<u8> },
    Lease { last: u8, client: u8 },
    LeaseGone(u8),
    NewRun { last: u8, boot: Option<u64>, attempt: u32 },
    PutRun { id: u64, last: u8, state: usize },
    Forget(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..4_u8, 0..4_u64, 0..3_u64).prop_map(|(last, from, step)| Op::Node { last, from, step }),
        3 => any::<u8>().prop_map(Op::Event),
        2 => (0..3_u8, any::<Option<u8>>()).prop_map(|(name, value)| Op::Set { name, value }),
        2 => (0..3_u8, any::<u8>()).prop_map(|(last, client)| Op::Lease { last, client }),
        1 => (0..3_u8).prop_map(Op::LeaseGone),
        3 => (1..4_u8, proptest::option::of(0..2_u64), 0..2_u32)
            .prop_map(|(last, boot, attempt)| Op::NewRun { last, boot, attempt }),
        3 => (1..7_u64, 1..4_u8, 0..7_usize).prop_map(|(id, last, state)| Op::PutRun { id, last, state }),
        1 => (1..4_u8).prop_map(Op::Forget),
    ]
}

fn batch(ops: &[Op]) -> Batch {
    let mut batch = Batch::default();
    for op in ops {
        match *op {
            Op::Node { last, from, step } => {
                let node = Node { generation: from + step, approved: step == 2, ..node(last) };
                batch.nodes.push(NodeWrite { node, from });
            }
            Op::Event(word) => batch.events.push(event(&word.to_string())),
            Op::Set { name, value } => batch.settings.push((name.to_string(), value.map(Value::from))),
            Op::Lease { last, client } => batch.leases.push(lease(last, client)),
            Op::LeaseGone(last) => batch.leases_gone.push(lease(last, 0).address),
            Op::NewRun { last, boot, attempt } => batch.runs.push(Write::New(run(last, boot, attempt))),
            Op::PutRun { id, last, state } => {
                let state = RunState::ALL[state];
                batch.runs.push(Write::Put(Run { id: RunId(id), state, ..run(last, None, 0) }));
            }
            Op::Forget(last) => batch.forgotten.push(id(last)),
        }
    }
    batch
}

fn lease(last: u8, client: u8) -> LeaseRow {
    LeaseRow {
        address: [10, 77, 1, last].into(),
        client: client.to_string(),
        mac: Some(mac(client)),
        hostname: None,
        state: "bound".to_owned(),
        since: at(0),
        expires: at(i64::from(client)),
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    nodes: BTreeMap<NodeId, Node>,
    runs: BTreeMap<u64, Run>,
    last_run: u64,
    leases: BTreeMap<Ipv4Addr, LeaseRow>,
    settings: BTreeMap<String, Value>,
    events: Vec<String>,
}

impl Model {
    /// The next model, or nothing if something does not fit.
    fn after(mut self, batch: &Batch) -> Option<Self> {
        self.nodes.retain(|id, _| !batch.forgotten.contains(id));
        self.runs.retain(|_, run| !batch.forgotten.contains(&run.node));
        batch.nodes.iter().try_for_each(|write| self.node(write))?;
        batch.runs.iter().try_for_each(|write| self.run(write))?;
        self.leases.extend(batch.leases.iter().map(|lease| (lease.address, lease.clone())));
        self.leases.retain(|address, _| !batch.leases_gone.contains(address));
        for (name, value) in &batch.settings {
            self.settings.remove(name);
            self.settings.extend(value.clone().map(|value| (name.clone(), value)));
        }
        self.events.extend(batch.events.iter().map(|event| event.data.as_str().unwrap().to_owned()));
        Some(self)
    }

    fn node(&mut self, NodeWrite { node, from }: &NodeWrite) -> Option<()> {
        let stored = self.nodes.get(&node.id).map_or(0, |stored| stored.generation);
        (stored == *from && node.generation > *from).then_some(())?;
        self.nodes.insert(node.id.clone(), node.clone());
        Some(())
    }

    fn run(&mut self, write: &Write<Run>) -> Option<()> {
        let run = match write {
            Write::New(run) => Run { id: RunId(self.last_run + 1), ..run.clone() },
            Write::Put(run) => run.clone(),
        };
        if let Some(stored) = self.runs.get_mut(&run.id.0) {
            let forward = !stored.state.ended() && (run.state != RunState::Queued || stored.state == RunState::Queued);
            (*stored == run || forward).then_some(())?;
            stored.state = run.state;
            return Some(());
        }
        let key = |run: &Run| (run.node.clone(), run.boot, run.attempt);
        let taken = run.boot.is_some() && self.runs.values().any(|other| key(other) == key(&run));
        (self.nodes.contains_key(&run.node) && !taken).then_some(())?;
        self.last_run = self.last_run.max(run.id.0);
        self.runs.insert(run.id.0, run);
        Some(())
    }

    async fn read(store: &Store) -> Self {
        let events = store.events_since(Seq(0), u32::MAX).await.unwrap();
        assert!(events.iter().map(|event| event.seq.0).eq(1..=events.len() as u64));
        let mut settings = BTreeMap::new();
        for name in ["0", "1", "2"].map(str::to_owned) {
            settings.extend(store.setting(name.clone()).await.unwrap().map(|value| (name, value)));
        }
        let filter = RunFilter { limit: u32::MAX, ..RunFilter::default() };
        Self {
            nodes: store.nodes().await.unwrap().into_iter().map(|node| (node.id.clone(), node)).collect(),
            runs: store.runs(filter).await.unwrap().into_iter().map(|run| (run.id.0, run)).collect(),
            last_run: store.numbers().await.unwrap().next_run.0 - 1,
            leases: store.leases().await.unwrap().into_iter().map(|lease| (lease.address, lease)).collect(),
            settings,
            events: events.iter().map(|event| text(event).to_owned()).collect(),
        }
    }
}

async fn play(batches: &[Vec<Op>]) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let mut model = Model::default();
    for ops in batches {
        let batch = batch(ops);
        let result = store.commit(batch.clone()).await;
        match model.clone().after(&batch) {
            Some(next) => {
                assert!(result.is_ok(), "{result:?} for {ops:?}");
                model = next;
            }
            None => assert!(result.is_err(), "accepted {ops:?}"),
        }
        assert_eq!(Model::read(&store).await, model, "after {ops:?}");
    }
    store.close().await;
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    assert_eq!(Model::read(&store).await, model, "after opening again");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_is_written_whole_or_not_at_all(
        batches in proptest::collection::vec(proptest::collection::vec(op(), 1..5), 1..12)
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(play(&batches));
    }
}
