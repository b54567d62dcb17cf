//! The past beyond its bounds: rows of the store, and folders of runs.
//!
//! One task that looks every hour. A full disk, which needs it most, does not end it, and neither does a folder that
//! cannot be removed: it is tried again. What goes is decided by [`ansible::plan_removal`], which is pure.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ansible::{Keep, RunFolder};
use store::{RunFilter, Store};
use tasks::{BoxError, Clock, Stop};
use vocabulary::RunId;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(3600);

/// What keeps the past within its bounds.
pub struct Past {
    /// The rows.
    pub store: Store,
    /// Where the folders of runs lie, in `runs/`.
    pub data_dir: PathBuf,
    /// What is kept of them.
    pub keep: Keep,
    /// For the age of runs.
    pub clock: Arc<dyn Clock>,
}

impl Past {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        loop {
            self.trim().await;
            if stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Drops rows, then folders: those of runs whose rows went go with them.
    async fn trim(&self) {
        match self.store.trim(store::Retention::default()).await {
            Ok(trimmed) => tracing::debug!(?trimmed, "the past beyond its bounds was dropped"),
            Err(error) => tracing::warn!(%error, "the past beyond its bounds could not be dropped; tried again"),
        }
        match self.drop_folders().await {
            Ok(0) => (),
            Ok(removed) => tracing::info!(removed, "folders of old runs were removed ([runs] in roost.toml)"),
            Err(error) => tracing::warn!(error, "folders of old runs could not be removed; tried again"),
        }
    }

    /// The folders are listed before the rows are read: a run has its row before its folder.
    async fn drop_folders(&self) -> Result<usize, BoxError> {
        let data_dir = self.data_dir.clone();
        let folders = tokio::task::spawn_blocking(move || RunFolder::all(&data_dir)).await??;
        let runs = self.store.runs(RunFilter { limit: u32::MAX, ..RunFilter::default() }).await?;
        let gone = ansible::plan_removal(self.clock.now(), &self.keep, &folders, &runs);
        let data_dir = self.data_dir.clone();
        Ok(tokio::task::spawn_blocking(move || remove(&data_dir, &gone)).await?)
    }
}

/// How many could be removed.
fn remove(data_dir: &std::path::Path, runs: &[RunId]) -> usize {
    let removed = |run: &&RunId| {
        let folder = RunFolder::of(data_dir, **run);
        let removed = folder.remove();
        if let Err(error) = &removed {
            tracing::warn!(folder = %folder.path().display(), %error, "the folder of an old run stays for now");
        }
        removed.is_ok()
    };
    runs.iter().filter(removed).count()
}

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZeroU32};

    use store::{Batch, NodeWrite, Write};
    use tasks::ManualClock;
    use vocabulary::{Mac, NodeId, Run, RunState, Timestamp};

    use super::*;
    use crate::nodes::lifecycle::Tracked;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn run(id: u64, state: RunState) -> Run {
        Run {
            id: RunId(id),
            node: NodeId::of(Mac([2; 6])),
            boot: None,
            state,
            purpose: vocabulary::RunPurpose::Configure,
            retry_of: None,
            attempt: 0,
            asked_by: "call-home".to_owned(),
            cause: None,
            process: None,
            created: at(0),
            started: Some(at(1)),
            ended: state.ended().then(|| at(2)),
            tasks_done: 0,
            tasks_changed: 0,
            task: None,
        }
    }

    #[tokio::test]
    async fn old_folders_go_and_running_ones_and_rows_stay() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path(), at(0)).await.unwrap();
        let node = vocabulary::Node { generation: 1, ..Tracked::new(at(0), Mac([2; 6])).node };
        let runs = [(1, RunState::Failed), (2, RunState::Running), (3, RunState::Succeeded)];
        let runs = runs.map(|(id, state)| Write::Put(run(id, state))).to_vec();
        let batch = Batch { nodes: vec![NodeWrite { node, from: 0 }], runs, ..Batch::default() };
        store.commit(batch).await.unwrap();
        for id in [1, 2, 3, 9] {
            fs::create_dir_all(data.path().join(format!("runs/{id}/inventory"))).unwrap();
        }
        let clock = ManualClock::new(at(100));
        let keep = Keep { per_node: NonZeroU32::new(5).unwrap(), age: Duration::from_secs(1_000) };
        let (data_dir, shared) = (data.path().to_owned(), Arc::new(clock.clone()));
        let past = Past { store: store.clone(), data_dir, keep, clock: shared };
        assert_eq!(past.drop_folders().await.unwrap(), 1, "the one that no row knows");
        clock.advance(Duration::from_secs(10_000));
        past.trim().await;
        let mut left = RunFolder::all(data.path()).unwrap();
        left.sort_unstable();
        assert_eq!(left, [RunId(2), RunId(3)]);
        assert!(store.run(RunId(1)).await.unwrap().is_some());
    }
}
