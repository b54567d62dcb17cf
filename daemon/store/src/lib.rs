//! What Roost remembers: the only package that knows SQL.
//!
//! Intent comes before effect, so everything that must happen is committed here first. [`Store::commit`] takes a
//! [`Batch`], writes all of it or nothing, and returns after the write-ahead log is synced (`synchronous=FULL`).
//! Batches that wait while a sync is under way share the next one (group commit): a hundred leases at once cost a
//! handful of syncs, and a batch that fails takes none of its neighbours down (savepoints).
//!
//! One connection writes on its own thread, a few others read; SQLite's write-ahead log lets them do so at once.
//! Time comes in with the rows: the store reads no clock.
//!
//! Rejected: a connection pool for writing (writers would only wait for each other's locks), `synchronous=NORMAL`
//! (loses acknowledged leases on a power cut), an ORM or checked-query macros (the build would need a database),
//! a key-value store (the idempotency keys, the compare-and-swap and the gapless log are what SQL does).

mod backup;
mod batch;
mod boots;
mod error;
mod events;
mod keys;
mod leases;
mod lock;
mod nodes;
mod owner;
mod reader;
mod retention;
mod runs;
mod schema;
mod sealed;
mod settings;
mod sql;
mod stage;
mod store;
mod timeline;
mod writer;

pub use backup::{BackupError, Inspected, Protection, RestoreError, Restored, backup, check_backup, inspect, restore};
pub use batch::{Batch, Committed, Write};
pub use boots::BootRow;
pub use error::{OpenError, ReadError, WriteError};
pub use events::{EventsError, NewEvent};
pub use keys::KeyRow;
pub use leases::LeaseRow;
pub use nodes::{Claims, NodeWrite};
pub use retention::{Retention, Trimmed};
pub use runs::{RunFilter, RunTaskRow};
pub use sealed::{Identity, IdentityError, ParseRecipientError, Recipient, UnsealError};
pub use store::{Numbers, Store, WriteStats};
