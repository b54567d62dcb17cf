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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Config, Inputs};

    fn written(folder: &Path) -> Manifest {
        let blob = |name: &str| {
            fs::write(folder.join(name), name).unwrap();
            Blob::of_file(&folder.join(name)).unwrap()
        };
        let manifest = Manifest {
            key: Inputs::of(&Config::new("/unused".into())).key(),
            built: Timestamp::UNIX_EPOCH,
            kernel_release: "6.12".into(),
            kernel: blob(KERNEL),
            initrd: blob(INITRD),
            root: blob(ROOT),
            packages: BTreeMap::new(),
        };
        manifest.write(folder).unwrap();
        manifest
    }

    #[test]
    fn an_image_counts_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = written(folder.path());
        assert_eq!(Manifest::of_complete(folder.path(), &manifest.key), Some(manifest.clone()));
        fs::write(folder.path().join(ROOT), "cut").unwrap();
        assert_eq!(Manifest::of_complete(folder.path(), &manifest.key), None);
        fs::remove_file(folder.path().join(MANIFEST)).unwrap();
        assert_eq!(Manifest::of_complete(folder.path(), &manifest.key), None);
    }

    #[test]
    fn packages_are_read_from_the_status_file() {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1:2-3\n\n\
            Package: b\nStatus: deinstall ok config-files\nVersion: 9\n\n\
            Package: c\nStatus: install ok installed\nDescription: x\n Package: no\nVersion: 4\n";
        let expected = BTreeMap::from([("a".to_owned(), "1:2-3".to_owned()), ("c".to_owned(), "4".to_owned())]);
        assert_eq!(installed(status), expected);
    }
}
