//! Who runs next: first come, first served, but never two on one node and never more than the cap. Pure.
//!
//! A run whose node is busy does not hold up the runs behind it; it keeps its place and goes as soon as it can.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
};

use vocabulary::{NodeId, RunId};

use super::RunOrder;

pub(super) struct Queue {
    cap: NonZeroUsize,
    waiting: VecDeque<RunOrder>,
    running: HashMap<RunId, NodeId>,
}

impl Queue {
    pub(super) fn new(cap: NonZeroUsize) -> Self {
        Self { cap, waiting: VecDeque::new(), running: HashMap::new() }
    }

    /// A run that is here already is the same run.
    pub(super) fn push(&mut self, order: RunOrder) {
        let id = order.run.id;
        if !self.running.contains_key(&id) && self.waiting.iter().all(|other| other.run.id != id) {
            self.waiting.push_back(order);
        }
    }

    /// A run that another daemon started: it runs, whatever the cap says.
    pub(super) fn adopt(&mut self, run: RunId, node: NodeId) {
        self.running.insert(run, node);
    }

    /// The next run that may start now; from here on it counts as running.
    pub(super) fn next(&mut self) -> Option<RunOrder> {
        if self.running.len() >= self.cap.get() {
            return None;
        }
        let free = |order: &RunOrder| self.running.values().all(|busy| *busy != order.run.node);
        let place = self.waiting.iter().position(free)?;
        let order = self.waiting.remove(place)?;
        self.running.insert(order.run.id, order.run.node.clone());
        Some(order)
    }

    /// Takes a waiting run out.
    pub(super) fn withdraw(&mut self, run: RunId) -> Option<RunOrder> {
        let place = self.waiting.iter().position(|order| order.run.id == run)?;
        self.waiting.remove(place)
    }

    pub(super) fn ended(&mut self, run: RunId) {
        self.running.remove(&run);
    }

    pub(super) fn waiting(&self) -> Vec<RunId> {
        self.waiting.iter().map(|order| order.run.id).collect()
    }

    pub(super) fn running(&self) -> Vec<(RunId, NodeId)> {
        let mut running: Vec<_> = self.running.iter().map(|(run, node)| (*run, node.clone())).collect();
        running.sort();
        running
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vocabulary::{Mac, Run, RunState, Timestamp};

    use super::*;
    use crate::inventory::{InventoryHost, SshUser};

    fn order(run: u64, node: u8) -> RunOrder {
        let node = NodeId::of(Mac([2, 0, 0, 0, 0, node]));
        let host = InventoryHost {
            node: node.clone(),
            address: [127, 0, 0, 1].into(),
            user: SshUser::root(),
            host_keys: Vec::new(),
        };
        let run = Run {
            id: RunId(run),
            node,
            boot: None,
            state: RunState::Queued,
            purpose: vocabulary::RunPurpose::Configure,
            retry_of: None,
            attempt: 0,
            asked_by: "test".to_owned(),
            cause: None,
            process: None,
            created: Timestamp::UNIX_EPOCH,
            started: None,
            ended: None,
            tasks_done: 0,
            tasks_changed: 0,
            task: None,
        };
        RunOrder { run, host }
    }

    fn next(queue: &mut Queue) -> Option<u64> {
        queue.next().map(|order| order.run.id.0)
    }

    #[test]
    fn b38_first_come_first_served_within_cap_and_node() {
        let mut queue = Queue::new(NonZeroUsize::new(2).unwrap());
        for (run, node) in [(1, 1), (2, 1), (3, 2), (4, 3)] {
            queue.push(order(run, node));
        }
        assert_eq!((next(&mut queue), next(&mut queue), next(&mut queue)), (Some(1), Some(3), None));
        queue.ended(RunId(1));
        assert_eq!((next(&mut queue), next(&mut queue)), (Some(2), None), "the one that waited longest");
        assert_eq!(queue.withdraw(RunId(4)).map(|order| order.run.id), Some(RunId(4)));
        assert!(queue.withdraw(RunId(2)).is_none());
    }

    proptest! {
        #[test]
        fn b38_cap_and_node_hold_and_nothing_is_lost(runs in proptest::collection::vec(0u8..4, 1..40), cap in 1usize..5) {
            let mut queue = Queue::new(NonZeroUsize::new(cap).unwrap());
            for (id, node) in (1u64..).zip(&runs) {
                queue.push(order(id, *node));
                queue.push(order(id, *node));
            }
            let mut done = 0;
            while done < runs.len() {
                while queue.next().is_some() {}
                let running = queue.running();
                let mut nodes: Vec<_> = running.iter().map(|(_, node)| node.clone()).collect();
                nodes.dedup();
                nodes.sort();
                nodes.dedup();
                prop_assert!(!running.is_empty() && running.len() <= cap && nodes.len() == running.len());
                queue.ended(running[done % running.len()].0);
                done += 1;
            }
            prop_assert!(queue.waiting().is_empty() && queue.running().is_empty());
        }
    }
}
