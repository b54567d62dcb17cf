//! The node lifecycle: the only writer of node state, of boots and of runs.
//!
//! One actor owns the [`Ledger`]. Whoever wants something sends a function over the ledger; the actor
//! applies everything that waits, commits the writes of all in one transaction, and only then answers. So there are
//! no races to reason about, an answer (a script with its token, a 202) never leaves before its row is synced, and a
//! storm of a hundred machines shares its fsyncs.
//!
//! When a commit fails the ledger is read back from the store: what could not be written did not happen, and whoever
//! asked is told so and asks again (iPXE, the call-home client and Ansible's book-keeping all do).
//!
//! Read on in `lifecycle` (states), `boots` (attempts), `door` (who is let in), `admission` (who a call-home comes from),
//! `endorsement` (its TPM), `keeping` (its data disk), `joining` (what the cluster says of it), `retiring` (how it goes),
//! `requests` (what can be asked).

pub mod admission;
pub mod boots;
pub mod disks;
pub mod door;
pub mod endorsement;
pub mod joiner;
pub mod joining;
pub mod keeping;
pub mod launcher;
pub mod ledger;
pub mod lifecycle;
pub mod pace;
pub mod persist;
pub mod power;
pub mod refusals;
pub mod renewal;
pub mod renewer;
pub mod requests;
pub mod retiring;
pub mod rules;
pub mod writes;

use std::{sync::Arc, time::Duration};

use store::WriteError;
use tasks::{Clock, Stop};
use tokio::sync::{Notify, mpsc, oneshot};
use vocabulary::Timestamp;

use ledger::{Ledger, Seen, Writes};
use lifecycle::Rules;

/// How often SLAs are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How many requests may wait, and be applied in one transaction.
const WAITING: usize = 1024;

type Settle = Box<dyn FnOnce(Result<(), NodesError>) + Send>;
type Request = Box<dyn FnOnce(&mut Ledger, Timestamp, &mut Writes) -> Settle + Send>;

/// Why nothing came of a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NodesError {
    /// It could not be written down, so it did not happen.
    #[error("not written down: {0}")]
    NotWritten(String),
    /// The daemon is ending.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Speaks to the lifecycle; cheap to clone.
#[derive(Clone)]
pub struct Nodes {
    requests: mpsc::Sender<Request>,
}

impl Nodes {
    /// Applies `act` to the ledger; answers when what it wrote is synced.
    ///
    /// # Errors
    /// It could not be written, or the daemon is stopping.
    pub async fn ask<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Ledger, Timestamp, &mut Writes) -> R + Send + 'static,
    ) -> Result<R, NodesError> {
        let (reply, answer) = oneshot::channel();
        let request: Request = Box::new(move |ledger, now, writes| {
            let result = act(ledger, now, writes);
            Box::new(move |written| drop(reply.send(written.map(|()| result))))
        });
        self.requests.send(request).await.map_err(|_| NodesError::Stopping)?;
        answer.await.map_err(|_| NodesError::Stopping)?
    }

    /// Takes note of something seen; never waits. A sighting that finds the queue full is dropped: it is a line on
    /// a timeline, and the packet path must not stall for it.
    pub fn saw(&self, seen: Seen) {
        let request: Request = Box::new(move |ledger, now, writes| {
            ledger.saw(now, seen, writes);
            Box::new(|_| ())
        });
        if self.requests.try_send(request).is_err() {
            tracing::debug!("a sighting was dropped: the lifecycle is busy");
        }
    }
}

/// The actor, built and not yet running.
pub struct NodesPart {
    requests: mpsc::Receiver<Request>,
    ledger: Ledger,
    store: store::Store,
    clock: Arc<dyn Clock>,
    launch: Arc<Notify>,
}

/// The lifecycle could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum NodesPartError {
    /// The store has stopped writing.
    #[error("the store writes no more")]
    Gone(#[source] WriteError),
    /// What the store remembers could not be read.
    #[error("cannot read the nodes from the store")]
    Load(#[from] persist::LoadError),
}

impl NodesPart {
    /// Reads what the store remembers; starts nothing. `launch` is nudged after every change.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn build(
        rules: Rules,
        store: store::Store,
        clock: Arc<dyn Clock>,
        launch: Arc<Notify>,
    ) -> Result<(Self, Nodes), NodesPartError> {
        let ledger = persist::load(&store, rules, clock.now()).await?;
        let (sender, requests) = mpsc::channel(WAITING);
        Ok((Self { requests, ledger, store, clock, launch }, Nodes { requests: sender }))
    }

    /// Runs until told to stop, then finishes what was asked before.
    ///
    /// # Errors
    /// A commit failed and the store could not be read back either.
    pub async fn run(mut self, stop: Stop) -> Result<(), NodesPartError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut waiting = Vec::with_capacity(WAITING);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = tick.tick() => self.turn(&mut waiting, Look::AtTheClock).await?,
                count = self.requests.recv_many(&mut waiting, WAITING) => {
                    if count == 0 { break }
                    self.turn(&mut waiting, Look::OnlyAtRequests).await?;
                }
            }
        }
        self.requests.close();
        while self.requests.recv_many(&mut waiting, WAITING).await > 0 {
            self.turn(&mut waiting, Look::OnlyAtRequests).await?;
        }
        Ok(())
    }

    async fn turn(&mut self, waiting: &mut Vec<Request>, look: Look) -> Result<(), NodesPartError> {
        let now = self.clock.now();
        let mut writes = Writes::default();
        let settles: Vec<Settle> =
            waiting.drain(..).map(|request| request(&mut self.ledger, now, &mut writes)).collect();
        if look == Look::AtTheClock {
            self.ledger.tick(now, &mut writes);
        }
        let written = if writes.is_empty() { Ok(()) } else { self.commit(writes).await? };
        for settle in settles {
            settle(written.clone());
        }
        Ok(())
    }

    async fn commit(&mut self, writes: Writes) -> Result<Result<(), NodesError>, NodesPartError> {
        match persist::commit(&self.store, writes, self.clock.now()).await {
            Ok(()) => {
                self.launch.notify_one();
                Ok(Ok(()))
            }
            // The store writes no more until it is opened anew: a daemon that lives on would only say no to everyone.
            Err(
                error @ (WriteError::Disk { .. }
                | WriteError::Corrupt { .. }
                | WriteError::Stopped
                | WriteError::Closed),
            ) => Err(NodesPartError::Gone(error)),
            Err(error) => {
                tracing::error!(%error, "a turn of the lifecycle could not be written; reading the store back");
                self.ledger = persist::load(&self.store, self.ledger.rules.clone(), self.clock.now()).await?;
                Ok(Err(NodesError::NotWritten(error.to_string())))
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    AtTheClock,
    OnlyAtRequests,
}
