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
    /// Something changed in Nomad or Consul, or they answer no longer; data: what, which, how it stands, at which index.
    Cluster,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::NodeState,
        Self::Timeline,
        Self::Run,
        Self::RunTask,
        Self::Alarm,
        Self::Audit,
        Self::Part,
        Self::Cluster,
    ];

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
            Self::Cluster => "cluster",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_keeps_its_name_and_json_agrees() {
        let names = ["node_state", "timeline", "run", "run_task", "alarm", "audit", "part", "cluster"];
        assert_eq!(EventKind::ALL.map(EventKind::name), names);
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn no_kind_is_missing_from_the_list() {
        let refused = serde_json::from_str::<EventKind>("\"?\"").unwrap_err().to_string();
        let listed = EventKind::ALL.map(|kind| format!("`{}`", kind.name())).join(", ");
        assert!(refused.contains(&format!("expected one of {listed} at")), "{refused}");
    }

    #[test]
    fn an_event_reads_back_as_it_was_written() {
        let written = concat!(
            r#"{"seq":1,"at":"2026-01-02T03:04:05Z","kind":"run_task","#,
            r#""node":"node-525400123456","run":17,"data":{"task":"x"}}"#
        );
        let event: Event = serde_json::from_str(written).unwrap();
        assert_eq!((event.seq, event.run), (Seq(1), Some(RunId(17))));
        assert_eq!(serde_json::to_string(&event).unwrap(), written);
    }
}
