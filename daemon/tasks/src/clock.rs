//! Time as a dependency, so that tests jump it.
//!
//! Two readings, because they answer different questions: `now` is what people and the store read and may jump
//! when NTP sets it; `uptime` only moves forward and measures how long something took.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use jiff::{Timestamp, Unit};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, in whole microseconds: what the store keeps, so that a value read back equals the one written.
    fn now(&self) -> Timestamp;
    /// Monotonic time since some fixed moment.
    fn uptime(&self) -> Duration;
}

/// The host's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// A clock that stands still until it is told to move; clones share their time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    now: Timestamp,
    uptime: Duration,
}

static START: OnceLock<Instant> = OnceLock::new();

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.round(Unit::Microsecond).unwrap_or(now)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
    fn uptime(&self) -> Duration {
        START.get_or_init(Instant::now).elapsed()
    }
}

impl ManualClock {
    /// A clock that shows this time, with no uptime yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading { now, uptime: Duration::ZERO })))
    }

    /// Moves both readings forward.
    pub fn advance(&self, by: Duration) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.now = reading
            .now
            .saturating_add(jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX))
            .unwrap_or(Timestamp::MAX);
        reading.uptime = reading.uptime.saturating_add(by);
    }

    /// Sets the wall clock alone, as NTP does; back or forth.
    pub fn set(&self, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now = now;
    }

    fn read(&self) -> Reading {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.read().now
    }

    fn uptime(&self) -> Duration {
        self.read().uptime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told_to() {
        let clock = ManualClock::new(Timestamp::from_second(100).unwrap());
        let shared = clock.clone();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(shared.now(), Timestamp::from_millisecond(101_500).unwrap());
        assert_eq!(shared.uptime(), Duration::from_millis(1500));
        clock.set(Timestamp::from_second(5).unwrap());
        assert_eq!((shared.now().as_second(), shared.uptime().as_millis()), (5, 1500));
        clock.advance(Duration::MAX);
        assert_eq!(shared.now(), Timestamp::MAX);
    }

    #[test]
    fn the_host_clock_shows_whole_microseconds_and_moves_forward() {
        let clock = SystemClock;
        let before = clock.uptime();
        assert_eq!(clock.now().subsec_nanosecond() % 1000, 0);
        assert!(clock.uptime() >= before);
    }
}
