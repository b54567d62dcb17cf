//! The rate limit: so many requests a second for each key, with room for a burst.
//!
//! Per key rather than per address, because a key is what a person handed out and can revoke. The Unix socket is
//! exempt: the operator must get through while a script with a key runs wild.

use std::{num::NonZeroU32, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};

use super::auth::AuthError;

/// One bucket a key.
pub(super) struct Limiter {
    buckets: DefaultKeyedRateLimiter<String>,
    clock: governor::clock::DefaultClock,
}

impl Limiter {
    pub(super) fn new(requests_per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(requests_per_second).allow_burst(burst);
        Self { buckets: RateLimiter::keyed(quota), clock: governor::clock::DefaultClock::default() }
    }

    pub(super) fn check(&self, name: &str) -> Result<(), AuthError> {
        self.buckets.check_key(&name.to_owned()).map_err(|not_until| {
            let retry_after = not_until.wait_time_from(self.clock.now());
            AuthError::TooMany { retry_after: retry_after.max(Duration::from_secs(1)) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_runs_dry_without_the_other() {
        let few = NonZeroU32::new(2).unwrap();
        let limiter = Limiter::new(NonZeroU32::MIN, few);
        assert!(limiter.check("a").is_ok() && limiter.check("a").is_ok());
        assert!(matches!(limiter.check("a"), Err(AuthError::TooMany { .. })));
        assert!(limiter.check("b").is_ok());
    }
}
