//! One writer a folder: an advisory lock that ends with its holder, however that ends.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

/// Held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes the lock on `path` if nobody has it.
    ///
    /// # Errors
    /// Somebody has it, or the file cannot be opened.
    pub(crate) fn try_take(path: &Path) -> Result<Self, TryLockError> {
        let file = File::options().create(true).append(true).open(path).map_err(TryLockError::Error)?;
        file.try_lock().map(|()| Self(file))
    }
}

impl Drop for Lock {
    /// Said aloud, because closing is not enough: a child between fork and exec has the file open for a moment more.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock goes with the process");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_when_it_is_dropped_although_another_handle_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::try_take(&path).unwrap();
        let inherited = held.0.try_clone().unwrap();
        assert!(matches!(Lock::try_take(&path), Err(TryLockError::WouldBlock)));
        drop(held);
        assert!(Lock::try_take(&path).is_ok());
        drop(inherited);
    }
}
