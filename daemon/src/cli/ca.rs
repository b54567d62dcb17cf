//! `roost ca`: the certificate authority of Roost's own TLS.

use clap::Subcommand;

use super::{Global, client::Client, exit::Failure, screen};

/// Roost's own certificate authority.
#[derive(Debug, Subcommand)]
pub(super) enum CaVerb {
    /// Print the authority's certificate in PEM, for --ca-cert and for other clients of the API.
    Show,
}

impl CaVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or has no authority.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self::Show = self;
        screen::write(&Client::open(global)?.text("/api/ca").await?)
    }
}
