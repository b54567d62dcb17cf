//! A node as the API, the store and the lifecycle speak of it.
//!
//! ```text
//!  discovered -> waiting -> approved -> booting -> called_home -> configuring -> verifying -> joining -> ready
//!       |           |          ^          |  ^          |              |            |          |       |   ^
//!       |           |          |          |  |          |              |            |          |       v   |
//!       |           |          |          |  |          |              |            |          |      lapsed
//!       '-> approved|          '----------'  '----------+--------------+------------+----------+---------'
//!                   '-> denied                (boots again: a new attempt)
//!   any -> failed (cause, remedy; leaves by boot, retry or approve)     any -> suspect (leaves by approve)
//!   any that was let in -> retiring -> retired (leaves by approve)
//! ```
//!
//! Only `daemon/src/nodes.rs` writes a state; everything else asks it to. What a state means and how long it may
//! last stands here, because the API, the CLI and the tests must say the same.

use serde::{Deserialize, Serialize};

use crate::{BootId, Identity, Mac, NodeId, NomadId, RunId, Timestamp};

/// Where a machine is on its way from power button to `ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// A DHCP packet came from a MAC never seen before.
    Discovered,
    /// It shows its MAC on its console and waits for `roost node approve`.
    Waiting,
    /// It may boot; nothing of this boot has been fetched yet.
    Approved,
    /// A token is minted into its script; firmware, iPXE, kernel and initrd are at work.
    Booting,
    /// Its call-home was accepted and its run is queued.
    CalledHome,
    /// Ansible works on it.
    Configuring,
    /// The roles ran; what they promise is being looked at over SSH.
    Verifying,
    /// Its promises are kept; Consul's and Nomad's servers have yet to say that it is a member. Only where there is a
    /// cluster.
    Joining,
    /// Verified over SSH: what the roles promise is there; where there is a cluster, its servers agree.
    Ready,
    /// It was ready, and Consul's or Nomad's servers find it a member no longer; ready again as soon as both do.
    Lapsed,
    /// A step failed or took longer than its SLA; the reason says which and what to do.
    Failed,
    /// A known MAC called home with another identity: parked until a person decides.
    Suspect,
    /// A person, or `enroll = "deny"`, said no.
    Denied,
    /// A person takes it out of the cluster; the reason says how far that is. Nobody lets it in.
    Retiring,
    /// It is out of the cluster, and nothing that it was given opens anything; an approval lets it begin anew.
    Retired,
}

impl NodeState {
    /// Every state, in the order of a machine's way.
    pub const ALL: [Self; 15] = [
        Self::Discovered,
        Self::Waiting,
        Self::Approved,
        Self::Booting,
        Self::CalledHome,
        Self::Configuring,
        Self::Verifying,
        Self::Joining,
        Self::Ready,
        Self::Lapsed,
        Self::Failed,
        Self::Suspect,
        Self::Denied,
        Self::Retiring,
        Self::Retired,
    ];

    /// The name in JSON, SQL and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discovered => "discovered",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Booting => "booting",
            Self::CalledHome => "called_home",
            Self::Configuring => "configuring",
            Self::Verifying => "verifying",
            Self::Joining => "joining",
            Self::Ready => "ready",
            Self::Lapsed => "lapsed",
            Self::Failed => "failed",
            Self::Suspect => "suspect",
            Self::Denied => "denied",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl std::fmt::Display for NodeState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Why a node is where it is, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What happened: `no call-home within 10m of the boot script`.
    pub cause: String,
    /// What to do next: `look at the console: roost node timeline node-525400123456`.
    pub remedy: String,
}

/// What a node in a waiting state waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A person's `roost node approve`.
    Approval,
    /// The machine itself, to do its next step.
    Machine,
    /// A free place among the concurrent runs.
    RunSlot,
    /// Its Ansible run.
    Run,
    /// Consul's and Nomad's servers, to find it a member, or to forget it.
    Cluster,
    /// Nothing: the state is final until something happens.
    Nothing,
}

impl NodeState {
    /// What a node in this state waits for.
    #[must_use]
    pub const fn waits_for(self) -> Wait {
        match self {
            Self::Discovered | Self::Approved | Self::Booting => Wait::Machine,
            Self::Waiting | Self::Suspect => Wait::Approval,
            Self::CalledHome => Wait::RunSlot,
            Self::Configuring | Self::Verifying => Wait::Run,
            Self::Joining | Self::Lapsed | Self::Retiring => Wait::Cluster,
            Self::Ready | Self::Failed | Self::Denied | Self::Retired => Wait::Nothing,
        }
    }
}

/// Which firmware asked, from DHCP option 93 (RFC 4578 and the IANA registry; 7 and 9 are both x64 UEFI).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// PC BIOS (0).
    Bios,
    /// UEFI on x86-64 (7 and 9).
    UefiX64,
    /// UEFI on arm64 (11).
    UefiArm64,
    /// UEFI HTTP boot on x86-64 (16).
    HttpX64,
    /// UEFI HTTP boot on arm64 (19).
    HttpArm64,
}

/// One machine, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name everywhere.
    pub id: NodeId,
    /// The boot interface.
    pub mac: Mac,
    /// Where it is.
    pub state: NodeState,
    /// Since when it is there.
    pub since: Timestamp,
    /// Why, where there is something to say.
    pub reason: Option<Reason>,
    /// What it waits for.
    pub waits_for: Wait,
    /// Whether a person or policy admitted it; survives reboots.
    pub approved: bool,
    /// What it proved to be at its last accepted call-home.
    pub identity: Option<Identity>,
    /// Its leased or call-home address, once its pinned key may answer there.
    pub address: Option<std::net::Ipv4Addr>,
    /// Which firmware last asked.
    pub firmware: Option<Firmware>,
    /// The boot attempt in progress or last done.
    pub boot: Option<BootId>,
    /// The last Ansible run.
    pub run: Option<RunId>,
    /// The Nomad client that it was found to run, since its last boot.
    #[serde(default)]
    pub nomad: Option<NomadId>,
    /// When the first of its agents' certificates ends, as it was found since its last boot.
    #[serde(default)]
    pub certificates: Option<Timestamp>,
    /// First seen.
    pub created: Timestamp,
    /// Counts writes; a writer that saw another generation lost the race.
    pub generation: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_json_agree() {
        for state in NodeState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            assert_eq!(NodeState::named(state.name()), Some(state));
        }
    }

    #[test]
    fn every_state_keeps_its_name() {
        let names = [
            "discovered",
            "waiting",
            "approved",
            "booting",
            "called_home",
            "configuring",
            "verifying",
            "joining",
            "ready",
            "lapsed",
            "failed",
            "suspect",
            "denied",
            "retiring",
            "retired",
        ];
        assert_eq!(NodeState::ALL.map(NodeState::name), names);
        assert_eq!(NodeState::named("asleep"), None);
        assert_eq!(format!("{:>8}|{:<8}|", NodeState::Ready, NodeState::Denied), "   ready|denied  |");
    }

    #[test]
    fn no_state_is_missing_from_the_list() {
        let refused = serde_json::from_str::<NodeState>("\"?\"").unwrap_err().to_string();
        let listed = NodeState::ALL.map(|state| format!("`{}`", state.name())).join(", ");
        assert!(refused.contains(&format!("expected one of {listed} at")), "{refused}");
    }

    #[test]
    fn every_state_says_what_it_waits_for() {
        let table = [
            (NodeState::Discovered, Wait::Machine),
            (NodeState::Waiting, Wait::Approval),
            (NodeState::Approved, Wait::Machine),
            (NodeState::Booting, Wait::Machine),
            (NodeState::CalledHome, Wait::RunSlot),
            (NodeState::Configuring, Wait::Run),
            (NodeState::Verifying, Wait::Run),
            (NodeState::Joining, Wait::Cluster),
            (NodeState::Ready, Wait::Nothing),
            (NodeState::Lapsed, Wait::Cluster),
            (NodeState::Failed, Wait::Nothing),
            (NodeState::Suspect, Wait::Approval),
            (NodeState::Denied, Wait::Nothing),
            (NodeState::Retiring, Wait::Cluster),
            (NodeState::Retired, Wait::Nothing),
        ];
        assert_eq!(NodeState::ALL.map(|state| (state, state.waits_for())), table);
    }

    #[test]
    fn waits_and_firmware_keep_their_names() {
        let waits = [Wait::Approval, Wait::Machine, Wait::RunSlot, Wait::Run, Wait::Cluster, Wait::Nothing];
        assert_eq!(
            serde_json::to_string(&waits).unwrap(),
            r#"["approval","machine","run_slot","run","cluster","nothing"]"#
        );
        let firmware = [Firmware::Bios, Firmware::UefiX64, Firmware::UefiArm64, Firmware::HttpX64, Firmware::HttpArm64];
        assert_eq!(
            serde_json::to_string(&firmware).unwrap(),
            r#"["bios","uefi_x64","uefi_arm64","http_x64","http_arm64"]"#
        );
    }
}
