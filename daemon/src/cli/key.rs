//! `roost key`: API keys.

use clap::{Args, Subcommand};

use super::{
    Global,
    client::Client,
    exit::Failure,
    node::changed,
    screen::{self, Output, Rehearsal},
};
use crate::{
    http::{
        keys::{NewKey, NewKeyView},
        wire::KeyView,
    },
    keys::{Scope, Scopes},
};

/// Make, list and revoke API keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyVerb {
    /// Make a key and print it, once.
    ///
    /// Only its SHA-256 is kept. Whoever makes a key over --url can give only scopes that their own key holds.
    Create(Create),
    /// List every key, revoked ones too; never the keys themselves.
    List(Output),
    /// Revoke a key at once.
    Revoke(Revoke),
}

/// A key to be made.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its name in listings and in the audit.
    name: String,
    /// What it may do, joined by `+`: read (look), operate (logs, runs, power), approve (let machines in), models
    /// (call models), admin (keys, backups). Scopes imply nothing.
    #[arg(long, default_value = "read")]
    scopes: Scopes,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// Which key.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Its name.
    name: String,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl KeyVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::open(global)?;
        match self {
            Self::Create(create) => create.run(&client).await,
            Self::List(output) => list(&client, output).await,
            Self::Revoke(Revoke { name, rehearsal }) => {
                changed(&client.delete(&format!("/api/keys/{}", segment(&name)), &rehearsal.query()).await?)
            }
        }
    }
}

impl Create {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let body = NewKey { name: self.name, scopes: self.scopes.list() };
        let made: NewKeyView = client.post("/api/keys", &self.rehearsal.query(), &body).await?;
        if self.output.json {
            return screen::json(&made);
        }
        match made.key {
            Some(key) => screen::line(key),
            None => changed(&crate::http::input::Change::planned(made.effects)),
        }
    }
}

async fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let keys: Vec<KeyView> = client.get("/api/keys", &()).await?;
    if output.json {
        return screen::json(&keys);
    }
    let row = |key: KeyView| {
        let scopes = key.scopes.into_iter().map(Scope::name).collect::<Vec<_>>().join("+");
        let origin = match key.origin {
            crate::keys::KeyOrigin::Store => "roost key create",
            crate::keys::KeyOrigin::Configuration => "configuration",
        };
        let [created, last_used, revoked] =
            [key.created, key.last_used, key.revoked].map(|at| screen::maybe(at.map(screen::at)));
        [key.name, scopes, origin.to_owned(), created, last_used, revoked]
    };
    screen::table(
        ["name", "scopes", "from", "created", "last used", "revoked"],
        keys.into_iter().map(row).collect(),
        "no keys",
    )
}

/// A name as a part of a path; what is no key name is refused by the daemon, under its own name.
fn segment(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
