//! `roost job run`.

use clap::Args;

use super::{
    changed,
    follow::{self, Following},
    plan, segment,
    source::Source,
};
use crate::{
    cli::{
        client::Client,
        exit::{Exit, Failure},
        screen::{self, Rehearsal},
    },
    http::jobs::{
        change::{JobChange, RegisterBody},
        plan::WrittenBody,
        views::PlanView,
    },
};

/// What to run.
#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    #[command(flatten)]
    source: Source,
    /// Only over this version of the job: the index that an earlier `roost job plan` printed; 0 for one that is new.
    #[arg(long, value_name = "INDEX")]
    check_index: Option<u64>,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Run {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let plan = plan::ask(client, &self.source).await?;
        plan::print(&plan)?;
        let check_index = self.check_index.unwrap_or(plan.check_index);
        let PlanView { id, namespace, job, .. } = plan;
        let job = serde_json::to_value(job)?;
        let written = WrittenBody { job: Some(job), ..WrittenBody::default() };
        // The namespace stands in the job that was planned.
        let query = self.rehearsal.query();
        let change: JobChange = client.post("/api/jobs", &query, &RegisterBody { written, check_index }).await?;
        changed(&change)?;
        if change.dry_run {
            return Ok(());
        }
        let index = change.check_index.ok_or_else(|| {
            Failure::words(Exit::Failed, "the daemon does not say what it registered", format!("roost job show {id}"))
        })?;
        screen::line(format!("registered at index {index}"))?;
        let path = format!("/api/jobs/{}/progress", segment(&id));
        follow::registration(client, &path, &namespace, Some(index), &self.following).await
    }
}
