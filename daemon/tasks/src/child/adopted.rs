//! A process that is not our child: left by an earlier daemon, watched and ended by this one.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep, timeout},
};

use super::{Identity, identity::Stat, members};

/// How often a process is looked at on a kernel without pidfd (before 5.3).
const LOOK: Duration = Duration::from_millis(200);

/// A living process that someone else started. Dropping it leaves the process alone.
#[derive(Debug)]
pub struct Adopted {
    identity: Identity,
    group: Pid,
    exit: Exit,
}

/// Comes back when the process has ended; at once if it has already, or if its pid is someone else's by now.
///
/// # Errors
/// The kernel refused to watch it.
pub async fn watch_exit(pid: u32, start_ticks: u64, host_boot: &str) -> io::Result<()> {
    let identity = Identity { pid, start_ticks, host_boot: host_boot.to_owned() };
    match Adopted::of(identity)? {
        Some(process) => process.exited().await,
        None => Ok(()),
    }
}

impl Adopted {
    /// Takes hold of this very process; nothing if it has ended. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The kernel refused to watch it.
    pub fn of(identity: Identity) -> io::Result<Option<Self>> {
        let Some(group) = pid_of(identity.pid) else { return Ok(None) };
        let exit = Exit::of(&identity, group)?;
        // Opened first, looked at second: what the descriptor means cannot change in between.
        Ok(identity.alive().then_some(Self { identity, group, exit }))
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Comes back when it has ended. Its exit status goes to its parent alone.
    ///
    /// # Errors
    /// The kernel refused to watch it.
    pub async fn exited(&self) -> io::Result<()> {
        self.exit.wait().await
    }

    /// TERM to its group, `grace`, KILL to what is left of it. For processes that lead a group.
    ///
    /// # Errors
    /// A signal was refused, or the kernel refused to watch it.
    pub async fn terminate(self, grace: Duration) -> io::Result<()> {
        let deadline = Instant::now() + grace;
        if self.identity.alive() {
            members::signal(self.group, Signal::TERM)?;
            let _in_time = timeout(grace, self.exit.wait()).await;
        }
        if members::empty_by(self.group, deadline).await || self.group_has_another_leader() {
            return Ok(());
        }
        members::signal(self.group, Signal::KILL)?;
        self.exit.wait().await
    }

    /// A group lives on without its leader and keeps its number; a stranger under that number leads another group.
    fn group_has_another_leader(&self) -> bool {
        Stat::read(self.identity.pid).is_ok_and(|stat| stat.start_ticks != self.identity.start_ticks)
    }
}

/// Tells of a process's end without reaping it.
#[derive(Debug)]
pub(super) enum Exit {
    Watched(AsyncFd<OwnedFd>),
    Polled(Identity),
}

impl Exit {
    pub(super) fn of(identity: &Identity, pid: Pid) -> io::Result<Self> {
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Ok(Self::Watched(watched(descriptor)?)),
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM | rustix::io::Errno::SRCH) => {
                Ok(Self::Polled(identity.clone()))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn wait(&self) -> io::Result<()> {
        match self {
            Self::Watched(descriptor) => descriptor.readable().await.map(|_ready| ()),
            Self::Polled(identity) => {
                while identity.alive() {
                    sleep(LOOK).await;
                }
                Ok(())
            }
        }
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of types that lie about their descriptor; OwnedFd does not"
)]
fn watched(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

pub(super) fn pid_of(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}
