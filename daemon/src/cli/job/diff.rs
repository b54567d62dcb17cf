//! `roost job diff`.

use std::path::PathBuf;

use clap::Args;

use super::{
    differs, plan, segment,
    source::{Source, Values},
};
use crate::{
    cli::{
        client::Client,
        exit::Failure,
        screen::{self, Output},
    },
    http::jobs::plan::DifferenceView,
};

/// What to compare.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["file", "job"]))]
pub(in crate::cli) struct Diff {
    /// Show what this file would change: a job in HCL or JSON; `-` reads it from standard input.
    file: Option<PathBuf>,
    #[command(flatten)]
    values: Values,
    /// Show what a version of this job changed in the one before it, instead of comparing a file.
    #[arg(long, value_name = "JOB", conflicts_with_all = ["variables", "var_file"])]
    job: Option<String>,
    /// Which version; without it, the newest.
    #[arg(long, value_name = "N", requires = "job")]
    version: Option<u64>,
    #[command(flatten)]
    output: Output,
}

impl Diff {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        match (self.job, self.file) {
            (Some(job), _) => {
                let mut query: Vec<_> =
                    self.version.map(|version| ("version", version.to_string())).into_iter().collect();
                query.extend(self.values.namespace().map(|namespace| ("namespace", namespace)));
                let view: DifferenceView = client.get(&format!("/api/jobs/{}/diff", segment(&job)), &query).await?;
                if self.output.json {
                    return screen::json(&view);
                }
                screen::line(format!("job {}, version {}", screen::plain(&job), view.version))?;
                differs(view.diff)
            }
            (None, Some(file)) => {
                let plan = plan::ask(client, &Source::new(file, self.values)).await?;
                if self.output.json {
                    return screen::json(&plan.diff);
                }
                if plan.diff.is_empty() {
                    return screen::line(format!("job {} is the same already", screen::plain(&plan.id)));
                }
                differs(plan.diff)
            }
            // The command line does not let this happen.
            (None, None) => Ok(()),
        }
    }
}
