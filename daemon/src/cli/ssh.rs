//! `roost ssh`: the fleet key, which opens every node.

use clap::Subcommand;

use super::{
    Global,
    exit::Failure,
    screen::{self, Output},
};
use crate::ssh::{FleetKey, Kept};

/// The fleet key, which opens every node.
#[derive(Debug, Subcommand)]
pub(super) enum SshVerb {
    /// Print the public half, as `authorized_keys` wants it, and how the private half is kept.
    Show(Output),
}

impl SshVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The key's files cannot be read or made.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self::Show(output) = self;
        let config = global.load_config()?;
        let key = FleetKey::ensure(&config.data_dir, config.ansible.ssh_key).await?;
        if output.json {
            return screen::json(&serde_json::json!({
                "public": key.public,
                "private": key.private,
                "kept": key.kept,
            }));
        }
        screen::line(key.public.to_string())?;
        let kept = match key.kept {
            Kept::Credential => "given to the daemon",
            Kept::File0600 => "a file that only its owner reads",
        };
        screen::line(format!("# private half: {} ({kept})", key.private.display()))
    }
}
