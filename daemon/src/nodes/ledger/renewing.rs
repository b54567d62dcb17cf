//! Certificates on the ledger: which nodes are due, the runs that renew them, what is known afterwards.

use vocabulary::{Mac, NodeId, NodeState, Reason, Run, RunId, RunPurpose, RunState, Step, Timestamp};

use super::{Host, Ledger, Tracked, Writes, host};
use crate::nodes::renewal::{self, AT_ONCE, LOOKS_A_PLACE, Miss, Renewal, Tries};

/// Who asked for a run that nobody asked for.
const ASKED_BY: &str = "certificates";

impl Ledger {
    /// The nodes whose certificates are to be renewed now, those that end first before the others; none that a run of
    /// theirs will bring them to, and none that a failed try lets wait. As many as there is something to ask for: a few for
    /// each free place, since some may be away.
    #[must_use]
    pub fn due_for_renewal(&self, now: Timestamp) -> Vec<Host> {
        let mut due: Vec<&Tracked> = self.machines.values().filter(|one| self.is_due(now, one)).collect();
        due.sort_by_key(|one| (one.node.certificates, one.node.id.clone()));
        let free = AT_ONCE.saturating_sub(self.renewals_under_way());
        due.into_iter().filter_map(host).take(free * LOOKS_A_PLACE).collect()
    }

    fn renewals_under_way(&self) -> usize {
        let under_way = |run: &&Run| run.purpose == RunPurpose::Certificates && !run.state.ended();
        self.runs.values().filter(under_way).count()
    }

    fn is_due(&self, now: Timestamp, one: &Tracked) -> bool {
        let waits = self.tries.get(&one.node.mac).is_some_and(|tries| now < tries.next);
        let busy = self.runs.values().any(|run| run.node == one.node.id && !run.state.ended());
        let due = || renewal::due_at(now, &one.node.id, one.node.certificates, self.rules.certificate_lifetime);
        one.is_renewable() && !waits && !busy && now >= due()
    }

    /// It answers, so it gets a run, unless something else came between or enough of them are under way.
    pub fn renew(&mut self, now: Timestamp, asked: &Host, writes: &mut Writes) -> Option<RunId> {
        let mac = asked.node.mac();
        let one = self.machine(mac).filter(|one| self.is_due(now, one))?;
        if host(one).as_ref() != Some(asked) || self.renewals_under_way() >= AT_ONCE {
            return None;
        }
        self.turn(now, mac, writes, |tracked, counters, turn, _| {
            let (id, before) = (counters.next_run(), tracked.node.certificates);
            tracked.renewal = Some(Renewal { run: id, before });
            turn.run = Some(Run::queued(id, tracked.node.id.clone(), RunPurpose::Certificates, ASKED_BY, now));
            let why = match before {
                Some(ends) if ends <= now => format!("they ended at {ends}"),
                Some(ends) => format!("they end at {ends}"),
                None => "no run has found when they end".to_owned(),
            };
            turn.line(Step::Certificates, format!("run {id} renews them: {why}"));
            id
        })
    }

    /// A try came to nothing: when the next one is made, and why.
    pub fn not_renewed(&mut self, now: Timestamp, node: &NodeId, why: (Miss, Reason), writes: &mut Writes) {
        let (miss, reason) = why;
        let mac = node.mac();
        let (before, known) = self.tries.get(&mac).map_or((0, None), |tries| (tries.count, Some(&tries.reason)));
        let is_news = known != Some(&reason);
        let next =
            now.saturating_add(renewal::pause(node, miss, before, self.rules.certificate_lifetime)).unwrap_or(now);
        let told = reason.clone();
        self.turn(now, mac, writes, |tracked, _, turn, _| {
            if is_news {
                turn.line(Step::Certificates, format!("not renewed: {}", told.cause));
            }
            tracked.certificates_are_late(now, &told);
        });
        self.tries.insert(mac, Tries { count: before + 1, next, reason });
    }

    /// A run looked at the node's certificates: the first of them ends then.
    pub fn certificates_found(&mut self, now: Timestamp, run: &Run, ends: Timestamp, writes: &mut Writes) {
        let mac = run.node.mac();
        if self.machine(mac).is_some_and(|one| Some(ends) > one.node.certificates) {
            self.tries.remove(&mac);
        }
        self.turn(now, mac, writes, |tracked, _, _, _| tracked.node.certificates = Some(ends));
    }

    /// A renewal is over: of use if the certificates that were found after it end later than those before.
    pub(super) fn renewal_over(&mut self, now: Timestamp, run: &Run, writes: &mut Writes) {
        let mac = run.node.mac();
        let Some(renewal) = self.take_renewal(mac, run.id) else { return };
        let Some(tracked) = self.machine(mac).filter(|one| one.is_renewable()) else {
            self.tries.remove(&mac);
            return;
        };
        let node = tracked.node.clone();
        match node.certificates.filter(|ends| Some(*ends) > renewal.before) {
            Some(ends) => {
                self.tries.remove(&mac);
                self.turn(now, mac, writes, |tracked, _, turn, _| {
                    turn.line(Step::Certificates, format!("renewed by run {}: they end at {ends}", run.id));
                    if tracked.node.state == NodeState::Ready {
                        tracked.node.reason = None;
                    }
                });
            }
            None => {
                let cause = run.cause.clone().unwrap_or_else(|| "nothing later was found on the node".to_owned());
                let cause = format!("run {} {}: {cause}", run.id, run.state);
                let miss = if run.started.is_some() { Miss::Failed } else { Miss::Away };
                let reason = Reason { cause, remedy: format!("roost run logs {}", run.id) };
                self.not_renewed(now, &node.id, (miss, reason), writes);
            }
        }
    }

    /// The renewal of this run, which is one no longer.
    pub(super) fn take_renewal(&mut self, mac: Mac, run: RunId) -> Option<Renewal> {
        self.machines.get_mut(&mac)?.renewal.take_if(|renewal| renewal.run == run)
    }

    /// Its machine did not take it: the run ends, and another one is made when its time has come.
    pub(super) fn renewal_stuck(&mut self, now: Timestamp, mac: Mac, reason: &Reason, writes: &mut Writes) -> bool {
        let run = self.machine(mac).and_then(|one| self.run(one.renewal?.run));
        let Some(run) = run.filter(|run| run.state == RunState::Queued).cloned() else { return false };
        let over = Run { state: RunState::Cancelled, ended: Some(now), cause: Some(reason.cause.clone()), ..run };
        self.run_changed(now, &over, None, super::Verifying::NotYet, writes);
        true
    }
}

#[cfg(test)]
#[path = "renewing_tests.rs"]
mod tests;
