//! Allocations, and the files of their tasks.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Allocation, AllocationId, AllocationStub, Client, EvaluationId, FileInfo, generated::types};
use crate::{
    blocking::{Listing, Query},
    transport::{CallError, read_all},
};

/// A file of a task that is read whole is at most so long; longer ones are read in parts.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Which tasks of an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those that run now.
    Running,
    /// All, also those that have ended.
    All,
    /// This one.
    Task(String),
}

impl Client {
    /// Allocations, as stubs.
    pub async fn allocations(&self, query: &Query) -> Result<Listing<Vec<AllocationStub>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.allocation_list(
            query.filter.as_deref(),
            query.index_number(),
            query.page_from(),
            query.page_size(),
            query.prefix.as_deref(),
            query.stale(),
            None,
            wait.as_deref(),
        )))
        .await
    }

    /// One allocation with its job.
    pub async fn allocation(&self, id: &AllocationId, query: &Query) -> Result<Listing<Allocation>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.allocation_read(id.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// Stops it; the scheduler replaces it.
    pub async fn stop_allocation(&self, id: &AllocationId) -> Result<EvaluationId, CallError> {
        let answer = self.ask(Box::pin(self.api.allocation_stop(id.as_str()))).await?;
        Ok(EvaluationId::new(answer.eval_id))
    }

    /// Restarts tasks in place.
    pub async fn restart_allocation(&self, id: &AllocationId, which: &Which) -> Result<(), CallError> {
        let task_name = match which {
            Which::Task(name) => name.clone(),
            Which::Running | Which::All => String::new(),
        };
        let body = types::AllocationRestartRequest { task_name, all_tasks: *which == Which::All };
        self.ask(Box::pin(self.api.allocation_restart(id.as_str(), &body))).await
    }

    /// Sends a signal such as `SIGHUP` to one task, or to all that run.
    pub async fn signal_allocation(&self, id: &AllocationId, signal: &str, which: &Which) -> Result<(), CallError> {
        let task = match which {
            Which::Task(name) => name.clone(),
            Which::Running | Which::All => String::new(),
        };
        let body = types::AllocationSignalRequest { signal: signal.to_owned(), task };
        self.ask(Box::pin(self.api.allocation_signal(id.as_str(), &body))).await
    }

    /// What it uses now. A dead one answers zeros: they mean "unknown".
    pub async fn allocation_stats(&self, id: &AllocationId) -> Result<Map<String, Value>, CallError> {
        Ok(self.ask(Box::pin(self.api.allocation_stats(id.as_str()))).await?.0)
    }

    /// Results of Nomad's own checks, by check.
    pub async fn allocation_checks(&self, id: &AllocationId) -> Result<Map<String, Value>, CallError> {
        let results = self.ask(Box::pin(self.api.allocation_check_results(id.as_str()))).await?;
        Ok(results.map(|results| results.0).unwrap_or_default())
    }

    /// The files in a folder of it.
    pub async fn files(&self, id: &AllocationId, folder: &str) -> Result<Vec<FileInfo>, CallError> {
        let answer = self.ask(Box::pin(self.api.file_list(id.as_str(), Some(folder)))).await?;
        Ok(answer.unwrap_or_default())
    }

    /// A whole file of it, cut off at 16 MiB.
    pub async fn file(&self, id: &AllocationId, path: &str) -> Result<Bytes, CallError> {
        // Nomad answers 200 for a file that is not there, with the reason where its bytes should be.
        self.ask(Box::pin(self.api.file_stat(id.as_str(), Some(path)))).await?;
        let stream = self.open(Box::pin(self.api.file_read(id.as_str(), path))).await?;
        Ok(read_all(self.wire(), stream, FILE_BYTES_MAX).await?.into())
    }
}
