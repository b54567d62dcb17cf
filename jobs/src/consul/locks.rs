//! Sessions, and keys that a session holds. rs-consul's lock was rejected: it never renews its session.
//!
//! A session that is not renewed within its TTL ends (within twice that, Consul promises), what it held is freed, and
//! nobody gets it for the lock delay: time for a holder that was only slow to notice that it holds nothing any more.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use super::{Client, KvError, generated::types, kv::Put};
use crate::transport::CallError;

/// Lets one of many do something.
#[async_trait]
pub trait Locks: Send + Sync {
    /// Makes a session.
    async fn open_session(&self, spec: &SessionSpec) -> Result<SessionId, CallError>;
    /// Renews it; none when it is gone, and with it everything that it held.
    async fn renew_session(&self, session: &SessionId) -> Result<Option<Session>, CallError>;
    /// Ends it and frees what it held.
    async fn close_session(&self, session: &SessionId) -> Result<(), CallError>;
    /// Takes a key for a session, with a value; false when another holds it or the lock delay runs.
    async fn acquire(&self, key: &str, value: &str, session: &SessionId) -> Result<bool, KvError>;
    /// Gives it back; false when the session did not hold it.
    async fn release(&self, key: &str, value: &str, session: &SessionId) -> Result<bool, KvError>;
}

/// Names a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionId(String);

/// A session that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSpec {
    /// What it is for.
    pub name: String,
    /// It ends when it is not renewed for so long; Consul takes 10 s to a day.
    pub ttl: Duration,
    /// How long nobody gets what it held when it ended unasked.
    pub lock_delay: Duration,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What it is for.
    pub name: String,
    /// The node whose agent it was made through; it ends when that fails.
    pub node: String,
}

impl SessionId {
    /// Any text: Consul alone knows which exist.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// As Consul writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<types::Session> for Session {
    fn from(session: types::Session) -> Self {
        Self { id: SessionId(session.id), name: session.name, node: session.node }
    }
}

impl Client {
    /// Sessions.
    pub async fn sessions(&self) -> Result<Vec<Session>, CallError> {
        let found = self.list(Box::pin(self.api.session_list(None, None, None))).await?.value;
        Ok(found.into_iter().map(Session::from).collect())
    }
}

#[async_trait]
impl Locks for Client {
    async fn open_session(&self, spec: &SessionSpec) -> Result<SessionId, CallError> {
        let text = |duration: Duration| Some(format!("{}ms", duration.as_millis()));
        let body = types::SessionRequest {
            name: Some(spec.name.clone()),
            ttl: text(spec.ttl),
            lock_delay: text(spec.lock_delay),
            behavior: Some("release".to_owned()),
            ..Default::default()
        };
        Ok(SessionId(self.ask(Box::pin(self.api.session_create(&body))).await?.id))
    }

    async fn renew_session(&self, session: &SessionId) -> Result<Option<Session>, CallError> {
        match self.ask(Box::pin(self.api.session_renew(session.as_str()))).await {
            Ok(found) => Ok(found.unwrap_or_default().into_iter().next().map(Session::from)),
            Err(CallError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn close_session(&self, session: &SessionId) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.session_destroy(session.as_str()))).await.map(drop)
    }

    async fn acquire(&self, key: &str, value: &str, session: &SessionId) -> Result<bool, KvError> {
        self.kv_put(key, value, Put::Acquire(session)).await
    }

    async fn release(&self, key: &str, value: &str, session: &SessionId) -> Result<bool, KvError> {
        self.kv_put(key, value, Put::Release(session)).await
    }
}
