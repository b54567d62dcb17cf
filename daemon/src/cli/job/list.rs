//! `roost job list`.

use clap::Args;

use crate::{
    cli::{
        client::Client,
        exit::Failure,
        screen::{self, Output},
    },
    http::jobs::views::JobView,
};

/// Which jobs to list.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// Only jobs whose id begins so.
    prefix: Option<String>,
    /// Only jobs of this namespace; `*` for all.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    output: Output,
}

impl List {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut query = vec![("namespace", self.namespace)];
        query.extend(self.prefix.map(|prefix| ("prefix", prefix)));
        let jobs: Vec<JobView> = client.get("/api/jobs", &query).await?;
        if self.output.json {
            return screen::json(&jobs);
        }
        // All of them are of one moment.
        if let Some(stale) = jobs.first().and_then(|job| job.stale.as_ref()) {
            screen::line(screen::plain(&stale.in_words()))?;
        }
        let row = |job: JobView| {
            let status = if job.stopped { format!("{} (stopped)", job.status) } else { job.status };
            let runs = match job.wanted {
                Some(wanted) => format!("{} of {wanted}", job.running),
                None => job.running.to_string(),
            };
            let (version, failed) = (screen::maybe(job.version), job.failed.to_string());
            [job.id, job.namespace, job.kind, status, runs, failed, version, screen::at(job.submitted)]
        };
        let rows = jobs.into_iter().map(row).collect();
        let header = ["job", "namespace", "kind", "status", "running", "failed", "version", "registered"];
        screen::table(header, rows, "no job is registered; try: roost job run FILE")
    }
}
