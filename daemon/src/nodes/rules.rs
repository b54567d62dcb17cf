//! What the operator decided, in the words of the lifecycle: enrolment, lifetimes, the longest stay in each state.

use std::time::Duration;

use vocabulary::NodeState;

use super::lifecycle::Tracked;

/// What the operator decided, as far as the lifecycle needs it.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What happens to a machine never seen before.
    pub enroll: Enroll,
    /// How long a boot's token may wait for its call-home.
    pub token_ttl: Duration,
    /// Which machines' TPMs are asked.
    pub tpm: TpmRule,
    /// How long a node may stay in a state that waits for something other than a person.
    pub sla: Slas,
    /// Whether `ready` takes the cluster's word.
    pub membership: Membership,
    /// How long the certificates of a node's agents live.
    pub certificate_lifetime: Duration,
    /// How many runs one boot may get without a person, the first included.
    pub max_runs: u32,
    /// How many machines that nobody approved may be remembered; a flood of MACs stops here.
    pub max_strangers: usize,
}

/// `nodes.enroll`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enroll {
    /// Admit everyone; the configuration demands `trust_boot_network` with it.
    Auto,
    /// Wait for a person.
    Approve,
    /// Refuse.
    Deny,
}

/// `nodes.tpm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TpmRule {
    /// Every machine that has one proves it.
    Prove,
    /// Only those prove it whose identity rests on one already.
    Ignore,
}

/// Whether the cluster is asked before a node is `ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// There is no cluster: kept promises are enough.
    NotAsked,
    /// Consul's and Nomad's servers must have it as a member.
    Demanded,
}

/// The longest stay in each state that a machine or a run must leave by itself.
#[derive(Debug, Clone)]
pub struct Slas {
    /// From power-on by Roost to the first DISCOVER.
    pub power_on: Duration,
    /// From a person's approval of a suspect to its call-home; it is a suspect again then.
    pub readmitted: Duration,
    /// From the script to the call-home.
    pub booting: Duration,
    /// From the call-home to the start of the run.
    pub called_home: Duration,
    /// From the start of the run to the end of the roles.
    pub configuring: Duration,
    /// From the end of the roles to the end of the run.
    pub verifying: Duration,
    /// From the end of the run to the cluster's word.
    pub joining: Duration,
    /// How long a ready node may lack the cluster's word before it is ready no longer.
    pub absent: Duration,
    /// How long each stage of a node's retirement may take before a person is called; its work's deadline comes on top.
    pub retiring: Duration,
}

impl Tracked {
    /// How long it may stay in its state, what is missing then, and what a person does about it; nothing where no time is up.
    pub(super) fn limit(&self, rules: &Rules) -> Option<(Duration, &'static str, String)> {
        let id = &self.node.id;
        let run = self.node.run.map_or_else(String::new, |run| run.to_string());
        match self.node.state {
            NodeState::Approved if self.boot.as_ref().is_some_and(|boot| boot.token.is_none()) => Some((
                rules.sla.booting,
                "it asked for an address but not for its script",
                format!("look at its console and at roost node timeline {id}: does it load its loader?"),
            )),
            NodeState::Booting => Some((
                rules.sla.booting,
                "no call-home",
                format!("look at its console and at roost node timeline {id}, then roost node power {id} cycle"),
            )),
            NodeState::CalledHome => {
                Some((rules.sla.called_home, "its run did not start", "roost status; roost run list".to_owned()))
            }
            NodeState::Configuring => Some((
                rules.sla.configuring,
                "the roles did not end",
                format!("roost run logs {run}; then roost run retry {run}"),
            )),
            NodeState::Verifying => Some((
                rules.sla.verifying,
                "its promises were not verified",
                format!("roost run logs {run}; then roost run retry {run}"),
            )),
            NodeState::Joining => Some((
                rules.sla.joining,
                "Consul and Nomad did not agree that it is a member",
                format!("on the node: journalctl -u consul -u nomad; then roost run retry {run}"),
            )),
            _ => None,
        }
    }
}
