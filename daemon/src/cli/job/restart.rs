//! `roost job restart`: one allocation after the other, each running again before the next.

use std::time::Duration;

use clap::Args;

use super::{Which, changed};
use crate::{
    cli::{
        client::Client,
        exit::{Exit, Failure},
        screen::{self, Rehearsal},
    },
    http::jobs::{
        change::{JobChange, RestartBody},
        views::{AllocationView, JobDetailView},
    },
};

/// How often a restarted allocation is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What to restart.
#[derive(Debug, Args)]
pub(in crate::cli) struct Restart {
    #[command(flatten)]
    which: Which,
    /// Only this task of each allocation.
    #[arg(long)]
    task: Option<String>,
    /// Only this allocation: its id or the beginning of it. May be given several times.
    #[arg(long = "allocation", value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    allocations: Vec<String>,
    /// Restart all of them at once, and wait for none.
    #[arg(long)]
    at_once: bool,
    /// How long an allocation may take to run again.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    limit: Duration,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Restart {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        if self.at_once || self.rehearsal.dry_run {
            return changed(&self.order(client, self.allocations.clone()).await?);
        }
        let wanted = |it: &AllocationView| {
            self.allocations.is_empty() || self.allocations.iter().any(|id| it.id.starts_with(id))
        };
        let detail = self.look(client).await?;
        let running: Vec<&AllocationView> = detail
            .allocations
            .iter()
            .filter(|it| it.status == "running" && it.desired == "run" && wanted(it))
            .collect();
        if running.is_empty() {
            // The daemon says why better than we could.
            return changed(&self.order(client, self.allocations.clone()).await?);
        }
        for before in running {
            changed(&self.order(client, vec![before.id.clone()]).await?)?;
            self.runs_again(client, before).await?;
        }
        Ok(())
    }

    async fn order(&self, client: &Client, allocations: Vec<String>) -> Result<JobChange, Failure> {
        let body = RestartBody { allocations, task: self.task.clone() };
        client.post(&self.which.path("/restart"), &self.which.change(self.rehearsal), &body).await
    }

    async fn look(&self, client: &Client) -> Result<JobDetailView, Failure> {
        client.get(&self.which.path(""), &self.which.place()).await
    }

    async fn runs_again(&self, client: &Client, before: &AllocationView) -> Result<(), Failure> {
        let wait = async {
            loop {
                let detail = self.look(client).await?;
                if detail.allocations.iter().any(|now| now.id == before.id && has_restarted(before, now)) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(self.limit, wait).await.unwrap_or_else(|_| {
            let id = before.id.get(..8).unwrap_or(&before.id);
            let cause = format!(
                "allocation {id} does not run again after {}; the others were left alone",
                humantime::format_duration(self.limit)
            );
            Err(Failure::words(Exit::Failed, cause, format!("roost job logs --allocation {id} {}", self.which.job)))
        })?;
        screen::line("  it runs again")
    }
}

fn has_restarted(before: &AllocationView, now: &AllocationView) -> bool {
    let count = |view: &AllocationView| view.tasks.iter().map(|task| task.restarts).sum::<u64>();
    now.status == "running" && count(now) > count(before)
}
