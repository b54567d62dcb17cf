//! Orders for data disks: who may be given one, and what becomes of it.
//!
//! An order ([`Making`]) is in the store with everything that it will write before the node hears of it, and leaves the store
//! with its outcome. A daemon that ends in between finds it at its start and goes on (`adapters::disks`): unlike a power
//! order, it names what it makes and can be given twice. From its good end on the node's identity rests on the disk
//! (`keeping`): the host keys that it is pinned by are the ones that the disk keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vocabulary::{HostKey, Kept, NodeId, NodeState, Step, Timestamp};

use super::{
    ledger::{Host, Ledger, Writes},
    lifecycle::{Tracked, Turn},
    requests::OrderError,
};
use crate::disk::{Content, Target};

/// Orders that are being carried out: as the store keeps them.
pub type Makings = BTreeMap<NodeId, Making>;

/// An order between its row and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    /// What is made of which disk.
    pub target: Target,
    /// Who ordered it.
    pub by: String,
    /// When.
    pub ordered: Timestamp,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MakingEnd {
    /// The disk keeps these host keys now; and what the node did with it at once.
    Made {
        /// What the node was pinned by.
        host_keys: Vec<HostKey>,
        /// In the node's words.
        words: String,
    },
    /// Nothing was written, and why.
    Refused(String),
    /// A step failed, or the node fell silent: why, and the disk is perhaps half made.
    Unfinished(String),
}

impl Making {
    fn disk(&self) -> String {
        let Target { device, serial, .. } = &self.target;
        if serial.is_empty() { device.to_string() } else { format!("{device} (serial {serial})") }
    }
}

impl Tracked {
    fn disk_ordered(&mut self, making: Making, turn: &mut Turn) {
        let lost = if making.target.content == Content::Destroy { ", what is on it is given up" } else { "" };
        turn.line(Step::Note, format!("{} is made its data disk by {}{lost}", making.disk(), making.by));
        self.making = Some(making);
    }

    fn disk_ended(&mut self, now: Timestamp, end: &MakingEnd, turn: &mut Turn) {
        let Some(making) = self.making.take() else { return };
        let disk = making.disk();
        match end {
            MakingEnd::Made { host_keys, words } => {
                turn.line(Step::Note, format!("{disk} is its data disk {}; {words}", making.target.uuid));
                let pinned = self.node.identity.as_mut().filter(|identity| identity.host_keys == *host_keys);
                if let Some(identity) = pinned {
                    identity.kept = Some(Kept { disk: Some(making.target.uuid), since: now });
                }
            }
            MakingEnd::Refused(why) => turn.line(Step::Note, format!("{disk} was not made its data disk: {why}")),
            MakingEnd::Unfinished(why) => turn.alarm(
                format!("{disk} is perhaps half made into a data disk: {why}"),
                format!("{}; no boot mounts it as it is", self.finish_by_hand(&making)),
            ),
        }
    }

    /// Half of a disk holds a partition table already: it takes the word that gives it up.
    fn finish_by_hand(&self, making: &Making) -> String {
        let (node, Target { device, serial, .. }) = (&self.node.id, &making.target);
        if serial.is_empty() {
            return format!(
                "on the node: wipefs -a /dev/{device}*, then roost node disk {node} --device {device} --yes"
            );
        }
        format!("roost node disk {node} --device {device} --wipe '{serial}' --yes")
    }
}

impl Ledger {
    /// Where a node is asked for its disks, if it may be given a data disk now.
    ///
    /// # Errors
    /// It is unknown, kept out, not up, or busy.
    pub fn diskable(&self, node: &NodeId) -> Result<Host, OrderError> {
        let unknown = || OrderError::UnknownNode(node.clone());
        let machine = self.machine(node.mac()).ok_or_else(unknown)?;
        let conflict = |cause: String, remedy: String| Err(OrderError::Conflict { cause, remedy });
        if let Some(making) = &machine.making {
            return conflict(
                format!("{node}: {} is being made its data disk, ordered by {}", making.disk(), making.by),
                format!("wait for its end: roost node timeline {node}"),
            );
        }
        let state = machine.node.state;
        let answered = machine.node.identity.as_ref().is_some_and(|identity| identity.answered.is_some());
        if !matches!(state, NodeState::Ready | NodeState::Lapsed | NodeState::Failed) || !answered {
            return conflict(
                format!("{node} is {state}: a disk is made on a node that is ready or lapsed, or has failed and is up"),
                format!("wait until it is ready: roost node timeline {node}"),
            );
        }
        let host = self.inventory().into_iter().find(|host| host.node == *node);
        host.map_or_else(|| conflict(format!("{node} is not known for certain"), format!("roost node show {node}")), Ok)
    }

    /// A disk is about to be made: the intent is on the timeline and in the store before the node hears of it.
    ///
    /// # Errors
    /// As [`Ledger::diskable`].
    pub fn disk_ordered(
        &mut self,
        now: Timestamp,
        node: &NodeId,
        (target, by): (Target, &str),
        writes: &mut Writes,
    ) -> Result<(), OrderError> {
        self.diskable(node)?;
        self.audit(by, "disk", &json!({"node": node, "target": target}), writes);
        let making = Making { target, by: by.to_owned(), ordered: now };
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.disk_ordered(making, turn))
            .ok_or_else(|| OrderError::UnknownNode(node.clone()))
    }

    /// An order is over; one that nobody knows of, since the machine was forgotten, changes nothing.
    pub fn disk_ended(&mut self, now: Timestamp, node: &NodeId, end: &MakingEnd, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.disk_ended(now, end, turn));
    }

    /// Writes down what became of orders for disks, where a turn changed it.
    pub(super) fn note_making(&self, before: Option<&Making>, after: Option<&Making>, writes: &mut Writes) {
        if before != after {
            writes.makings = Some(self.makings());
        }
    }

    /// Every order that is being carried out.
    #[must_use]
    pub fn makings(&self) -> Makings {
        self.machines().filter_map(|one| Some((one.node.id.clone(), one.making.clone()?))).collect()
    }

    /// Where the node of an order is asked on: wherever it is pinned now, if it is let in at all.
    #[must_use]
    pub fn host_for_disk(&self, node: &NodeId) -> Option<Host> {
        self.hosts().into_iter().find(|host| host.node == *node)
    }
}

#[cfg(test)]
#[path = "disks_tests.rs"]
mod tests;
