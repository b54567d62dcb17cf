//! Why there is no image, each with what to do about it.

use std::{io, path::PathBuf, process::ExitStatus};

use super::Stage;

/// The image was not built. Nothing half-made is left in the cache.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Installing packages into a root means chown and chroot.
    #[error("building a node image needs root; try: sudo roost image build")]
    NotRoot,
    /// A container without the right to mount.
    #[error("mounts are not allowed here: run on the host or in a container with CAP_SYS_ADMIN")]
    NoMounts,
    /// A program of Debian's is not there.
    #[error("{program} is missing; try: apt-get install {package}")]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// Where it comes from.
        package: &'static str,
    },
    /// Nobody to check the archive's signature against.
    #[error("no keyring {}; try: apt-get install debian-archive-keyring", path.display())]
    Keyring {
        /// What was looked for.
        path: PathBuf,
    },
    /// Where the image would lie.
    #[error("could not {action} {}", path.display())]
    Io {
        /// Open, create, rename...
        action: &'static str,
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Too little room.
    #[error("{} has {free_mib} MiB free, a build needs {need_mib} MiB", path.display())]
    Space {
        /// The cache.
        path: PathBuf,
        /// What is there.
        free_mib: u64,
        /// What is needed while building.
        need_mib: u64,
    },
    /// A program could not be started or watched.
    #[error("could not run {program}")]
    Run {
        /// Which.
        program: &'static str,
        /// Why.
        #[source]
        source: tasks::BoxError,
    },
    /// A program failed.
    #[error("could not {}: {program} ended with {status}; it said:\n{said}\n{remedy}", stage.title())]
    Failed {
        /// During which stage.
        stage: Stage,
        /// Which one.
        program: &'static str,
        /// How.
        status: ExitStatus,
        /// Its last lines.
        said: String,
        /// What to try.
        remedy: &'static str,
    },
    /// The root has no kernel or two.
    #[error("the new root holds {found} kernels in /boot, expected one")]
    Kernel {
        /// How many there are.
        found: usize,
    },
    /// Asked to stop.
    #[error("cancelled; nothing is left behind")]
    Cancelled,
}

/// For `map_err`: what was done to which path.
pub(super) fn io_error(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.into();
    move |source| BuildError::Io { action, path, source }
}
