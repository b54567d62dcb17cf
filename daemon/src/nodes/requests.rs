//! What machines and people ask for, applied to the ledger: script, call-home, progress, approval, power, retry.
//!
//! Pure like the ledger: whoever asks has looked outside already (whether the node still answers on its pinned key,
//! whether there is an image, which address is leased) and brings what it found, and the random bytes of a token.

use std::net::{IpAddr, Ipv4Addr};

use ansible::callhome::Report;
use serde::Serialize;
use serde_json::json;
use vocabulary::{
    Approved, CallHome, EventKind, Identity, Mac, NodeId, NodeState, Reason, Run, RunId, RunPurpose, RunState, Step,
    Timestamp, Token,
};

use super::{
    admission::{self, Decision, Refusal},
    endorsement, keeping,
    ledger::{Asked, Ledger, Writes, authority_name},
    lifecycle::{Accepted, Repeat, Tracked},
};
use crate::policy::Window;

/// What was found out before a script is decided on.
#[derive(Debug)]
pub struct Outside {
    /// Random bytes for a token.
    pub random: [u8; 32],
    /// Whether a machine answers on the pinned host key of this MAC right now.
    pub living: Living,
    /// Whether there is an image to boot.
    pub image: Result<(), Reason>,
}

/// Whether the node that holds this MAC's pinned host key is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Living {
    /// It answered: whoever boots under its MAC is somebody else.
    Answers,
    /// Nobody is there, or somebody who is not it.
    Silent,
    /// Nobody was there at one look, and none has followed it yet: no more than a service that is being restarted.
    SilentOnce,
    /// This control node could not find out. Nothing that takes silence may go on.
    Unknown,
}

/// What to say where it is unknown whether a node lives.
#[must_use]
pub fn unknown_living() -> Reason {
    because(
        "the control node cannot find out whether the machine that owns this MAC is up",
        "switch that machine off if it is up; if it is off: the control node's log, its memory and its temporary files",
    )
}

/// The answer to a machine that asks for its script.
#[derive(Debug)]
pub enum Answer {
    /// Boot, with this token.
    Boot(Token),
    /// Wait and ask again.
    Wait(Reason),
    /// No, and why.
    Refuse(Reason),
}

/// Why a call-home or a progress report was turned down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnedDown {
    /// Without suspicion.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The node is parked and the alarm raised.
    #[error("{0}")]
    Parked(String),
    /// Nothing is known of where to reach it.
    #[error("it has no IPv4 address here")]
    NoAddress,
}

/// Which machines a person approves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// These.
    Nodes(Vec<NodeId>),
    /// The next `count` that appear until then.
    Next {
        /// How many.
        count: u32,
        /// Until when.
        until: Timestamp,
    },
}

/// Why a person's order was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No such node.
    #[error("no node {0} is known")]
    UnknownNode(NodeId),
    /// No such run, or a newer one took its place.
    #[error("run {0} is not known or not the last of its node")]
    UnknownRun(RunId),
    /// The node or run is in a state that does not allow it.
    #[error("{cause}")]
    Conflict {
        /// What is in the way.
        cause: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Ledger {
    /// A machine asks for its boot script.
    pub fn script(&mut self, now: Timestamp, asked: Asked, outside: Outside, writes: &mut Writes) -> Answer {
        if !self.meet(now, asked.mac, writes) {
            return Answer::Wait(because(
                "too many unknown machines wait here already",
                "approve those that are yours: roost node list --state waiting; or raise limits.strangers",
            ));
        }
        self.note_asker(now, asked, writes);
        self.enrol(now, asked.mac, writes);
        let Some(tracked) = self.machine(asked.mac) else {
            return Answer::Refuse(because("unknown machine", "start it again"));
        };
        match tracked.node.state {
            NodeState::Waiting | NodeState::Discovered => {
                return Answer::Wait(because("it waits for approval", format!("roost node approve {}", asked.mac)));
            }
            NodeState::Denied | NodeState::Suspect | NodeState::Retiring | NodeState::Retired => {
                return Answer::Refuse(refusal(tracked));
            }
            _ if !tracked.node.approved => return Answer::Refuse(refusal(tracked)),
            _ => {}
        }
        self.script_for_admitted(now, asked, outside, writes)
    }

    fn note_asker(&mut self, now: Timestamp, asked: Asked, writes: &mut Writes) {
        self.turn(now, asked.mac, writes, |tracked, _, _, _| {
            tracked.node.firmware = asked.firmware.or(tracked.node.firmware);
            if let (None, IpAddr::V4(address)) = (tracked.node.address, asked.peer) {
                tracked.node.address = Some(address);
            }
        });
    }

    fn script_for_admitted(&mut self, now: Timestamp, asked: Asked, outside: Outside, writes: &mut Writes) -> Answer {
        if outside.living == Living::Unknown {
            return Answer::Wait(unknown_living());
        }
        if outside.living == Living::SilentOnce {
            return Answer::Wait(because(
                "the machine that owns this MAC was up, and is looked for once more",
                "nothing, it asks again in a few seconds",
            ));
        }
        if outside.living == Living::Answers {
            let cause = "somebody boots under its MAC while it answers on its pinned host key";
            self.turn(now, asked.mac, writes, |_, _, turn, _| {
                turn.alarm(cause, "find the machine that uses this MAC; no token was minted");
            });
            return Answer::Refuse(because(
                "this MAC belongs to a machine that is up",
                "find the machine that uses this MAC",
            ));
        }
        if let Err(reason) = outside.image {
            let answer = reason.clone();
            self.turn(now, asked.mac, writes, |tracked, _, turn, _| {
                if tracked.node.state != NodeState::Failed {
                    tracked.fail(now, reason.cause, reason.remedy, turn);
                }
            });
            return Answer::Wait(answer);
        }
        let paced = self.turn(now, asked.mac, writes, |tracked, _, _, _| tracked.may_have_script(now));
        if paced == Some(false) {
            return Answer::Wait(because(
                "it called home and booted again more often than a machine can within a minute",
                format!(
                    "nothing, it asks again; what boots under its MAC: roost node timeline {}",
                    NodeId::of(asked.mac)
                ),
            ));
        }
        let token = Token::from_random(outside.random);
        let minted = (token.hash(), self.rules.token_ttl);
        self.turn(now, asked.mac, writes, |tracked, counters, turn, _| {
            tracked.script_sent(now, minted, asked.uuid, counters, turn);
        });
        self.own(now, token.hash(), asked.mac);
        Answer::Boot(token)
    }

    /// What a script request would get, without minting, writing or remembering anything.
    #[must_use]
    pub fn explain(&self, mac: Mac) -> (String, String) {
        let Some(tracked) = self.machine(mac) else {
            let what = match self.rules.enroll {
                super::lifecycle::Enroll::Auto => "boot",
                super::lifecycle::Enroll::Approve => "wait",
                super::lifecycle::Enroll::Deny => "refuse",
            };
            return (what.to_owned(), format!("never seen before, and nodes.enroll = {:?}", self.rules.enroll));
        };
        match tracked.node.state {
            NodeState::Waiting | NodeState::Discovered => {
                ("wait".into(), format!("waits for roost node approve {mac}"))
            }
            NodeState::Denied | NodeState::Suspect | NodeState::Retiring | NodeState::Retired => {
                ("refuse".into(), refusal(tracked).cause)
            }
            state => ("boot".into(), format!("admitted, now {state}; a token is minted only into a real script")),
        }
    }

    /// A booted machine calls home.
    ///
    /// # Errors
    /// The token or the claims do not hold; a suspicious one has parked the node.
    pub fn call_home(
        &mut self,
        now: Timestamp,
        call: &CallHome,
        source: IpAddr,
        leased: Option<Ipv4Addr>,
        writes: &mut Writes,
    ) -> Result<RunId, TurnedDown> {
        let token = call.token.hash();
        let mac = self.owner(token).ok_or(Refusal::UnknownToken)?;
        let tracked = self.machine(mac).ok_or(Refusal::UnknownToken)?;
        match keeping::of_another(self.machines(), mac, call, admission::decide(now, tracked, token, call)) {
            Decision::Repeat(run) => Ok(run),
            Decision::Refuse(refusal) => {
                let line = format!("call-home from {source}: {refusal}");
                self.turn(now, mac, writes, |_, _, turn, _| turn.line(Step::Refused, line));
                Err(refusal.into())
            }
            Decision::Park(cause) => {
                self.turn(now, mac, writes, |tracked, _, turn, _| {
                    keeping::quote(call, turn);
                    tracked.park(now, cause, turn);
                });
                Err(TurnedDown::Parked(cause.to_owned()))
            }
            Decision::Accept => self.accept(now, mac, call, Tracked::reachable_at(leased, source), writes),
        }
    }

    fn accept(
        &mut self,
        now: Timestamp,
        mac: Mac,
        call: &CallHome,
        address: Option<Ipv4Addr>,
        writes: &mut Writes,
    ) -> Result<RunId, TurnedDown> {
        let address = address.ok_or(TurnedDown::NoAddress)?;
        let token = call.token.hash();
        let repeat = self.next_attempt(mac, self.machine(mac).and_then(|one| one.boot_of(token)).map(|boot| boot.id));
        let run = self.turn(now, mac, writes, |tracked, counters, turn, _| {
            tracked.take_up(token);
            let before = tracked.node.identity.take();
            let known = before.as_ref().filter(|_| tracked.pardoned.is_none());
            let (tpm, kept) = (endorsement::carried(known), keeping::kept(now, known, call));
            tracked.known_anew(Identity { tpm, kept, ..admission::identity(call) });
            tracked.node.address = Some(address);
            turn.line(Step::CalledHome, format!("from {address}"));
            keeping::tell(&tracked.node.id, before.as_ref(), call, turn);
            let run = tracked.queue_run(now, "call-home", repeat, counters, turn);
            if let Some(boot) = &mut tracked.boot {
                boot.accepted = Some(Accepted { digest: admission::digest(call), run, at: now });
            }
            run
        });
        writes.claims.push((NodeId::of(mac), call.hostname.clone(), call.hardware.clone()));
        run.ok_or(TurnedDown::Refused(Refusal::UnknownToken))
    }

    /// A booting machine reports how far it is: a line on its timeline, once a boot, and nothing else. A report is sent
    /// again when its answer was lost; and what fails in a boot the machine mends by starting over, until its SLA is up.
    ///
    /// # Errors
    /// The token is not of a boot in progress.
    pub fn progress(&mut self, now: Timestamp, report: &Report, writes: &mut Writes) -> Result<(), TurnedDown> {
        let token = report.token.hash();
        let mac = self.owner(token).ok_or(Refusal::UnknownToken)?;
        let boot = self.machine(mac).and_then(|one| one.boot_of(token)).ok_or(Refusal::Superseded)?;
        if boot.expires.is_none_or(|expires| now > expires) {
            return Err(Refusal::Expired.into());
        }
        let boot = boot.id;
        if self.first_time(mac, boot, report.step) {
            self.turn(now, mac, writes, |_, _, turn, _| {
                turn.boot = Some(boot);
                turn.line(report.step, report.detail.clone());
            });
        }
        Ok(())
    }

    /// A person approves machines, or opens a window for those to come.
    ///
    /// # Errors
    /// One of the machines is unknown; none is approved then.
    pub fn approve(
        &mut self,
        now: Timestamp,
        approved: Approved<Approval>,
        writes: &mut Writes,
    ) -> Result<Vec<NodeId>, OrderError> {
        let by = authority_name(approved.authority());
        self.audit(
            &by,
            "approve",
            &json!({"order": approved.value(), "digest": hex::encode(approved.digest())}),
            writes,
        );
        match approved.into_value() {
            Approval::Next { count, until } => {
                self.set_window(Some(Window { left: count, opened: now, until, by }), writes);
                Ok(Vec::new())
            }
            Approval::Nodes(nodes) => {
                if let Some(unknown) = nodes.iter().find(|node| self.machine(node.mac()).is_none()) {
                    return Err(OrderError::UnknownNode(unknown.clone()));
                }
                nodes.iter().try_for_each(|node| self.not_while_it_retires(node))?;
                for node in &nodes {
                    self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.admit(now, &by, turn));
                }
                Ok(nodes)
            }
        }
    }

    /// A person keeps a machine out.
    ///
    /// # Errors
    /// The machine is unknown.
    pub fn deny(&mut self, now: Timestamp, approved: Approved<NodeId>, writes: &mut Writes) -> Result<(), OrderError> {
        let by = authority_name(approved.authority());
        let node = approved.into_value();
        self.not_while_it_retires(&node)?;
        self.audit(&by, "deny", &json!(node), writes);
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.deny(now, &by, turn))
            .ok_or(OrderError::UnknownNode(node))
    }

    /// A person asks for a run again.
    ///
    /// # Errors
    /// The run is not its node's last, has not ended, or the node cannot be configured now.
    pub fn retry(
        &mut self,
        now: Timestamp,
        approved: &Approved<RunId>,
        writes: &mut Writes,
    ) -> Result<RunId, OrderError> {
        let by = authority_name(approved.authority());
        let before = self.retryable(*approved.value())?;
        self.audit(&by, "retry", &json!({"run": before.id}), writes);
        let node = before.node.clone();
        let repeat = Repeat {
            of: Some(before.id),
            ..self.next_attempt(node.mac(), self.machine(node.mac()).and_then(|one| one.boot_at(Step::RunQueued)))
        };
        self.turn(now, node.mac(), writes, |tracked, counters, turn, _| {
            tracked.queue_run(now, &by, repeat, counters, turn)
        })
        .ok_or(OrderError::UnknownNode(node))
    }

    /// Queues a run of a node that is up, for what an order that was approved asks of it; the answer is its number.
    ///
    /// # Errors
    /// It is unknown, or cannot be configured now.
    pub fn configure_anew(
        &mut self,
        now: Timestamp,
        node: &NodeId,
        by: &str,
        writes: &mut Writes,
    ) -> Result<RunId, OrderError> {
        let unknown = || OrderError::UnknownNode(node.clone());
        let machine = self.machine(node.mac()).ok_or_else(unknown)?;
        let (last, boot) = (machine.node.run.ok_or_else(unknown)?, machine.boot_at(Step::RunQueued));
        self.retryable(last)?;
        let repeat = Repeat { of: Some(last), ..self.next_attempt(node.mac(), boot) };
        self.turn(now, node.mac(), writes, |tracked, counters, turn, _| {
            tracked.queue_run(now, by, repeat, counters, turn)
        })
        .ok_or_else(unknown)
    }

    /// The run, if it may be asked for again.
    ///
    /// # Errors
    /// As [`Ledger::retry`].
    pub fn retryable(&self, id: RunId) -> Result<Run, OrderError> {
        let run = self.run(id).ok_or(OrderError::UnknownRun(id))?;
        let node = &self.machine(run.node.mac()).ok_or(OrderError::UnknownRun(id))?.node;
        let conflict = |cause: String, remedy: String| Err(OrderError::Conflict { cause, remedy });
        if run.purpose == RunPurpose::Certificates {
            let cause = format!("run {id} renews certificates, and that is tried again by itself");
            return conflict(
                cause,
                "a whole run brings new ones too: roost node show says which is the last".to_owned(),
            );
        }
        if node.run != Some(id) {
            return Err(OrderError::UnknownRun(id));
        }
        if !run.state.ended() {
            return conflict(format!("run {id} is {}", run.state), format!("roost run cancel {id}"));
        }
        if !node.approved || matches!(node.state, NodeState::Suspect | NodeState::Booting | NodeState::Approved) {
            return conflict(format!("node {} is {}", node.id, node.state), format!("roost node show {}", node.id));
        }
        Ok(run.clone())
    }

    /// Ends a run that has no process yet, on a person's order; whether it was such a one.
    pub fn cancel_queued(&mut self, now: Timestamp, id: RunId, by: &str, writes: &mut Writes) -> bool {
        let Some(run) = self.run(id).filter(|run| run.state == RunState::Queued) else { return false };
        let cause = Some(format!("cancelled by {by} before it started"));
        let run = Run { state: RunState::Cancelled, ended: Some(now), cause, ..run.clone() };
        self.run_changed(now, &run, None, super::ledger::Verifying::NotYet, writes);
        true
    }

    /// Writes down who ordered what.
    pub fn audit(&mut self, by: &str, what: &str, subject: &serde_json::Value, writes: &mut Writes) {
        let data = json!({"by": by, "what": what, "subject": subject});
        writes.events.push(super::ledger::Report { kind: EventKind::Audit, node: None, run: None, data });
    }
}

fn because(cause: impl Into<String>, remedy: impl Into<String>) -> Reason {
    Reason { cause: cause.into(), remedy: remedy.into() }
}

fn refusal(tracked: &Tracked) -> Reason {
    let state = tracked.node.state;
    tracked.node.reason.clone().map_or_else(
        || because(state.name(), format!("roost node show {}", tracked.node.id)),
        |reason| because(format!("{state}: {}", reason.cause), reason.remedy),
    )
}

#[cfg(test)]
#[path = "requests_tests.rs"]
pub(crate) mod tests;
