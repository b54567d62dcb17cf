//! Runs on the ledger: which may start, which are over, what their nodes make of it.
//!
//! A queued run is a promise to a machine that called home. [`Tracked::may_start`] says whether it still holds, and the
//! ledger asks it at the end of every turn: a run whose node was parked, denied, or failed before it answered ends in the
//! same transaction, however far it was handed on. It is asked once more when the run's process stands ready. So there is
//! no run that waits for nothing, and none that starts on a node which nobody would let in. Rejected: ending runs where a
//! node is parked, since the next way to be parked would forget it.
//!
//! A late run is spared once its machine answered, since most of these wait for a free place. One that was handed over
//! for that is tried no more; one whose tries fail has [`LAST_TRIES`] from the first of them, and ends with its reason.
//! That is counted in memory: a new daemon, whose own network may still be coming up, gives every late run that time.

use std::collections::HashSet;

use jiff::SignedDuration;
use serde_json::json;
use vocabulary::{
    BootId, EventKind, HostKey, Mac, Node, NodeState, ProcessId, Reason, Run, RunId, RunState, Step, Timestamp,
};

use super::{Host, Launchable, Ledger, Report, Tracked, Writes, host, report};
use crate::nodes::{
    endorsement::{self, Question},
    lifecycle::{Promises, Repeat},
};

/// How long the launch of a late run is tried again after it failed.
const LAST_TRIES: SignedDuration = SignedDuration::from_mins(5);

/// Whether something was known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is new.
    New,
    /// It was known: a repeat after a crash.
    Known,
}

/// Whether a report is the first of the role that verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verifying {
    /// It is.
    Began,
    /// It is not.
    NotYet,
}

impl Tracked {
    /// Whether its queued run may still begin. That of a node which failed may, if the machine answered: lateness alone is
    /// no reason to give it up, and [`Ledger::stuck`] ends it where it cannot be launched.
    fn may_start(&self, run: RunId) -> bool {
        if self.renews_by(run) {
            return self.is_renewable();
        }
        let waits = match self.node.state {
            NodeState::CalledHome => true,
            NodeState::Failed => self.node.identity.as_ref().is_some_and(|known| known.answered.is_some()),
            _ => false,
        };
        waits && self.may_run(run)
    }

    /// Whether a run that has begun may go on.
    fn may_run(&self, run: RunId) -> bool {
        if self.renews_by(run) {
            return self.may_go_on_renewing();
        }
        let kept_out = matches!(self.node.state, NodeState::Suspect | NodeState::Denied) || self.pardoned.is_some();
        self.node.approved && !kept_out && self.node.run == Some(run) && self.node.identity.is_some()
    }

    fn renews_by(&self, run: RunId) -> bool {
        self.renewal.is_some_and(|renewal| renewal.run == run)
    }
}

/// A run whose process stands ready.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Which.
    pub run: RunId,
    /// The host keys that it was launched for.
    pub host_keys: Vec<HostKey>,
    /// Its process, which waits for a word.
    pub process: ProcessId,
    /// Since when.
    pub at: Timestamp,
}

impl Ledger {
    /// Puts a run's process on record, if the run is still what its node waits for; it may go then.
    pub fn begins(&mut self, now: Timestamp, ready: Ready, writes: &mut Writes) -> bool {
        let Some(run) = self.run(ready.run).filter(|run| !run.state.ended()).cloned() else { return false };
        let fits = |one: &Tracked| {
            let same_keys = one.node.identity.as_ref().is_some_and(|known| known.host_keys == ready.host_keys);
            same_keys && if run.state == RunState::Queued { one.may_start(run.id) } else { one.may_run(run.id) }
        };
        if !self.machine(run.node.mac()).is_some_and(fits) {
            let run = Run { state: RunState::Cancelled, ended: Some(now), cause: self.unwanted(&run), ..run };
            self.run_changed(now, &run, None, Verifying::NotYet, writes);
            return false;
        }
        let run = Run { state: RunState::Running, process: Some(ready.process), started: Some(ready.at), ..run };
        self.run_changed(now, &run, None, Verifying::NotYet, writes);
        true
    }

    /// Ends a run that waits for nothing any more.
    pub(super) fn end_unwanted(&mut self, now: Timestamp, run: Option<RunId>, tracked: &Tracked, writes: &mut Writes) {
        let queued = run.and_then(|id| self.runs.get(&id)).filter(|run| run.state == RunState::Queued);
        let Some(run) = queued.filter(|run| !tracked.may_start(run.id)).cloned() else { return };
        let cause = self.unwanted(&run);
        self.cancel(now, Run { cause, ..run }, &tracked.node, writes);
    }

    fn cancel(&mut self, now: Timestamp, run: Run, node: &Node, writes: &mut Writes) {
        let run = Run { state: RunState::Cancelled, ended: Some(now), ..run };
        writes.events.push(report(EventKind::Run, node, Some(run.id), json!(run)));
        self.take_renewal(node.mac, run.id);
        self.runs.insert(run.id, run.clone());
        writes.runs.insert(run.id, run);
    }

    /// Why a run's node may not have it, where that is so.
    #[must_use]
    pub fn unwanted(&self, run: &Run) -> Option<String> {
        let Some(tracked) = self.machine(run.node.mac()) else { return Some("its node was forgotten".to_owned()) };
        let node = &tracked.node;
        if tracked.may_run(run.id) && (run.state != RunState::Queued || tracked.may_start(run.id)) {
            return None;
        }
        let why = node.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", reason.cause));
        Some(format!("its node is {}{why}", node.state))
    }

    /// What the runner is to give up: runs whose nodes may not have them, and of those handed over the ones that are over.
    #[must_use]
    pub fn withdrawn(&self, handed: &HashSet<RunId>) -> Vec<RunId> {
        let over = |id: &&RunId| self.runs.get(id).is_none_or(|run| run.state.ended());
        let running = self.runs.values().filter(|run| run.state == RunState::Running);
        let unwanted = running.filter(|run| self.unwanted(run).is_some()).map(|run| run.id);
        handed.iter().filter(over).copied().chain(unwanted).collect()
    }

    /// Whether this run is still the one that its node waits for, with the host keys that it was looked at with.
    #[must_use]
    pub fn is_current(&self, asked: &Launchable) -> bool {
        self.machine(asked.host.node.mac()).is_some_and(|one| {
            let same_keys = one.node.identity.as_ref().is_some_and(|known| known.host_keys == asked.host.host_keys);
            same_keys && one.may_start(asked.run.id)
        })
    }

    /// The pinned host key answered at the node's address: from now on a playbook may speak to it there.
    pub fn answered(&mut self, now: Timestamp, asked: &Launchable, writes: &mut Writes) -> endorsement::Clearance {
        if !self.is_current(asked) {
            return endorsement::Clearance::Stop;
        }
        self.turn(now, asked.host.node.mac(), writes, |tracked, _, _, _| {
            if let Some(identity) = &mut tracked.node.identity {
                identity.answered.get_or_insert(now);
            }
        });
        endorsement::Clearance::Go
    }

    pub(super) fn write_run(&mut self, node: &Node, run: Run, writes: &mut Writes) {
        self.end_superseded(node, &run, writes);
        writes.events.push(report(EventKind::Run, node, Some(run.id), json!(run)));
        let is_last = |other: &Run| node.run == Some(other.id);
        self.runs.retain(|_, other| !other.state.ended() || other.node != run.node || is_last(other));
        self.runs.insert(run.id, run.clone());
        writes.runs.insert(run.id, run);
    }

    /// A run that still waits for a machine which asks for a new one has nothing left to wait for.
    fn end_superseded(&mut self, node: &Node, new: &Run, writes: &mut Writes) {
        let waits = |run: &&mut Run| run.node == node.id && run.id != new.id && run.state == RunState::Queued;
        for old in self.runs.values_mut().filter(waits) {
            old.state = RunState::Cancelled;
            old.ended = Some(new.created);
            old.cause = Some(format!("the machine asked again: run {} took its place", new.id));
            writes.events.push(report(EventKind::Run, node, Some(old.id), json!(old)));
            writes.runs.insert(old.id, old.clone());
            if let Some(one) = self.machines.get_mut(&node.mac) {
                one.renewal.take_if(|renewal| renewal.run == old.id);
            }
        }
    }

    /// The place that the node's next run has in this boot.
    #[must_use]
    pub fn next_attempt(&self, mac: Mac, boot: Option<BootId>) -> Repeat {
        let Some(node) = self.machines.get(&mac).map(|one| &one.node) else { return Repeat::default() };
        Repeat::after(boot, node.run.and_then(|run| self.runs.get(&run)))
    }

    /// Ends runs that have a process on record but no host to speak of any more: parked and approved anew since.
    pub fn end_orphans(&mut self, now: Timestamp, writes: &mut Writes) {
        let running = self.runs.values().filter(|run| run.state == RunState::Running);
        let orphans: Vec<Run> = running.filter(|run| self.host_of(run).is_none()).cloned().collect();
        for run in orphans {
            let cause = Some("its node was parked and admitted anew while it ran".to_owned());
            let run = Run { state: RunState::Lost, ended: Some(now), cause, ..run };
            self.run_changed(now, &run, None, Verifying::NotYet, writes);
        }
    }

    /// Its run has a process, is at a task, or is over: the run's row and the node's state change together.
    pub fn run_changed(
        &mut self,
        now: Timestamp,
        run: &Run,
        promises: Option<&Promises>,
        verifying: Verifying,
        writes: &mut Writes,
    ) {
        let mac = run.node.mac();
        self.runs.insert(run.id, run.clone());
        if let Some(tracked) = self.machines.get(&mac) {
            writes.events.push(report(EventKind::Run, &tracked.node, Some(run.id), json!(run)));
        }
        writes.runs.insert(run.id, run.clone());
        self.turn(now, mac, writes, |tracked, counters, turn, rules| {
            if run.process.is_some() && !run.state.ended() {
                tracked.run_started(now, run.id, turn);
            }
            if verifying == Verifying::Began {
                tracked.verification_began(now, run.id, turn);
            }
            if run.state.ended() {
                let nothing = Promises::Broken("nothing was verified".to_owned());
                tracked.run_ended(now, rules, run, promises.unwrap_or(&nothing), counters, turn);
            }
        });
        if run.state.ended() {
            self.renewal_over(now, run, writes);
        }
    }

    /// A task of a run reported; whether that is news.
    pub fn reported(&mut self, run: RunId, place: u64, report: serde_json::Value, writes: &mut Writes) -> News {
        let last = self.reported.entry(run).or_default();
        if place <= *last {
            return News::Known;
        }
        *last = place;
        writes.tasks.push((run, place, report.clone()));
        let node = self.runs.get(&run).map(|run| run.node.clone());
        writes.events.push(Report { kind: EventKind::RunTask, node, run: Some(run), data: report });
        News::New
    }

    /// How far the reports of an open run had come when the daemon ended.
    pub fn resume_reports(&mut self, run: RunId, last: u64) {
        self.reported.insert(run, last);
    }

    /// The runs that have a process, and their hosts.
    #[must_use]
    pub fn running(&self) -> Vec<Launchable> {
        let running = self.runs.values().filter(|run| run.state == RunState::Running);
        let launched =
            |run: &Run| Some(Launchable { run: run.clone(), host: self.host_of(run)?, question: Question::Settled });
        running.filter_map(launched).collect()
    }

    /// The runs that are queued and whose machine may be reached.
    #[must_use]
    pub fn launchables(&self) -> Vec<Launchable> {
        let mut ready: Vec<Launchable> = self
            .machines
            .values()
            .filter_map(|one| {
                let waits = |run: &&Run| run.state == RunState::Queued && one.may_start(run.id);
                let renewal = one.renewal.map(|renewal| renewal.run);
                let run = one.node.run.into_iter().chain(renewal).filter_map(|id| self.runs.get(&id)).find(waits)?;
                let question = endorsement::question(one.node.identity.as_ref(), self.rules.tpm);
                Some(Launchable { run: run.clone(), host: host(one)?, question })
            })
            .collect();
        ready.sort_by_key(|one| one.run.id);
        ready
    }

    /// The host of a run, wherever its node is.
    #[must_use]
    pub fn host_of(&self, run: &Run) -> Option<Host> {
        self.machines.get(&run.node.mac()).and_then(host)
    }

    /// A try to launch a node's run failed: the node says why, and a run that is late already ends after its last tries.
    pub fn stuck(&mut self, now: Timestamp, mac: Mac, reason: Reason, writes: &mut Writes) {
        if self.renewal_stuck(now, mac, &reason, writes) {
            return;
        }
        let waits = |one: &&Tracked| one.node.run.is_some_and(|run| one.may_start(run));
        let Some(node) = self.machine(mac).filter(waits).map(|one| one.node.clone()) else { return };
        let queued = node.run.and_then(|run| self.runs.get(&run)).filter(|run| run.state == RunState::Queued);
        let Some(run) = queued.cloned() else { return };
        let cause = format!("its node is failed, and the last tries did too: {}", reason.cause);
        self.turn(now, mac, writes, |tracked, _, turn, _| {
            if tracked.node.reason.as_ref() != Some(&reason) {
                turn.line(Step::Note, reason.cause.clone());
                tracked.node.reason = Some(reason);
            }
        });
        if node.state == NodeState::Failed && self.tries_are_over(now, run.id) {
            self.cancel(now, Run { cause: Some(cause), ..run }, &node, writes);
        }
    }

    fn tries_are_over(&mut self, now: Timestamp, run: RunId) -> bool {
        let runs = &self.runs;
        self.failing.retain(|run, _| runs.get(run).is_some_and(|run| run.state == RunState::Queued));
        let since = *self.failing.entry(run).or_insert(now);
        now.duration_since(since) >= LAST_TRIES
    }
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
