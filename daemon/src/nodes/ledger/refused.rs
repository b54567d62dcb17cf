//! The counts of what was refused, on the timelines of those who were.

use vocabulary::{Step, Timestamp};

use super::{Ledger, Writes};

impl Ledger {
    pub(super) fn tell_refusals(&mut self, now: Timestamp, writes: &mut Writes) {
        for (mac, line) in self.refusals.due(now) {
            self.turn(now, mac, writes, |_, _, turn, _| turn.line(Step::Note, line));
        }
    }
}
