//! What an operator prepares once: loaders, the node image, Ansible, the programs that nodes run.
//!
//! Each is a verb of this binary's own, and at once where nothing is missing. It leads a process group: Ctrl-C at the
//! terminal comes here alone and is handed on once, since a second one would tell it to leave its mounts as they are.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tasks::Stop;
use tokio::process::{Child, Command};

use super::{own_binary, stopped};
use crate::cli::{
    exit::{Exit, Failure},
    screen,
};

/// Longer than an image build takes to undo its mounts.
const PATIENCE: Duration = Duration::from_secs(30);

/// Carries all of it out; stopped, it waits for the end of what is under way.
pub(super) async fn prepare(config: &Path, stop: &Stop) -> Result<(), Failure> {
    for verb in [["assets", "fetch"], ["image", "build"], ["ansible", "setup"], ["assets", "adopt"]] {
        screen::line(format!("roost {}", verb.join(" ")))?;
        let mut command = Command::new(own_binary()?);
        command.arg("--config").arg(config).args(verb).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot run roost {}", verb.join(" ")))?;
        let Some(status) = stop.run_until_cancelled(child.wait()).await else {
            end(&mut child).await?;
            return Err(stopped("interrupted while preparing; no rack was put up"));
        };
        let status = status?;
        if !status.success() {
            let cause = format!("roost {} ended with {status}", verb.join(" "));
            return Err(Failure::words(Exit::Failed, cause, "its own words stand above"));
        }
    }
    Ok(())
}

async fn end(child: &mut Child) -> Result<(), Failure> {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        kill_process(pid, Signal::TERM)?;
    }
    // One that does not end is killed when it is dropped.
    let _late = tokio::time::timeout(PATIENCE, child.wait()).await;
    Ok(())
}
