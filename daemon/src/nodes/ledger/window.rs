//! The window in which a person lets machines in before they are seen.

use vocabulary::Timestamp;

use super::{Ledger, Writes};
use crate::policy::Window;

impl Ledger {
    /// The window that a person opened, if it is still open.
    #[must_use]
    pub fn window(&self, now: Timestamp) -> Option<&Window> {
        self.window.as_ref().filter(|window| window.is_open(now))
    }

    /// Opens, replaces or closes the approval window.
    pub fn set_window(&mut self, window: Option<Window>, writes: &mut Writes) {
        self.window.clone_from(&window);
        writes.window = Some(window);
    }

    /// One of those that were let in has come.
    pub(super) fn count_down(&mut self, writes: &mut Writes) {
        if let Some(window) = &mut self.window {
            window.left = window.left.saturating_sub(1);
            writes.window = Some(Some(window.clone()));
        }
    }
}
