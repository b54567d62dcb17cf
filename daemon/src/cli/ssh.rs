//! `roost ssh`: the fleet key, which opens every node.

use clap::Subcommand;

use super::{
    Global,
    client::Client,
    exit::{Exit, Failure},
    screen::{self, Output, Rehearsal},
};
use crate::{
    http::input::Change,
    ssh::{FleetKey, Kept},
};

/// Where the daemon keeps a key that nobody gave it.
const MADE_HERE: &str = "ssh/fleet_ed25519";

/// The fleet key, which opens every node.
#[derive(Debug, Subcommand)]
pub(super) enum SshVerb {
    /// Print the public half, as `authorized_keys` wants it, and where the private half lies.
    Show(Output),
    /// Replace the fleet key: the new one reaches every node by the old one before it takes its place.
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
    /// The key's files cannot be read or made.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let output = match self {
            Self::Show(output) => output,
            Self::Rotate(rotate) => return rotate.run(global).await,
        };
        let config = global.load_config()?;
        let given = config.ansible.ssh_key.or_else(|| systemd::credential_path(systemd::unit::SSH_KEY_CREDENTIAL));
        let private = given.unwrap_or_else(|| config.data_dir.join(MADE_HERE));
        if !private.exists() {
            // Looking must not make one: the daemon may have been given another.
            let cause = format!("there is no fleet key at {}", private.display());
            let hint = "the daemon makes it at its first start, unless systemd gives it one: systemctl cat roost";
            return Err(Failure::words(Exit::NotFound, cause, hint));
        }
        let key = FleetKey::given(private, Kept::File0600).await?;
        if output.json {
            return screen::json(&serde_json::json!({
                "public": key.public,
                "private": key.private,
            }));
        }
        screen::line(key.public.to_string())?;
        screen::line(format!("# private half: {}", key.private.display()))
    }
}

impl Rotate {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let body = serde_json::json!({ "leave_silent": self.leave_silent });
        let change: Change = Client::open(global)?.post("/api/ssh/rotate", &self.rehearsal.query(), &body).await?;
        super::node::changed(&change)
    }
}
