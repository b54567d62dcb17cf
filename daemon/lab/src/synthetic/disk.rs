//! A disk for a synthetic machine: a sparse file on a loop device of this host, which goes with it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A disk of a file; dropping it detaches the device, the file stays.
#[derive(Debug)]
pub struct LoopDisk {
    device: PathBuf,
}

/// A disk could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Its file could not be made.
    #[error("cannot make {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// No loop device is to be had.
    #[error("losetup failed: {0} (as root? apt install mount)")]
    Losetup(String),
}

impl LoopDisk {
    /// An empty disk of that size, in a new file.
    pub fn empty(file: &Path, size_bytes: u64) -> Result<Self, DiskError> {
        let made = File::create_new(file).and_then(|made| made.set_len(size_bytes));
        made.map_err(|source| DiskError::File { path: file.to_owned(), source })?;
        let output = Command::new("losetup").args(["--find", "--show"]).arg(file).output();
        let output = output.map_err(|error| DiskError::Losetup(error.to_string()))?;
        if !output.status.success() {
            return Err(DiskError::Losetup(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let disk = Self { device: String::from_utf8_lossy(&output.stdout).trim().into() };
        // What a program that was killed left of the disk before it: partitions stay when a device is detached.
        let _none = disk.forget_partitions();
        Ok(disk)
    }

    fn forget_partitions(&self) -> io::Result<Output> {
        Command::new("partx").arg("--delete").arg(&self.device).output()
    }

    /// Its device on this host.
    #[must_use]
    pub fn device(&self) -> &Path {
        &self.device
    }

    /// The kernel's name of it, here and in the machine.
    #[must_use]
    pub fn name(&self) -> String {
        self.device.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What the machine says it is called.
    #[must_use]
    pub fn serial(&self) -> String {
        format!("lab-{}", self.name())
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        // Partitions of it are devices of their own.
        let partitions = self.forget_partitions();
        let detached = Command::new("losetup").arg("--detach").arg(&self.device).status();
        if partitions.is_err() || !detached.is_ok_and(|status| status.success()) {
            tracing::debug!(device = %self.device.display(), "loop device not detached");
        }
    }
}
