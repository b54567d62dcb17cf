//! Processes by (pid, start ticks, host boot): told apart from a stranger that got the same pid, and ended for sure.
//!
//! Synchronous on purpose: the rack's `Drop` and `roost lab down` after a crash must end processes without a
//! runtime, among them some that are not our children; `tasks::child::Group` needs both a runtime and a child. A zombie
//! counts as ended: it holds nothing any more.

use std::{fs, io, path::Path, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use vocabulary::ProcessId;

const POLL: Duration = Duration::from_millis(10);

/// Who runs under this pid now; `None` when nobody does, or only a zombie.
#[must_use]
pub fn identify(pid: u32) -> Option<ProcessId> {
    let found = tasks::child::identify(pid).ok()?;
    let id = ProcessId { pid, start_ticks: found.start_ticks, host_boot: found.host_boot };
    alive(&id).then_some(id)
}

/// Whether that very process still runs.
#[must_use]
pub fn alive(id: &ProcessId) -> bool {
    tasks::child::alive(id.pid, id.start_ticks, &id.host_boot)
}

/// The kernel's boot id, by which pids of an earlier boot are told apart.
#[must_use]
pub fn host_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Sends a signal to the process's group when it leads one, else to it alone; does nothing when it is gone.
pub fn signal(id: &ProcessId, signal: Signal) {
    let Some(pid) = i32::try_from(id.pid).ok().and_then(Pid::from_raw).filter(|_| alive(id)) else { return };
    let leads = rustix::process::getpgid(Some(pid)) == Ok(pid);
    let sent = if leads { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
    if let Err(error) = sent {
        tracing::debug!(pid = id.pid, %error, "signal not delivered");
    }
}

/// TERM, then KILL after `grace`; returns whether the process is gone.
#[must_use]
pub fn end(id: &ProcessId, grace: Duration) -> bool {
    signal(id, Signal::TERM);
    if wait_until(grace, || !alive(id)) {
        return true;
    }
    signal(id, Signal::KILL);
    wait_until(Duration::from_secs(5), || !alive(id))
}

/// Polls a condition until it holds or the limit has passed; for the synchronous paths only.
pub(crate) fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let polls = limit.as_millis() / POLL.as_millis();
    for _ in 0..polls {
        if condition() {
            return true;
        }
        thread::sleep(POLL);
    }
    condition()
}

/// The program that runs another inside a namespace (util-linux).
pub(crate) const ENTER: &str = "nsenter";

/// Its argument for the namespace of that file.
pub(crate) fn entering(path: &Path) -> String {
    format!("--net={}", path.display())
}

/// Every process whose network namespace is the one of that name, or that nsenter is about to put there.
pub(crate) fn in_namespace(path: &Path) -> io::Result<Vec<ProcessId>> {
    use std::os::unix::fs::MetadataExt as _;
    let wanted = fs::metadata(path)?;
    let entering = [ENTER, &entering(path), ""].join("\0");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let inside = fs::metadata(entry.path().join("ns/net"))
            .is_ok_and(|theirs| (theirs.dev(), theirs.ino()) == (wanted.dev(), wanted.ino()));
        if inside || line.starts_with(entering.as_bytes()) {
            found.extend(identify(pid));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_a_process_and_knows_it_from_its_successor() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let id = identify(child.id()).unwrap();
        assert!(alive(&id));
        assert!(!alive(&ProcessId { start_ticks: id.start_ticks + 1, ..id.clone() }));
        assert!(end(&id, Duration::from_secs(5)));
        child.wait().unwrap();
        assert!(!alive(&id));
    }
}
