//! What is written together: all of it or nothing.

use std::net::Ipv4Addr;

use rusqlite::Connection;
use vocabulary::{BootId, Event, KeyId, NodeId, Run, RunId, StepRecord, Timestamp};

use crate::{
    BootRow, Claims, KeyRow, LeaseRow, NewEvent, NodeWrite, RunTaskRow, WriteError, boots, events, keys, leases, nodes,
    runs, settings, timeline,
};

/// Writes that belong together. Written in the order of the fields, so that a row may refer to one of the same batch.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Nodes to be forgotten, with their boots, timelines and runs; first, so that one may be met anew in the same batch.
    pub forgotten: Vec<NodeId>,
    /// Changed nodes, each against the generation it was read at.
    pub nodes: Vec<NodeWrite>,
    /// What machines claim about themselves.
    pub claims: Vec<(NodeId, Claims)>,
    /// New and changed boot attempts.
    pub boots: Vec<Write<BootRow>>,
    /// New and changed runs.
    pub runs: Vec<Write<Run>>,
    /// Tasks of runs; a repeat of the same run and number is ignored.
    pub run_tasks: Vec<RunTaskRow>,
    /// Timeline lines, in order.
    pub steps: Vec<StepRecord>,
    /// New and changed leases; the last writer of an address has it.
    pub leases: Vec<LeaseRow>,
    /// Leases that are gone, by address.
    pub leases_gone: Vec<Ipv4Addr>,
    /// New keys.
    pub keys: Vec<KeyRow>,
    /// Keys that stop counting, and when.
    pub keys_revoked: Vec<(KeyId, Timestamp)>,
    /// Keys that were used, and when.
    pub keys_used: Vec<(KeyId, Timestamp)>,
    /// Settings by name; nothing removes the setting.
    pub settings: Vec<(String, Option<serde_json::Value>)>,
    /// What happened, in order; last, so that the log speaks of what is written.
    pub events: Vec<NewEvent>,
}

/// A row with a number: who counts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write<T> {
    /// The store: the id inside is ignored and the new one stands in [`Committed`].
    New(T),
    /// The caller: the row of that id is made or changed.
    Put(T),
}

/// What the store added to a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Committed {
    /// Ids of the batch's boots, in its order.
    pub boots: Vec<BootId>,
    /// Ids of the batch's runs, in its order.
    pub runs: Vec<RunId>,
    /// The batch's events with their places, in its order.
    pub events: Vec<Event>,
}

impl Batch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { nodes, claims, boots, runs, run_tasks, steps, leases, .. } = self;
        let Self { leases_gone, keys, keys_revoked, keys_used, settings, forgotten, events, .. } = self;
        let first = nodes.is_empty() && claims.is_empty() && boots.is_empty() && runs.is_empty();
        let second = run_tasks.is_empty() && steps.is_empty() && leases.is_empty() && leases_gone.is_empty();
        let third = keys.is_empty() && keys_revoked.is_empty() && keys_used.is_empty() && settings.is_empty();
        first && second && third && forgotten.is_empty() && events.is_empty()
    }

    pub(crate) fn apply(self, connection: &Connection) -> Result<Committed, WriteError> {
        self.forgotten.iter().try_for_each(|node| nodes::forget(connection, node))?;
        self.nodes.iter().try_for_each(|node| nodes::write(connection, node))?;
        self.claims.iter().try_for_each(|(node, claims)| nodes::write_claims(connection, node, claims))?;
        let boots = self.boots.iter().map(|boot| boots::write(connection, boot)).collect::<Result<_, _>>()?;
        let runs = self.runs.iter().map(|run| runs::write(connection, run)).collect::<Result<_, _>>()?;
        self.run_tasks.iter().try_for_each(|task| runs::write_task(connection, task))?;
        self.steps.iter().try_for_each(|step| timeline::write(connection, step))?;
        self.leases.iter().try_for_each(|lease| leases::write(connection, lease))?;
        self.leases_gone.iter().try_for_each(|address| leases::remove(connection, *address))?;
        self.keys.iter().try_for_each(|key| keys::write(connection, key))?;
        self.keys_revoked.iter().try_for_each(|(key, at)| keys::revoke(connection, key, *at))?;
        self.keys_used.iter().try_for_each(|(key, at)| keys::used(connection, key, *at))?;
        self.settings.iter().try_for_each(|(name, value)| settings::write(connection, name, value.as_ref()))?;
        let events = events::append(connection, self.events)?;
        Ok(Committed { boots, runs, events })
    }
}
