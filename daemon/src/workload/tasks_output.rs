//! What tasks write: which allocation and task is meant, and its output as it is written.
//!
//! Nomad does not end a followed log when its task ends, so whoever follows watches the allocation too: once that is over
//! and the log is silent for a moment, the output is complete. The question after the allocation outlives each piece of
//! output: asked anew with each, a task that writes much would take every other caller's turn.

use std::{pin::Pin, time::Duration};

use ::jobs::{
    CallError, Cursor, Listing, Query,
    nomad::{Allocation, AllocationId, AllocationStub, Client, Follow, Frame, JobId, LogFrom, LogQuery, Logs, Output},
    told::history::short,
};

use super::{ClusterError, Workload, orders::job_in_words};

/// A log that is silent for so long after its task's end is complete.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long one question after the allocation waits.
const WATCH: Duration = Duration::from_secs(60);
/// The shortest time between two of them.
const PAUSE: Duration = Duration::from_millis(250);

/// Which output is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Of which allocation, by the beginning of its id; none means the newest.
    pub allocation: Option<String>,
    /// Of which task; none where there is one only.
    pub task: Option<String>,
    /// Which of its outputs.
    pub output: Output,
}

/// An allocation's task whose output is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The allocation.
    pub allocation: AllocationId,
    /// Where it is.
    pub node: String,
    /// The task.
    pub task: String,
    /// Which of its outputs.
    pub output: Output,
}

/// Output that is followed until its task is over.
pub struct Followed {
    nomad: Client,
    source: Source,
    logs: Logs,
    cursor: Cursor,
    asked: Asked,
    is_over: bool,
}

/// A question after an allocation, on its way.
type Asked = Pin<Box<dyn Future<Output = Result<Listing<Allocation>, CallError>> + Send>>;

impl Workload {
    /// Finds what is meant.
    ///
    /// # Errors
    /// There is none or several, or Nomad cannot be asked.
    pub async fn source(&self, job: &JobId, namespace: Option<&str>, wanted: Wanted) -> Result<Source, ClusterError> {
        let allocations = self.nomad(namespace).job_allocations(job, &Query::default()).await?.value;
        if allocations.is_empty() {
            // A job that is not there is told from one that has run nothing.
            self.job(job, namespace).await?;
        }
        chosen(allocations, wanted, &job_in_words(job, namespace))
    }

    /// The end of what is there, at most so many bytes.
    ///
    /// # Errors
    /// Nomad no longer has it, or cannot be asked.
    pub async fn output(
        &self,
        namespace: Option<&str>,
        source: &Source,
        bytes_max: u64,
    ) -> Result<Vec<u8>, ClusterError> {
        let query = source.query(Follow::No, LogFrom::End(bytes_max));
        let logs = self.nomad(namespace).logs(&source.allocation, &query).await?;
        let most = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        logs.read_to_end(most).await.map_err(ClusterError::Output)
    }

    /// What is there, at most so many bytes, and what will be written.
    ///
    /// # Errors
    /// Nomad no longer has it, or cannot be asked.
    pub async fn follow(
        &self,
        namespace: Option<&str>,
        source: Source,
        bytes_max: u64,
    ) -> Result<Followed, ClusterError> {
        let nomad = self.nomad(namespace);
        let logs = nomad.logs(&source.allocation, &source.query(Follow::Yes, LogFrom::End(bytes_max))).await?;
        let asked = ask(nomad.clone(), source.allocation.clone(), Query::default(), Duration::ZERO);
        Ok(Followed { nomad, source, logs, cursor: Cursor::default(), asked, is_over: false })
    }
}

impl Source {
    fn query(&self, follow: Follow, from: LogFrom) -> LogQuery {
        LogQuery { task: self.task.clone(), output: self.output, follow, from }
    }
}

impl Followed {
    /// The next piece; none when the task is over and has said its last.
    ///
    /// # Errors
    /// The stream broke off, or the allocation cannot be asked after.
    pub async fn next(&mut self) -> Result<Option<Frame>, ClusterError> {
        loop {
            if self.is_over {
                let last = tokio::time::timeout(LAST_WORDS, self.logs.next()).await;
                return last.unwrap_or(Ok(None)).map_err(ClusterError::Output);
            }
            tokio::select! {
                frame = self.logs.next() => return frame.map_err(ClusterError::Output),
                seen = &mut self.asked => {
                    let seen = seen?;
                    self.cursor.advance(seen.index);
                    let query = self.cursor.query(WATCH);
                    self.asked = ask(self.nomad.clone(), self.source.allocation.clone(), query, PAUSE);
                    let over = |status: &str| matches!(status, "complete" | "failed" | "lost");
                    let task = seen.value.task_states.as_ref().and_then(|states| states.get(&self.source.task));
                    self.is_over = over(&seen.value.client_status) || task.is_some_and(|task| task.state == "dead");
                }
            }
        }
    }
}

impl std::fmt::Debug for Followed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Followed").field("source", &self.source).finish_non_exhaustive()
    }
}

fn ask(nomad: Client, allocation: AllocationId, query: Query, pause: Duration) -> Asked {
    Box::pin(async move {
        tokio::time::sleep(pause).await;
        nomad.allocation(&allocation, &query).await
    })
}

fn chosen(mut allocations: Vec<AllocationStub>, wanted: Wanted, subject: &str) -> Result<Source, ClusterError> {
    let hint = "roost job show JOB lists its allocations and their tasks";
    let unknown = |what: String| ClusterError::Unknown { what, hint };
    if let Some(id) = &wanted.allocation {
        allocations.retain(|it| it.id.starts_with(id.as_str()));
    }
    allocations.sort_by_key(|it| (it.client_status == "running", it.create_index));
    let newest = allocations.pop().ok_or_else(|| match &wanted.allocation {
        Some(id) => unknown(format!("allocation {id} of {subject}")),
        None => unknown(format!("allocation of {subject} yet")),
    })?;
    let mut tasks: Vec<String> = newest.task_states.into_iter().flatten().map(|(task, _)| task).collect();
    tasks.sort();
    let task = match (wanted.task, tasks.as_slice()) {
        (Some(task), _) if tasks.contains(&task) => task,
        (Some(task), _) => return Err(unknown(format!("task {task} in allocation {}", short(&newest.id)))),
        (None, [only]) => only.clone(),
        (None, []) => return Err(unknown(format!("task that has begun in allocation {}", short(&newest.id)))),
        (None, several) => {
            let reason = format!("allocation {} has several tasks: {}", short(&newest.id), several.join(", "));
            return Err(ClusterError::Refused { reason, hint: "name one: --task NAME".to_owned() });
        }
    };
    let node = newest.node_name;
    Ok(Source { allocation: AllocationId::new(newest.id), node, task, output: wanted.output })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allocation(id: &str, status: &str, index: u64, tasks: &[&str]) -> AllocationStub {
        let states: serde_json::Map<_, _> =
            tasks.iter().map(|task| ((*task).to_owned(), json!({"State": "running"}))).collect();
        serde_json::from_value(json!({"ID": id, "ClientStatus": status, "CreateIndex": index, "TaskStates": states}))
            .unwrap()
    }

    #[test]
    fn the_newest_that_runs_is_meant_and_a_task_is_never_guessed() {
        let all = || {
            vec![
                allocation("aaaaaaaa-1", "running", 1, &["web"]),
                allocation("bbbbbbbb-1", "running", 2, &["web"]),
                allocation("cccccccc-1", "failed", 3, &["web", "log"]),
            ]
        };
        let pick = |allocation: Option<&str>, task: Option<&str>| {
            let wanted = Wanted {
                allocation: allocation.map(str::to_owned),
                task: task.map(str::to_owned),
                output: Output::Stdout,
            };
            chosen(all(), wanted, "job a")
                .map(|source| (source.allocation.as_str().to_owned(), source.task))
                .map_err(|it| it.to_string())
        };
        assert_eq!(pick(None, None).unwrap(), ("bbbbbbbb-1".to_owned(), "web".to_owned()));
        assert_eq!(pick(Some("cccc"), Some("log")).unwrap().0, "cccccccc-1");
        assert!(pick(Some("cccc"), None).unwrap_err().contains("several tasks: log, web"));
        assert!(pick(Some("dddd"), None).unwrap_err().contains("no allocation dddd"));
        assert!(pick(None, Some("db")).unwrap_err().contains("no task db"));
    }
}
