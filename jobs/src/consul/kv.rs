//! Keys and values, through rs-consul, with its traps worked round:
//!
//! - it puts keys into addresses as they are: they are percent-encoded here;
//! - its connections are not pooled, and its time limit ends with the headers: both are set from outside;
//! - it loses the index of a 404, so waiting for a key that is not there yet goes through the generated client;
//! - it cuts the index of a conditional delete to 32 bits: that goes through a transaction;
//! - with a datacenter or namespace it builds another key: neither is ever set;
//! - its lock never renews its session and blocks a thread when it is dropped: `locks.rs` has its own;
//! - a value that is no UTF-8 is an error, and `Debug` shows the token: values are text, the client is never shown.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};
use hyper_util::{client::legacy, rt::TokioExecutor};
use rs_consul::{ConsulError, CreateOrUpdateKeyRequest, DeleteKeyRequest, ReadKeyRequest};
use rustls::pki_types::ServerName;

use super::{Client, Operation, SessionId, TxnError, generated::types};
use crate::{
    blocking::{Index, Listing, Query},
    transport::{BuildError, CallError, Connected, Endpoint, TlsError},
};

/// Keeps texts under keys.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// One key.
    async fn read(&self, key: &str) -> Result<Option<Entry>, KvError>;
    /// All keys that begin so.
    async fn read_all(&self, prefix: &str) -> Result<Vec<Entry>, KvError>;
    /// One key, as soon as it is newer than the query's index; it need not be there yet.
    async fn watch(&self, key: &str, query: &Query) -> Result<Listing<Option<Entry>>, KvError>;
    /// Writes; [`KvError::Conflict`] when the condition does not hold.
    async fn write(&self, key: &str, value: &str, cas: Cas) -> Result<(), KvError>;
    /// Deletes; [`KvError::Conflict`] when the condition does not hold.
    async fn delete(&self, key: &str, cas: Cas) -> Result<(), KvError>;
}

/// Over what a key is written or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cas {
    /// Only if it is not there.
    Absent,
    /// Only if this is its `modify_index`.
    At(Index),
    /// Whatever is there.
    Any,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value; a key without one has an empty one.
    pub value: String,
    /// What a change must name to be sure that nobody changed it meanwhile.
    pub modify_index: Index,
    /// How often it was locked.
    pub lock_index: u64,
    /// Who holds it.
    pub session: Option<SessionId>,
}

/// A key could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// It is not what the caller said.
    #[error("the key {key} was changed meanwhile")]
    Conflict {
        /// Which.
        key: String,
    },
    /// The value is no text.
    #[error("the value of {key} is no text")]
    NotText {
        /// Which.
        key: String,
    },
    /// The call failed.
    #[error("cannot reach the key {key}")]
    Call {
        /// Which.
        key: String,
        /// Why.
        #[source]
        source: CallError,
    },
    /// The library's own trouble.
    #[error("cannot reach the key {key}")]
    Library {
        /// Which.
        key: String,
        /// Why.
        #[source]
        source: Box<ConsulError>,
    },
}

/// rs-consul over our own TLS and a pool, towards one server.
pub(super) fn client(
    endpoint: &Endpoint,
    address: &str,
    connected: &Connected,
) -> Result<rs_consul::Consul, BuildError> {
    let bad = |source| BuildError::Tls { address: address.to_owned(), source };
    let builder = HttpsConnectorBuilder::new().with_tls_config(connected.tls.clone()).https_or_http();
    let name = endpoint.tls.as_ref().and_then(|tls| tls.server_name.clone());
    let connector = match name {
        Some(name) => {
            let parsed = ServerName::try_from(name.clone()).map_err(|_| bad(TlsError::Name { name }))?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(parsed)).enable_http1().build()
        }
        None => builder.enable_http1().build(),
    };
    let mut pooled = legacy::Builder::new(TokioExecutor::new());
    pooled.pool_idle_timeout(Duration::from_secs(30)).pool_max_idle_per_host(4);
    let https = pooled.build(connector);
    let config = rs_consul::Config {
        address: address.to_owned(),
        token: endpoint.token.as_ref().map(|token| token.expose().clone()),
        hyper_builder: pooled,
    };
    Ok(rs_consul::Consul::new_with_client(config, https))
}

impl Client {
    /// The library, towards the server that is asked now.
    fn kv(&self) -> &rs_consul::Consul {
        &self.kv[self.wire().way()]
    }

    /// One call of rs-consul: its turn, the whole of it in time, its errors in words. A 404 is none.
    async fn kv_call<T>(
        &self,
        key: &str,
        answer: impl Future<Output = Result<T, ConsulError>>,
    ) -> Result<Option<T>, KvError> {
        self.wire().turn().await;
        let (limit, way) = (self.wire().limits().answer, self.wire().way());
        let (address, key) = (self.wire().address().to_owned(), key.to_owned());
        let answer = tokio::time::timeout(limit, answer).await;
        if !matches!(&answer, Ok(Ok(_) | Err(ConsulError::UnexpectedResponseCode(..) | ConsulError::InvalidUtf8(_)))) {
            self.wire().gave_up(way);
        }
        match answer {
            Err(_) => Err(KvError::Call { key, source: CallError::TimedOut { service: "Consul", address, limit } }),
            Ok(Ok(answer)) => Ok(Some(answer)),
            Ok(Err(ConsulError::UnexpectedResponseCode(status, _))) if status.as_u16() == 404 => Ok(None),
            Ok(Err(ConsulError::UnexpectedResponseCode(status, said))) => {
                let source = CallError::of_text("Consul", status.as_u16(), &said.unwrap_or_default());
                Err(KvError::Call { key, source })
            }
            Ok(Err(ConsulError::InvalidUtf8(_))) => Err(KvError::NotText { key }),
            Ok(Err(source)) => Err(KvError::Library { key, source: Box::new(source) }),
        }
    }

    /// Writes, and acquires or releases where a session is named; false when a condition did not hold.
    pub(super) async fn kv_put(&self, key: &str, value: &str, how: Put<'_>) -> Result<bool, KvError> {
        let encoded = encoded(key);
        let mut request = CreateOrUpdateKeyRequest::builder().key(encoded.as_str()).build();
        match how {
            Put::Cas(Cas::Absent) => request.check_and_set = Some(0),
            Put::Cas(Cas::At(index)) => request.check_and_set = i64::try_from(index.0).ok(),
            Put::Cas(Cas::Any) => (),
            Put::Acquire(session) => request.acquire = session.as_str(),
            Put::Release(session) => request.release = session.as_str(),
        }
        let put = self.kv().create_or_update_key(request, value.as_bytes().to_vec());
        Ok(self.kv_call(key, put).await?.is_some_and(|(done, _)| done))
    }

    async fn kv_read(&self, key: &str, recurse: bool) -> Result<Vec<Entry>, KvError> {
        let encoded = encoded(key);
        let request = ReadKeyRequest::builder().key(encoded.as_str()).recurse(recurse).build();
        let found = self.kv_call(key, self.kv().read_key(request)).await?;
        Ok(found.map(|found| found.response.into_iter().map(Entry::from).collect()).unwrap_or_default())
    }
}

/// How a key is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Put<'a> {
    Cas(Cas),
    Acquire(&'a SessionId),
    Release(&'a SessionId),
}

#[async_trait]
impl KeyValue for Client {
    async fn read(&self, key: &str) -> Result<Option<Entry>, KvError> {
        Ok(self.kv_read(key, false).await?.pop())
    }

    async fn read_all(&self, prefix: &str) -> Result<Vec<Entry>, KvError> {
        self.kv_read(prefix, true).await
    }

    async fn watch(&self, key: &str, query: &Query) -> Result<Listing<Option<Entry>>, KvError> {
        let failed = |source| KvError::Call { key: key.to_owned(), source };
        let wait = query.wait_text();
        let answer = self.api.kv_read(key, query.index_number(), None, query.stale(), wait.as_deref());
        let listing = self.look_even_absent(Box::pin(answer)).await.map_err(failed)?;
        let entry = listing.value.first().map(Entry::from_raw).transpose()?;
        Ok(listing.map(|_| entry))
    }

    async fn write(&self, key: &str, value: &str, cas: Cas) -> Result<(), KvError> {
        let done = self.kv_put(key, value, Put::Cas(cas)).await?;
        if done { Ok(()) } else { Err(KvError::Conflict { key: key.to_owned() }) }
    }

    async fn delete(&self, key: &str, cas: Cas) -> Result<(), KvError> {
        let key_owned = || key.to_owned();
        match cas {
            Cas::Any => {
                let encoded = encoded(key);
                let request = DeleteKeyRequest::builder().key(encoded.as_str()).build();
                self.kv_call(key, self.kv().delete_key(request)).await.map(drop)
            }
            Cas::Absent => self.read(key).await?.map_or(Ok(()), |_| Err(KvError::Conflict { key: key_owned() })),
            Cas::At(index) => {
                let operations = [Operation::DeleteAt { key: key_owned(), index }];
                match self.transaction(&operations).await {
                    Ok(_) => Ok(()),
                    Err(TxnError::RolledBack { .. }) => Err(KvError::Conflict { key: key_owned() }),
                    Err(TxnError::Call(source)) => Err(KvError::Call { key: key_owned(), source }),
                }
            }
        }
    }
}

impl From<rs_consul::ReadKeyResponse> for Entry {
    fn from(read: rs_consul::ReadKeyResponse) -> Self {
        let index = |number: i64| u64::try_from(number).unwrap_or_default();
        Self {
            key: read.key,
            value: read.value.unwrap_or_default(),
            modify_index: Index(index(read.modify_index)),
            lock_index: index(read.lock_index),
            session: read.session.map(SessionId::new),
        }
    }
}

impl Entry {
    pub(super) fn from_raw(raw: &types::KvEntry) -> Result<Self, KvError> {
        let not_text = || KvError::NotText { key: raw.key.clone() };
        let bytes = STANDARD.decode(raw.value.as_deref().unwrap_or_default()).map_err(|_| not_text())?;
        Ok(Self {
            key: raw.key.clone(),
            value: String::from_utf8(bytes).map_err(|_| not_text())?,
            modify_index: Index(raw.modify_index),
            lock_index: raw.lock_index,
            session: Some(raw.session.clone()).filter(|session| !session.is_empty()).map(SessionId::new),
        })
    }
}

/// A key as part of an address: everything but letters, digits and `-._~/` is encoded.
fn encoded(key: &str) -> String {
    key.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_itself_in_an_address() {
        assert_eq!(encoded("roost/nodes/a-1"), "roost/nodes/a-1");
        assert_eq!(encoded("a key?x=1&y#z%"), "a%20key%3Fx%3D1%26y%23z%25");
        assert_eq!(encoded("ä"), "%C3%A4");
    }
}
