//! The demo's rack: what it needs beforehand, the daemon and the machines in it, and its end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use lab::{
    Accel, Daemon, DaemonSpec, Firmware, KeptBy, Machine, MachineName, MachineSpec, Rack, RackName, RackSpec,
    keeper::Keeper,
};
use tempfile::TempDir;

use super::{
    own_binary,
    served::{self, Served},
    servers::Servers,
    shipped,
    table::Way,
    watch::{self, Powered},
};
use crate::cli::exit::Failure;

/// Processors of each machine: two boot faster than one, also where the host has no more.
const CPUS: u8 = 2;
/// How long the daemon may take to end.
const GRACE: Duration = Duration::from_secs(15);

/// Which machines, and how they are emulated.
pub(super) struct Plan {
    /// The rack's name.
    pub name: String,
    /// One machine each.
    pub machines: Vec<Firmware>,
    /// Of each.
    pub memory_mib: u32,
    /// KVM or software.
    pub accel: Accel,
    /// This command, or the process that stays behind.
    pub kept_by: KeptBy,
}

/// A rack that is up, with the daemon in it.
pub(super) struct Running {
    rack: Arc<Rack>,
    /// Before the daemon, which asks them; nodes join them.
    servers: Servers,
    daemon: Daemon,
    machines: Vec<Arc<Machine>>,
}

/// A data directory of this demo's own: it starts as a new user would.
pub(super) fn data_dir(name: &str) -> Result<TempDir, Failure> {
    let prefix = format!("roost-{name}-");
    Ok(tempfile::Builder::new().prefix(&prefix).tempdir_in("/var/tmp").context("cannot make a data directory")?)
}

/// Writes the configuration of the demo's daemon and says where.
pub(super) fn write_config(data_dir: &Path) -> Result<PathBuf, Failure> {
    let path = data_dir.join("roost.toml");
    std::fs::write(&path, config(data_dir, &shipped("ansible/playbook.yaml")?))
        .context("cannot write the demo's configuration")?;
    Ok(path)
}

fn config(data_dir: &Path, playbook: &Path) -> String {
    format!(
        r#"data_dir = "{data_dir}"
[boot]
listen = ["10.77.0.1:7601"]
[dhcp]
mode = "full"
interfaces = ["rack0"]
[[dhcp.subnet]]
cidr = "10.77.0.0/16"
pools = ["10.77.1.0-10.77.255.250"]
router = "10.77.0.1"
dns = ["10.77.0.1"]
lease = "1h"
[tftp]
listen = ["10.77.0.1:69"]
[nodes]
enroll = "auto"
trust_boot_network = true
[cluster]
mode = "own"
advertise = "10.77.0.1"
[ansible]
playbook = "{playbook}"
[assets]
dir = "/var/cache/roost/assets"
"#,
        data_dir = data_dir.display(),
        playbook = playbook.display(),
    )
}

impl Running {
    /// Puts the rack up, starts the daemon in it and waits until every part is ready.
    pub(super) async fn up(plan: &Plan, data_dir: &Path, config: &Path) -> Result<Self, Failure> {
        let name: RackName = plan.name.parse()?;
        let spec = RackSpec {
            name,
            run_root: lab::DEFAULT_RUN_ROOT.into(),
            bridge: "rack0".to_owned(),
            address: "10.77.0.1/16".parse()?,
            kept_by: plan.kept_by,
        };
        let rack = Arc::new(Rack::up(&spec)?);
        let machines = plan.machines.iter().enumerate().map(|(index, firmware)| {
            let name = machine_name(index, *firmware, &plan.machines)?;
            let spec = MachineSpec {
                accel: plan.accel.clone(),
                memory_mib: plan.memory_mib,
                cpus: CPUS,
                ..MachineSpec::new(name, *firmware)
            };
            Ok(rack.add(spec)?)
        });
        let machines = machines.collect::<Result<_, Failure>>()?;
        let logs = data_dir.join("run");
        std::fs::create_dir_all(&logs)?;
        let servers = Servers::up(&rack, config, &logs).await?;
        let daemon = DaemonSpec {
            binary: own_binary()?,
            config: std::fs::read_to_string(config)?,
            data_dir: data_dir.to_owned(),
            dir: logs,
            env: Vec::new(),
        };
        let daemon = Daemon::start(&rack, daemon).await?;
        Ok(Self { rack, servers, daemon, machines })
    }

    /// Switches every machine on and follows them until all are ready, or one is not going to be.
    pub(super) async fn boot(&self, limit: Duration) -> Result<Vec<Way>, Failure> {
        let mut powered = Vec::new();
        for machine in &self.machines {
            powered.push(Powered::now(machine.name().as_str(), machine.mac()));
            machine.power_on().await?;
        }
        watch::until_ready(&self.daemon.api(), powered, limit).await
    }

    /// Runs a job on one of the machines and calls it where Consul says that it answers.
    pub(super) async fn serve(&self, config: &Path) -> Result<Served, Failure> {
        served::serve(&self.rack, self.daemon.api().socket(), config).await
    }

    /// What answers `roost lab power` and magic packets from now on.
    pub(super) fn keeper(&self) -> Result<Keeper, Failure> {
        Ok(Keeper::build(Arc::clone(&self.rack))?)
    }

    /// Where the rack's files lie.
    pub(super) fn dir(&self) -> PathBuf {
        self.rack.dir().to_owned()
    }

    /// What a person types next, by this binary's own path: the demo installs nothing.
    pub(super) fn how_to_look(&self, name: &str) -> Result<String, Failure> {
        let roost = own_binary()?.display().to_string();
        let socket = self.daemon.api().socket().display().to_string();
        let dir = self.rack.dir().display();
        Ok(format!(
            "the rack stays up. To look at it:\n  \
             export ROOST_SOCKET={socket}\n  alias roost={roost}\n  \
             roost status; roost node list; roost run list; roost event follow\n  \
             roost lab console --name {name} -f MACHINE      (consoles, logs and captures lie under {dir})\n  \
             roost lab power --name {name} MACHINE cycle     (watch it come back)\n\
             To take it away:\n  {roost} lab down --name {name}"
        ))
    }

    /// Ends the daemon, then takes the rack away.
    pub(super) async fn down(mut self) -> Result<(), Failure> {
        let stopped = self.daemon.stop(GRACE).await;
        drop(self.machines);
        drop(self.servers);
        // The only holder by now; if not, the last one takes the rack away when it lets go.
        if let Some(rack) = Arc::into_inner(self.rack) {
            rack.down()?;
        }
        stopped?;
        Ok(())
    }
}

fn machine_name(index: usize, firmware: Firmware, all: &[Firmware]) -> Result<MachineName, Failure> {
    let base = match firmware {
        Firmware::Bios => "bios",
        Firmware::Uefi => "uefi",
    };
    let alone = all.iter().filter(|other| **other == firmware).count() == 1;
    Ok(if alone { base.parse()? } else { format!("{base}{}", index + 1).parse()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_s_configuration_has_no_mistakes() {
        let text = config(Path::new("/var/tmp/x"), Path::new("/x/playbook.yaml"));
        let parsed = crate::config::parse(&text, &|_| None);
        assert!(parsed.is_ok(), "{parsed:?}");
    }
}
