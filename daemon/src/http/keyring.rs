//! Every key that may come in: those of the configuration and those of the store, held in memory.
//!
//! One part, the [`KeyClerk`], writes both, one change at a time, and goes on when the request that asked is gone: a
//! handler is dropped with its client or at its deadline, and between a commit and the memory's update that would leave
//! a key that is revoked on paper and opens. A key that is to be revoked leaves the memory before the store is asked,
//! so whatever fails, it fails closed. Rejected: reading the store back after each change, where the older of two reads
//! may come last. A request costs one pass over the digests and no query.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use serde_json::json;
use store::{Batch, KeyRow, NewEvent, Store, WriteError};
use tasks::Stop;
use tokio::sync::{mpsc, oneshot};
use vocabulary::{Approved, Authority, EventKind, KeyId, Timestamp};

use super::{auth::Caller, desks::BoxError, keys::NewKey, wire::KeyView};
use crate::keys::{self, KeyDigest, KeyOrigin, KnownKey, Scope, Scopes};

/// How many changes may wait; people make them.
const WAITING: usize = 16;

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
    /// The daemon is ending.
    #[error("the daemon is stopping")]
    Stopping,
}

/// The keys of the store that count, as every request sees them, and what ends with each when it is revoked.
#[derive(Debug)]
struct Live {
    keys: RwLock<Vec<KnownKey>>,
    /// Taken while `keys` is held, so that nobody comes in by a key that has just gone.
    opened: Mutex<HashMap<KeyId, Stop>>,
}

/// Every key that may come in.
#[derive(Debug)]
pub struct KeyRing {
    configured: Vec<KnownKey>,
    /// Read here, written by the clerk alone.
    stored: Arc<Live>,
    /// When each stored key was last used, until that is written down.
    used: Mutex<HashMap<KeyId, Timestamp>>,
    /// To the clerk.
    changes: mpsc::Sender<Order>,
}

/// The part that changes keys.
#[derive(Debug)]
pub struct KeyClerk {
    live: Arc<Live>,
    store: Store,
    changes: mpsc::Receiver<Order>,
}

/// A change on its way to the clerk, with its line in the audit.
#[derive(Debug)]
struct Order {
    change: Change,
    event: NewEvent,
    outcome: oneshot::Sender<Result<(), KeyChangeError>>,
}

#[derive(Debug)]
enum Change {
    Make(KeyRow),
    Revoke(KeyId, Timestamp),
}

impl KeyRing {
    /// The keys of the configuration and those that the store knows, and the part that changes the latter.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open(configured: Vec<KnownKey>, store: Store) -> Result<(Self, KeyClerk), KeyChangeError> {
        let stored = Arc::new(Live { keys: RwLock::new(live_keys(&store).await?), opened: Mutex::default() });
        let (sender, changes) = mpsc::channel(WAITING);
        let clerk = KeyClerk { live: Arc::clone(&stored), store, changes };
        Ok((Self { configured, stored, used: Mutex::default(), changes: sender }, clerk))
    }

    /// Whether nobody could come in over the network.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.configured.is_empty() && self.stored().is_empty()
    }

    pub(super) fn find(&self, presented: &KeyDigest, now: Timestamp) -> Option<Caller> {
        // Both lists are searched in full, so that the time tells nothing about where a key is known from.
        let caller = |key: &KnownKey, revoked| Caller { name: key.name.0.clone(), scopes: key.scopes, revoked };
        let configured = keys::find(&self.configured, presented).map(|key| caller(key, Stop::new()));
        let keys = self.stored();
        let stored = keys::find(&keys, presented).map(|key| {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(key.name.clone(), now);
            caller(key, self.stored.opened().entry(key.name.clone()).or_default().clone())
        });
        configured.or(stored)
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
        order: &Approved<NewKey>,
        digest: KeyDigest,
        now: Timestamp,
    ) -> Result<(), KeyChangeError> {
        let NewKey { name, scopes } = order.value();
        let row = row(name, digest, scopes.iter().copied().collect(), now);
        let event = audit("key create", order.authority(), &json!({ "name": name, "scopes": scopes }), now);
        self.change(Change::Make(row), event).await
    }

    pub(super) async fn check_revocable(&self, store: &Store, name: &KeyId) -> Result<(), KeyChangeError> {
        if self.configured.iter().any(|key| key.name == *name) {
            return Err(KeyChangeError::Configured(name.clone()));
        }
        let known = self.list(store).await?.iter().any(|key| key.name == name.0);
        if known { Ok(()) } else { Err(KeyChangeError::Unknown(name.clone())) }
    }

    pub(super) async fn revoke(&self, order: &Approved<KeyId>, now: Timestamp) -> Result<(), KeyChangeError> {
        let event = audit("key revoke", order.authority(), &json!({ "name": order.value() }), now);
        self.change(Change::Revoke(order.value().clone(), now), event).await
    }

    /// Hands a change to the clerk; from then on it happens, whether or not anybody waits for it.
    async fn change(&self, change: Change, event: NewEvent) -> Result<(), KeyChangeError> {
        let (outcome, answer) = oneshot::channel();
        let order = Order { change, event, outcome };
        self.changes.send(order).await.map_err(|_| KeyChangeError::Stopping)?;
        answer.await.map_err(|_| KeyChangeError::Stopping)?
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

    fn stored(&self) -> std::sync::RwLockReadGuard<'_, Vec<KnownKey>> {
        self.stored.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<KeyId, Stop>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a key out, with every stream and ticket that it opened.
    fn take_out(&self, name: &KeyId) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key| key.name != *name);
        if let Some(opened) = self.opened().remove(name) {
            opened.cancel();
        }
    }
}

impl KeyClerk {
    /// Changes keys until told to stop, and then those that were asked for before.
    ///
    /// # Errors
    /// Never; the signature is that of every part.
    pub async fn run(mut self, stop: Stop) -> Result<(), Infallible> {
        while let Some(Some(order)) = stop.run_until_cancelled(self.changes.recv()).await {
            self.carry_out(order).await;
        }
        self.changes.close();
        while let Some(order) = self.changes.recv().await {
            self.carry_out(order).await;
        }
        Ok(())
    }

    async fn carry_out(&mut self, order: Order) {
        let Order { change, event, outcome } = order;
        let done = match change {
            Change::Make(row) => self.make(row, vec![event]).await,
            Change::Revoke(name, at) => self.revoke(name, at, event).await,
        };
        if outcome.send(done).is_err() {
            tracing::info!("an API key was changed after the request that asked for it had ended");
        }
    }

    /// Puts in a key that nobody ordered: the first one, made at first start.
    pub(super) async fn put_first(
        &mut self,
        name: &str,
        digest: KeyDigest,
        now: Timestamp,
    ) -> Result<(), KeyChangeError> {
        self.make(row(name, digest, Scopes::all(), now), Vec::new()).await
    }

    async fn make(&mut self, row: KeyRow, events: Vec<NewEvent>) -> Result<(), KeyChangeError> {
        let known = known(&row);
        self.store.commit(Batch { keys: vec![row], events, ..Batch::default() }).await.map_err(write_error)?;
        self.live().push(known);
        Ok(())
    }

    async fn revoke(&mut self, name: KeyId, at: Timestamp, event: NewEvent) -> Result<(), KeyChangeError> {
        self.live.take_out(&name);
        let batch = Batch { keys_revoked: vec![(name, at)], events: vec![event], ..Batch::default() };
        let Err(error) = self.store.commit(batch).await else { return Ok(()) };
        // It still counts if the store says so; if the store says nothing, it does not.
        match live_keys(&self.store).await {
            Ok(keys) => *self.live() = keys,
            Err(error) => tracing::error!(error = tasks::chain(&error), "a key was taken out and may still be stored"),
        }
        Err(write_error(error))
    }

    fn live(&self) -> std::sync::RwLockWriteGuard<'_, Vec<KnownKey>> {
        self.live.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn live_keys(store: &Store) -> Result<Vec<KnownKey>, KeyChangeError> {
    let rows = store.keys().await.map_err(|error| KeyChangeError::Store(error.into()))?;
    Ok(rows.iter().filter(|row| row.revoked.is_none()).map(known).collect())
}

fn known(row: &KeyRow) -> KnownKey {
    KnownKey { name: row.id.clone(), digest: KeyDigest(row.sha256), scopes: scopes_of(row), origin: KeyOrigin::Store }
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use vocabulary::Approved;

    use super::*;
    use crate::keys::ApiKey;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// A ring with the stored key `ci`, and what that key opens with.
    async fn ring(folder: &std::path::Path) -> (KeyRing, KeyClerk, Store, KeyDigest) {
        let store = Store::open(folder, NOW).await.unwrap();
        let (ring, mut clerk) = KeyRing::open(Vec::new(), store.clone()).await.unwrap();
        let digest = ApiKey::random().unwrap().digest();
        clerk.put_first("ci", digest, NOW).await.unwrap();
        assert!(ring.find(&digest, NOW).is_some());
        (ring, clerk, store, digest)
    }

    fn order() -> Approved<KeyId> {
        Approved::mint(KeyId("ci".into()), Authority::Person { name: "ann".into() }).unwrap()
    }

    #[tokio::test]
    async fn a_revoked_key_opens_nothing_although_the_client_left_before_the_answer() {
        let folder = tempfile::tempdir().unwrap();
        let (ring, clerk, store, digest) = ring(folder.path()).await;
        let order = order();
        assert!(ring.revoke(&order, NOW).now_or_never().is_none(), "the request ended before its answer");
        let stop = Stop::new();
        stop.cancel();
        clerk.run(stop).await.unwrap();
        assert!(store.keys().await.unwrap()[0].revoked.is_some());
        assert!(ring.find(&digest, NOW).is_none());
    }

    #[tokio::test]
    async fn a_key_whose_revocation_may_not_be_stored_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (ring, mut clerk, store, digest) = ring(folder.path()).await;
        store.close().await;
        let event = audit("key revoke", order().authority(), &json!({}), NOW);
        clerk.revoke(KeyId("ci".into()), NOW, event).await.unwrap_err();
        assert!(ring.find(&digest, NOW).is_none());
    }
}
