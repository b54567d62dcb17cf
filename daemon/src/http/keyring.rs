//! Every key that may come in: those of the configuration and those of the store, held in memory.
//!
//! The API is the only writer of keys, so memory and store cannot drift: a change is committed first and read back
//! after. A request costs one pass over the digests and no query.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, RwLock},
};

use serde_json::json;
use store::{Batch, KeyRow, NewEvent, Store, WriteError};
use vocabulary::{Approved, Authority, EventKind, KeyId, Timestamp};

use super::{auth::Caller, desks::BoxError, keys::NewKey, wire::KeyView};
use crate::keys::{self, KeyDigest, KeyOrigin, KnownKey, Scope, Scopes};

/// Why a key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// There is no such key.
    #[error("there is no key {0}")]
    Unknown(KeyId),
    /// The name is taken, perhaps by a revoked key.
    #[error("there is a key {0} already")]
    Taken(KeyId),
    /// The key stands in the configuration.
    #[error("the key {0} stands in the configuration")]
    Configured(KeyId),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] BoxError),
}

/// Every key that may come in.
#[derive(Debug)]
pub struct KeyRing {
    configured: Vec<KnownKey>,
    stored: RwLock<Vec<KnownKey>>,
    /// When each stored key was last used, until that is written down.
    used: Mutex<HashMap<KeyId, Timestamp>>,
}

impl KeyRing {
    /// The keys of the configuration, and those that the store knows.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open(configured: Vec<KnownKey>, store: &Store) -> Result<Self, KeyChangeError> {
        let ring = Self { configured, stored: RwLock::default(), used: Mutex::default() };
        ring.read_back(store).await?;
        Ok(ring)
    }

    /// Whether nobody could come in over the network.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.stored().is_empty()
    }

    pub(super) fn find(&self, presented: &KeyDigest, now: Timestamp) -> Option<Caller> {
        // Both lists are searched in full, so that the time tells nothing about where a key is known from.
        let configured = keys::find(&self.configured, presented).cloned();
        let stored = keys::find(&self.stored(), presented).cloned();
        if let Some(key) = &stored {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(key.name.clone(), now);
        }
        configured.or(stored).map(|key| Caller { name: key.name.0, scopes: key.scopes })
    }

    pub(super) async fn list(&self, store: &Store) -> Result<Vec<KeyView>, KeyChangeError> {
        self.write_used(store).await?;
        let configured = self.configured.iter().map(|key| KeyView {
            name: key.name.0.clone(),
            scopes: key.scopes.list(),
            origin: KeyOrigin::Configuration,
            created: None,
            revoked: None,
            last_used: None,
        });
        let rows = store.keys().await.map_err(|error| KeyChangeError::Store(error.into()))?;
        let stored = rows.into_iter().map(|row| KeyView {
            scopes: scopes_of(&row).list(),
            name: row.id.0,
            origin: KeyOrigin::Store,
            created: Some(row.created),
            revoked: row.revoked,
            last_used: row.last_used,
        });
        Ok(configured.chain(stored).collect())
    }

    pub(super) async fn check_free(&self, store: &Store, name: &KeyId) -> Result<(), KeyChangeError> {
        let taken = self.list(store).await?.iter().any(|key| key.name == name.0);
        if taken { Err(KeyChangeError::Taken(name.clone())) } else { Ok(()) }
    }

    pub(super) async fn create(
        &self,
        store: &Store,
        order: &Approved<NewKey>,
        digest: KeyDigest,
        now: Timestamp,
    ) -> Result<(), KeyChangeError> {
        let NewKey { name, scopes } = order.value();
        let row = row(name, digest, scopes.iter().copied().collect(), now);
        let event = audit("key create", order.authority(), &json!({ "name": name, "scopes": scopes }), now);
        let batch = Batch { keys: vec![row], events: vec![event], ..Batch::default() };
        store.commit(batch).await.map_err(write_error)?;
        self.read_back(store).await
    }

    pub(super) async fn check_revocable(&self, store: &Store, name: &KeyId) -> Result<(), KeyChangeError> {
        if self.configured.iter().any(|key| key.name == *name) {
            return Err(KeyChangeError::Configured(name.clone()));
        }
        let known = self.list(store).await?.iter().any(|key| key.name == name.0);
        if known { Ok(()) } else { Err(KeyChangeError::Unknown(name.clone())) }
    }

    pub(super) async fn revoke(
        &self,
        store: &Store,
        order: &Approved<KeyId>,
        now: Timestamp,
    ) -> Result<(), KeyChangeError> {
        let event = audit("key revoke", order.authority(), &json!({ "name": order.value() }), now);
        let revoked = vec![(order.value().clone(), now)];
        let batch = Batch { keys_revoked: revoked, events: vec![event], ..Batch::default() };
        store.commit(batch).await.map_err(write_error)?;
        self.read_back(store).await
    }

    /// Puts in a key that nobody ordered: the first one, made at first start.
    pub(super) async fn put_first(
        &self,
        store: &Store,
        name: &str,
        digest: KeyDigest,
        now: Timestamp,
    ) -> Result<(), KeyChangeError> {
        let batch = Batch { keys: vec![row(name, digest, Scopes::all(), now)], ..Batch::default() };
        store.commit(batch).await.map_err(write_error)?;
        self.read_back(store).await
    }

    /// Writes down when keys were last used; many requests, one row a key.
    pub(super) async fn write_used(&self, store: &Store) -> Result<(), KeyChangeError> {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return Ok(());
        }
        let batch = Batch { keys_used: used.into_iter().collect(), ..Batch::default() };
        store.commit(batch).await.map_err(write_error).map(drop)
    }

    async fn read_back(&self, store: &Store) -> Result<(), KeyChangeError> {
        let rows = store.keys().await.map_err(|error| KeyChangeError::Store(error.into()))?;
        let live = rows.iter().filter(|row| row.revoked.is_none()).map(|row| KnownKey {
            name: row.id.clone(),
            digest: KeyDigest(row.sha256),
            scopes: scopes_of(row),
            origin: KeyOrigin::Store,
        });
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = live.collect();
        Ok(())
    }

    fn stored(&self) -> std::sync::RwLockReadGuard<'_, Vec<KnownKey>> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scope that this version does not know gives nothing.
fn scopes_of(row: &KeyRow) -> Scopes {
    row.scopes.iter().filter_map(|word| word.parse::<Scope>().ok()).collect()
}

fn row(name: &str, digest: KeyDigest, scopes: Scopes, now: Timestamp) -> KeyRow {
    KeyRow {
        id: KeyId(name.to_owned()),
        name: name.to_owned(),
        sha256: digest.0,
        scopes: scopes.list().into_iter().map(|scope| scope.name().to_owned()).collect(),
        created: now,
        revoked: None,
        last_used: None,
    }
}

fn audit(what: &str, authority: &Authority, subject: &serde_json::Value, now: Timestamp) -> NewEvent {
    let by = match authority {
        Authority::Person { name } => name.as_str(),
        Authority::Policy { rule } => rule,
    };
    let data = json!({ "by": by, "what": what, "subject": subject });
    NewEvent { at: now, kind: EventKind::Audit, node: None, run: None, data }
}

fn write_error(error: WriteError) -> KeyChangeError {
    match error {
        WriteError::DuplicateKey { id } => KeyChangeError::Taken(id),
        WriteError::NoKey { id } => KeyChangeError::Unknown(id),
        other => KeyChangeError::Store(other.into()),
    }
}
