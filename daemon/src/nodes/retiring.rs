//! Taking a node out of the cluster: the order, its stages, and what each leaves on the timeline. Pure.
//!
//! ```text
//!  orderly      drained -> nomad_left -> gossip_left -> credentials_revoked -> retired
//!  compromised  credentials_revoked -> drained (at once) -> nomad_left -> gossip_left -> gossip_rotated -> retired
//! ```
//!
//! An order ([`Retiring`]) is in the store, and the node out of the inventory and of admission, in the transaction that
//! accepts it; each stage that is done is another. A daemon that ends in between goes on with the stage that it finds
//! (`adapters::retirement`): whatever is done there finds done what an earlier daemon did. From the order on the machine is
//! let in by nobody: its boots are refused, its runs end, its client is closed whenever it registers. After the last stage
//! it is `retired`, and an approval is what it takes to begin anew.
//!
//! Gossip keys are told over the gossip, so a compromised node must have left it before: until then the order waits, says
//! so, and raises an alarm when its time is up. Rejected: an order that fails when its time is up, since nothing of what it
//! did should be undone, and what is left to do is the same.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use vocabulary::{Approved, NodeId, NodeState, Reason, Step, Timestamp};

use super::{
    ledger::{Host, Ledger, Writes, authority_name},
    lifecycle::{Rules, Tracked, Turn, passed, seconds},
    requests::OrderError,
};

/// Orders that are being carried out: as the store keeps them.
pub type Retirements = BTreeMap<NodeId, Retiring>;

/// What a person ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RetireOrder {
    /// Which node.
    pub node: NodeId,
    /// In which way.
    pub way: Way,
}

/// In which way a node goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Its work is moved away first, and what is left after so long is stopped; none waits for ever.
    Orderly {
        /// So long.
        deadline: Option<Duration>,
    },
    /// Somebody else may have what it has: what opens doors goes first, and nothing of its work is waited for.
    Compromised,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its tokens are revoked.
    Revoke,
    /// Its work is moved away, or stopped.
    Drain,
    /// Nomad forgets its clients.
    LeaveNomad,
    /// Its agents fall silent.
    LeaveGossip,
    /// The gossip keys are replaced.
    Rotate,
    /// Consul forgets it, and what came back meanwhile goes.
    Forget,
}

impl Way {
    /// Every stage, in order.
    #[must_use]
    pub const fn stages(self) -> &'static [Stage] {
        match self {
            Self::Orderly { .. } => {
                &[Stage::Drain, Stage::LeaveNomad, Stage::LeaveGossip, Stage::Revoke, Stage::Forget]
            }
            Self::Compromised => {
                &[Stage::Revoke, Stage::Drain, Stage::LeaveNomad, Stage::LeaveGossip, Stage::Rotate, Stage::Forget]
            }
        }
    }
}

impl Stage {
    /// The station that says that it is done.
    #[must_use]
    pub const fn step(self) -> Step {
        match self {
            Self::Revoke => Step::CredentialsRevoked,
            Self::Drain => Step::Drained,
            Self::LeaveNomad => Step::NomadLeft,
            Self::LeaveGossip => Step::GossipLeft,
            Self::Rotate => Step::GossipRotated,
            Self::Forget => Step::Retired,
        }
    }

    /// What is being done, as the node's reason says it.
    #[must_use]
    pub const fn under_way(self) -> &'static str {
        match self {
            Self::Revoke => "its tokens are being revoked",
            Self::Drain => "its work is being moved away",
            Self::LeaveNomad => "Nomad has yet to forget its client",
            Self::LeaveGossip => "its agents have yet to fall silent",
            Self::Rotate => "the gossip keys are being replaced",
            Self::Forget => "Consul has yet to forget it",
        }
    }
}

/// An order between its row and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retiring {
    /// In which way.
    pub way: Way,
    /// Who ordered it.
    pub by: String,
    /// When; names the order.
    pub ordered: Timestamp,
    /// What is to be done next.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
    /// Whether somebody was called because this stage takes too long.
    #[serde(default)]
    pub alarmed: bool,
}

impl Retiring {
    fn new(now: Timestamp, way: Way, by: &str) -> Self {
        let stage = way.stages().first().copied().unwrap_or(Stage::Forget);
        Self { way, by: by.to_owned(), ordered: now, stage, since: now, alarmed: false }
    }

    fn next(&self) -> Option<Stage> {
        let stages = self.way.stages();
        let place = stages.iter().position(|stage| *stage == self.stage)?;
        stages.get(place + 1).copied()
    }

    /// How long this stage may take before a person is called.
    fn limit(&self, rules: &Rules) -> Option<Duration> {
        match (self.stage, self.way) {
            (Stage::Drain, Way::Orderly { deadline }) => Some(deadline?.saturating_add(rules.sla.retiring)),
            _ => Some(rules.sla.retiring),
        }
    }
}

impl Tracked {
    /// Whether it is on its way out, or gone.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        matches!(self.node.state, NodeState::Retiring | NodeState::Retired)
    }

    fn retire_ordered(&mut self, now: Timestamp, way: Way, by: &str, turn: &mut Turn) {
        self.node.approved = false;
        self.pardoned = None;
        self.boot.take_if(|boot| boot.token.is_some());
        self.earlier = None;
        let retiring = Retiring::new(now, way, by);
        turn.line(Step::Retiring, format!("by {by}, {}", described(way)));
        if way == Way::Compromised {
            let remedy =
                format!("switch it off or pull its cable; how far it is: roost node timeline {}", self.node.id);
            turn.alarm(format!("{by} calls it compromised: it is taken out of the cluster"), remedy);
        }
        self.say_stage(now, &retiring);
        self.retiring = Some(retiring);
    }

    fn say_stage(&mut self, now: Timestamp, retiring: &Retiring) {
        let remedy = format!("nothing, it goes on by itself; how far it is: roost node timeline {}", self.node.id);
        self.enter_because(now, NodeState::Retiring, retiring.stage.under_way(), remedy);
    }

    fn stage_done(&mut self, now: Timestamp, stage: Stage, detail: &str, turn: &mut Turn) {
        let Some(retiring) = self.retiring.take_if(|retiring| retiring.stage == stage) else { return };
        let took = seconds(retiring.since, now);
        let Some(next) = retiring.next() else {
            self.node.nomad = None;
            turn.line(stage.step(), format!("{detail}; {} in all", seconds(retiring.ordered, now)));
            let cause = format!("retired by {}", retiring.by);
            let remedy = format!("if it may come again: roost node approve {}", self.node.mac);
            self.enter_because(now, NodeState::Retired, cause, remedy);
            return;
        };
        turn.line(stage.step(), format!("{detail}; {took}"));
        let retiring = Retiring { stage: next, since: now, alarmed: false, ..retiring };
        self.say_stage(now, &retiring);
        self.retiring = Some(retiring);
    }

    /// Whether a stage takes so long that a person is called; once a stage.
    pub(super) fn retires_late(&mut self, now: Timestamp, rules: &Rules, turn: &mut Turn) -> bool {
        let Some(retiring) = &mut self.retiring else { return false };
        let late = retiring.limit(rules).is_some_and(|limit| passed(retiring.since, now, limit));
        if !late || retiring.alarmed {
            return false;
        }
        retiring.alarmed = true;
        let Some(reason) = self.node.reason.clone() else { return false };
        turn.alarm(format!("it is not retired yet: {}", reason.cause), reason.remedy);
        true
    }
}

fn described(way: Way) -> String {
    match way {
        Way::Orderly { deadline: None } => "its work may move however long it takes".to_owned(),
        Way::Orderly { deadline: Some(deadline) } => {
            format!("its work has {} to move", humantime::format_duration(deadline))
        }
        Way::Compromised => "as compromised".to_owned(),
    }
}

impl Ledger {
    /// What retiring a node would bring about, in words.
    ///
    /// # Errors
    /// It is unknown, nobody ever let it in, or it is retired.
    pub fn retirable(&self, node: &NodeId, way: Way) -> Result<Vec<String>, OrderError> {
        let tracked = self.machine(node.mac()).ok_or_else(|| OrderError::UnknownNode(node.clone()))?;
        let refuse = |cause: String, remedy: String| Err(OrderError::Conflict { cause, remedy });
        self.not_while_it_retires(node)?;
        let state = tracked.node.state;
        match state {
            NodeState::Retired => refuse(format!("{node} is retired"), format!("roost node forget {node}")),
            NodeState::Discovered | NodeState::Waiting => {
                refuse(format!("{node} is {state}: it was never let in"), format!("roost node deny {node}"))
            }
            _ => {
                let first = format!("{state} -> retiring, {}; let in by no boot", described(way));
                let then = way.stages().iter().map(|stage| will(*stage).to_owned());
                Ok(std::iter::once(first).chain(then).collect())
            }
        }
    }

    /// A person takes a node out: the intent is in the store before anything is done about it.
    ///
    /// # Errors
    /// As [`Ledger::retirable`].
    pub fn retire(
        &mut self,
        now: Timestamp,
        order: Approved<RetireOrder>,
        writes: &mut Writes,
    ) -> Result<Vec<String>, OrderError> {
        let by = authority_name(order.authority());
        let effects = self.retirable(&order.value().node, order.value().way)?;
        let digest = hex::encode(order.digest());
        let RetireOrder { node, way } = order.into_value();
        self.audit(&by, "retire", &json!({"node": node, "way": way, "digest": digest}), writes);
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.retire_ordered(now, way, &by, turn));
        Ok(effects)
    }

    /// Every order that is being carried out.
    #[must_use]
    pub fn retirements(&self) -> Retirements {
        self.machines().filter_map(|one| Some((one.node.id.clone(), one.retiring.clone()?))).collect()
    }

    /// A stage is done; one that was done before changes nothing.
    pub fn stage_done(&mut self, now: Timestamp, node: &NodeId, stage: Stage, detail: &str, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.stage_done(now, stage, detail, turn));
    }

    /// A stage is not done yet, and why.
    pub fn stage_waits(&mut self, now: Timestamp, node: &NodeId, stage: Stage, reason: Reason, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |tracked, _, _, _| {
            if tracked.retiring.as_ref().is_some_and(|retiring| retiring.stage == stage) {
                tracked.node.reason = Some(reason);
            }
        });
    }

    /// Work of the node that finds no other place.
    pub fn homeless(&mut self, now: Timestamp, node: &NodeId, lines: Vec<String>, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |_, _, turn, _| {
            lines.into_iter().for_each(|line| turn.line(Step::Homeless, line));
        });
    }

    /// Where a node's agents may be told to stop.
    #[must_use]
    pub fn host_to_retire(&self, node: &NodeId) -> Option<Host> {
        self.machine(node.mac()).and_then(super::ledger::host)
    }

    /// The nodes that may hear the cluster's gossip.
    #[must_use]
    pub fn gossip_members(&self) -> HashSet<NodeId> {
        let nodes = self.machines().map(|one| &one.node);
        nodes.filter(|node| node.approved && node.state != NodeState::Suspect).map(|node| node.id.clone()).collect()
    }

    /// Nobody decides otherwise while a node is on its way out: half of what it had is gone.
    pub(super) fn not_while_it_retires(&self, node: &NodeId) -> Result<(), OrderError> {
        let Some(retiring) = self.machine(node.mac()).and_then(|one| one.retiring.as_ref()) else { return Ok(()) };
        Err(OrderError::Conflict {
            cause: format!("{node} is being retired by {}", retiring.by),
            remedy: format!("wait for its end: roost node timeline {node}"),
        })
    }

    /// Writes down what became of orders, where a turn changed it.
    pub(super) fn note_retiring(&self, before: Option<&Retiring>, after: Option<&Retiring>, writes: &mut Writes) {
        if before != after {
            writes.retirements = Some(self.retirements());
        }
    }
}

const fn will(stage: Stage) -> &'static str {
    match stage {
        Stage::Revoke => "its Consul tokens and its policy are deleted",
        Stage::Drain => "its Nomad client gets no new work and is drained",
        Stage::LeaveNomad => "its Nomad client is purged",
        Stage::LeaveGossip => "its agents fall silent: they are stopped over SSH, or it is switched off",
        Stage::Rotate => "the gossip keys of Consul and Nomad are replaced on every other member",
        Stage::Forget => "Consul forgets it; it is retired",
    }
}

#[cfg(test)]
#[path = "retiring_tests.rs"]
mod tests;
