//! How many boots a machine opens: a few a minute, however many DISCOVERs come under its MAC.
//!
//! A DISCOVER after each script would open a boot each time, which is a row, a line and an event, synced; and so would a
//! script after each call-home, with a run. Beyond the pace the boot that is under way goes on, and the next script is its
//! own: nothing is refused, as the real machine may be behind that MAC. Once that boot has called home, the next script
//! waits. Of no use after a restart, so it is not stored.

use std::time::Duration;

use vocabulary::Timestamp;

use super::lifecycle::passed;

/// More than any firmware manages, with a person at its power button.
const BOOTS: u32 = 8;
/// In so long.
const PERIOD: Duration = Duration::from_secs(60);

/// The boots that one machine opened lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    since: Option<Timestamp>,
    opened: u32,
}

impl Pace {
    /// Whether one more may be opened now. A clock that was put back begins anew.
    pub fn allows_a_boot(&mut self, now: Timestamp) -> bool {
        if self.since.is_none_or(|since| now < since || passed(since, now, PERIOD)) {
            *self = Self { since: Some(now), opened: 0 };
        }
        let allowed = self.opened < BOOTS;
        self.opened += u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(pace: &mut Pace, second: i64) -> usize {
        (0..1_000).filter(|_| pace.allows_a_boot(Timestamp::from_second(second).unwrap())).count()
    }

    #[test]
    fn a_machine_opens_a_few_boots_a_minute_also_where_the_clock_is_put_back() {
        let mut pace = Pace::default();
        let minutes = [(1_000, 8), (1_060, 0), (1_061, 8), (500, 8), (500, 0), (9_000, 8)];
        for (second, boots) in minutes {
            assert_eq!(opened(&mut pace, second), boots, "at {second}");
        }
    }
}
