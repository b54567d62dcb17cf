//! Where a copy lies readable for a moment: SQLite writes to a file and reads from one, sealing and unsealing stream.
//!
//! In the data folder, which holds the readable database anyway, and never beside the copy, which may be on somebody
//! else's disk. One at a time, by a lock on the file itself, so that what a crash left behind is used again by the
//! next one instead of staying for ever. A log beside it is gone before the next one begins: SQLite would take it for
//! that one's. Where root is asked, all of this happens with the rights of the folder's owner ([`crate::owner`]).

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

const FILE: &str = "roost.db.readable";
const LOG: &str = "-wal";

/// For open(2): a name that is a link is an error.
pub(crate) fn no_link() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

/// A file for its owner alone, empty at first, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    path: PathBuf,
    file: File,
}

impl Stage {
    pub(crate) fn take(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        loop {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(no_link());
            let file = options.open(&path)?;
            match file.try_lock() {
                Ok(()) => (),
                Err(TryLockError::WouldBlock) => {
                    let cause = format!("another backup or restore uses {}", path.display());
                    return Err(io::Error::new(io::ErrorKind::ResourceBusy, cause));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Whoever had it before may have taken the name away since it was opened here.
            if fs::metadata(&path).is_ok_and(|named| file.metadata().is_ok_and(|own| own.ino() == named.ino())) {
                remove_beside(&path)?;
                file.set_len(0)?;
                return Ok(Self { path, file });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Where SQLite looks for the log of what lies here; gone with it.
    pub(crate) fn log(&self) -> io::Result<File> {
        File::options().write(true).create_new(true).mode(0o600).open(beside(&self.path, LOG))
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove_beside(path: &Path) -> io::Result<()> {
    let gone = |suffix| match fs::remove_file(beside(path, suffix)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    [LOG, "-shm", "-journal"].into_iter().try_for_each(gone)
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = remove_beside(&self.path).and_then(|()| fs::remove_file(&self.path)) {
            tracing::warn!(path = %self.path.display(), %error, "a readable copy stayed; the next backup takes it away");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_link_in_the_place_of_the_file_is_refused_and_what_it_points_at_stays() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "not ours").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join(FILE)).unwrap();
        assert!(Stage::take(folder.path()).is_err());
        assert_eq!(fs::read_to_string(&other).unwrap(), "not ours");
    }

    #[test]
    fn one_at_a_time_for_the_owner_alone_and_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "left by a crash").unwrap();
        let mut stage = Stage::take(folder.path()).unwrap();
        assert_eq!(stage.file().metadata().unwrap().len(), 0);
        let busy = Stage::take(folder.path()).unwrap_err();
        assert!(busy.to_string().contains("another backup"), "{busy}");
        drop(stage);
        let again = Stage::take(folder.path()).unwrap();
        assert_eq!(fs::metadata(again.path()).unwrap().permissions().mode() & 0o777, 0o600);
        drop(again);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
