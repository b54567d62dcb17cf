//! `roost node`: see machines, let them in, keep them out, switch them.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use vocabulary::{NodeId, NodeState};

use super::{
    Global,
    client::Client,
    exit::Failure,
    screen::{self, Output, Rehearsal},
};
use crate::http::{
    input::Change,
    wire::{ClaimsView, IdentityView, NodeDetailView, NodeView, StepView},
};

/// See machines, let them in, keep them out, switch them.
#[derive(Debug, Subcommand)]
pub(super) enum NodeVerb {
    /// List every machine that was ever seen.
    List(List),
    /// Show one machine.
    Show(Show),
    /// Let machines in: these, or the next few that appear.
    ///
    /// A machine that is let in boots at its next request, a second or two later, and is let in again by itself
    /// after every reboot as long as it proves to be the same machine.
    Approve(Approve),
    /// Keep a machine out until it is approved.
    Deny(Deny),
    /// Forget a machine with its boots, timeline and runs: one that was never approved, that failed, or that is gone.
    ///
    /// Refused while it has a run that has not ended, is parked as suspect, boots, or answers on its pinned host key.
    /// A machine that comes again is a stranger and needs a new approval.
    Forget(Forget),
    /// Show every station of a machine's way, with the seconds between.
    Timeline(Timeline),
    /// Switch a machine on, off, or off and on.
    Power(Power),
    /// Move a node's work to others, or let it take work again.
    ///
    /// The node gets no new work, and what runs there is started elsewhere and then stopped here, as each job's `migrate`
    /// says. Nomad does not wait for replacements to run: what finds no place elsewhere is shown at the end, with the
    /// reason, and is the exit code. Ctrl-C ends the watching, not the drain.
    Drain(super::drain::Drain),
    /// Take a node out of the cluster: its work moves away, Nomad and Consul forget it, its tokens are deleted.
    ///
    /// From the order on no boot of it is let in and no run works on it, until it is approved anew. Its Nomad client gets no
    /// new work and is drained; what finds no other place is told, with the reason, and is the exit code. Then Nomad purges
    /// it, its agents are stopped over SSH (where that fails: switch it off), Consul's tokens of it are deleted, and Consul
    /// forgets it. Each stage is a line on its timeline. A daemon that ends meanwhile goes on with it; so does Ctrl-C, which
    /// ends the watching alone.
    ///
    /// With --compromised its tokens are deleted first, and its work is stopped at once and starts elsewhere. New gossip keys
    /// are told over the gossip itself, so they wait until the node is silent there: switch it off, or pull its cable. Its
    /// certificate stays good until it ends; without a token it opens nothing (docs/operations/cluster.md).
    Retire(super::node_retire::Retire),
    /// Make a disk of a machine its data disk, which outlives a reboot.
    ///
    /// The disk gets a partition table and a file system labelled ROOST_DATA, which keeps /var/lib/nomad, /var/lib/consul,
    /// /var/lib/docker and /var/lib/roost, the SSH host key and the machine id. From then on the machine must come back
    /// with that key: without the disk it is parked as suspect until it is approved. Asked twice, it changes nothing.
    Disk(super::node_disk::Disk),
    /// Say what a machine would be answered, and why. Changes nothing.
    Explain(super::explain::Explain),
}

/// Which machines to list.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only machines in this state: discovered, waiting, approved, booting, called_home, configuring, verifying,
    /// joining, ready, lapsed, failed, suspect, denied, retiring, retired.
    #[arg(long, value_parser = state)]
    state: Option<NodeState>,
    #[command(flatten)]
    output: Output,
}

/// Which machine.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    #[command(flatten)]
    output: Output,
}

/// Which machines to let in.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// Names (node-525400123456) or MAC addresses.
    #[arg(required_unless_present = "next")]
    nodes: Vec<NodeId>,
    /// Let in so many machines that were never seen before, as they appear. Those that wait now are not among them: name
    /// them.
    #[arg(long, value_name = "N", conflicts_with = "nodes", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    next: Option<u32>,
    /// For how long --next stands: 30m, 2h. At most a day.
    #[arg(long = "for", value_name = "TIME", requires = "next", default_value = "30m", value_parser = humantime::parse_duration)]
    window: Duration,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// Which machine to keep out.
#[derive(Debug, Args)]
pub(super) struct Deny {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// Which machine to forget.
#[derive(Debug, Args)]
pub(super) struct Forget {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// Whose timeline.
#[derive(Debug, Args)]
pub(super) struct Timeline {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    /// Only this boot attempt.
    #[arg(long)]
    boot: Option<u64>,
    #[command(flatten)]
    output: Output,
}

/// What to switch.
#[derive(Debug, Args)]
pub(super) struct Power {
    /// Its name (node-525400123456) or MAC address.
    node: NodeId,
    /// What to do.
    action: PowerWord,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// What can be done to a machine's power.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum PowerWord {
    /// Switch on.
    On,
    /// Switch off.
    Off,
    /// Off, then on.
    Cycle,
}

impl NodeVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = Client::open(global)?;
        match self {
            Self::List(list) => list.run(&client).await,
            Self::Show(show) => show.run(&client).await,
            Self::Approve(approve) => approve.run(&client).await,
            Self::Deny(Deny { node, rehearsal }) => {
                let path = format!("/api/nodes/{node}/deny");
                changed(&client.post(&path, &rehearsal.query(), &json!({})).await?)
            }
            Self::Forget(Forget { node, rehearsal }) => {
                changed(&client.delete(&format!("/api/nodes/{node}"), &rehearsal.query()).await?)
            }
            Self::Timeline(timeline) => timeline.run(&client).await,
            Self::Power(Power { node, action, rehearsal }) => {
                let action = action.to_possible_value().map(|word| word.get_name().to_owned());
                let path = format!("/api/nodes/{node}/power");
                changed(&client.post(&path, &rehearsal.query(), &json!({ "action": action })).await?)
            }
            Self::Drain(drain) => drain.run(&client).await,
            Self::Retire(retire) => retire.run(&client).await,
            Self::Disk(disk) => disk.run(&client).await,
            Self::Explain(explain) => explain.ask(&client).await,
        }
    }
}

impl List {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let query: Vec<(&str, &str)> = self.state.iter().map(|state| ("state", state.name())).collect();
        let nodes: Vec<NodeView> = client.get("/api/nodes", &query).await?;
        if self.output.json {
            return screen::json(&nodes);
        }
        let row = |node: NodeView| {
            let why = node.reason.map_or_else(String::new, |reason| reason.cause);
            let word = |value: serde_json::Value| value.as_str().unwrap_or("-").to_owned();
            let waits_for = serde_json::to_value(node.waits_for).map(word).unwrap_or_default();
            let (state, since) = (node.state.to_string(), screen::at(node.since));
            [node.id.to_string(), node.mac.to_string(), state, since, screen::maybe(node.address), waits_for, why]
        };
        let rows = nodes.into_iter().map(row).collect();
        let none = "no machine was seen yet; is DHCP on, and is one switched on?";
        screen::table(["node", "mac", "state", "since", "address", "waits for", "why"], rows, none)
    }
}

impl Show {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let detail: NodeDetailView = client.get(&format!("/api/nodes/{}", self.node), &()).await?;
        if self.output.json {
            return screen::json(&detail);
        }
        let NodeDetailView { node, claims } = detail;
        let mut rows = vec![
            ["node".to_owned(), node.id.to_string()],
            ["mac".to_owned(), node.mac.to_string()],
            ["state".to_owned(), format!("{} since {}", node.state, screen::at(node.since))],
            ["approved".to_owned(), if node.approved { "yes" } else { "no" }.to_owned()],
            ["address".to_owned(), screen::maybe(node.address)],
            ["boot".to_owned(), screen::maybe(node.boot)],
            ["run".to_owned(), screen::maybe(node.run)],
            ["certificates end".to_owned(), node.certificates.map_or_else(|| "-".to_owned(), screen::at)],
            ["first seen".to_owned(), screen::at(node.created)],
        ];
        if let Some(reason) = node.reason {
            rows.extend([["why".to_owned(), reason.cause], ["what to do".to_owned(), reason.remedy]]);
        }
        if let Some(identity) = node.identity {
            rows.extend(rests_on(&identity));
            rows.extend(identity.host_keys.into_iter().map(|key| ["host key".to_owned(), key]));
        }
        rows.extend(claims.map(claimed).into_iter().flatten());
        screen::table(["what", "value"], rows, "")
    }
}

/// What the machine says of itself, marked as such.
fn claimed(claims: ClaimsView) -> Vec<[String; 2]> {
    let row = |what: &str, value: String| [format!("says: {what}"), value];
    let gib = |bytes: u64| format!("{}.{} GiB", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30);
    let firmware = claims.firmware.and_then(|firmware| serde_json::to_value(firmware).ok());
    let firmware = firmware.and_then(|word| word.as_str().map(str::to_owned));
    let mut rows = vec![
        row("name", claims.hostname),
        row("machine", format!("{} {}", claims.vendor, claims.product).trim().to_owned()),
        row("processors", format!("{} ({})", claims.cpus, claims.architecture)),
        row("memory", format!("{} MiB", claims.memory_mib)),
        row("firmware", screen::maybe(firmware)),
    ];
    rows.extend(claims.disks.into_iter().map(|disk| row("disk", format!("{} {}", disk.name, gib(disk.size_bytes)))));
    rows
}

/// What a machine is recognised by at its next boot.
fn rests_on(identity: &IdentityView) -> Vec<[String; 2]> {
    let row = |what: &str, value: String| [what.to_owned(), value];
    let mut parts = vec!["MAC"];
    parts.extend(identity.smbios_uuid.as_ref().map(|_| "SMBIOS UUID"));
    parts.extend(identity.tpm.as_ref().map(|_| "TPM"));
    parts.extend(identity.kept.as_ref().map(|_| "host keys and machine id"));
    let disk = identity.kept.as_ref().map_or_else(
        || "none: nothing on it outlives a reboot".to_owned(),
        |kept| format!("{}, known since {}", screen::maybe(kept.disk.as_ref()), screen::at(kept.since)),
    );
    let tpm = identity.tpm.as_ref().map_or_else(
        || "none was proven".to_owned(),
        |tpm| match tpm.proven {
            Some(at) => format!("{}, proven {}", tpm.endorsement_key, screen::at(at)),
            None => format!("{}, not proven in this boot: no run starts before it is", tpm.endorsement_key),
        },
    );
    vec![
        row("identity rests on", parts.join(", ")),
        row("SMBIOS UUID", screen::maybe(identity.smbios_uuid.as_ref())),
        row("TPM", tpm),
        row("data disk", disk),
    ]
}

impl Approve {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let body = match self.next {
            Some(next) => json!({ "next": next, "for_s": self.window.as_secs() }),
            None => json!({ "nodes": self.nodes }),
        };
        changed(&client.post("/api/nodes/approve", &self.rehearsal.query(), &body).await?)
    }
}

impl Timeline {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let query: Vec<(&str, u64)> = self.boot.iter().map(|boot| ("boot", *boot)).collect();
        let lines: Vec<StepView> = client.get(&format!("/api/nodes/{}/timeline", self.node), &query).await?;
        if self.output.json {
            return screen::json(&lines);
        }
        let row = |line: StepView| {
            let seconds = line.took_ms.map(|ms| format!("+{}.{:03}", ms / 1000, ms % 1000));
            let at = line.at.strftime("%Y-%m-%d %H:%M:%S%.3fZ").to_string();
            [screen::maybe(line.boot), at, screen::maybe(seconds), line.step.to_string(), line.detail]
        };
        let rows = lines.into_iter().map(row).collect();
        screen::table(["boot", "at", "seconds", "station", "detail"], rows, "nothing happened yet")
    }
}

/// Prints what a change brought about.
pub(super) fn changed(change: &Change) -> Result<(), Failure> {
    let would = if change.dry_run { "would: " } else { "" };
    for effect in &change.effects {
        screen::line(format!("{would}{}: {}", screen::plain(&effect.subject), screen::plain(&effect.effect)))?;
    }
    match change.effects.is_empty() {
        true => screen::line(format!("{would}nothing changes")),
        false => Ok(()),
    }
}

fn state(word: &str) -> Result<NodeState, String> {
    NodeState::named(word).ok_or_else(|| format!("one of {}", NodeState::ALL.map(NodeState::name).join(", ")))
}
