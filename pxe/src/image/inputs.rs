//! Everything that decides what an image is, and its name: a hash over all of it.
//!
//! The files are compiled in and listed by hand: `include_dir` would be one more dependency, and a test compares the
//! list with the folder.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Config, SUITE};

/// Counts changes to the builder itself that the files below do not show.
const BUILDER: &str = "1";

/// The name of an image: the first half of a SHA-256 in hex, long enough for a folder that one machine makes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Debian package's name. Bounded, because it becomes a word of mmdebstrap's command line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// The text is no package name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no Debian package name (expected lower-case letters, digits, + - . as in python3-apt)")]
pub struct PackageNameError {
    /// What was given.
    pub text: String,
}

impl FromStr for PackageName {
    type Err = PackageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let body = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if starts_well && (2..=128).contains(&text.len()) && text.chars().all(body) {
            return Ok(Self(text.to_owned()));
        }
        Err(PackageNameError { text: text.chars().take(64).collect() })
    }
}

impl TryFrom<String> for PackageName {
    type Error = PackageNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a file of the image is run or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mode 0755.
    Program,
    /// Mode 0644.
    Text,
}

/// A file laid over the root before packages are installed, so that the initrd is made with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootFile {
    /// Below the root, without a leading slash.
    pub path: &'static str,
    /// Run or read.
    pub kind: Kind,
    /// What is in it.
    pub content: &'static str,
}

macro_rules! root_files {
    ($($kind:ident $path:literal,)*) => {
        &[$(RootFile { path: $path, kind: Kind::$kind, content: include_str!(concat!("../../image/root/", $path)) }),*]
    };
}

/// `pxe/image/root`, file by file.
const ROOT_FILES: &[RootFile] = root_files! {
    Text "etc/initramfs-tools/conf.d/roost",
    Program "etc/initramfs-tools/hooks/roost",
    Program "etc/initramfs-tools/scripts/roost",
    Program "etc/initramfs-tools/scripts/roost-lease",
    Program "etc/initramfs-tools/scripts/init-bottom/roost",
    Text "etc/modprobe.d/roost.conf",
    Text "etc/ssh/sshd_config.d/roost.conf",
    Text "etc/systemd/journald.conf.d/roost.conf",
    Text "etc/systemd/system/docker.service.d/roost.conf",
    Text "etc/systemd/system/roost-call-home.service",
    Text "etc/systemd/system/roost-data.service",
    Text "etc/systemd/system/ssh.service",
    Text "etc/systemd/system/systemd-udev-trigger.service.d/roost.conf",
    Text "etc/systemd/system/var-lib-docker.mount",
    Program "usr/lib/roost/call-home",
    Program "usr/lib/roost/data-disk",
    Program "usr/lib/roost/load-disk-drivers",
};

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Changes with the builder.
    pub builder: &'static str,
    /// Debian's release.
    pub suite: &'static str,
    /// `deb` lines, the archive and its security updates.
    pub sources: Vec<String>,
    /// Sorted names.
    pub packages: Vec<String>,
    /// `path-exclude=` and `path-include=` lines.
    pub dpkg: Vec<&'static str>,
    /// Units that are masked.
    pub masked: &'static str,
    /// Generators that are switched off.
    pub generators: &'static str,
    /// The finishing script.
    pub finish: &'static str,
    /// The tree that is laid over the root.
    pub files: &'static [RootFile],
}

impl Inputs {
    /// The compiled-in files and what the configuration adds.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let mut packages: Vec<String> = lines(include_str!("../../image/packages.list")).map(str::to_owned).collect();
        packages.extend(config.packages.iter().map(ToString::to_string));
        packages.sort_unstable();
        packages.dedup();
        Self {
            builder: BUILDER,
            suite: SUITE,
            sources: sources(config),
            packages,
            dpkg: lines(include_str!("../../image/dpkg.cfg")).collect(),
            masked: include_str!("../../image/masked.list"),
            generators: include_str!("../../image/generators.list"),
            finish: include_str!("../../image/finish.sh"),
            files: ROOT_FILES,
        }
    }

    /// The image's name. Each part is preceded by its length, so that no two different inputs read the same.
    #[must_use]
    pub fn key(&self) -> Key {
        let mut hasher = Sha256::new();
        let mut add = |part: &str| {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        };
        for part in [self.builder, self.suite, self.masked, self.generators, self.finish] {
            add(part);
        }
        add(&self.sources.join("\n"));
        add(&self.packages.join("\n"));
        add(&self.dpkg.join("\n"));
        for file in self.files {
            add(file.path);
            add(match file.kind {
                Kind::Program => "program",
                Kind::Text => "text",
            });
            add(file.content);
        }
        Key(hex::encode(hasher.finalize()).chars().take(32).collect())
    }
}

/// The first word of each line that is not a comment.
pub(super) fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next())
}

fn sources(config: &Config) -> Vec<String> {
    let of = |archive: &dyn fmt::Display, suite: &str| {
        format!("deb [signed-by={}] {archive} {suite} main non-free-firmware", config.keyring.display())
    };
    let security = config.security.iter().map(|archive| of(archive, &format!("{SUITE}-security")));
    std::iter::once(of(&config.mirror, SUITE)).chain(security).collect()
}
