//! The parts against the real host: processes, signals, a supervisor with tasks that misbehave.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test where it stands")]

mod children;
mod signals;
mod supervision;

use std::{future::Future, time::Duration};

/// Looks until it is so; never sleeps a fixed time.
async fn until<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    let looking = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.unwrap_or_else(|_| panic!("never saw: {what}"));
}
