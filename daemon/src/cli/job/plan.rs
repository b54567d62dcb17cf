//! `roost job plan`.

use clap::Args;

use super::{differs, show::unplaced, source::Source};
use crate::{
    cli::{
        client::Client,
        exit::Failure,
        screen::{self, Output},
    },
    http::jobs::views::{GroupPlanView, PlanView},
};

/// What to plan.
#[derive(Debug, Args)]
pub(in crate::cli) struct Plan {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    output: Output,
}

impl Plan {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let plan = ask(client, &self.source).await?;
        if self.output.json {
            return screen::json(&plan);
        }
        print(&plan)
    }
}

/// Has a file planned.
///
/// # Errors
/// It cannot be read, is no job, or the daemon cannot be reached.
pub(super) async fn ask(client: &Client, source: &Source) -> Result<PlanView, Failure> {
    client.post("/api/jobs/plan", &(), &source.read()?).await
}

/// Prints a plan.
///
/// # Errors
/// Nobody reads any more.
pub(super) fn print(plan: &PlanView) -> Result<(), Failure> {
    use ::jobs::told::Effect;
    let what = match plan.effect {
        Effect::Creates => "is new".to_owned(),
        Effect::Changes => format!("changes (over index {})", plan.check_index),
        Effect::Nothing => format!("is the same already (index {})", plan.check_index),
    };
    screen::line(format!("job {} {what}", screen::plain(&plan.id)))?;
    // Of a new job every field is new, and stands in the file.
    if plan.effect == Effect::Changes {
        differs(plan.diff.clone())?;
    }
    for group in &plan.groups {
        screen::line(format!("group {}: {}", screen::plain(&group.name), in_words(group)))?;
    }
    unplaced(&plan.shortfalls)?;
    if let Some(warnings) = &plan.warnings {
        screen::line(format!("Nomad warns: {}", screen::plain(warnings)))?;
    }
    match &plan.next_launch {
        Some(launch) => screen::line(format!("it starts next at {}", screen::plain(launch))),
        None => Ok(()),
    }
}

fn in_words(group: &GroupPlanView) -> String {
    let changes: Vec<String> = group.changes.iter().map(|change| format!("{} {}", change.what, change.count)).collect();
    if changes.is_empty() { "nothing to do".to_owned() } else { changes.join(", ") }
}
