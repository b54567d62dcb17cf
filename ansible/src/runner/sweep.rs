//! Ends what left a run's process group: Ansible's workers call setsid, ssh's connection master becomes a daemon.
//!
//! They are known by the run's mark in their environment, which children inherit, or by the control socket that
//! ssh's master shows as its title (that title overwrites its environment). Rejected: walking parent ids, since an
//! orphan has lost its parent; a cgroup, which needs rights that the daemon shall not need.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that marks every process of a run.
pub(super) const MARK: &str = "ROOST_RUN";
/// A process that forks while it is looked for is found in the next round.
const ROUNDS: u32 = 20;

/// Kills every process that carries `mark` or shows `socket`; returns how many were met.
pub(super) fn sweep(mark: &str, socket: &Path) -> usize {
    let variable = format!("{MARK}={mark}");
    let socket = socket.to_string_lossy();
    let mut met = 0;
    for _ in 0..ROUNDS {
        let found = find(&variable, &socket);
        if found.is_empty() {
            break;
        }
        met += found.len();
        for pid in found {
            // Gone meanwhile is as good.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    met
}

fn find(variable: &str, socket: &str) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let marked = pids.filter(|pid| *pid != own && carries(*pid, variable, socket));
    marked.filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).collect()
}

fn carries(pid: u32, variable: &str, socket: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    if environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()) {
        return true;
    }
    let title = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let title = String::from_utf8_lossy(&title);
    title.starts_with("ssh: ") && title.contains(socket)
}
