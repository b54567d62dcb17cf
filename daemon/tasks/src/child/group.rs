//! A child that leads its own process group.

use std::{ffi::OsString, io, path::PathBuf, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal};
use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    time::{Instant, timeout},
};

use super::{
    Identity, Spec,
    adopted::{Exit, pid_of},
    identify, members,
};

/// Why a child was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program.
    #[error("{} not found", program.display())]
    NotFound {
        /// As it was asked for.
        program: OsString,
    },
    /// A file for its input or output could not be opened.
    #[error("could not open {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The host refused.
    #[error("could not start {}", program.display())]
    Start {
        /// As it was asked for.
        program: OsString,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A running child and everything it starts in its group. Dropping it kills them all; [`Group::leave`] does not.
#[derive(Debug)]
pub struct Group {
    child: Child,
    group: Pid,
    identity: Identity,
    exit: Exit,
    status: Option<ExitStatus>,
    on_drop: OnDrop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnDrop {
    Kill,
    Leave,
}

/// Time for a killed group to be gone; longer means that the kernel holds a member in an uninterruptible wait.
const KILLED: Duration = Duration::from_secs(5);

impl Group {
    /// Starts it. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The program or a file is missing, or the host refused.
    pub fn spawn(spec: &Spec) -> Result<Self, SpawnError> {
        let program = || spec.program().to_owned();
        let child = spec.command()?.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SpawnError::NotFound { program: program() },
            _ => SpawnError::Start { program: program(), source },
        })?;
        Self::of(child).map_err(|source| SpawnError::Start { program: program(), source })
    }

    /// Not reaped yet, so its pid is its own and /proc shows it even if it has ended already.
    fn of(child: Child) -> io::Result<Self> {
        let gone = || io::Error::other("the child has no pid");
        let pid = child.id().ok_or_else(gone)?;
        let group = pid_of(pid).ok_or_else(gone)?;
        let identity = identify(pid)?;
        let exit = Exit::of(&identity, group)?;
        Ok(Self { child, group, identity, exit, status: None, on_drop: OnDrop::Kill })
    }

    /// Names the leader, and so the group, for ever.
    #[must_use]
    pub const fn id(&self) -> &Identity {
        &self.identity
    }

    /// The writing end of its input, once, if it is a pipe.
    pub const fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The reading end of its output, once, if it is a pipe.
    pub const fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The reading end of its complaints, once, if it is a pipe.
    pub const fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the leader's end, kills what it left behind and reaps it. May be cancelled and called again.
    ///
    /// # Errors
    /// The host refused to wait or to kill.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        self.exit.wait().await?;
        self.end().await
    }

    /// TERM to all, `grace`, KILL to what is left. The whole group has the grace, not the leader alone.
    ///
    /// # Errors
    /// The host refused to signal or to wait.
    pub async fn terminate(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let deadline = Instant::now() + grace;
        members::signal(self.group, Signal::TERM)?;
        let _in_time = timeout(grace, self.exit.wait()).await;
        members::empty_by(self.group, deadline).await;
        self.end().await
    }

    /// Lets it live on: for work that a later daemon takes over by its identity.
    #[must_use = "the identity is all that is left of it"]
    pub fn leave(mut self) -> Identity {
        self.on_drop = OnDrop::Leave;
        self.identity.clone()
    }

    /// The leader is reaped last: until then nobody else can have the group's number.
    async fn end(&mut self) -> io::Result<ExitStatus> {
        members::signal(self.group, Signal::KILL)?;
        self.exit.wait().await?;
        if !members::empty_by(self.group, Instant::now() + KILLED).await {
            tracing::warn!(group = self.identity.pid, "killed, and still there");
        }
        let status = self.child.wait().await?;
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Group {
    /// What is killed here is reaped by tokio, which keeps children that were dropped unreaped.
    fn drop(&mut self) {
        if self.on_drop == OnDrop::Kill
            && self.status.is_none()
            && let Err(error) = members::signal(self.group, Signal::KILL)
        {
            tracing::warn!(group = self.identity.pid, %error, "could not be killed");
        }
    }
}
