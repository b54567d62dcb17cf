//! What the runner needs to be durable.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tasks::BoxError;
use vocabulary::{ProcessId, Run, RunId, RunState, Timestamp};

use crate::{
    events::{Promise, TaskReport},
    inventory::InventoryHost,
};

/// A run and the host it works on.
#[derive(Debug, Clone)]
pub struct RunOrder {
    /// As the book holds it.
    pub run: Run,
    /// Where the node is and which keys it must show.
    pub host: InventoryHost,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// An ended state.
    pub state: RunState,
    /// First words of the failure; never a secret.
    pub cause: Option<String>,
    /// What to do about it, where Roost knows.
    pub remedy: Option<String>,
    /// What `bootstrap_agent` found; empty where the playbook has none.
    pub promises: Vec<Promise>,
}

/// Whether a run that is about to begin is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Its process is on record: go.
    Yes,
    /// It was ended while it waited: its process ends without having done anything.
    No,
}

/// The durable side of runs: the daemon implements it over the store, tests in memory. Each call returns only after
/// what it says is synced.
#[async_trait]
pub trait RunBook: Send + Sync + 'static {
    /// Every run that is queued or running, oldest first, with where its node is now.
    async fn unfinished(&self) -> Result<Vec<RunOrder>, BoxError>;

    /// The run has a process. Comes a second time, with another process, where the first one is known to have done
    /// nothing. Answers whether the run is still wanted, on that host with those keys: one that was ended meanwhile, or
    /// whose node is another's by now, is not told to go.
    async fn started(&self, order: &RunOrder, process: ProcessId, at: Timestamp) -> Result<Wanted, BoxError>;

    /// A task began or ended. After a crash the last ones come again: a known `seq` is to be ignored.
    async fn task(&self, run: RunId, report: TaskReport) -> Result<(), BoxError>;

    /// The run is over. May come again after a crash.
    async fn ended(&self, run: RunId, end: RunEnd, at: Timestamp) -> Result<(), BoxError>;
}
