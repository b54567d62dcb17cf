//! What can go wrong, in kinds that a caller or a person acts on differently.
//!
//! `remedy` is the next step for a person where there is one; the API shows it as the hint.

use std::{io, path::PathBuf, sync::Arc};

use rusqlite::ErrorCode;
use vocabulary::{BootId, KeyId, NodeId, RunId, RunState, Timestamp};

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon has this folder.
    #[error("{} is in use by {}", path.display(), holder(*pid, *since))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Whose it is; absent in the moment before the holder has written it.
        pid: Option<u32>,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// The folder or a file in it could not be made or opened.
    #[error("could not open {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A newer Roost wrote it.
    #[error("{} has schema version {found}, this roost knows versions up to {known}", path.display())]
    Newer {
        /// Which database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that this binary knows.
        known: u32,
    },
    /// It is some other program's database.
    #[error("{} is not a database of roost", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// It is damaged.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// Which database.
        path: PathBuf,
        /// What SQLite found first.
        detail: String,
    },
    /// A restore was cut off before the copy was in place.
    #[error("a restore was cut off: {} is there", path.display())]
    HalfRestored {
        /// The copy that was about to take its place.
        path: PathBuf,
    },
    /// A migration or a setting failed.
    #[error("could not prepare {}", path.display())]
    Prepare {
        /// Which database.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The opening was cut off by the end of the runtime.
    #[error("the opening was cut off")]
    Cut,
}

/// Why a batch was not written. Nothing of it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The node was changed since it was read.
    #[error("{node} was changed by somebody else: based on generation {from}, stored is {stored}")]
    Conflict {
        /// Which node.
        node: NodeId,
        /// What the writer had seen; 0 for nothing.
        from: u64,
        /// What is there; 0 for nothing.
        stored: u64,
    },
    /// This boot already has its nth run.
    #[error("{node} has run {existing} for boot {boot}, attempt {attempt}")]
    DuplicateRun {
        /// Which node.
        node: NodeId,
        /// Which boot.
        boot: BootId,
        /// Which attempt.
        attempt: u32,
        /// The run that is there.
        existing: RunId,
    },
    /// A run only moves forward and ends once.
    #[error("run {run} is {stored} and cannot become {wanted}")]
    RunState {
        /// Which run.
        run: RunId,
        /// Where it is.
        stored: RunState,
        /// Where the writer wanted it.
        wanted: RunState,
    },
    /// Another boot has this token: tokens are random, so the caller minted one twice.
    #[error("the token for a boot of {node} belongs to another boot")]
    DuplicateToken {
        /// Which node.
        node: NodeId,
    },
    /// A row refers to something that is not there.
    #[error("{what} refers to something unknown")]
    Unknown {
        /// What was being written.
        what: String,
    },
    /// There is such a key already.
    #[error("there is a key {id} already, or one with the same value")]
    DuplicateKey {
        /// Which.
        id: KeyId,
    },
    /// There is no such key.
    #[error("there is no key {id}")]
    NoKey {
        /// Which.
        id: KeyId,
    },
    /// No room left.
    #[error("the disk that holds the database is full")]
    DiskFull {
        /// SQLite's words.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The database is damaged.
    #[error("the database is damaged")]
    Corrupt {
        /// SQLite's words.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// The disk refused to write or to sync.
    #[error("the disk refused a write")]
    Disk {
        /// SQLite's words.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// An earlier sync failed; what the disk holds is not certain until the database is opened again.
    #[error("the store stopped writing after the disk refused a write")]
    Stopped,
    /// Anything else that SQLite says.
    #[error("the database refused")]
    Sql {
        /// SQLite's words.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// A bug: the code that writes panicked.
    #[error("the writer panicked: {message}")]
    Panicked {
        /// With these words.
        message: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database is damaged.
    #[error("the database is damaged")]
    Corrupt {
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// Anything else that SQLite says.
    #[error("the database refused")]
    Sql {
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// A bug: the code that reads panicked.
    #[error("the reader panicked: {message}")]
    Panicked {
        /// With these words.
        message: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

const RESTORE: &str = "stop roost, then restore the last backup: roost restore FILE";

impl OpenError {
    /// What to do next.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Held { .. } => "stop the other roost, or give this one another data_dir",
            Self::File { .. } => {
                "check that data_dir exists on a writable disk and belongs to the user that runs roost"
            }
            Self::Newer { .. } => "start the newer roost, or restore a backup that this version made",
            Self::Foreign { .. } => "give roost a data_dir of its own",
            Self::Corrupt { .. } => RESTORE,
            Self::HalfRestored { .. } => "say it again: roost restore FILE",
            Self::Prepare { .. } => "check for free disk space and start again; nothing was changed",
            Self::Cut => "start again",
        }
    }
}

impl WriteError {
    /// What to do next, where a person can do something.
    #[must_use]
    pub const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::DiskFull { .. } => Some("free space on the disk that holds data_dir; nothing acknowledged is lost"),
            Self::Corrupt { .. } => Some(RESTORE),
            Self::Disk { .. } | Self::Stopped => Some("look at the kernel log for disk errors, then restart roost"),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for WriteError {
    fn from(source: rusqlite::Error) -> Self {
        let code = source.sqlite_error_code();
        let source = Arc::new(source);
        match code {
            Some(ErrorCode::DiskFull) => Self::DiskFull { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { source },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { source },
            _ => Self::Sql { source },
        }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { source },
            _ => Self::Sql { source },
        }
    }
}

/// Whether a row named something that is not there.
pub(crate) fn refers_to_nothing(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Whether a row was there already.
pub(crate) fn is_duplicate(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if [SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE].contains(&code.extended_code))
}

/// The words of a caught panic.
pub(crate) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

fn holder(pid: Option<u32>, since: Option<Timestamp>) -> String {
    match (pid, since) {
        (Some(pid), Some(since)) => format!("the roost with process id {pid}, since {since:.0}"),
        _ => "another roost that is just starting".to_owned(),
    }
}
