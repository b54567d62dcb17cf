//! One named network namespace: made, entered by a thread of its own, and taken away with all that runs in it.
//!
//! A socket belongs to the namespace in which it was made, wherever it is used later; so entering means: a short-lived
//! thread calls setns(2), makes the socket (or a child process) and ends. No runtime thread ever changes namespace,
//! and no `unsafe` `pre_exec` is needed. Programs start through nsenter, which replaces itself by them: the pid is
//! theirs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use nix::sched::{CloneFlags, setns};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    ip::{self, IpError},
    process,
};

const NETNS_DIR: &str = "/run/netns";
const ALL_ENDED: Duration = Duration::from_secs(5);

/// A namespace by its name in /run/netns; holding this value doesn't keep it alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Namespace {
    name: String,
}

/// Code could not be run inside a namespace.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// It is gone, or was never made.
    #[error("no network namespace {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The kernel refused.
    #[error("cannot enter network namespace {name} (root is needed)")]
    Refused {
        /// Which.
        name: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// No thread could be started, or it panicked.
    #[error("the thread for network namespace {name} failed")]
    Thread {
        /// Which.
        name: String,
    },
}

impl Namespace {
    /// The namespace of that name, whether it exists or not.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// Its name, as `ip netns list` shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file in /run/netns.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(NETNS_DIR).join(&self.name)
    }

    /// Whether it exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path().exists()
    }

    /// A command that runs inside; its pid will be the program's own.
    ///
    /// By nsenter and not by `ip netns exec`, which also remounts /sys in a mount namespace of its own: that fails where
    /// the root directory is no mount, as in a chroot.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(process::ENTER);
        command.arg(process::entering(&self.path())).arg("--").arg(program);
        command
    }

    /// Runs `work` on a thread of its own inside the namespace; keep it short when called from async code.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, EnterError> {
        let path = self.path();
        let file = fs::File::open(&path).map_err(|source| EnterError::Missing { path, source })?;
        let inside = || setns(&file, CloneFlags::CLONE_NEWNET).map(|()| work());
        let failed = || EnterError::Thread { name: self.name.clone() };
        let outcome = thread::scope(|scope| {
            let thread = thread::Builder::new().name("namespace".into()).spawn_scoped(scope, inside);
            thread.map_err(|_| failed())?.join().map_err(|_| failed())
        })?;
        outcome.map_err(|errno| EnterError::Refused { name: self.name.clone(), source: errno.into() })
    }

    pub(crate) fn create(&self) -> Result<(), IpError> {
        ip::line(&format!("netns add {}", self.name)).map(drop)
    }

    /// One line for `ip`, inside; not by `ip -n`, for the reason of [`Namespace::command`].
    pub(crate) fn ip(&self, line: &str) -> Result<String, IpError> {
        self.enter(|| ip::line(line)).map_err(|error| IpError::Start(std::io::Error::other(error)))?
    }

    /// Ends everything that runs inside, then removes the namespace and with it every link in it.
    pub(crate) fn delete(&self) -> Result<(), IpError> {
        if !self.exists() {
            return Ok(());
        }
        self.end_processes();
        ip::line(&format!("netns delete {}", self.name)).map(drop)
    }

    /// Two empty looks in a row: a process may slip from nsenter to inside during one.
    fn end_processes(&self) {
        let mut empty_looks = 0;
        let ended = process::wait_until(ALL_ENDED, || {
            let inside = process::in_namespace(&self.path()).unwrap_or_default();
            for id in &inside {
                process::signal(id, Signal::KILL);
            }
            empty_looks = if inside.is_empty() { empty_looks + 1 } else { 0 };
            empty_looks == 2
        });
        if !ended {
            tracing::warn!(namespace = self.name, "processes in the namespace did not end");
        }
    }
}

/// Whether iproute2 has its mount at /run/netns; the first `ip netns add` on a host makes it.
pub(crate) fn mount_exists() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(NETNS_DIR))
}

/// Takes iproute2's mount away; the kernel refuses while any namespace is left, and that is well.
pub(crate) fn unmount_if_unused() {
    if let Err(errno) = nix::mount::umount(NETNS_DIR) {
        tracing::debug!(%errno, "{NETNS_DIR} stays mounted");
    }
}
