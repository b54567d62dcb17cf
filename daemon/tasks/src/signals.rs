//! SIGTERM and SIGINT as a [`Stop`]; the second one exits at once.
//!
//! The signals are waited for on a thread with a runtime of its own, so that the second one still works when the
//! daemon's runtime is wedged, which is when it is needed. Exiting at once runs no destructor: child groups stay
//! and are adopted or ended by the next start.

use std::{io, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Stop;

/// A token that is cancelled by the first SIGTERM or SIGINT. The second ends the process with 128 + its number.
///
/// # Errors
/// The thread or its signal handlers could not be set up.
pub fn stop_on_signals() -> io::Result<Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? }
    };
    let stop = Stop::new();
    let told = stop.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let first = signals.next().await;
            tracing::info!(signal = first.as_raw_value(), "stopping; once more stops at once");
            told.cancel();
            let second = signals.next().await;
            exit_at_once(second);
        });
    })?;
    Ok(stop)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a person asked twice: nothing may delay the end")]
fn exit_at_once(signal: SignalKind) {
    tracing::warn!("stopped at once");
    std::process::exit(128 + signal.as_raw_value())
}
