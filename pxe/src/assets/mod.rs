//! Boot assets: loaders from Debian's `ipxe` package, registered node images, and the programs that nodes run, stored
//! and served by content.
//!
//! `fetch` gets the loaders through the host's own apt with a private state, so that the archive's signature is
//! checked by the program that Debian maintains for it. Rejected: a download by URL with a digest in the source
//! (stale with each point release), and loaders committed here (binaries that nobody can review).

mod digest;
mod fetch;
mod manifest;
mod programs;
mod public;
mod store;

use std::path::PathBuf;

pub use digest::{Blob, Digest, ParseDigestError};
pub use fetch::{FetchError, FetchStep, Fetched, LOADERS, Mirror, MirrorError, Progress};
pub use manifest::{Entry, Image, Loader, Manifest, ManifestError, Role};
pub use programs::{AdoptError, Adoption, PROGRAMS, Program, find_program};
pub use public::{OpenedFile, PublicFiles, PublicPath, Refused, RefusedFile};
pub use store::{Assets, Condition, ImageFiles, Listed, StoreError};

/// Where assets are kept and where they come from.
#[derive(Debug, Clone)]
pub struct Config {
    /// `<data_dir>/assets`.
    pub dir: PathBuf,
    /// A Debian archive with trixie's `main`.
    pub mirror: Mirror,
    /// Whose signatures count; Debian 12's keyring package holds trixie's keys.
    pub keyring: PathBuf,
}

impl Config {
    /// Debian's own mirror and keyring.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            mirror: Mirror::default(),
            keyring: PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg"),
        }
    }
}
