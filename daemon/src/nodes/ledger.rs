//! All machines at once: applies what was seen and asked to each, and says what must be written.
//!
//! Still pure: the actor in `nodes.rs` brings the clock, the randomness and the looks outside, commits the
//! [`Writes`] in one transaction and only then lets anyone know. The ledger is the in-memory twin of the tables
//! `nodes`, `boots` and the open `runs`; being the only writer, it never reads them back while it runs.

mod forgetting;
mod joining;
mod moving;
mod refused;
mod renewing;
mod running;
mod tokens;
mod window;

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
};

use serde_json::json;
use vocabulary::{
    BootId, EventKind, Firmware, HostKey, Mac, Node, NodeId, NodeState, Run, RunId, RunPurpose, SmbiosUuid, Step,
    StepRecord, Timestamp, TokenHash, redact_tokens,
};

pub use running::{News, Ready, Verifying};
use tokens::Tokens;

use super::endorsement::{self, Question};
use super::lifecycle::{Boot, Counters, Rules, Tracked, Turn};
use super::refusals::Refusals;
use super::renewal::{Renewal, Tries};
pub use super::writes::{Pardons, Report, Writes};
use crate::policy::{self, Window};

/// Something that DHCP, TFTP or HTTP saw of a machine.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whom, where the part knows.
    pub mac: Mac,
    /// The address it has or was given.
    pub address: Option<Ipv4Addr>,
    /// Which station.
    pub step: Step,
    /// For people.
    pub detail: String,
    /// Set on packets of boot firmware and of iPXE alone: an installed system's DHCP client is no boot.
    pub firmware: Option<Firmware>,
}

/// A machine that Ansible may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name in the inventory.
    pub node: NodeId,
    /// Where.
    pub address: Ipv4Addr,
    /// What must answer there.
    pub host_keys: Vec<HostKey>,
}

/// A machine whose run waits for its launch.
#[derive(Debug, Clone)]
pub struct Launchable {
    /// The queued run.
    pub run: Run,
    /// On which machine.
    pub host: Host,
    /// What its TPM is to be asked first.
    pub question: Question,
}

/// Every machine that Roost knows.
#[derive(Debug)]
pub struct Ledger {
    /// The operator's decisions.
    pub rules: Rules,
    machines: HashMap<Mac, Tracked>,
    /// Whose token this is, for the last tokens of this daemon's life and the last of each machine before it.
    tokens: Tokens,
    /// Runs that have not ended, and the last one of each node.
    runs: HashMap<RunId, Run>,
    /// The last report of each open run: a repeat after a crash is known by its place.
    reported: HashMap<RunId, u64>,
    /// Since when the launch of a late run fails, so that it is given up some time.
    failing: HashMap<RunId, Timestamp>,
    /// Stations already on the timelines of a machine's boots that go on: each is written once a boot.
    seen: HashMap<Mac, HashSet<(BootId, Step)>>,
    /// What was refused lately, so that repeats are counted and not written one by one.
    refusals: Refusals,
    /// Nodes whose certificates could not be renewed lately.
    tries: HashMap<Mac, Tries>,
    window: Option<Window>,
    /// Numbers of boots and runs.
    pub counters: Counters,
}

impl Ledger {
    /// What the store remembers, as the daemon found it at its start.
    #[must_use]
    pub fn new(
        rules: Rules,
        counters: Counters,
        mut machines: Vec<Tracked>,
        runs: Vec<Run>,
        window: Option<Window>,
    ) -> Self {
        let renews = |run: &&Run| run.purpose == RunPurpose::Certificates && !run.state.ended();
        for one in &mut machines {
            let before = one.node.certificates;
            let run = runs.iter().filter(renews).find(|run| run.node == one.node.id);
            one.renewal = run.map(|run| Renewal { run: run.id, before });
        }
        let mut tokens = Tokens::default();
        for (one, boot) in machines.iter().flat_map(|one| one.boots().map(move |boot| (one, boot))) {
            boot.token.into_iter().for_each(|token| tokens.own(token, one.node.mac, boot.expires));
        }
        Self {
            rules,
            machines: machines.into_iter().map(|one| (one.node.mac, one)).collect(),
            tokens,
            runs: runs.into_iter().map(|run| (run.id, run)).collect(),
            reported: HashMap::new(),
            failing: HashMap::new(),
            seen: HashMap::new(),
            refusals: Refusals::default(),
            tries: HashMap::new(),
            window,
            counters,
        }
    }

    /// One machine.
    #[must_use]
    pub fn machine(&self, mac: Mac) -> Option<&Tracked> {
        self.machines.get(&mac)
    }

    /// Every machine.
    pub fn machines(&self) -> impl Iterator<Item = &Tracked> {
        self.machines.values()
    }

    /// A run that is open or the last of its node.
    #[must_use]
    pub fn run(&self, run: RunId) -> Option<&Run> {
        self.runs.get(&run)
    }

    /// Whose token this is.
    #[must_use]
    pub fn owner(&self, token: TokenHash) -> Option<Mac> {
        self.tokens.owner(token)
    }

    /// Remembers whose token this is.
    pub fn own(&mut self, now: Timestamp, token: TokenHash, mac: Mac) {
        let expires = now.checked_add(self.rules.token_ttl).ok();
        self.tokens.own(token, mac, expires);
    }

    /// Changes one known machine and writes down what came of it.
    pub fn turn<R>(
        &mut self,
        now: Timestamp,
        mac: Mac,
        writes: &mut Writes,
        act: impl FnOnce(&mut Tracked, &mut Counters, &mut Turn, &Rules) -> R,
    ) -> Option<R> {
        let tracked = self.machines.get_mut(&mac)?;
        let before = tracked.clone();
        let mut turn = Turn::default();
        let result = act(tracked, &mut self.counters, &mut turn, &self.rules);
        if tracked.node != before.node || before.node.generation == 0 {
            tracked.node.generation = before.node.generation + 1;
        }
        let tracked = tracked.clone();
        if let Some(seen) = self.seen.get_mut(&mac) {
            seen.retain(|(boot, _)| tracked.boots().any(|one| one.id == *boot));
        }
        write_boots(&before, &tracked, writes);
        self.write_down(now, &before.node, &tracked, turn, writes);
        self.end_unwanted(now, before.node.run, &tracked, writes);
        self.end_unwanted(now, tracked.node.run, &tracked, writes);
        self.end_unwanted(now, tracked.renewal.map(|renewal| renewal.run), &tracked, writes);
        self.note_power(&before.power(), &tracked.power(), writes);
        self.note_making(before.making.as_ref(), tracked.making.as_ref(), writes);
        self.note_retiring(before.retiring.as_ref(), tracked.retiring.as_ref(), writes);
        if tracked.pardoned != before.pardoned {
            writes.pardoned = Some(self.pardons());
        }
        Some(result)
    }

    fn write_down(&mut self, now: Timestamp, before: &Node, tracked: &Tracked, mut turn: Turn, writes: &mut Writes) {
        let node = &tracked.node;
        self.refusals.leave_out_repeats(now, before, node, &mut turn);
        if node != before {
            writes.nodes.entry(node.id.clone()).or_insert_with(|| (before.generation, node.clone())).1 = node.clone();
        }
        if node.state != before.state {
            writes.events.push(report(EventKind::NodeState, node, None, json!(node)));
        }
        for (step, detail) in turn.lines {
            let boot = turn.boot.or_else(|| tracked.boot_at(step));
            let detail = redact_tokens(&detail);
            let line = StepRecord { node: node.id.clone(), boot, at: now, step, detail, took_ms: None };
            writes.events.push(report(EventKind::Timeline, node, None, json!(line)));
            writes.steps.push(line);
        }
        for alarm in turn.alarms {
            tracing::warn!(node = %node.id, cause = alarm.cause, remedy = alarm.remedy, "alarm");
            writes.events.push(report(EventKind::Alarm, node, None, json!(alarm)));
        }
        if let Some(run) = turn.run {
            self.write_run(node, run, writes);
        }
    }

    /// Takes note of what a part saw. Machines appear here, as far as the bound on strangers allows.
    pub fn saw(&mut self, now: Timestamp, seen: Seen, writes: &mut Writes) {
        if matches!(seen.step, Step::Script | Step::Waiting) {
            // The lifecycle itself answered; its own line says more.
            return;
        }
        let opens = seen.firmware.filter(|_| seen.step == Step::Discover);
        if opens.is_some() && !self.meet(now, seen.mac, writes) {
            return;
        }
        if let Some(firmware) = opens {
            self.discovered(now, seen.mac, firmware, writes);
            return;
        }
        let Some(tracked) = self.machines.get(&seen.mac) else { return };
        let of = tracked.boot_at(seen.step);
        let early = tracked.boots().find(|boot| Some(boot.id) == of && boot.accepted.is_none()).map(|boot| boot.id);
        let always = matches!(seen.step, Step::Refused | Step::Alarm);
        let worth = always || early.is_some_and(|boot| self.first_time(seen.mac, boot, seen.step));
        self.turn(now, seen.mac, writes, |tracked, _, turn, _| {
            // Of a machine that was proved, the address that its call-home gave stays: whoever else boots under its MAC,
            // perhaps on another subnet, must not move the place where it is looked for.
            if seen.step == Step::Ack && seen.address.is_some() && tracked.node.identity.is_none() {
                tracked.node.address = seen.address;
            }
            if worth {
                turn.line(seen.step, seen.detail);
            }
        });
    }

    /// Whether a station is new in this boot of the machine; it is known from now on.
    pub(super) fn first_time(&mut self, mac: Mac, boot: BootId, step: Step) -> bool {
        self.seen.entry(mac).or_default().insert((boot, step))
    }

    fn discovered(&mut self, now: Timestamp, mac: Mac, firmware: Firmware, writes: &mut Writes) {
        self.turn(now, mac, writes, |tracked, counters, turn, _| tracked.discovered(now, firmware, counters, turn));
        self.enrol(now, mac, writes);
    }

    /// Makes room for a machine never seen before; whether there is any.
    pub fn meet(&mut self, now: Timestamp, mac: Mac, writes: &mut Writes) -> bool {
        if self.machines.contains_key(&mac) {
            return true;
        }
        let strangers = self.machines.values().filter(|one| !one.node.approved).count();
        if strangers >= self.rules.max_strangers && !self.make_room(now, writes) {
            tracing::warn!(%mac, strangers, "not remembered: too many machines that nobody approved (limits.strangers)");
            return false;
        }
        self.machines.insert(mac, Tracked::new(now, mac));
        true
    }

    /// Lets policy decide on a machine that nobody decided on.
    pub fn enrol(&mut self, now: Timestamp, mac: Mac, writes: &mut Writes) {
        let Some(tracked) = self.machines.get(&mac) else { return };
        if tracked.node.approved || !matches!(tracked.node.state, NodeState::Discovered | NodeState::Waiting) {
            return;
        }
        let machine = (&tracked.node.id, tracked.node.created);
        let approved = match policy::admission(now, self.rules.enroll, self.window.as_ref(), machine) {
            Ok(approved) => approved,
            Err(error) => {
                tracing::error!(%error, "an admission has no JSON form");
                None
            }
        };
        let Some(approved) = approved else {
            self.turn(now, mac, writes, |tracked, _, turn, rules| tracked.enrol(now, rules.enroll, turn));
            return;
        };
        let by = authority_name(approved.authority());
        self.turn(now, mac, writes, |tracked, _, turn, _| tracked.admit(now, &by, turn));
        if matches!(approved.authority(), vocabulary::Authority::Person { .. }) {
            self.count_down(writes);
        }
    }

    /// What stands on the timeline of a boot in progress already.
    pub fn resume_stations(&mut self, mac: Mac, boot: BootId, stations: impl IntoIterator<Item = Step>) {
        self.seen.entry(mac).or_default().extend(stations.into_iter().map(|step| (boot, step)));
    }

    /// Looks at every machine's SLA, and at every token's time.
    pub fn tick(&mut self, now: Timestamp, writes: &mut Writes) {
        self.prune_tokens(now);
        self.tell_refusals(now, writes);
        let macs: Vec<Mac> = self.machines.keys().copied().collect();
        for mac in macs {
            self.turn(now, mac, writes, |tracked, _, turn, rules| tracked.overdue(now, rules, turn));
        }
    }

    /// Every suspect whose approval stands open, and since when.
    #[must_use]
    pub fn pardons(&self) -> Pardons {
        let open = |one: &Tracked| Some((one.node.id.clone(), one.pardoned?));
        self.machines.values().filter_map(open).collect()
    }

    /// The machines that hold the fleet key: admitted, with an address and a pinned identity.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        self.hosts_that(|_| true)
    }

    /// Those that belong into the inventory: of them, the ones whose identity is whole. One whose pinned key or TPM has yet
    /// to answer is nobody that a playbook should speak to.
    #[must_use]
    pub fn inventory(&self) -> Vec<Host> {
        let answered = |one: &Tracked| one.node.identity.as_ref().and_then(|known| known.answered);
        let whole = |one: &Tracked| answered(one).is_some() && !endorsement::is_open(one.node.identity.as_ref());
        // An address that was given to another machine since is the other's, and only one can have it.
        let mut last = HashMap::new();
        for one in self.machines.values().filter(|one| whole(one)) {
            let holder = last.entry(one.node.address).or_insert_with(|| answered(one));
            *holder = answered(one).max(*holder);
        }
        let newest = |one: &Tracked| last.get(&one.node.address) == Some(&answered(one));
        self.hosts_that(|one| whole(one) && newest(one))
    }

    fn hosts_that(&self, condition: impl Fn(&Tracked) -> bool) -> Vec<Host> {
        let kept_out = |one: &Tracked| one.node.state == NodeState::Suspect || one.pardoned.is_some();
        let belongs = |one: &&Tracked| one.node.approved && !kept_out(one) && condition(one);
        let mut hosts: Vec<Host> = self.machines.values().filter(belongs).filter_map(host).collect();
        hosts.sort_by(|a, b| a.node.cmp(&b.node));
        hosts
    }
}

/// The name of an authority, as a timeline shows it.
#[must_use]
pub fn authority_name(authority: &vocabulary::Authority) -> String {
    match authority {
        vocabulary::Authority::Person { name } => name.clone(),
        vocabulary::Authority::Policy { rule } => (*rule).to_owned(),
    }
}

/// The UUID and firmware that a script was asked with, and where the question came from.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Who asks.
    pub mac: Mac,
    /// With which UUID.
    pub uuid: Option<SmbiosUuid>,
    /// As which firmware.
    pub firmware: Option<Firmware>,
    /// From where; never an identity.
    pub peer: IpAddr,
}

/// Changed attempts, and those whose tokens count no longer: a row has a token exactly as long as the token counts.
fn write_boots(before: &Tracked, after: &Tracked, writes: &mut Writes) {
    let node = &after.node.id;
    for boot in after.boots().filter(|boot| before.boots().all(|old| old != *boot)) {
        writes.boots.insert(boot.id, (node.clone(), boot.clone()));
    }
    let gone = |old: &&Boot| old.token.is_some() && after.boots().all(|boot| boot.id != old.id);
    for old in before.boots().filter(gone) {
        writes.boots.insert(old.id, (node.clone(), Boot { token: None, ..old.clone() }));
    }
}

pub(super) fn host(tracked: &Tracked) -> Option<Host> {
    let host_keys = tracked.node.identity.as_ref()?.host_keys.clone();
    Some(Host { node: tracked.node.id.clone(), address: tracked.node.address?, host_keys })
}

fn report(kind: EventKind, node: &Node, run: Option<RunId>, data: serde_json::Value) -> Report {
    Report { kind, node: Some(node.id.clone()), run, data }
}
