//! The fleet key and the one way Roost speaks to a node by itself: OpenSSH against a pinned host key.
//!
//! OpenSSH's own client rather than a library: Ansible needs it anyway, and its host-key checking is the one that
//! people audit. `ssh-keyscan` is not used to recognise a node, because it prints a key before the other side has
//! proved that it holds it; a login with strict checking proves it.

mod converse;
mod key;
mod keyring;
mod lines;
#[cfg(test)]
pub(crate) mod sshd;

use std::{io, net::Ipv4Addr, process::Stdio, time::Duration};

use tokio::process::Command;
use vocabulary::{HostKey, quote_said};

pub use converse::{Turn, converse};
pub use key::{FleetKey, FleetKeyError, Kept};
pub use keyring::{Begun, Keyring, RotateError, RotationOrder, Settled, Silent};

/// A machine to speak to, and the host keys that only it can answer with.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// Where it is said to be.
    pub address: Ipv4Addr,
    /// What it must prove to hold.
    pub host_keys: Vec<HostKey>,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until somebody at the address takes the connection and says what it is.
    pub connect: Duration,
    /// From the start to the command's end.
    pub whole: Duration,
}

impl From<Duration> for Limits {
    fn from(limit: Duration) -> Self {
        Self { connect: limit, whole: limit }
    }
}

/// A command could not be done on a node.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The known_hosts file of this call could not be written, or ssh not be started.
    #[error("cannot start ssh")]
    Start(#[source] io::Error),
    /// Nobody answered in time.
    #[error("{address} did not answer within {limit:?}")]
    TimedOut {
        /// Where.
        address: Ipv4Addr,
        /// The patience there was.
        limit: Duration,
    },
    /// ssh or the command said no.
    #[error("ssh to {address} failed: {}", quote_said(.message))]
    Failed {
        /// Where.
        address: Ipv4Addr,
        /// The last line it said.
        message: String,
    },
}

/// Runs one command on a node, whose pinned host key must answer.
///
/// # Errors
/// Nobody answers, another key answers, or the command fails.
pub async fn run(key: &FleetKey, node: &Pinned, command: &str, limits: impl Into<Limits>) -> Result<String, SshError> {
    let Limits { connect, whole } = limits.into();
    let known_hosts = known_hosts(node).map_err(SshError::Start)?;
    let mut ssh = ssh(key, node, &known_hosts, command, connect);
    ssh.stdin(Stdio::null());
    let output = tokio::time::timeout(whole, ssh.output())
        .await
        .map_err(|_| SshError::TimedOut { address: node.address, limit: whole })?
        .map_err(SshError::Start)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(node, &output.stderr))
}

/// What only this node may answer with, for one call.
fn known_hosts(node: &Pinned) -> io::Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new()?;
    let lines: String = node.host_keys.iter().map(|host_key| format!("{} {host_key}\n", node.address)).collect();
    std::fs::write(file.path(), lines).map(|()| file)
}

fn ssh(
    key: &FleetKey,
    node: &Pinned,
    known_hosts: &tempfile::NamedTempFile,
    command: &str,
    limit: Duration,
) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.args(options(limit)).arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.path().display()));
    ssh.arg("-i").arg(&key.private).arg(format!("root@{}", node.address)).arg("--").arg(command);
    ssh.kill_on_drop(true);
    ssh
}

/// The last line that ssh, or the command, said.
fn failed(node: &Pinned, stderr: &[u8]) -> SshError {
    let said = String::from_utf8_lossy(stderr);
    let message = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").to_owned();
    SshError::Failed { address: node.address, message }
}

fn options(limit: Duration) -> Vec<String> {
    let connect = format!("ConnectTimeout={}", limit.as_secs().max(1));
    let fixed = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "ForwardAgent=no",
        "ClearAllForwardings=yes",
        "LogLevel=ERROR",
        &connect,
    ];
    ["-F", "/dev/null", "-T"]
        .into_iter()
        .map(str::to_owned)
        .chain(fixed.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_and_the_node_said_is_marked_as_theirs() {
        let node = Pinned { address: [10, 77, 1, 1].into(), host_keys: vec![] };
        let cause = failed(&node, b"a banner\npassword=hunter2\n").to_string();
        assert!(cause.contains("hunter2"), "{cause}");
        let shown = vocabulary::leave_out_said(&cause);
        assert!(shown.starts_with("ssh to 10.77.1.1 failed: ") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn nothing_is_forwarded_and_no_host_is_trusted_on_first_use() {
        let options = options(Duration::from_secs(3)).join(" ");
        for option in ["ForwardAgent=no", "ClearAllForwardings=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"]
        {
            assert!(options.contains(option), "{option}");
        }
    }
}
