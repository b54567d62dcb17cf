//! Files that are whole or not there, also after a power cut: written beside, synced, renamed, and the folder synced.
//!
//! Whatever rests on such a file (a row, a word to a node) may be done once the function has returned. What root writes
//! belongs to the owner of the folder, whose daemon reads it.

use std::{
    fs::{File, Permissions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    path::Path,
};

/// Writes a file with these permissions, in the place of one that was there.
///
/// # Errors
/// The file system says no; what was there is untouched.
pub fn put(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut draft = tempfile::NamedTempFile::new_in(folder_of(path))?;
    draft.write_all(content)?;
    draft.as_file().set_permissions(Permissions::from_mode(mode))?;
    give(draft.as_file(), folder_of(path))?;
    draft.as_file().sync_all()?;
    draft.persist(path).map_err(|error| error.error)?;
    File::open(folder_of(path))?.sync_all()
}

/// Puts a file that another program wrote into its place, in the same file system.
///
/// # Errors
/// The file system says no; what was there is untouched.
pub fn take_place(from: &Path, path: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    std::fs::rename(from, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// Gives what root made to the owner of the folder that it lies in.
///
/// # Errors
/// The file system says no.
pub fn give(made: &File, folder: &Path) -> io::Result<()> {
    let (own, wanted) = (made.metadata()?, std::fs::metadata(folder)?);
    if own.uid() != 0 || (own.uid(), own.gid()) == (wanted.uid(), wanted.gid()) {
        return Ok(());
    }
    fchown(made, Some(wanted.uid()), Some(wanted.gid()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_belongs_to_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "old").unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(folder.path(), Some(1), Some(2)).unwrap();
        }
        put(&path, b"new", 0o640).unwrap();
        let (file, around) = (std::fs::metadata(&path).unwrap(), std::fs::metadata(folder.path()).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!((file.mode() & 0o7777, file.uid(), file.gid()), (0o640, around.uid(), around.gid()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn what_cannot_be_put_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        std::fs::create_dir(&path).unwrap();
        assert!(put(&path, b"new", 0o600).is_err() && path.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    }
}
