//! What a run needs and nobody may keep: the fleet's private key, the copy of the inventory, the node's own secrets
//! (its kit), ssh's control socket, Ansible's local temp files.
//!
//! In RAM where the host has a tmpfs at a usual place, 0700, removed when the run ends and, for runs that nobody
//! follows any more, when the daemon starts. A control socket lets whoever opens it act as root on the node, so it is
//! a secret too, and an operator's variables are where passwords stand.
//!
//! An inventory script must be able to start, and Debian mounts /run `noexec`: only an inventory with a script is
//! copied into the run's own folder then, for as long as the run lasts, and the log says so. Rejected: a tmpfs of
//! Roost's own (needs a capability that the daemon does not have).

use std::{
    collections::HashSet,
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use vocabulary::RunId;

use super::{Kit, RunFolder, folder::remove_tree};
use crate::inventory::{Inventory, SnapshotError, SnapshotFile};

/// `TMPFS_MAGIC` of statfs(2).
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// The secrets of one run.
#[derive(Debug, Clone)]
pub(super) struct Secrets {
    folder: PathBuf,
    /// Where an inventory with a script lies if no script can start from `folder`.
    startable: PathBuf,
}

impl Secrets {
    pub(super) fn of(secrets_dir: &Path, data_dir: &Path, run: RunId) -> Self {
        Self { folder: secrets_dir.join(run.to_string()), startable: startable(data_dir, run) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    pub(super) fn key(&self) -> PathBuf {
        self.folder.join("key")
    }

    pub(super) fn control_socket(&self) -> PathBuf {
        self.folder.join("mux")
    }

    /// Copies the inventory: where it is, and its files.
    pub(super) fn copy(&self, inventory: &Inventory) -> Result<(PathBuf, Vec<SnapshotFile>), SnapshotError> {
        let copy = self.folder.join("inventory");
        let files = inventory.snapshot(&copy)?;
        let Some(script) = files.iter().find(|file| file.is_program).filter(|_| is_noexec(&self.folder)) else {
            return Ok((copy, files));
        };
        let script = script.name.display();
        let (ram, copied_to) = (self.folder.display(), self.startable.display());
        tracing::warn!(%script, %ram, %copied_to, "no inventory script can start in RAM: the copy is on disk while the run lasts");
        remove_tree(&copy).map_err(|source| SnapshotError::Copy { path: copy, source })?;
        let files = inventory.snapshot(&self.startable)?;
        Ok((self.startable.clone(), files))
    }

    pub(super) fn make(&self, ssh_key: &Path) -> io::Result<()> {
        self.remove()?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut from = fs::File::open(ssh_key)?;
        let mut to = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(self.key())?;
        io::copy(&mut from, &mut to).map(|_| ())
    }

    /// Writes a kit's files, each for root alone: the folder that they are in, if there are any.
    pub(super) fn keep(&self, kit: &Kit) -> io::Result<Option<PathBuf>> {
        if kit.files.is_empty() {
            return Ok(None);
        }
        let folder = self.folder.join("kit");
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        for (name, secret) in &kit.files {
            let mut file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(folder.join(name))?;
            file.write_all(secret.expose().as_bytes())?;
        }
        Ok(Some(folder))
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        remove_if_there(&self.folder).and(remove_if_there(&self.startable))
    }
}

fn startable(data_dir: &Path, run: RunId) -> PathBuf {
    RunFolder::of(data_dir, run).path().join("inventory")
}

fn remove_if_there(tree: &Path) -> io::Result<()> {
    match remove_tree(tree) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the secrets of every run but these.
pub(super) fn forget_but(secrets_dir: &Path, data_dir: &Path, kept: &HashSet<RunId>) -> io::Result<()> {
    for run in RunFolder::all(data_dir)?.into_iter().filter(|run| !kept.contains(run)) {
        remove_if_there(&startable(data_dir, run))?;
    }
    for entry in fs::read_dir(secrets_dir)? {
        let path = entry?.path();
        let run = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        // Only what looks like a run's: the folder may be shared by mistake.
        if run.is_some_and(|run: u64| !kept.contains(&RunId(run))) {
            remove_tree(&path)?;
        }
    }
    Ok(())
}

/// The first usual place that is RAM, else the data folder.
pub(super) fn best_folder(data_dir: &Path) -> PathBuf {
    let candidates = ["/run/roost/secrets", "/dev/shm/roost-secrets"].map(PathBuf::from);
    let usable = |folder: &PathBuf| existing(folder).is_some_and(|place| is_tmpfs(place) && is_writable(place));
    candidates.into_iter().find(usable).unwrap_or_else(|| data_dir.join("secrets"))
}

/// Makes the folder, and makes sure that it is ours alone: in /dev/shm anybody could have made it before.
pub(super) fn claim(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let own = rustix::process::geteuid().as_raw();
    let meta = fs::symlink_metadata(folder)?;
    let ours = meta.is_dir() && meta.uid() == own && meta.mode() & 0o077 == 0;
    if !ours || !folder.ancestors().skip(1).all(|above| kept_by(above, own)) {
        let why = "it, or a folder above it, can be changed by another user";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    if !is_tmpfs(folder) {
        tracing::warn!(folder = %folder.display(), "secrets of runs are kept on a disk while they run: no tmpfs is usable");
    }
    Ok(())
}

/// Whether nobody but root and this user can put something else in place of what is in this folder.
fn kept_by(folder: &Path, own: u32) -> bool {
    let sticky_or_closed = |mode: u32| mode & 0o022 == 0 || mode & 0o1000 != 0;
    fs::metadata(folder).is_ok_and(|meta| (meta.uid() == 0 || meta.uid() == own) && sticky_or_closed(meta.mode()))
}

fn existing(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|place| place.exists())
}

fn is_tmpfs(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(TMPFS_MAGIC))
}

fn is_noexec(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|stat| stat.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
}

fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn secrets_are_private_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("id");
        fs::write(&key, "k").unwrap();
        let data = folder.path().join("data");
        let of = |run| Secrets::of(folder.path(), &data, RunId(run));
        for run in [1, 2] {
            of(run).make(&key).unwrap();
            fs::create_dir_all(startable(&data, RunId(run))).unwrap();
        }
        let one = of(1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(one.keep(&Kit::default()).unwrap(), None);
        let files = vec![("ca.pem", vocabulary::Secret::new("c".to_owned()))];
        let kept = one.keep(&Kit { files, ..Kit::default() }).unwrap().unwrap();
        assert_eq!((mode(&kept), mode(&kept.join("ca.pem"))), (0o700, 0o600));
        assert_eq!((mode(one.path()), mode(&one.key())), (0o700, 0o600));
        forget_but(folder.path(), &data, &HashSet::from([RunId(2)])).unwrap();
        assert!(!one.path().exists() && of(2).key().exists() && key.exists());
        assert!(!one.startable.exists() && of(2).startable.exists() && data.join("runs/1").exists());
        of(2).remove().unwrap();
        assert!(!of(2).path().exists() && !of(2).startable.exists());
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, open, link) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        claim(&ours).unwrap();
        claim(&ours).unwrap();
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink(&ours, &link).unwrap();
        fs::create_dir(open.join("ours")).unwrap();
        fs::set_permissions(open.join("ours"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(claim(&open).is_err() && claim(&link).is_err() && claim(&open.join("ours")).is_ok());
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(claim(&open.join("ours")).is_err());
    }
}
