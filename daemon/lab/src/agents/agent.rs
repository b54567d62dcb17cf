//! One agent: started, asked whether it is ready, frozen, killed, started again.

use std::{
    fs::OpenOptions,
    io,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    binaries::{self, NoBinary},
    config::{Identity, Planned, Spec},
};

const POLL: Duration = Duration::from_millis(100);
const LOG_LINES: usize = 20;
/// These change how an agent starts, or keep it from starting (Nomad reads AWS_CA_BUNDLE through a library).
const NOT_FOR_AGENTS: &[&str] =
    &["AWS_CA_BUNDLE", "NOMAD_ADDR", "NOMAD_TOKEN", "CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN"];

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Consul.
    Consul,
    /// Nomad.
    Nomad,
}

/// A Consul or Nomad agent; dropping it kills it.
#[derive(Debug)]
pub struct Agent {
    kind: Kind,
    planned: Planned,
    program: PathBuf,
    tls: Option<Identity>,
    token: Option<String>,
    child: Mutex<Option<Child>>,
}

/// An agent did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The program is nowhere.
    #[error("cannot start agents")]
    Binary(#[from] NoBinary),
    /// No ports.
    #[error("cannot find free ports on loopback")]
    Ports(#[source] io::Error),
    /// Files.
    #[error("cannot prepare {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It does not start.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It ended by itself.
    #[error("{name} ended ({status}); the end of its log:\n{log}")]
    Ended {
        /// Which.
        name: String,
        /// How.
        status: String,
        /// Its last lines.
        log: String,
    },
    /// It is not ready in time.
    #[error("{name} was not ready within {} s ({lacks}); the end of its log:\n{log}", limit.as_secs())]
    NotReady {
        /// Which.
        name: String,
        /// The time it had.
        limit: Duration,
        /// What was missing last.
        lacks: String,
        /// Its last lines.
        log: String,
    },
    /// It can't be signalled.
    #[error("cannot signal {name}")]
    Signal {
        /// Which.
        name: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It does not run.
    #[error("{name} does not run")]
    NotRunning {
        /// Which.
        name: String,
    },
}

impl Kind {
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Consul => "consul",
            Self::Nomad => "nomad",
        }
    }
}

impl Agent {
    pub(super) fn new(kind: Kind, planned: Planned, spec: &Spec) -> Result<Self, AgentError> {
        let program = binaries::find(kind)?;
        let (tls, token) = (spec.tls.clone(), spec.token.clone());
        Ok(Self { kind, planned, program, tls, token, child: Mutex::default() })
    }

    /// Its name in the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.planned.name
    }

    /// Whether it is a server; Consul's all are.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.planned.is_server
    }

    /// Its HTTP interface.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.planned.address, self.planned.http)
    }

    /// Everything it logged, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Starts it and waits for nothing.
    pub fn launch(&self) -> Result<(), AgentError> {
        let start = |source| AgentError::Start { program: self.program.clone(), source };
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).map_err(start)?;
        let mut command = Command::new(&self.program);
        let option = if self.kind == Kind::Consul { "-config-file" } else { "-config" };
        command.arg("agent").arg(format!("{option}={}", self.planned.file.display()));
        command.current_dir(&self.planned.dir).process_group(0);
        for name in NOT_FOR_AGENTS {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(start)?).stderr(log);
        *self.lock() = Some(command.spawn().map_err(start)?);
        Ok(())
    }

    /// Waits until it knows a leader and, if it has a client, that client's node is ready.
    pub async fn ready(&self, limit: Duration) -> Result<(), AgentError> {
        let mut lacks = String::new();
        let poll = async {
            loop {
                match self.missing().await {
                    Ok(None) => return Ok(()),
                    Ok(Some(what)) => lacks = what,
                    Err(error) => return Err(error),
                }
                tokio::time::sleep(POLL).await;
            }
        };
        match tokio::time::timeout(limit, poll).await {
            Ok(done) => done,
            Err(_) => Err(AgentError::NotReady { name: self.name().to_owned(), limit, lacks, log: self.log_tail() }),
        }
    }

    /// KILL: it gets no chance to say goodbye. What it started lives on, as after a real crash.
    pub fn kill(&self) -> Result<(), AgentError> {
        self.signal(Signal::KILL)?;
        self.reap()
    }

    /// TERM, and KILL if that takes longer than ten seconds.
    pub async fn stop(&self) -> Result<(), AgentError> {
        self.signal(Signal::TERM)?;
        for _ in 0..100 {
            if self.ended()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        self.kill()
    }

    /// Stops its processor time: it answers nobody, and its connections stay open.
    pub fn freeze(&self) -> Result<(), AgentError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn thaw(&self) -> Result<(), AgentError> {
        self.signal(Signal::CONT)
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`], with the data it had, and waits until it is ready.
    pub async fn restart(&self, limit: Duration) -> Result<(), AgentError> {
        if self.lock().is_some() {
            self.stop().await?;
        }
        self.launch()?;
        self.ready(limit).await
    }

    /// What it still lacks.
    async fn missing(&self) -> Result<Option<String>, AgentError> {
        if let Some(status) = self.ended()? {
            return Err(AgentError::Ended { name: self.name().to_owned(), status, log: self.log_tail() });
        }
        match self.get("/v1/status/leader").await {
            Some(leader) if leader.contains(':') => (),
            answer => return Ok(Some(format!("no leader: {answer:?}"))),
        }
        if self.is_server() {
            return Ok(self.lacks_keys().await);
        }
        let nodes = self.get("/v1/nodes").await.unwrap_or_default();
        let nodes: serde_json::Value = serde_json::from_str(&nodes).unwrap_or_default();
        let own = nodes.as_array().into_iter().flatten().find(|node| node["Name"] == self.name());
        let ready = own.is_some_and(|node| node["Status"] == "ready");
        Ok((!ready).then(|| format!("its node is {}", own.map_or("unknown".into(), |node| node["Status"].to_string()))))
    }

    /// A Nomad server can't vouch for a node before it has keys to sign with.
    async fn lacks_keys(&self) -> Option<String> {
        if self.kind == Kind::Consul
            || self.get("/.well-known/jwks.json").await.is_some_and(|keys| keys.contains("\"kid\""))
        {
            return None;
        }
        Some("it has no keys yet".to_owned())
    }

    /// By curl, which speaks TLS with certificates; nothing in this package does.
    async fn get(&self, path: &str) -> Option<String> {
        let mut command = tokio::process::Command::new("curl");
        command.args(["--silent", "--fail", "--max-time", "3"]).kill_on_drop(true);
        if let Some(Identity { authority, certificate, key }) = &self.tls {
            command.arg("--cacert").arg(authority).arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        if let Some(token) = &self.token {
            let header = if self.kind == Kind::Consul { "X-Consul-Token" } else { "X-Nomad-Token" };
            command.arg("--header").arg(format!("{header}: {token}"));
        }
        let output = command.arg(format!("{}{path}", self.url())).output().await.ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn ended(&self) -> Result<Option<String>, AgentError> {
        let mut child = self.lock();
        let Some(running) = child.as_mut() else { return Err(self.not_running()) };
        let status = running.try_wait().map_err(|source| self.signal_error(source))?;
        if status.is_some() {
            *child = None;
        }
        Ok(status.map(|status| status.to_string()))
    }

    fn signal(&self, signal: Signal) -> Result<(), AgentError> {
        let child = self.lock();
        let pid = child.as_ref().map(Pid::from_child).ok_or_else(|| self.not_running())?;
        kill_process(pid, signal).map_err(|errno| self.signal_error(errno.into()))
    }

    fn reap(&self) -> Result<(), AgentError> {
        let child = self.lock().take();
        child.map_or(Ok(()), |mut child| child.wait().map(drop).map_err(|source| self.signal_error(source)))
    }

    fn not_running(&self) -> AgentError {
        AgentError::NotRunning { name: self.name().to_owned() }
    }

    fn signal_error(&self, source: io::Error) -> AgentError {
        AgentError::Signal { name: self.name().to_owned(), source }
    }

    fn log_path(&self) -> PathBuf {
        self.planned.file.with_extension("log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.lock().is_some()
            && let Err(error) = self.kill()
        {
            tracing::warn!(%error, "agent not ended");
        }
    }
}
