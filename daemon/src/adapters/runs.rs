//! The runner's book over the lifecycle, and the way of a queued run to the runner.
//!
//! Every report of the runner becomes one turn of the lifecycle: the run's row and the node's state change together,
//! and the call returns when they are synced.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ansible::{
    Kits, RunBook, RunEnd, RunFolder, RunOrder, RunnerHandle, Wanted,
    events::{Promise, TaskReport},
    inventory::{InventoryHost, SshUser},
};
use tasks::BoxError;
use vocabulary::{ProcessId, Reason, Run, RunId, RunState, Timestamp, quote_said};

use super::{orders::RunnerSwitch, roster::Roster};
use crate::nodes::{
    Nodes,
    launcher::LaunchPad,
    ledger::{Host, Launchable, News, Ready, Verifying},
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

    async fn started(&self, order: &RunOrder, process: ProcessId, at: Timestamp) -> Result<Wanted, BoxError> {
        let ready = Ready { run: order.run.id, host_keys: order.host.host_keys.clone(), process, at };
        let goes = self.0.ask(move |ledger, now, writes| ledger.begins(now, ready, writes)).await?;
        Ok(if goes { Wanted::Yes } else { Wanted::No })
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
        let certificates = end.promises.iter().find_map(|promise| promise.certificates);
        let cause = match (end.cause, end.remedy) {
            (Some(cause), Some(remedy)) => Some(format!("{cause} ({remedy})")),
            (cause, _) => cause,
        };
        let state = end.state;
        self.0
            .ask(move |ledger, now, writes| {
                // A report about a run that has ended is a repeat after a crash and means nothing.
                let known = ledger.run(run).filter(|known| !known.state.ended()).cloned();
                let Some(known) = known else { return };
                // One that was withdrawn was ended by what befell its node, not by a person.
                let cause = ledger.unwanted(&known).filter(|_| state == RunState::Cancelled).or(cause);
                let ended = Run { state, cause, ended: Some(at), ..known };
                if let Some(ends) = certificates {
                    ledger.certificates_found(now, &ended, ends, writes);
                }
                ledger.run_changed(now, &ended, Some(&promises), Verifying::NotYet, writes);
            })
            .await?;
        Ok(())
    }
}

fn judged(promises: &[Promise]) -> Promises {
    match promises.iter().find(|promise| !promise.kept) {
        Some(broken) => Promises::Broken(format!("{} does not hold: {}", broken.name, quote_said(&broken.detail))),
        None if promises.is_empty() => Promises::Broken("nothing was verified".to_owned()),
        None => {
            Promises::Kept { count: promises.len(), nomad: promises.iter().find_map(|promise| promise.nomad.clone()) }
        }
    }
}

pub(super) fn inventory_host(host: Host) -> InventoryHost {
    InventoryHost { node: host.node, address: host.address, user: SshUser::root(), host_keys: host.host_keys }
}

/// The inventory and the runner, as the launcher knows them.
pub struct Pad {
    /// Who writes the inventory.
    pub roster: Arc<Roster>,
    /// Where runs go.
    pub runner: RunnerHandle,
    /// What they are given when they begin.
    pub kits: Arc<dyn Kits>,
}

#[async_trait::async_trait]
impl LaunchPad for Pad {
    async fn launch(&self, run: Launchable) -> Result<(), Reason> {
        self.kits.ready().await?;
        self.roster.write().await?;
        let order = RunOrder { run: run.run, host: inventory_host(run.host) };
        self.runner.enqueue(order).map_err(|error| Reason {
            cause: error.to_string(),
            remedy: "nothing, it is tried again; roost run list shows what is ahead".to_owned(),
        })
    }

    async fn withdraw(&self, run: RunId) {
        match self.runner.cancel(run).await {
            Ok(met) => tracing::info!(%run, ?met, "withdrawn: its node may not have it any more"),
            Err(error) => tracing::debug!(%run, %error, "there was nothing to withdraw"),
        }
    }

    async fn settle(&self) {
        self.roster.refresh().await;
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
