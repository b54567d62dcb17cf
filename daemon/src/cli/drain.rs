//! `roost node drain`: a node's work, moved away and back.

use std::time::Duration;

use clap::Args;

use super::{
    client::Client,
    exit::{Exit, Failure},
    node::changed,
    screen::{self, Output, Rehearsal},
};
use crate::http::{
    drain::{DrainBody, NodeWorkView},
    input::Change,
};

/// How often the node is looked at while its work moves.
const LOOK: Duration = Duration::from_secs(1);

/// Which node.
#[derive(Debug, Args)]
pub(super) struct Drain {
    /// Its name (node-525400123456), its MAC address, or Nomad's id.
    node: String,
    /// What is left after so long is stopped: 30m, 2h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration, conflicts_with_all = ["no_deadline", "end", "status"])]
    deadline: Duration,
    /// Wait for ever for what is left.
    #[arg(long, conflicts_with_all = ["end", "status"])]
    no_deadline: bool,
    /// Leave system jobs where they are.
    #[arg(long, conflicts_with_all = ["end", "status"])]
    keep_system_jobs: bool,
    /// Why; kept with the node.
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with_all = ["end", "status"])]
    reason: String,
    /// End a drain: the node takes work again.
    #[arg(long, conflicts_with = "status")]
    end: bool,
    /// With --end: let the node's work stay, and give it no new.
    #[arg(long, requires = "end")]
    stay_ineligible: bool,
    /// Only show what runs on the node, and what of its work finds no place elsewhere.
    #[arg(long)]
    status: bool,
    /// Return as soon as it began.
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Drain {
    pub(super) async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = format!("/api/nodes/{}/drain", self.node);
        if self.status {
            let work: NodeWorkView = client.get(&path, &()).await?;
            return if self.output.json { screen::json(&work) } else { show(&work) };
        }
        let change: Change = client.post(&path, &self.rehearsal.query(), &self.body()).await?;
        changed(&change)?;
        if change.dry_run || self.detach || self.end {
            return Ok(());
        }
        wait(client, &path).await
    }

    fn body(&self) -> DrainBody {
        if self.end {
            return DrainBody::End { stay_ineligible: self.stay_ineligible };
        }
        let deadline_s = (!self.no_deadline).then_some(self.deadline.as_secs());
        DrainBody::Begin { deadline_s, keep_system_jobs: self.keep_system_jobs, reason: self.reason.clone() }
    }
}

/// Until the drain is over. It does not wait for replacements, so those that find no place are the result.
async fn wait(client: &Client, path: &str) -> Result<(), Failure> {
    let mut last = None;
    loop {
        let work: NodeWorkView = client.get(path, &()).await?;
        if last != Some(work.left.len()) {
            screen::line(format!("{} left", work.left.len()))?;
            last = Some(work.left.len());
        }
        if !work.draining {
            return ended(&work);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn ended(work: &NodeWorkView) -> Result<(), Failure> {
    if work.homeless.is_empty() {
        return screen::line(format!("{} is drained", screen::plain(&work.name)));
    }
    show(work)?;
    let cause = format!("{} is drained, and not all of its work found another place", work.name);
    Err(Failure::words(Exit::Failed, cause, "it starts when there is room; take the node back: roost node drain --end"))
}

fn show(work: &NodeWorkView) -> Result<(), Failure> {
    let (eligible, draining) = (
        if work.eligible { "" } else { ", gets no new work" },
        if work.draining { ", its work moves away" } else { "" },
    );
    screen::line(format!("{} ({}): {}{eligible}{draining}", screen::plain(&work.name), work.nomad_node, work.status))?;
    for left in &work.left {
        screen::line(format!("  {}", screen::plain(left)))?;
    }
    for homeless in &work.homeless {
        let short = &homeless.shortfall;
        let (job, group) = (screen::plain(&homeless.job), screen::plain(&short.group));
        screen::line(format!("job {job}, group {group}: {} without a place", short.unplaced))?;
        for why in &short.reasons {
            screen::line(format!("  {}\n    {}", screen::plain(&why.cause), screen::plain(&why.remedy)))?;
        }
    }
    Ok(())
}
