//! The watchdog: systemd hears from the daemon as long as its supervisor's loop turns.

use std::{convert::Infallible, time::Duration};

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::notify::send;

/// The shortest pause between two pings, whatever the unit says.
const SHORTEST: Duration = Duration::from_millis(10);

/// Pings at a third of the time after which systemd ends a silent daemon: one lost ping does not kill it.
#[derive(Debug)]
pub struct Watchdog {
    every: Duration,
}

impl Watchdog {
    /// For this `WatchdogSec`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { every: (limit / 3).max(SHORTEST) }
    }

    /// How often it pings.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.every
    }

    /// Asks `beat` for a sign of life and pings after each; no answer, or `false`, no ping. Runs until `stop`.
    ///
    /// # Errors
    /// None; the type fits a supervised task.
    pub async fn run(self, stop: CancellationToken, mut beat: impl AsyncFnMut() -> bool) -> Result<(), Infallible> {
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                alive = async { ticks.tick().await; beat().await } => {
                    if alive {
                        send(&[NotifyState::Watchdog]);
                    }
                }
            }
        }
    }
}
