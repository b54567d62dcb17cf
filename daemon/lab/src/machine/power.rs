//! Power: on, off, the ACPI button, reset, and what holds a running QEMU.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::{net::UnixListener, net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use vocabulary::{Mac, ProcessId, SmbiosUuid};

use super::{
    console::Console,
    qemu::{self, Plan, QEMU},
    qmp::{self, Qmp, QmpError},
    redact::{Redactor, mask_tokens_in_file},
    spec::Firmware,
};
use crate::{
    names::MachineName,
    namespace::Namespace,
    process,
    state::{RackState, StateError, StateFile},
    tpm::{Tpm, TpmError},
};

/// Software emulation on a busy host takes its time to reach the monitor.
const CONNECT: Duration = Duration::from_secs(30);
const QUIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);

/// A machine in a rack, on or off.
#[derive(Debug)]
pub struct Machine {
    pub(super) plan: Plan,
    pub(super) namespace: Namespace,
    pub(super) state: Arc<StateFile>,
    /// One change of power at a time; also guards what runs.
    pub(super) running: Mutex<Option<Running>>,
    /// Where the console of the latest power-on begins.
    boot_from: Mutex<u64>,
}

/// What a machine does now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether QEMU runs.
    pub on: bool,
    /// QEMU's own word: `running`, `paused`, `inmigrate`...; `off` when it doesn't run.
    pub detail: String,
}

/// Power could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// It is on already.
    #[error("machine {name} is already on")]
    AlreadyOn {
        /// Which.
        name: MachineName,
    },
    /// It is off.
    #[error("machine {name} is off (roost lab power {name} on)")]
    Off {
        /// Which.
        name: MachineName,
    },
    /// A file or socket it needs failed.
    #[error("cannot prepare {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// QEMU could not be started.
    #[error("cannot start {QEMU} (apt install qemu-system-x86)")]
    Start(#[source] io::Error),
    /// QEMU started and ended at once.
    #[error("{QEMU} for machine {name} ended at once: {said}")]
    Ended {
        /// Which.
        name: MachineName,
        /// The end of its log.
        said: String,
    },
    /// QEMU did not connect.
    #[error("{QEMU} for machine {name} did not answer within {CONNECT:?}")]
    Silent {
        /// Which.
        name: MachineName,
    },
    /// Its TPM did not start.
    #[error("cannot give machine {name} its TPM")]
    Tpm {
        /// Which.
        name: MachineName,
        /// Why not.
        #[source]
        source: TpmError,
    },
    /// The monitor failed.
    #[error("cannot control machine {name}")]
    Qmp {
        /// Which.
        name: MachineName,
        /// Its refusal.
        #[source]
        source: QmpError,
    },
    /// It is still on.
    #[error("machine {name} is still on after {limit:?} (roost lab power {name} off)")]
    StillOn {
        /// Which.
        name: MachineName,
        /// How long it had.
        limit: Duration,
    },
    /// The state could not be written.
    #[error("cannot record the machine's process")]
    State(#[from] StateError),
    /// The runtime is going down.
    #[error("the runtime stops")]
    Runtime(#[from] tokio::task::JoinError),
}

/// A QEMU that was started and not yet seen to end.
#[derive(Debug)]
pub(super) struct Running {
    id: ProcessId,
    pub(super) qmp: Qmp,
    keyboard: UnixStream,
    exited: watch::Receiver<Option<ExitStatus>>,
    reader: thread::JoinHandle<()>,
}

impl Machine {
    pub(super) fn assemble(plan: Plan, namespace: Namespace, state: Arc<StateFile>) -> Self {
        Self { plan, namespace, state, running: Mutex::default(), boot_from: Mutex::default() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &MachineName {
        &self.plan.name
    }

    /// How it boots.
    #[must_use]
    pub fn firmware(&self) -> Firmware {
        self.plan.firmware
    }

    /// The address of its first NIC, by which Roost knows it.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.plan.nics[0].mac
    }

    /// Its SMBIOS UUID.
    #[must_use]
    pub fn uuid(&self) -> SmbiosUuid {
        self.plan.uuid
    }

    /// Its directory: console, captures, QEMU's log.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.plan.dir
    }

    /// Its console since it was last switched on.
    #[must_use]
    pub fn console(&self) -> Console {
        let from = *self.boot_from.lock().unwrap_or_else(PoisonError::into_inner);
        Console::open(self.console_path()).since(from)
    }

    /// Switches it on; it is an error when it is on.
    pub async fn power_on(self: &Arc<Self>) -> Result<(), PowerError> {
        self.blocking(|machine| machine.start(None)).await
    }

    /// Pulls the plug; nothing happens when it is off.
    pub async fn power_off(self: &Arc<Self>) -> Result<(), PowerError> {
        self.blocking(Self::stop).await
    }

    /// Pulls the plug and switches on again.
    pub async fn power_cycle(self: &Arc<Self>) -> Result<(), PowerError> {
        self.blocking(|machine| machine.stop().and_then(|()| machine.start(None))).await
    }

    /// Presses the ACPI power button and waits for the machine to switch itself off.
    pub async fn shut_down(self: &Arc<Self>, limit: Duration) -> Result<(), PowerError> {
        self.command("system_powerdown").await?;
        if self.wait_until_off(limit).await {
            Ok(())
        } else {
            Err(PowerError::StillOn { name: self.name().clone(), limit })
        }
    }

    /// Presses the reset button.
    pub async fn reset(self: &Arc<Self>) -> Result<(), PowerError> {
        self.command("system_reset").await
    }

    /// Whether it is on, and QEMU's word for what it does.
    pub async fn status(self: &Arc<Self>) -> Result<Status, PowerError> {
        self.blocking(Self::ask_status).await
    }

    /// Waits until it is off, by whomever; false when it is still on after `limit`.
    pub async fn wait_until_off(&self, limit: Duration) -> bool {
        let exited = self.lock().as_ref().map(|running| running.exited.clone());
        let Some(mut exited) = exited else { return true };
        tokio::time::timeout(limit, exited.wait_for(Option::is_some)).await.is_ok()
    }

    /// Types on its serial line; end a line with `\r`.
    pub fn type_text(&self, text: &str) -> Result<(), PowerError> {
        let mut running = self.lock();
        let running = self.on(&mut running)?;
        let path = self.console_path();
        running.keyboard.write_all(text.as_bytes()).map_err(|source| PowerError::File { path, source })
    }

    /// Ends QEMU at once and waits for it; for `Drop`, which has no runtime.
    pub(crate) fn cut_power(&self) {
        if let Some(running) = self.lock().take() {
            process::signal(&running.id, Signal::KILL);
            self.reap(running);
        }
    }

    pub(super) async fn blocking<T: Send + 'static, E: From<tokio::task::JoinError> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let machine = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&machine)).await?
    }

    /// Starts QEMU, from a saved state where one is given.
    pub(super) fn start(&self, incoming: Option<&Path>) -> Result<(), PowerError> {
        let mut running = self.lock();
        if self.on(&mut running).is_ok() {
            return Err(PowerError::AlreadyOn { name: self.name().clone() });
        }
        let console = Console::open(self.console_path());
        *self.boot_from.lock().unwrap_or_else(PoisonError::into_inner) = console.end();
        let socket = self.plan.qmp();
        let listener = qmp::listen(&socket).map_err(|source| PowerError::File { path: socket, source })?;
        let tpm = self.start_tpm()?;
        let (child, id, serial) = self.spawn(incoming)?;
        self.state.change(|state| drop(state.processes.insert(self.process_name(), id.clone())))?;
        let (exit, exited) = watch::channel(None);
        let (reader, keyboard) = self.read_console(child, serial, exit, tpm)?;
        match self.connect(&listener, &exited) {
            Ok(qmp) => *running = Some(Running { id, qmp, keyboard, exited, reader }),
            Err(error) => {
                process::signal(&id, Signal::KILL);
                return Err(error);
            }
        }
        Ok(())
    }

    fn stop(&self) -> Result<(), PowerError> {
        let mut guard = self.lock();
        let Some(mut running) = guard.take() else { return Ok(()) };
        // The answer may be lost with the connection; what counts is that the process ends.
        drop(running.qmp.execute("quit", &json!({})));
        if !process::wait_until(QUIT, || running.exited.borrow().is_some()) {
            process::signal(&running.id, Signal::KILL);
        }
        self.reap(running);
        Ok(())
    }

    fn reap(&self, running: Running) {
        if running.reader.join().is_err() {
            tracing::warn!(machine = %self.name(), "console reader panicked");
        }
        let forgotten = self.state.change(|state| {
            drop(state.processes.remove(&self.process_name()));
            drop(state.processes.remove(&self.tpm_process_name()));
        });
        if let Err(error) = forgotten {
            tracing::debug!(machine = %self.name(), error = &error as &dyn std::error::Error, "state not written");
        }
    }

    fn ask_status(&self) -> Result<Status, PowerError> {
        let mut guard = self.lock();
        let Ok(running) = self.on(&mut guard) else { return Ok(Status { on: false, detail: "off".into() }) };
        let answer = running.qmp.execute("query-status", &json!({}));
        let answer = answer.map_err(|source| PowerError::Qmp { name: self.name().clone(), source })?;
        Ok(Status { on: true, detail: answer["status"].as_str().unwrap_or("unknown").to_owned() })
    }

    async fn command(self: &Arc<Self>, command: &'static str) -> Result<(), PowerError> {
        self.blocking(move |machine| {
            let mut guard = machine.lock();
            let running = machine.on(&mut guard)?;
            let done = running.qmp.execute(command, &json!({}));
            done.map(drop).map_err(|source| PowerError::Qmp { name: machine.name().clone(), source })
        })
        .await
    }

    /// What runs, after collecting a QEMU that ended by itself.
    pub(super) fn on<'a>(&self, guard: &'a mut MutexGuard<'_, Option<Running>>) -> Result<&'a mut Running, PowerError> {
        if guard.as_ref().is_some_and(|running| running.exited.borrow().is_some())
            && let Some(ended) = guard.take()
        {
            self.reap(ended);
        }
        guard.as_mut().ok_or_else(|| PowerError::Off { name: self.name().clone() })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its TPM, where it has one, on record like every process of a rack.
    fn start_tpm(&self) -> Result<Option<Tpm>, PowerError> {
        if self.plan.tpm.is_none() {
            return Ok(None);
        }
        let started = Tpm::on_socket(&self.namespace, &self.plan.tpm_dir());
        let tpm = started.map_err(|source| PowerError::Tpm { name: self.name().clone(), source })?;
        self.state.change(|state| drop(state.processes.insert(self.tpm_process_name(), tpm.id().clone())))?;
        Ok(Some(tpm))
    }

    fn spawn(&self, incoming: Option<&Path>) -> Result<(Child, ProcessId, UnixStream), PowerError> {
        let log_path = self.log_path();
        let log = File::create(&log_path).map_err(|source| PowerError::File { path: log_path, source })?;
        let (ours, theirs) = UnixStream::pair().map_err(PowerError::Start)?;
        let input = OwnedFd::from(theirs);
        let output = input.try_clone().map_err(PowerError::Start)?;
        let mut command = self.namespace.command(QEMU);
        command.args(qemu::arguments(&self.plan, incoming)).process_group(0);
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(log);
        let child = command.spawn().map_err(PowerError::Start)?;
        let unknown = || ProcessId { pid: child.id(), start_ticks: 0, host_boot: process::host_boot() };
        let id = process::identify(child.id()).unwrap_or_else(unknown);
        Ok((child, id, ours))
    }

    /// The thread that writes the console down, reaps QEMU, ends its TPM and then cleans its capture.
    fn read_console(
        &self,
        mut child: Child,
        serial: UnixStream,
        exit: watch::Sender<Option<ExitStatus>>,
        tpm: Option<Tpm>,
    ) -> Result<(thread::JoinHandle<()>, UnixStream), PowerError> {
        let path = self.console_path();
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let file = opened.map_err(|source| PowerError::File { path, source })?;
        let keyboard = serial.try_clone().map_err(PowerError::Start)?;
        let (name, pcap) = (self.name().clone(), self.plan.pcap());
        let work = move || {
            if let Err(error) = copy_redacted(serial, file) {
                tracing::debug!(machine = %name, %error, "console closed");
            }
            let status = child.wait();
            drop(tpm);
            if let Some(Err(error)) = pcap.map(|path| mask_tokens_in_file(&path)) {
                tracing::warn!(machine = %name, %error, "tokens not taken out of the capture");
            }
            tracing::debug!(machine = %name, ?status, "machine is off");
            exit.send_replace(Some(status.unwrap_or_default()));
        };
        let reader = thread::Builder::new().name(format!("console {}", self.name())).spawn(work);
        Ok((reader.map_err(PowerError::Start)?, keyboard))
    }

    fn connect(
        &self,
        listener: &UnixListener,
        exited: &watch::Receiver<Option<ExitStatus>>,
    ) -> Result<Qmp, PowerError> {
        let name = || self.name().clone();
        for _ in 0..CONNECT.as_millis() / POLL.as_millis() {
            match listener.accept() {
                Ok((stream, _)) => {
                    return Qmp::greet(stream).map_err(|source| PowerError::Qmp { name: name(), source });
                }
                Err(_) if exited.borrow().is_some() => {
                    return Err(PowerError::Ended { name: name(), said: self.log_tail() });
                }
                Err(_) => thread::sleep(POLL),
            }
        }
        Err(PowerError::Silent { name: name() })
    }

    pub(super) fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(3)..].join("; ")
    }

    fn log_path(&self) -> PathBuf {
        self.plan.dir.join("qemu.log")
    }

    pub(super) fn console_path(&self) -> PathBuf {
        self.plan.dir.join("console.log")
    }

    fn process_name(&self) -> String {
        RackState::process_name(self.name())
    }

    fn tpm_process_name(&self) -> String {
        format!("TPM of {}", self.process_name())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.cut_power();
    }
}

fn copy_redacted(mut from: UnixStream, mut to: File) -> io::Result<()> {
    let mut redactor = Redactor::default();
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            return to.write_all(&redactor.finish());
        }
        to.write_all(&redactor.feed(&buffer[..count]))?;
    }
}
