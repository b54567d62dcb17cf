//! What a node's TPM means for it: when it is asked, what a finding changes. Pure, like the lifecycle around it.
//!
//! The first key that a machine proves becomes part of its identity. Each call-home pins new host keys; a known TPM is
//! carried over to them as not yet proven, and until it has answered over those very keys no run starts and the node is in
//! no inventory. Certainty that it is another TPM, or none, parks the node like any other change of identity; doubt
//! leaves it waiting with its reason, and the SLA of `called_home` with a few last tries ends that. Nothing falls back to
//! the MAC alone.
//!
//! Proven belongs to the pinned identity, not to the boot's number: anybody can send a DISCOVER that opens a new boot.

use vocabulary::{EndorsementKey, Identity, Step, Timestamp, TpmIdentity};

use super::{
    ledger::{Launchable, Ledger, Writes},
    lifecycle::{TpmRule, Tracked, Turn},
};
use crate::tpm::Finding;

/// What a machine's TPM is to be asked before its run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Nothing: it has answered, or is not asked.
    Settled,
    /// Whether there is one, and which.
    AnyKey,
    /// To prove this very key.
    TheKey(EndorsementKey),
}

/// Whether a run may go on to Ansible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clearance {
    /// It may.
    Go,
    /// It may not: the node is parked, or has moved on since it was asked.
    Stop,
}

/// What is to be asked.
#[must_use]
pub fn question(identity: Option<&Identity>, rule: TpmRule) -> Question {
    match identity.and_then(|identity| identity.tpm) {
        Some(TpmIdentity { proven: Some(_), .. }) => Question::Settled,
        Some(TpmIdentity { key, proven: None }) => Question::TheKey(key),
        None if rule == TpmRule::Ignore => Question::Settled,
        None => Question::AnyKey,
    }
}

/// Whether a TPM that this identity rests on has yet to answer.
#[must_use]
pub fn is_open(identity: Option<&Identity>) -> bool {
    identity.and_then(|identity| identity.tpm).is_some_and(|tpm| tpm.proven.is_none())
}

/// What a machine's next identity takes over from the one before it: the key, to be proven anew.
#[must_use]
pub fn carried(before: Option<&Identity>) -> Option<TpmIdentity> {
    before.and_then(|identity| identity.tpm).map(|tpm| TpmIdentity { proven: None, ..tpm })
}

impl Ledger {
    /// A machine's TPM was asked: whether its run may start. An answer to an older question changes nothing.
    pub fn tpm_found(
        &mut self,
        now: Timestamp,
        asked: &Launchable,
        finding: &Finding,
        writes: &mut Writes,
    ) -> Clearance {
        let mac = asked.host.node.mac();
        if !self.is_current(asked) {
            return Clearance::Stop;
        }
        let clearance = self.turn(now, mac, writes, |tracked, _, turn, _| tracked.tpm_found(now, finding, turn));
        clearance.unwrap_or(Clearance::Stop)
    }
}

impl Tracked {
    fn tpm_found(&mut self, now: Timestamp, finding: &Finding, turn: &mut Turn) -> Clearance {
        let known = self.node.identity.as_ref().and_then(|identity| identity.tpm).map(|tpm| tpm.key);
        match (known, finding) {
            (None, Finding::Absent) => Clearance::Go,
            (Some(known), Finding::Proven(key)) if known != *key => {
                self.park(now, &format!("it proved another TPM: {key} instead of {known}"), turn);
                Clearance::Stop
            }
            (_, Finding::Proven(key)) => {
                let before = if known.is_some() { "as before" } else { "for the first time: demanded from now on" };
                turn.line(Step::TpmProven, format!("endorsement key {key}, {before}"));
                if let Some(identity) = &mut self.node.identity {
                    identity.tpm = Some(TpmIdentity { key: *key, proven: Some(now) });
                }
                Clearance::Go
            }
            (Some(known), Finding::Absent) => {
                self.park(now, &format!("it has no TPM, and its identity rests on {known}"), turn);
                Clearance::Stop
            }
            (_, Finding::Disproved(cause)) => {
                self.park(now, cause, turn);
                Clearance::Stop
            }
        }
    }
}

#[cfg(test)]
#[path = "endorsement_tests.rs"]
mod tests;
