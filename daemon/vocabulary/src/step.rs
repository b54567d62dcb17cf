//! The stations of a machine's way, as its timeline records them.
//!
//! One closed enum rather than free text: the demo's table, the API and the tests measure between stations, and a
//! typo would make a hole in a timeline. Free text goes into `detail`, redacted by whoever writes it.

use serde::{Deserialize, Serialize};

use crate::{BootId, NodeId, Timestamp};

macro_rules! steps {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A station on a machine's way.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Step {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Step {
            /// Every station, in the order of an undisturbed boot; alarms and decisions stand at the end.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in JSON, SQL and on screens.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

steps! {
    /// The power was switched on by Roost.
    PowerOn = "power_on",
    /// First DISCOVER of a boot by the firmware.
    Discover = "dhcp_discover",
    /// An OFFER left.
    Offer = "dhcp_offer",
    /// A lease was synced and acknowledged.
    Ack = "dhcp_ack",
    /// The loader was sent over TFTP or HTTP.
    Loader = "loader_sent",
    /// iPXE asked for its script; a token was minted.
    Script = "script_sent",
    /// The kernel was sent.
    Kernel = "kernel_sent",
    /// The initrd was sent.
    Initrd = "initrd_sent",
    /// The initrd reported in.
    KernelUp = "kernel_up",
    /// The root image was fetched.
    ImageFetched = "image_fetched",
    /// Its digest was the one on the command line.
    ImageVerified = "image_verified",
    /// The root file system is mounted and init starts.
    RootUp = "root_up",
    /// The call-home was accepted.
    CalledHome = "called_home",
    /// Its Ansible run was queued.
    RunQueued = "run_queued",
    /// Its TPM proved over pinned SSH that it holds its endorsement key.
    TpmProven = "tpm_proven",
    /// Its Ansible run started.
    RunStarted = "run_started",
    /// The roles ran.
    RolesDone = "roles_done",
    /// What the roles promise was found over SSH.
    Verified = "verified",
    /// Consul's servers find it alive.
    ConsulJoined = "consul_joined",
    /// Nomad's servers have the client that the machine reported, ready and eligible.
    NomadJoined = "nomad_joined",
    /// The node is ready.
    Ready = "ready",
    /// It was ready, and the cluster's servers find it a member no longer; the detail says what it lacks.
    Lapsed = "lapsed",
    /// A person takes it out of the cluster.
    Retiring = "retiring",
    /// Its work is elsewhere, or stopped.
    Drained = "drained",
    /// Part of its work finds no other place; the detail says which and why.
    Homeless = "homeless",
    /// Nomad knows its client no more.
    NomadLeft = "nomad_left",
    /// Consul's gossip knows it no more.
    GossipLeft = "gossip_left",
    /// What opened doors to it was revoked; the detail names it.
    CredentialsRevoked = "credentials_revoked",
    /// The keys that gossip is encrypted with are others than those that it knew.
    GossipRotated = "gossip_rotated",
    /// It is out of the cluster.
    Retired = "retired",
    /// The certificates of its agents: renewed, or why not.
    Certificates = "certificates",
    /// It shows its MAC and waits for a person.
    Waiting = "waiting",
    /// A person or policy admitted it.
    Approved = "approved",
    /// A request was refused; the detail says why.
    Refused = "refused",
    /// A step failed; the detail says which and why.
    Failed = "failed",
    /// Something that a person must look at: another identity, a replayed token, a boot under a living node's MAC.
    Alarm = "alarm",
    /// The power was switched off by Roost.
    PowerOff = "power_off",
    /// The machine reported something itself.
    Note = "note",
}

impl Step {
    /// The station of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.name() == name)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// One line of a node's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Whose timeline.
    pub node: NodeId,
    /// In which boot attempt, once there is one.
    pub boot: Option<BootId>,
    /// When.
    pub at: Timestamp,
    /// Which station.
    pub step: Step,
    /// For people; never holds a token.
    pub detail: String,
    /// Milliseconds since the line before it in the same boot, where there is one.
    pub took_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_json_agree() {
        for step in Step::ALL.iter().copied() {
            assert_eq!(serde_json::to_value(step).unwrap(), step.name());
            assert_eq!(serde_json::from_value::<Step>(step.name().into()).unwrap(), step);
            assert_eq!(Step::named(step.name()), Some(step));
        }
        assert_eq!(Step::named("power-on"), None);
    }

    #[test]
    fn no_two_stations_share_a_name() {
        let names: BTreeSet<&str> = Step::ALL.iter().map(|step| step.name()).collect();
        assert_eq!(names.len(), Step::ALL.len());
    }

    #[test]
    fn what_scripts_on_a_machine_report_keeps_its_name() {
        for (step, name) in [
            (Step::KernelUp, "kernel_up"),
            (Step::ImageFetched, "image_fetched"),
            (Step::ImageVerified, "image_verified"),
            (Step::RootUp, "root_up"),
            (Step::Note, "note"),
            (Step::Failed, "failed"),
        ] {
            assert_eq!(step.name(), name);
        }
    }

    #[test]
    fn a_table_may_align_the_names() {
        assert_eq!(format!("{:>7}|{:<7}|{}", Step::Ready, Step::Note, Step::Ack), "  ready|note   |dhcp_ack");
    }
}
