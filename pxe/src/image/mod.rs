//! Builds the node image: a diskless Debian 13 as kernel, initrd and squashfs, made once and cached by its inputs.
//!
//! What is in it stands in `pxe/image/`: a package list, a tree of files laid over the root, what dpkg leaves out, what
//! systemd never starts, and a finishing script. All of it is compiled in, so that the binary alone can build. The name
//! of a built image is a hash of everything that goes in ([`Inputs::key`]); the same inputs are never built twice, and a
//! changed script can never be served under an old name.
//!
//! The work is done by mmdebstrap and mksquashfs as children in process groups of their own: cancelled, they are ended
//! and their folder is removed, and only a whole image is renamed into the cache. Rejected: live-build (an hour of
//! configuration for what a list and ten files say), debootstrap (no hooks, slower), OCI images as a base (no kernel),
//! and building on the fly per machine (a boot must not depend on an archive).

mod build;
mod cache;
mod error;
mod inputs;
mod manifest;
mod recipe;
mod run;

pub use build::{build, plan};
pub use error::BuildError;
pub use inputs::{Inputs, Key, PackageName, PackageNameError};
pub use manifest::Manifest;

use std::{path::PathBuf, time::Duration};

use crate::assets::{ImageFiles, Mirror};

/// Debian's release that nodes run.
pub const SUITE: &str = "trixie";

/// What to build and where to keep it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Built images, one folder each, named by key.
    pub cache: PathBuf,
    /// The archive to build from.
    pub mirror: Mirror,
    /// Security updates; none where the mirror carries no such archive.
    pub security: Option<Mirror>,
    /// Packages that the operator's own roles need beside Roost's.
    pub packages: Vec<PackageName>,
    /// Whose signatures on the archive count.
    pub keyring: PathBuf,
}

impl Config {
    /// Debian's own mirrors and keyring, and no package beyond what Roost needs.
    #[must_use]
    pub fn new(cache: PathBuf) -> Self {
        Self {
            cache,
            mirror: Mirror::default(),
            security: "http://deb.debian.org/debian-security".parse().ok(),
            packages: Vec::new(),
            keyring: PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg"),
        }
    }
}

/// What a build would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The image's name.
    pub key: Key,
    /// Where it is or will be.
    pub folder: PathBuf,
    /// Whether it is there already.
    pub state: PlanState,
    /// Every package asked for by name; what they depend on comes with them.
    pub packages: Vec<String>,
}

/// Whether a build has work to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// All three files are there in their right sizes.
    Cached,
    /// Nothing or not all is there.
    Missing,
}

/// A finished image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// Where its files are.
    pub folder: PathBuf,
    /// What it is.
    pub manifest: Manifest,
    /// Whether it was built just now.
    pub origin: Origin,
}

/// Where a built image came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Cache,
    /// It was made by this call.
    Built,
}

impl BuiltImage {
    /// As the asset store takes it in.
    #[must_use]
    pub fn files(&self) -> ImageFiles {
        ImageFiles {
            kernel: self.folder.join(manifest::KERNEL),
            initrd: self.folder.join(manifest::INITRD),
            root: self.folder.join(manifest::ROOT),
            built: self.manifest.built,
            version: self.manifest.kernel_release.clone(),
        }
    }
}

/// A part of the build, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Another build holds the cache.
    Wait,
    /// Packages are fetched and installed, the initrd is made.
    Packages,
    /// The root is packed.
    Pack,
    /// Digests are taken, the image enters the cache.
    Publish,
}

impl Stage {
    /// For people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Wait => "wait for another build",
            Self::Packages => "install packages",
            Self::Pack => "pack the root",
            Self::Publish => "publish",
        }
    }
}

/// Told about progress; must not block.
pub trait Progress: Send + Sync {
    /// A stage begins.
    fn begin(&self, stage: Stage);
    /// What its programs say, a line at a time.
    fn line(&self, stage: Stage, line: &str);
    /// It is done.
    fn end(&self, stage: Stage, took: Duration);
}
