//! The handle: what every part of the daemon may ask of the store.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use vocabulary::{BootId, Event, KeyId, Node, NodeId, Run, RunId, Seq, StepRecord, Timestamp};

use crate::{
    BackupError, Batch, BootRow, Claims, Committed, EventsError, KeyRow, LeaseRow, OpenError, Protection, ReadError,
    Retention, RunFilter, RunTaskRow, Trimmed, WriteError, backup, boots, events, keys, leases,
    lock::{self, Lock},
    nodes,
    reader::Readers,
    retention, runs, schema, settings,
    sql::Num,
    timeline,
    writer::Writer,
};

/// The open database. Clones share it; it is closed by [`Store::close`] or with the last clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

/// The next numbers, for a caller that counts itself. It must be the only one who opens boots and runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The next boot's.
    pub next_boot: BootId,
    /// The next run's.
    pub next_run: RunId,
}

/// How well group commit works; for `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteStats {
    /// Batches written or refused.
    pub batches: u64,
    /// Transactions that it took, each with one sync.
    pub transactions: u64,
}

#[derive(Debug)]
struct Inner {
    writer: Writer,
    readers: Readers,
    folder: PathBuf,
    // Given back by `close`, or dropped last, after the connections.
    lock: Mutex<Option<Lock>>,
}

impl Store {
    /// Makes or opens `roost.db` in the folder, alone: `now` is written into the lock file.
    ///
    /// # Errors
    /// Another daemon has the folder, or the database is newer, damaged or not ours.
    pub async fn open(folder: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || Self::open_now(folder, now)).await.unwrap_or(Err(OpenError::Cut))
    }

    fn open_now(folder: PathBuf, now: Timestamp) -> Result<Self, OpenError> {
        lock::make_folder(&folder)?;
        let lock = lock::take(&folder, now)?;
        let path = folder.join(schema::DATABASE_FILE);
        backup::refuse_half_restored(&path)?;
        let connection = schema::open_writer(&path)?;
        let readers = Readers::open(&path)?;
        let bounds = events::bounds(&connection);
        let (_, last) = bounds.map_err(|source| OpenError::Prepare { path, source: source.into() })?;
        Ok(Self(Arc::new(Inner {
            writer: Writer::new(connection, last),
            readers,
            folder,
            lock: Mutex::new(Some(lock)),
        })))
    }

    /// Writes everything that waits, folds the log into the database, closes it and gives the lock back. Other clones
    /// find it closed.
    pub async fn close(self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Writes all of the batch or nothing, and comes back once it is on the disk. A future that is dropped after its
    /// first poll is written or refused all the same.
    ///
    /// # Errors
    /// Something in the batch does not fit what is stored, or the disk refused; nothing of the batch is there then.
    pub async fn commit(&self, batch: Batch) -> Result<Committed, WriteError> {
        if batch.is_empty() {
            return Ok(Committed::default());
        }
        self.0.writer.commit(batch).await
    }

    /// Tells of new events. Only a hint that there is more: [`Store::events_since`] is the truth.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<Seq> {
        self.0.writer.commits()
    }

    /// How well group commit works.
    #[must_use]
    pub fn write_stats(&self) -> WriteStats {
        let (batches, transactions) = self.0.writer.counts();
        WriteStats { batches, transactions }
    }

    /// Drops the past beyond these bounds.
    ///
    /// # Errors
    /// The disk refused.
    pub async fn trim(&self, keep: Retention) -> Result<Trimmed, WriteError> {
        self.0.writer.exec(move |connection| Ok(retention::trim(connection, &keep)?)).await
    }

    /// A consistent copy in one file of mode 0600, made while the daemon goes on writing.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn backup(&self, to: &Path, protection: Protection) -> Result<(), BackupError> {
        backup::backup(&self.0.folder, to, protection).await
    }

    /// Makes a key known.
    ///
    /// # Errors
    /// There is one of this id or value.
    pub async fn put_key(&self, key: KeyRow) -> Result<(), WriteError> {
        self.commit(Batch { keys: vec![key], ..Batch::default() }).await.map(drop)
    }

    /// Makes a key count no longer. A repeat changes nothing.
    ///
    /// # Errors
    /// There is no such key.
    pub async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<(), WriteError> {
        self.commit(Batch { keys_revoked: vec![(id, at)], ..Batch::default() }).await.map(drop)
    }
}

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $kind:ty),*) -> $what:ty = $read:expr;)*) => {
        /// Reading. Every call sees everything whose commit has come back.
        impl Store {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The database is damaged or closed.
                pub async fn $name(&self, $($arg: $kind),*) -> Result<$what, ReadError> {
                    self.0.readers.read(move |connection| Ok($read(connection, $($arg),*)?)).await
                }
            )*
        }
    };
}

reads! {
    /// Every lease.
    leases() -> Vec<LeaseRow> = leases::all;
    /// Every node, by name.
    nodes() -> Vec<Node> = nodes::all;
    /// One node.
    node(id: NodeId) -> Option<Node> = |connection, id| nodes::one(connection, &id);
    /// What a node says of itself, once it has.
    claims(node: NodeId) -> Option<Claims> = |connection, node| nodes::claims(connection, &node);
    /// One boot.
    boot(id: BootId) -> Option<BootRow> = boots::one;
    /// The last `limit` boots of a node, the newest first.
    boots(node: NodeId, limit: u32) -> Vec<BootRow> = |connection, node, limit| boots::of_node(connection, &node, limit);
    /// The last boot of every node that has one.
    last_boots() -> Vec<BootRow> = boots::last_of_each;
    /// The last `limit` lines of a node's timeline, or of one of its boots, the oldest of them first.
    timeline(node: NodeId, boot: Option<BootId>, limit: u32) -> Vec<StepRecord> =
        |connection, node, boot, limit| timeline::of_node(connection, &node, boot, limit);
    /// Runs, the newest first.
    runs(filter: RunFilter) -> Vec<Run> = |connection, filter| runs::list(connection, &filter);
    /// One run.
    run(id: RunId) -> Option<Run> = runs::one;
    /// What the tasks of a run reported after number `since`, in order.
    run_tasks(run: RunId, since: u64) -> Vec<RunTaskRow> = runs::tasks;
    /// Every key, revoked ones included.
    keys() -> Vec<KeyRow> = keys::all;
    /// The key of this SHA-256.
    key_by_digest(sha256: [u8; 32]) -> Option<KeyRow> = keys::by_digest;
    /// A setting's value.
    setting(name: String) -> Option<serde_json::Value> = |connection, name: String| settings::one(connection, &name);
    /// The next numbers of boots and runs.
    numbers() -> Numbers = next_numbers;
    /// The place of the newest event; 0 before the first.
    last_seq() -> Seq = |connection| events::bounds(connection).map(|(_, last)| last);
}

impl Store {
    /// Events after a place, at most `limit`, in order.
    ///
    /// # Errors
    /// The place is below the floor or beyond the end, or the database is damaged or closed.
    pub async fn events_since(&self, since: Seq, limit: u32) -> Result<Vec<Event>, EventsError> {
        self.0.readers.read(move |connection| events::since(connection, since, limit)).await
    }
}

/// `AUTOINCREMENT` keeps the highest number ever given, also of rows that are gone.
fn next_numbers(connection: &rusqlite::Connection) -> rusqlite::Result<Numbers> {
    let mut statement =
        connection.prepare_cached("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = ?1")?;
    let mut next = |table: &str| statement.query_row([table], |row| Ok(row.get::<_, Num>(0)?.0));
    Ok(Numbers { next_boot: BootId(next("boots")?), next_run: RunId(next("runs")?) })
}
