//! A conversation with a command on a node, line by line, over one connection to the pinned host key.
//!
//! One connection rather than a call a question: what the command has made on the node ends with it, however the
//! conversation ends. The node is a stranger until it has proved what it is asked for: how much it says is bounded.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::Child,
};

use super::{FleetKey, Pinned, SshError, failed, known_hosts, ssh};

/// More than any honest conversation holds.
const SAID_BYTES_MAX: u64 = 32 * 1024;
/// How long the host key may take to answer, however long the conversation may last.
const CONNECT: Duration = Duration::from_secs(20);

/// What to do after a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wait for the next one.
    Listen,
    /// Send this line.
    Say(String),
    /// Nothing more is needed: the connection is cut, and the command finds its input at an end.
    End,
}

/// Runs a command on a node and answers its lines until it ends, or enough was said.
///
/// # Errors
/// Nobody answers, another key answers, it takes too long, or the command fails.
pub async fn converse(
    key: &FleetKey,
    node: &Pinned,
    command: &str,
    limit: Duration,
    hear: impl FnMut(&str) -> Turn,
) -> Result<(), SshError> {
    let known_hosts = known_hosts(node).map_err(SshError::Start)?;
    let mut ssh = ssh(key, node, &known_hosts, command, limit.min(CONNECT));
    ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = ssh.spawn().map_err(SshError::Start)?;
    let talk = talk(child, node, hear);
    tokio::time::timeout(limit, talk).await.map_err(|_| SshError::TimedOut { address: node.address, limit })?
}

async fn talk(mut child: Child, node: &Pinned, mut hear: impl FnMut(&str) -> Turn) -> Result<(), SshError> {
    let (said, complaints) = (child.stdout.take(), child.stderr.take());
    let (Some(said), Some(mut words)) = (said, child.stdin.take()) else { return Ok(()) };
    let mut said = BufReader::new(said.take(SAID_BYTES_MAX));
    let mut line = Vec::new();
    while said.read_until(b'\n', &mut line).await.map_err(SshError::Start)? > 0 {
        match hear(&String::from_utf8_lossy(&line)) {
            Turn::Listen => (),
            // A command that has ended takes no more words; its own end says why.
            Turn::Say(answer) => drop(words.write_all(format!("{answer}\n").as_bytes()).await),
            Turn::End => return Ok(()),
        }
        line.clear();
    }
    drop(words);
    let mut last = Vec::new();
    if let Some(complaints) = complaints {
        complaints.take(SAID_BYTES_MAX).read_to_end(&mut last).await.map_err(SshError::Start)?;
    }
    let status = child.wait().await.map_err(SshError::Start)?;
    if status.success() { Ok(()) } else { Err(failed(node, &last)) }
}
