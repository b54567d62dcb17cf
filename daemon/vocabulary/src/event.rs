//! What happened, as the event bus carries it and the store keeps it.
//!
//! An event is a report, never an order: whatever must happen is an intent in the store (docs/architecture.md).
//! Sequence numbers have no gaps, so that a reader who reconnects with the last one it saw misses nothing.

use serde::{Deserialize, Serialize};

use crate::{NodeId, RunId, Timestamp};

/// Position in the event log, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A node changed its state; data: the node.
    NodeState,
    /// A line was added to a timeline; data: the line.
    Timeline,
    /// A run changed its state; data: the run.
    Run,
    /// A task of a run started or ended; data: the task.
    RunTask,
    /// Something a person must look at; data: cause and remedy.
    Alarm,
    /// A person or a key did something; data: who and what.
    Audit,
    /// A part of the daemon changed its state; data: the part.
    Part,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::NodeState, Self::Timeline, Self::Run, Self::RunTask, Self::Alarm, Self::Audit, Self::Part];

    /// The name in JSON, SQL and SSE.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NodeState => "node_state",
            Self::Timeline => "timeline",
            Self::Run => "run",
            Self::RunTask => "run_task",
            Self::Alarm => "alarm",
            Self::Audit => "audit",
            Self::Part => "part",
        }
    }
}

/// One entry of the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place; absent until the store gave it one.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// What it is about.
    pub kind: EventKind,
    /// Which node, where one is concerned.
    pub node: Option<NodeId>,
    /// Which run, where one is concerned.
    pub run: Option<RunId>,
    /// The subject itself; never holds a secret.
    pub data: serde_json::Value,
}
