//! A running machine saved to files and started from them: tests begin at a login instead of a cold boot.
//!
//! QEMU's migration to a file holds memory and devices; the variable store and the disk are copied beside it while
//! the machine stands still. A state only fits the machine it was taken from (same addresses, identity, memory, way
//! of emulation), so those are written down with it and compared before QEMU would fail with a riddle.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use vocabulary::{Mac, SmbiosUuid};

use super::{
    power::{Machine, PowerError},
    qmp::QmpError,
    spec::{DiskBus, Firmware, NicModel, TpmModel},
};
use crate::{accel::Accel, names::MachineName, rack::private_dir};

const MEMORY: &str = "memory";
const DESCRIPTION: &str = "snapshot.json";
const LIMIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);

/// A saved machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    dir: PathBuf,
    fits: Fits,
}

/// What a machine must be like for the state to fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fits {
    firmware: Firmware,
    accel: Accel,
    memory_mib: u32,
    cpus: u8,
    uuid: SmbiosUuid,
    serial: String,
    macs: Vec<Mac>,
    nic_model: NicModel,
    disk: Option<DiskBus>,
    /// QEMU takes its state along; snapshots of before there were any are of machines without.
    #[serde(default)]
    tpm: Option<TpmModel>,
}

/// A machine could not be saved or started from what was saved.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file failed.
    #[error("cannot access {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The description is none.
    #[error("{} describes no snapshot", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where the reader stopped.
        #[source]
        source: serde_json::Error,
    },
    /// Another kind of machine.
    #[error("the snapshot in {} does not fit machine {name}: it was taken of {taken}, this one is {this}", dir.display())]
    Misfit {
        /// The snapshot.
        dir: PathBuf,
        /// The machine.
        name: MachineName,
        /// What it was taken of.
        taken: String,
        /// What this machine is.
        this: String,
    },
    /// QEMU could not write or read the state.
    #[error("machine {name} could not be moved to or from the file: {said}")]
    Migration {
        /// Which.
        name: MachineName,
        /// QEMU's reason.
        said: String,
    },
    /// The monitor failed.
    #[error("cannot control machine {name}")]
    Qmp {
        /// Which.
        name: MachineName,
        /// Its refusal.
        #[source]
        source: QmpError,
    },
    /// Power could not be changed.
    #[error("cannot switch the machine")]
    Power(#[from] PowerError),
    /// The runtime is going down.
    #[error("the runtime stops")]
    Runtime(#[from] tokio::task::JoinError),
}

impl Snapshot {
    /// The snapshot that [`Machine::save`] left in this directory.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, SnapshotError> {
        let dir = dir.into();
        let path = dir.join(DESCRIPTION);
        let text = fs::read(&path).map_err(|source| SnapshotError::Io { path: path.clone(), source })?;
        let fits = serde_json::from_slice(&text).map_err(|source| SnapshotError::Damaged { path, source })?;
        Ok(Self { dir, fits })
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The addresses of the machine it was taken of.
    #[must_use]
    pub fn macs(&self) -> &[Mac] {
        &self.fits.macs
    }
}

impl Machine {
    /// Saves the running machine into `dir` and switches it off.
    pub async fn save(self: &Arc<Self>, dir: impl Into<PathBuf>) -> Result<Snapshot, SnapshotError> {
        let dir = dir.into();
        let target = dir.clone();
        self.blocking(move |machine| machine.write_state(&target)).await?;
        self.power_off().await?;
        self.blocking(move |machine| machine.finish_snapshot(dir)).await
    }

    /// Switches the machine on in the saved state.
    pub async fn power_on_from(self: &Arc<Self>, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let snapshot = snapshot.clone();
        self.blocking(move |machine| machine.resume(&snapshot)).await
    }

    fn write_state(&self, dir: &Path) -> Result<(), SnapshotError> {
        private_dir(dir).map_err(|source| SnapshotError::Io { path: dir.to_owned(), source })?;
        self.ask("stop", &json!({}))?;
        let uri = format!("file:{}", dir.join(MEMORY).display());
        // The default allowance is made for a network shared with others.
        self.ask("migrate-set-parameters", &json!({ "max-bandwidth": 0 }))?;
        self.ask("migrate", &json!({ "uri": uri }))?;
        self.wait_for_migration()
    }

    fn finish_snapshot(&self, dir: PathBuf) -> Result<Snapshot, SnapshotError> {
        for from in self.companions() {
            copy_sparse(&from, &dir)?;
        }
        let fits = self.fits();
        let path = dir.join(DESCRIPTION);
        let text =
            serde_json::to_vec_pretty(&fits).map_err(|source| SnapshotError::Damaged { path: path.clone(), source })?;
        fs::write(&path, text).map_err(|source| SnapshotError::Io { path, source })?;
        Ok(Snapshot { dir, fits })
    }

    fn resume(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let this = self.fits();
        if this != snapshot.fits {
            let (taken, this) = (format!("{:?}", snapshot.fits), format!("{this:?}"));
            return Err(SnapshotError::Misfit { dir: snapshot.dir.clone(), name: self.name().clone(), taken, this });
        }
        for to in self.companions() {
            let from = snapshot.dir.join(to.file_name().unwrap_or_default());
            copy_sparse(&from, &self.plan.dir)?;
        }
        self.start(Some(&snapshot.dir.join(MEMORY)))?;
        self.wait_until_loaded()?;
        self.ask("cont", &json!({})).map(drop)
    }

    fn wait_for_migration(&self) -> Result<(), SnapshotError> {
        for _ in 0..LIMIT.as_millis() / POLL.as_millis() {
            let answer = self.ask("query-migrate", &json!({}))?;
            match answer["status"].as_str().unwrap_or_default() {
                "completed" => return Ok(()),
                "failed" | "cancelled" => return Err(self.migration_failed(answer["error-desc"].as_str())),
                _ => thread::sleep(POLL),
            }
        }
        Err(self.migration_failed(Some("it took too long")))
    }

    fn wait_until_loaded(&self) -> Result<(), SnapshotError> {
        for _ in 0..LIMIT.as_millis() / POLL.as_millis() {
            let answer = self.ask("query-status", &json!({})).map_err(|_| self.migration_failed(None))?;
            if answer["status"] != "inmigrate" {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(self.migration_failed(Some("it took too long")))
    }

    fn migration_failed(&self, said: Option<&str>) -> SnapshotError {
        let said = said.map_or_else(|| self.log_tail(), str::to_owned);
        SnapshotError::Migration { name: self.name().clone(), said }
    }

    fn ask(&self, command: &str, arguments: &serde_json::Value) -> Result<serde_json::Value, SnapshotError> {
        let mut guard = self.lock();
        let answer = self.on(&mut guard)?.qmp.execute(command, arguments);
        answer.map_err(|source| SnapshotError::Qmp { name: self.name().clone(), source })
    }

    /// The files besides memory that belong to the state.
    fn companions(&self) -> Vec<PathBuf> {
        let vars = (self.plan.firmware == Firmware::Uefi).then(|| self.plan.vars());
        vars.into_iter().chain(self.plan.disk.clone()).collect()
    }

    fn fits(&self) -> Fits {
        let plan = &self.plan;
        Fits {
            firmware: plan.firmware,
            accel: plan.accel.clone(),
            memory_mib: plan.memory_mib,
            cpus: plan.cpus,
            uuid: plan.uuid,
            serial: plan.serial.clone(),
            macs: plan.nics.iter().map(|nic| nic.mac).collect(),
            nic_model: plan.nic_model,
            disk: plan.disk.is_some().then_some(plan.disk_bus),
            tpm: plan.tpm,
        }
    }
}

/// `fs::copy` clones where the file system can; a qcow2 file is small until the guest writes.
fn copy_sparse(from: &Path, to_dir: &Path) -> Result<(), SnapshotError> {
    let to = to_dir.join(from.file_name().unwrap_or_default());
    fs::copy(from, to).map(drop).map_err(|source| SnapshotError::Io { path: from.to_owned(), source })
}
