//! Installs ansible-core into a Python environment of its own, from pinned and hashed requirements.
//!
//! Neither the distribution's Ansible (Debian 12 has 2.14) nor the user's own is touched. Debian's /usr/bin/python3
//! is preferred over whatever comes first in PATH, since that may be a version manager's shim that another user does
//! not have. The environment is complete once its stamp holds the digest of the requirements; an interrupted or
//! outdated one is made anew, so `ensure` may be called at each start.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tasks::child::{Group, Input, Output, Spec};

use crate::files::{self, LockError};

/// What a person types to get Ansible.
pub const INSTALL_COMMAND: &str = "roost ansible setup";
/// What is installed: exact versions with hashes.
pub const REQUIREMENTS: &str = include_str!("../requirements.txt");

const STAMP: &str = "roost-requirements.sha256";
const OUTPUT_TAIL_BYTES: u64 = 4 * 1024;
/// Two daemons, or a daemon and a test, may install into one folder; pip takes a minute or two.
const LOCK_PATIENCE: Duration = Duration::from_secs(600);
const STEP_LIMIT: Duration = Duration::from_secs(900);

/// A Python environment that holds ansible-playbook.
#[derive(Debug, Clone)]
pub struct Venv {
    folder: PathBuf,
}

/// What an installation is doing, for a progress line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VenvStep {
    /// Everything is there.
    Ready,
    /// Another process is installing.
    Waiting,
    /// `python3 -m venv`.
    Creating,
    /// `pip install`.
    Installing,
    /// `ansible-playbook --version`.
    Checking,
}

/// No Ansible could be installed.
#[derive(Debug, thiserror::Error)]
pub enum VenvError {
    /// No Python that is new enough.
    #[error("no python3 of version 3.11 or newer was found")]
    NoPython,
    /// Python without its venv module, as Debian ships it.
    #[error("{} cannot make virtual environments: {said}", python.display())]
    NoVenvModule {
        /// Which Python.
        python: PathBuf,
        /// Its last words.
        said: String,
    },
    /// pip failed.
    #[error("pip could not install the requirements: {said}")]
    Pip {
        /// Its last words.
        said: String,
    },
    /// What was installed does not run.
    #[error("{} does not run: {said}", program.display())]
    Broken {
        /// Which.
        program: PathBuf,
        /// Its last words.
        said: String,
    },
    /// Somebody else is installing for too long.
    #[error("another installation is at work")]
    Lock(#[from] LockError),
    /// A program could not be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// Which.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How a program ended and what it said.
struct Said {
    success: bool,
    text: String,
}

impl VenvError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NoPython => "apt install python3 python3-venv".to_owned(),
            Self::NoVenvModule { .. } => "apt install python3-venv".to_owned(),
            Self::Pip { .. } => {
                "is the package index reachable? a mirror is named by PIP_INDEX_URL; then the same command again"
                    .to_owned()
            }
            Self::Broken { program, .. } => {
                let folder = program.ancestors().nth(2).unwrap_or(program);
                format!("rm -r {} && {INSTALL_COMMAND}", folder.display())
            }
            Self::Lock(_) => "let the other installation end, then the same command again".to_owned(),
            Self::Run { source, .. } | Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull => "free 200 MB of space, then the same command again".to_owned(),
                io::ErrorKind::PermissionDenied => "run it as the user who owns the folder".to_owned(),
                _ => "see the cause, then the same command again".to_owned(),
            },
        }
    }
}

impl Venv {
    /// The environment in this folder, whatever is there.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What runs playbooks.
    #[must_use]
    pub fn ansible_playbook(&self) -> PathBuf {
        self.folder.join("bin/ansible-playbook")
    }

    /// Whether everything that this version of Roost wants is installed. Runs nothing.
    #[must_use]
    pub fn check(&self) -> bool {
        let stamp = fs::read_to_string(self.folder.join(STAMP)).unwrap_or_default();
        stamp.trim() == digest() && self.ansible_playbook().is_file()
    }

    /// Installs what is missing; an up-to-date environment is left alone. Needs the network only where something is
    /// missing.
    ///
    /// # Errors
    /// See [`VenvError`]; the same call may be repeated.
    pub async fn ensure(folder: &Path, mut progress: impl FnMut(VenvStep) + Send) -> Result<Self, VenvError> {
        let venv = Self::at(folder.to_owned());
        if !venv.check() {
            progress(VenvStep::Waiting);
            let _lock = venv.lock().await?;
            if !venv.check() {
                venv.install(&mut progress).await?;
            }
        }
        progress(VenvStep::Ready);
        Ok(venv)
    }

    /// The version line of ansible-playbook: `ansible-playbook [core 2.19.14]`.
    ///
    /// # Errors
    /// It does not run.
    pub async fn version(&self) -> Result<String, VenvError> {
        let program = self.ansible_playbook();
        let said = run(&program, &["--version"], &self.folder).await?;
        let first = said.text.lines().next().unwrap_or_default().to_owned();
        if said.success { Ok(first) } else { Err(VenvError::Broken { program, said: last_line(&said.text) }) }
    }

    async fn install(&self, progress: &mut (impl FnMut(VenvStep) + Send)) -> Result<(), VenvError> {
        let python = find_python().await?;
        progress(VenvStep::Creating);
        let folder = self.folder.display().to_string();
        let made = run(&python, &["-m", "venv", "--clear", &folder], Path::new("/")).await?;
        if !made.success {
            return Err(VenvError::NoVenvModule { python, said: last_line(&made.text) });
        }
        progress(VenvStep::Installing);
        self.install_requirements().await?;
        progress(VenvStep::Checking);
        self.version().await?;
        self.write(STAMP, &digest())
    }

    async fn install_requirements(&self) -> Result<(), VenvError> {
        self.write("requirements.txt", REQUIREMENTS)?;
        let requirements = self.folder.join("requirements.txt").display().to_string();
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"];
        let arguments: Vec<&str> = pip.into_iter().chain(["--requirement", &requirements]).collect();
        let said = run(&self.folder.join("bin/python"), &arguments, &self.folder).await?;
        if said.success { Ok(()) } else { Err(VenvError::Pip { said: last_line(&said.text) }) }
    }

    async fn lock(&self) -> Result<files::Lock, VenvError> {
        let parent = self.folder.parent().unwrap_or(Path::new("/")).to_owned();
        let path = files::sibling(&self.folder, ".lock");
        let locked = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&parent).map_err(|source| VenvError::Write { path: parent, source })?;
            files::lock(&path, LOCK_PATIENCE).map_err(VenvError::from)
        });
        match locked.await {
            Ok(lock) => lock,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), VenvError> {
        let path = self.folder.join(name);
        files::write_synced(&path, text.as_bytes(), 0o644)
            .map_err(|error| VenvError::Write { path: error.path, source: error.source })
    }
}

fn digest() -> String {
    hex::encode(Sha256::digest(REQUIREMENTS.as_bytes()))
}

async fn find_python() -> Result<PathBuf, VenvError> {
    for candidate in ["/usr/bin/python3", "/usr/local/bin/python3", "python3"] {
        let program = PathBuf::from(candidate);
        let new_enough = ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"];
        if run(&program, &new_enough, Path::new("/")).await.is_ok_and(|said| said.success) {
            return Ok(program);
        }
    }
    Err(VenvError::NoPython)
}

/// Runs a program to its end in its own group, its words in a file that nobody else needs.
async fn run(program: &Path, arguments: &[&str], cwd: &Path) -> Result<Said, VenvError> {
    let failed = |source| VenvError::Run { program: program.to_owned(), source };
    let folder = tempfile::tempdir().map_err(failed)?;
    let log = folder.path().join("said");
    let output = Output::Append(log.clone());
    let spec = Spec::new(program).args(arguments).cwd(cwd).stdin(Input::Null).stdout(output.clone()).stderr(output);
    let mut group = Group::spawn(&spec).map_err(|error| failed(io::Error::other(error)))?;
    let status = match tokio::time::timeout(STEP_LIMIT, group.wait()).await {
        Ok(status) => status.map_err(failed)?,
        Err(_) => return Err(failed(io::Error::new(io::ErrorKind::TimedOut, "took longer than 15 minutes"))),
    };
    let text = crate::tail::last(&log, OUTPUT_TAIL_BYTES).unwrap_or_default();
    Ok(Said { success: status.success(), text })
}

/// pip's and Python's reason stands at the end.
fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    crate::events::tidy(line, 300)
}
