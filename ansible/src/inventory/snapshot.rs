//! A read-only copy of the whole inventory folder for one run.
//!
//! Links are followed, since operators link shared variables in, and therefore depth, count and size are bounded: a
//! link to `/` must not fill the disk. Hidden files stay out, as Ansible would skip them.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::files::LockError;

const DEPTH_LIMIT: u32 = 16;
const FILE_LIMIT: u32 = 10_000;
const SIZE_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// The inventory was not copied.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Somebody else is writing.
    #[error("the inventory is locked")]
    Lock(#[from] LockError),
    /// One file or folder cannot be read or copied.
    #[error("cannot copy {} into the run's inventory", path.display())]
    Copy {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder is no inventory, or links lead out of it.
    #[error("{} holds more than {what}", path.display())]
    TooLarge {
        /// The entry at which the bound was reached.
        path: PathBuf,
        /// The bound.
        what: &'static str,
    },
}

impl SnapshotError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Lock(error) => format!("let the holder of the lock end: {error}"),
            Self::Copy { source, path } if source.kind() == io::ErrorKind::StorageFull => {
                format!("free space for a copy of {}", path.display())
            }
            Self::Copy { path, .. } => format!("let the daemon read {}", path.display()),
            Self::TooLarge { path, .. } => format!("move what is no inventory out of {}", path.display()),
        }
    }
}

/// What may still be copied.
struct Budget {
    files: u32,
    bytes: u64,
}

pub(super) fn copy(source: &Path, target: &Path) -> Result<(), SnapshotError> {
    let mut budget = Budget { files: FILE_LIMIT, bytes: SIZE_LIMIT_BYTES };
    copy_folder(source, target, DEPTH_LIMIT, &mut budget)
}

fn copy_folder(source: &Path, target: &Path, depth: u32, budget: &mut Budget) -> Result<(), SnapshotError> {
    let failed = |source_error| SnapshotError::Copy { path: source.to_owned(), source: source_error };
    let depth = depth.checked_sub(1).ok_or(SnapshotError::TooLarge { path: source.to_owned(), what: "16 levels" })?;
    fs::create_dir(target).map_err(failed)?;
    for entry in fs::read_dir(source).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let (from, to) = (source.join(&name), target.join(&name));
        let meta = fs::metadata(&from).map_err(|source| SnapshotError::Copy { path: from.clone(), source })?;
        if meta.is_dir() {
            copy_folder(&from, &to, depth, budget)?;
        } else if meta.is_file() {
            copy_file(&from, &to, &meta, budget)?;
        }
    }
    fs::set_permissions(target, fs::Permissions::from_mode(0o500)).map_err(failed)
}

fn copy_file(from: &Path, to: &Path, meta: &fs::Metadata, budget: &mut Budget) -> Result<(), SnapshotError> {
    let large = |what| SnapshotError::TooLarge { path: from.to_owned(), what };
    budget.files = budget.files.checked_sub(1).ok_or(large("10000 files"))?;
    budget.bytes = budget.bytes.checked_sub(meta.len()).ok_or(large("64 MiB"))?;
    let mode = if meta.permissions().mode() & 0o100 == 0 { 0o400 } else { 0o500 };
    let copied = fs::copy(from, to).and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(mode)));
    copied.map_err(|source| SnapshotError::Copy { path: from.to_owned(), source })
}
