//! A run's process, whether this daemon started it or an earlier one did.

use std::{io, time::Duration};

use tasks::child::{Adopted, Group, Identity};
use vocabulary::ProcessId;

pub(super) enum Process {
    Own(Box<Group>),
    Adopted(Adopted),
}

impl Process {
    /// The process of an earlier daemon; nothing if it has ended.
    pub(super) fn adopt(process: &ProcessId) -> io::Result<Option<Self>> {
        let ProcessId { pid, start_ticks, host_boot } = process.clone();
        Ok(Adopted::of(Identity { pid, start_ticks, host_boot })?.map(Self::Adopted))
    }

    /// Comes back when it has ended, with its exit status where we are its parent. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> io::Result<Option<i32>> {
        match self {
            Self::Own(group) => group.wait().await.map(|status| status.code()),
            Self::Adopted(process) => process.exited().await.map(|()| None),
        }
    }

    /// TERM to the group, grace, KILL.
    pub(super) async fn terminate(self, grace: Duration) -> io::Result<()> {
        match self {
            Self::Own(mut group) => group.terminate(grace).await.map(|_| ()),
            Self::Adopted(process) => process.terminate(grace).await,
        }
    }

    /// Lets it live on for a later daemon.
    pub(super) fn leave(self) {
        if let Self::Own(group) = self {
            let identity = group.leave();
            tracing::info!(pid = identity.pid, "left a playbook running for the next daemon");
        }
    }
}

pub(super) fn process_id(identity: &Identity) -> ProcessId {
    let Identity { pid, start_ticks, host_boot } = identity.clone();
    ProcessId { pid, start_ticks, host_boot }
}
