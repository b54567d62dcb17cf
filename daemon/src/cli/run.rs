//! `roost run`: Ansible runs, their tasks and their logs.

use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use serde_json::json;
use vocabulary::{NodeId, RunId, RunState};

use super::{
    Global,
    client::Client,
    exit::{Exit, Failure},
    node::changed,
    screen::{self, Output, Rehearsal},
};
use crate::http::{
    input::Change,
    runs::LogView,
    wire::{OutputState, RunView, TaskView},
};

/// See Ansible runs, stop them, repeat them.
#[derive(Debug, Subcommand)]
pub(super) enum RunVerb {
    /// List runs, the newest first.
    List(List),
    /// Show one run and its tasks.
    Show(Show),
    /// Print a run's log.
    Logs(Logs),
    /// Stop a run and every process it started.
    Cancel(One),
    /// Repeat a run that ended, as a new run.
    Retry(One),
}

/// Which runs to list.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only runs of this machine: its name or MAC address.
    #[arg(long)]
    node: Option<NodeId>,
    /// Only runs in this state: queued, running, succeeded, failed, cancelled, timed_out, lost.
    #[arg(long, value_parser = state)]
    state: Option<RunState>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=5000))]
    limit: u64,
    #[command(flatten)]
    output: Output,
}

/// Which run.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its number.
    run: RunId,
    #[command(flatten)]
    output: Output,
}

/// Which log.
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The run's number.
    run: RunId,
    /// Go on until the run is over; the exit code says how it ended.
    #[arg(short, long)]
    follow: bool,
}

/// Which run to change.
#[derive(Debug, Args)]
pub(super) struct One {
    /// Its number.
    run: RunId,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl RunVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::open(global)?;
        match self {
            Self::List(list) => list.run(&client).await,
            Self::Show(show) => show.run(&client).await,
            Self::Logs(Logs { run, follow: false }) => logs(&client, run).await,
            Self::Logs(Logs { run, follow: true }) => follow(&client, run).await,
            Self::Cancel(one) => one.order(&client, "cancel").await,
            Self::Retry(one) => one.order(&client, "retry").await,
        }
    }
}

impl List {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.node.map(|node| ("node", node.to_string())));
        query.extend(self.state.map(|state| ("state", state.name().to_owned())));
        let runs: Vec<RunView> = client.get("/api/runs", &query).await?;
        if self.output.json {
            return screen::json(&runs);
        }
        let row = |run: RunView| {
            let pruned = if run.output == OutputState::Pruned { " (output pruned)" } else { "" };
            let what = format!("{}{pruned}", run.cause.or(run.task).unwrap_or_default()).trim().to_owned();
            let (id, node, state) = (run.id.to_string(), run.node.to_string(), run.state.to_string());
            let tasks = format!("{} ({} changed)", run.tasks_done, run.tasks_changed);
            [id, node, state, screen::at(run.created), screen::maybe(run.ended.map(screen::at)), tasks, what]
        };
        let rows = runs.into_iter().map(row).collect();
        screen::table(["run", "node", "state", "created", "ended", "tasks", "last"], rows, "no machine called home yet")
    }
}

impl Show {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let run: RunView = client.get(&format!("/api/runs/{}", self.run), &()).await?;
        let tasks: Vec<TaskView> = client.get(&format!("/api/runs/{}/tasks", self.run), &()).await?;
        if self.output.json {
            return screen::json(&json!({ "run": run, "tasks": tasks }));
        }
        screen::line(format!("run {} on {}: {}, asked for by {}", run.id, run.node, run.state, run.asked_by))?;
        if let Some(cause) = &run.cause {
            screen::line(format!("cause: {}", screen::plain(cause)))?;
        }
        if run.output == OutputState::Pruned {
            screen::line("output pruned: it is older than what [runs] keeps")?;
        }
        let row = |task: TaskView| {
            let outcome = serde_json::to_value(task.outcome).unwrap_or_default();
            let seconds = task.took_ms.map(|ms| format!("{}.{:03}", ms / 1000, ms % 1000));
            let (outcome, role) = (outcome.as_str().unwrap_or("-").to_owned(), screen::maybe(task.role));
            [screen::at(task.at), role, task.task, outcome, screen::maybe(seconds), task.message.unwrap_or_default()]
        };
        let rows = tasks.into_iter().map(row).collect();
        screen::table(["at", "role", "task", "outcome", "seconds", "message"], rows, "no task began yet")
    }
}

impl One {
    async fn order(self, client: &Client, verb: &str) -> Result<(), Failure> {
        let path = format!("/api/runs/{}/{verb}", self.run);
        let change: Change = client.post(&path, &self.rehearsal.query(), &json!({})).await?;
        changed(&change)?;
        match change.run_id {
            Some(run) => screen::line(format!("follow it: roost run logs -f {run}")),
            None => Ok(()),
        }
    }
}

async fn logs(client: &Client, run: RunId) -> Result<(), Failure> {
    let mut offset = 0;
    loop {
        let piece: LogView = client.get(&format!("/api/runs/{run}/log"), &[("offset", offset)]).await?;
        screen::write(&piece.text)?;
        if piece.complete || piece.next_offset == offset {
            return Ok(());
        }
        offset = piece.next_offset;
    }
}

async fn follow(client: &Client, run: RunId) -> Result<(), Failure> {
    let stream = client.stream(&format!("/api/runs/{run}/log"), &[("follow", "true")]).await?;
    let mut stream = std::pin::pin!(stream);
    while let Some(event) = stream.next().await {
        let event = event?;
        match event.event.as_str() {
            "log" => screen::write(&serde_json::from_str::<LogView>(&event.data)?.text)?,
            "end" => return ended(client, run).await,
            _ => {}
        }
    }
    Err(Failure::words(Exit::Unreachable, "the daemon went away", format!("go on: roost run logs -f {run}")))
}

/// A script that follows a run wants to know how it ended.
async fn ended(client: &Client, run: RunId) -> Result<(), Failure> {
    let view: RunView = client.get(&format!("/api/runs/{run}"), &()).await?;
    if view.state == RunState::Succeeded {
        return Ok(());
    }
    let cause = view.cause.unwrap_or_else(|| "no cause was recorded".to_owned());
    Err(Failure::words(Exit::Failed, format!("run {run} {}: {cause}", view.state), format!("roost run retry {run}")))
}

fn state(word: &str) -> Result<RunState, String> {
    RunState::named(word).ok_or_else(|| format!("one of {}", RunState::ALL.map(RunState::name).join(", ")))
}
