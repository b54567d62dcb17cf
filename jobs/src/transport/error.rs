//! What went wrong with a call, in the agent's own words where it said any.
//!
//! The agents answer errors as text, with a status that often says little: Nomad sends 500 for a conflict as for a lost
//! leader. The text is sorted here once; what only one operation can mean (a conflict, invalid HCL) is sorted by that
//! operation's own error type.

use std::time::Duration;

use futures_util::StreamExt as _;
use progenitor_client::{ByteStream, Error, ResponseValue};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use super::{certificate::BadCertificate, wire::Wire};

/// An agent's explanation is a line or a page; what is longer is cut off.
const SAID_BYTES_MAX: usize = 64 * 1024;

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens, or the connection broke before an answer.
    #[error("{service} at {address} cannot be reached (is the agent up, and is this its address?)")]
    Unreachable {
        /// Nomad or Consul.
        service: &'static str,
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A certificate is not good: trying again does not help.
    #[error("{service} at {address} cannot be spoken to: {bad}")]
    Certificate {
        /// Nomad or Consul.
        service: &'static str,
        /// Where.
        address: String,
        /// Whose, and what is wrong with it.
        bad: BadCertificate,
        /// In the library's words.
        #[source]
        source: reqwest::Error,
    },
    /// It did not answer in time.
    #[error("{service} at {address} did not answer within {} s", limit.as_secs_f32())]
    TimedOut {
        /// Nomad or Consul.
        service: &'static str,
        /// Where.
        address: String,
        /// The time it had.
        limit: Duration,
    },
    /// The answer began and then broke off.
    #[error("the answer of {service} at {address} broke off")]
    Cut {
        /// Nomad or Consul.
        service: &'static str,
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The servers have no leader: nothing can be changed, and read only what may be old.
    #[error("the {service} servers have no leader ({said}); most of them must be up and see each other")]
    NoLeader {
        /// Nomad or Consul.
        service: &'static str,
        /// In its words.
        said: String,
    },
    /// The token is unknown, expired, or may not do this.
    #[error("{service} refuses: {said} (the token is missing, unknown, expired, or may not do this)")]
    Denied {
        /// Nomad or Consul.
        service: &'static str,
        /// In its words.
        said: String,
    },
    /// There is no such thing.
    #[error("{service} says: {said}")]
    NotFound {
        /// Nomad or Consul.
        service: &'static str,
        /// In its words.
        said: String,
    },
    /// Any other refusal.
    #[error("{service} says ({status}): {said}")]
    Refused {
        /// Nomad or Consul.
        service: &'static str,
        /// Its status code.
        status: u16,
        /// In its words.
        said: String,
    },
    /// The answer is not what the document says.
    #[error("the answer of {service} at {address} is not understood")]
    Unreadable {
        /// Nomad or Consul.
        service: &'static str,
        /// Where.
        address: String,
        /// Where the reader stopped.
        #[source]
        source: serde_json::Error,
    },
    /// The request could not be written.
    #[error("the request to {service} cannot be made: {what}")]
    Request {
        /// Nomad or Consul.
        service: &'static str,
        /// Why.
        what: String,
    },
}

impl CallError {
    /// Whether the same call may well succeed later, with nothing changed by a person.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Cut { .. } | Self::NoLeader { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Certificate { .. }
            | Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::Unreadable { .. }
            | Self::Request { .. } => false,
        }
    }

    /// Whether the request may have been carried out although this error came back.
    ///
    /// No: nobody was connected, nobody leads, or the agent says what is wrong with the request. Yes: the answer was lost,
    /// between us and the agent or between the agent and the leader that it passed the request on to (`rpc error: EOF`), or
    /// a leader was lost while its write was on the way to the others (`leadership lost`).
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !source.is_connect(),
            Self::TimedOut { .. } | Self::Cut { .. } | Self::Unreadable { .. } => true,
            Self::NoLeader { said, .. } => !is_plainly_leaderless(said),
            Self::Refused { status, .. } => matches!(status, 500..=599),
            Self::Certificate { .. } | Self::Denied { .. } | Self::NotFound { .. } | Self::Request { .. } => false,
        }
    }

    /// What the agent said, where it said anything.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::NoLeader { said, .. }
            | Self::Denied { said, .. }
            | Self::NotFound { said, .. }
            | Self::Refused { said, .. } => Some(said),
            _ => None,
        }
    }

    /// Sorts an answer with an error status by its text.
    pub(crate) fn of_text(service: &'static str, status: u16, said: &str) -> Self {
        let said = said.trim().to_owned();
        let lower = said.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if status == 403 || has(&["permission denied", "acl token not found", "token not found"]) {
            return Self::Denied { service, said };
        }
        if has(&["no cluster leader", "no path to region", "failed to get conn", "leadership lost", "not the leader"]) {
            return Self::NoLeader { service, said };
        }
        match status {
            404 => Self::NotFound { service, said },
            _ => Self::Refused { service, status, said },
        }
    }
}

/// What servers say before they have done anything.
fn is_plainly_leaderless(said: &str) -> bool {
    said.eq_ignore_ascii_case("no cluster leader")
}

/// A call's answer, or its error in words.
pub(crate) async fn call<T>(
    wire: &Wire,
    answer: impl Future<Output = Result<ResponseValue<T>, Error<ByteStream>>>,
) -> Result<ResponseValue<T>, CallError> {
    match answer.await {
        Ok(answer) => Ok(answer),
        Err(error) => Err(explain(wire, error).await),
    }
}

/// How well the servers are. Both agents say it with status 429 where they are not, in the same form.
pub(crate) async fn health<T: DeserializeOwned>(
    wire: &Wire,
    answer: impl Future<Output = Result<ResponseValue<T>, Error<ByteStream>>>,
) -> Result<T, CallError> {
    match answer.await {
        Err(Error::ErrorResponse(ill)) if ill.status() == StatusCode::TOO_MANY_REQUESTS => {
            let said = read_all(wire, ill.into_inner(), SAID_BYTES_MAX).await?;
            let (service, address) = (wire.service().name(), wire.address().to_owned());
            serde_json::from_slice(&said).map_err(|source| CallError::Unreadable { service, address, source })
        }
        answer => Ok(call(wire, std::future::ready(answer)).await?.into_inner()),
    }
}

/// The whole of a short stream.
pub(crate) async fn read_all(wire: &Wire, mut stream: ByteStream, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(part) = stream.next().await {
        bytes.extend_from_slice(&part.map_err(|source| broken(wire, source))?);
        if bytes.len() >= bytes_max {
            bytes.truncate(bytes_max);
            break;
        }
    }
    Ok(bytes)
}

async fn explain(wire: &Wire, error: Error<ByteStream>) -> CallError {
    let service = wire.service().name();
    match error {
        Error::ErrorResponse(response) => {
            let status = response.status().as_u16();
            match read_all(wire, response.into_inner(), SAID_BYTES_MAX).await {
                Ok(said) => CallError::of_text(service, status, &String::from_utf8_lossy(&said)),
                Err(error) => error,
            }
        }
        Error::CommunicationError(source) | Error::ResponseBodyError(source) | Error::InvalidUpgrade(source) => {
            broken(wire, source)
        }
        Error::InvalidResponsePayload(_, source) => {
            CallError::Unreadable { service, address: wire.address().to_owned(), source }
        }
        Error::UnexpectedResponse(response) => {
            let status = response.status().as_u16();
            CallError::of_text(service, status, &response.text().await.unwrap_or_default())
        }
        Error::InvalidRequest(what) | Error::Custom(what) => CallError::Request { service, what },
    }
}

/// The connection's own errors. The library's text holds the whole address, which may hold what was searched for.
pub(crate) fn broken(wire: &Wire, source: reqwest::Error) -> CallError {
    let (service, address) = (wire.service().name(), wire.address().to_owned());
    let limit = wire.limits().answer;
    let source = source.without_url();
    if let Some(bad) = BadCertificate::of(&source) {
        return CallError::Certificate { service, address, bad, source };
    }
    match source {
        source if source.is_timeout() && source.is_connect() => {
            CallError::TimedOut { service, address, limit: wire.limits().connect }
        }
        source if source.is_timeout() => CallError::TimedOut { service, address, limit },
        source if source.is_body() || source.is_decode() => CallError::Cut { service, address, source },
        source => CallError::Unreachable { service, address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_words_are_sorted() {
        let sorted = |status, said| CallError::of_text("Nomad", status, said);
        assert!(matches!(sorted(500, "No cluster leader"), CallError::NoLeader { .. }));
        assert!(matches!(
            sorted(500, "rpc error: failed to get conn: rpc error: lead thread"),
            CallError::NoLeader { .. }
        ));
        assert!(matches!(sorted(403, "Permission denied\n"), CallError::Denied { .. }));
        assert!(matches!(sorted(500, "ACL token not found"), CallError::Denied { .. }));
        assert!(matches!(sorted(404, "job not found"), CallError::NotFound { .. }));
        assert!(matches!(sorted(400, "missing job"), CallError::Refused { status: 400, .. }));
        assert_eq!(sorted(404, "alloc not found\n").said(), Some("alloc not found"));
    }

    #[test]
    fn what_may_have_been_done_is_told_from_what_was_not_even_begun() {
        for (status, said, may) in [
            (500, "No cluster leader", false),
            (403, "Permission denied", false),
            (400, "missing job", false),
            (404, "job not found", false),
            (429, "slow down", false),
            (500, "rpc error: EOF", true),
            (500, "rpc error: failed to get conn: rpc error: lead thread", true),
            (500, "leadership lost while committing log", true),
            (500, "rpc error: leadership lost while committing log", true),
            (500, "something broke", true),
            (502, "bad gateway", true),
        ] {
            assert_eq!(CallError::of_text("Nomad", status, said).may_have_happened(), may, "{status} {said}");
        }
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        for (status, said, transient) in [
            (500, "No cluster leader", true),
            (429, "slow down", true),
            (502, "bad gateway", true),
            (403, "Permission denied", false),
            (404, "job not found", false),
            (400, "1 error occurred", false),
        ] {
            assert_eq!(CallError::of_text("Nomad", status, said).is_transient(), transient, "{status} {said}");
        }
    }
}
