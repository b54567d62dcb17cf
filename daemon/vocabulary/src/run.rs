//! An Ansible run as the API, the store and the runner speak of it.
//!
//! ```text
//!  queued -> running -> succeeded | failed | cancelled | timed_out | lost
//! ```
//!
//! A run ends once. A retry is a new run that names the one before it, so that nothing ever rewrites what happened.
//! `lost` is the truthful end of a run whose process was gone when the daemon came back and had left no exit status.

use serde::{Deserialize, Serialize};

use crate::{BootId, NodeId, RunId, Timestamp};

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for a free place, and for its node to be free.
    Queued,
    /// Its process group lives.
    Running,
    /// Exit status 0, every promise verified.
    Succeeded,
    /// Ansible said no; the cause says where.
    Failed,
    /// A person stopped it.
    Cancelled,
    /// It took longer than `ansible.timeout`.
    TimedOut,
    /// The daemon was away and the process left no exit status.
    Lost,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled, Self::TimedOut, Self::Lost];

    /// The name in JSON, SQL and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the run is over.
    #[must_use]
    pub const fn ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What a run is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPurpose {
    /// To make the node what its roles promise: the whole playbook.
    #[default]
    Configure,
    /// To give its agents new certificates: what the playbook tags with [`RunPurpose::tag`] alone. The node stays what it
    /// is meanwhile.
    Certificates,
}

impl RunPurpose {
    /// The tag of the playbook's tasks that such a run is limited to.
    #[must_use]
    pub const fn tag(self) -> Option<&'static str> {
        match self {
            Self::Configure => None,
            Self::Certificates => Some("certificates"),
        }
    }
}

/// Names one process on this host for ever: a process id alone is reused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Also the id of its process group.
    pub pid: u32,
    /// Field 22 of /proc/PID/stat: clock ticks after boot (proc_pid_stat(5)).
    pub start_ticks: u64,
    /// /proc/sys/kernel/random/boot_id of the host.
    pub host_boot: String,
}

/// One run, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The node it works on; one run a node at a time.
    pub node: NodeId,
    /// The boot attempt that asked for it, where one did: a boot gets one run, however often it calls home.
    pub boot: Option<BootId>,
    /// Where it is.
    pub state: RunState,
    /// What it is for.
    #[serde(default)]
    pub purpose: RunPurpose,
    /// The run that this one repeats.
    pub retry_of: Option<RunId>,
    /// How many runs of this node for this boot came before it and did not succeed.
    pub attempt: u32,
    /// Who asked: `call-home`, a key's name, `root`.
    pub asked_by: String,
    /// First words of the failure: task, host, message. Never a secret.
    pub cause: Option<String>,
    /// The process, once there is one.
    pub process: Option<ProcessId>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When its process started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Tasks done so far, and changed among them.
    pub tasks_done: u32,
    /// Tasks that changed something.
    pub tasks_changed: u32,
    /// The task in progress or last done.
    pub task: Option<String>,
}

impl Run {
    /// One that was asked for now and waits, the first of its kind.
    #[must_use]
    pub fn queued(id: RunId, node: NodeId, purpose: RunPurpose, asked_by: &str, now: Timestamp) -> Self {
        Self {
            id,
            node,
            boot: None,
            state: RunState::Queued,
            purpose,
            retry_of: None,
            attempt: 0,
            asked_by: asked_by.to_owned(),
            cause: None,
            process: None,
            created: now,
            started: None,
            ended: None,
            tasks_done: 0,
            tasks_changed: 0,
            task: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_keeps_its_name_and_json_agrees() {
        let names = ["queued", "running", "succeeded", "failed", "cancelled", "timed_out", "lost"];
        assert_eq!(RunState::ALL.map(RunState::name), names);
        for state in RunState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            assert_eq!(RunState::named(state.name()), Some(state));
        }
        assert_eq!(RunState::named("paused"), None);
        assert_eq!(format!("{:>7}|{:<7}|", RunState::Lost, RunState::Queued), "   lost|queued |");
    }

    #[test]
    fn no_state_is_missing_from_the_list() {
        let refused = serde_json::from_str::<RunState>("\"?\"").unwrap_err().to_string();
        let listed = RunState::ALL.map(|state| format!("`{}`", state.name())).join(", ");
        assert!(refused.contains(&format!("expected one of {listed} at")), "{refused}");
    }

    #[test]
    fn a_run_is_over_unless_it_is_queued_or_running() {
        let table = [
            (RunState::Queued, false),
            (RunState::Running, false),
            (RunState::Succeeded, true),
            (RunState::Failed, true),
            (RunState::Cancelled, true),
            (RunState::TimedOut, true),
            (RunState::Lost, true),
        ];
        assert_eq!(RunState::ALL.map(|state| (state, state.ended())), table);
    }
}
