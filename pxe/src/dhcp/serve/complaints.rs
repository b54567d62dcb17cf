//! A log that nobody on the wire can fill: a few lines in a while, then a count of those left out.

use std::time::Duration;

/// Lines in one window.
const LINES: u32 = 5;
/// How long a window lasts.
const WINDOW: Duration = Duration::from_secs(10);

/// Decides which complaints are written.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    window_start: Duration,
    written: u32,
    left_out: u64,
}

impl Complaints {
    /// Whether to write one more line now, and how many were left out before it.
    pub(super) fn admit(&mut self, uptime: Duration) -> Option<u64> {
        if uptime.saturating_sub(self.window_start) >= WINDOW {
            self.window_start = uptime;
            self.written = 0;
        }
        if self.written >= LINES {
            self.left_out += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b13_a_flood_of_bad_packets_writes_a_few_lines() {
        let mut complaints = Complaints::default();
        let flood = |complaints: &mut Complaints, at: u64| {
            (0..10_000).filter_map(|_| complaints.admit(Duration::from_secs(at))).collect::<Vec<_>>()
        };
        assert_eq!(flood(&mut complaints, 1), [0; 5]);
        assert_eq!(flood(&mut complaints, 9), [0; 0]);
        assert_eq!(flood(&mut complaints, 10), [19_995, 0, 0, 0, 0]);
    }
}
