//! The event bus: a hint that something was committed, and reads by sequence number.
//!
//! The store is the bus. A follower holds the last number it saw and reads on from there, in its own time; what is
//! announced is only "there is more". So a slow reader costs a stale number and nothing else: no queue grows, nothing
//! is dropped, and one that reconnects with its number misses nothing. Rejected: a broadcast channel, which drops on
//! lag or stalls the sender.

use store::{EventsError, ReadError, Store};
use tokio::sync::watch;
use vocabulary::{Event, Seq};

/// Events in one read: a follower that is far behind catches up in pieces.
const READ_EVENTS: u32 = 256;

/// The bus; cheap to clone.
#[derive(Clone)]
pub struct Bus {
    store: Store,
}

impl Bus {
    /// The bus over a store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// The place of the last event.
    #[must_use]
    pub fn last(&self) -> Seq {
        *self.store.commits().borrow()
    }

    /// A reader of every event after `since`.
    #[must_use]
    pub fn follow(&self, since: Seq) -> Follower {
        Follower { hint: self.store.commits(), store: self.store.clone(), seen: since }
    }
}

/// What a follower learns.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// What happened next; at least one event.
    Events(Vec<Event>),
    /// What was asked for is not there; the follower goes on after this place.
    Gap {
        /// Where it goes on.
        resume: Seq,
        /// Why.
        cause: String,
    },
}

/// One reader of the bus.
pub struct Follower {
    store: Store,
    hint: watch::Receiver<Seq>,
    seen: Seq,
}

impl Follower {
    /// What comes next; waits for it. Safe to cancel: what was not returned comes again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn next(&mut self) -> Result<News, ReadError> {
        loop {
            self.hint.mark_unchanged();
            match self.store.events_since(self.seen, READ_EVENTS).await {
                Ok(events) => {
                    if let Some(last) = events.last() {
                        self.seen = last.seq;
                        return Ok(News::Events(events));
                    }
                }
                Err(EventsError::Read(error)) => return Err(error),
                Err(error @ EventsError::Gone { first }) => return Ok(self.skip(Seq(first.0 - 1), &error)),
                Err(error @ EventsError::Ahead { last }) => return Ok(self.skip(last, &error)),
            }
            if self.hint.changed().await.is_err() {
                return Err(ReadError::Closed);
            }
        }
    }

    fn skip(&mut self, resume: Seq, why: &EventsError) -> News {
        self.seen = resume;
        News::Gap { resume, cause: why.to_string() }
    }
}
