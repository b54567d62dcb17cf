//! How long to wait before the next try: doubling, capped, with jitter from a seed.
//!
//! Pure: no clock and no randomness of its own, so that a test knows every delay. Jitter takes the upper half of
//! the window away at most (a delay lies between half the window and the whole), which spreads a rack that was
//! switched on at once and still never retries immediately.

use std::time::Duration;

/// A growing sequence of delays.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    max: Duration,
    tries: u32,
    random: u64,
}

impl Backoff {
    /// The first delay lies between half of `base` and `base`, none is longer than `max`; `seed` sets the jitter.
    #[must_use]
    pub const fn new(base: Duration, max: Duration, seed: u64) -> Self {
        Self { base, max, tries: 0, random: seed }
    }

    /// How long to wait now.
    pub fn next_delay(&mut self) -> Duration {
        let window = self.base.saturating_mul(1_u32.checked_shl(self.tries).unwrap_or(u32::MAX)).min(self.max);
        self.tries = self.tries.saturating_add(1);
        let half = window / 2;
        half + half.mul_f64(self.fraction())
    }

    /// Starts over, after a success.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }

    /// How many delays were handed out since the start or the last success.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// splitmix64: one step, then its top 53 bits as a number in 0..1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn delays_double_up_to_the_cap(seed: u64, base_ms in 1_u64..5_000, factor in 1_u32..1_000) {
            let base = Duration::from_millis(base_ms);
            let max = base * factor;
            let mut backoff = Backoff::new(base, max, seed);
            for attempt in 0..64_u32 {
                let window = base.saturating_mul(2_u32.saturating_pow(attempt)).min(max);
                let delay = backoff.next_delay();
                proptest::prop_assert!(delay >= window / 2 && delay <= window, "{delay:?} of {window:?}");
            }
            proptest::prop_assert_eq!(backoff.tries(), 64);
            backoff.reset();
            proptest::prop_assert!(backoff.next_delay() <= base);
        }
    }

    #[test]
    fn two_seeds_do_not_march_in_step() {
        let delays = |seed| {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), seed);
            (0..8).map(|_| backoff.next_delay()).collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }
}
