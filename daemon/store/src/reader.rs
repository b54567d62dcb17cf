//! Reading: a few connections, each on its own thread, taken in turn.
//!
//! A panic in a closure would end its connection's thread and every later call with it, so it is caught here.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use rusqlite::Connection;

use crate::{OpenError, ReadError, error::panic_message, schema};

/// More than the API reads at once on the two cores of a small control node.
const READERS: usize = 3;

#[derive(Debug)]
pub(crate) struct Readers {
    connections: Vec<tokio_rusqlite::Connection>,
    next: AtomicUsize,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let open = |_| schema::open_reader(path).map(tokio_rusqlite::Connection::from);
        Ok(Self { connections: (0..READERS).map(open).collect::<Result<_, _>>()?, next: AtomicUsize::new(0) })
    }

    /// Runs `read` on the next connection.
    pub(crate) async fn read<R, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<ReadError> + Send + 'static,
    {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let guarded = move |connection: &mut Connection| {
            catch_unwind(AssertUnwindSafe(|| read(connection)))
                .unwrap_or_else(|panic| Err(ReadError::Panicked { message: panic_message(&*panic) }.into()))
        };
        self.connections[turn].call_raw(guarded).await.unwrap_or_else(|_| Err(ReadError::Closed.into()))
    }

    pub(crate) async fn close(&self) {
        for connection in &self.connections {
            // A reader that will not close has nothing to lose.
            let _ = connection.clone().close().await;
        }
    }
}
