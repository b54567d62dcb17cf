//! How both clients reach their agents: address, token, TLS, timeouts, pace, and what went wrong in words.

mod certificate;
mod error;
mod pace;
mod tls;
mod ways;
mod wire;

pub use certificate::{BadCertificate, Fault, Whose};
pub use error::CallError;
pub(crate) use error::{broken, call, health, read_all};
pub use pace::Pace;
pub use tls::{ClientCertificate, Tls, TlsError};
pub use ways::Turn;
pub use wire::Wire;
pub(crate) use wire::{Connected, Service, connect};

use std::time::Duration;

use vocabulary::Secret;

/// Where an agent is and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub address: String,
    /// Sent as a header, never in an address or a body.
    pub token: Option<Secret<String>>,
    /// Whom to trust and who we are; needed with `https`.
    pub tls: Option<Tls>,
    /// How long and how often.
    pub limits: Limits,
    /// Other servers of the same cluster, which answer where that one does not; with the same token and TLS.
    pub others: Vec<String>,
    /// Which of them is asked now; shared by those who ask the same servers.
    pub turn: Turn,
}

/// How long is waited for an agent, and how often it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For an ordinary answer, and for the first byte of a stream. A blocking query has its own wait besides.
    pub answer: Duration,
    /// A stream that is silent for longer counts as cut; Nomad's events carry a heartbeat every 10 s.
    pub silence: Duration,
    /// Requests a second, in the long run.
    pub per_second: u32,
    /// Requests at once, before that rate holds.
    pub burst: u32,
}

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Not an address.
    #[error("`{address}` is no address of an agent; it reads like https://10.0.0.1:4646")]
    Address {
        /// What was given.
        address: String,
    },
    /// Certificates.
    #[error("cannot use the certificates for {address}")]
    Tls {
        /// For which agent.
        address: String,
        /// Why.
        #[source]
        source: TlsError,
    },
    /// `https` needs someone to trust.
    #[error("{address} wants TLS, and no authority to trust is configured")]
    NoAuthority {
        /// Which agent.
        address: String,
    },
    /// The token holds what no header may.
    #[error("the token for {address} holds a line break or another character that no header may hold")]
    Token {
        /// Which agent.
        address: String,
    },
    /// The HTTP library.
    #[error("cannot make a client for {address}")]
    Client {
        /// Which agent.
        address: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

impl Endpoint {
    /// An agent without TLS or token, as on loopback in tests.
    #[must_use]
    pub fn plain(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            token: None,
            tls: None,
            limits: Limits::default(),
            others: Vec::new(),
            turn: Turn::default(),
        }
    }

    /// With this token.
    #[must_use]
    pub fn with_token(self, token: Secret<String>) -> Self {
        Self { token: Some(token), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(10),
            silence: Duration::from_secs(35),
            per_second: 20,
            burst: 60,
        }
    }
}
