//! `roost event`: what happens, as it happens.

use clap::{Args, Subcommand};
use futures_util::StreamExt as _;
use vocabulary::{EventKind, NodeId};

use super::{
    Global,
    client::Client,
    exit::{Exit, Failure},
    screen::{self, Output},
};
use crate::http::wire::EventView;

/// Watch what happens.
#[derive(Debug, Subcommand)]
pub(super) enum EventVerb {
    /// Print events as they happen, until Ctrl-C.
    Follow(Follow),
}

/// Which events.
#[derive(Debug, Args)]
pub(super) struct Follow {
    /// Begin after this event; 0 for all. Without it: from now on.
    #[arg(long)]
    since: Option<u64>,
    /// Only events of this machine: its name or MAC address.
    #[arg(long)]
    node: Option<NodeId>,
    /// Only events of this kind: node_state, timeline, run, run_task, alarm, audit, part, cluster.
    #[arg(long, value_parser = kind)]
    kind: Option<EventKind>,
    #[command(flatten)]
    output: Output,
}

impl EventVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, refuses, or goes away.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self::Follow(follow) = self;
        let client = Client::open(global)?;
        let mut query = Vec::new();
        query.extend(follow.since.map(|since| ("since", since.to_string())));
        query.extend(follow.node.as_ref().map(|node| ("node", node.to_string())));
        query.extend(follow.kind.map(|kind| ("kind", kind.name().to_owned())));
        let stream = client.stream("/api/events", &query).await?;
        let mut stream = std::pin::pin!(stream);
        let mut last = follow.since;
        while let Some(event) = stream.next().await {
            let view: EventView = serde_json::from_str(&event?.data)?;
            last = Some(view.seq);
            show(&view, follow.output)?;
        }
        let since = last.map_or_else(String::new, |seq| format!(" --since {seq}"));
        Err(Failure::words(Exit::Unreachable, "the daemon went away", format!("go on: roost event follow{since}")))
    }
}

fn show(view: &EventView, output: Output) -> Result<(), Failure> {
    if output.json {
        return screen::line(serde_json::to_string(view)?);
    }
    let node = view.node.as_ref().map_or_else(String::new, |node| format!(" {node}"));
    let run = view.run.map_or_else(String::new, |run| format!(" run {run}"));
    let data = screen::plain(&view.data.to_string());
    screen::line(format!("{:>6} {} {:<10}{node}{run} {data}", view.seq, screen::at(view.at), view.kind))
}

fn kind(word: &str) -> Result<EventKind, String> {
    let known = || EventKind::ALL.map(EventKind::name).join(", ");
    EventKind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| format!("one of {}", known()))
}
