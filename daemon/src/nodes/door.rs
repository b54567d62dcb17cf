//! Who is let in: enrolment, a person's yes and no, and the parking of a machine that is not what it was.
//!
//! The approval of a suspect is a door that closes by itself. It stands open from the approval until the machine calls home,
//! with whatever identity, or until its time is up; then the machine is a suspect again. What was known of it stays known
//! while the door is open, so a machine that still answers on its pinned key is not replaced behind its back, but nothing
//! rests on it: the node is in no inventory and gets no run. Rejected: forgetting the identity at the approval, after which
//! any machine that played this MAC, at any later time, was the node.

use vocabulary::{Identity, NodeState, Step, Timestamp};

use super::lifecycle::{Enroll, Rules, Tracked, Turn, passed};

impl Tracked {
    /// Decides on a machine that nobody decided on yet.
    pub fn enrol(&mut self, now: Timestamp, enroll: Enroll, turn: &mut Turn) {
        if self.node.state != NodeState::Discovered {
            return;
        }
        match enroll {
            Enroll::Auto => self.admit(now, "nodes.enroll = \"auto\"", turn),
            Enroll::Deny => {
                self.enter_because(
                    now,
                    NodeState::Denied,
                    "nodes.enroll = \"deny\" and nobody approved it",
                    self.approve_hint(),
                );
                turn.line(Step::Refused, "not enrolled: nodes.enroll = \"deny\"");
            }
            Enroll::Approve => {
                self.enter_because(now, NodeState::Waiting, "never seen before", self.approve_hint());
                turn.line(Step::Waiting, "shows its MAC and waits for approval");
            }
        }
    }

    fn approve_hint(&self) -> String {
        format!("roost node approve {}", self.node.mac)
    }

    /// A person or policy admits it. A suspect may call home with another identity then, for as long as the rules give it;
    /// the one that is known stays until that has happened, and the token that was used is worth nothing.
    pub fn admit(&mut self, now: Timestamp, by: &str, turn: &mut Turn) {
        self.node.approved = true;
        turn.line(Step::Approved, format!("by {by}"));
        if self.node.state == NodeState::Suspect {
            self.pardon(now, by);
        } else if self.waits_at_the_door() {
            self.enter(now, NodeState::Approved);
        }
    }

    fn pardon(&mut self, now: Timestamp, by: &str) {
        self.pardoned = Some(now);
        self.boot.take_if(|boot| boot.accepted.is_some());
        self.earlier.take_if(|boot| boot.accepted.is_some());
        let remedy = format!("boot it again: roost node power {} cycle", self.node.id);
        let cause = format!("approved by {by} as a suspect: whoever boots under its MAC now is believed");
        self.enter_because(now, NodeState::Approved, cause, remedy);
    }

    /// The machine is known by what it called home with, whoever it was before.
    pub fn known_anew(&mut self, identity: Identity) {
        self.pardoned = None;
        self.node.identity = Some(identity);
    }

    /// Whether an approval of a suspect has stood open for too long; it is one again then.
    pub(super) fn pardon_lapsed(&mut self, now: Timestamp, rules: &Rules, turn: &mut Turn) -> bool {
        if self.pardoned.take_if(|since| passed(*since, now, rules.sla.readmitted)).is_none() {
            return false;
        }
        let cause = format!("approved as a suspect, but it did not call home within {:?}", rules.sla.readmitted);
        let remedy = format!("look at its console, then roost node approve {} and boot it", self.node.mac);
        turn.line(Step::Note, cause.clone());
        self.enter_because(now, NodeState::Suspect, cause, remedy);
        true
    }

    /// Whether an approval would change its state.
    #[must_use]
    pub const fn waits_at_the_door(&self) -> bool {
        matches!(
            self.node.state,
            NodeState::Discovered
                | NodeState::Waiting
                | NodeState::Denied
                | NodeState::Suspect
                | NodeState::Failed
                | NodeState::Retired
        )
    }

    /// A person says no.
    pub fn deny(&mut self, now: Timestamp, by: &str, turn: &mut Turn) {
        self.node.approved = false;
        self.pardoned = None;
        self.enter_because(now, NodeState::Denied, format!("denied by {by}"), self.approve_hint());
        turn.line(Step::Refused, format!("denied by {by}"));
    }

    /// Parks the machine until a person decides.
    pub fn park(&mut self, now: Timestamp, cause: &str, turn: &mut Turn) {
        if self.is_leaving() {
            let remedy = format!("it is {} and stays so; look who plays it", self.node.state);
            return turn.alarm(cause, remedy);
        }
        self.pardoned = None;
        let remedy = format!(
            "if the machine was changed on purpose: roost node approve {}; if not, somebody on the boot network plays it",
            self.node.mac
        );
        self.enter_because(now, NodeState::Suspect, cause, remedy.clone());
        turn.alarm(cause, remedy);
    }
}

#[cfg(test)]
#[path = "door_tests.rs"]
mod tests;
