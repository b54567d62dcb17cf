//! What lies beside the three files of an image: what they are and what they were made of.

use std::{collections::BTreeMap, fs, io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Key;
use crate::assets::Blob;

pub(super) const KERNEL: &str = "vmlinuz";
pub(super) const INITRD: &str = "initrd.img";
pub(super) const ROOT: &str = "root.squashfs";
pub(super) const MANIFEST: &str = "manifest.json";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The hash of the inputs.
    pub key: Key,
    /// When it was built: the same inputs give newer packages later.
    pub built: Timestamp,
    /// Of the kernel: `6.12.107+deb13-amd64`.
    pub kernel_release: String,
    /// `vmlinuz`.
    pub kernel: Blob,
    /// `initrd.img`.
    pub initrd: Blob,
    /// `root.squashfs`.
    pub root: Blob,
    /// Every installed package and its version.
    pub packages: BTreeMap<String, String>,
}

impl Manifest {
    /// The manifest of a folder whose files are all there in their right sizes.
    pub(super) fn of_complete(folder: &Path, key: &Key) -> Option<Self> {
        let manifest: Self = serde_json::from_slice(&fs::read(folder.join(MANIFEST)).ok()?).ok()?;
        let whole = |(name, blob): (&str, &Blob)| {
            fs::metadata(folder.join(name)).is_ok_and(|meta| meta.is_file() && meta.len() == blob.bytes)
        };
        (manifest.key == *key && manifest.files().into_iter().all(whole)).then_some(manifest)
    }

    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        fs::write(folder.join(MANIFEST), text)
    }

    const fn files(&self) -> [(&'static str, &Blob); 3] {
        [(KERNEL, &self.kernel), (INITRD, &self.initrd), (ROOT, &self.root)]
    }
}

/// Names and versions out of dpkg's status file; what is only half installed is left out.
pub(super) fn installed(status: &str) -> BTreeMap<String, String> {
    let field = |paragraph: &str, name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    status
        .split("\n\n")
        .filter(|paragraph| field(paragraph, "Status").is_some_and(|status| status.ends_with(" installed")))
        .filter_map(|paragraph| Some((field(paragraph, "Package")?, field(paragraph, "Version")?)))
        .collect()
}
