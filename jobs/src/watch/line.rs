//! One source's line to its agent: when it may be used again, what is wrong with it, when it last gave an answer.

use std::time::Duration;

use tasks::backoff::Backoff;

/// How often a source may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two requests in the long run.
    pub interval: Duration,
    /// Requests at once, before that holds.
    pub burst: u32,
}

/// A line.
#[derive(Debug)]
pub(super) struct Line {
    pace: Pace,
    /// When the next request would be due if all were evenly spaced. A listing of many pages runs ahead of it.
    due: Duration,
    backoff: Backoff,
    not_before: Duration,
    /// When it last answered.
    pub(super) heard: Option<Duration>,
    /// What is wrong now.
    pub(super) trouble: Option<String>,
    pub(super) requests: u64,
}

impl Line {
    pub(super) fn new(pace: Pace, backoff: Backoff) -> Self {
        let (due, not_before) = (Duration::ZERO, Duration::ZERO);
        Self { pace, due, backoff, not_before, heard: None, trouble: None, requests: 0 }
    }

    /// When it may be used.
    pub(super) fn ready_at(&self) -> Duration {
        let ahead = self.pace.interval * self.pace.burst.saturating_sub(1);
        self.due.saturating_sub(ahead).max(self.not_before)
    }

    /// It was used so often.
    pub(super) fn used(&mut self, now: Duration, requests: u32) {
        self.due = self.due.max(now) + self.pace.interval * requests;
        self.requests += u64::from(requests);
    }

    /// It gave an answer.
    pub(super) fn answered(&mut self, now: Duration) {
        self.heard = Some(now);
        self.trouble = None;
        self.backoff.reset();
    }

    /// It gave none.
    pub(super) fn failed(&mut self, now: Duration, why: String) {
        self.trouble = Some(why);
        self.not_before = now + self.backoff.next_delay();
    }

    /// How often in a row it gave none.
    pub(super) const fn failures(&self) -> u32 {
        self.backoff.tries()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn line() -> Line {
        Line::new(Pace { interval: SECOND, burst: 3 }, Backoff::new(SECOND, 8 * SECOND, 7))
    }

    #[test]
    fn a_burst_is_let_through_and_a_loop_is_slowed() {
        let mut line = line();
        for _ in 0..3 {
            assert_eq!(line.ready_at(), Duration::ZERO);
            line.used(Duration::ZERO, 1);
        }
        assert_eq!(line.ready_at(), SECOND);
        line.used(SECOND, 10);
        assert_eq!((line.ready_at(), line.requests), (11 * SECOND, 13), "pages count");
    }

    #[test]
    fn who_fails_waits_longer_each_time_until_it_answers() {
        let mut line = line();
        let mut waits = Vec::new();
        for _ in 0..4 {
            line.failed(100 * SECOND, "no".to_owned());
            waits.push(line.ready_at() - 100 * SECOND);
        }
        assert!(waits.is_sorted() && waits[3] >= 4 * SECOND && line.failures() == 4, "{waits:?}");
        line.answered(200 * SECOND);
        assert_eq!((line.failures(), &line.trouble), (0, &None));
    }
}
