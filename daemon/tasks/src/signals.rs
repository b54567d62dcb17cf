//! SIGTERM, SIGINT and SIGHUP as a [`Stop`]; the second one exits at once.
//!
//! SIGHUP is what a terminal sends when it closes; whoever was started with it ignored (nohup) goes on ignoring it.
//!
//! The signals are waited for on a thread with a runtime of its own, so that the second one still works when the
//! daemon's runtime is wedged, which is when it is needed. Exiting at once runs no destructor: child groups stay
//! and are adopted or ended by the next start.

use std::{io, thread};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Stop;

/// A token that is cancelled by the first SIGTERM, SIGINT or SIGHUP. The second ends the process with 128 + its number.
///
/// # Errors
/// The thread or its signal handlers could not be set up.
pub fn stop_on_signals() -> io::Result<Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        // Asked before anything is set: a handler would take the place of who ignores it.
        let hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hangup }
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
    /// None where it is ignored.
    hangup: Option<Signal>,
}

impl Signals {
    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            Some(_) = async { self.hangup.as_mut()?.recv().await }, if self.hangup.is_some() => SignalKind::hangup(),
        }
    }
}

/// Whether this process was started so (proc_pid_status(5), SigIgn).
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::trim);
    let first = 1 << (SignalKind::hangup().as_raw_value() - 1);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & first != 0)
}

#[expect(clippy::disallowed_methods, reason = "a person asked twice: nothing may delay the end")]
fn exit_at_once(signal: SignalKind) {
    tracing::warn!("stopped at once");
    std::process::exit(128 + signal.as_raw_value())
}
