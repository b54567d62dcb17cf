//! The real `roost` binary inside a rack: started, asked over its Unix socket, killed, started again.
//!
//! For tests and the demo, which must treat the daemon as a user's init system does: a process with a configuration
//! file, a data directory and a log. `kill -9` reaches the daemon alone, never its children: what becomes of those is
//! the daemon's business after its restart, and what a test wants to see.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;

use crate::{
    http::{self, HttpError, Request, Response},
    namespace::Namespace,
    rack::{Rack, private_dir},
};

const POLL: Duration = Duration::from_millis(20);
/// A first start lays out a database; on a busy host that takes seconds.
const READY: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(30);
const LOG_LINES: usize = 15;

/// How the daemon is to be run.
#[derive(Debug, Clone)]
pub struct DaemonSpec {
    /// The `roost` binary.
    pub binary: PathBuf,
    /// The whole configuration file.
    pub config: String,
    /// `data_dir` of that configuration; its socket lies in it.
    pub data_dir: PathBuf,
    /// Where the configuration file and `daemon.log` are written.
    pub dir: PathBuf,
    /// Added to the environment.
    pub env: Vec<(String, String)>,
}

/// A daemon in a rack; dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    spec: DaemonSpec,
    namespace: Namespace,
    child: Option<Child>,
}

/// The daemon's HTTP interface over its Unix socket, where the peer's user is its credential.
#[derive(Debug, Clone)]
pub struct Api {
    socket: PathBuf,
}

/// The daemon did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It could not be started.
    #[error("cannot start {} (cargo build builds it)", binary.display())]
    Start {
        /// The program.
        binary: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It ended instead of getting ready.
    #[error("the daemon ended with {status}; the end of its log:\n{log}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// Its last lines.
        log: String,
    },
    /// It is not ready in time.
    #[error("the daemon was not ready within {READY:?} ({last}); the end of its log:\n{log}")]
    NotReady {
        /// What it answered last.
        last: String,
        /// Its last lines.
        log: String,
    },
    /// It does not end.
    #[error("the daemon did not end within {grace:?} of TERM and was killed")]
    Stubborn {
        /// The patience it was given.
        grace: Duration,
    },
    /// It does not run.
    #[error("the daemon does not run")]
    NotRunning,
    /// The system failed.
    #[error("cannot wait for the daemon")]
    Wait(#[source] io::Error),
}

impl Daemon {
    /// Writes the configuration, starts the daemon inside the rack and waits until `/readyz` says 200.
    pub async fn start(rack: &Rack, spec: DaemonSpec) -> Result<Self, DaemonError> {
        let mut daemon = Self { spec, namespace: rack.namespace().clone(), child: None };
        daemon.launch()?;
        daemon.wait_until_ready().await?;
        Ok(daemon)
    }

    /// Its configuration and places.
    #[must_use]
    pub fn spec(&self) -> &DaemonSpec {
        &self.spec
    }

    /// Replaces the configuration that the next start reads.
    pub fn set_config(&mut self, config: impl Into<String>) {
        self.spec.config = config.into();
    }

    /// Its HTTP interface.
    #[must_use]
    pub fn api(&self) -> Api {
        Api { socket: self.spec.data_dir.join("roost.sock") }
    }

    /// Everything it logged, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Its pid while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts the process and waits for nothing.
    pub fn launch(&mut self) -> Result<(), DaemonError> {
        let config = self.spec.dir.join("roost.toml");
        private_dir(&self.spec.dir)
            .and_then(|()| fs::write(&config, &self.spec.config))
            .map_err(|source| DaemonError::File { path: config.clone(), source })?;
        let log_path = self.log_path();
        let log = OpenOptions::new().create(true).append(true).open(&log_path);
        let log = log.map_err(|source| DaemonError::File { path: log_path, source })?;
        let start = |source| DaemonError::Start { binary: self.spec.binary.clone(), source };
        let mut command = self.namespace.command(&self.spec.binary);
        command.args(["serve", "--config"]).arg(&config).process_group(0);
        command.envs(self.spec.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(start)?).stderr(log);
        self.child = Some(command.spawn().map_err(start)?);
        Ok(())
    }

    /// Waits until `/readyz` says 200; an end of the daemon, or a minute without, is an error with the log's end.
    pub async fn wait_until_ready(&mut self) -> Result<(), DaemonError> {
        let api = self.api();
        let mut last = "it never answered".to_owned();
        for _ in 0..READY.as_millis() / POLL.as_millis() {
            match api.get("/readyz").await {
                Ok(response) if response.status == 200 => return Ok(()),
                Ok(response) => last = format!("/readyz said {} {}", response.status, response.text()),
                Err(_) => (),
            }
            if let Some(status) = self.ended()? {
                return Err(DaemonError::Ended { status, log: self.log_tail() });
            }
            tokio::time::sleep(POLL).await;
        }
        Err(DaemonError::NotReady { last, log: self.log_tail() })
    }

    /// `kill -9` of the daemon alone; returns when it is gone.
    pub async fn kill(&mut self) -> Result<(), DaemonError> {
        self.signal(Signal::KILL)?;
        self.wait_for_end(ANSWER).await.map(drop)
    }

    /// TERM, as an init system sends it; an error when `grace` was not enough.
    pub async fn stop(&mut self, grace: Duration) -> Result<ExitStatus, DaemonError> {
        self.signal(Signal::TERM)?;
        match self.wait_for_end(grace).await {
            Err(DaemonError::Stubborn { grace }) => {
                self.kill().await?;
                Err(DaemonError::Stubborn { grace })
            }
            other => other,
        }
    }

    /// Starts it again, after [`Self::kill`] or [`Self::stop`], and waits until it is ready.
    pub async fn restart(&mut self) -> Result<(), DaemonError> {
        if self.child.is_some() {
            self.stop(ANSWER).await?;
        }
        self.launch()?;
        self.wait_until_ready().await
    }

    /// Waits for an end that something else brings about.
    pub async fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus, DaemonError> {
        for _ in 0..=limit.as_millis() / POLL.as_millis() {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            tokio::time::sleep(POLL).await;
        }
        Err(DaemonError::Stubborn { grace: limit })
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, DaemonError> {
        let child = self.child.as_mut().ok_or(DaemonError::NotRunning)?;
        let status = child.try_wait().map_err(DaemonError::Wait)?;
        if status.is_some() {
            self.child = None;
        }
        Ok(status)
    }

    fn signal(&self, signal: Signal) -> Result<(), DaemonError> {
        let pid = self.child.as_ref().map(Pid::from_child).ok_or(DaemonError::NotRunning)?;
        kill_process(pid, signal).map_err(|errno| DaemonError::Wait(errno.into()))
    }

    fn log_path(&self) -> PathBuf {
        self.spec.dir.join("daemon.log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child
            && let Err(error) = child.kill().and_then(|()| child.wait())
        {
            tracing::warn!(%error, "daemon not ended");
        }
    }
}

impl Api {
    /// The interface of any daemon, by its socket.
    #[must_use]
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Response, HttpError> {
        self.send(&Request::get(path)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, json: &serde_json::Value) -> Result<Response, HttpError> {
        self.send(&Request::post(path, json)).await
    }

    /// Any request.
    pub async fn send(&self, request: &Request) -> Result<Response, HttpError> {
        let answer = async {
            let stream = UnixStream::connect(&self.socket).await?;
            http::exchange(stream, request).await
        };
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}
