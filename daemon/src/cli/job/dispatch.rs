//! `roost job dispatch`.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use uuid::Uuid;

use super::{
    Which, changed,
    follow::{self, Following},
    segment,
    source::pair,
};
use crate::{
    cli::{
        client::Client,
        exit::{Exit, Failure},
        screen::{self, Rehearsal},
    },
    http::jobs::change::{DispatchBody, JobChange},
};

/// What to start.
#[derive(Debug, Args)]
pub(in crate::cli) struct Dispatch {
    #[command(flatten)]
    which: Which,
    /// A file with its input; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// A parameter: NAME=VALUE. May be given several times. Parameters are no place for secrets: Nomad shows them.
    #[arg(long = "meta", value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// The same key starts nothing a second time, so that a repeat after a lost answer is safe. Without it a new key is
    /// made; if the command fails, its hint says how to repeat it with that one.
    #[arg(long, value_name = "KEY")]
    once: Option<String>,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Dispatch {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let payload = STANDARD.encode(self.payload.as_ref().map(read).transpose()?.unwrap_or_default());
        let meta: BTreeMap<String, String> = self.meta.into_iter().collect();
        let key = self.once.unwrap_or_else(|| Uuid::new_v4().to_string());
        let body = DispatchBody { payload, meta, idempotency_key: Some(key.clone()) };
        let query = self.which.change(self.rehearsal);
        let started = client.post(&self.which.path("/dispatch"), &query, &body).await;
        let change: JobChange = started.map_err(|failure| once(failure, &key))?;
        changed(&change)?;
        let Some(child) = change.dispatched else { return Ok(()) };
        screen::line(format!("started {}", screen::plain(&child)))?;
        let path = format!("/api/jobs/{}/progress", segment(&child));
        follow::registration(client, &path, &self.which.namespace, None, &self.following).await
    }
}

/// A failure that may be repeated without starting anything twice.
fn once(failure: Failure, key: &str) -> Failure {
    if !matches!(failure.exit, Exit::Failed | Exit::Unreachable) {
        return failure;
    }
    let again = format!("the same command with --once {key} starts nothing a second time");
    let hint = failure.hint.map_or_else(|| again.clone(), |hint| format!("{hint}; {again}"));
    Failure { hint: Some(hint), ..failure }
}

fn read(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    Ok(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?)
}
