//! The life of one run, from its order to its end in the book: see the table in `runner`.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tasks::{
    Clock, Stop,
    child::{Group, Spec},
};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use vocabulary::{RunId, RunPurpose, RunState, Timestamp};

use super::{
    Config, Deps, Kits, RunBook, RunEnd, RunError, RunFolder, RunOrder, Wanted,
    folder::Ending,
    follow::Follower,
    launch::{self, LaunchError},
    process::{Process, process_id},
    secrets::{self, Secrets},
    sweep,
    verdict::{self, Traces, Verdict},
};
use crate::{
    tail,
    todo::{Failure, TodoFile},
};

const LOOK: Duration = Duration::from_millis(100);
/// How much of the output's end is searched for an error.
const OUTPUT_TAIL_BYTES: u64 = 64 * 1024;

/// What all runs share.
pub(super) struct Context {
    config: Config,
    book: Arc<dyn RunBook>,
    kits: Arc<dyn Kits>,
    clock: Arc<dyn Clock>,
    todo: TodoFile,
}

/// How one run is told to end.
pub(super) struct Handles {
    /// A person cancels this run.
    pub(super) cancel: Stop,
    /// The daemon stops; the playbook goes on.
    pub(super) stop: Stop,
}

/// One run at work.
struct Conduct {
    context: Arc<Context>,
    order: RunOrder,
    handles: Handles,
    folder: RunFolder,
    secrets: Secrets,
    follower: Follower,
    reported: u64,
}

/// Why following a process came to an end.
enum Outcome {
    Exited(Option<i32>),
    Ended,
    Left,
}

impl Context {
    pub(super) fn new(config: Config, deps: Deps) -> Self {
        let todo = TodoFile::new(config.todo_file.clone(), config.lock_patience);
        Self { config, book: deps.book, kits: deps.kits, clock: deps.clock, todo }
    }

    pub(super) async fn unfinished(&self) -> Result<Vec<RunOrder>, RunError> {
        self.book.unfinished().await.map_err(|source| RunError::Book { action: "unfinished", source })
    }

    pub(super) async fn forget_secrets_but(&self, kept: HashSet<RunId>) {
        let (folder, data) = (self.config.secrets_dir.clone(), self.config.data_dir.clone());
        let forgotten = blocking(move || secrets::forget_but(&folder, &data, &kept)).await;
        if let Err(error) = forgotten {
            tracing::error!(%error, folder = %self.config.secrets_dir.display(), "secrets of ended runs may be left");
        }
    }

    /// Ends a run that was cancelled before it started.
    pub(super) async fn end_waiting(&self, order: &RunOrder) -> Result<(), RunError> {
        self.end(order, verdict::cancelled().end).await
    }

    /// Carries one run to its end, or leaves it to the next daemon.
    pub(super) async fn conduct(self: Arc<Self>, order: RunOrder, handles: Handles) -> Result<RunId, RunError> {
        let id = order.run.id;
        let folder = RunFolder::of(&self.config.data_dir, id);
        let secrets = Secrets::of(&self.config.secrets_dir, &self.config.data_dir, id);
        let follower = Follower::new(folder.events());
        let mut conduct = Conduct { context: self, order, handles, folder, secrets, follower, reported: 0 };
        conduct.run().await.map(|()| id)
    }

    async fn end(&self, order: &RunOrder, end: RunEnd) -> Result<(), RunError> {
        let book = |source| RunError::Book { action: "ended", source };
        self.book.ended(order.run.id, end, self.clock.now()).await.map_err(book)
    }
}

impl Conduct {
    async fn run(&mut self) -> Result<(), RunError> {
        if self.order.run.state == RunState::Running {
            return self.take_over().await;
        }
        self.begin().await
    }

    /// A run that an earlier daemon started: adopt it, read how it ended, start it if it did nothing, or call it lost.
    async fn take_over(&mut self) -> Result<(), RunError> {
        let process = self.order.run.process.clone();
        let adopted = process.as_ref().map(Process::adopt).transpose().map_err(|source| self.failed(source))?.flatten();
        self.reported = self.folder.reported();
        if let Some(process) = adopted {
            let since = self.order.run.started.unwrap_or(self.order.run.created);
            return self.follow(process, since).await;
        }
        if self.did_nothing() {
            return self.begin_again().await;
        }
        self.finish(None).await
    }

    /// Whether a process that is gone never began: it ended because nobody told it to go.
    fn did_nothing(&self) -> bool {
        self.folder.status().is_none() && !self.folder.began() && self.folder.ending().is_none()
    }

    async fn begin_again(&mut self) -> Result<(), RunError> {
        tracing::info!(run = %self.order.run.id, "its first process did nothing; starting it again");
        self.begin().await
    }

    async fn begin(&mut self) -> Result<(), RunError> {
        match self.prepare().await {
            Err(error) => self.conclude(verdict::not_started(&error.chain(), &error.remedy())).await,
            Ok(_) if self.handles.cancel.is_cancelled() => self.conclude(verdict::cancelled()).await,
            // The book holds it as queued: the next daemon starts it.
            Ok(_) if self.handles.stop.is_cancelled() => Ok(()),
            Ok(spec) => match Group::spawn(&spec).map_err(LaunchError::from) {
                Ok(group) => self.release(group).await,
                Err(error) => self.conclude(verdict::not_started(&error.chain(), &error.remedy())).await,
            },
        }
    }

    async fn prepare(&self) -> Result<Spec, LaunchError> {
        let kit = self.context.kits.kit(&self.order).await.map_err(LaunchError::Kit)?;
        let (context, order) = (Arc::clone(&self.context), self.order.clone());
        let (folder, secrets) = (self.folder.clone(), self.secrets.clone());
        blocking(move || launch::prepare(&context.config, &order, &kit, &folder, &secrets)).await
    }

    /// The process is made durable, then told to go.
    async fn release(&mut self, mut group: Group) -> Result<(), RunError> {
        let (run, now) = (self.order.run.id, self.context.clock.now());
        let book = |source| RunError::Book { action: "started", source };
        if self.context.book.started(&self.order, process_id(group.id()), now).await.map_err(book)? == Wanted::No {
            tracing::info!(%run, "ended before it began; its process is not told to go");
            return self.withdraw(group).await;
        }
        if let Some(mut input) = group.take_stdin()
            && let Err(error) = input.write_all(b"go\n").await
        {
            tracing::warn!(%run, %error, "the launcher was gone before it was told to go");
        }
        self.reported = 0;
        self.follow(Process::Own(Box::new(group)), now).await
    }

    /// The closed pipe ends the launcher.
    async fn withdraw(&mut self, mut group: Group) -> Result<(), RunError> {
        drop(group.take_stdin());
        group.terminate(self.context.config.grace).await.map_err(|source| self.failed(source))?;
        let secrets = self.secrets.clone();
        if let Err(error) = blocking(move || secrets.remove()).await {
            tracing::error!(folder = %self.secrets.path().display(), %error, "a run's secrets could not be removed");
        }
        Ok(())
    }

    async fn follow(&mut self, mut process: Process, since: Timestamp) -> Result<(), RunError> {
        match self.watch(&mut process, since).await {
            Err(error) => {
                process.leave();
                Err(error)
            }
            // Adopted in the moment between its daemon's death and its own: it had not noticed yet.
            Ok(Outcome::Exited(None)) if self.did_nothing() => Box::pin(self.begin_again()).await,
            Ok(Outcome::Exited(status)) => self.finish(status).await,
            Ok(Outcome::Ended) => {
                let grace = self.context.config.grace;
                process.terminate(grace).await.map_err(|source| self.failed(source))?;
                self.finish(None).await
            }
            Ok(Outcome::Left) => {
                process.leave();
                Ok(())
            }
        }
    }

    async fn watch(&mut self, process: &mut Process, since: Timestamp) -> Result<Outcome, RunError> {
        let deadline = self.deadline(since);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.folder.ending().is_some() {
            return Ok(Outcome::Ended);
        }
        let (cancel, stop) = (self.handles.cancel.clone(), self.handles.stop.clone());
        loop {
            tokio::select! {
                status = process.ended() => return status.map(Outcome::Exited).map_err(|source| self.failed(source)),
                () = cancel.cancelled() => return Ok(self.decide(Ending::Cancelled)),
                () = sleep_until(deadline) => return Ok(self.decide(Ending::TimedOut)),
                () = stop.cancelled() => return Ok(Outcome::Left),
                _ = looks.tick() => self.report().await?,
            }
        }
    }

    /// By the wall clock, since the daemon that started it may have been another.
    fn deadline(&self, since: Timestamp) -> Instant {
        let ran = self.context.clock.now().duration_since(since);
        let ran = Duration::try_from(ran).unwrap_or_default();
        let left = self.context.config.timeout.saturating_sub(ran);
        Instant::now() + left
    }

    fn decide(&self, ending: Ending) -> Outcome {
        if let Err(error) = self.folder.decide(ending) {
            // It ends all the same; only a crash right now would call it lost instead.
            tracing::warn!(run = %self.order.run.id, %error, "could not write down why the run is ended");
        }
        self.handles.cancel.cancel();
        Outcome::Ended
    }

    /// Hands what is new to the book.
    async fn report(&mut self) -> Result<(), RunError> {
        let mut follower = std::mem::replace(&mut self.follower, Follower::new(self.folder.events()));
        let (follower, read) = blocking(move || {
            let read = follower.read();
            (follower, read)
        })
        .await;
        self.follower = follower;
        let run = self.order.run.id;
        let fresh = read.unwrap_or_else(|error| {
            tracing::warn!(%run, %error, "the run's events cannot be read");
            Vec::new()
        });
        let fresh: Vec<_> = fresh.into_iter().filter(|report| report.seq > self.reported).collect();
        for report in fresh {
            self.reported = report.seq;
            let book = |source| RunError::Book { action: "task", source };
            self.context.book.task(run, report).await.map_err(book)?;
            if let Err(error) = self.folder.set_reported(self.reported) {
                tracing::debug!(%run, %error, "the book will be told some events again after a restart");
            }
        }
        Ok(())
    }

    /// The process is gone: what it left decides.
    async fn finish(&mut self, seen: Option<i32>) -> Result<(), RunError> {
        self.sweep().await;
        self.report().await?;
        let output = tail::last(&self.folder.output(), OUTPUT_TAIL_BYTES).unwrap_or_default();
        let address = format!("{}:{}", self.order.host.address, self.context.config.ssh_port);
        let verdict = verdict::judge(&Traces {
            ending: self.folder.ending(),
            status: self.folder.status().or(seen),
            tally: &self.follower.tally,
            output: &output,
            timeout: self.context.config.timeout,
            address,
        });
        self.conclude(verdict).await
    }

    /// TODO.md, secrets, book: in this order, so that an ended run has left nothing to do.
    async fn conclude(&mut self, verdict: Verdict) -> Result<(), RunError> {
        let Verdict { end, task } = verdict;
        tracing::info!(run = %self.order.run.id, node = %self.order.run.node, state = %end.state, cause = end.cause, "run ended");
        self.note(&end, task).await;
        let secrets = self.secrets.clone();
        if let Err(error) = blocking(move || secrets.remove()).await {
            tracing::error!(folder = %self.secrets.path().display(), %error, "a run's secrets could not be removed");
        }
        self.context.end(&self.order, end).await
    }

    async fn sweep(&self) {
        let (mark, socket) = (launch::mark(&self.folder), self.secrets.control_socket());
        let met = blocking(move || sweep::sweep(&mark, &socket)).await;
        tracing::debug!(run = %self.order.run.id, met, "ended what had left the process group");
    }

    /// A renewal of certificates is repeated by itself, and proves nothing of what a person was asked to mend.
    async fn note(&self, end: &RunEnd, task: String) {
        if self.order.run.purpose == RunPurpose::Certificates {
            return;
        }
        let (todo, run, node) = (self.context.todo.clone(), self.order.run.id, self.order.run.node.clone());
        let (now, log) = (self.context.clock.now(), self.folder.output());
        let end = end.clone();
        let noted = blocking(move || match end.state {
            RunState::Succeeded => todo.succeeded(&node, run, now),
            // A person who cancels knows.
            RunState::Cancelled | RunState::Queued | RunState::Running => Ok(()),
            RunState::Failed | RunState::TimedOut | RunState::Lost => {
                let cause = end.cause.unwrap_or_default();
                todo.failed(&Failure { node, task, cause, remedy: end.remedy, run, log }, now)
            }
        });
        if let Err(error) = noted.await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, path = %self.context.config.todo_file.display(), "TODO.md does not show how the run ended");
        }
    }

    fn failed(&self, source: std::io::Error) -> RunError {
        RunError::Process { run: self.order.run.id, source }
    }
}

/// Files are touched on tokio's blocking threads; a panic there is a panic here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
