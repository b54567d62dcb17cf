//! `roost lease`: addresses that are lent.

use clap::Subcommand;

use super::{
    Global,
    client::Client,
    exit::Failure,
    screen::{self, Output},
};
use crate::http::leases::LeaseView;

/// See which addresses are lent.
#[derive(Debug, Subcommand)]
pub(super) enum LeaseVerb {
    /// List every lease.
    List(Output),
}

impl LeaseVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self::List(output) = self;
        let leases: Vec<LeaseView> = Client::open(global)?.get("/api/leases", &()).await?;
        if output.json {
            return screen::json(&leases);
        }
        let row = |lease: LeaseView| {
            let (address, mac) = (lease.address.to_string(), screen::maybe(lease.mac));
            [address, mac, screen::maybe(lease.hostname), lease.state, screen::at(lease.expires)]
        };
        let rows = leases.into_iter().map(row).collect();
        screen::table(["address", "mac", "hostname", "state", "expires"], rows, "no address is lent")
    }
}
