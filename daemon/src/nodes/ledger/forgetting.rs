//! Machines that are no longer remembered: by a person's order, for want of room, because they are old.
//!
//! A machine that is forgotten is a stranger when it comes again, so only what is no part of the fleet goes: machines
//! that nobody approved, that failed, or that are away. A parked one stays until a person has decided on it: with it
//! would go the identity that another machine was caught without.
//!
//! The oldest strangers make room for new ones, but none before it had its time to be noticed: otherwise whoever makes
//! up addresses would drive the real ones out as fast as they appear.

use std::time::Duration;

use serde_json::json;
use vocabulary::{Approved, EventKind, NodeId, NodeState, Reason, Step, StepRecord, Timestamp};

use super::{Ledger, Report, Tracked, Writes, authority_name};
use crate::nodes::{
    lifecycle::Enroll,
    requests::{Living, OrderError, unknown_living},
};

/// How long a stranger stays in any case.
const NOTICE: Duration = Duration::from_secs(600);
impl Ledger {
    /// What would go with a machine, in words.
    ///
    /// # Errors
    /// It is unknown, or it is still needed.
    pub fn forgettable(&self, node: &NodeId, living: Living) -> Result<String, OrderError> {
        let tracked = self.machine(node.mac()).ok_or_else(|| OrderError::UnknownNode(node.clone()))?;
        let refuse = |cause: String, remedy: String| Err(OrderError::Conflict { cause, remedy });
        if let Some(run) = self.runs.values().find(|run| run.node == *node && !run.state.ended()) {
            return refuse(
                format!("run {} of {node} is {}", run.id, run.state),
                format!("roost run cancel {}", run.id),
            );
        }
        self.not_while_it_retires(node)?;
        match tracked.node.state {
            NodeState::Suspect => refuse(
                format!("{node} is parked, and what it was caught with would be forgotten"),
                format!("decide first: roost node deny {node}, or roost node approve {node}"),
            ),
            NodeState::Booting => refuse(
                format!("{node} is on its way"),
                format!("wait for its end: roost node timeline {node}; or roost node deny {node}"),
            ),
            state if tracked.node.approved && state != NodeState::Failed && living == Living::Answers => refuse(
                format!("{node} is {state} and answers on its pinned host key"),
                format!("switch it off, or keep it out: roost node deny {node}"),
            ),
            state
                if tracked.node.approved
                    && state != NodeState::Failed
                    && matches!(living, Living::Unknown | Living::SilentOnce) =>
            {
                let Reason { cause, remedy } = unknown_living();
                refuse(format!("{node} is {state}, and {cause}"), remedy)
            }
            state => {
                Ok(format!("{state} -> forgotten, with its boots, timeline and runs; a stranger if it comes again"))
            }
        }
    }

    /// A person has a machine forgotten.
    ///
    /// # Errors
    /// As [`Ledger::forgettable`].
    pub fn forget(
        &mut self,
        now: Timestamp,
        order: Approved<NodeId>,
        living: Living,
        writes: &mut Writes,
    ) -> Result<String, OrderError> {
        let by = authority_name(order.authority());
        let node = order.into_value();
        let effect = self.forgettable(&node, living)?;
        self.audit(&by, "forget", &json!(node), writes);
        self.drop_machine(now, &node, &format!("forgotten by {by}"), writes);
        Ok(effect)
    }

    /// Forgets the stranger that has waited longest, if one had its time; whether there is room now.
    pub(super) fn make_room(&mut self, now: Timestamp, writes: &mut Writes) -> bool {
        let noticed = |one: &&Tracked| one.node.created.checked_add(NOTICE).is_ok_and(|until| until <= now);
        let undecided = |one: &&Tracked| match one.node.state {
            NodeState::Discovered | NodeState::Waiting => true,
            // Denied by the rule that would deny it again, not by a person.
            NodeState::Denied => self.rules.enroll == Enroll::Deny && one.node.identity.is_none(),
            _ => false,
        };
        let strangers = self.machines.values().filter(|one| !one.node.approved);
        let oldest = strangers.filter(undecided).filter(noticed).min_by_key(|one| (one.node.created, one.node.mac));
        let Some(node) = oldest.map(|one| one.node.id.clone()) else { return false };
        let why = "forgotten: nobody approved it, and another stranger needs the room (limits.strangers)";
        self.drop_machine(now, &node, why, writes);
        true
    }

    /// Takes the machine out of memory and out of what this turn writes about it: its rows go, and only the log of
    /// events says that it was there.
    fn drop_machine(&mut self, now: Timestamp, node: &NodeId, detail: &str, writes: &mut Writes) {
        let mac = node.mac();
        let Some(gone) = self.machines.remove(&mac) else { return };
        self.tokens.forget(mac);
        self.seen.remove(&mac);
        let runs: Vec<_> = self.runs.values().filter(|run| run.node == *node).map(|run| run.id).collect();
        for run in &runs {
            self.runs.remove(run);
            self.reported.remove(run);
        }
        writes.nodes.remove(node);
        writes.boots.retain(|_, (owner, _)| owner != node);
        writes.runs.retain(|_, run| run.node != *node);
        writes.tasks.retain(|(run, ..)| !runs.contains(run));
        writes.steps.retain(|line| line.node != *node);
        writes.claims.retain(|(owner, ..)| owner != node);
        writes.forgotten.push(node.clone());
        self.note_power(&gone.power(), &Default::default(), writes);
        self.note_making(gone.making.as_ref(), None, writes);
        self.note_retiring(gone.retiring.as_ref(), None, writes);
        if gone.pardoned.is_some() {
            writes.pardoned = Some(self.pardons());
        }
        let detail = detail.to_owned();
        let line =
            StepRecord { node: node.clone(), boot: gone.node.boot, at: now, step: Step::Note, detail, took_ms: None };
        let data = json!(line);
        writes.events.push(Report { kind: EventKind::Timeline, node: Some(node.clone()), run: None, data });
    }
}

#[cfg(test)]
#[path = "forgetting_tests.rs"]
mod tests;
