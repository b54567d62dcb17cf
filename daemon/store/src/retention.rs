//! How much of the past is kept.

use rusqlite::{Connection, Result};

use crate::events;

/// Upper bounds; what is older than the newest so many is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Timeline lines of each node.
    pub steps_per_node: u32,
    /// Boot attempts of each node.
    pub boots_per_node: u32,
    /// Ended runs of each node, with their tasks; open ones are always kept.
    pub runs_per_node: u32,
    /// Events of all kinds.
    pub events: u64,
    /// Of what people and keys did, however much happened since: a log that can be flooded must not push it out.
    pub audits: u64,
    /// Of alarms, by the same reasoning.
    pub alarms: u64,
}

/// How many rows were dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Timeline lines.
    pub steps: usize,
    /// Boot attempts.
    pub boots: usize,
    /// Runs.
    pub runs: usize,
    /// Events.
    pub events: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            steps_per_node: 2_000,
            boots_per_node: 100,
            runs_per_node: 100,
            events: 100_000,
            audits: 50_000,
            alarms: 50_000,
        }
    }
}

/// The run that made a node what it is stays, however many renewed its certificates since.
const PAST_RUNS: &str =
    "state NOT IN ('queued', 'running') AND id NOT IN (SELECT run FROM nodes WHERE run IS NOT NULL)";

pub(crate) fn trim(connection: &Connection, keep: &Retention) -> Result<Trimmed> {
    Ok(Trimmed {
        steps: newest(connection, "steps", "TRUE", keep.steps_per_node)?,
        boots: newest(connection, "boots", "TRUE", keep.boots_per_node)?,
        runs: newest(connection, "runs", PAST_RUNS, keep.runs_per_node)?,
        events: events::trim(connection, keep)?,
    })
}

/// `table` and `which` are words of this file, never of a caller.
fn newest(connection: &Connection, table: &'static str, which: &'static str, keep: u32) -> Result<usize> {
    let ranked = format!(
        "SELECT id, row_number() OVER (PARTITION BY node ORDER BY id DESC) AS place FROM {table} WHERE {which}"
    );
    connection.execute(&format!("DELETE FROM {table} WHERE id IN (SELECT id FROM ({ranked}) WHERE place > ?1)"), [keep])
}
