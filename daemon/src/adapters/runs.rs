//! The runner's book over the lifecycle, and the way of a queued run to the runner.
//!
//! Every report of the runner becomes one turn of the lifecycle: the run's row and the node's state change together,
//! and the call returns when they are synced.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ansible::{
    RunBook, RunEnd, RunFolder, RunOrder, RunnerHandle, Wanted,
    events::{Promise, TaskReport},
    inventory::{Inventory, InventoryHost, SshUser},
};
use tasks::BoxError;
use vocabulary::{ProcessId, Reason, Run, RunId, RunState, Timestamp, quote_said};

use super::orders::RunnerSwitch;
use crate::nodes::{
    Nodes,
    launcher::LaunchPad,
    ledger::{Host, Launchable, News, Verifying},
    lifecycle::Promises,
};

/// The role whose begin means that the others have ended.
const VERIFYING_ROLE: &str = "bootstrap_agent";

/// The book of runs, kept by the lifecycle.
pub struct Book(pub Nodes);

#[async_trait::async_trait]
impl RunBook for Book {
    /// Running ones alone: what is queued comes by the launcher, which first looks whether the machine answers.
    async fn unfinished(&self) -> Result<Vec<RunOrder>, BoxError> {
        let running = self.0.ask(|ledger, now, writes| {
            ledger.end_orphans(now, writes);
            ledger.running()
        });
        let running = running.await?;
        Ok(running.into_iter().map(|one| RunOrder { run: one.run, host: inventory_host(one.host) }).collect())
    }

    async fn started(&self, run: RunId, process: ProcessId, at: Timestamp) -> Result<Wanted, BoxError> {
        let started =
            move |run: Run| Run { state: RunState::Running, process: Some(process), started: Some(at), ..run };
        self.change(run, started, None, Verifying::NotYet).await
    }

    async fn task(&self, run: RunId, report: TaskReport) -> Result<(), BoxError> {
        let verifying =
            if report.role.as_deref() == Some(VERIFYING_ROLE) { Verifying::Began } else { Verifying::NotYet };
        self.0
            .ask(move |ledger, now, writes| {
                let Some(known) = ledger.run(run).filter(|known| !known.state.ended()).cloned() else { return };
                if ledger.reported(run, report.seq, serde_json::json!(report), writes) == News::Known {
                    return;
                }
                let changed = Run {
                    tasks_done: report.tasks_done,
                    tasks_changed: report.tasks_changed,
                    task: Some(report.full_name()),
                    ..known
                };
                ledger.run_changed(now, &changed, None, verifying, writes);
            })
            .await?;
        Ok(())
    }

    async fn ended(&self, run: RunId, end: RunEnd, at: Timestamp) -> Result<(), BoxError> {
        let promises = judged(&end.promises);
        let cause = match (end.cause, end.remedy) {
            (Some(cause), Some(remedy)) => Some(format!("{cause} ({remedy})")),
            (cause, _) => cause,
        };
        let state = end.state;
        let ended = move |run: Run| Run { state, cause, ended: Some(at), ..run };
        self.change(run, ended, Some(promises), Verifying::NotYet).await.map(drop)
    }
}

impl Book {
    /// Changes a run that has not ended; a report about one that has is a repeat after a crash and means nothing.
    async fn change(
        &self,
        run: RunId,
        change: impl FnOnce(Run) -> Run + Send + 'static,
        promises: Option<Promises>,
        verifying: Verifying,
    ) -> Result<Wanted, BoxError> {
        let wanted = self
            .0
            .ask(move |ledger, now, writes| {
                let known = ledger.run(run).filter(|known| !known.state.ended()).cloned();
                let Some(known) = known else { return Wanted::No };
                ledger.run_changed(now, &change(known), promises.as_ref(), verifying, writes);
                Wanted::Yes
            })
            .await?;
        Ok(wanted)
    }
}

fn judged(promises: &[Promise]) -> Promises {
    match promises.iter().find(|promise| !promise.kept) {
        Some(broken) => Promises::Broken(format!("{} does not hold: {}", broken.name, quote_said(&broken.detail))),
        None if promises.is_empty() => Promises::Broken("nothing was verified".to_owned()),
        None => Promises::Kept(promises.len()),
    }
}

fn inventory_host(host: Host) -> InventoryHost {
    InventoryHost { node: host.node, address: host.address, user: SshUser::root(), host_keys: host.host_keys }
}

/// The inventory and the runner, as the launcher knows them.
pub struct Pad {
    /// Roost's file in it.
    pub inventory: Arc<Inventory>,
    /// Where runs go.
    pub runner: RunnerHandle,
}

#[async_trait::async_trait]
impl LaunchPad for Pad {
    async fn launch(&self, run: Launchable, hosts: Vec<Host>) -> Result<(), Reason> {
        let inventory = Arc::clone(&self.inventory);
        let hosts: Vec<InventoryHost> = hosts.into_iter().map(inventory_host).collect();
        let written = tokio::task::spawn_blocking(move || inventory.sync(&hosts)).await;
        match written {
            Ok(Ok(written)) => {
                for warning in written.warnings {
                    tracing::warn!(?warning, "the operator's inventory");
                }
            }
            Ok(Err(error)) => return Err(Reason { cause: error.to_string(), remedy: error.remedy() }),
            Err(panic) => {
                return Err(Reason { cause: panic.to_string(), remedy: "look at the daemon's log".to_owned() });
            }
        }
        let order = RunOrder { run: run.run, host: inventory_host(run.host) };
        self.runner.enqueue(order).map_err(|error| Reason {
            cause: error.to_string(),
            remedy: "nothing, it is tried again; roost run list shows what is ahead".to_owned(),
        })
    }
}

/// The runner's switches for people: end a run, read its log.
pub struct Switch {
    /// Who has the processes.
    pub runner: RunnerHandle,
    /// Where logs lie: `runs/<id>/output.log` below it.
    pub data_dir: std::path::PathBuf,
}

/// A cancel is confirmed by the run's end; the order itself must not hang.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

#[async_trait::async_trait]
impl RunnerSwitch for Switch {
    async fn cancel(&self, run: RunId, by: &str) -> bool {
        tracing::info!(%run, by, "a run is cancelled");
        matches!(tokio::time::timeout(CANCEL_PATIENCE, self.runner.cancel(run)).await, Ok(Ok(_)))
    }

    async fn kept(&self) -> std::io::Result<HashSet<RunId>> {
        let data_dir = self.data_dir.clone();
        let listed = tokio::task::spawn_blocking(move || RunFolder::all(&data_dir)).await;
        Ok(listed.map_err(std::io::Error::other)??.into_iter().collect())
    }

    async fn log(&self, run: RunId, offset: u64, limit_bytes: usize) -> std::io::Result<(Vec<u8>, u64)> {
        use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
        let mut file = tokio::fs::File::open(RunFolder::of(&self.data_dir, run).output()).await?;
        let end = file.metadata().await?.len();
        file.seek(std::io::SeekFrom::Start(offset)).await?;
        let mut bytes = Vec::new();
        file.take(limit_bytes as u64).read_to_end(&mut bytes).await?;
        Ok((bytes, end))
    }
}
