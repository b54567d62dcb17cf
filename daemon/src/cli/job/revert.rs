//! `roost job revert`.

use clap::Args;

use super::{
    Which, changed,
    follow::{self, Following},
};
use crate::{
    cli::{client::Client, exit::Failure, screen::Rehearsal},
    http::jobs::change::{JobChange, RevertBody},
};

/// Where to go back to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Revert {
    #[command(flatten)]
    which: Which,
    /// Which version; `roost job show` lists those that Nomad still keeps.
    version: u64,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Revert {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let Self { which, version, following, rehearsal } = self;
        let body = RevertBody { version };
        let change: JobChange = client.post(&which.path("/revert"), &which.change(rehearsal), &body).await?;
        changed(&change)?;
        match change.check_index {
            Some(index) => {
                follow::registration(client, &which.path("/progress"), &which.namespace, Some(index), &following).await
            }
            None => Ok(()),
        }
    }
}
