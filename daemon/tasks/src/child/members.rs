//! Who is in a process group, and signals to all of them.

use std::{fs, io, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep};

use super::identity::Stat;

/// How often a group is looked at while it ends; the kernel tells of a leader's end but not of a group's.
const LOOK: Duration = Duration::from_millis(20);

/// The living members of a group.
pub(super) fn members(group: Pid) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| Stat::read(*pid).is_ok_and(|stat| stat.group == group.as_raw_pid() && !stat.gone())).collect()
}

/// Signals every member; an empty group is no error.
pub(super) fn signal(group: Pid, signal: Signal) -> io::Result<()> {
    match kill_process_group(group, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits until no member lives; false if some still do at the deadline.
pub(super) async fn empty_by(group: Pid, deadline: Instant) -> bool {
    loop {
        if members(group).is_empty() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK).await;
    }
}
