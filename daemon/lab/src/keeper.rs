//! What serves a rack while it is up: power over the control socket, and wake-on-LAN from the wire.
//!
//! A library part, so that a test keeps its own rack in-process; `roost lab up` leaves a process behind that is nothing
//! but this ([`keep`]). That process is the parent of every QEMU (it reaps them) and holds the [`Rack`]: when it is told
//! to end, the rack goes with it; when it is killed, `state.json` is enough to clean up.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use tasks::Stop;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
    task::JoinSet,
};
use vocabulary::Mac;

use crate::{
    accel::Accel,
    control::{self, Answer, PowerAction, Request},
    machine::{AddError, Firmware, Machine, MachineSpec, PowerError, Status, TpmModel},
    names::{MachineName, RackName},
    rack::{Rack, RackSpec, UpError},
    state::KeptBy,
    wake::{WakeError, WakeListener},
};

/// How long a system may take to switch itself off.
const SHUT_DOWN: Duration = Duration::from_secs(90);
/// A request is a name and a verb.
const REQUEST_BYTES_MAX: u64 = 4096;

/// Serves one rack.
#[derive(Debug)]
pub struct Keeper {
    rack: Arc<Rack>,
    control: std::os::unix::net::UnixListener,
    wake: WakeListener,
}

/// The rack can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It can't be put up.
    #[error("cannot put the rack up")]
    Up(#[from] UpError),
    /// A machine can't be plugged in.
    #[error("cannot plug a machine in")]
    Add(#[from] AddError),
    /// A socket or file failed.
    #[error("cannot use {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Whoever wanted the rack has gone, by Ctrl-C for one.
    #[error("nobody waits for the rack any more")]
    Abandoned(#[source] io::Error),
    /// Wake-on-LAN can't be heard.
    #[error("cannot keep the rack")]
    Wake(#[from] WakeError),
}

/// A whole rack on one page: what `roost lab up` hands to the process that it leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RackPlan {
    /// Its name.
    pub name: RackName,
    /// The parent of its run directory.
    pub run_root: PathBuf,
    /// The bridge.
    pub bridge: String,
    /// The bridge's address.
    pub address: Ipv4Net,
    /// How processors are emulated.
    pub accel: Accel,
    /// Its machines, in the order of their addresses.
    pub machines: Vec<PlannedMachine>,
}

/// One machine of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMachine {
    /// Its name.
    pub name: MachineName,
    /// How it boots.
    pub firmware: Firmware,
    /// Main memory.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u8,
    /// An empty disk of this size.
    pub disk_gib: Option<u32>,
    /// A TPM 2.0 of its own.
    pub tpm: Option<TpmModel>,
}

/// What the process left behind tells the one that started it, a JSON line each on its standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// It goes on.
    Progress(String),
    /// The rack is up; nothing more follows.
    Ready,
    /// It gave up; nothing more follows.
    Failed(String),
}

impl Keeper {
    /// Binds the control socket in the rack's run directory and listens for magic packets in its namespace.
    pub fn build(rack: Arc<Rack>) -> Result<Self, KeepError> {
        let wake = WakeListener::open(rack.namespace())?;
        let path = control::socket(rack.dir());
        let control = std::os::unix::net::UnixListener::bind(&path)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|source| KeepError::Io { path, source })?;
        Ok(Self { rack, control, wake })
    }

    /// Serves until told to stop; the rack stays up as long as someone else holds it.
    pub async fn run(self, stop: Stop) -> Result<(), KeepError> {
        let Self { rack, control, wake } = self;
        let path = control::socket(rack.dir());
        let listener = UnixListener::from_std(control).map_err(|source| KeepError::Io { path, source })?;
        let (woken, mut wakes) = mpsc::channel(64);
        let mut tasks = JoinSet::new();
        let hear = stop.clone();
        tasks.spawn_blocking(move || hear_wakes(&wake, &woken, &hear));
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Ok((stream, _)) = listener.accept() => drop(tasks.spawn(serve(Arc::clone(&rack), stream))),
                Some(mac) = wakes.recv() => drop(tasks.spawn(wake_up(Arc::clone(&rack), mac))),
                Some(ended) = tasks.join_next() => log_panic(ended),
            }
        }
        tasks.abort_all();
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
        Ok(())
    }
}

/// Puts the planned rack up, reports on standard output, then keeps it until told to stop; takes it away at the end.
///
/// From [`Report::Ready`] on, standard output and error go to `keeper.log` in the run directory, so that whoever
/// started this process is no longer needed.
pub async fn keep(plan: RackPlan, stop: Stop) -> Result<(), KeepError> {
    let keeper = match put_up(&plan) {
        Ok(keeper) => keeper,
        Err(error) => {
            tell(&Report::Failed(causes(&error)));
            return Err(error);
        }
    };
    report(&Report::Ready).map_err(KeepError::Abandoned)?;
    write_to_log(&keeper.rack)?;
    keeper.run(stop).await
}

fn put_up(plan: &RackPlan) -> Result<Keeper, KeepError> {
    tell(&Report::Progress(format!("network namespace {} with bridge {}", plan.name.namespace(), plan.bridge)));
    let spec = RackSpec {
        name: plan.name.clone(),
        run_root: plan.run_root.clone(),
        bridge: plan.bridge.clone(),
        address: plan.address,
        kept_by: KeptBy::Keeper,
    };
    let rack = Arc::new(Rack::up(&spec)?);
    for planned in &plan.machines {
        let machine = rack.add(planned.spec(&plan.accel))?;
        tell(&Report::Progress(format!("machine {} with address {}", machine.name(), machine.mac())));
    }
    Keeper::build(rack)
}

impl PlannedMachine {
    fn spec(&self, accel: &Accel) -> MachineSpec {
        MachineSpec {
            accel: accel.clone(),
            memory_mib: self.memory_mib,
            cpus: self.cpus,
            disk_gib: self.disk_gib,
            tpm: self.tpm,
            ..MachineSpec::new(self.name.clone(), self.firmware)
        }
    }
}

fn report(report: &Report) -> io::Result<()> {
    let line = serde_json::to_string(report)?;
    let mut out = io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// For reports that nobody must hear.
fn tell(what: &Report) {
    if let Err(error) = report(what) {
        tracing::debug!(%error, "nobody reads reports");
    }
}

fn write_to_log(rack: &Rack) -> Result<(), KeepError> {
    let path = rack.dir().join("keeper.log");
    let redirect = || {
        let log = std::fs::File::create(&path)?;
        nix::unistd::dup2_stdout(&log)?;
        nix::unistd::dup2_stderr(&log)?;
        Ok(())
    };
    redirect().map_err(|source| KeepError::Io { path: path.clone(), source })
}

fn hear_wakes(listener: &WakeListener, woken: &mpsc::Sender<Mac>, stop: &Stop) {
    while !stop.is_cancelled() {
        match listener.next() {
            // A full queue means a storm; a magic packet is repeated by whoever means it.
            Ok(Some(mac)) => drop(woken.try_send(mac)),
            Ok(None) => (),
            Err(error) => tracing::warn!(%error, "wake-on-LAN not heard"),
        }
    }
}

async fn wake_up(rack: Arc<Rack>, mac: Mac) {
    let Some(machine) = rack.machines().into_iter().find(|machine| machine.mac() == mac) else {
        tracing::debug!(%mac, "magic packet for a stranger");
        return;
    };
    match machine.power_on().await {
        Ok(()) => tracing::info!(machine = %machine.name(), %mac, "woken by its magic packet"),
        Err(PowerError::AlreadyOn { .. }) => (),
        Err(error) => tracing::error!(machine = %machine.name(), error = %causes(&error), "not woken"),
    }
}

async fn serve(rack: Arc<Rack>, stream: UnixStream) {
    if let Err(error) = answer(&rack, stream).await {
        tracing::debug!(%error, "control connection lost");
    }
}

async fn answer(rack: &Rack, mut stream: UnixStream) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = String::new();
    let limited = tokio::io::AsyncReadExt::take(reader, REQUEST_BYTES_MAX);
    BufReader::new(limited).read_line(&mut line).await?;
    let outcome = match serde_json::from_str(&line) {
        Ok(Request::Power { machine, action }) => change_power(rack, &machine, action).await,
        Err(error) => Err(format!("request not understood: {error}")),
    };
    let answer = outcome.map_or_else(|because| Answer::Refused { because }, |status| Answer::Done { status });
    writer.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await
}

async fn change_power(rack: &Rack, name: &MachineName, action: PowerAction) -> Result<Status, String> {
    let Some(machine) = rack.machine(name.as_str()) else {
        let known: Vec<_> = rack.machines().iter().map(|machine| machine.name().to_string()).collect();
        return Err(format!("no machine {name} in this rack (there are: {})", known.join(", ")));
    };
    apply(&machine, action).await.map_err(|error| causes(&error))?;
    machine.status().await.map_err(|error| causes(&error))
}

async fn apply(machine: &Arc<Machine>, action: PowerAction) -> Result<(), PowerError> {
    match action {
        PowerAction::On => match machine.power_on().await {
            Err(PowerError::AlreadyOn { .. }) => Ok(()),
            other => other,
        },
        PowerAction::Off => machine.power_off().await,
        PowerAction::Cycle => machine.power_cycle().await,
        PowerAction::Reset => machine.reset().await,
        PowerAction::ShutDown => machine.shut_down(SHUT_DOWN).await,
        PowerAction::Status => Ok(()),
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a keeper's task failed");
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
