//! Files that are whole or absent: replaced under a lock by temp, sync, rename, sync of the folder.
//!
//! The lock is a file of its own that is never removed and never renamed: a lock on the data file would be a lock
//! on an inode that the next rename replaces, and a removed lock file lets two holders hold two inodes. Waiting is
//! bounded, because a second process may hold the lock for ever and a call-home waits for the answer.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

const LOCK_POLL_MS: u64 = 10;

/// A lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The lock file cannot be opened.
    #[error("cannot open the lock file {}", path.display())]
    Open {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else kept it for too long.
    #[error("{} has been locked by another process for {waited_ms} ms", path.display())]
    Held {
        /// The lock file; `fuser PATH` names the holder.
        path: PathBuf,
        /// How long was waited.
        waited_ms: u64,
    },
}

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// A replacement failed; the old file is whole.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub(crate) struct ReplaceError {
    /// Which of the steps.
    pub(crate) action: &'static str,
    /// On which file.
    pub(crate) path: PathBuf,
    /// Why.
    #[source]
    pub(crate) source: io::Error,
}

/// Whether it is for want of space, of the file system or of a quota.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Takes the lock on `path`, waiting at most `patience`.
pub(crate) fn lock(path: &Path, patience: Duration) -> Result<Lock, LockError> {
    let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = open.map_err(|source| LockError::Open { path: path.to_owned(), source })?;
    let mut waited_ms = 0;
    while fs2::FileExt::try_lock_exclusive(&file).is_err() {
        if u128::from(waited_ms) >= patience.as_millis() {
            return Err(LockError::Held { path: path.to_owned(), waited_ms });
        }
        std::thread::sleep(Duration::from_millis(LOCK_POLL_MS));
        waited_ms += LOCK_POLL_MS;
    }
    Ok(Lock { _file: file })
}

/// Replaces `path` by `bytes`, durably; the caller holds the lock that guards it.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ReplaceError> {
    let fresh = sibling(path, ".new");
    let written = write_synced(&fresh, bytes, mode).and_then(|()| {
        fs::rename(&fresh, path).map_err(|source| ReplaceError { action: "replace", path: path.to_owned(), source })
    });
    if written.is_err() {
        // The half-written copy is of no use to anybody and its space may be what is missing.
        let _ = fs::remove_file(&fresh);
    }
    written.and_then(|()| sync_folder(path.parent().unwrap_or(Path::new("."))))
}

/// Writes a file that nobody reads yet.
pub(crate) fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ReplaceError> {
    let failed = |action| move |source| ReplaceError { action, path: path.to_owned(), source };
    let open = OpenOptions::new().create(true).truncate(true).write(true).mode(mode).open(path);
    let mut file = open.map_err(failed("create"))?;
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(failed("set the mode of"))?;
    file.write_all(bytes).map_err(failed("write"))?;
    file.sync_all().map_err(failed("sync"))
}

/// Makes a rename in this folder survive a power cut.
fn sync_folder(folder: &Path) -> Result<(), ReplaceError> {
    let sync = File::open(folder).and_then(|folder| folder.sync_all());
    sync.map_err(|source| ReplaceError { action: "sync the folder", path: folder.to_owned(), source })
}

/// A hidden neighbour: Ansible skips names that begin with a dot when it reads an inventory folder.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, b"one", 0o640).unwrap();
        replace(&path, b"two", 0o640).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_held_lock_is_waited_for_and_then_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        let error = lock(&path, Duration::from_millis(30)).unwrap_err();
        assert!(matches!(error, LockError::Held { waited_ms: 30, .. }), "{error}");
        drop(held);
        lock(&path, Duration::ZERO).unwrap();
    }
}
