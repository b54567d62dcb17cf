//! When the certificates of a node's agents are renewed, and when a try that failed is made again: pure.
//!
//! A renewal is a run of its own purpose that leaves its node as it is: a node that is ready stays ready meanwhile, also
//! where the run fails, since two thirds of the certificates' life are left for further tries. What is known of a node's
//! certificates is what its last run found on it, not what was minted for it: a run may end between the two.
//!
//! ```text
//!  |---------- a third ----------|~ spread ~|------------------------ two more thirds ------------------------|
//!  made                          due: a run, then another whenever one failed, also long after they ended     ended
//! ```
//!
//! Nodes that were made ready together are not due together: each has a delay of its own, derived from its name, so that
//! a daemon which starts anew remembers nothing of it. Rejected: renewing by the state machine's ordinary run (a failure
//! would close a node that works), a renewal asked for by the node (it would need a token that outlives its boot).

use std::time::Duration;

use jobs::pki::renew_at;
use sha2::{Digest as _, Sha256};
use vocabulary::{NodeId, NodeState, Reason, RunId, Timestamp};

use super::lifecycle::Tracked;

/// Runs that renew certificates at the same time: others wait for free places of the runner too.
pub const AT_ONCE: usize = 2;
/// Machines that are asked whether they answer, for each place that is free.
pub const LOOKS_A_PLACE: usize = 4;
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// A renewal under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewal {
    /// Its run.
    pub run: RunId,
    /// The end that was known when it was queued: it was of use if a later one is known at its end.
    pub before: Option<Timestamp>,
}

/// How a try came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// Nobody was there: the machine, or the cluster's servers.
    Away,
    /// A run did not bring new ones.
    Failed,
}

impl Miss {
    /// Between two tries, at most: a machine that comes back is not left alone for long, and a run that fails is a row and
    /// a log each time.
    const fn longest_pause(self) -> Duration {
        match self {
            Self::Away => Duration::from_secs(300),
            Self::Failed => Duration::from_secs(3600),
        }
    }
}

/// What is remembered of tries that failed, in memory: a daemon that starts anew tries at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tries {
    /// How many, one after the other.
    pub count: u32,
    /// When the next one is made.
    pub next: Timestamp,
    /// Why the last one failed, so that the same is said once.
    pub reason: Reason,
}

/// When certificates that end then are due; at once where nothing is known, or where they live longer than they would
/// now, as after the lifetime was shortened.
#[must_use]
pub fn due_at(now: Timestamp, node: &NodeId, ends: Option<Timestamp>, lifetime: Duration) -> Timestamp {
    let longest = now.saturating_add(lifetime + lifetime / 3).unwrap_or(now);
    match ends.filter(|ends| *ends <= longest) {
        None => now,
        Some(ends) => {
            let due = renew_at(ends, lifetime);
            due.saturating_add(spread(node, lifetime / 30)).unwrap_or(due)
        }
    }
}

/// How long to wait after so many tries that failed.
#[must_use]
pub fn pause(node: &NodeId, miss: Miss, count: u32, lifetime: Duration) -> Duration {
    let longest = miss.longest_pause().min(lifetime / 10).max(SHORTEST_PAUSE);
    let pause = longest.min(SHORTEST_PAUSE * 2_u32.saturating_pow(count.min(16)));
    pause + spread(node, pause / 4)
}

/// A node's own part of a span.
fn spread(node: &NodeId, span: Duration) -> Duration {
    let [first, second, ..] = Sha256::digest(node.to_string())[..] else { return Duration::ZERO };
    span * u32::from(u16::from_be_bytes([first, second])) / u32::from(u16::MAX)
}

impl Tracked {
    /// Whether its agents may be given certificates: it was let in, is the machine that it was, and runs agents that a run
    /// found. One that is on its way through a run gets them by that.
    #[must_use]
    pub fn is_renewable(&self) -> bool {
        let state = self.node.state;
        let state = matches!(state, NodeState::Ready | NodeState::Lapsed | NodeState::Joining | NodeState::Failed);
        state && self.may_have_certificates()
    }

    /// Whether a renewal that has begun may go on: a run that a person asked for meanwhile waits for its end.
    #[must_use]
    pub fn may_go_on_renewing(&self) -> bool {
        (self.is_renewable() || self.node.state == NodeState::CalledHome) && self.may_have_certificates()
    }

    fn may_have_certificates(&self) -> bool {
        let runs_agents = self.node.nomad.is_some() || self.node.certificates.is_some();
        self.node.approved && self.pardoned.is_none() && self.node.identity.is_some() && runs_agents
    }

    /// Says on a node that is ready why its certificates are not renewed; another state has words of its own.
    pub fn certificates_are_late(&mut self, now: Timestamp, reason: &Reason) {
        if self.node.state != NodeState::Ready {
            return;
        }
        let ends = self.node.certificates;
        let what = match ends {
            Some(ends) if ends <= now => format!("ended at {ends}, its agents are shut out"),
            Some(ends) => format!("end at {ends}"),
            None => "end at a time that no run has found yet".to_owned(),
        };
        let cause = format!("its certificates {what}, and are not renewed: {}", reason.cause);
        self.node.reason = Some(Reason { cause, remedy: format!("it is tried again by itself; {}", reason.remedy) });
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::Mac;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const LIFETIME: Duration = Duration::from_secs(30 * 86_400);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn node(last: u8) -> NodeId {
        NodeId::of(Mac([2, 0, 0, 0, 0, last]))
    }

    #[test]
    fn a_node_is_due_after_a_third_and_no_two_at_the_same_moment() {
        let made = at(0);
        let ends = made.saturating_add(LIFETIME).ok();
        let mut dues: Vec<Timestamp> = (0..40).map(|last| due_at(made, &node(last), ends, LIFETIME)).collect();
        let (first, last) = (made.saturating_add(10 * DAY).unwrap(), made.saturating_add(11 * DAY).unwrap());
        assert!(dues.iter().all(|due| (first..=last).contains(due)), "{dues:?}");
        assert_eq!(dues[3], due_at(at(99), &node(3), ends, LIFETIME), "the same for every daemon");
        dues.sort();
        dues.dedup();
        assert!(dues.len() > 35, "{}", dues.len());
    }

    #[test]
    fn who_lives_too_long_or_is_not_known_is_due_at_once() {
        assert_eq!(due_at(at(0), &node(1), None, LIFETIME), at(0));
        let long = at(0).saturating_add(2 * LIFETIME).ok();
        assert_eq!(due_at(at(0), &node(1), long, LIFETIME), at(0));
        let ended = at(0).saturating_sub(3 * LIFETIME).ok();
        assert!(due_at(at(0), &node(1), ended, LIFETIME) < at(0));
    }

    #[test]
    fn tries_are_made_more_and_more_rarely_but_for_ever() {
        for miss in [Miss::Away, Miss::Failed] {
            let pauses: Vec<Duration> = [0, 1, 5, 9, 99].map(|count| pause(&node(1), miss, count, LIFETIME)).to_vec();
            let (first, last, longest) = (pauses[0], pauses[4], miss.longest_pause());
            assert!(pauses.is_sorted() && first < Duration::from_secs(3), "{pauses:?}");
            assert!(last >= longest && last < longest * 2, "{pauses:?}");
            let short = pause(&node(1), miss, 99, Duration::from_secs(60));
            assert!(short < Duration::from_secs(8), "minutes to live, seconds to wait");
        }
    }
}
