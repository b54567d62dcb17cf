//! What the API answers with: the vocabulary's words, with a schema for the API document.
//!
//! Types of their own rather than the store's, so that a column can change without breaking a client, and so that
//! nothing reaches a client which nobody decided to show. The CLI reads the same types.

use std::collections::HashSet;

use ansible::events::{TaskOutcome, TaskReport};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{
    BootId, EndorsementKey, Event, Identity, Mac, Node, NodeId, NodeState, Run, RunId, RunPurpose, RunState, Step,
    StepRecord, Timestamp, Wait,
};

use super::desks::PartStatus;
use crate::keys::{KeyOrigin, Scope};

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// Its name everywhere.
    #[schema(value_type = String, example = "node-525400123456")]
    pub id: NodeId,
    /// The boot interface.
    #[schema(value_type = String, example = "52:54:00:12:34:56")]
    pub mac: Mac,
    /// Where it is on its way: discovered, waiting, approved, booting, called_home, configuring, verifying, joining,
    /// ready, lapsed, failed, suspect, denied, retiring, retired.
    #[schema(value_type = String, example = "ready")]
    pub state: NodeState,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Why, and what to do, where there is something to say.
    pub reason: Option<ReasonView>,
    /// What it waits for: approval, machine, run_slot, run, cluster, nothing.
    #[schema(value_type = String, example = "nothing")]
    pub waits_for: Wait,
    /// Whether a person or policy admitted it.
    pub approved: bool,
    /// Where it answers.
    #[schema(value_type = Option<String>, format = Ipv4)]
    pub address: Option<std::net::Ipv4Addr>,
    /// Which firmware last asked: bios, uefi_x64, uefi_arm64, http_x64, http_arm64.
    #[schema(value_type = Option<String>)]
    pub firmware: Option<vocabulary::Firmware>,
    /// What it proved to be at its last accepted call-home.
    pub identity: Option<IdentityView>,
    /// The boot attempt in progress or last done.
    #[schema(value_type = Option<u64>)]
    pub boot: Option<BootId>,
    /// The last Ansible run.
    #[schema(value_type = Option<u64>)]
    pub run: Option<RunId>,
    /// The Nomad client that it was found to run since its last boot.
    #[schema(value_type = Option<String>)]
    pub nomad: Option<vocabulary::NomadId>,
    /// When the first of its agents' certificates ends, as it was found since its last boot; renewed long before that.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub certificates: Option<Timestamp>,
    /// First seen.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl From<Node> for NodeView {
    fn from(node: Node) -> Self {
        Self {
            id: node.id,
            mac: node.mac,
            state: node.state,
            since: node.since,
            reason: node.reason.map(|reason| ReasonView { cause: reason.cause, remedy: reason.remedy }),
            waits_for: node.waits_for,
            approved: node.approved,
            address: node.address,
            firmware: node.firmware,
            identity: node.identity.map(IdentityView::from),
            boot: node.boot,
            run: node.run,
            nomad: node.nomad,
            certificates: node.certificates,
            created: node.created,
        }
    }
}

/// A node, with what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeDetailView {
    /// What Roost knows.
    #[serde(flatten)]
    pub node: NodeView,
    /// What the machine said at its last accepted call-home; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsView>,
}

/// What a machine says of itself. Proves nothing: any machine can say anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimsView {
    /// The name it calls itself by; Roost never uses it.
    pub hostname: String,
    /// SMBIOS manufacturer; empty where the board says none.
    pub vendor: String,
    /// SMBIOS product name; empty where the board says none.
    pub product: String,
    /// `x86_64` or `aarch64`.
    pub architecture: String,
    /// How it booted.
    #[schema(value_type = Option<String>)]
    pub firmware: Option<vocabulary::Firmware>,
    /// Logical processors.
    pub cpus: u32,
    /// Main memory in MiB.
    pub memory_mib: u64,
    /// Block devices without partitions, loops and ramdisks.
    pub disks: Vec<DiskView>,
}

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskView {
    /// Kernel name.
    #[schema(example = "vda")]
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

impl From<store::Claims> for ClaimsView {
    fn from(store::Claims { hostname, hardware }: store::Claims) -> Self {
        let disk = |disk: vocabulary::Disk| DiskView { name: disk.name, size_bytes: disk.size_bytes };
        Self {
            hostname,
            vendor: hardware.vendor,
            product: hardware.product,
            architecture: hardware.architecture,
            firmware: hardware.firmware,
            cpus: hardware.cpus,
            memory_mib: hardware.memory_mib,
            disks: hardware.disks.into_iter().map(disk).collect(),
        }
    }
}

/// Why something is as it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonView {
    /// What happened.
    pub cause: String,
    /// What to do next.
    pub remedy: String,
}

/// What a machine proved to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityView {
    /// Absent where the board has a vendor's default.
    pub smbios_uuid: Option<String>,
    /// Of the running system.
    pub machine_id: Option<String>,
    /// The pinned SSH host keys.
    pub host_keys: Vec<String>,
    /// The TPM that it rests on; absent where the machine has proved none.
    pub tpm: Option<TpmView>,
    /// The disk that keeps its host keys and machine id; absent where they are new at each boot.
    #[serde(default)]
    pub kept: Option<KeptView>,
}

/// The disk labelled `ROOST_DATA` that an identity rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptView {
    /// Of its file system, where it is known.
    pub disk: Option<String>,
    /// Since when Roost knows of it.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// The TPM that an identity rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TpmView {
    /// Its endorsement key: the template it is made from, and the SHA-256 of its public area.
    #[schema(value_type = String, example = "rsa2048:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub endorsement_key: EndorsementKey,
    /// When it proved it in this boot; absent as long as it has not, and then no run starts.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub proven: Option<Timestamp>,
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        Self {
            smbios_uuid: identity.smbios_uuid.map(|uuid| uuid.to_string()),
            machine_id: identity.machine_id.map(|id| id.to_string()),
            host_keys: identity.host_keys.iter().map(ToString::to_string).collect(),
            tpm: identity.tpm.map(|tpm| TpmView { endorsement_key: tpm.key, proven: tpm.proven }),
            kept: identity.kept.map(|kept| {
                let disk = kept.disk.map(|uuid| uuid.to_string());
                KeptView { disk, since: kept.since }
            }),
        }
    }
}

/// A line of a node's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// In which boot attempt.
    #[schema(value_type = Option<u64>)]
    pub boot: Option<BootId>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Which station.
    #[schema(value_type = String, example = "called_home")]
    pub step: Step,
    /// For people.
    pub detail: String,
    /// Milliseconds since the line before it in the same boot.
    pub took_ms: Option<u64>,
}

impl From<StepRecord> for StepView {
    fn from(line: StepRecord) -> Self {
        Self { boot: line.boot, at: line.at, step: line.step, detail: line.detail, took_ms: line.took_ms }
    }
}

/// An Ansible run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// Its number.
    #[schema(value_type = u64)]
    pub id: RunId,
    /// The node it works on.
    #[schema(value_type = String, example = "node-525400123456")]
    pub node: NodeId,
    /// The boot that asked for it.
    #[schema(value_type = Option<u64>)]
    pub boot: Option<BootId>,
    /// Where it is: queued, running, succeeded, failed, cancelled, timed_out, lost.
    #[schema(value_type = String, example = "running")]
    pub state: RunState,
    /// What it is for: configure (the whole playbook), certificates (new ones for the node's agents alone).
    #[serde(default)]
    #[schema(value_type = String, example = "configure")]
    pub purpose: RunPurpose,
    /// The run that this one repeats.
    #[schema(value_type = Option<u64>)]
    pub retry_of: Option<RunId>,
    /// How many runs of this node for this boot came before it.
    pub attempt: u32,
    /// Who asked.
    pub asked_by: String,
    /// First words of the failure.
    pub cause: Option<String>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When its process started.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// Tasks done so far.
    pub tasks_done: u32,
    /// Tasks that changed something.
    pub tasks_changed: u32,
    /// The task in progress or last done.
    pub task: Option<String>,
    /// What became of its log and its other files.
    pub output: OutputState,
}

/// What became of a run's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputState {
    /// There are none: it did not start yet, or never did.
    None,
    /// They are there.
    Kept,
    /// They were removed: it is older than what `[runs]` keeps.
    Pruned,
}

impl RunView {
    /// A run, and whether its folder is there.
    #[must_use]
    pub fn of(run: Run, kept: &HashSet<RunId>) -> Self {
        let output = match (kept.contains(&run.id), run.started) {
            (true, _) => OutputState::Kept,
            (false, Some(_)) if run.state.ended() => OutputState::Pruned,
            _ => OutputState::None,
        };
        Self {
            id: run.id,
            node: run.node,
            boot: run.boot,
            state: run.state,
            purpose: run.purpose,
            retry_of: run.retry_of,
            attempt: run.attempt,
            asked_by: run.asked_by,
            cause: run.cause,
            created: run.created,
            started: run.started,
            ended: run.ended,
            tasks_done: run.tasks_done,
            tasks_changed: run.tasks_changed,
            task: run.task,
            output,
        }
    }
}

/// A task of a run on one host, started or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskView {
    /// Its place in the run, counted from 1.
    pub seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// On which host.
    pub host: String,
    /// Its name.
    pub task: String,
    /// The role that it belongs to.
    pub role: Option<String>,
    /// How it stands: started, ok, changed, skipped, failed, ignored, unreachable.
    #[schema(value_type = String, example = "changed")]
    pub outcome: TaskOutcome,
    /// How long it took, once it is done.
    pub took_ms: Option<u64>,
    /// What it said, where it failed.
    pub message: Option<String>,
}

impl From<TaskReport> for TaskView {
    fn from(report: TaskReport) -> Self {
        Self {
            seq: report.seq,
            at: report.at,
            host: report.host,
            task: report.task,
            role: report.role,
            outcome: report.outcome,
            took_ms: report.took_ms,
            message: report.message,
        }
    }
}

/// An entry of the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Its place; give it as `since` or Last-Event-ID to go on behind it.
    pub seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What it is about: node_state, timeline, run, run_task, alarm, audit, part, cluster; or `gap`, when events between
    /// this place and the one asked for are no longer there: read the state anew and go on.
    pub kind: String,
    /// Which node, where one is concerned.
    #[schema(value_type = Option<String>)]
    pub node: Option<NodeId>,
    /// Which run, where one is concerned.
    #[schema(value_type = Option<u64>)]
    pub run: Option<RunId>,
    /// The subject itself.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            seq: event.seq.0,
            at: event.at,
            kind: event.kind.name().to_owned(),
            node: event.node,
            run: event.run,
            data: event.data,
        }
    }
}

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Where it is known from.
    pub origin: KeyOrigin,
    /// When it was made; absent for keys of the configuration.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked: Option<Timestamp>,
    /// When it last came in, to the minute or so; absent for keys of the configuration.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
}

/// The daemon at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// Of the daemon.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// Seconds since then.
    pub uptime_s: u64,
    /// Whether every part does its work.
    pub ready: bool,
    /// Every part.
    pub parts: Vec<PartStatus>,
    /// How many nodes are in each state; states without nodes are left out.
    pub nodes: std::collections::BTreeMap<String, u64>,
    /// Runs that wait for a place.
    pub runs_queued: u64,
    /// Runs whose process lives.
    pub runs_running: u64,
    /// The last event.
    pub last_event: u64,
}
