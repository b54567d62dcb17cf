//! `roost demo`: a virtual rack, one BIOS and one UEFI machine, from power button to `ready`, in a cluster of their own,
//! and a job on one of them that answers.
//!
//! It does what the README tells an operator to do, by the same verbs as child processes (`assets fetch`,
//! `image build`, `ansible setup`, `cluster init`, `serve`, `job run`), inside namespaces that it made. So a demo that works is a proof of the
//! real path, not of a second one. Whatever way it ends, the rack and its processes are taken away, unless `--keep`
//! leaves them to a process of their own (`behind`).

mod behind;
mod prepare;
mod rack;
mod served;
mod servers;
mod table;
mod watch;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Args;
use lab::{Firmware, KeptBy, accel};

use super::{
    Global,
    exit::{Exit, Failure},
    screen,
};

/// Show the whole way: start a virtual rack with a Nomad and Consul cluster of its own, power on machines, run a job on
/// one of them, call it where Consul says it answers, and end with a table of all stages.
///
/// Needs root, QEMU 10, Nomad and Consul; `make demo` installs what is missing. Exit 0 when every machine is ready and
/// the job answered, 1 otherwise, with the stage, the cause and the next step.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Leave the rack running, also where a machine failed, and say how to look at it and how to take it away.
    #[arg(long)]
    keep: bool,
    /// Be the process that keeps the rack.
    #[arg(long, hide = true, requires = "keep")]
    behind: bool,
    /// Machines to power on, by firmware.
    #[arg(long, value_delimiter = ',', default_value = "bios,uefi", value_parser = firmware)]
    machines: Vec<Firmware>,
    /// Main memory of each machine in MiB.
    #[arg(long, default_value_t = 2048, value_name = "MIB")]
    memory: u32,
    /// How long all of it may take, once the machines are on.
    #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
    limit: Duration,
    /// The rack's name; two racks of one name cannot be up at once.
    #[arg(long, default_value = "demo")]
    name: String,
}

fn firmware(text: &str) -> Result<Firmware, String> {
    match text {
        "bios" => Ok(Firmware::Bios),
        "uefi" => Ok(Firmware::Uefi),
        _ => Err("bios or uefi".to_owned()),
    }
}

impl Demo {
    /// Carries it out.
    ///
    /// # Errors
    /// Something is missing, or a machine did not become ready.
    pub(super) async fn run(self, _global: &Global) -> Result<(), Failure> {
        self.check()?;
        let stop = tasks::stop_on_signals()?;
        if self.behind {
            // Ctrl-C at the terminal in front must not reach the rack.
            rustix::process::setsid()?;
            return self.stay_behind(stop).await;
        }
        let data_dir = rack::data_dir(&self.name)?;
        let config = rack::write_config(data_dir.path())?;
        prepare::prepare(&config, &stop).await?;
        if self.keep {
            return behind::start(&stop).await;
        }
        let rack = rack::Running::up(&self.plan(probe().await?), data_dir.path(), &config).await?;
        let result = self.show(&rack, &config, &stop).await;
        rack.down().await?;
        result
    }

    async fn show(&self, rack: &rack::Running, config: &Path, stop: &tasks::Stop) -> Result<(), Failure> {
        let ways = stop.run_until_cancelled(rack.boot(self.limit)).await.ok_or_else(interrupted)??;
        screen::line("roost job run jobs/web.nomad.hcl")?;
        let served = stop.run_until_cancelled(rack.serve(config)).await.ok_or_else(interrupted)??;
        screen::line(table::table(&ways, &served))
    }

    async fn stay_behind(self, stop: tasks::Stop) -> Result<(), Failure> {
        let data_dir = rack::data_dir(&self.name)?;
        let up = async {
            let config = rack::write_config(data_dir.path())?;
            let rack = rack::Running::up(&self.plan(probe().await?), data_dir.path(), &config).await?;
            let keeper = rack.keeper()?;
            Ok((rack, keeper, config))
        };
        let (rack, keeper, config) = match up.await {
            Ok(up) => up,
            Err(failure) => {
                behind::report(Err(&failure))?;
                return Err(failure);
            }
        };
        let shown = self.show(&rack, &config, &stop).await;
        if !stop.is_cancelled() {
            screen::line(rack.how_to_look(&self.name)?)?;
        }
        behind::report(shown.as_ref().copied())?;
        let stayed = behind::stay(keeper, &rack.dir(), stop).await;
        rack.down().await?;
        stayed
    }

    fn check(&self) -> Result<(), Failure> {
        let lacks = lab::preflight(&self.machines);
        if lacks.is_empty() {
            return Ok(());
        }
        let what: Vec<&str> = lacks.iter().map(|lack| lack.what.as_str()).collect();
        let remedies: Vec<&str> = lacks.iter().map(|lack| lack.remedy.as_str()).collect();
        Err(Failure::words(Exit::Failed, format!("missing: {}", what.join("; ")), remedies.join("; ")))
    }

    fn plan(&self, accel: accel::Accel) -> rack::Plan {
        let kept_by = if self.behind { KeptBy::Keeper } else { KeptBy::Program };
        rack::Plan { name: self.name.clone(), machines: self.machines.clone(), memory_mib: self.memory, accel, kept_by }
    }
}

async fn probe() -> Result<accel::Accel, Failure> {
    let verdict = accel::probe(&accel::default_cache_dir()).await;
    screen::line(&verdict.because)?;
    Ok(verdict.accel)
}

fn interrupted() -> Failure {
    stopped("interrupted; the rack was taken away")
}

/// Ended by a person.
fn stopped(how: &str) -> Failure {
    Failure::words(Exit::Failed, how, "run it again: what was fetched and built is kept")
}

/// The binary that runs right now: what the demo shows is this build.
fn own_binary() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?)
}

/// A file of the checkout that this binary was built in, else the installed one.
fn shipped(file: &str) -> Result<PathBuf, Failure> {
    // Not by where the binary lies: CARGO_TARGET_DIR may be anywhere.
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(|root| root.join(file));
    let installed = Path::new("/usr/local/share/roost").join(file);
    checkout.into_iter().chain([installed]).find(|path| path.exists()).ok_or_else(|| {
        Failure::words(
            Exit::Failed,
            format!("there is no {file}"),
            "run the demo from the checkout (make demo), or make install",
        )
    })
}

/// What a program printed; its own words where it failed.
async fn printed(command: Command, hint: &str) -> Result<Vec<u8>, Failure> {
    let output = tokio::process::Command::from(command).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let cause = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::words(Exit::Failed, cause, hint))
}
