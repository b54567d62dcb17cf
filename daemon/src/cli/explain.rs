//! `roost explain`: what a machine would be answered, and why.

use clap::Args;
use vocabulary::Mac;

use super::{
    Global,
    client::Client,
    exit::Failure,
    screen::{self, Output},
};
use crate::http::desks::Explanation;

/// Which machine.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Its MAC address in any spelling; it need not be known.
    mac: Mac,
    #[command(flatten)]
    output: Output,
}

impl Explain {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        self.ask(&Client::open(global)?).await
    }

    pub(super) async fn ask(self, client: &Client) -> Result<(), Failure> {
        let explanation: Explanation = client.get(&format!("/api/explain/{}", self.mac.hyphenated()), &()).await?;
        if self.output.json {
            return screen::json(&explanation);
        }
        screen::line(format!("{}: {}", explanation.mac, explanation.state.as_deref().unwrap_or("never seen")))?;
        let rows = explanation.answers.into_iter().map(|one| [one.station, one.answer, one.because]).collect();
        screen::table(["station", "answer", "because"], rows, "nothing would be answered")
    }
}
