//! `roost job logs`.

use clap::Args;
use futures_util::StreamExt as _;
use serde_json::Value;

use super::Which;
use crate::{
    cli::{
        client::Client,
        exit::{Exit, Failure},
        screen,
    },
    http::jobs::output::OutputView,
};

/// Which output.
#[derive(Debug, Args)]
pub(in crate::cli) struct Logs {
    #[command(flatten)]
    which: Which,
    /// Go on until the task is over.
    #[arg(short, long)]
    follow: bool,
    /// Of this allocation: the beginning of its id; without it, the newest that runs.
    #[arg(long, value_name = "ID")]
    allocation: Option<String>,
    /// Of this task; it may be left out where there is one only.
    #[arg(long)]
    task: Option<String>,
    /// Standard error instead of standard output.
    #[arg(long)]
    stderr: bool,
    /// So many bytes of the end.
    #[arg(long, value_name = "BYTES", default_value_t = 65_536, value_parser = clap::value_parser!(u64).range(1..=4_194_304))]
    tail: u64,
}

impl Logs {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let output = if self.stderr { "stderr" } else { "stdout" };
        let mut query = vec![
            ("namespace", self.which.namespace.clone()),
            ("output", output.to_owned()),
            ("tail", self.tail.to_string()),
            ("follow", self.follow.to_string()),
        ];
        query.extend(self.allocation.clone().map(|id| ("allocation", id)));
        query.extend(self.task.clone().map(|task| ("task", task)));
        let path = self.which.path("/log");
        if !self.follow {
            let view: OutputView = client.get(&path, &query).await?;
            return screen::write(&view.text);
        }
        let stream = client.stream(&path, &query).await?;
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            let event = event?;
            match event.event.as_str() {
                "output" => screen::write(&serde_json::from_str::<OutputView>(&event.data)?.text)?,
                "end" => return Ok(()),
                "broken" => return Err(self.broken(&event.data)),
                _ => {}
            }
        }
        Err(self.broken("{\"error\": \"the daemon went away\"}"))
    }

    fn broken(&self, data: &str) -> Failure {
        let said: Value = serde_json::from_str(data).unwrap_or_default();
        let said = said["error"].as_str().unwrap_or("the output broke off").to_owned();
        Failure::words(Exit::Unreachable, screen::plain(&said), format!("go on: roost job logs -f {}", self.which.job))
    }
}
