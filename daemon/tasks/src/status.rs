//! What every supervised task is doing, for the API, the CLI and `/readyz`.

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// At work.
    Running,
    /// Told to stop, not ended yet.
    Stopping,
    /// Ended without an error, by itself or because it was told to.
    Ended,
    /// Returned an error or panicked.
    Failed,
    /// Did not end in time after it was told to; its memory goes with the process.
    Abandoned,
}

/// One task, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// Its name: `dhcp rack0`.
    pub name: String,
    /// Where it is.
    pub state: TaskState,
    /// Since when it is there.
    pub since: Timestamp,
    /// The error with all its causes, if it failed.
    pub last_error: Option<String>,
}

/// A view of all tasks that outlives the supervisor.
#[derive(Debug, Clone)]
pub struct Statuses(pub(crate) watch::Receiver<Vec<TaskStatus>>);

impl Statuses {
    /// All tasks, in the order of their start.
    #[must_use]
    pub fn snapshot(&self) -> Vec<TaskStatus> {
        self.0.borrow().clone()
    }

    /// Waits until a status changes that this handle has not seen; false once there are no more changes.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// The writing half, held by the supervisor.
#[derive(Debug)]
pub(crate) struct Board(watch::Sender<Vec<TaskStatus>>);

impl Board {
    pub(crate) fn new() -> Self {
        Self(watch::channel(Vec::new()).0)
    }

    pub(crate) fn view(&self) -> Statuses {
        Statuses(self.0.subscribe())
    }

    pub(crate) fn add(&self, name: String, since: Timestamp) {
        let status = TaskStatus { name, state: TaskState::Running, since, last_error: None };
        self.0.send_modify(|tasks| tasks.push(status));
    }

    pub(crate) fn set(&self, index: usize, state: TaskState, since: Timestamp, error: Option<String>) {
        self.0.send_modify(|tasks| {
            let Some(task) = tasks.get_mut(index) else { return };
            task.state = state;
            task.since = since;
            if error.is_some() {
                task.last_error = error;
            }
        });
    }
}
