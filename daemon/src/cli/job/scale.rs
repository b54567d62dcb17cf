//! `roost job scale`.

use clap::Args;

use super::{
    Which, changed,
    follow::{self, Following},
};
use crate::{
    cli::{client::Client, exit::Failure, screen::Rehearsal},
    http::jobs::change::{JobChange, ScaleBody},
};

/// What to scale.
#[derive(Debug, Args)]
pub(in crate::cli) struct Scale {
    #[command(flatten)]
    which: Which,
    /// How many.
    count: u32,
    /// Which group; it may be left out where the job has one only.
    #[arg(long)]
    group: Option<String>,
    /// Only over this version of the job: the index that `roost job show` prints.
    #[arg(long, value_name = "INDEX")]
    check_index: Option<u64>,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Scale {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let Self { which, count, group, check_index, following, rehearsal } = self;
        let body = ScaleBody { group, count, check_index };
        let change: JobChange = client.post(&which.path("/scale"), &which.change(rehearsal), &body).await?;
        changed(&change)?;
        match change.check_index {
            Some(index) => {
                follow::registration(client, &which.path("/progress"), &which.namespace, Some(index), &following).await
            }
            None => Ok(()),
        }
    }
}
