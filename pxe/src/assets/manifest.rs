//! What the store holds and why: one JSON file, replaced atomically, never edited in place.
//!
//! JSON rather than a table in the daemon's database, because `roost assets fetch` and `roost image build` run as
//! other processes than the daemon (and as root), and because the folder then moves to another machine by `cp`.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Blob, Digest, Program};

/// Raised when a field changes its meaning; an older binary then says so instead of guessing.
const VERSION: u32 = 1;

/// How many node images stay: a machine that fetched its script before a new image was built still gets its root.
const KEPT_IMAGES: usize = 3;

/// What a file is for; also decides which station of a timeline its delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// iPXE, for one kind of firmware.
    Loader,
    /// The kernel of a node image.
    Kernel,
    /// Its initrd.
    Initrd,
    /// Its root file system.
    Root,
    /// A program that nodes run, packed.
    Program,
}

/// One loader, by the name that firmware asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loader {
    /// `undionly.kpxe`, `ipxe-amd64.efi`...
    pub name: String,
    /// Its bytes.
    #[serde(flatten)]
    pub blob: Blob,
}

/// A registered node image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The kernel.
    pub kernel: Blob,
    /// The initrd.
    pub initrd: Blob,
    /// The root file system, `root.squashfs`.
    pub root: Blob,
    /// When it was built.
    pub built: Timestamp,
    /// The kernel's release or whatever the builder calls this image; for listings.
    pub version: String,
}

/// Everything the store knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    /// The Debian package and version that the loaders came from.
    pub loaders_from: Option<String>,
    /// The loaders.
    pub loaders: Vec<Loader>,
    /// Node images, oldest first; the last one is served.
    pub images: Vec<Image>,
    /// Programs, oldest first; the last one of each name is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Program>,
}

/// The manifest cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file system said no.
    #[error("cannot read or write the asset manifest")]
    Io(#[source] io::Error),
    /// Not JSON of this shape.
    #[error("the asset manifest is damaged: move it away and run `roost assets fetch` and `roost image build` again")]
    Damaged(#[source] serde_json::Error),
    /// Written by a later Roost.
    #[error("the asset manifest has version {found}, this Roost reads up to {VERSION}: use the newer Roost")]
    Newer {
        /// What the file says.
        found: u32,
    },
}

impl Default for Manifest {
    fn default() -> Self {
        Self { version: VERSION, loaders_from: None, loaders: Vec::new(), images: Vec::new(), programs: Vec::new() }
    }
}

impl Manifest {
    /// Reads it; a missing file is an empty store.
    pub(super) fn read(path: &Path) -> Result<Self, ManifestError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(ManifestError::Io(error)),
        };
        let version: Versioned = serde_json::from_slice(&text).map_err(ManifestError::Damaged)?;
        if version.version > VERSION {
            return Err(ManifestError::Newer { found: version.version });
        }
        serde_json::from_slice(&text).map_err(ManifestError::Damaged)
    }

    /// Writes it beside itself, syncs, renames, syncs the folder.
    pub(super) fn write(&self, path: &Path) -> Result<(), ManifestError> {
        let text = serde_json::to_vec_pretty(self).map_err(ManifestError::Damaged)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        replace(folder, path, &text).map_err(ManifestError::Io)
    }

    /// Makes an image the one that is served and forgets the oldest beyond the kept ones.
    pub(super) fn add_image(&mut self, image: Image) {
        self.images
            .retain(|known| known.root != image.root || known.kernel != image.kernel || known.initrd != image.initrd);
        self.images.push(image);
        let surplus = self.images.len().saturating_sub(KEPT_IMAGES);
        self.images.drain(..surplus);
    }

    /// Every file with its role, a name for people and a version.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let from = self.loaders_from.clone().unwrap_or_default();
        let loaders = self.loaders.iter().map(|loader| Entry::new(&loader.name, &from, Role::Loader, loader.blob));
        let images = self.images.iter().rev().flat_map(|image| {
            [
                ("vmlinuz", Role::Kernel, image.kernel),
                ("initrd.img", Role::Initrd, image.initrd),
                ("root.squashfs", Role::Root, image.root),
            ]
            .map(|(name, role, blob)| Entry::new(name, &image.version, role, blob))
        });
        let programs = self.programs.iter().rev().map(|program| {
            Entry::new(&format!("{}.zst", program.name), &program.version, Role::Program, program.packed)
        });
        loaders.chain(images).chain(programs).collect()
    }

    /// The entry with these bytes.
    #[must_use]
    pub fn entry(&self, sha256: &Digest) -> Option<Entry> {
        self.entries().into_iter().find(|entry| entry.blob.sha256 == *sha256)
    }
}

/// One file of the store, as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// As machines ask for it.
    pub name: String,
    /// Where it came from: a package version, an image's version.
    pub version: String,
    /// What it is for.
    pub role: Role,
    /// Its bytes.
    #[serde(flatten)]
    pub blob: Blob,
}

impl Entry {
    fn new(name: &str, version: &str, role: Role, blob: Blob) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), role, blob }
    }
}

/// The one field that every version has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn replace(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut draft = tempfile::Builder::new().prefix(".manifest-").tempfile_in(folder)?;
    draft.write_all(text)?;
    publish(draft, path)?;
    File::open(folder)?.sync_all()
}

/// Syncs a finished draft and gives it its name; readable by all, since boot files are public.
pub(super) fn publish(draft: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    draft.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    draft.as_file().sync_all()?;
    draft.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(number: u8) -> Image {
        let blob =
            |part: u8| Blob { sha256: hex::encode([number * 4 + part; 32]).parse().unwrap(), bytes: u64::from(part) };
        Image {
            kernel: blob(0),
            initrd: blob(1),
            root: blob(2),
            built: Timestamp::UNIX_EPOCH,
            version: number.to_string(),
        }
    }

    #[test]
    fn survives_a_round_trip_and_starts_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        assert_eq!(Manifest::read(&path).unwrap(), Manifest::default());
        let mut manifest = Manifest { loaders_from: Some("ipxe 1".into()), ..Manifest::default() };
        manifest.add_image(image(1));
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn keeps_the_last_images_and_serves_the_last() {
        let mut manifest = Manifest::default();
        for number in 1..=5 {
            manifest.add_image(image(number));
        }
        manifest.add_image(image(4));
        let versions: Vec<_> = manifest.images.iter().map(|image| image.version.as_str()).collect();
        assert_eq!(versions, ["3", "5", "4"]);
        assert_eq!(manifest.entry(&image(4).root.sha256).unwrap().role, Role::Root);
        assert_eq!(manifest.entry(&image(1).root.sha256), None);
    }

    #[test]
    fn a_later_or_damaged_manifest_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        std::fs::write(&path, r#"{"version": 2, "news": []}"#).unwrap();
        assert!(matches!(Manifest::read(&path), Err(ManifestError::Newer { found: 2 })));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Manifest::read(&path), Err(ManifestError::Damaged(_))));
    }
}
