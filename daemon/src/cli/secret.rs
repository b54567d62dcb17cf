//! `roost secret`: values that jobs read, which go in and never come out.

use std::{io::Read as _, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use vocabulary::Secret;

use super::{
    Global,
    client::Client,
    exit::Failure,
    node::changed,
    screen::{self, Output, Rehearsal},
};
use crate::http::{input::Change, secrets::SecretView};

/// Set secrets of jobs, and see which there are. No value is ever printed.
///
/// Secrets are Nomad variables. A job reads those at nomad/jobs, nomad/jobs/JOB, nomad/jobs/JOB/GROUP and
/// nomad/jobs/JOB/GROUP/TASK by its own identity, without a token:
///
///   template {
///     data        = "DB_PASSWORD={{ with nomadVar \"nomad/jobs/web\" }}{{ .db_password }}{{ end }}"
///     destination = "secrets/env"
///     env         = true
///   }
#[derive(Debug, Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum SecretVerb {
    /// List paths, and the names of their values.
    List(List),
    /// Set one value; others of the same path stay as they are.
    ///
    /// The value is read from standard input or from a file, never from the command line, which every user of the host
    /// can see. One line break at its end is taken off.
    Set(Set),
}

/// Which secrets to list.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only paths that begin so.
    prefix: Option<String>,
    /// Only those of this namespace; `*` for all.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    output: Output,
}

/// What to set.
#[derive(Debug, Args)]
pub(super) struct Set {
    /// Where: nomad/jobs/web.
    path: String,
    /// Which value: db_password.
    name: String,
    /// Read the value from this file instead of standard input.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// In this namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl SecretVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::open(global)?;
        match self {
            Self::List(list) => list.run(&client).await,
            Self::Set(set) => set.run(&client).await,
        }
    }
}

impl List {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut query = vec![("namespace", self.namespace)];
        query.extend(self.prefix.map(|prefix| ("prefix", prefix)));
        let secrets: Vec<SecretView> = client.get("/api/secrets", &query).await?;
        if self.output.json {
            return screen::json(&secrets);
        }
        let row = |secret: SecretView| {
            let names =
                secret.names.map_or_else(|| "(too many paths: give a prefix)".to_owned(), |names| names.join(", "));
            [secret.path, secret.namespace, screen::at(secret.modified), names]
        };
        let rows = secrets.into_iter().map(row).collect();
        screen::table(["path", "namespace", "written", "values"], rows, "there is none; set one: roost secret set")
    }
}

impl Set {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let value = read(self.from.as_ref())?;
        let body =
            json!({ "path": self.path, "namespace": self.namespace, "name": self.name, "value": value.expose() });
        let change: Change = client.post("/api/secrets", &self.rehearsal.query(), &body).await?;
        changed(&change)
    }
}

fn read(from: Option<&PathBuf>) -> Result<Secret<String>, Failure> {
    let mut text = match from {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            text
        }
    };
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Secret::new(text))
}
