//! Programs that nodes run and that Roost does not ship: Nomad and Consul, as the control node has them.
//!
//! Both are under the Business Source Licence: they run beside Roost and are never linked into it or part of its
//! package, so the store takes the ones that the operator installed. It keeps and serves them packed by zstd: 57 MB
//! instead of 237, which is seconds on a slow network card. A node is told both digests over pinned SSH and checks
//! what it fetched before it unpacks it, and what it unpacked before it runs it.
//!
//! Rejected: programs inside the node image (each new version would be a new image and a reboot), and xz (a third
//! smaller, and ten times slower to unpack on the old machines that have the least time).

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::{
    Assets, Blob, Manifest,
    store::{StoreError, io_error},
};

/// What is adopted: the programs that the roles of the same names run.
pub const PROGRAMS: [&str; 2] = ["consul", "nomad"];

/// How hard zstd tries: the best that still takes seconds on the control node, since it is done once a version.
const LEVEL: &str = "-12";
/// How many versions of a program stay: a run that began before an upgrade still gets what it was promised.
const KEPT_VERSIONS: usize = 2;

/// A program that nodes may fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// `consul` or `nomad`.
    pub name: String,
    /// As the program says it: `1.19.2`.
    pub version: String,
    /// The program itself, as it runs on a node.
    pub program: Blob,
    /// The same packed by zstd, as it is kept and served.
    pub packed: Blob,
}

/// Whether a program was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It is served from now on.
    New,
    /// It is the one that was served already.
    Known,
}

/// A program could not be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// It is nowhere.
    #[error(
        "{name} is in none of {looked}; install it from https://developer.hashicorp.com/{name}/install, or name its folder"
    )]
    Nowhere {
        /// Which.
        name: &'static str,
        /// The folders.
        looked: String,
    },
    /// It does not say which version it is.
    #[error("{} does not say its version as {name} would (`{} version` said: {said})", path.display(), path.display())]
    NotIt {
        /// What it should be.
        name: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What it said instead.
        said: String,
    },
    /// zstd is not installed.
    #[error("cannot pack {name}: zstd is missing (apt-get install zstd)")]
    NoZstd {
        /// Which program.
        name: &'static str,
        /// Why it did not start.
        #[source]
        source: io::Error,
    },
    /// zstd failed.
    #[error("cannot pack {name}: zstd ended with {status}: {said}; is there room in the data folder?")]
    Pack {
        /// Which program.
        name: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its last words.
        said: String,
    },
    /// The store said no.
    #[error("cannot keep {name}")]
    Store {
        /// Which program.
        name: &'static str,
        /// Why not.
        #[source]
        source: StoreError,
    },
}

/// The first of these folders that holds the program.
///
/// # Errors
/// None does.
pub fn find_program(name: &'static str, folders: &[PathBuf]) -> Result<PathBuf, AdoptError> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    let looked = || folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
    let found = folders.iter().map(|folder| folder.join(name)).find(is_program);
    found.ok_or_else(|| AdoptError::Nowhere { name, looked: looked() })
}

impl Assets {
    /// Takes a program as it is at `path` and serves it from now on. The same program again changes nothing.
    ///
    /// # Errors
    /// It is not that program, cannot be packed, or the store cannot be changed; what was served before still is.
    pub async fn adopt(&self, name: &'static str, path: &Path) -> Result<(Program, Adoption), AdoptError> {
        let store = |source| AdoptError::Store { name, source };
        let _lock = self.lock().map_err(store)?;
        let version = version_of(name, path).await?;
        let folder = self.partial();
        let draft =
            || tempfile::Builder::new().prefix("program-").tempfile_in(&folder).map_err(io_error("write in", &folder));
        let mut copy = draft().map_err(store)?;
        let mut from = File::open(path).map_err(io_error("open", path)).map_err(store)?;
        let program = Blob::copy(&mut from, copy.as_file_mut()).map_err(io_error("copy", path)).map_err(store)?;
        let manifest = self.manifest().map_err(store)?;
        if let Some(known) = manifest.programs.iter().find(|known| known.name == name && known.program == program)
            && self.is_present(&known.packed)
            && manifest.program(name) == Some(known)
        {
            return Ok((known.clone(), Adoption::Known));
        }
        let packed = draft().map_err(store)?;
        pack(name, copy.path(), packed.path()).await?;
        let packed = self.take(packed.path()).map_err(store)?;
        let program = Program { name: name.to_owned(), version, program, packed };
        let mut manifest = Manifest::clone(&manifest);
        manifest.add_program(program.clone());
        self.replace_manifest(&manifest).map_err(store)?;
        Ok((program, Adoption::New))
    }

    /// The version of a program that nodes get now; nothing if none was adopted or its bytes are gone.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn program(&self, name: &str) -> Result<Option<Program>, StoreError> {
        Ok(self.manifest()?.program(name).filter(|program| self.is_present(&program.packed)).cloned())
    }
}

impl Manifest {
    /// The version of a program that is served.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().rev().find(|program| program.name == name)
    }

    /// Makes a program the one that is served and forgets its oldest versions.
    pub(super) fn add_program(&mut self, program: Program) {
        let name = program.name.clone();
        self.programs.retain(|known| known.name != name || known.program != program.program);
        self.programs.push(program);
        let surplus = self.programs.iter().filter(|known| known.name == name).count().saturating_sub(KEPT_VERSIONS);
        let mut left = surplus;
        self.programs.retain(|known| {
            let goes = known.name == name && left > 0;
            left -= usize::from(goes);
            !goes
        });
    }
}

/// `Consul v1.19.2`, in its first line; without the environment, in which tokens and addresses may stand.
async fn version_of(name: &'static str, path: &Path) -> Result<String, AdoptError> {
    let not_it = |said: String| AdoptError::NotIt { name, path: path.to_owned(), said };
    let asked = Command::new(path).arg("version").env_clear().stdin(Stdio::null()).kill_on_drop(true).output().await;
    let said = asked.map_err(|error| not_it(error.to_string()))?.stdout;
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().next().unwrap_or_default();
    parse_version(name, line).ok_or_else(|| not_it(line.chars().take(80).collect()))
}

fn parse_version(name: &str, line: &str) -> Option<String> {
    let (program, version) = line.split_once(" v")?;
    let version = version.split_whitespace().next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let is_it = program.eq_ignore_ascii_case(name) && version.starts_with(|c: char| c.is_ascii_digit());
    (is_it && version.chars().all(plain)).then(|| version.to_owned())
}

async fn pack(name: &'static str, from: &Path, to: &Path) -> Result<(), AdoptError> {
    let mut zstd = Command::new("zstd");
    zstd.args(["--quiet", "--force", LEVEL, "-T0"]).arg(from).arg("-o").arg(to).stdin(Stdio::null()).kill_on_drop(true);
    let done = zstd.output().await.map_err(|source| AdoptError::NoZstd { name, source })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(AdoptError::Pack { name, status: done.status, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, number: u8) -> Program {
        let blob = |part: u8| Blob { sha256: hex::encode([number * 2 + part; 32]).parse().unwrap(), bytes: 1 };
        Program { name: name.to_owned(), version: number.to_string(), program: blob(0), packed: blob(1) }
    }

    #[test]
    fn a_version_is_what_the_program_says_and_no_other_program_says_it() {
        assert_eq!(parse_version("consul", "Consul v1.19.2"), Some("1.19.2".to_owned()));
        assert_eq!(parse_version("nomad", "Nomad v1.11.1-dev (abc)"), Some("1.11.1-dev".to_owned()));
        for line in ["Nomad v1.11.1", "consul", "Consul v", "Consul vX", "Consul v1;rm", ""] {
            assert_eq!(parse_version("consul", line), None, "{line}");
        }
    }

    #[test]
    fn the_last_version_is_served_and_the_one_before_it_stays() {
        let mut manifest = Manifest::default();
        for number in 1..=3 {
            manifest.add_program(program("consul", number));
            manifest.add_program(program("nomad", number + 10));
        }
        manifest.add_program(program("consul", 2));
        let kept: Vec<_> =
            manifest.programs.iter().map(|known| (known.name.as_str(), known.version.as_str())).collect();
        assert_eq!(kept, [("nomad", "12"), ("consul", "3"), ("nomad", "13"), ("consul", "2")]);
        assert_eq!(manifest.program("consul").unwrap().version, "2");
        assert_eq!(manifest.program("vault"), None);
    }

    #[test]
    fn a_program_that_is_nowhere_is_named_with_the_folders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("nomad"), "not executable").unwrap();
        let error = find_program("nomad", &[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains(&folder.path().display().to_string()) && error.contains("install"), "{error}");
    }
}
