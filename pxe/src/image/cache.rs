//! The folder of built images: one build at a time, nothing half-made under a final name, no leftovers.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use tasks::Stop;
use tempfile::TempDir;

use super::{BuildError, Key, error::io_error};

/// Temporary folders of builds, in the cache so that the last step is a rename.
const WORK: &str = ".build-";
/// A root, its squashfs and the packages on their way.
const NEED_MIB: u64 = 2048;
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Held while building; released by the kernel even when the builder is killed.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens it and removes what a killed build left; nothing if another build holds it.
    pub(super) fn try_open(folder: &Path) -> Result<Option<Self>, BuildError> {
        fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        let path = folder.join("lock");
        let file = File::options().create(true).append(true).open(&path).map_err(io_error("open", &path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(BuildError::Io { action: "lock", path, source }),
            Ok(()) => {}
        }
        let cache = Self { folder: folder.to_owned(), _lock: file };
        cache.remove_leftovers()?;
        Ok(Some(cache))
    }

    /// Opens it once no other build holds it.
    pub(super) async fn wait(folder: &Path, stop: &Stop) -> Result<Self, BuildError> {
        loop {
            if let Some(cache) = Self::try_open(folder)? {
                return Ok(cache);
            }
            tokio::select! {
                () = stop.cancelled() => return Err(BuildError::Cancelled),
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// A fresh folder to build in, removed when it is dropped.
    pub(super) fn work(&self) -> Result<TempDir, BuildError> {
        let free_mib = free_mib(&self.folder)?;
        if free_mib < NEED_MIB {
            return Err(BuildError::Space { path: self.folder.clone(), free_mib, need_mib: NEED_MIB });
        }
        // apt fetches as a user of its own, who must be able to walk in.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        tempfile::Builder::new()
            .prefix(WORK)
            .permissions(open)
            .tempdir_in(&self.folder)
            .map_err(io_error("create a folder in", &self.folder))
    }

    /// Gives a finished folder its name. One that stood there was incomplete, or nothing would have been built.
    pub(super) fn publish(&self, out: &Path, key: &Key) -> Result<PathBuf, BuildError> {
        let folder = self.folder.join(key.to_string());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(io_error("remove", &folder))?;
        }
        for entry in fs::read_dir(out).map_err(io_error("read", out))? {
            let path = entry.map_err(io_error("read", out))?.path();
            File::open(&path).and_then(|file| file.sync_all()).map_err(io_error("sync", &path))?;
        }
        fs::rename(out, &folder).map_err(io_error("rename to", &folder))?;
        File::open(&self.folder).and_then(|file| file.sync_all()).map_err(io_error("sync", &self.folder))?;
        Ok(folder)
    }

    fn remove_leftovers(&self) -> Result<(), BuildError> {
        for entry in fs::read_dir(&self.folder).map_err(io_error("read", &self.folder))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with(WORK) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }
}

fn free_mib(folder: &Path) -> Result<u64, BuildError> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| io_error("look at", folder)(error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize) >> 20)
}
