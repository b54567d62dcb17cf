//! The folder of built images: one build at a time, nothing half-made under a final name, no leftovers.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use tasks::Stop;
use tempfile::TempDir;

use super::{BuildError, Key, error::io_error};
use crate::lock::Lock;

/// Temporary folders of builds, in the cache so that the last step is a rename.
const WORK: &str = ".build-";
/// A root, its squashfs and the packages on their way.
const NEED_MIB: u64 = 2048;
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Held while building; released by the kernel even when the builder is killed.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    _lock: Lock,
}

impl Cache {
    /// Opens it and removes what a killed build left; nothing if another build holds it.
    pub(super) fn try_open(folder: &Path) -> Result<Option<Self>, BuildError> {
        fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        let path = folder.join("lock");
        let lock = match Lock::try_take(&path) {
            Ok(lock) => lock,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(BuildError::Io { action: "lock", path, source }),
        };
        let cache = Self { folder: folder.to_owned(), _lock: lock };
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
    pub(super) fn work(&self) -> Result<Work, BuildError> {
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
            .map(Work)
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
                detach_mounts(&path);
                fs::remove_dir_all(&path).map_err(io_error("remove", &path))?;
            }
        }
        Ok(())
    }
}

/// A temporary folder; what is still mounted in it is detached before it is removed.
#[derive(Debug)]
pub(super) struct Work(TempDir);

impl Work {
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        detach_mounts(self.0.path());
    }
}

/// Where `/` is no mount (a chroot), mmdebstrap cannot keep its mounts to itself, and one that was killed leaves them:
/// removing the folder would then walk into the host's own /sys. What cannot be detached makes the removal fail, loudly.
fn detach_mounts(below: &Path) {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    for place in mounts_below(&table, below).iter().rev() {
        if let Err(error) = nix::mount::umount2(place, nix::mount::MntFlags::MNT_DETACH) {
            tracing::warn!(place = %place.display(), %error, "a mount of a build stays");
        }
    }
}

/// Mount points in the order in which they were made.
fn mounts_below(mountinfo: &str, below: &Path) -> Vec<PathBuf> {
    let places = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    places.map(|place| PathBuf::from(place.replace("\\040", " "))).filter(|place| place.starts_with(below)).collect()
}

fn free_mib(folder: &Path) -> Result<u64, BuildError> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| io_error("look at", folder)(error.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Config, Inputs};

    fn key() -> Key {
        Inputs::of(&Config::new(PathBuf::from("/unused"))).key()
    }

    #[test]
    fn one_build_at_a_time_and_the_next_clears_what_a_killed_one_left() {
        let folder = tempfile::tempdir().unwrap();
        let held = Cache::try_open(folder.path()).unwrap().unwrap();
        assert!(Cache::try_open(folder.path()).unwrap().is_none());
        let left = folder.path().join(".build-killed/tree");
        fs::create_dir_all(&left).unwrap();
        drop(held);
        assert!(Cache::try_open(folder.path()).unwrap().is_some());
        assert!(!left.exists());
    }

    #[test]
    fn mounts_of_a_build_are_found_in_order() {
        let table = "1 0 0:1 / / rw - ext4 a rw\n2 1 0:2 / /c/.build-x/tree/sys rw - sysfs b rw\n\
            3 2 0:3 / /c/.build-x/tree/sys/a\\040b rw - x c rw\n4 1 0:4 / /c/.build-xy rw - x d rw\n";
        let found = mounts_below(table, Path::new("/c/.build-x"));
        assert_eq!(found, ["/c/.build-x/tree/sys", "/c/.build-x/tree/sys/a b"].map(PathBuf::from));
    }

    #[test]
    fn a_mount_that_a_killed_build_left_is_detached_before_its_folder_goes() {
        if !rustix::process::geteuid().is_root() {
            return; // Only root mounts; CI runs as root.
        }
        let folder = tempfile::tempdir().unwrap();
        let (left, kept) = (folder.path().join(".build-killed/sys"), folder.path().join("host"));
        fs::create_dir_all(&left).unwrap();
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("precious"), "").unwrap();
        let none = None::<&str>;
        nix::mount::mount(Some(&kept), &left, none, nix::mount::MsFlags::MS_BIND, none).unwrap();
        drop(Cache::try_open(folder.path()).unwrap().unwrap());
        assert!(kept.join("precious").exists() && !left.exists());
    }

    #[test]
    fn a_work_folder_goes_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::try_open(folder.path()).unwrap().unwrap();
        let work = cache.work().unwrap();
        let path = work.path().to_owned();
        fs::write(path.join("half"), "made").unwrap();
        drop(work);
        assert!(!path.exists());
    }

    #[test]
    fn publishing_replaces_an_incomplete_image() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::try_open(folder.path()).unwrap().unwrap();
        let final_name = folder.path().join(key().to_string());
        fs::create_dir(&final_name).unwrap();
        fs::write(final_name.join("vmlinuz"), "half").unwrap();
        let work = cache.work().unwrap();
        let out = work.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("vmlinuz"), "whole").unwrap();
        assert_eq!(cache.publish(&out, &key()).unwrap(), final_name);
        assert_eq!(fs::read_to_string(final_name.join("vmlinuz")).unwrap(), "whole");
    }

    #[tokio::test]
    async fn waiting_for_another_build_can_be_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let _held = Cache::try_open(folder.path()).unwrap().unwrap();
        let stop = Stop::new();
        stop.cancel();
        assert!(matches!(Cache::wait(folder.path(), &stop).await, Err(BuildError::Cancelled)));
    }
}
