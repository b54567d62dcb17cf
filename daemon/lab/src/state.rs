//! What a rack has made, in `state.json` of its run directory, written before it is made.
//!
//! `roost lab down` reads it after a crash, and every other process finds machines, consoles and the control socket
//! by it. No host mount is listed: a rack makes none but iproute2's own /run/netns, and that only on a host that
//! had none (synthetic machines mount inside mount namespaces of their own, which end with them).

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use vocabulary::{Mac, ProcessId, SmbiosUuid};

use crate::{
    machine::Firmware,
    names::{MachineName, RackName},
    namespace::Namespace,
};

/// The file's name within the run directory.
pub(crate) const FILE: &str = "state.json";

/// Everything that taking the rack away needs, and what `roost lab list` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RackState {
    /// The rack's name.
    pub name: RackName,
    /// Who keeps it; a rack whose maker is gone is stale.
    pub maker: ProcessId,
    /// What the maker is: a keeper answers on its control socket, a program owns the rack until it drops it.
    pub kept_by: KeptBy,
    /// The bridge's name inside the namespace.
    pub bridge: String,
    /// The bridge's address and network.
    pub address: Ipv4Net,
    /// Every namespace, the rack's own first.
    pub namespaces: Vec<Namespace>,
    /// Processes started by name, for the one that ends them after a crash.
    pub processes: BTreeMap<String, ProcessId>,
    /// Machines by name.
    pub machines: BTreeMap<MachineName, MachineState>,
    /// This rack's first namespace made iproute2 mount /run/netns.
    pub mounted_netns: bool,
}

/// Who keeps a rack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBy {
    /// The process that `roost lab up` left behind.
    Keeper,
    /// A program, such as a test, for as long as it runs.
    Program,
}

/// What others need to know of one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineState {
    /// How it boots.
    pub firmware: Firmware,
    /// The address of its first NIC.
    pub mac: Mac,
    /// Its SMBIOS UUID.
    pub uuid: SmbiosUuid,
    /// Its console, tokens taken out.
    pub console: PathBuf,
}

/// The state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system refused.
    #[error("cannot access {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file is no state.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the reader stopped.
        #[source]
        source: serde_json::Error,
    },
}

impl RackState {
    /// Reads the state of the rack with this run directory.
    pub fn load(dir: &Path) -> Result<Self, StateError> {
        let path = dir.join(FILE);
        let text = fs::read(&path).map_err(|source| StateError::Io { path: path.clone(), source })?;
        serde_json::from_slice(&text).map_err(|source| StateError::Damaged { path, source })
    }

    /// Whether that machine's QEMU runs.
    #[must_use]
    pub fn is_on(&self, machine: &MachineName) -> bool {
        self.processes.get(&Self::process_name(machine)).is_some_and(crate::process::alive)
    }

    pub(crate) fn process_name(machine: &MachineName) -> String {
        format!("machine {machine}")
    }

    /// The rack's own namespace.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        Namespace::named(self.name.namespace())
    }
}

/// The state in memory and on disk; every change is on disk before it returns.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    state: Mutex<RackState>,
}

impl StateFile {
    pub(crate) fn create(dir: &Path, state: RackState) -> Result<Self, StateError> {
        let file = Self { path: dir.join(FILE), state: Mutex::new(state) };
        file.change(|_| ())?;
        Ok(file)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut RackState)) -> Result<(), StateError> {
        let mut state = self.lock();
        change(&mut state);
        let io_error = |source| StateError::Io { path: self.path.clone(), source };
        let text = serde_json::to_vec_pretty(&*state).map_err(|error| io_error(error.into()))?;
        let fresh = self.path.with_extension("json.new");
        fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &self.path)).map_err(io_error)
    }

    pub(crate) fn get(&self) -> RackState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, RackState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
