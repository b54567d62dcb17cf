//! Copies of the database: made while the daemon writes, restored while none does.
//!
//! A copy holds what the store holds: digests of keys and tokens, identities, names of machines. So it is encrypted
//! to recipients (`sealed`), or made readable on the explicit word [`Protection::Plain`]. The database is all that is
//! in it: no private key is, so that whoever opens a copy learns about the fleet and cannot enter it.
//!
//! A copy is written under a name of its own and moved to the one it was asked for only where nothing stands there: a
//! check before the move would let two backups to one name, or a file that appears meanwhile, lose what they hold.
//!
//! Restoring checks first and replaces last; the database that was there stays beside the new one. While the log of
//! the old one is moved and the new one is not in place yet, a file `roost.db.restoring` stands there, and a store
//! that finds it does not open: after a power cut the restore is said again. It goes away without a restore only where
//! the log is where it was: a database without its log lacks writes that were acknowledged.
//!
//! Root opens the copy alone, wherever it lies; what happens in the folder of the database is done with the rights of
//! its owner ([`crate::owner`]). What lies between the two is the stage, in that folder.

use std::{
    fs::{self, File},
    io::{self, Seek as _},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, backup::Backup};
use vocabulary::Timestamp;

use crate::{
    Identity, OpenError, Recipient, UnsealError, lock,
    owner::as_owner,
    schema::{self, DATABASE_FILE},
    sealed,
    stage::{Stage, no_link},
};

const RESTORING: &str = "restoring";
/// What a database and its log begin with: nothing else of root's is laid where the daemon can read it.
const DATABASE_MAGIC: [&[u8]; 1] = [b"SQLite format 3\0"];
const LOG_MAGIC: [&[u8]; 2] = [&[0x37, 0x7f, 0x06, 0x82], &[0x37, 0x7f, 0x06, 0x83]];

/// Who can read a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Whoever holds the identity of one of these recipients; at least one.
    Encrypted(Vec<Recipient>),
    /// Whoever can read the file.
    Plain,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Nobody was named who could read it.
    #[error("a backup is encrypted, and no recipient is named")]
    NoRecipient,
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
    /// The copy is encrypted and nothing was given that opens it.
    #[error("{} is encrypted", path.display())]
    Sealed {
        /// The copy.
        path: PathBuf,
    },
    /// What was given does not open the copy.
    #[error("cannot open {}", path.display())]
    Unseal {
        /// The copy.
        path: PathBuf,
        /// Why.
        #[source]
        source: UnsealError,
    },
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

/// What stands in a copy that would be restored.
#[derive(Debug)]
pub struct Inspected {
    /// Its schema version.
    pub version: u32,
    /// Who has the folder now, so that a restore would be refused.
    pub held: Option<OpenError>,
}

/// Copies the database of a folder, whether or not a daemon has it open.
///
/// # Errors
/// See [`BackupError`].
pub async fn backup(folder: &Path, to: &Path, protection: Protection) -> Result<(), BackupError> {
    let (folder, to) = (folder.to_owned(), to.to_owned());
    let work = move || copy_out(&folder, &to, &protection);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(BackupError::Cut))
}

/// Whether [`backup`] would begin: somebody is named who can read it, and nothing would be replaced.
///
/// # Errors
/// See [`BackupError`].
pub fn check_backup(folder: &Path, to: &Path, protection: &Protection) -> Result<(), BackupError> {
    if matches!(protection, Protection::Encrypted(recipients) if recipients.is_empty()) {
        return Err(BackupError::NoRecipient);
    }
    let database = folder.join(DATABASE_FILE);
    fs::metadata(&database).map_err(|source| BackupError::Source(OpenError::File { path: database, source }))?;
    if to.exists() { Err(BackupError::Exists { path: to.to_owned() }) } else { Ok(()) }
}

/// Puts a copy in the place of a folder's database, under the daemon's lock. The identities open an encrypted one.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(
    from: &Path,
    identities: Vec<Identity>,
    folder: &Path,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let (from, folder) = (from.to_owned(), folder.to_owned());
    let work = move || replace(&from, &identities, &folder, now);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(RestoreError::Cut))
}

/// Opens and checks a copy as [`restore`] would, and leaves everything as it is, also beside a running daemon.
///
/// # Errors
/// See [`RestoreError`].
pub async fn inspect(from: &Path, identities: Vec<Identity>, folder: &Path) -> Result<Inspected, RestoreError> {
    let (from, folder) = (from.to_owned(), folder.to_owned());
    let work = move || look_into(&from, &identities, &folder);
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(RestoreError::Cut))
}

/// Refuses a folder whose restore was cut off: its database may lack its log.
pub(crate) fn refuse_half_restored(database: &Path) -> Result<(), OpenError> {
    let path = beside(database, RESTORING);
    if path.exists() { Err(OpenError::HalfRestored { path }) } else { Ok(()) }
}

fn copy_out(folder: &Path, to: &Path, protection: &Protection) -> Result<(), BackupError> {
    check_backup(folder, to, protection)?;
    let failed = |source: Trouble| BackupError::Write { path: to.to_owned(), source };
    let not_its_owner = |source| BackupError::Source(OpenError::File { path: folder.to_owned(), source });
    let mut stage = as_owner(folder, || staged(folder, to)).map_err(not_its_owner)??;
    // For its owner alone, and gone again unless it gets its name: what is half written is of no use to anyone.
    let partial = tempfile::Builder::new().prefix(".roost-backup-").suffix(".partial").tempfile_in(folder_of(to));
    let partial = partial.map_err(|error| failed(error.into()))?;
    write_out(stage.file(), partial.as_file(), protection).map_err(|error| failed(error.into()))?;
    match partial.persist_noclobber(to) {
        Ok(_) => File::open(folder_of(to)).and_then(|folder| folder.sync_all()).map_err(|error| failed(error.into())),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::Exists { path: to.to_owned() })
        }
        Err(refused) => Err(failed(refused.error.into())),
    }
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// One moment of the folder's database, beside it.
fn staged(folder: &Path, to: &Path) -> Result<Stage, BackupError> {
    let from = folder.join(DATABASE_FILE);
    let source = open_existing(&from).map_err(BackupError::Source)?;
    schema::check(&source, &from).map_err(BackupError::Source)?;
    let failed = |source: Trouble| BackupError::Write { path: to.to_owned(), source };
    let mut stage = Stage::take(folder).map_err(|error| failed(error.into()))?;
    let path = stage.path().to_owned();
    copy(&source, &path, stage.file()).map_err(failed)?;
    Ok(stage)
}

fn write_out(from: &mut File, to: &File, protection: &Protection) -> io::Result<()> {
    from.rewind()?;
    match protection {
        Protection::Encrypted(recipients) => sealed::seal(from, to, recipients),
        Protection::Plain => {
            io::copy(from, &mut &*to)?;
            to.sync_all()
        }
    }
}

/// One step over all pages: a reader's snapshot, which no writer disturbs. `file` is what `to` names.
fn copy(source: &Connection, to: &Path, file: &File) -> Result<(), Trouble> {
    let mut target = Connection::open(to)?;
    Backup::new(source, &mut target)?.step(-1)?;
    // One file, without a log beside it.
    target.pragma_update(None, "journal_mode", "delete")?;
    target.close().map_err(|(_, error)| error)?;
    file.sync_all()?;
    Ok(())
}

/// A copy as whoever asked may open it, wherever it lies.
struct Given<'a> {
    path: &'a Path,
    file: File,
    /// What a daemon that was killed left beside its database.
    log: Option<File>,
    identities: &'a [Identity],
}

impl<'a> Given<'a> {
    fn open(path: &'a Path, identities: &'a [Identity]) -> Result<Self, RestoreError> {
        let unreadable = |source| RestoreError::Copy(OpenError::File { path: path.to_owned(), source });
        let mut file = File::open(path).map_err(unreadable)?;
        if sealed::is_sealed(&mut file).map_err(unreadable)? {
            let given = Self { path, file, log: None, identities };
            return if identities.is_empty() { Err(RestoreError::Sealed { path: path.to_owned() }) } else { Ok(given) };
        }
        if !sealed::begins_with(&mut file, &DATABASE_MAGIC).map_err(unreadable)? {
            return Err(RestoreError::Copy(OpenError::Foreign { path: path.to_owned() }));
        }
        let log = log_of(path).map_err(unreadable)?;
        Ok(Self { path, file, log, identities: &[] })
    }

    /// Lays it readable into the folder.
    fn stage(mut self, folder: &Path) -> Result<Stage, RestoreError> {
        let path = self.path.to_owned();
        let failed = |source| RestoreError::Unseal { path: path.clone(), source };
        let mut stage = Stage::take(folder).map_err(|error| failed(UnsealError::Write(error)))?;
        if !self.identities.is_empty() {
            sealed::unseal(self.file, stage.file(), self.identities).map_err(failed)?;
            return Ok(stage);
        }
        let mut laid = || {
            io::copy(&mut self.file, stage.file())?;
            self.log.as_mut().map_or(Ok(0), |log| io::copy(log, &mut stage.log()?))
        };
        laid().map_err(|source| RestoreError::Write { path: stage.path().to_owned(), source: source.into() })?;
        Ok(stage)
    }
}

/// The log beside a database, if there is one with anything in it.
fn log_of(database: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let named = File::options().read(true).custom_flags(no_link()).open(with_suffix(database, "-wal"));
    let mut log = match named {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        named => named?,
    };
    Ok(sealed::begins_with(&mut log, &LOG_MAGIC)?.then_some(log))
}

/// A copy that is open and found to be whole.
struct Checked {
    connection: Connection,
    version: u32,
    // Dropped after the connection: where the copy lies readable.
    _stage: Stage,
}

fn checked(given: Given<'_>, folder: &Path) -> Result<Checked, RestoreError> {
    let from = given.path.to_owned();
    let stage = given.stage(folder)?;
    let connection = open_existing(stage.path()).map_err(RestoreError::Copy)?;
    let version = schema::check(&connection, &from).map_err(RestoreError::Copy)?;
    verify(&connection, &from, version).map_err(RestoreError::Copy)?;
    Ok(Checked { connection, version, _stage: stage })
}

/// Does what is to be done in the folder with the rights of its owner.
fn inside<T: Send>(folder: &Path, work: impl FnOnce() -> Result<T, RestoreError> + Send) -> Result<T, RestoreError> {
    let failed = |source| RestoreError::Folder(OpenError::File { path: folder.to_owned(), source });
    as_owner(folder, work).map_err(failed)?
}

fn look_into(from: &Path, identities: &[Identity], folder: &Path) -> Result<Inspected, RestoreError> {
    let given = Given::open(from, identities)?;
    let made = !folder.exists();
    lock::make_folder(folder).map_err(RestoreError::Folder)?;
    let looked = inside(folder, || {
        let version = checked(given, folder)?.version;
        Ok(Inspected { version, held: lock::holder(folder) })
    });
    if made {
        // Looking leaves nothing behind.
        let _ = fs::remove_dir(folder);
    }
    looked
}

fn replace(from: &Path, identities: &[Identity], folder: &Path, now: Timestamp) -> Result<Restored, RestoreError> {
    let given = Given::open(from, identities)?;
    lock::make_folder(folder).map_err(RestoreError::Folder)?;
    inside(folder, || replace_by(given, folder, now))
}

fn replace_by(given: Given<'_>, folder: &Path, now: Timestamp) -> Result<Restored, RestoreError> {
    let _lock = lock::take(folder, now).map_err(RestoreError::Folder)?;
    let Checked { connection, version, _stage } = checked(given, folder)?;
    let database = folder.join(DATABASE_FILE);
    let failed = |source: Trouble| RestoreError::Write { path: database.clone(), source };
    let partial = beside(&database, RESTORING);
    // An earlier restore may have moved the log already: then its mark stays, whatever happens now.
    let half_restored = partial.exists();
    let prepared = prepare(&connection, &partial, folder).and_then(|()| Ok(set_aside(&database, now)?));
    let kept = prepared.map_err(|error| {
        if !half_restored {
            // The log is where it was, so the daemon may go on with what is there.
            let _ = fs::remove_file(&partial);
        }
        failed(error)
    })?;
    publish(&partial, &database).map_err(failed)?;
    Ok(Restored { kept, version })
}

/// The mark that is also the new database; it outlives a power cut before anything moves.
fn prepare(source: &Connection, partial: &Path, folder: &Path) -> Result<(), Trouble> {
    copy(source, partial, &private(partial)?)?;
    Ok(File::open(folder)?.sync_all()?)
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
/// Nothing is opened: SQLite throws the log of a damaged database away. Where this fails, the log has not moved: its
/// rename is the last step, after that of its index, without which SQLite reads the log all the same.
fn set_aside(database: &Path, now: Timestamp) -> io::Result<Option<PathBuf>> {
    if !database.exists() {
        return Ok(None);
    }
    let kept = beside(database, &format!("before-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    fs::hard_link(database, &kept)?;
    let mut moved = Ok(());
    for log in ["-shm", "-wal"] {
        let (old, new) = (with_suffix(database, log), with_suffix(&kept, log));
        if moved.is_ok() && old.exists() {
            moved = fs::rename(old, new);
        }
    }
    if let Err(error) = moved {
        // A second name of the database, and an index that is made anew: neither is of use to anyone.
        let _ = fs::remove_file(with_suffix(&kept, "-shm"));
        let _ = fs::remove_file(&kept);
        return Err(error);
    }
    Ok(Some(kept))
}

/// The rename is the moment; the folder's sync makes it last.
fn publish(partial: &Path, to: &Path) -> Result<(), Trouble> {
    fs::rename(partial, to)?;
    Ok(File::open(folder_of(to))?.sync_all()?)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_link()).open(path)
}

fn beside(path: &Path, word: &str) -> PathBuf {
    with_suffix(path, &format!(".{word}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
