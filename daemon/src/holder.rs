//! Who holds a port that we want: "address in use" alone sends people to three other tools.
//!
//! The socket's inode stands in /proc/net/{tcp,tcp6,udp,udp6}; the process that holds it has a link to it among its
//! file descriptors (proc_pid_fd(5), proc_net(5)). Without the right to look into another user's process the answer
//! is honest: nothing.

use std::{fs, path::Path};

/// Which table of /proc/net to look in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Listening TCP sockets.
    Tcp,
    /// Bound UDP sockets.
    Udp,
}

/// The process that holds a port: `nginx (pid 812)`.
#[must_use]
pub fn of_port(protocol: Protocol, port: u16) -> Option<String> {
    let tables = match protocol {
        Protocol::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        Protocol::Udp => ["/proc/net/udp", "/proc/net/udp6"],
    };
    let inodes: Vec<u64> = tables
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| inodes_in(&table, protocol, port))
        .collect();
    process_with(&inodes)
}

/// The process that holds this port, where `error` says that somebody does.
#[must_use]
pub fn for_error(protocol: Protocol, port: u16, error: &std::io::Error) -> Option<String> {
    (error.kind() == std::io::ErrorKind::AddrInUse).then(|| of_port(protocol, port)).flatten()
}

fn inodes_in(table: &str, protocol: Protocol, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let local = words.nth(1)?;
        let state = words.nth(1)?;
        let inode = words.nth(5)?;
        let held = local.rsplit_once(':').and_then(|(_, hex)| u16::from_str_radix(hex, 16).ok())?;
        let counts = held == port && (protocol == Protocol::Udp || state == LISTEN);
        counts.then(|| inode.parse().ok()).flatten()
    };
    table.lines().skip(1).filter_map(line).collect()
}

fn process_with(inodes: &[u64]) -> Option<String> {
    let links: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        holds(&entry.path(), &links).then(|| named(&entry.path(), pid))
    })
}

fn holds(process: &Path, links: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| target.to_str().is_some_and(|target| links.iter().any(|link| link == target)))
}

fn named(process: &Path, pid: u32) -> String {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    format!("{} (pid {pid})", name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_listener_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = of_port(Protocol::Tcp, listener.local_addr().unwrap().port()).unwrap();
        assert!(holder.ends_with(&format!("(pid {})", std::process::id())), "{holder}");
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(of_port(Protocol::Udp, socket.local_addr().unwrap().port()).is_some());
    }

    #[test]
    fn only_listening_sockets_hold_a_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1DB0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100\n\
             1: 0100007F:1DB0 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100\n";
        assert_eq!(inodes_in(table, Protocol::Tcp, 7600), [111]);
        assert_eq!(inodes_in(table, Protocol::Tcp, 7601), [0; 0]);
    }
}
