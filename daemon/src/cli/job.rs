//! `roost job`: what runs on the cluster. One file a verb.
//!
//! Everything goes through the daemon, which holds the cluster's credentials: whoever may use its socket, or has a key
//! with the scope `operate`, needs no token of Nomad.

mod diff;
mod dispatch;
mod events;
mod follow;
mod list;
mod logs;
mod plan;
mod restart;
mod revert;
mod run;
mod scale;
mod show;
mod source;
mod stop;

use clap::{Args, Subcommand};

use super::{Global, client::Client, exit::Failure, screen};
use crate::http::jobs::{change::JobChange, views::LineView};

/// See what runs on the cluster, and change it.
#[derive(Debug, Subcommand)]
pub(super) enum JobVerb {
    /// List jobs: what is wanted, and what runs.
    List(list::List),
    /// Show one job: its groups, allocations and versions, and why something finds no place.
    Show(show::Show),
    /// Say what registering a job would do. Changes nothing.
    ///
    /// Shows what happens to each group, what would find no place with the reason and a remedy, and every field that
    /// changes. The number behind "over index" is what `roost job run --check-index` takes, so that what was shown is
    /// what is done.
    Plan(plan::Plan),
    /// Plan a job, register it, and follow it to its end.
    ///
    /// The job is registered over exactly the version that the plan was made over: if somebody else changed it in
    /// between, nothing happens, and both sides are shown. A service is followed until all of it runs and is healthy, a
    /// batch job until its tasks have ended. Ctrl-C ends the following, not the job.
    Run(run::Run),
    /// Show what a file would change in a job, or what a version changed in the one before.
    Diff(diff::Diff),
    /// Start a parameterised job once, and follow it.
    Dispatch(dispatch::Dispatch),
    /// Change how many of a group run.
    Scale(scale::Scale),
    /// Register an earlier version again, as a new one.
    Revert(revert::Revert),
    /// Stop a job.
    Stop(stop::Stop),
    /// Restart a job's tasks where they are, one allocation after the other.
    Restart(restart::Restart),
    /// Print what a task writes.
    Logs(logs::Logs),
    /// Say what happened to a job, in order.
    Events(events::Events),
}

/// Which job.
#[derive(Debug, Clone, Args)]
pub(super) struct Which {
    /// Its id.
    job: String,
    /// Its namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
}

impl JobVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses; or what was followed did not end well.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::open(global)?;
        match self {
            Self::List(verb) => verb.run(&client).await,
            Self::Show(verb) => verb.run(&client).await,
            Self::Plan(verb) => verb.run(&client).await,
            Self::Run(verb) => verb.run(&client).await,
            Self::Diff(verb) => verb.run(&client).await,
            Self::Dispatch(verb) => verb.run(&client).await,
            Self::Scale(verb) => verb.run(&client).await,
            Self::Revert(verb) => verb.run(&client).await,
            Self::Stop(verb) => verb.run(&client).await,
            Self::Restart(verb) => verb.run(&client).await,
            Self::Logs(verb) => verb.run(&client).await,
            Self::Events(verb) => verb.run(&client).await,
        }
    }
}

impl Which {
    /// Where the API has something about it.
    fn path(&self, rest: &str) -> String {
        format!("/api/jobs/{}{rest}", segment(&self.job))
    }

    /// The query of a change.
    fn change(&self, rehearsal: screen::Rehearsal) -> Vec<(&'static str, String)> {
        let mut query = vec![("namespace", self.namespace.clone())];
        query.extend(rehearsal.query());
        query
    }

    /// The query of a look.
    fn place(&self) -> [(&'static str, String); 1] {
        [("namespace", self.namespace.clone())]
    }
}

/// Text as one part of a path: ids of dispatched jobs hold slashes.
fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Prints what a change brought about.
fn changed(change: &JobChange) -> Result<(), Failure> {
    let would = if change.dry_run { "would: " } else { "" };
    for effect in &change.effects {
        screen::line(format!("{would}{}: {}", screen::plain(&effect.subject), screen::plain(&effect.effect)))?;
    }
    match &change.warnings {
        Some(warnings) => screen::line(format!("Nomad warns: {}", screen::plain(warnings))),
        None => Ok(()),
    }
}

/// Prints fields that change.
fn differs(lines: Vec<LineView>) -> Result<(), Failure> {
    for line in lines {
        screen::line(format!("  {}", screen::plain(&line.in_words())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_part_of_the_path_whatever_it_holds() {
        let which = |job: &str| Which { job: job.to_owned(), namespace: "default".to_owned() };
        assert_eq!(which("web").path("/stop"), "/api/jobs/web/stop");
        assert_eq!(which("a/dispatch-1?x=ä").path(""), "/api/jobs/a%2Fdispatch-1%3Fx%3D%C3%A4");
    }
}
