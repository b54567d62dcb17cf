//! The demo's Consul and Nomad servers, made as an operator without systemd makes them: `roost cluster init --no-start`
//! writes everything, the two commands that it prints are started, and the same verb again closes the cluster.

use std::{
    fs::File,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use lab::Rack;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tasks::{Clock as _, SystemClock};

use super::{own_binary, printed};
use crate::cli::{
    exit::{Exit, Failure},
    screen,
};

/// How long both may take until they answer; a second or two on idle cores.
const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(500);

/// What `roost cluster init --json` prints while there is something left to start.
#[derive(Deserialize)]
struct Made {
    /// Absent once the cluster is closed.
    commands: Option<[String; 2]>,
}

/// Both servers; they end with it.
pub(super) struct Servers(Vec<Child>);

impl Servers {
    /// Makes the cluster of this configuration and starts its servers inside the rack.
    ///
    /// # Errors
    /// A program is missing or ends; where its own words stand is said.
    pub(super) async fn up(rack: &Rack, config: &Path, logs: &Path) -> Result<Self, Failure> {
        screen::line("roost cluster init --no-start")?;
        let Some(commands) = init(rack, config).await?.commands else { return Ok(Self(Vec::new())) };
        let mut servers = Self(Vec::new());
        for (command, name) in commands.iter().zip(["consul", "nomad"]) {
            servers.0.push(start(rack, command, &logs.join(format!("{name}.log")))?);
        }
        let clock = SystemClock;
        let end = clock.uptime() + PATIENCE;
        while init(rack, config).await?.commands.is_some() {
            servers.check(logs)?;
            if clock.uptime() > end {
                return Err(silent(logs));
            }
            tokio::time::sleep(PERIOD).await;
        }
        Ok(servers)
    }

    fn check(&mut self, logs: &Path) -> Result<(), Failure> {
        for child in &mut self.0 {
            if let Some(status) = child.try_wait()? {
                let cause = format!("a server of the cluster ended with {status}");
                return Err(Failure::words(Exit::Failed, cause, format!("its log lies in {}", logs.display())));
            }
        }
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // The group: Nomad starts helpers of its own.
            let ended = kill_process_group(Pid::from_child(child), Signal::KILL);
            if let Err(error) = ended.map_err(std::io::Error::from).and_then(|()| child.wait()) {
                tracing::warn!(%error, "a server of the cluster was not ended");
            }
        }
    }
}

async fn init(rack: &Rack, config: &Path) -> Result<Made, Failure> {
    let mut command = rack.command(own_binary()?);
    command.arg("--config").arg(config).args(["cluster", "init", "--no-start", "--json"]);
    let made = printed(command, "scripts/agents").await?;
    Ok(serde_json::from_slice(&made).context("roost cluster init printed no JSON")?)
}

fn start(rack: &Rack, command: &str, log: &Path) -> Result<Child, Failure> {
    let mut words = command.split_whitespace();
    let mut command = rack.command(words.next().unwrap_or_default());
    let log = File::create(log).with_context(|| log.display().to_string())?;
    command.args(words).process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // Nomad's agent does not start where this is set.
    command.env_remove("AWS_CA_BUNDLE");
    Ok(command.spawn().context("a server of the cluster cannot be started")?)
}

fn silent(logs: &Path) -> Failure {
    let cause = format!("the cluster's servers did not answer within {} s", PATIENCE.as_secs());
    Failure::words(Exit::Failed, cause, format!("their logs lie in {}", logs.display()))
}
