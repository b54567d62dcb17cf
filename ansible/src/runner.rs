//! Runs of ansible-playbook that survive the daemon: queued, capped, one a node, adopted after a restart.
//!
//! The order of things is what makes a run crash-safe. For run 17:
//!
//! | | what | if the daemon dies right after |
//! |---|---|---|
//! | 1 | the book holds the run as queued (the caller did that) | queued: starts from step 2 |
//! | 2 | `runs/17/` is made: known_hosts, ssh_config, ansible.cfg; its secrets: key, copy of the inventory, kit | queued: both are made anew |
//! | 3 | `launcher.sh` is spawned as leader of its own group; it waits for a word on its input | queued: the pipe closes, the launcher ends having done nothing |
//! | 4 | [`RunBook::started`]: pid, start ticks and host boot are durable | running, `began` absent: starts from step 2 |
//! | 5 | the daemon writes `go`; the launcher makes `began` and runs ansible-playbook | running: adopted |
//! | 6 | events are followed and handed over; `reported` holds the last one the book has | running: adopted, told again from there |
//! | 7 | the launcher writes `status` | running: the status is read |
//! | 8 | TODO.md, secrets removed, [`RunBook::ended`] | running: done again, each step being idempotent |
//!
//! A run that began, whose process is gone and that left no status, ends as `lost`: nobody knows what it did.
//! A cancel or a timeout writes `ending` before the first signal, so that it is finished after a restart too.
//!
//! Ansible's workers leave the process group (each calls setsid) and so does ssh's connection master. The group gets
//! TERM, grace and KILL; then everything that carries this run's mark in its environment, or its control socket in
//! its command line, is killed as well (`sweep`).
//!
//! When the daemon stops, running playbooks are left alone, for the next daemon to adopt: its unit needs
//! `KillMode=process`. Rejected: ansible-runner (leaves stale pids and zombies, knows no restart), a pipe for output
//! (it breaks when the daemon dies and kills the play), the exit status by `wait` alone (the next daemon is not the
//! parent), a cgroup a run (needs delegation, and a daemon that is not root).

mod book;
mod conduct;
mod config;
mod folder;
mod follow;
mod keep;
mod kit;
mod launch;
mod process;
mod queue;
mod secrets;
mod sweep;
mod verdict;

use std::{collections::HashMap, sync::Arc};

use tasks::{BoxError, Clock, Stop};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use vocabulary::{NodeId, RunId, RunState};

pub use crate::events::Promise;
pub use book::{RunBook, RunEnd, RunOrder, Wanted};
pub use config::{BuildError, Config};
pub use folder::{FolderError, RunFolder};
pub use keep::{Keep, plan};
pub use kit::{KIT_FOLDER, Kit, Kits, NoKits};
pub use launch::LaunchError;

use conduct::{Context, Handles};
use queue::Queue;

const COMMAND_CAPACITY: usize = 4096;

/// What the runner is given.
pub struct Deps {
    /// The durable side of runs.
    pub book: Arc<dyn RunBook>,
    /// What each run is given of its own.
    pub kits: Arc<dyn Kits>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The part that runs playbooks.
pub struct Runner {
    context: Arc<Context>,
    queue: Queue,
    /// Cancels one run each.
    cancels: HashMap<RunId, Stop>,
    active: JoinSet<Result<RunId, RunError>>,
    commands: mpsc::Receiver<Command>,
    snapshot: watch::Sender<RunnerSnapshot>,
}

/// What others hold of the runner.
#[derive(Clone)]
pub struct RunnerHandle {
    commands: mpsc::Sender<Command>,
    snapshot: watch::Receiver<RunnerSnapshot>,
}

/// What waits and what runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunnerSnapshot {
    /// In the order in which they will start, as far as their nodes are free.
    pub waiting: Vec<RunId>,
    /// In no order.
    pub running: Vec<(RunId, NodeId)>,
}

/// What a cancel met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not started; it is ended now.
    Waiting,
    /// It is being ended.
    Running,
}

/// A run was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// Thousands wait already.
    #[error("the run queue is full")]
    Full,
    /// The runner has ended.
    #[error("the runner has stopped")]
    Stopped,
}

/// A run was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// It has ended, or was never known.
    #[error("run {0} is neither waiting nor running")]
    NotActive(RunId),
    /// The runner has ended.
    #[error("the runner has stopped")]
    Stopped,
}

/// The runner cannot go on; the daemon stops, and the next one adopts what runs.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The book did not take or give something.
    #[error("the run book failed at {action}")]
    Book {
        /// What was asked of it.
        action: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A process could not be watched or ended.
    #[error("cannot follow the process of run {run}")]
    Process {
        /// Whose.
        run: RunId,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A run's task panicked.
    #[error("a run's task panicked")]
    Panicked(#[source] tokio::task::JoinError),
}

enum Command {
    Enqueue(Box<RunOrder>),
    Cancel(RunId, oneshot::Sender<Result<Cancelled, CancelError>>),
}

impl Runner {
    /// Checks the configuration and makes the folders; starts nothing. Blocks.
    ///
    /// # Errors
    /// A folder cannot be made, or a path cannot stand in Ansible's or ssh's configuration.
    pub fn build(config: Config, deps: Deps) -> Result<(Self, RunnerHandle), BuildError> {
        config.check()?;
        let (to_runner, commands) = mpsc::channel(COMMAND_CAPACITY);
        let (snapshot, seen) = watch::channel(RunnerSnapshot::default());
        let queue = Queue::new(config.concurrency);
        let context = Arc::new(Context::new(config, deps));
        let (cancels, active) = (HashMap::new(), JoinSet::new());
        let runner = Self { context, queue, cancels, active, commands, snapshot };
        Ok((runner, RunnerHandle { commands: to_runner, snapshot: seen }))
    }

    /// Adopts what an earlier daemon left, then runs what is asked for. Leaves playbooks running when stopped.
    ///
    /// # Errors
    /// The book or the host failed in a way that would make the runs' states untrue.
    pub async fn run(mut self, stop: Stop) -> Result<(), RunError> {
        let stop = stop.child_token();
        let served = self.serve(&stop).await;
        // Also when one run failed the runner: dropped, the others would be killed instead of left to be adopted.
        stop.cancel();
        let mut left = Ok(());
        while let Some(ended) = self.active.join_next().await {
            left = left.and(self.settle(ended));
        }
        served.and(left)
    }

    async fn serve(&mut self, stop: &Stop) -> Result<(), RunError> {
        self.recover(stop).await?;
        loop {
            while let Some(order) = self.queue.next() {
                self.start(order, stop);
            }
            self.publish();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(ended) = self.active.join_next() => self.settle(ended)?,
                Some(command) = self.commands.recv() => self.obey(command).await?,
            }
        }
    }

    async fn recover(&mut self, stop: &Stop) -> Result<(), RunError> {
        let unfinished = self.context.unfinished().await?;
        let (running, waiting): (Vec<_>, Vec<_>) =
            unfinished.into_iter().partition(|order| order.run.state == RunState::Running);
        self.context.forget_secrets_but(running.iter().map(|order| order.run.id).collect()).await;
        for order in running {
            tracing::info!(run = %order.run.id, node = %order.run.node, "taking over a run of an earlier daemon");
            self.queue.adopt(order.run.id, order.run.node.clone());
            self.start(order, stop);
        }
        for order in waiting {
            self.queue.push(order);
        }
        Ok(())
    }

    fn start(&mut self, order: RunOrder, stop: &Stop) {
        let cancel = Stop::new();
        self.cancels.insert(order.run.id, cancel.clone());
        let handles = Handles { cancel, stop: stop.clone() };
        self.active.spawn(Arc::clone(&self.context).conduct(order, handles));
    }

    fn settle(&mut self, ended: Result<Result<RunId, RunError>, tokio::task::JoinError>) -> Result<(), RunError> {
        let run = ended.map_err(RunError::Panicked)??;
        self.queue.ended(run);
        self.cancels.remove(&run);
        Ok(())
    }

    async fn obey(&mut self, command: Command) -> Result<(), RunError> {
        match command {
            Command::Enqueue(order) => self.queue.push(*order),
            Command::Cancel(run, answer) => {
                let outcome = self.cancel(run).await?;
                // Whoever asked may have gone; the cancel stands.
                let _ = answer.send(outcome);
            }
        }
        Ok(())
    }

    async fn cancel(&mut self, run: RunId) -> Result<Result<Cancelled, CancelError>, RunError> {
        if let Some(order) = self.queue.withdraw(run) {
            self.context.end_waiting(&order).await?;
            return Ok(Ok(Cancelled::Waiting));
        }
        Ok(self.cancels.get(&run).map(Stop::cancel).map(|()| Cancelled::Running).ok_or(CancelError::NotActive(run)))
    }

    fn publish(&self) {
        let now = RunnerSnapshot { waiting: self.queue.waiting(), running: self.queue.running() };
        self.snapshot.send_if_modified(|seen| {
            let changed = *seen != now;
            *seen = now;
            changed
        });
    }
}

impl RunnerHandle {
    /// Hands over a run that the book holds as queued. The same run again is ignored.
    ///
    /// # Errors
    /// The queue is full or the runner has stopped.
    pub fn enqueue(&self, order: RunOrder) -> Result<(), EnqueueError> {
        self.commands.try_send(Command::Enqueue(Box::new(order))).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EnqueueError::Full,
            mpsc::error::TrySendError::Closed(_) => EnqueueError::Stopped,
        })
    }

    /// Ends a run: at once if it waits, by TERM, grace and KILL if it runs. Its end is told through the book.
    ///
    /// # Errors
    /// No such run is active, or the runner has stopped.
    pub async fn cancel(&self, run: RunId) -> Result<Cancelled, CancelError> {
        let (answer, outcome) = oneshot::channel();
        self.commands.send(Command::Cancel(run, answer)).await.map_err(|_| CancelError::Stopped)?;
        outcome.await.map_err(|_| CancelError::Stopped)?
    }

    /// What waits and what runs.
    #[must_use]
    pub fn snapshot(&self) -> RunnerSnapshot {
        self.snapshot.borrow().clone()
    }
}
