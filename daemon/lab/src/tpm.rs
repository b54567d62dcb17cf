//! A TPM 2.0 for a machine: swtpm, a process a machine, with its state in a folder.
//!
//! The endorsement seed is made at the first start and lies in that folder, so a chip is the same one after every power
//! cycle and no two folders hold the same. No manufacturing (`swtpm_setup`): an endorsement key is derived from the seed
//! by the default template, a certificate for it would come from an authority of our own and prove nothing.
//! A QEMU machine reaches it over a Unix socket that QEMU opens; a synthetic machine over TCP inside its own namespace,
//! as tpm2-tools can.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::Signal;
use vocabulary::ProcessId;

use crate::{namespace::Namespace, process, rack::private_dir};

/// The emulator.
pub const SWTPM: &str = "swtpm";
const START: Duration = Duration::from_secs(20);
/// Where a synthetic machine's TPM listens on its own loopback; control is the port after it.
const PORT: u16 = 2321;

/// A chip could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TpmError {
    /// A file could not be made.
    #[error("cannot prepare {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The emulator could not be started.
    #[error("cannot start {SWTPM} (apt install swtpm)")]
    Start(#[source] io::Error),
    /// It started and does not answer.
    #[error("{SWTPM} did not answer within {START:?}: {log}")]
    Silent {
        /// The end of its log.
        log: String,
    },
}

/// A running TPM; dropping it takes its power away, its state stays in the folder.
#[derive(Debug)]
pub struct Tpm {
    child: Child,
    id: ProcessId,
}

impl Tpm {
    /// The chip in `folder`, made there if there is none, for a synthetic machine in this namespace.
    pub(crate) fn on_loopback(namespace: &Namespace, folder: &Path) -> Result<Self, TpmError> {
        let [server, control] = [PORT, PORT + 1].map(|port| format!("type=tcp,bindaddr=127.0.0.1,port={port}"));
        let args = ["--server", &server, "--ctrl", &control, "--flags", "not-need-init,startup-clear"];
        let inside = namespace.clone();
        let listens = move || inside.enter(|| TcpStream::connect(control_address()).is_ok()).unwrap_or(false);
        Self::start(namespace, folder, &args, listens)
    }

    /// The chip in `folder`, for a QEMU that opens its control socket there; it ends when QEMU does.
    pub(crate) fn on_socket(namespace: &Namespace, folder: &Path) -> Result<Self, TpmError> {
        let socket = control_socket(folder);
        drop(fs::remove_file(&socket));
        let control = format!("type=unixio,mode=0600,path={}", socket.display());
        Self::start(namespace, folder, &["--ctrl", &control, "--terminate"], || socket.exists())
    }

    /// Which process it is, for whoever ends it after a crash.
    #[must_use]
    pub const fn id(&self) -> &ProcessId {
        &self.id
    }

    fn start(
        namespace: &Namespace,
        folder: &Path,
        args: &[&str],
        answers: impl FnMut() -> bool,
    ) -> Result<Self, TpmError> {
        private_dir(folder).map_err(|source| TpmError::File { path: folder.to_owned(), source })?;
        let log_path = folder.join("swtpm.log");
        let log = File::create(&log_path).map_err(|source| TpmError::File { path: log_path.clone(), source })?;
        let mut command: Command = namespace.command(SWTPM);
        command.args(["socket", "--tpm2", "--tpmstate"]).arg(format!("dir={},mode=0600", folder.display())).args(args);
        command.process_group(0).stdin(Stdio::null());
        command.stdout(log.try_clone().map_err(TpmError::Start)?).stderr(log);
        let child = command.spawn().map_err(TpmError::Start)?;
        let unknown = || ProcessId { pid: child.id(), start_ticks: 0, host_boot: process::host_boot() };
        let id = process::identify(child.id()).unwrap_or_else(unknown);
        let tpm = Self { child, id };
        if process::wait_until(START, answers) {
            return Ok(tpm);
        }
        let log = fs::read_to_string(&log_path).unwrap_or_default();
        Err(TpmError::Silent { log: log.lines().last().unwrap_or("it said nothing").to_owned() })
    }
}

impl Drop for Tpm {
    fn drop(&mut self) {
        // It ends well by itself when QEMU goes; in any other way the machine had lost its TPM before.
        if let Ok(Some(status)) = self.child.try_wait()
            && !status.success()
        {
            tracing::warn!(pid = self.id.pid, %status, "a machine's TPM had ended by itself");
        }
        process::signal(&self.id, Signal::KILL);
        if let Err(error) = self.child.wait() {
            tracing::debug!(%error, "TPM not reaped");
        }
    }
}

/// Where QEMU finds the chip of this folder.
pub(crate) fn control_socket(folder: &Path) -> PathBuf {
    folder.join("control.sock")
}

/// How tpm2-tools of a synthetic machine are told of its chip.
pub(crate) fn tools_address() -> String {
    format!("swtpm:host=127.0.0.1,port={PORT}")
}

fn control_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, PORT + 1))
}
