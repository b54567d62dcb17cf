//! `roost node retire`: a node taken out of the cluster.

use std::time::Duration;

use clap::Args;
use vocabulary::{NodeId, NodeState, Step};

use super::{
    client::Client,
    exit::{Exit, Failure},
    node::changed,
    screen::{self, Rehearsal},
};
use crate::http::{
    input::Change,
    retire::RetireBody,
    wire::{NodeDetailView, StepView},
};

/// How often the node is looked at on its way.
const LOOK: Duration = Duration::from_secs(1);

/// Which node, and in which way.
#[derive(Debug, Args)]
pub(super) struct Retire {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    /// What of its work is left after so long is stopped: 30m, 2h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration, conflicts_with_all = ["no_deadline", "compromised"])]
    deadline: Duration,
    /// Wait for ever for what is left.
    #[arg(long, conflicts_with = "compromised")]
    no_deadline: bool,
    /// Somebody else may have what it has: its tokens are deleted first, its work is stopped at once and starts elsewhere,
    /// and the gossip keys of Consul and Nomad are replaced once it has fallen silent.
    #[arg(long)]
    compromised: bool,
    /// Return as soon as it began.
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Retire {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let node = format!("/api/nodes/{}", self.node);
        let before = timeline(client, &node).await?.len();
        let waits = !self.compromised && !self.no_deadline;
        let body = RetireBody { compromised: self.compromised, deadline_s: waits.then_some(self.deadline.as_secs()) };
        let change: Change = client.post(&format!("{node}/retire"), &self.rehearsal.query(), &body).await?;
        changed(&change)?;
        if change.dry_run || self.detach {
            return Ok(());
        }
        follow(client, &node, before).await
    }
}

async fn timeline(client: &Client, node: &str) -> Result<Vec<StepView>, Failure> {
    client.get(&format!("{node}/timeline"), &()).await
}

/// Each station as it is reached, and what is waited for, until it is retired. Ctrl-C ends the watching alone.
async fn follow(client: &Client, node: &str, mut seen: usize) -> Result<(), Failure> {
    let (mut homeless, mut waits) = (false, None);
    loop {
        let detail: NodeDetailView = client.get(node, &()).await?;
        let lines = timeline(client, node).await?;
        for line in lines.iter().skip(seen) {
            homeless |= line.step == Step::Homeless;
            screen::line(format!("{}: {}", line.step, screen::plain(&line.detail)))?;
        }
        seen = seen.max(lines.len());
        match detail.node.state {
            NodeState::Retiring => {}
            NodeState::Retired if homeless => {
                let cause = format!("{} is retired, and not all of its work found another place", detail.node.id);
                return Err(Failure::words(Exit::Failed, cause, "it starts when there is room: roost job list"));
            }
            NodeState::Retired => return screen::line(format!("{} is retired", detail.node.id)),
            state => {
                let cause = format!("{} is {state}: somebody decided otherwise meanwhile", detail.node.id);
                return Err(Failure::words(Exit::Conflict, cause, format!("roost node timeline {}", detail.node.id)));
            }
        }
        let why = detail.node.reason.map(|reason| (reason.cause, reason.remedy));
        if let Some((cause, remedy)) = why.as_ref().filter(|why| waits.as_ref() != Some(*why)) {
            screen::line(format!("  waits: {}\n    {}", screen::plain(cause), screen::plain(remedy)))?;
        }
        waits = why;
        tokio::time::sleep(LOOK).await;
    }
}
