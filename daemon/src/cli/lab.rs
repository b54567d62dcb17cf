//! `roost lab`: a rack of virtual machines on this host, up until it is taken down.
//!
//! Everything is `lab`'s; here are words, tables and the one trick that a library can't do: `up` starts this same
//! program again as the rack's keeper (the hidden verb `keeper`), in a session of its own, and ends once the keeper
//! says that the rack is up. Rejected: a keeper that daemonises itself by forking, which threads forbid.

mod listing;

use std::{
    io::{self, BufRead, BufReader, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use ipnet::Ipv4Net;
use lab::{
    Console, DownError, Firmware, MachineName, MachineState, Owned, PlannedMachine, PowerAction, RackName, RackPlan,
    RackSpec, RackState, Report, accel, control, machine::plain_text,
};

use super::{
    exit::{Exit, Failure},
    screen::{self, Output, Rehearsal, TICK},
};

/// How often a followed console is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// A virtual rack on this host: a bridge and QEMU machines in network namespaces of their own.
///
/// Machines boot over the network from whatever serves the bridge: start a daemon inside with
/// `roost lab exec -- roost serve --config FILE` (its address there is 10.77.0.1 on rack0). Nothing on the host's own
/// network is touched, and nothing in the rack reaches beyond it. Needs root, QEMU 10 and OVMF; `roost lab check` says
/// what is missing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  roost lab up                               one BIOS and one UEFI machine, switched off
  roost lab up --name big --bios 4 --uefi 4  eight machines
  roost lab exec -- roost serve --config roost.toml
  roost lab power bios on                    or wake it: a magic packet on the bridge does the same
  roost lab console -f bios
  roost lab down --all                       also after a crash")]
pub(super) struct Lab {
    /// Where racks keep their consoles, sockets and state.
    #[arg(long, global = true, value_name = "DIR", default_value = lab::DEFAULT_RUN_ROOT)]
    run_dir: PathBuf,
    #[command(subcommand)]
    verb: LabVerb,
}

#[derive(Debug, Subcommand)]
enum LabVerb {
    /// Put a rack up and leave it running. Its machines are switched off.
    Up(Up),
    /// List racks and their machines, also those whose keeper died.
    List(Output),
    /// Change or show a machine's power, from any process.
    Power(Power),
    /// Print a machine's serial console. Call-home tokens in it read <token>.
    Console(ConsoleArgs),
    /// Run a command in the rack's network namespace; the exit status is the command's.
    Exec(Exec),
    /// Take racks away: machines, namespaces, files. Works after a crash of whoever made them.
    Down(Down),
    /// Say what this host lacks for a rack, and how to get it.
    Check(Output),
    /// Keep the rack whose plan is on standard input.
    #[command(hide = true)]
    Keeper,
}

#[derive(Debug, Args)]
struct Named {
    /// Which rack.
    #[arg(long = "name", value_name = "RACK", default_value = "lab")]
    rack: RackName,
}

#[derive(Debug, Args)]
struct Up {
    #[command(flatten)]
    named: Named,
    /// Machines as NAME or NAME:FIRMWARE (bios, uefi); without FIRMWARE the name must begin with it.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "bios,uefi")]
    machines: Vec<String>,
    /// This many BIOS machines (bios1, bios2...) instead of --machines.
    #[arg(long, value_name = "N", conflicts_with = "machines")]
    bios: Option<u8>,
    /// This many UEFI machines (uefi1, uefi2...) instead of --machines.
    #[arg(long, value_name = "N", conflicts_with = "machines")]
    uefi: Option<u8>,
    /// Memory of each machine in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(128..))]
    memory: u32,
    /// Processors of each machine.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    cpus: u8,
    /// Give each machine an empty disk of this size in GiB.
    #[arg(long, value_name = "GIB")]
    disk: Option<u32>,
    /// Give each machine a TPM 2.0 of its own, emulated by swtpm.
    #[arg(long)]
    tpm: bool,
    /// The bridge's address and network.
    #[arg(long, value_name = "CIDR", default_value = "10.77.0.1/16")]
    address: Ipv4Net,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

#[derive(Debug, Args)]
struct Power {
    #[command(flatten)]
    named: Named,
    /// Which machine.
    machine: MachineName,
    /// What to do.
    action: Action,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// What can be done to a machine's power.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// Switch on.
    On,
    /// Pull the plug.
    Off,
    /// Pull the plug and switch on.
    Cycle,
    /// Press the reset button.
    Reset,
    /// Press the power button and wait for the system to switch itself off.
    Shutdown,
    /// Only say what it does.
    Status,
}

#[derive(Debug, Args)]
struct ConsoleArgs {
    #[command(flatten)]
    named: Named,
    /// Which machine.
    machine: MachineName,
    /// Go on printing what it writes, until Ctrl-C.
    #[arg(short, long)]
    follow: bool,
    /// Print the bytes as they are, with colours and cursor moves.
    #[arg(long)]
    raw: bool,
}

#[derive(Debug, Args)]
struct Exec {
    #[command(flatten)]
    named: Named,
    /// The command and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

#[derive(Debug, Args)]
struct Down {
    #[command(flatten)]
    named: Named,
    /// Every rack under the run directory, save those that a running program owns.
    #[arg(long, conflicts_with = "rack")]
    all: bool,
    /// Also racks that a running program (a test) owns.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl Lab {
    /// Carries it out.
    ///
    /// # Errors
    /// Something is missing on this host, the rack is not there, or the system refused; each says what to do.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let root = self.run_dir;
        match self.verb {
            LabVerb::Up(up) => up.run(root).await,
            LabVerb::List(output) => listing::list(&root, output),
            LabVerb::Power(power) => power.run(&root).await,
            LabVerb::Console(console) => console.run(&root).await,
            LabVerb::Exec(exec) => exec.run(&root),
            LabVerb::Down(down) => down.run(&root),
            LabVerb::Check(output) => check(output),
            LabVerb::Keeper => keep().await,
        }
    }
}

// === up ===

impl Up {
    async fn run(self, run_root: PathBuf) -> Result<(), Failure> {
        let machines = self.planned()?;
        if self.rehearsal.dry_run {
            return self.rehearse(&run_root, &machines);
        }
        let firmwares: Vec<_> = machines.iter().map(|machine| machine.firmware).collect();
        let tpm = if self.tpm { lab::preflight_tpm() } else { Vec::new() };
        ready(&[lab::preflight(&firmwares), tpm].concat())?;
        let spinner = spinner();
        spinner.set_message("looking whether KVM works");
        let verdict = accel::probe(&accel::default_cache_dir()).await;
        spinner.println(verdict.because.clone());
        let plan = RackPlan {
            name: self.named.rack,
            run_root: run_root.clone(),
            bridge: "rack0".into(),
            address: self.address,
            accel: verdict.accel,
            machines,
        };
        let started = start_keeper(&plan, &spinner);
        spinner.finish_and_clear();
        started?;
        show_rack(&plan)
    }

    fn planned(&self) -> Result<Vec<PlannedMachine>, Failure> {
        let wanted = if self.bios.is_some() || self.uefi.is_some() {
            let counted = |kind: &'static str, count: Option<u8>| {
                (1..=count.unwrap_or(0)).map(move |number| format!("{kind}{number}:{kind}"))
            };
            counted("bios", self.bios).chain(counted("uefi", self.uefi)).collect()
        } else {
            self.machines.clone()
        };
        wanted.iter().map(|text| self.planned_machine(text)).collect()
    }

    fn planned_machine(&self, text: &str) -> Result<PlannedMachine, Failure> {
        let (name, firmware) = text.split_once(':').unwrap_or((text, text));
        let firmware = match firmware {
            kind if kind.starts_with("bios") => Firmware::Bios,
            kind if kind.starts_with("uefi") => Firmware::Uefi,
            _ => {
                return Err(Failure::words(
                    Exit::Usage,
                    format!("{text:?} names no firmware"),
                    "write NAME:bios or NAME:uefi",
                ));
            }
        };
        let name = name.parse().map_err(|error: lab::ParseNameError| {
            Failure::new(Exit::Usage, error, "roost lab up --machines bios,uefi")
        })?;
        let tpm = self.tpm.then_some(lab::TpmModel::Crb);
        Ok(PlannedMachine { name, firmware, memory_mib: self.memory, cpus: self.cpus, disk_gib: self.disk, tpm })
    }

    fn rehearse(&self, run_root: &Path, machines: &[PlannedMachine]) -> Result<(), Failure> {
        let base = RackSpec::named(self.named.rack.clone());
        let spec = RackSpec { run_root: run_root.to_owned(), address: self.address, ..base };
        let namespace = spec.name.namespace();
        screen::line(format!("would: make {}\nwould: ip netns add {namespace}", spec.dir().display()))?;
        for line in spec.network_lines() {
            screen::line(format!("would: ip -n {namespace} {line}"))?;
        }
        for (place, machine) in (1..).zip(machines) {
            let mac = lab::mac_for(&spec.name, place, 0);
            screen::line(format!(
                "would: plug in {}, {:?}, {} MiB, {mac}",
                machine.name, machine.firmware, self.memory
            ))?;
        }
        Ok(())
    }
}

fn start_keeper(plan: &RackPlan, spinner: &ProgressBar) -> Result<(), Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    // What it has to say before the rack is up comes as a report; after that it writes to its own log.
    command.args(["lab", "keeper"]).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&serde_json::to_vec(plan)?)?;
    }
    let reports = child.stdout.take().map(BufReader::new);
    for line in reports.into_iter().flat_map(BufRead::lines) {
        match serde_json::from_str(&line?)? {
            Report::Progress(step) => spinner.set_message(step),
            Report::Ready => return Ok(()),
            Report::Failed(because) => {
                child.wait()?;
                return Err(Failure::words(Exit::Failed, because, "roost lab check; roost lab list"));
            }
        }
    }
    let status = child.wait()?;
    Err(Failure::words(Exit::Failed, format!("the rack's keeper ended with {status}"), "roost lab down, then again"))
}

fn show_rack(plan: &RackPlan) -> Result<(), Failure> {
    let dir = plan.run_root.join(plan.name.as_str());
    let state = RackState::load(&dir)?;
    let rows = listing::machine_rows(&state);
    screen::table(["machine", "firmware", "power", "mac", "console"], rows, "no machines")?;
    let named = if plan.name.as_str() == "lab" { String::new() } else { format!(" --name {}", plan.name) };
    screen::line(format!(
        "\nrack {} is up: {} on {} in namespace {}\nnext: roost lab exec{named} -- roost serve --config FILE\n      \
         roost lab power{named} MACHINE on\n      roost lab down{named}",
        plan.name,
        plan.address,
        plan.bridge,
        plan.name.namespace()
    ))
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(TICK);
    spinner
}

async fn keep() -> Result<(), Failure> {
    // Ctrl-C at the terminal of `up` must not reach the rack.
    if let Err(errno) = rustix::process::setsid() {
        tracing::debug!(%errno, "the keeper leads its session already");
    }
    if let Err(error) = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).try_init() {
        tracing::debug!(error, "logging is set up already");
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let plan = serde_json::from_str(&text)?;
    Ok(lab::keeper::keep(plan, tasks::stop_on_signals()?).await?)
}

// === what is there ===

fn load(root: &Path, rack: &RackName) -> Result<RackState, Failure> {
    RackState::load(&root.join(rack.as_str()))
        .map_err(|error| Failure::new(Exit::NotFound, error, "roost lab list shows what is there; roost lab up"))
}

fn check(output: Output) -> Result<(), Failure> {
    let (lacks, tpm) = (lab::preflight(&[Firmware::Bios, Firmware::Uefi]), lab::preflight_tpm());
    if output.json {
        screen::json(&serde_json::json!({ "ready": lacks.is_empty(), "lacks": lacks, "lacks_for_a_tpm": tpm }))?;
    }
    ready(&lacks)?;
    if output.json {
        return Ok(());
    }
    for lack in tpm {
        screen::line(format!("for machines with a TPM (--tpm) it lacks {}: {}", lack.what, lack.remedy))?;
    }
    screen::line("this host has what a rack needs")
}

fn ready(lacks: &[lab::Lack]) -> Result<(), Failure> {
    if lacks.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = lacks.iter().map(|lack| format!("\n  {}: {}", lack.what, lack.remedy)).collect();
    let what = format!("this host lacks what a rack needs:{}", lines.concat());
    Err(Failure::words(Exit::Failed, what, "get these, then again; roost lab check"))
}

// === power, console, exec, down ===

/// The machine of that name, as the rack's state has it.
fn machine_of<'a>(state: &'a RackState, name: &MachineName) -> Result<&'a MachineState, Failure> {
    let absent =
        || Failure::words(Exit::NotFound, format!("no machine {name} in rack {}", state.name), "roost lab list");
    state.machines.get(name).ok_or_else(absent)
}

impl Power {
    async fn run(self, root: &Path) -> Result<(), Failure> {
        if self.rehearsal.dry_run {
            let state = load(root, &self.named.rack)?;
            machine_of(&state, &self.machine)?;
            let now = if state.is_on(&self.machine) { "on" } else { "off" };
            let action = self.action.to_possible_value().map_or_else(String::new, |word| word.get_name().to_owned());
            return screen::line(format!("would: {action} {} of rack {}; it is {now}", self.machine, state.name));
        }
        let action = match self.action {
            Action::On => PowerAction::On,
            Action::Off => PowerAction::Off,
            Action::Cycle => PowerAction::Cycle,
            Action::Reset => PowerAction::Reset,
            Action::Shutdown => PowerAction::ShutDown,
            Action::Status => PowerAction::Status,
        };
        let dir = root.join(self.named.rack.as_str());
        let asked = control::power(&dir, &self.machine, action).await;
        let status = asked.map_err(|error| Failure::new(Exit::Failed, error, "roost lab list"))?;
        screen::line(format!("{}: {}", self.machine, status.detail))
    }
}

impl ConsoleArgs {
    async fn run(self, root: &Path) -> Result<(), Failure> {
        let state = load(root, &self.named.rack)?;
        let console = Console::open(&machine_of(&state, &self.machine)?.console);
        let mut printed = 0;
        loop {
            let fresh = console.since(printed).raw()?;
            printed += fresh.len() as u64;
            self.print(&fresh)?;
            if !self.follow {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn print(&self, bytes: &[u8]) -> Result<(), Failure> {
        if !self.raw {
            return screen::write(&plain_text(bytes));
        }
        let mut out = io::stdout().lock();
        Ok(out.write_all(bytes).and_then(|()| out.flush())?)
    }
}

impl Exec {
    fn run(self, root: &Path) -> Result<(), Failure> {
        let state = load(root, &self.named.rack)?;
        let [program, args @ ..] = self.command.as_slice() else {
            return Err(Failure::words(Exit::Usage, "no command", "roost lab exec -- CMD"));
        };
        // Replaces this process: signals, terminal and exit status are the command's own.
        Err(state.namespace().command(program).args(args).exec().into())
    }
}

impl Down {
    fn run(self, root: &Path) -> Result<(), Failure> {
        let names: Vec<_> = match self.all {
            true => lab::racks(root).into_iter().map(|state| state.name).collect(),
            false => vec![self.named.rack],
        };
        let owned = if self.force { Owned::TakeAway } else { Owned::Leave };
        for name in names {
            if self.rehearsal.dry_run {
                screen::line(format!("would: take rack {name} away with all its machines"))?;
                continue;
            }
            let spinner = spinner();
            spinner.set_message(format!("taking rack {name} away"));
            let removed = lab::remove(root, &name, owned);
            spinner.finish_and_clear();
            match removed {
                Ok(()) => screen::line(format!("rack {name} is away"))?,
                Err(error @ DownError::InUse { .. }) if self.all => screen::line(format!("left: {error}"))?,
                Err(error) => return Err(Failure::new(Exit::Failed, error, "roost lab list")),
            }
        }
        Ok(())
    }
}
