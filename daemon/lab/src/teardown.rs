//! Taking racks away from what `state.json` says, whoever made them and however that one ended.
//!
//! Order: recorded processes, then whatever else runs in the namespaces, then the namespaces (links go with them),
//! then the run directory, last, so that a teardown which is itself killed can be done again. One flock on the run
//! root keeps a teardown and a building-up apart.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    ip::IpError,
    names::RackName,
    namespace::{self, Namespace},
    process,
    state::{KeptBy, RackState, StateError},
};

const GRACE: Duration = Duration::from_millis(500);
/// A keeper ends its machines and namespaces itself; this is how long it may take.
const KEEPER_GRACE: Duration = Duration::from_secs(20);

/// A rack could not be taken away.
#[derive(Debug, thiserror::Error)]
pub enum DownError {
    /// Nothing of that name is known.
    #[error("no rack {name} under {} (roost lab list)", run_root.display())]
    Unknown {
        /// The name asked for.
        name: RackName,
        /// Where it was looked for.
        run_root: PathBuf,
    },
    /// A program that still runs owns it and will take it away itself.
    #[error("rack {name} belongs to process {pid}, which still runs (end that process, or use --force)")]
    InUse {
        /// The rack.
        name: RackName,
        /// Its owner.
        pid: u32,
    },
    /// The run root could not be locked.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A namespace stayed.
    #[error("a network namespace stayed")]
    Namespace(#[from] IpError),
    /// The run directory stayed.
    #[error("cannot remove {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The state can't be read.
    #[error("cannot read the rack's state (remove its namespaces with ip netns delete, then the run directory)")]
    State(#[from] StateError),
}

/// What to do with a rack whose owner, not a keeper, still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    /// Leave it to its owner.
    Leave,
    /// Take it away under its owner's feet; the owner itself is not touched.
    TakeAway,
}

/// Takes away the rack of that name: a keeper is told to end, a dead maker's remains are collected.
pub fn remove(run_root: &Path, name: &RackName, owned: Owned) -> Result<(), DownError> {
    let dir = run_root.join(name.as_str());
    if !dir.exists() && !Namespace::named(name.namespace()).exists() {
        return Err(DownError::Unknown { name: name.clone(), run_root: run_root.to_owned() });
    }
    if !dir.exists() {
        return Ok(Namespace::named(name.namespace()).delete()?);
    }
    let state = RackState::load(&dir)?;
    match state.kept_by {
        KeptBy::Keeper => drop(process::end(&state.maker, KEEPER_GRACE)),
        KeptBy::Program if owned == Owned::Leave && process::alive(&state.maker) => {
            return Err(DownError::InUse { name: name.clone(), pid: state.maker.pid });
        }
        KeptBy::Program => (),
    }
    let _lock = lock_run_root(run_root).map_err(|source| DownError::Lock { path: run_root.to_owned(), source })?;
    if dir.exists() { take_away(&dir, &state) } else { Ok(()) }
}

/// Every rack below a run root, as its state says; damaged ones are skipped and logged.
#[must_use]
pub fn racks(run_root: &Path) -> Vec<RackState> {
    let Ok(entries) = fs::read_dir(run_root) else { return Vec::new() };
    let mut found: Vec<_> = entries.flatten().filter_map(|entry| readable(&entry.path())).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Takes away every rack whose maker is gone; the caller holds the run root's lock.
pub(crate) fn remove_stale(run_root: &Path) {
    for state in racks(run_root).iter().filter(|state| !process::alive(&state.maker)) {
        let dir = run_root.join(state.name.as_str());
        match take_away(&dir, state) {
            Ok(()) => tracing::info!(rack = %state.name, "took away a rack whose maker is gone"),
            Err(error) => {
                tracing::warn!(rack = %state.name, error = &error as &dyn std::error::Error, "stale rack stays");
            }
        }
    }
}

/// Ends and removes everything that the state names; done twice it does nothing the second time.
pub(crate) fn take_away(dir: &Path, state: &RackState) -> Result<(), DownError> {
    for (what, id) in &state.processes {
        if !process::end(id, GRACE) {
            tracing::warn!(what, pid = id.pid, "process did not end");
        }
    }
    for namespace in state.namespaces.iter().rev() {
        namespace.delete()?;
    }
    if state.mounted_netns {
        namespace::unmount_if_unused();
    }
    remove_dir(dir)
}

/// The lock that every building-up and teardown below one run root takes; freed when dropped.
pub(crate) fn lock_run_root(run_root: &Path) -> io::Result<File> {
    loop {
        crate::rack::private_dir(run_root)?;
        let lock = File::open(run_root)?;
        lock.lock()?;
        // Whoever held it before may have removed the empty directory.
        let same = fs::metadata(run_root).is_ok_and(|now| lock.metadata().is_ok_and(|held| held.ino() == now.ino()));
        if same {
            return Ok(lock);
        }
    }
}

fn remove_dir(dir: &Path) -> Result<(), DownError> {
    match fs::remove_dir_all(dir) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(DownError::Directory { path: dir.to_owned(), source });
        }
        _ => (),
    }
    if let Some(run_root) = dir.parent()
        && let Err(error) = fs::remove_dir(run_root)
    {
        tracing::debug!(run_root = %run_root.display(), %error, "run root stays");
    }
    Ok(())
}

fn readable(dir: &Path) -> Option<RackState> {
    match RackState::load(dir) {
        Ok(state) => Some(state),
        Err(StateError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::warn!(dir = %dir.display(), error = &error as &dyn std::error::Error, "unreadable rack");
            None
        }
    }
}
