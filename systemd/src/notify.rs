//! Readiness and status, as sd_notify(3) sends them.

use sd_notify::NotifyState;

use crate::Watchdog;

/// Speaks to the service manager if there is one.
///
/// A message that cannot be sent is logged and no more: the manager's own timeouts tell the rest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notify(());

impl Notify {
    /// To the manager that `$NOTIFY_SOCKET` names, or to nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }

    /// The daemon serves: everything is bound, migrated and started.
    pub fn ready(&self, status: &str) {
        send(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
    }

    /// What it is doing, for `systemctl status`.
    pub fn status(&self, status: &str) {
        send(&[NotifyState::Status(&one_line(status))]);
    }

    /// It was told to stop, or stops because a part failed, and does so in order.
    pub fn stopping(&self, status: &str) {
        send(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))]);
    }

    /// The watchdog, if the manager wants to hear from this very process.
    #[must_use]
    pub fn watchdog(&self) -> Option<Watchdog> {
        sd_notify::watchdog_enabled().map(Watchdog::new)
    }
}

/// A status with a line end could set other fields.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

pub(crate) fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd was not told");
    }
}
