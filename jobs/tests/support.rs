//! The shared agents, small jobs, and waiting for conditions.

use std::time::Duration;

use ::jobs::{
    Cursor, Endpoint, Query, consul,
    nomad::{self, AllocationStub, Job, JobId, Over},
};
use lab::agents::{Agents, Spec};
use serde_json::json;
use tokio::sync::OnceCell;

/// The pair that nobody breaks. It ends with this process.
pub(crate) async fn shared() -> &'static Agents {
    static SHARED: OnceCell<Agents> = OnceCell::const_new();
    SHARED.get_or_init(|| start(Spec::default())).await
}

pub(crate) async fn start(spec: Spec) -> Agents {
    Agents::start(&spec).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)))
}

/// Connections belong to a test's own runtime, so each test has clients of its own.
pub(crate) async fn shared_nomad() -> nomad::Client {
    nomad_at(&shared().await.nomad()[0].url())
}

pub(crate) async fn shared_consul() -> consul::Client {
    consul_at(&shared().await.consul()[0].url())
}

pub(crate) fn nomad_at(url: &str) -> nomad::Client {
    nomad::Client::build(&Endpoint::plain(url)).unwrap()
}

pub(crate) fn consul_at(url: &str) -> consul::Client {
    consul::Client::build(&Endpoint::plain(url)).unwrap()
}

/// A job of one group with one task that runs a shell script.
pub(crate) fn script(id: &str, kind: &str, script: &str) -> Job {
    let task = json!({
        "Name": "main",
        "Driver": "raw_exec",
        "Config": {"command": "/bin/sh", "args": ["-c", script]},
        "Resources": {"CPU": 20, "MemoryMB": 20},
        "KillTimeout": 1_000_000_000_i64,
        "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 2},
    });
    let mut group = json!({
        "Name": "main",
        "Count": 1,
        "Tasks": [task],
        "RestartPolicy": {"Attempts": 0, "Mode": "fail"},
        "EphemeralDisk": {"SizeMB": 20},
    });
    if kind == "batch" {
        group["ReschedulePolicy"] = json!({"Attempts": 0, "Unlimited": false});
    }
    Job::from_json(json!({"ID": id, "Name": id, "Type": kind, "Datacenters": ["*"], "TaskGroups": [group]})).unwrap()
}

/// Asks again until there is an answer; a minute is for a busy host, not for the agents.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let limit = Duration::from_secs(60);
    let poll = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(limit, poll).await.unwrap_or_else(|_| panic!("{what}: not within {limit:?}"))
}

/// Registers it and waits for an allocation in this state, by blocking queries as a watcher would.
pub(crate) async fn run_until(nomad: &nomad::Client, job: &Job, status: &str) -> AllocationStub {
    nomad.register(job, Over::Whatever).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    allocation_in(nomad, &job.id().unwrap(), status).await
}

pub(crate) async fn allocation_in(nomad: &nomad::Client, job: &JobId, status: &str) -> AllocationStub {
    let mut cursor = Cursor::default();
    let follow = async {
        loop {
            let listing = nomad.job_allocations(job, &cursor.query(Duration::from_secs(20))).await.unwrap();
            cursor.advance(listing.index);
            if let Some(found) = listing.value.into_iter().find(|found| found.client_status == status) {
                return found;
            }
        }
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, follow).await.unwrap_or_else(|_| panic!("{job}: nothing {status} within {limit:?}"))
}

pub(crate) fn now_query() -> Query {
    Query::default()
}
