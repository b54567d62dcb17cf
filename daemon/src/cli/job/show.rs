//! `roost job show`.

use clap::Args;

use super::Which;
use crate::{
    cli::{
        client::Client,
        exit::Failure,
        screen::{self, Output},
    },
    http::jobs::views::{AllocationView, GroupView, JobDetailView, ShortfallView, VersionView},
};

/// Which job.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    which: Which,
    /// Print the whole specification as JSON, as Nomad has it: what `roost job run` takes. Needs the scope operate.
    #[arg(long, conflicts_with = "json")]
    specification: bool,
    #[command(flatten)]
    output: Output,
}

impl Show {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        if self.specification {
            let job: serde_json::Value = client.get(&self.which.path("/specification"), &self.which.place()).await?;
            return screen::json(&job);
        }
        let detail: JobDetailView = client.get(&self.which.path(""), &self.which.place()).await?;
        if self.output.json {
            return screen::json(&detail);
        }
        let job = &detail.job;
        let stopped = if job.stopped { ", stopped" } else { "" };
        let stable = if detail.stable { ", stable" } else { "" };
        let (kind, status, index) = (&job.kind, &job.status, detail.check_index);
        let version = job.version.map_or_else(String::new, |version| format!(", version {version}"));
        let id = screen::plain(&job.id);
        if let Some(stale) = &job.stale {
            screen::line(screen::plain(&stale.in_words()))?;
        }
        screen::line(format!("{kind} job {id}: {status}{stopped}{version}{stable}, index {index}"))?;
        if let Some(deployment) = &detail.deployment {
            screen::line(format!("deployment: {}", screen::plain(deployment)))?;
        }
        unplaced(&detail.shortfalls)?;
        let is_whole = job.stale.is_none();
        if is_whole || !detail.groups.is_empty() {
            groups(detail.groups)?;
        }
        allocations(detail.allocations)?;
        if is_whole { versions(detail.versions) } else { Ok(()) }
    }
}

/// Prints what finds no place, with what to do.
pub(super) fn unplaced(shortfalls: &[ShortfallView]) -> Result<(), Failure> {
    for short in shortfalls {
        screen::line(format!("group {}: {} without a place", screen::plain(&short.group), short.unplaced))?;
        for why in &short.reasons {
            screen::line(format!("  {}\n    {}", screen::plain(&why.cause), screen::plain(&why.remedy)))?;
        }
    }
    Ok(())
}

fn groups(groups: Vec<GroupView>) -> Result<(), Failure> {
    let row = |group: GroupView| {
        let GroupView { name, wanted, placed, running, healthy, complete, failed } = group;
        let counts = [wanted, placed, running, healthy, complete, failed].map(|count| count.to_string());
        let [wanted, placed, running, healthy, complete, failed] = counts;
        [name, wanted, placed, running, healthy, complete, failed]
    };
    let header = ["group", "wanted", "placed", "running", "healthy", "complete", "failed"];
    screen::line("")?;
    screen::table(header, groups.into_iter().map(row).collect(), "it has no group")
}

fn allocations(allocations: Vec<AllocationView>) -> Result<(), Failure> {
    let row = |it: AllocationView| {
        let id = it.id.get(..8).unwrap_or(&it.id).to_owned();
        let task = |task: crate::http::jobs::views::TaskStateView| match task.restarts {
            0 => format!("{} {}", task.name, task.state),
            restarts => format!("{} {} (restarted {restarts} times)", task.name, task.state),
        };
        let tasks: Vec<String> = it.tasks.into_iter().map(task).collect();
        let status = if it.desired == "run" { it.status } else { format!("{} ({})", it.status, it.desired) };
        let (tasks, version) = (tasks.join(", "), screen::maybe(it.version));
        [id, it.group, it.node, status, version, screen::at(it.created), tasks, it.why.unwrap_or_default()]
    };
    let header = ["allocation", "group", "node", "status", "version", "created", "tasks", "why"];
    screen::line("")?;
    screen::table(header, allocations.into_iter().map(row).collect(), "nothing of it was placed yet")
}

fn versions(versions: Vec<VersionView>) -> Result<(), Failure> {
    let row = |it: VersionView| {
        let words = [(it.stable, "stable"), (it.stopped, "stopped the job")];
        let words: Vec<&str> = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
        [it.version.to_string(), screen::at(it.submitted), words.join(", ")]
    };
    screen::line("")?;
    screen::table(["version", "registered", ""], versions.into_iter().map(row).collect(), "no version is kept")
}
