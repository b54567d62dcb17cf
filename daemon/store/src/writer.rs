//! Writing: one connection on its own thread, and group commit.
//!
//! A batch joins the queue and asks the thread to come by. The thread takes the whole queue, writes each batch in a
//! savepoint of one transaction, commits once (one sync) and only then answers. Whatever queues up during that sync
//! is the next group. A batch that fails is rolled back alone and answered alone.
//!
//! After an error of the disk SQLite may have rolled back the whole transaction by itself; then every batch of the
//! group gets that error. After a failed sync nobody knows what the disk holds (the kernel may drop the pages and
//! report success the next time), so the writer stops for good and a restart reads the truth from the log.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{oneshot, watch};
use vocabulary::Seq;

use crate::{Batch, Committed, WriteError, error::panic_message};

type Answer = oneshot::Sender<Result<Committed, WriteError>>;

/// The queue's waiting end, for the handles.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: tokio_rusqlite::Connection,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    last: watch::Sender<Seq>,
    batches: AtomicU64,
    transactions: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<(Batch, Answer)>,
    stopped: bool,
}

impl Writer {
    pub(crate) fn new(connection: Connection, last: Seq) -> Self {
        let queue = Mutex::default();
        let shared = Shared { queue, last: watch::channel(last).0, batches: 0.into(), transactions: 0.into() };
        Self { connection: connection.into(), shared: Arc::new(shared) }
    }

    pub(crate) fn commits(&self) -> watch::Receiver<Seq> {
        self.shared.last.subscribe()
    }

    /// Batches and transactions so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.shared.batches.load(Ordering::Relaxed), self.shared.transactions.load(Ordering::Relaxed))
    }

    /// Once this was polled the batch is written or refused, whether or not the caller waits for the answer.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Committed, WriteError> {
        let (answer, mut answered) = oneshot::channel();
        if !self.shared.join(batch, answer) {
            return Err(WriteError::Stopped);
        }
        let shared = Arc::clone(&self.shared);
        let visit = self.connection.call_raw(move |connection| shared.write_group(connection));
        let lost = |_| Err(WriteError::Closed);
        tokio::select! {
            // An earlier visit may have taken this batch along: then nobody waits for the visit asked for here.
            biased;
            visited = visit => match visited {
                Ok(()) => answered.await.unwrap_or_else(lost),
                Err(_) => Err(WriteError::Closed),
            },
            result = &mut answered => result.unwrap_or_else(lost),
        }
    }

    /// Runs something else that writes, between two groups.
    pub(crate) async fn exec<R: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection) -> Result<R, WriteError> + Send + 'static,
    ) -> Result<R, WriteError> {
        let work = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = caught(|| write(&transaction))?;
            transaction.commit()?;
            Ok(result)
        };
        self.connection.call_raw(work).await.unwrap_or(Err(WriteError::Closed))
    }

    /// What is queued is written first; the log is folded into the database.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.connection.clone().close().await {
            tracing::warn!(%error, "the database did not close; its log is read at the next start");
        }
    }
}

impl Shared {
    fn join(&self, batch: Batch, answer: Answer) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !queue.stopped {
            queue.waiting.push((batch, answer));
        }
        !queue.stopped
    }

    fn write_group(&self, connection: &mut Connection) {
        let group = mem::take(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner).waiting);
        if group.is_empty() {
            return;
        }
        self.batches.fetch_add(group.len() as u64, Ordering::Relaxed);
        self.transactions.fetch_add(1, Ordering::Relaxed);
        let written = write_all(connection, group);
        let events = written.iter().filter_map(|(_, result)| result.as_ref().ok()?.events.last());
        let last = events.map(|event| event.seq).max();
        if let Some(last) = last {
            self.last.send_replace(last);
        }
        for (answer, result) in written {
            self.stop_if_lost(&result);
            // A caller that went away has its batch written all the same.
            let _ = answer.send(result);
        }
    }

    fn stop_if_lost(&self, result: &Result<Committed, WriteError>) {
        let Err(WriteError::Disk { source }) = result else { return };
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !mem::replace(&mut queue.stopped, true) {
            tracing::error!(error = %source, "the disk refused a write: writing stops until the next start");
        }
    }
}

type Written = Vec<(Answer, Result<Committed, WriteError>)>;

fn write_all(connection: &mut Connection, group: Vec<(Batch, Answer)>) -> Written {
    let mut written = Written::with_capacity(group.len());
    let mut trouble = None;
    match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(mut transaction) => {
            for (batch, answer) in group {
                let result = match &trouble {
                    None => isolated(&mut transaction, |inner| batch.apply(inner)),
                    Some(error) => Err(WriteError::clone(error)),
                };
                // SQLite gave up the whole transaction: nothing of this group will be there.
                if transaction.is_autocommit() && trouble.is_none() {
                    trouble = result.as_ref().err().cloned();
                }
                written.push((answer, result));
            }
            if trouble.is_none() {
                trouble = transaction.commit().err().map(WriteError::from);
            }
        }
        Err(error) => {
            let error = WriteError::from(error);
            written.extend(group.into_iter().map(|(_, answer)| (answer, Err(error.clone()))));
        }
    }
    match trouble {
        None => written,
        Some(error) => written.into_iter().map(|(answer, result)| (answer, result.and(Err(error.clone())))).collect(),
    }
}

/// Runs `write` in a savepoint that stays only if it succeeds.
fn isolated<R>(
    transaction: &mut Transaction<'_>,
    write: impl FnOnce(&Connection) -> Result<R, WriteError>,
) -> Result<R, WriteError> {
    let savepoint = transaction.savepoint()?;
    let result = caught(|| write(&savepoint))?;
    savepoint.commit()?;
    Ok(result)
}

fn caught<R>(work: impl FnOnce() -> Result<R, WriteError>) -> Result<R, WriteError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(WriteError::Panicked { message: panic_message(&*panic) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(connection: &Connection) -> Vec<String> {
        let mut statement = connection.prepare("SELECT name FROM settings ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::schema::migrations().to_latest(&mut connection).unwrap();
        connection
    }

    fn put(connection: &Connection, name: &str) -> Result<(), WriteError> {
        crate::settings::write(connection, name, Some(&serde_json::Value::Null))
    }

    #[test]
    fn a_panic_or_an_error_takes_nothing_else_down() {
        let mut connection = database();
        let mut transaction = connection.transaction().unwrap();
        isolated(&mut transaction, |inner| put(inner, "first")).unwrap();
        let panicked = isolated(&mut transaction, |inner| -> Result<(), _> {
            put(inner, "panicked")?;
            panic!("index {}", 7)
        });
        assert!(matches!(panicked, Err(WriteError::Panicked { message }) if message == "index 7"));
        let failed = isolated(&mut transaction, |inner| put(inner, "failed").and(Err::<(), _>(WriteError::Closed)));
        assert!(matches!(failed, Err(WriteError::Closed)));
        isolated(&mut transaction, |inner| put(inner, "last")).unwrap();
        transaction.commit().unwrap();
        assert_eq!(names(&connection), ["first", "last"]);
    }

    #[tokio::test]
    async fn the_writer_outlives_a_panic() {
        let writer = Writer::new(database(), Seq(0));
        let panicked = writer.exec(|_| -> Result<(), _> { panic!("oh") }).await;
        assert!(matches!(panicked, Err(WriteError::Panicked { .. })));
        let settings = vec![("after".to_owned(), Some(serde_json::Value::Null))];
        writer.commit(Batch { settings, ..Batch::default() }).await.unwrap();
        assert_eq!(writer.exec(|connection| Ok(names(connection))).await.unwrap(), ["after"]);
    }

    #[tokio::test]
    async fn a_full_disk_fails_the_batch_with_a_remedy_and_keeps_what_was_there() {
        let writer = Writer::new(database(), Seq(0));
        let put = |name: &str, size: usize| {
            let value = serde_json::Value::String("x".repeat(size));
            Batch { settings: vec![(name.to_owned(), Some(value))], ..Batch::default() }
        };
        writer.commit(put("small", 1)).await.unwrap();
        let limit = |connection: &Connection| {
            let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
            Ok(connection.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(()))?)
        };
        writer.exec(limit).await.unwrap();
        let full = writer.commit(put("big", 100_000)).await.unwrap_err();
        assert!(matches!(full, WriteError::DiskFull { .. }) && full.remedy().is_some(), "{full}");
        writer.commit(put("small too", 1)).await.unwrap();
        assert_eq!(writer.exec(|connection| Ok(names(connection))).await.unwrap(), ["small", "small too"]);
    }

    #[tokio::test]
    async fn after_a_failed_sync_nothing_more_is_written() {
        let writer = Writer::new(database(), Seq(0));
        let failure =
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC), None);
        writer.shared.stop_if_lost(&Err(failure.into()));
        let batch = Batch { settings: vec![("late".to_owned(), None)], ..Batch::default() };
        assert!(matches!(writer.commit(batch).await, Err(WriteError::Stopped)));
    }
}
