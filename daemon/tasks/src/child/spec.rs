//! What to start, and where its input comes from and its output goes.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::SpawnError;

/// A program, its arguments and its surroundings.
#[derive(Debug, Clone)]
pub struct Spec {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    inherits_env: bool,
    cwd: Option<PathBuf>,
    stdin: Input,
    stdout: Output,
    stderr: Output,
}

/// Where a child reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    Null,
    /// The parent, through [`super::Group::take_stdin`].
    Pipe,
    /// A file.
    File(PathBuf),
}

/// Where a child writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Nowhere.
    Null,
    /// The parent, through [`super::Group::take_stdout`] and [`super::Group::take_stderr`].
    Pipe,
    /// The end of a file, made with mode 0600. Survives the parent, which a pipe does not.
    Append(PathBuf),
    /// Where the parent writes to.
    Inherit,
}

impl Spec {
    /// This program with no arguments, the parent's environment, no input and no output.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            inherits_env: true,
            cwd: None,
            stdin: Input::Null,
            stdout: Output::Null,
            stderr: Output::Null,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// One variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Nothing of the parent's environment, only what [`Spec::env`] adds.
    #[must_use]
    pub const fn clear_env(mut self) -> Self {
        self.inherits_env = false;
        self
    }

    /// The folder it starts in.
    #[must_use]
    pub fn cwd(mut self, folder: impl AsRef<Path>) -> Self {
        self.cwd = Some(folder.as_ref().to_owned());
        self
    }

    /// Where it reads from.
    #[must_use]
    pub fn stdin(mut self, from: Input) -> Self {
        self.stdin = from;
        self
    }

    /// Where it writes to.
    #[must_use]
    pub fn stdout(mut self, to: Output) -> Self {
        self.stdout = to;
        self
    }

    /// Where it complains to.
    #[must_use]
    pub fn stderr(mut self, to: Output) -> Self {
        self.stderr = to;
        self
    }

    /// The program, for messages.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    pub(super) fn command(&self) -> Result<Command, SpawnError> {
        let mut command = Command::new(&self.program);
        if !self.inherits_env {
            command.env_clear();
        }
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value))).process_group(0);
        if let Some(folder) = &self.cwd {
            command.current_dir(folder);
        }
        command.stdin(self.stdin.open()?).stdout(self.stdout.open()?).stderr(self.stderr.open()?);
        Ok(command)
    }
}

impl Input {
    fn open(&self) -> Result<Stdio, SpawnError> {
        match self {
            Self::Null => Ok(Stdio::null()),
            Self::Pipe => Ok(Stdio::piped()),
            Self::File(path) => stdio(path, File::open(path)),
        }
    }
}

impl Output {
    fn open(&self) -> Result<Stdio, SpawnError> {
        match self {
            Self::Null => Ok(Stdio::null()),
            Self::Pipe => Ok(Stdio::piped()),
            Self::Inherit => Ok(Stdio::inherit()),
            Self::Append(path) => stdio(path, OpenOptions::new().append(true).create(true).mode(0o600).open(path)),
        }
    }
}

fn stdio(path: &Path, file: io::Result<File>) -> Result<Stdio, SpawnError> {
    file.map(Stdio::from).map_err(|source| SpawnError::File { path: path.to_owned(), source })
}
