//! A read-only copy of the whole inventory folder for one run.
//!
//! Links are followed, since operators link shared variables in, and therefore depth, count and size are bounded: a
//! link to `/` must not fill the disk. Hidden files stay out, as Ansible would skip them.
//!
//! An operator's variables may hold secrets, so the copy lasts as long as its run; what is kept of it is which files
//! there were and the digest of each, which tells whether two runs had the same.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::files::{self, LockError};

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
            Self::Copy { source, path } if files::is_full(source) => {
                format!("free space for a copy of {}", path.display())
            }
            Self::Copy { path, .. } => format!("let the daemon read {}", path.display()),
            Self::TooLarge { path, .. } => format!("move what is no inventory out of {}", path.display()),
        }
    }
}

/// One file of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Below the inventory folder.
    pub name: PathBuf,
    /// Of what was copied, in hex.
    pub sha256: String,
    /// Whether Ansible would run it: an inventory script.
    pub is_program: bool,
}

/// What was copied and what may still be.
struct Copying<'a> {
    /// The top of the copy.
    root: &'a Path,
    done: Vec<SnapshotFile>,
    files: u32,
    bytes: u64,
}

pub(super) fn copy(source: &Path, target: &Path) -> Result<Vec<SnapshotFile>, SnapshotError> {
    let mut copying = Copying { root: target, done: Vec::new(), files: FILE_LIMIT, bytes: SIZE_LIMIT_BYTES };
    copy_folder(source, target, DEPTH_LIMIT, &mut copying)?;
    copying.done.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(copying.done)
}

fn copy_folder(source: &Path, target: &Path, depth: u32, copying: &mut Copying<'_>) -> Result<(), SnapshotError> {
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
            copy_folder(&from, &to, depth, copying)?;
        } else if meta.is_file() {
            copy_file(&from, &to, &meta, copying)?;
        }
    }
    fs::set_permissions(target, fs::Permissions::from_mode(0o500)).map_err(failed)
}

fn copy_file(from: &Path, to: &Path, meta: &fs::Metadata, copying: &mut Copying<'_>) -> Result<(), SnapshotError> {
    let large = |what| SnapshotError::TooLarge { path: from.to_owned(), what };
    copying.files = copying.files.checked_sub(1).ok_or(large("10000 files"))?;
    copying.bytes = copying.bytes.checked_sub(meta.len()).ok_or(large("64 MiB"))?;
    let is_program = meta.permissions().mode() & 0o100 != 0;
    let mode = if is_program { 0o500 } else { 0o400 };
    let copied = fs::copy(from, to).and_then(|_| fs::set_permissions(to, fs::Permissions::from_mode(mode)));
    // Of the copy, which nobody writes to any more.
    let digest = copied.and_then(|()| digest(to));
    let sha256 = digest.map_err(|source| SnapshotError::Copy { path: from.to_owned(), source })?;
    let name = to.strip_prefix(copying.root).unwrap_or(to).to_owned();
    copying.done.push(SnapshotFile { name, sha256, is_program });
    Ok(())
}

fn digest(path: &Path) -> io::Result<String> {
    Ok(hex::encode(Sha256::digest(fs::read(path)?)))
}
