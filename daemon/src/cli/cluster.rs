//! `roost cluster`: makes a cluster of Roost's own, or looks at the one there is.
//!
//! `init` works on files and on the agents themselves, as root, with or without a daemon; so does `status`, which must
//! say something also when nothing runs. `rotate` is an order to the daemon, which has nodes to wait for.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Subcommand;
use jobs::{
    Query,
    bootstrap::Clients,
    consul::{Catalog as _, Instance, Only},
};
use tasks::{Clock as _, SystemClock};

use super::{
    Global,
    client::Client,
    exit::{Exit, Failure},
    screen::{self, Output, Rehearsal},
};
use crate::{
    cluster::{
        init::{self, InitError, Prepared},
        joined,
        kept::{Kept, Sealing, StartedBy},
        servers::Turn,
        status::{self, AgentReport, OwnReport, Report},
    },
    config::{ClusterMode, Config},
};

const UNITS: &str = "/etc/systemd/system";

/// Nomad and Consul: make a cluster of Roost's own, look at it, or check the one that roost.toml names.
#[derive(Debug, Subcommand)]
pub(super) enum ClusterVerb {
    /// Make this host the first Consul and Nomad server of a cluster of Roost's own.
    ///
    /// Needs cluster.mode = "own" and cluster.advertise in roost.toml, and the programs consul and nomad. It chooses
    /// the authority, the gossip keys and the first tokens and keeps them: sealed by systemd-creds where systemd runs
    /// and has a key, else in data_dir/cluster/secrets.json, mode 0600. It writes the agents' files and the units
    /// consul.service, nomad.service and roost-agents.path, starts them, makes the first tokens, and gives the daemon
    /// one that may do what it does every day. TLS with checked names, encrypted gossip and access control with
    /// default deny are on from the first second.
    ///
    /// Repeated it goes on where it stopped, and changes nothing that is done. Where no systemd runs, --no-start
    /// writes everything and prints the two commands that start the agents; called again while they run, it closes
    /// the cluster.
    Init(Init),
    /// Check the cluster that roost.toml names (cluster.mode = "join"), and say what is missing.
    ///
    /// Addresses, the authority, certificates and tokens come from cluster.* in roost.toml, else from CONSUL_HTTP_ADDR,
    /// CONSUL_HTTP_SSL, CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE, CONSUL_CACERT, CONSUL_CLIENT_CERT and _KEY,
    /// CONSUL_TLS_SERVER_NAME, NOMAD_ADDR, NOMAD_TOKEN, NOMAD_CACERT, NOMAD_CLIENT_CERT and _KEY, and
    /// NOMAD_TLS_SERVER_NAME. A token is sent over TLS, or to this host, and nowhere else. Nothing is written: the daemon
    /// reads the same settings when it starts. Its nodes are not provisioned into such a cluster, since that takes
    /// the cluster's authority.
    Join(Output),
    /// Say what is true: leader, servers, versions, certificates, access control, and what to do about what is not well.
    ///
    /// Exit code 1 when anything is not well.
    Status(Output),
    /// Replace the keys that the gossip of Consul and Nomad is encrypted with.
    ///
    /// Every member hears the new keys over the gossip and uses them at once, then all forget the old ones; no agent is
    /// started anew. The sealed secrets are rewritten (where systemd keeps them, the new keys lie beside them with mode 0600
    /// until the next roost cluster init), and nodes' files follow with their next run. A node that was away meanwhile joins
    /// again with its next run. Refused while anybody hears the gossip who is none of Roost's nodes. What was begun is gone
    /// on with, whatever ends the daemon.
    Rotate(Rehearsal),
    /// List the servers, how both agents have them, and what is under way.
    Servers(Output),
    /// Make nodes servers of Consul and Nomad, beside the first one: three outlive the loss of any one.
    ///
    /// A node goes on running jobs. It must be ready and have a data disk (roost node disk), since a server keeps what
    /// the cluster knows; and it must have booted with it. Name two nodes to go from one server to three: an even number
    /// outlives no more than one less, and is refused without --even. One node after the other is configured by a run,
    /// its agents restart as servers with certificates of that role, and the next one waits until it votes in both. From
    /// then on the daemon asks another server where one does not answer, and each run tells its node of all of them.
    ///
    /// The order is kept: a daemon that ends meanwhile goes on with it, and Ctrl-C ends the watching alone. Where it
    /// stops, it says why and what to do; when that is done it goes on by itself, and demote takes it back.
    Promote(super::servers::Turned),
    /// Make servers clients again: they give their votes back and go on running jobs.
    ///
    /// Refused where the servers that stay would not be most of themselves. A node that is gone for good is let go too,
    /// once the others have taken its vote from it, which they do by themselves some seconds after they lost it.
    Demote(super::servers::Turned),
    /// Say where a service answers: the instances whose checks pass, as Consul has them now.
    ///
    /// Exit code 5 when there is none.
    Find(Find),
}

/// How to make it.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Write everything, start nothing, and print how the agents are started.
    #[arg(long)]
    no_start: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
    #[command(flatten)]
    output: Output,
}

/// What is looked for.
#[derive(Debug, clap::Args)]
pub(super) struct Find {
    /// The service's name in Consul.
    service: String,
    #[command(flatten)]
    output: Output,
}

impl ClusterVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// It is not as asked for; the failure says what to do.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let config = || global.load_config();
        match self {
            Self::Rotate(rehearsal) => {
                let path = "/api/cluster/rotate";
                let change = Client::open(global)?.post(path, &rehearsal.query(), &serde_json::json!({})).await?;
                super::node::changed(&change)
            }
            Self::Init(init) => init.run(&config()?).await,
            Self::Join(output) => {
                let config = config()?;
                if config.cluster.mode != ClusterMode::Join {
                    let hint = "set cluster.mode = \"join\" in roost.toml, then: roost cluster join";
                    return Err(Failure::words(Exit::Configuration, "cluster.mode is not \"join\"", hint));
                }
                show(&config, output).await
            }
            Self::Status(output) => show(&config()?, output).await,
            Self::Servers(output) => super::servers::list(&Client::open(global)?, output).await,
            Self::Promote(turned) => turned.run(&Client::open(global)?, Turn::Promote).await,
            Self::Demote(turned) => turned.run(&Client::open(global)?, Turn::Demote).await,
            Self::Find(find) => find.run(&config()?).await,
        }
    }
}

impl Find {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let clients = opened(config)?.clients;
        let asked = clients.consul.instances(&self.service, Only::Passing, &Query::default()).await;
        let found = asked.map_err(|error| Failure::new(Exit::Unreachable, error, "roost cluster status"))?.value;
        if found.is_empty() {
            let cause = format!("Consul knows no instance of {} that passes its checks", self.service);
            return Err(Failure::words(Exit::NotFound, cause, "roost job list; roost job show JOB"));
        }
        if self.output.json {
            let one = |of: &Instance| serde_json::json!({"node": of.node, "address": of.address, "port": of.port, "tags": of.tags});
            return screen::json(&found.iter().map(one).collect::<Vec<_>>());
        }
        let rows = found.into_iter().map(|of| [of.node, of.address, of.port.to_string(), of.tags.join(", ")]).collect();
        screen::table(["node", "address", "port", "tags"], rows, "")
    }
}

/// A cluster that can be asked.
struct Opened {
    own: Option<OwnReport>,
    clients: Clients,
    mode: &'static str,
}

impl Init {
    async fn run(self, config: &Config) -> Result<(), Failure> {
        let facts = init::facts(config).map_err(failed)?;
        let programs = [program(config, "consul")?, program(config, "nomad")?];
        if !self.no_start && !systemd::is_booted() {
            let hint = "roost cluster init --no-start writes everything and prints how the agents are started";
            return Err(Failure::words(Exit::Conflict, "no systemd runs on this host", hint));
        }
        let started_by = if self.no_start { StartedBy::Hand } else { StartedBy::Systemd };
        let folder = config.data_dir.join("cluster");
        let commands = commands(&folder, &programs);
        if self.rehearsal.dry_run {
            return self.rehearse(&folder, &programs, &commands);
        }
        if !self.no_start && !rustix::process::geteuid().is_root() {
            let hint = "sudo roost cluster init; or --no-start as the daemon's user";
            return Err(Failure::words(Exit::NotAllowed, "units can be written by root alone", hint));
        }
        let prepared = init::prepare(config, facts, started_by, &SystemClock).map_err(failed)?;
        match started_by {
            StartedBy::Systemd => start(&folder, &programs, if prepared.was_done() { "start" } else { "restart" })?,
            StartedBy::Hand if !prepared.is_up(&SystemClock).await => return self.by_hand(&prepared, &commands),
            StartedBy::Hand => (),
        }
        let sealing = prepared.sealing();
        let json = self.output.json;
        let tell = |step| {
            if !json {
                // What is done stays done, whether anybody reads of it or not.
                drop(screen::line(format!("done: {step}")));
            }
        };
        let kept = prepared.close(&SystemClock, tell).await.map_err(failed)?;
        if json {
            return screen::json(&OwnReport::new(
                kept.state().clone(),
                kept.servers()?,
                kept.sealing(),
                SystemClock.now(),
            ));
        }
        screen::line(format!("the cluster is closed; its secrets: {}", sealed(sealing)))?;
        screen::line("the daemon opens it when it starts: systemctl restart roost")
    }

    fn rehearse(&self, folder: &Path, programs: &[PathBuf; 2], commands: &[String; 2]) -> Result<(), Failure> {
        let files = ["cluster.json", "consul/", "nomad/", "renewed"].map(|file| folder.join(file));
        let units = systemd::agents::units(
            &programs[0].to_string_lossy(),
            &programs[1].to_string_lossy(),
            &folder.to_string_lossy(),
        );
        let units: Vec<_> =
            units.iter().filter(|_| !self.no_start).map(|(name, _)| Path::new(UNITS).join(name)).collect();
        if self.output.json {
            return screen::json(&serde_json::json!({"files": files, "units": units, "commands": commands}));
        }
        for file in files.iter().chain(&units) {
            screen::line(format!("would write {}", file.display()))?;
        }
        let then = if self.no_start { "would print the commands that start" } else { "would start and close" };
        screen::line(format!("{then} {} and {}", programs[0].display(), programs[1].display()))
    }

    fn by_hand(&self, prepared: &Prepared, commands: &[String; 2]) -> Result<(), Failure> {
        if self.output.json {
            let state = prepared.kept().state();
            return screen::json(&serde_json::json!({"state": state, "commands": commands}));
        }
        screen::line(format!("written; the secrets: {}", sealed(prepared.sealing())))?;
        screen::line("start both agents, and let them run:")?;
        for command in commands {
            screen::line(format!("  {command}"))?;
        }
        screen::line("then close the cluster: roost cluster init --no-start")
    }
}

async fn show(config: &Config, output: Output) -> Result<(), Failure> {
    let report = report(config).await?;
    if output.json {
        screen::json(&report)?;
    } else {
        print(&report)?;
    }
    let ill = report.consul.problems.len() + report.nomad.problems.len();
    if ill == 0 && report.own.as_ref().is_none_or(|own| own.state.is_closed && !own.is_renewal_late) {
        return Ok(());
    }
    Err(Failure::words(Exit::Failed, "the cluster is not well", "each line above says what to do"))
}

fn opened(config: &Config) -> Result<Opened, Failure> {
    let now = SystemClock.now();
    match config.cluster.mode {
        ClusterMode::None => {
            let hint = "set cluster.mode in roost.toml to \"own\" or \"join\" (docs/configuration.md)";
            Err(Failure::words(Exit::NotFound, "no cluster is configured", hint))
        }
        ClusterMode::Join => Ok(Opened {
            own: None,
            clients: joined::clients(&config.cluster, &|name| std::env::var(name).ok())?,
            mode: "join",
        }),
        ClusterMode::Own => {
            let Some(kept) = Kept::open(&config.data_dir)? else {
                let hint = "as root: roost cluster init";
                return Err(Failure::words(Exit::NotFound, "the cluster is not made yet", hint));
            };
            let servers = kept.servers()?;
            let cluster = jobs::bootstrap::Cluster::new(kept.facts_with(&servers), kept.secrets()?)?;
            let clients = cluster.clients(jobs::bootstrap::As::Daemon, now)?;
            let own = Some(OwnReport::new(kept.state().clone(), servers, kept.sealing(), now));
            Ok(Opened { own, clients, mode: "own" })
        }
    }
}

async fn report(config: &Config) -> Result<Report, Failure> {
    let Opened { own, clients, mode } = opened(config)?;
    let start = |agent: &str| match &own {
        Some(own) => own.start(agent),
        None => format!("look at cluster.{agent} in roost.toml, and at the agent itself"),
    };
    let (consul_start, nomad_start) = (start("consul"), start("nomad"));
    let (consul, nomad) = tokio::join!(status::consul(&clients, &consul_start), status::nomad(&clients, &nomad_start));
    Ok(Report { mode, own, consul, nomad })
}

fn print(report: &Report) -> Result<(), Failure> {
    if let Some(own) = &report.own {
        let facts = &own.state.facts;
        screen::line(format!(
            "own cluster: datacenter {}, region {}, at {}",
            facts.datacenter, facts.region, facts.advertise
        ))?;
        let closed = if own.state.is_closed { "closed" } else { "half made: roost cluster init goes on" };
        screen::line(format!("bootstrap: {closed}; secrets: {}", sealed(own.secrets)))?;
        for server in &own.servers {
            screen::line(format!("server {} at {}: {}", server.node, server.address, server.phase))?;
        }
        let until = screen::maybe(own.state.certificates_expire_at.map(screen::at));
        let renew = screen::maybe(own.certificates_renew_at.map(screen::at));
        let late = if own.is_renewal_late { " (late: does the daemon run? systemctl status roost)" } else { "" };
        screen::line(format!("the server's certificates end {until}, renewed {renew}{late}"))?;
    }
    let row = |name: &str, agent: &AgentReport| {
        [
            name.to_owned(),
            screen::maybe(agent.version.clone()),
            screen::maybe(agent.leader.clone()),
            agent.peers.len().to_string(),
            screen::maybe(agent.nodes),
            serde_json::to_value(agent.acl).ok().and_then(|acl| acl.as_str().map(str::to_owned)).unwrap_or_default(),
        ]
    };
    let rows = vec![row("consul", &report.consul), row("nomad", &report.nomad)];
    screen::table(["agent", "version", "leader", "servers", "nodes", "acl"], rows, "")?;
    for (name, agent) in [("consul", &report.consul), ("nomad", &report.nomad)] {
        for problem in &agent.problems {
            screen::line(format!("{name}: {}\n  next: {}", screen::plain(&problem.cause), problem.next))?;
        }
    }
    Ok(())
}

fn sealed(sealing: Sealing) -> &'static str {
    match sealing {
        Sealing::Credential => "sealed, a systemd credential",
        Sealing::OwnerFile => "not sealed: a file that only its owner can read",
    }
}

fn failed(error: InitError) -> Failure {
    let (exit, hint) = match &error {
        InitError::NotOwn => (Exit::Configuration, "set cluster.mode = \"own\" and cluster.advertise in roost.toml"),
        InitError::Different { .. } => {
            (Exit::Conflict, "change roost.toml back; a cluster's names stand in everything it was made of")
        }
        InitError::Leaderless { .. } => (Exit::Unreachable, "journalctl -u consul -u nomad -n 50; then the same again"),
        InitError::Bootstrap(_) => (Exit::Failed, "the same command goes on where it stopped"),
        InitError::Kept(_) | InitError::Keys(_) => (Exit::Failed, "mend the cause, then the same command goes on"),
    };
    Failure::new(exit, error, hint)
}

/// As configured, else in PATH, else where `scripts/agents` puts what it builds.
fn program(config: &Config, name: &str) -> Result<PathBuf, Failure> {
    let configured = if name == "consul" { &config.cluster.consul_program } else { &config.cluster.nomad_program };
    if let Some(path) = configured {
        return Ok(path.clone());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let known = ["/usr/local/bin", "/usr/bin", "/var/cache/roost/tools/bin"].map(PathBuf::from);
    let found = std::env::split_paths(&path).chain(known).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let hint = format!("install it, or name it: cluster.{name}_program in roost.toml");
        Failure::words(Exit::NotFound, format!("there is no program {name} in PATH"), hint)
    })
}

fn commands(folder: &Path, programs: &[PathBuf; 2]) -> [String; 2] {
    let [consul, nomad] = programs;
    [
        format!("{} agent -config-file={}", consul.display(), folder.join("consul/consul.json").display()),
        format!("{} agent -config={}", nomad.display(), folder.join("nomad/nomad.json").display()),
    ]
}

/// Writes the units and has systemd run them.
fn start(folder: &Path, programs: &[PathBuf; 2], how: &str) -> Result<(), Failure> {
    let [consul, nomad] = programs;
    let units = systemd::agents::units(&consul.to_string_lossy(), &nomad.to_string_lossy(), &folder.to_string_lossy());
    for (name, text) in units {
        let path = Path::new(UNITS).join(name);
        fs::write(&path, text).map_err(|error| {
            Failure::new(Exit::Failed, anyhow::Error::new(error).context(path.display().to_string()), "run it as root")
        })?;
    }
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--quiet", "consul.service", "nomad.service", "roost-agents.path"])?;
    systemctl(&["start", "roost-agents.path"])?;
    systemctl(&[how, "consul.service", "nomad.service"])
}

fn systemctl(arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new("systemctl").args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let cause = format!("systemctl {}: {said}", arguments.join(" "));
    Err(Failure::words(Exit::Failed, cause, "journalctl -u consul -u nomad -n 50"))
}
