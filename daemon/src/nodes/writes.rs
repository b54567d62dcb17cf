//! What a turn of the lifecycle writes: the ledger fills it, `persist` puts it into the store's words.

use std::collections::{BTreeMap, HashMap};

use vocabulary::{BootId, EventKind, Hardware, Node, NodeId, Run, RunId, StepRecord, Timestamp};

use super::{
    disks::Makings,
    lifecycle::Boot,
    power::{Orders, Switchings},
    retiring::Retirements,
};
use crate::policy::Window;

/// Suspects whose approval stands open, and since when: as the store keeps them.
pub type Pardons = BTreeMap<NodeId, Timestamp>;

/// What one turn of the actor writes, all or nothing.
#[derive(Debug, Default)]
pub struct Writes {
    /// Changed nodes: the generation that the store has, and the last version of each.
    pub nodes: HashMap<NodeId, (u64, Node)>,
    /// Changed boots. In the order of their numbers, so that a token is taken from one before it is given to the next.
    pub boots: BTreeMap<BootId, (NodeId, Boot)>,
    /// New and changed runs.
    pub runs: HashMap<RunId, Run>,
    /// Reports of runs' tasks: run, place, report.
    pub tasks: Vec<(RunId, u64, serde_json::Value)>,
    /// Timeline lines, in order.
    pub steps: Vec<StepRecord>,
    /// Events, in order.
    pub events: Vec<Report>,
    /// What a machine claims about itself, kept apart from what Roost knows.
    pub claims: Vec<(NodeId, String, Hardware)>,
    /// Machines that are no longer remembered.
    pub forgotten: Vec<NodeId>,
    /// The approval window, when it changed.
    pub window: Option<Option<Window>>,
    /// The power orders that wait for a DISCOVER, when they changed.
    pub powered: Option<Orders>,
    /// The power orders that are being carried out, when they changed.
    pub switching: Option<Switchings>,
    /// The orders for data disks that are being carried out, when they changed.
    pub makings: Option<Makings>,
    /// The nodes that are being retired, when they changed.
    pub retirements: Option<Retirements>,
    /// The approvals of suspects that stand open, when they changed.
    pub pardoned: Option<Pardons>,
}

impl Writes {
    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
            && self.runs.is_empty()
            && self.steps.is_empty()
            && self.events.is_empty()
            && self.window.is_none()
            && self.powered.is_none()
            && self.switching.is_none()
            && self.makings.is_none()
            && self.retirements.is_none()
            && self.pardoned.is_none()
    }
}

/// An event before the store gave it its place.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it is about.
    pub kind: EventKind,
    /// Which node.
    pub node: Option<NodeId>,
    /// Which run.
    pub run: Option<RunId>,
    /// The subject.
    pub data: serde_json::Value,
}
