//! One daemon a data directory: an advisory lock that the kernel drops with the process, however it dies.
//!
//! What stands in the file is for people and for the other daemon's message; the lock itself decides. A lock on a
//! file rather than a pid file: no stale file ever has to be judged. Not reliable on NFS, where SQLite is not either.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
};

use vocabulary::Timestamp;

use crate::{OpenError, stage::no_link};

pub(crate) const LOCK_FILE: &str = "roost.lock";

/// Held until it is dropped. Children do not inherit it: Rust opens files close-on-exec.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Said aloud, because closing is not enough: a child between fork and exec has the file open for a moment more.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock goes with the process");
        }
    }
}

/// Makes the folder, for its owner alone, if it is missing.
pub(crate) fn make_folder(folder: &Path) -> Result<(), OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| OpenError::File { path: folder.to_owned(), source })
}

/// Takes the lock and writes down whose it is.
pub(crate) fn take(folder: &Path, now: Timestamp) -> Result<Lock, OpenError> {
    let path = folder.join(LOCK_FILE);
    let failed = |source| OpenError::File { path: path.clone(), source };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link());
    let mut file = options.open(&path).map_err(failed)?;
    only_name(&file).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(path, &mut file)),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    belong(&file, folder).map_err(failed)?;
    sign(&mut file, now).map_err(failed)?;
    Ok(Lock(file))
}

/// Who has the folder, if anybody; takes and changes nothing.
pub(crate) fn holder(folder: &Path) -> Option<OpenError> {
    let path = folder.join(LOCK_FILE);
    let mut file = File::open(&path).ok()?;
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)).then(|| held(path, &mut file))
}

/// What is signed and given away below is a file of this folder alone.
fn only_name(file: &File) -> io::Result<()> {
    let own = file.metadata()?;
    if own.is_file() && own.nlink() == 1 { Ok(()) } else { Err(io::Error::other("it is no file, or has another name")) }
}

/// Gives the file to the owner of the folder: a daemon that root started by hand must not lock the daemon's user out.
fn belong(file: &File, folder: &Path) -> io::Result<()> {
    let (own, wanted) = (file.metadata()?, folder.metadata()?);
    if (own.uid(), own.gid()) == (wanted.uid(), wanted.gid()) || own.uid() != 0 {
        return Ok(());
    }
    fchown(file, Some(wanted.uid()), Some(wanted.gid()))
}

fn sign(file: &mut File, now: Timestamp) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{} {now}", std::process::id())
}

fn held(path: PathBuf, file: &mut File) -> OpenError {
    let mut text = String::new();
    // An unreadable note only makes the message poorer.
    let _ = file.read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let pid = words.next().and_then(|pid| pid.parse().ok());
    let since = words.next().and_then(|since| since.parse().ok());
    OpenError::Held { path, pid, since }
}
