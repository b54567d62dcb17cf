//! The `ip` tool (iproute2): every change to links and namespaces is one of its lines.
//!
//! Chosen over netlink from Rust: a rack needs some fifteen lines, `ip` is on every Debian, its refusals are the
//! kernel's own words, and whoever doubts the rack repeats the lines by hand (`roost lab up --dry-run` prints them).
//! Rejected: rtnetlink written by hand over rustix (four hundred lines of message building for the same effect).

use std::{ffi::OsStr, io, process::Command};

/// An `ip` command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum IpError {
    /// The program could not be started.
    #[error("cannot run ip (apt install iproute2)")]
    Start(#[source] io::Error),
    /// The kernel refused.
    #[error("`ip {line}` failed: {said}")]
    Refused {
        /// The arguments, as one would type them.
        line: String,
        /// What it wrote on stderr.
        said: String,
    },
}

/// Runs `ip` with these arguments and returns what it printed.
pub(crate) fn ip<S: AsRef<OsStr>>(args: &[S]) -> Result<String, IpError> {
    let output = Command::new("ip").args(args).output().map_err(IpError::Start)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(IpError::Refused { line: words.join(" "), said })
}

/// Runs one line as one would type it after `ip`; no argument may hold a blank.
pub(crate) fn line(text: &str) -> Result<String, IpError> {
    ip(&text.split_ascii_whitespace().collect::<Vec<_>>())
}
