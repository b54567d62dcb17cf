//! Names one process for ever: a pid alone is reused, pid and start time are not within one boot of the host.

use std::{fs, io};

/// One process on this host, once and for all. The same three values as `vocabulary::ProcessId`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Also the id of the group, for a process that leads one.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`: clock ticks after the host's boot (proc_pid_stat(5)).
    pub start_ticks: u64,
    /// `/proc/sys/kernel/random/boot_id`: which boot of the host.
    pub host_boot: String,
}

impl Identity {
    /// Whether this very process still runs; a zombie does not.
    #[must_use]
    pub fn alive(&self) -> bool {
        alive(self.pid, self.start_ticks, &self.host_boot)
    }
}

/// The identity of a process that exists now, a zombie included.
///
/// # Errors
/// There is no such process, or /proc is not readable.
pub fn identify(pid: u32) -> io::Result<Identity> {
    let start_ticks = Stat::read(pid)?.start_ticks;
    Ok(Identity { pid, start_ticks, host_boot: host_boot()? })
}

/// Whether the process with this pid is still the one that started then, in this boot of the host.
#[must_use]
pub fn alive(pid: u32, start_ticks: u64, host_boot_id: &str) -> bool {
    let same = |stat: &Stat| stat.start_ticks == start_ticks && !stat.gone();
    host_boot().is_ok_and(|boot| boot == host_boot_id) && Stat::read(pid).is_ok_and(|stat| same(&stat))
}

fn host_boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim_end().to_owned())
}

/// What is needed of `/proc/PID/stat`.
pub(super) struct Stat {
    pub(super) state: char,
    pub(super) group: i32,
    pub(super) start_ticks: u64,
}

impl Stat {
    pub(super) fn read(pid: u32) -> io::Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&path)?;
        Self::parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, path))
    }

    /// The name (field 2) may hold spaces and brackets, so fields are counted after its last bracket.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    /// Zombies and the dead run no more.
    pub(super) const fn gone(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_a_hostile_name() {
        let line = "77 (a) R 1 (b)) S 1 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.group, stat.start_ticks), ('S', 42, 987_654));
        assert!(Stat::parse("77 no bracket").is_none());
        assert!(Stat::parse("77 (short) S 1").is_none());
    }

    #[test]
    fn a_reused_pid_and_another_boot_are_strangers() {
        let own = identify(std::process::id()).unwrap();
        assert!(own.alive());
        assert!(!Identity { start_ticks: own.start_ticks + 1, ..own.clone() }.alive());
        assert!(!Identity { host_boot: "another".to_owned(), ..own }.alive());
        assert!(identify(u32::MAX).is_err());
    }
}
