//! Copies of the database: made while the daemon writes, restored while none does.
//!
//! A copy holds what the store holds: digests of keys and tokens, identities, names of machines. So it is encrypted
//! to a recipient or, for want of that, made only on the explicit word [`Protection::Plain`].
//!
//! Restoring checks first and replaces last; the database that was there stays beside the new one. While the log of
//! the old one is moved and the new one is not in place yet, a file `roost.db.restoring` stands there, and a store
//! that finds it does not open: after a power cut the restore is said again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, backup::Backup};
use vocabulary::Timestamp;

use crate::{
    OpenError, lock,
    schema::{self, DATABASE_FILE},
};

const RESTORING: &str = "restoring";

/// Who can read a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// The holder of a recipient's key.
    Encrypted,
    /// Whoever can read the file.
    Plain,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Encryption does not exist yet.
    #[error("encrypting a backup to a recipient is not built yet; ask for a plain one (--plain) and keep it safe")]
    NotEncrypted,
    /// A copy never replaces a file.
    #[error("{} exists", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// There is nothing to copy, or it is damaged.
    #[error("could not read the database")]
    Source(#[source] OpenError),
    /// The copy could not be written.
    #[error("could not write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The copying was cut off by the end of the runtime.
    #[error("the backup was cut off")]
    Cut,
}

/// Why nothing was restored. The database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A daemon runs on this folder, or the folder is not usable.
    #[error("cannot replace the database")]
    Folder(#[source] OpenError),
    /// The copy is damaged, newer than this binary, or not ours.
    #[error("not a usable backup")]
    Copy(#[source] OpenError),
    /// A file could not be written or moved.
    #[error("could not write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The restoring was cut off by the end of the runtime.
    #[error("the restore was cut off")]
    Cut,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Where the database that was there is kept, if there was one.
    pub kept: Option<PathBuf>,
    /// The schema version of the copy; an older one is brought up to date at the next start.
    pub version: u32,
}

/// Copies the database of a folder, whether or not a daemon has it open.
///
/// # Errors
/// See [`BackupError`].
pub async fn backup(folder: &Path, to: &Path, protection: Protection) -> Result<(), BackupError> {
    if protection == Protection::Encrypted {
        return Err(BackupError::NotEncrypted);
    }
    let (from, to) = (folder.join(DATABASE_FILE), to.to_owned());
    let work = move || copy_out(&from, &to);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(BackupError::Cut))
}

/// Puts a copy in the place of a folder's database, under the daemon's lock.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(from: &Path, folder: &Path, now: Timestamp) -> Result<Restored, RestoreError> {
    let (from, folder) = (from.to_owned(), folder.to_owned());
    let work = move || replace(&from, &folder, now);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(RestoreError::Cut))
}

/// Refuses a folder whose restore was cut off: its database may lack its log.
pub(crate) fn refuse_half_restored(database: &Path) -> Result<(), OpenError> {
    let path = beside(database, RESTORING);
    if path.exists() { Err(OpenError::HalfRestored { path }) } else { Ok(()) }
}

fn copy_out(from: &Path, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let source = open_existing(from).map_err(BackupError::Source)?;
    schema::check(&source, from).map_err(BackupError::Source)?;
    let partial = beside(to, "partial");
    let copied = copy(&source, &partial).and_then(|()| publish(&partial, to));
    copied.map_err(|source| {
        // What is half written is of no use to anyone.
        let _ = fs::remove_file(&partial);
        BackupError::Write { path: to.to_owned(), source }
    })
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// One step over all pages: a reader's snapshot, which no writer disturbs.
fn copy(source: &Connection, to: &Path) -> Result<(), Trouble> {
    let file = private(to)?;
    let mut target = Connection::open(to)?;
    Backup::new(source, &mut target)?.step(-1)?;
    // One file, without a log beside it.
    target.pragma_update(None, "journal_mode", "delete")?;
    target.close().map_err(|(_, error)| error)?;
    file.sync_all()?;
    Ok(())
}

fn replace(from: &Path, folder: &Path, now: Timestamp) -> Result<Restored, RestoreError> {
    lock::make_folder(folder).map_err(RestoreError::Folder)?;
    let _lock = lock::take(folder, now).map_err(RestoreError::Folder)?;
    let source = open_existing(from).map_err(RestoreError::Copy)?;
    let version = schema::check(&source, from).map_err(RestoreError::Copy)?;
    verify(&source, from, version).map_err(RestoreError::Copy)?;
    let database = folder.join(DATABASE_FILE);
    let failed = |source: Trouble| RestoreError::Write { path: database.clone(), source };
    let partial = beside(&database, RESTORING);
    let prepared = copy(&source, &partial).and_then(|()| Ok(set_aside(&database, now)?));
    let kept = prepared.map_err(|error| {
        // Nothing has moved yet, so the daemon may go on with what is there.
        let _ = fs::remove_file(&partial);
        failed(error)
    })?;
    publish(&partial, &database).map_err(failed)?;
    Ok(Restored { kept, version })
}

/// Everything that SQLite can say about a copy; an empty file is no backup.
fn verify(connection: &Connection, path: &Path, version: u32) -> Result<(), OpenError> {
    if version == 0 {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let verdict = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    let orphans = connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get::<_, u32>(0));
    let detail = match (verdict, orphans) {
        (Ok(verdict), Ok(0)) if verdict == "ok" => return Ok(()),
        (Ok(verdict), Ok(0)) => verdict,
        (Ok(_), Ok(orphans)) => format!("{orphans} rows refer to nothing"),
        (Err(error), _) | (_, Err(error)) => error.to_string(),
    };
    Err(OpenError::Corrupt { path: path.to_owned(), detail })
}

/// Keeps the database under another name, its log beside it: a log left behind would be replayed into the new one.
/// Nothing is opened: SQLite throws the log of a damaged database away.
fn set_aside(database: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    if !database.exists() {
        return Ok(None);
    }
    let kept = beside(database, &format!("before-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    fs::hard_link(database, &kept)?;
    for log in ["-wal", "-shm"] {
        let (old, new) = (with_suffix(database, log), with_suffix(&kept, log));
        if old.exists() {
            fs::rename(old, new)?;
        }
    }
    Ok(Some(kept))
}

/// The rename is the moment; the folder's sync makes it last.
fn publish(partial: &Path, to: &Path) -> Result<(), Trouble> {
    fs::rename(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Read-write, because reading a database with a log needs its index in shared memory; nothing is written.
fn open_existing(path: &Path) -> Result<Connection, OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    fs::metadata(path).map_err(file)?;
    match schema::open_reader(path) {
        Err(OpenError::Prepare { source, .. }) => {
            read_only(path).map_err(|_| OpenError::Prepare { path: path.to_owned(), source })
        }
        opened => opened,
    }
}

/// A copy on a read-only medium.
fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn beside(path: &Path, word: &str) -> PathBuf {
    with_suffix(path, &format!(".{word}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
