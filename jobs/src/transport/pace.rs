//! A bound on requests, and their count: a loop that goes wrong must not become the agents' problem.
//!
//! The bucket that leaks evenly (GCRA): one instant says it all, so there is no refill task. Pure in its time: the
//! caller brings the clock's reading.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Counts requests and says whose turn it is. Nothing is booked ahead: who waits takes its turn when it has come, so who
/// gives up waiting costs the others nothing.
#[derive(Debug)]
pub struct Pace {
    /// The time between two requests in the long run.
    interval: Duration,
    /// How far ahead of that a caller may be.
    allowance: Duration,
    /// When the next request would be due if all were evenly spaced.
    due: Mutex<Duration>,
    count: AtomicU64,
}

impl Pace {
    /// `per_second` in the long run, `burst` at once.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        let allowance = interval * burst.max(1).saturating_sub(1);
        Self { interval, allowance, due: Mutex::default(), count: AtomicU64::new(0) }
    }

    /// Takes a turn and counts it. `now` only ever moves forward.
    ///
    /// # Errors
    /// It has not come yet: ask again after so long.
    pub fn take(&self, now: Duration) -> Result<(), Duration> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = (*due).max(now);
        let wait = slot.saturating_sub(now + self.allowance);
        if !wait.is_zero() {
            return Err(wait);
        }
        *due = slot + self.interval;
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Requests so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_second_holds_more_than_its_share(gaps_ms in proptest::collection::vec(0_u64..200, 1..300)) {
            let pace = Pace::new(10, 5);
            let (mut now, mut sent) = (Duration::ZERO, Vec::new());
            for gap in gaps_ms {
                now += Duration::from_millis(gap);
                while let Err(wait) = pace.take(now) {
                    now += wait;
                }
                sent.push(now);
            }
            for (at, first) in sent.iter().enumerate() {
                let within = sent[at..].iter().filter(|other| **other < *first + Duration::from_secs(1)).count();
                proptest::prop_assert!(within <= 15, "{within} within a second");
            }
            proptest::prop_assert_eq!(pace.count(), sent.len() as u64);
        }
    }

    #[test]
    fn a_quiet_caller_never_waits_and_a_loop_does() {
        let pace = Pace::new(10, 3);
        assert_eq!([0, 0, 0].map(|_| pace.take(Duration::ZERO)), [Ok(()); 3]);
        assert_eq!(pace.take(Duration::ZERO), Err(Duration::from_millis(100)));
        assert_eq!(pace.take(Duration::from_millis(100)), Ok(()));
        assert_eq!(pace.take(Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn who_waits_in_vain_has_taken_nothing() {
        let pace = Pace::new(10, 1);
        assert_eq!(pace.take(Duration::ZERO), Ok(()));
        for _ in 0..1000 {
            assert_eq!(pace.take(Duration::ZERO), Err(Duration::from_millis(100)));
        }
        assert_eq!((pace.take(Duration::from_millis(100)), pace.count()), (Ok(()), 2));
    }
}
