//! `roost cluster promote`, `demote` and `servers`: more servers than one.

use std::time::Duration;

use clap::Args;
use vocabulary::NodeId;

use super::{
    client::Client,
    exit::{Exit, Failure},
    node::changed,
    screen::{self, Output, Rehearsal},
};
use crate::{
    cluster::servers::{Phase, Turn},
    http::{desks::ServerView, input::Change, servers::ServersBody},
};

const PATH: &str = "/api/cluster/servers";
/// How often the servers are looked at while one is under way.
const LOOK: Duration = Duration::from_secs(1);

/// Which nodes.
#[derive(Debug, Args)]
pub(super) struct Turned {
    /// Names (node-525400123456) or MAC addresses; they change one after the other.
    #[arg(required = true)]
    nodes: Vec<NodeId>,
    /// Take an even number of servers for now.
    #[arg(long)]
    even: bool,
    /// Return as soon as the order is kept.
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Turned {
    /// Orders it, and watches it to its end.
    ///
    /// # Errors
    /// It is refused, or does not get on.
    pub(super) async fn run(self, client: &Client, turn: Turn) -> Result<(), Failure> {
        let Self { nodes, even, detach, rehearsal } = self;
        let dry_run = rehearsal.dry_run;
        let body = ServersBody { turn, nodes, even };
        let change: Change = client.post(PATH, &rehearsal.query(), &body).await?;
        changed(&change)?;
        if dry_run || detach { Ok(()) } else { watch(client, &body.nodes).await }
    }
}

/// Until none of them is under way, or one does not get on.
async fn watch(client: &Client, nodes: &[NodeId]) -> Result<(), Failure> {
    let mut told = String::new();
    loop {
        let servers: Vec<ServerView> = client.get(PATH, &()).await?;
        let is_ours = |view: &&ServerView| nodes.iter().any(|node| node.to_string() == view.server);
        let under_way = |view: &&ServerView| view.phase.is_some_and(|phase| phase != Phase::Serving);
        let Some(view) = servers.iter().filter(is_ours).find(under_way) else {
            return list(client, Output { json: false }).await;
        };
        if let Some(stuck) = &view.stuck {
            let cause = format!("{} does not get on: {}", view.server, screen::plain(stuck));
            let hint = "then it goes on by itself: roost cluster servers; back: roost cluster demote NODE";
            return Err(Failure::words(Exit::Failed, cause, hint));
        }
        let line = format!("{}: {}", screen::plain(&view.server), standing(view));
        if line != told {
            screen::line(&line)?;
            told = line;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Shows every server.
///
/// # Errors
/// The daemon cannot be reached, or has no cluster of its own.
pub(super) async fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let servers: Vec<ServerView> = client.get(PATH, &()).await?;
    if output.json {
        return screen::json(&servers);
    }
    let row = |view: ServerView| {
        let standing = standing(&view);
        let [consul, nomad] = [view.consul, view.nomad].map(screen::maybe);
        [screen::plain(&view.server), screen::plain(&view.address), consul, nomad, standing]
    };
    screen::table(["server", "address", "consul", "nomad", "standing"], servers.into_iter().map(row).collect(), "")
}

fn standing(view: &ServerView) -> String {
    let phase = view.phase.map_or_else(|| "the first".to_owned(), |phase| phase.to_string());
    match (&view.stuck, &view.waits) {
        (Some(stuck), _) => format!("{phase}, stuck: {}", screen::plain(stuck)),
        (None, Some(waits)) => format!("{phase}, waits {}", screen::plain(waits)),
        (None, None) => phase,
    }
}
