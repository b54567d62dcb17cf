//! How a command ends: exit codes, the cause and what to do next. The only place where they are decided.
//!
//! Small numbers by what a script would do about it, rather than sysexits(3): nobody knows those by heart, and
//! clap's 2 for wrong usage stays what it is everywhere.

use std::{fmt, process::ExitCode};

/// Shown under `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  it failed; the message says why
  2  wrong usage
  3  the daemon cannot be reached
  4  not allowed: no key, an unknown one, or one without the scope
  5  no such node, run or key
  6  not as things are: a conflict, or refused for this machine
  7  the configuration has mistakes

Environment:
  ROOST_CONFIG   the configuration file
  ROOST_SOCKET   the daemon's Unix socket
  ROOST_URL      the daemon's address, instead of the socket
  ROOST_API_KEY  the key for ROOST_URL
  ROOST_CA_CERT  the authority that signed the daemon's certificate (roost ca show)";

/// What a script tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something broke.
    Failed = 1,
    /// The words on the command line make no sense together.
    Usage = 2,
    /// Nobody answers.
    Unreachable = 3,
    /// The credential is not enough.
    NotAllowed = 4,
    /// The thing does not exist.
    NotFound = 5,
    /// It cannot be done as things are.
    Conflict = 6,
    /// The configuration has mistakes.
    Configuration = 7,
}

impl Exit {
    /// By the status of an answer.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::NotAllowed,
            404 | 410 => Self::NotFound,
            409 | 422 => Self::Conflict,
            400 | 415 => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    /// For scripts.
    pub exit: Exit,
    /// For people: what happened and why.
    pub cause: anyhow::Error,
    /// What to do next.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with a next step.
    pub fn new(exit: Exit, cause: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self { exit, cause: cause.into(), hint: Some(hint.into()) }
    }

    /// A failure in words.
    pub fn words(exit: Exit, cause: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, cause: anyhow::Error::msg(cause.into()), hint: Some(hint.into()) }
    }

    /// Whether the reader of our output has gone, as `| head` does.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        self.cause.chain().filter_map(|error| error.downcast_ref()).any(broken)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Failed, cause: error.into(), hint: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {:#}", self.cause)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_failure_names_the_cause_and_the_next_step() {
        let error = Err::<(), _>(std::io::Error::other("no route")).context("cannot reach it").unwrap_err();
        let failure = Failure::new(Exit::Unreachable, error, "look at the cable");
        assert_eq!(failure.to_string(), "error: cannot reach it: no route\nhint: look at the cable");
    }

    #[test]
    fn every_exit_code_stands_in_the_help() {
        for exit in [
            Exit::Failed,
            Exit::Usage,
            Exit::Unreachable,
            Exit::NotAllowed,
            Exit::NotFound,
            Exit::Conflict,
            Exit::Configuration,
        ] {
            assert!(HELP.contains(&format!("\n  {}  ", exit as u8)), "{exit:?}");
        }
    }
}
