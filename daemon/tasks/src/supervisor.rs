//! Named tasks that are joined, and stopped in the reverse of the order in which they started.
//!
//! Later parts use earlier ones, so the last one started stops first: the HTTP server before the runner, the
//! runner before the store. Each task has its own [`Stop`]; the time for all of them is limited, and a task that
//! hangs may use at most half of what is left, so that those after it are still asked.
//!
//! A panic is a failure like any other: caught, named, reported. A task that ends without an error has done its
//! work. One that fails stops all (`OnError::Stop`) or is written down and missed (`OnError::Log`).

use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{
    BoxError, Clock, Stop, chain,
    status::{Board, Statuses, TaskState},
};

/// What a task's failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The daemon cannot do without it: everything stops.
    Stop,
    /// The rest goes on; the status shows the error.
    Log,
}

/// Why the supervisor ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailed {
    /// A task that everything depends on failed; all others were stopped.
    #[error("{name} failed")]
    Failed {
        /// Which task.
        name: String,
        /// Its error, or its panic message.
        #[source]
        cause: BoxError,
    },
    /// All was asked to stop and some did not.
    #[error("did not stop within {limit:?}: {}", names.join(", "))]
    NotStopped {
        /// Which tasks.
        names: Vec<String>,
        /// How long they had.
        limit: Duration,
    },
}

/// Runs tasks until one fails or all are told to stop.
pub struct Supervisor {
    clock: Arc<dyn Clock>,
    tasks: JoinSet<Ended>,
    entries: Vec<Entry>,
    board: Board,
    drain_limit: Duration,
    beats: (mpsc::Sender<oneshot::Sender<()>>, mpsc::Receiver<oneshot::Sender<()>>),
}

/// Asks the supervisor's loop for a sign of life; for the watchdog.
#[derive(Debug, Clone)]
pub struct Pulse(mpsc::Sender<oneshot::Sender<()>>);

struct Entry {
    name: String,
    on_error: OnError,
    stop: Stop,
    alive: bool,
}

struct Ended {
    index: usize,
    result: Result<(), BoxError>,
}

/// A task's panic, as the cause of its failure.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panicked(String);

const DEFAULT_DRAIN_LIMIT: Duration = Duration::from_secs(20);

impl Pulse {
    /// Comes back once the loop has answered; false when there is no loop any more.
    pub async fn beat(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.is_ok() && answered.await.is_ok()
    }
}

impl Supervisor {
    /// Supervises nothing yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            tasks: JoinSet::new(),
            entries: Vec::new(),
            board: Board::new(),
            drain_limit: DEFAULT_DRAIN_LIMIT,
            beats: mpsc::channel(1),
        }
    }

    /// How long all tasks together may take to stop; 20 s unless told.
    #[must_use]
    pub const fn drain_limit(mut self, limit: Duration) -> Self {
        self.drain_limit = limit;
        self
    }

    /// Starts a task now. Must be called inside a tokio runtime.
    pub fn spawn<F, Fut, E>(&mut self, name: impl Into<String>, on_error: OnError, task: F)
    where
        F: FnOnce(Stop) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let (index, name, stop) = (self.entries.len(), name.into(), Stop::new());
        self.board.add(name.clone(), self.clock.now());
        self.entries.push(Entry { name, on_error, stop: stop.clone(), alive: true });
        self.tasks.spawn(async move {
            let work = async move { task(stop).await.map_err(Into::into) };
            let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)));
            Ended { index, result }
        });
    }

    /// What the tasks are doing, for whoever shows it.
    #[must_use]
    pub fn handle(&self) -> Statuses {
        self.board.view()
    }

    /// A sign of life of the loop in [`Supervisor::run`], also while it drains.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse(self.beats.0.clone())
    }

    /// Runs until `stop` is cancelled, a task that matters fails or no task is left; then stops the rest, last first.
    ///
    /// # Errors
    /// A task with [`OnError::Stop`] failed, or some did not stop in time.
    pub async fn run(mut self, stop: Stop) -> Result<(), TaskFailed> {
        let mut failure = None;
        while failure.is_none() && !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                Some(answer) = self.beats.1.recv() => { let _gone = answer.send(()); }
                ended = self.tasks.join_next() => match ended {
                    Some(ended) => failure = self.note(ended),
                    None => break,
                },
            }
        }
        self.drain(failure).await
    }

    async fn drain(mut self, mut failure: Option<TaskFailed>) -> Result<(), TaskFailed> {
        let end = Instant::now() + self.drain_limit;
        for index in (0..self.entries.len()).rev() {
            if self.entries[index].alive {
                self.board.set(index, TaskState::Stopping, self.clock.now(), None);
                self.entries[index].stop.cancel();
                let share = Instant::now() + end.saturating_duration_since(Instant::now()) / 2;
                let late = self.wait_for(share, |entries| !entries[index].alive).await;
                failure = failure.or(late);
            }
        }
        let late = self.wait_for(end, |entries| entries.iter().all(|entry| !entry.alive)).await;
        failure.or(late).or_else(|| self.abandon()).map_or(Ok(()), Err)
    }

    /// Goes on joining and answering until `done` or the deadline; gives the first failure that happened meanwhile.
    async fn wait_for(&mut self, until: Instant, done: impl Fn(&[Entry]) -> bool) -> Option<TaskFailed> {
        let mut failure = None;
        while !done(&self.entries) && !self.tasks.is_empty() {
            let step = async {
                tokio::select! {
                    Some(answer) = self.beats.1.recv() => { let _gone = answer.send(()); None }
                    ended = self.tasks.join_next() => ended,
                }
            };
            match timeout_at(until, step).await {
                Ok(Some(ended)) => failure = failure.or(self.note(ended)),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        failure
    }

    /// Writes down how a task ended; gives the failure if everything depends on it.
    fn note(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Option<TaskFailed> {
        // Panics are caught inside and nothing is aborted before the end, so there is always an `Ended`.
        let Ended { index, result } = ended.ok()?;
        let entry = &mut self.entries[index];
        entry.alive = false;
        let Err(cause) = result else {
            tracing::debug!(task = entry.name, "ended");
            self.board.set(index, TaskState::Ended, self.clock.now(), None);
            return None;
        };
        let error = chain(&*cause);
        tracing::error!(task = entry.name, error, "failed");
        self.board.set(index, TaskState::Failed, self.clock.now(), Some(error));
        (entry.on_error == OnError::Stop).then(|| TaskFailed::Failed { name: entry.name.clone(), cause })
    }

    fn abandon(&mut self) -> Option<TaskFailed> {
        let mut names = Vec::new();
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.alive) {
            tracing::error!(task = entry.name, "did not stop in time");
            self.board.set(index, TaskState::Abandoned, self.clock.now(), None);
            names.push(entry.name.clone());
        }
        self.tasks.abort_all();
        (!names.is_empty()).then_some(TaskFailed::NotStopped { names, limit: self.drain_limit })
    }
}

fn panicked(payload: &(dyn Any + Send)) -> BoxError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    Panicked(text.unwrap_or_else(|| "with something that is no text".to_owned())).into()
}
