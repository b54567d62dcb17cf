//! A run's own folder, 0700: what it was given, what it said, how it ended.
//!
//! ```text
//! runs/17/inventory.sha256 which files the inventory had; its copy is one of the run's secrets (`secrets`)
//!         known_hosts    the node's pinned keys, under the node's name
//!         ssh_config     how ssh behaves, whatever the operator's own configuration says
//!         ansible.cfg    the same for Ansible
//!         variables.json what the daemon tells the playbook
//!         plugins/       our callback plugin
//!         launcher.sh    see its head
//!         command        the command line, for people
//!         began          something may have happened
//!         events.jsonl   one line an event
//!         reported       how many events the book has
//!         output.log     what a person would have seen
//!         ending         `cancelled` or `timed_out`: decided before the first signal
//!         status         the exit status
//! ```

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use vocabulary::RunId;

use crate::files;

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

/// A run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FolderError {
    /// What was tried.
    pub action: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Why Roost itself ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Cancelled,
    TimedOut,
}

impl RunFolder {
    /// The folder of this run below the data folder.
    #[must_use]
    pub fn of(data_dir: &Path, run: RunId) -> Self {
        Self(data_dir.join("runs").join(run.to_string()))
    }

    /// The runs that have a folder below the data folder, in no order. Blocks.
    ///
    /// # Errors
    /// The folder of all runs cannot be read; that there is none yet is no error.
    pub fn all(data_dir: &Path) -> io::Result<Vec<RunId>> {
        let entries = match fs::read_dir(data_dir.join("runs")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let number = |entry: fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse().ok());
        entries.filter_map(|entry| entry.map(number).transpose()).map(|id| id.map(RunId)).collect()
    }

    /// Removes it with all that is in it; one that is not there is no error. Blocks.
    ///
    /// # Errors
    /// Something in it could not be removed.
    pub fn remove(&self) -> io::Result<()> {
        match remove_tree(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What the playbook said, for `roost run logs`.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.0.join("output.log")
    }

    /// One line an event.
    #[must_use]
    pub fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// Makes it anew; what an attempt that did nothing left is removed.
    pub(super) fn make(&self) -> Result<(), FolderError> {
        if self.0.exists() {
            remove_tree(&self.0).map_err(|source| self.failed("remove", self.0.clone(), source))?;
        }
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|source| self.failed("make", self.0.clone(), source))
    }

    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), FolderError> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| self.failed("make", parent.to_owned(), source))?;
        }
        files::write_synced(&path, text.as_bytes(), mode)
            .map_err(|error| self.failed(error.action, error.path, error.source))
    }

    /// Whether the playbook may have done something.
    pub(super) fn began(&self) -> bool {
        self.0.join("began").exists()
    }

    /// The exit status, once the launcher wrote it.
    pub(super) fn status(&self) -> Option<i32> {
        fs::read_to_string(self.0.join("status")).ok()?.trim().parse().ok()
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        match fs::read_to_string(self.0.join("ending")).ok()?.trim() {
            "cancelled" => Some(Ending::Cancelled),
            "timed_out" => Some(Ending::TimedOut),
            _ => None,
        }
    }

    pub(super) fn decide(&self, ending: Ending) -> Result<(), FolderError> {
        let text = match ending {
            Ending::Cancelled => "cancelled\n",
            Ending::TimedOut => "timed_out\n",
        };
        self.write("ending", text, 0o600)
    }

    /// The last event that the book has; 0 when in doubt, since the book knows a repeated one.
    pub(super) fn reported(&self) -> u64 {
        fs::read_to_string(self.0.join("reported")).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Not synced: after a power cut the book ignores what comes again.
    pub(super) fn set_reported(&self, seq: u64) -> io::Result<()> {
        let fresh = self.0.join(".reported.new");
        fs::write(&fresh, seq.to_string())?;
        fs::rename(fresh, self.0.join("reported"))
    }

    #[expect(clippy::unused_self, reason = "reads as part of the folder")]
    fn failed(&self, action: &'static str, path: PathBuf, source: io::Error) -> FolderError {
        FolderError { action, path, source }
    }
}

/// Removes a tree in which folders may be read-only, as an inventory snapshot's are.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    make_writable(path)?;
    fs::remove_dir_all(path)
}

fn make_writable(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        make_writable(&entry?.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_made_anew() {
        let data = tempfile::tempdir().unwrap();
        let folder = RunFolder::of(data.path(), RunId(17));
        folder.make().unwrap();
        folder.write("inventory/a", "x", 0o400).unwrap();
        fs::set_permissions(folder.path().join("inventory"), fs::Permissions::from_mode(0o500)).unwrap();
        folder.write("status", "3\n", 0o600).unwrap();
        assert_eq!(folder.status(), Some(3));
        folder.make().unwrap();
        assert_eq!((folder.status(), folder.began()), (None, false));
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn folders_of_runs_are_listed_and_removed() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(RunFolder::all(data.path()).unwrap(), []);
        for run in [3, 17] {
            let folder = RunFolder::of(data.path(), RunId(run));
            folder.make().unwrap();
            folder.write("inventory/a", "x", 0o400).unwrap();
            fs::set_permissions(folder.path().join("inventory"), fs::Permissions::from_mode(0o500)).unwrap();
        }
        fs::create_dir(data.path().join("runs/mine")).unwrap();
        let mut listed = RunFolder::all(data.path()).unwrap();
        listed.sort_unstable();
        assert_eq!(listed, [RunId(3), RunId(17)]);
        RunFolder::of(data.path(), RunId(3)).remove().unwrap();
        RunFolder::of(data.path(), RunId(3)).remove().unwrap();
        assert_eq!(RunFolder::all(data.path()).unwrap(), [RunId(17)]);
    }

    #[test]
    fn decisions_are_read_back_and_half_a_status_is_none() {
        let data = tempfile::tempdir().unwrap();
        let folder = RunFolder::of(data.path(), RunId(1));
        folder.make().unwrap();
        assert_eq!(folder.ending(), None);
        folder.decide(Ending::TimedOut).unwrap();
        assert_eq!(folder.ending(), Some(Ending::TimedOut));
        folder.write("status", "", 0o600).unwrap();
        assert_eq!(folder.status(), None);
        folder.set_reported(7).unwrap();
        assert_eq!(folder.reported(), 7);
    }
}
