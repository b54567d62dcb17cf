//! `roost job events`.

use clap::Args;
use futures_util::StreamExt as _;

use super::Which;
use crate::{
    cli::{
        client::Client,
        exit::{Exit, Failure},
        screen::{self, Output},
    },
    http::jobs::views::HappeningView,
};

/// Of which job.
#[derive(Debug, Args)]
pub(in crate::cli) struct Events {
    #[command(flatten)]
    which: Which,
    /// Begin with what is known, and go on until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    output: Output,
}

impl Events {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = self.which.path("/events");
        let query = [("namespace", self.which.namespace.clone()), ("follow", self.follow.to_string())];
        if !self.follow {
            let all: Vec<HappeningView> = client.get(&path, &query).await?;
            if self.output.json {
                return screen::json(&all);
            }
            return all.iter().try_for_each(print);
        }
        let stream = client.stream(&path, &query).await?;
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            let view: HappeningView = serde_json::from_str(&event?.data)?;
            if self.output.json { screen::line(serde_json::to_string(&view)?)? } else { print(&view)? }
        }
        let again = format!("go on: roost job events -f {}", self.which.job);
        Err(Failure::words(Exit::Unreachable, "the daemon went away", again))
    }
}

fn print(view: &HappeningView) -> Result<(), Failure> {
    screen::line(format!("{} {}: {}", screen::at(view.at), screen::plain(&view.subject), screen::plain(&view.what)))
}
