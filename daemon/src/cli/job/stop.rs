//! `roost job stop`.

use clap::Args;

use super::{Which, changed};
use crate::{
    cli::{client::Client, exit::Failure, screen::Rehearsal},
    http::jobs::change::{JobChange, StopBody},
    workload::orders::Afterwards,
};

/// What to stop.
#[derive(Debug, Args)]
pub(in crate::cli) struct Stop {
    #[command(flatten)]
    which: Which,
    /// Forget it at once, with its versions: it cannot be reverted to afterwards.
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Stop {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let then = if self.purge { Afterwards::Forget } else { Afterwards::Keep };
        let query = self.which.change(self.rehearsal);
        let change: JobChange = client.post(&self.which.path("/stop"), &query, &StopBody { then }).await?;
        changed(&change)
    }
}
