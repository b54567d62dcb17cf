//! Brings queued runs to Ansible: waits for the pinned key and the TPM, writes the inventory, hands the run over; and
//! takes back those whose nodes may not have them any more.
//!
//! A reconciler: it takes no input, looks at what the lifecycle says is queued, and does what is missing; nudged
//! after every change, and periodically in case a nudge was lost. A machine that is not reachable yet, or a disk too
//! full for the inventory, leaves the run queued and its reason on the node; the next look tries again. After a
//! restart it finds the same queue, so nothing needs to be remembered here but what was handed over already, and whose
//! turn it is: a run whose try failed goes behind all others, so that machines that are away keep nobody waiting.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tasks::{BoxError, Stop};
use tokio::{
    sync::Notify,
    task::{self, JoinSet},
};
use vocabulary::{Reason, RunId};

use super::{
    Nodes, NodesError,
    endorsement::{Clearance, Question},
    ledger::Launchable,
};
use crate::{
    ssh::{Keyring, Pinned},
    tpm,
};

/// How often the queue is looked at without a nudge.
const PERIOD: Duration = Duration::from_secs(3);
/// How long a machine may take to answer on its pinned key.
const PATIENCE: Duration = Duration::from_secs(20);
/// Machines asked at once, each by a process of ssh: a rack that was switched on together comes up together.
const AT_ONCE: usize = 32;

/// Where a run goes once its machine answered: the inventory and the runner, joined by the daemon.
#[async_trait::async_trait]
pub trait LaunchPad: Send + Sync + 'static {
    /// Writes the inventory and queues the run; a reason if it cannot be done now.
    async fn launch(&self, run: Launchable) -> Result<(), Reason>;
    /// Ends a run that its node may not have any more, wherever it is.
    async fn withdraw(&self, run: RunId);
    /// Brings the inventory in step with the lifecycle.
    async fn settle(&self);
}

/// Whose turn it is to be tried.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The number of each run's last try that failed.
    failed: HashMap<RunId, u64>,
    count: u64,
}

impl Turns {
    pub(super) fn failed(&mut self, run: RunId) {
        self.count += 1;
        self.failed.insert(run, self.count);
    }

    /// Those never tried first, in the order of their numbers, then whoever waits longest since its try.
    pub(super) fn in_order(&mut self, mut queue: Vec<Launchable>) -> Vec<Launchable> {
        let waiting: HashSet<RunId> = queue.iter().map(|one| one.run.id).collect();
        self.failed.retain(|run, _| waiting.contains(run));
        queue.sort_by_key(|one| (self.failed.get(&one.run.id).copied().unwrap_or_default(), one.run.id));
        queue
    }
}

/// The reconciler, built and not yet running.
pub struct Launcher<P> {
    /// Whose queue it looks at.
    pub nodes: Nodes,
    /// Where runs go.
    pub pad: Arc<P>,
    /// For the question whether the pinned key answers.
    pub keys: Arc<Keyring>,
    /// Nudged by the lifecycle.
    pub nudge: Arc<Notify>,
}

impl<P: LaunchPad> Launcher<P> {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        let mut handed: HashSet<RunId> = HashSet::new();
        let mut trying: HashSet<RunId> = HashSet::new();
        let mut tries: JoinSet<(RunId, bool)> = JoinSet::new();
        let mut whose: HashMap<task::Id, RunId> = HashMap::new();
        let mut turns = Turns::default();
        loop {
            self.withdraw(&mut handed).await;
            self.pad.settle().await;
            for one in turns.in_order(self.queue().await) {
                if tries.len() < AT_ONCE && !handed.contains(&one.run.id) && trying.insert(one.run.id) {
                    let run = one.run.id;
                    whose.insert(tries.spawn(self.attempt(one)).id(), run);
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(PERIOD) => {}
                Some(ended) = tries.join_next_with_id() => {
                    let (id, launched) = match ended {
                        Ok((id, (_, launched))) => (id, launched),
                        Err(panic) => {
                            tracing::error!(%panic, "an attempt to launch a run failed; it is tried again");
                            (panic.id(), false)
                        }
                    };
                    let run = whose.remove(&id);
                    trying.retain(|tried| Some(*tried) != run);
                    if launched {
                        handed.extend(run);
                    } else {
                        run.into_iter().for_each(|run| turns.failed(run));
                        pause(&stop).await;
                    }
                }
            }
        }
        tries.shutdown().await;
        Ok(())
    }

    /// Takes back what was handed over and is over, and what runs on a node that was parked or denied since.
    async fn withdraw(&self, handed: &mut HashSet<RunId>) {
        let known = handed.clone();
        for run in self.nodes.ask(move |ledger, _, _| ledger.withdrawn(&known)).await.unwrap_or_default() {
            self.pad.withdraw(run).await;
            handed.remove(&run);
        }
    }

    async fn queue(&self) -> Vec<Launchable> {
        self.nodes.ask(|ledger, _, _| ledger.launchables()).await.unwrap_or_default()
    }

    fn attempt(&self, one: Launchable) -> impl Future<Output = (RunId, bool)> + 'static {
        let (nodes, pad, keys) = (self.nodes.clone(), Arc::clone(&self.pad), Arc::clone(&self.keys));
        async move {
            let (run, mac) = (one.run.id, one.host.node.mac());
            let result = attempt(&nodes, pad.as_ref(), &keys, one).await;
            if let Err(reason) = &result {
                let reason = reason.clone();
                let told = nodes.ask(move |ledger, now, writes| ledger.stuck(now, mac, reason, writes)).await;
                if let Err(error) = told {
                    tracing::debug!(%error, "a reason could not be written down");
                }
            }
            (run, result.is_ok())
        }
    }
}

async fn attempt(nodes: &Nodes, pad: &impl LaunchPad, keys: &Keyring, one: Launchable) -> Result<(), Reason> {
    let pinned = Pinned { address: one.host.address, host_keys: one.host.host_keys.clone() };
    keys.open(&pinned, PATIENCE).await.map_err(|error| Reason {
        cause: format!("its pinned host key does not answer yet: {error}"),
        remedy: format!("nothing, it is tried again; roost node timeline {} shows how far it is", one.host.node),
    })?;
    let asked = one.clone();
    let answered = nodes.ask(move |ledger, now, writes| ledger.answered(now, &asked, writes));
    if answered.await.map_err(|error| unwritten(&error))? == Clearance::Stop {
        return Ok(());
    }
    if clearance(nodes, keys, &pinned, &one).await? == Clearance::Stop {
        // Parked, or another run took this one's place: nothing is left to launch.
        return Ok(());
    }
    pad.launch(one).await
}

/// Asks the machine's TPM, where that is still open, and lets the lifecycle judge.
async fn clearance(nodes: &Nodes, keys: &Keyring, pinned: &Pinned, one: &Launchable) -> Result<Clearance, Reason> {
    let known = match one.question {
        Question::Settled => return Ok(Clearance::Go),
        Question::AnyKey => None,
        Question::TheKey(key) => Some(key),
    };
    let finding = tpm::ask(&keys.current(), pinned, known).await?;
    let asked = one.clone();
    nodes
        .ask(move |ledger, now, writes| ledger.tpm_found(now, &asked, &finding, writes))
        .await
        .map_err(|error| unwritten(&error))
}

fn unwritten(error: &NodesError) -> Reason {
    Reason { cause: error.to_string(), remedy: "look at the daemon's log".to_owned() }
}

async fn pause(stop: &Stop) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
}
