//! The pure part of the node lifecycle: what a machine's next state is, and why.
//!
//! `Tracked` (what is known of one machine) and an input go in; the changed `Tracked`, timeline lines, alarms and
//! at most one new run come out in a [`Turn`]. No clock, no socket, no store: the actor in `nodes.rs` brings `now`
//! and carries the turn out in one transaction. The diagram of states stands with [`NodeState`] in `vocabulary`.
//!
//! Rejected: a table of (state, event) pairs. Most inputs mean the same in most states (a machine may be switched
//! off and on at any point), so the exceptions are clearer than the product.

use std::{net::Ipv4Addr, time::Duration};

use vocabulary::{
    BootId, Mac, Node, NodeId, NodeState, NomadId, Reason, Run, RunId, RunPurpose, RunState, Step, Timestamp,
};

pub use super::boots::{Accepted, Boot};
pub use super::rules::{Enroll, Membership, Rules, Slas, TpmRule};
use super::{
    disks::Making,
    joining,
    pace::Pace,
    power::{Awaited, Switching},
    renewal::Renewal,
    retiring::Retiring,
};

/// Which run a new one repeats, and its place among the runs of its boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeat {
    /// The run before it, where it repeats one.
    pub of: Option<RunId>,
    /// Counted from 0 within one boot: with the boot, the key under which a run is queued once.
    pub attempt: u32,
}

impl Repeat {
    /// The next place in this boot, after the node's last run.
    #[must_use]
    pub fn after(boot: Option<BootId>, last: Option<&Run>) -> Self {
        let attempt = last.filter(|run| run.boot == boot).map_or(0, |run| run.attempt + 1);
        Self { of: None, attempt }
    }
}

/// Everything the lifecycle knows of one machine.
#[derive(Debug, Clone)]
pub struct Tracked {
    /// As listed.
    pub node: Node,
    /// Its last boot attempt.
    pub boot: Option<Boot>,
    /// The attempt before it, for as long as the last one has no token: a DISCOVER is a packet that anybody can send,
    /// so only a new token makes an old one worthless.
    pub earlier: Option<Boot>,
    /// Roost switched it on and it has not been seen since.
    pub powered: Option<Awaited>,
    /// Roost is switching it.
    pub switching: Option<Switching>,
    /// One of its disks is being made its data disk.
    pub making: Option<Making>,
    /// Since when a person's approval of this suspect stands open for another identity.
    pub pardoned: Option<Timestamp>,
    /// Its agents' certificates are being renewed.
    pub renewal: Option<Renewal>,
    /// How many boots it opened lately.
    pub pace: Pace,
    /// Since when the cluster's servers find this ready node a member no longer. Of no use after a restart.
    pub lacks_since: Option<Timestamp>,
    /// It is being taken out of the cluster.
    pub retiring: Option<Retiring>,
}

/// What one input brought about; carried out in one transaction.
#[derive(Debug, Default)]
pub struct Turn {
    /// Lines for the timeline, in order.
    pub lines: Vec<(Step, String)>,
    /// What anybody can repeat as often as they like: told once, then counted (`refusals`).
    pub repeats: Vec<(Step, String)>,
    /// Things that a person must look at.
    pub alarms: Vec<Reason>,
    /// A run to be queued in the same transaction.
    pub run: Option<Run>,
    /// Whose boot the lines are of, where their stations do not say so.
    pub boot: Option<BootId>,
}

impl Turn {
    /// Adds a line to the timeline.
    pub fn line(&mut self, step: Step, detail: impl Into<String>) {
        self.lines.push((step, detail.into()));
    }

    /// Raises an alarm, which is a line too.
    pub fn alarm(&mut self, cause: impl Into<String>, remedy: impl Into<String>) {
        let reason = Reason { cause: cause.into(), remedy: remedy.into() };
        self.lines.push((Step::Alarm, reason.cause.clone()));
        self.alarms.push(reason);
    }
}

/// Numbers that only the lifecycle hands out, being the only one who opens boots and runs.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    /// The next boot's number.
    pub boot: u64,
    /// The next run's number.
    pub run: u64,
}

impl Counters {
    pub(super) fn next_boot(&mut self) -> BootId {
        self.boot += 1;
        BootId(self.boot - 1)
    }

    pub(super) fn next_run(&mut self) -> RunId {
        self.run += 1;
        RunId(self.run - 1)
    }
}

impl Tracked {
    /// A machine that was never seen before.
    #[must_use]
    pub fn new(now: Timestamp, mac: Mac) -> Self {
        let state = NodeState::Discovered;
        let node = Node {
            id: NodeId::of(mac),
            mac,
            state,
            since: now,
            reason: None,
            waits_for: state.waits_for(),
            approved: false,
            identity: None,
            address: None,
            firmware: None,
            boot: None,
            run: None,
            nomad: None,
            certificates: None,
            created: now,
            generation: 0,
        };
        Self::kept(node, None, None, now)
    }

    /// A machine as the store remembers it; `now` is when this daemon began to listen.
    #[must_use]
    pub fn kept(node: Node, boot: Option<Boot>, ordered: Option<Timestamp>, now: Timestamp) -> Self {
        let powered = ordered.map(|ordered| Awaited { ordered, listening: now });
        let pace = Pace::default();
        let (earlier, switching, making, pardoned) = (None, None, None, None);
        let (lacks_since, retiring, renewal) = (None, None, None);
        Self { node, boot, earlier, powered, switching, making, pardoned, renewal, pace, lacks_since, retiring }
    }

    /// Puts the node into a state with nothing to explain.
    pub fn enter(&mut self, now: Timestamp, state: NodeState) {
        self.place(now, state, None);
    }

    /// Puts the node into a state that needs a word.
    pub fn enter_because(
        &mut self,
        now: Timestamp,
        state: NodeState,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.place(now, state, Some(Reason { cause: cause.into(), remedy: remedy.into() }));
    }

    fn place(&mut self, now: Timestamp, state: NodeState, reason: Option<Reason>) {
        if self.node.state != state {
            self.node.since = now;
            self.lacks_since = None;
        }
        self.node.state = state;
        self.node.waits_for = state.waits_for();
        self.node.reason = reason;
    }

    /// Queues a run, the first of this boot or a repeat.
    pub fn queue_run(
        &mut self,
        now: Timestamp,
        asked_by: &str,
        repeat: Repeat,
        counters: &mut Counters,
        turn: &mut Turn,
    ) -> RunId {
        let id = counters.next_run();
        let (boot, retry_of, attempt) = (self.boot_at(Step::RunQueued), repeat.of, repeat.attempt);
        let run = Run::queued(id, self.node.id.clone(), RunPurpose::Configure, asked_by, now);
        turn.run = Some(Run { boot, retry_of, attempt, ..run });
        self.node.run = Some(id);
        self.enter(now, NodeState::CalledHome);
        turn.line(Step::RunQueued, format!("run {id}, asked for by {asked_by}"));
        id
    }

    /// Its run has a process.
    pub fn run_started(&mut self, now: Timestamp, run: RunId, turn: &mut Turn) {
        if self.node.run == Some(run) && matches!(self.node.state, NodeState::CalledHome | NodeState::Failed) {
            self.enter(now, NodeState::Configuring);
            turn.line(Step::RunStarted, format!("run {run}"));
        }
    }

    /// The last role began: it looks whether the others' promises hold.
    pub fn verification_began(&mut self, now: Timestamp, run: RunId, turn: &mut Turn) {
        if self.node.run == Some(run) && self.node.state == NodeState::Configuring {
            self.enter(now, NodeState::Verifying);
            turn.line(Step::RolesDone, format!("run {run}"));
        }
    }

    /// Its run is over. A run that the daemon lost is repeated, as often as the rules allow; nothing else is.
    pub fn run_ended(
        &mut self,
        now: Timestamp,
        rules: &Rules,
        run: &Run,
        promises: &Promises,
        counters: &mut Counters,
        turn: &mut Turn,
    ) {
        let current = self.node.run == Some(run.id);
        // A run that was late and then succeeded heals the failure that its lateness was.
        let late = self.node.state == NodeState::Failed && run.state == RunState::Succeeded;
        let was_ready = matches!(self.node.state, NodeState::Ready | NodeState::Lapsed);
        let working = late || (self.is_up() && !was_ready);
        if !current || !working {
            return;
        }
        self.node.nomad = None;
        match (run.state, promises) {
            (RunState::Succeeded, Promises::Kept { count, nomad }) => {
                turn.line(Step::Verified, format!("{count} promises kept"));
                self.node.nomad.clone_from(nomad);
                self.verified(now, rules, run.id, turn);
            }
            (RunState::Succeeded, Promises::Broken(which)) => {
                self.fail(
                    now,
                    format!("run {} ended well, but {which}", run.id),
                    format!("roost run logs {}", run.id),
                    turn,
                );
            }
            (RunState::Lost, _) if run.attempt + 1 < rules.max_runs => {
                turn.line(Step::Note, format!("run {} was lost with the daemon and is repeated", run.id));
                let repeat = Repeat { of: Some(run.id), ..Repeat::after(self.boot_at(Step::RunQueued), Some(run)) };
                self.queue_run(now, "restart", repeat, counters, turn);
            }
            (state, _) => {
                let cause = run.cause.as_deref().unwrap_or("no cause was recorded");
                let remedy = format!("roost run logs {0}; then roost run retry {0}", run.id);
                self.fail(now, format!("run {} {state}: {cause}", run.id), remedy, turn);
            }
        }
    }

    /// Its promises are kept: it is ready, unless the cluster has a word in that.
    fn verified(&mut self, now: Timestamp, rules: &Rules, run: RunId, turn: &mut Turn) {
        match (rules.membership, &self.node.nomad) {
            (Membership::NotAsked, _) => {
                turn.line(Step::Ready, format!("run {run}"));
                self.enter(now, NodeState::Ready);
            }
            (Membership::Demanded, Some(_)) => {
                let reason = joining::reason("its servers were not asked yet");
                self.enter_because(now, NodeState::Joining, reason.cause, reason.remedy);
            }
            (Membership::Demanded, None) => {
                let cause = format!("run {run} ended well, but found no Nomad client on the node");
                let remedy = "does the playbook have the roles consul, nomad and bootstrap_agent? roost run logs";
                self.fail(now, cause, format!("{remedy} {run}"), turn);
            }
        }
    }

    /// A step failed; what was reached before it stays on the timeline.
    pub fn fail(&mut self, now: Timestamp, cause: impl Into<String>, remedy: impl Into<String>, turn: &mut Turn) {
        let cause = cause.into();
        turn.line(Step::Failed, cause.clone());
        self.enter_because(now, NodeState::Failed, cause, remedy);
    }

    /// Looks whether the node stayed longer than its SLA; returns whether anything changed.
    pub fn overdue(&mut self, now: Timestamp, rules: &Rules, turn: &mut Turn) -> Overdue {
        if self.ignored_power(now, rules, turn)
            || self.pardon_lapsed(now, rules, turn)
            || self.retires_late(now, rules, turn)
        {
            return Overdue::Yes;
        }
        let Some((sla, what, remedy)) = self.limit(rules) else { return Overdue::No };
        let opened = self.boot.as_ref().map_or(self.node.since, |boot| boot.opened);
        let since = if self.node.state == NodeState::Approved { opened.max(self.node.since) } else { self.node.since };
        if !passed(since, now, sla) {
            return Overdue::No;
        }
        let last = self.node.reason.as_ref().filter(|_| self.node.state == NodeState::Joining);
        let last = last.map_or_else(String::new, |reason| format!(" ({})", reason.cause));
        self.fail(now, format!("{what} within {sla:?}{last}"), remedy, turn);
        Overdue::Yes
    }

    /// Whether a power order can be expected to bring a DISCOVER: a machine that is up takes no notice of `on`.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(
            self.node.state,
            NodeState::CalledHome
                | NodeState::Configuring
                | NodeState::Verifying
                | NodeState::Joining
                | NodeState::Ready
                | NodeState::Lapsed
        )
    }

    /// Where Ansible reaches it: the leased address first, the call-home's source where another server leases.
    #[must_use]
    pub fn reachable_at(leased: Option<Ipv4Addr>, source: std::net::IpAddr) -> Option<Ipv4Addr> {
        match (leased, source) {
            (Some(address), _) => Some(address),
            (None, std::net::IpAddr::V4(address)) => Some(address),
            (None, std::net::IpAddr::V6(_)) => None,
        }
    }
}

/// Whether a look at the clock changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// The node failed its SLA.
    Yes,
    /// Nothing changed.
    No,
}

/// What the last role found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promises {
    /// All of them.
    Kept {
        /// How many.
        count: usize,
        /// The Nomad client that was found on the node, where one was promised.
        nomad: Option<NomadId>,
    },
    /// In words: `nothing was verified` or the first that was broken.
    Broken(String),
}

pub(super) fn passed(since: Timestamp, now: Timestamp, limit: Duration) -> bool {
    since.checked_add(limit).is_ok_and(|due| now > due)
}

pub(super) fn seconds(since: Timestamp, now: Timestamp) -> String {
    format!("{:.1} s", now.duration_since(since).as_secs_f64())
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
