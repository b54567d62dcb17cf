//! `roost ssh`: the fleet key, which opens every node.

use clap::Subcommand;

use super::{
    Global,
    client::Client,
    exit::Failure,
    screen::{self, Output, Rehearsal},
};
use crate::http::{
    desks::{FleetKeyView, NextKeyView},
    input::Change,
};

/// The fleet key, which opens every node.
#[derive(Debug, Subcommand)]
pub(super) enum SshVerb {
    /// Print the public half, as `authorized_keys` wants it, where the private half lies and how well it is kept, and
    /// what is still to be done for a rotation.
    Show(Output),
    /// Replace the fleet key: the new one reaches every node by the old one before it takes its place. One that systemd
    /// or the configuration gave is put in place by who gave it; the answer says how.
    Rotate(Rotate),
}

/// How to rotate.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// Leave nodes that do not answer to their next boot, which brings the new key, instead of stopping.
    #[arg(long)]
    leave_silent: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl SshVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Show(output) => show(global, &output).await,
            Self::Rotate(rotate) => rotate.run(global).await,
        }
    }
}

/// The daemon alone knows: systemd shows a sealed key to nobody else, and only it has heard of a rotation.
async fn show(global: &Global, output: &Output) -> Result<(), Failure> {
    let key: FleetKeyView = Client::open(global)?.get("/api/ssh", &()).await?;
    if output.json {
        return screen::json(&key);
    }
    screen::line(&key.public)?;
    screen::line(format!("# private half: {} ({})", key.private, key.kept))?;
    if let Some(path) = key.left_behind {
        screen::line(format!("# {path} is a key in plain text that is in use no more: remove it"))?;
    }
    let Some(NextKeyView { public, private, missed }) = key.next else { return Ok(()) };
    screen::line(format!("# to be put in its place: {private}, {public}"))?;
    let missed: Vec<String> = missed.iter().map(ToString::to_string).collect();
    match missed.as_slice() {
        [] => screen::line("# every node that was spoken to takes both"),
        missed => screen::line(format!("# these nodes have yet to hear of it: {}", missed.join(", "))),
    }
}

impl Rotate {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let body = serde_json::json!({ "leave_silent": self.leave_silent });
        let change: Change = Client::open(global)?.post("/api/ssh/rotate", &self.rehearsal.query(), &body).await?;
        super::node::changed(&change)
    }
}
