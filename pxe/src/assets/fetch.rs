//! Gets the loaders: Debian's `ipxe` package, through the host's apt with a private state for trixie.
//!
//! apt checks the archive's signature against Debian's keyring and the package against the signed index, resumes
//! what was cut off, and honours the host's proxy settings; its lists and downloads live under `assets/partial`, so
//! the host's own apt never notices. The package is unpacked by dpkg-deb, never installed. Trixie on both suites,
//! because bookworm's iPXE (2022) hands the initrd to newer kernels in a way that they no longer look at.

use std::{
    collections::VecDeque,
    fmt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Command,
};

use super::{
    Assets,
    manifest::Loader,
    store::{StoreError, io_error},
};

/// What is taken out of the package: the name that firmware asks for.
pub const LOADERS: [&str; 6] =
    ["undionly.kpxe", "ipxe.pxe", "ipxe-amd64.efi", "ipxe.efi", "snponly.efi", "ipxe-arm64.efi"];

const PACKAGE: &str = "ipxe";
const SUITE: &str = "trixie";
/// Lines of a failed program's stderr that go into the error.
const KEPT_LINES: usize = 6;

/// A Debian archive: `http://deb.debian.org/debian`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror(String);

/// The text is no archive's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no Debian archive (expected a URL such as http://deb.debian.org/debian, without spaces)")]
pub struct MirrorError {
    /// What was given.
    pub text: String,
}

/// A step of [`Assets::fetch`], in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchStep {
    /// The signed index of the archive.
    Index,
    /// The package.
    Package,
    /// Unpacking it.
    Unpack,
    /// Taking the loaders into the store.
    Store,
}

/// Told about progress; must not block.
pub trait Progress: Send + Sync {
    /// A step is so far done; a step begins with 0 and ends with 100.
    fn at(&self, step: FetchStep, percent: u8);
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Package and version.
    pub from: String,
    /// What is now in the store.
    pub loaders: Vec<Loader>,
}

/// The loaders could not be fetched. Every variant names the step, the cause and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A program of Debian's is not there.
    #[error(
        "cannot {step}: {program} is missing; Roost fetches loaders on Debian 12 or 13 (apt-get install {package})"
    )]
    Missing {
        /// During which step.
        step: FetchStep,
        /// What was not found.
        program: &'static str,
        /// Where it comes from.
        package: &'static str,
    },
    /// Nobody to check the archive's signature against.
    #[error("cannot {step}: no keyring {}; apt-get install debian-archive-keyring", path.display())]
    Keyring {
        /// During which step.
        step: FetchStep,
        /// What was looked for.
        path: PathBuf,
    },
    /// A program failed.
    #[error("cannot {step}: {program} ended with {status}: {said}; {next}")]
    Failed {
        /// During which step.
        step: FetchStep,
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its last words.
        said: String,
        /// What to do.
        next: &'static str,
    },
    /// The package changed its contents.
    #[error("cannot {step}: {package} holds no {name}; report this, or set the mirror to a {SUITE} archive")]
    Incomplete {
        /// During which step.
        step: FetchStep,
        /// Package and version.
        package: String,
        /// What is not in it.
        name: &'static str,
    },
    /// The store said no.
    #[error("cannot {step}")]
    Store {
        /// During which step.
        step: FetchStep,
        /// Why not.
        #[source]
        source: StoreError,
    },
}

impl Assets {
    /// Fetches the loaders and puts them in place of the old ones; what was downloaded before is not downloaded again.
    /// Dropping the future ends the program that runs.
    ///
    /// # Errors
    /// The step that failed, why, and what to do next. The store then still holds what it held before.
    pub async fn fetch(&self, progress: &dyn Progress) -> Result<Fetched, FetchError> {
        let _lock = self.lock().map_err(in_step(FetchStep::Index))?;
        let apt = self.prepare().map_err(in_step(FetchStep::Index))?;
        if !self.config.keyring.exists() {
            return Err(FetchError::Keyring { step: FetchStep::Index, path: self.config.keyring.clone() });
        }
        apt.run(FetchStep::Index, "apt-get", &["update"], progress).await?;
        apt.run(FetchStep::Package, "apt-get", &["download", PACKAGE], progress).await?;
        let package = apt.newest_package().map_err(in_step(FetchStep::Unpack))?;
        let (from, tree) = apt.unpack(&package, progress).await?;
        progress.at(FetchStep::Store, 0);
        let files = loader_files(tree.path(), &from)?;
        let loaders = self.replace_loaders(from.clone(), &files).map_err(in_step(FetchStep::Store))?;
        progress.at(FetchStep::Store, 100);
        Ok(Fetched { from, loaders })
    }

    fn prepare(&self) -> Result<Apt, StoreError> {
        let apt = Apt { dir: self.partial().join("debian") };
        for folder in ["lists/partial", "cache/archives/partial"].map(|name| apt.dir.join(name)) {
            std::fs::create_dir_all(&folder).map_err(io_error("create", &folder))?;
        }
        let source = format!("deb [signed-by={}] {} {SUITE} main\n", self.config.keyring.display(), self.config.mirror);
        std::fs::write(apt.sources(), source).map_err(io_error("write", &apt.sources()))?;
        Ok(apt)
    }
}

/// apt with a state of its own.
struct Apt {
    dir: PathBuf,
}

impl Apt {
    fn sources(&self) -> PathBuf {
        self.dir.join("sources.list")
    }

    /// Everything that would otherwise come from the host, except its proxy settings.
    fn options(&self) -> Vec<String> {
        let dir = self.dir.display();
        [
            format!("Dir::State={dir}"),
            format!("Dir::State::lists={dir}/lists"),
            "Dir::State::status=/dev/null".to_owned(),
            format!("Dir::Cache={dir}/cache"),
            format!("Dir::Etc::sourcelist={}", self.sources().display()),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            "Dir::Etc::preferences=/dev/null".to_owned(),
            "Dir::Etc::preferencesparts=/dev/null".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Retries=3".to_owned(),
            "APT::Update::Error-Mode=any".to_owned(),
            "APT::Status-Fd=1".to_owned(),
        ]
        .into_iter()
        .flat_map(|option| ["-o".to_owned(), option])
        .collect()
    }

    async fn run(
        &self,
        step: FetchStep,
        program: &'static str,
        arguments: &[&str],
        progress: &dyn Progress,
    ) -> Result<String, FetchError> {
        let mut command = Command::new(program);
        command.current_dir(&self.dir).env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive");
        if program == "apt-get" {
            command.arg("-q").args(self.options());
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        progress.at(step, 0);
        let missing = |_| FetchError::Missing { step, program, package: package_of(program) };
        let mut child = command.spawn().map_err(missing)?;
        let (said, complaints) = tokio::join!(
            last_lines(child.stdout.take(), |line| tell(progress, step, line)),
            last_lines(child.stderr.take(), |_| ())
        );
        let status = child.wait().await.map_err(missing)?;
        if !status.success() {
            return Err(FetchError::Failed { step, program, status, said: complaints, next: next_step(step) });
        }
        progress.at(step, 100);
        Ok(said)
    }

    /// The package that was just confirmed by apt; older ones are removed.
    fn newest_package(&self) -> Result<PathBuf, StoreError> {
        let listed = std::fs::read_dir(&self.dir).map_err(io_error("list", &self.dir))?;
        let mut found: Vec<_> = listed
            .flatten()
            .filter(|file| file.file_name().to_string_lossy().starts_with("ipxe_"))
            .filter(|file| file.path().extension().is_some_and(|extension| extension == "deb"))
            .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
            .collect();
        found.sort();
        let newest = found.pop().map(|(_, path)| path);
        for (_, old) in found {
            std::fs::remove_file(&old).map_err(io_error("remove", &old))?;
        }
        newest.ok_or_else(|| io_error("find a package in", &self.dir)(std::io::ErrorKind::NotFound.into()))
    }

    /// Package and version, and a folder with its files that goes away with the value.
    async fn unpack(&self, package: &Path, progress: &dyn Progress) -> Result<(String, tempfile::TempDir), FetchError> {
        let step = FetchStep::Unpack;
        let tree = tempfile::Builder::new().prefix("unpacked-").tempdir_in(&self.dir);
        let tree = tree.map_err(io_error("write in", &self.dir)).map_err(in_step(step))?;
        let (package, target) = (package.to_string_lossy(), tree.path().to_string_lossy());
        let version = self.run(step, "dpkg-deb", &["-f", &package, "Version"], progress).await?;
        self.run(step, "dpkg-deb", &["-x", &package, &target], progress).await?;
        Ok((format!("{PACKAGE} {} ({SUITE})", version.trim()), tree))
    }
}

impl Default for Mirror {
    fn default() -> Self {
        Self("http://deb.debian.org/debian".to_owned())
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Mirror {
    type Err = MirrorError;

    /// One word of a sources.list line, and no `file:` or `cdrom:` whose contents another user could change.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'[' | b']' | b'#' | b'"' | b'\\');
        if !host.is_empty() && host.bytes().all(plain) {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(MirrorError { text: text.to_owned() })
        }
    }
}

impl fmt::Display for FetchStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Index => "fetch the archive's index",
            Self::Package => "download the package ipxe",
            Self::Unpack => "unpack the package ipxe",
            Self::Store => "store the loaders",
        })
    }
}

fn in_step(step: FetchStep) -> impl FnOnce(StoreError) -> FetchError {
    move |source| FetchError::Store { step, source }
}

const fn next_step(step: FetchStep) -> &'static str {
    match step {
        FetchStep::Index => "check the network, assets.mirror and the clock, then run `roost assets fetch` again",
        FetchStep::Package => "run `roost assets fetch` again, it goes on where it stopped",
        FetchStep::Unpack | FetchStep::Store => "remove assets/partial and run `roost assets fetch` again",
    }
}

fn package_of(program: &str) -> &'static str {
    if program == "dpkg-deb" { "dpkg" } else { "apt" }
}

/// Reads a pipe to its end and keeps the last lines that are no progress reports.
async fn last_lines(pipe: Option<impl AsyncRead + Unpin>, mut each: impl FnMut(&str)) -> String {
    let mut kept = VecDeque::new();
    let Some(pipe) = pipe else { return String::new() };
    let mut lines = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        each(&line);
        if line.trim().is_empty() || line.starts_with("dlstatus:") {
            continue;
        }
        kept.push_back(line);
        if kept.len() > KEPT_LINES {
            kept.pop_front();
        }
    }
    Vec::from(kept).join(" / ")
}

/// apt's progress lines: `dlstatus:<item>:<percent>:<text>`.
fn tell(progress: &dyn Progress, step: FetchStep, line: &str) {
    let percent = line.strip_prefix("dlstatus:").and_then(|rest| rest.split(':').nth(1)).and_then(whole_percent);
    if let Some(percent) = percent {
        progress.at(step, percent);
    }
}

fn whole_percent(text: &str) -> Option<u8> {
    text.split('.').next()?.parse().ok().filter(|percent| *percent <= 100)
}

fn loader_files(tree: &Path, from: &str) -> Result<Vec<(&'static str, PathBuf)>, FetchError> {
    let folder = tree.join("usr/lib/ipxe");
    LOADERS
        .map(|name| match folder.join(name) {
            path if path.is_file() => Ok((name, path)),
            _ => Err(FetchError::Incomplete { step: FetchStep::Store, package: from.to_owned(), name }),
        })
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_one_word_of_a_sources_line() {
        assert_eq!(
            "https://mirror.example/debian/".parse::<Mirror>().unwrap().to_string(),
            "https://mirror.example/debian"
        );
        for bad in
            ["", "http://", "file:///srv", "http://a b", "http://a\ndeb x", "http://a [trusted=yes]", "deb.debian.org"]
        {
            assert!(bad.parse::<Mirror>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn progress_lines_are_read_and_others_are_not() {
        assert_eq!(whole_percent("14.4774"), Some(14));
        assert_eq!(whole_percent("300.0"), None);
        assert_eq!(whole_percent(""), None);
    }

    #[tokio::test]
    async fn the_last_words_of_a_program_are_kept() {
        let text = (0..20).map(|line| format!("line {line}\ndlstatus:1:5.0:x\n\n")).collect::<String>();
        let kept = last_lines(Some(text.as_bytes()), |_| ()).await;
        assert_eq!(kept, "line 14 / line 15 / line 16 / line 17 / line 18 / line 19");
    }
}
