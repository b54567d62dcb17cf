//! The store on disk: objects by digest, one manifest that names them, one lock for those who change it.
//!
//! ```text
//!   <data_dir>/assets/objects/<sha256>   the bytes, written beside, synced, renamed: complete or absent
//!   <data_dir>/assets/manifest.json      which of them are what
//!   <data_dir>/assets/partial/           downloads in progress, kept for the next try
//!   <data_dir>/assets/lock               held by fetch and add_image
//! ```
//!
//! A URL names content, so an asset that is replaced during a hundred downloads gives each of them one version: the
//! old object stays until no manifest names it, and an open file outlives its name. Readers take no lock; they look
//! at the manifest again whenever another file stands under its name.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Blob, Config, Digest, Entry, Image, Manifest, ManifestError,
    manifest::{self, Loader},
};
use crate::lock::Lock;

/// The asset store; cheap to clone, safe to use from every thread. All of it but `fetch` blocks on the disk.
#[derive(Debug, Clone)]
pub struct Assets {
    pub(super) config: Arc<Config>,
    cache: Arc<Mutex<Cache>>,
}

/// Read from disk once per change.
#[derive(Debug, Default)]
struct Cache {
    /// Inode, size and change time of the manifest that was read.
    stamp: Option<(u64, u64, i64, i64)>,
    manifest: Arc<Manifest>,
    /// Loaders are small and asked for by every machine at once.
    loaders: HashMap<Digest, Bytes>,
}

/// One line of `roost assets list`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// What the manifest says.
    #[serde(flatten)]
    pub entry: Entry,
    /// Whether the bytes are there, by name and length.
    pub present: bool,
}

/// What a fresh look at the bytes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "condition", rename_all = "snake_case")]
pub enum Condition {
    /// The bytes are those that the manifest names.
    Intact,
    /// No file of that digest.
    Missing,
    /// Other bytes under this name: a damaged disk or someone's edit.
    Changed {
        /// What they are.
        found: Blob,
    },
}

/// The three files of a node image, to be copied into the store.
#[derive(Debug, Clone)]
pub struct ImageFiles {
    /// The kernel.
    pub kernel: PathBuf,
    /// The initrd.
    pub initrd: PathBuf,
    /// The root file system.
    pub root: PathBuf,
    /// When it was built.
    pub built: Timestamp,
    /// Its name in listings.
    pub version: String,
}

/// The store cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The manifest is unreadable.
    #[error("cannot use {}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ManifestError,
    },
    /// Someone else is changing it.
    #[error("another roost process is changing the assets (it holds {}): wait for it to end", lock.display())]
    Busy {
        /// The lock file.
        lock: PathBuf,
    },
}

impl Assets {
    /// Opens the store, making its folders where they are missing.
    ///
    /// # Errors
    /// A folder cannot be made, or the manifest cannot be used.
    pub fn open(config: Config) -> Result<Self, StoreError> {
        let assets = Self { config: Arc::new(config), cache: Arc::default() };
        for folder in [assets.objects(), assets.partial()] {
            fs::create_dir_all(&folder).map_err(io_error("create", &folder))?;
        }
        assets.manifest()?;
        Ok(assets)
    }

    /// What the store holds now.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn manifest(&self) -> Result<Arc<Manifest>, StoreError> {
        let path = self.manifest_path();
        let stamp = fs::metadata(&path).ok().map(|meta| (meta.ino(), meta.size(), meta.ctime(), meta.ctime_nsec()));
        let mut cache = self.cache();
        if stamp.is_none() || cache.stamp != stamp {
            let manifest = Manifest::read(&path).map_err(|source| StoreError::Manifest { path, source })?;
            *cache = Cache { stamp, manifest: Arc::new(manifest), loaders: HashMap::new() };
        }
        Ok(Arc::clone(&cache.manifest))
    }

    /// The image that machines boot now.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn current_image(&self) -> Result<Option<Image>, StoreError> {
        Ok(self.manifest()?.images.last().cloned())
    }

    /// Whether all three files of an image can be served.
    #[must_use]
    pub fn has(&self, image: &Image) -> bool {
        [image.kernel, image.initrd, image.root].iter().all(|blob| self.is_present(blob))
    }

    /// A loader by the name that firmware asks for; its bytes only if they are there and are what they should be.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn loader(&self, name: &str) -> Result<Option<(Entry, Option<Bytes>)>, StoreError> {
        let manifest = self.manifest()?;
        let Some(entry) =
            manifest.entries().into_iter().find(|entry| entry.role == super::Role::Loader && entry.name == name)
        else {
            return Ok(None);
        };
        let bytes = self.loader_bytes(&entry.blob);
        Ok(Some((entry, bytes)))
    }

    /// Opens an object for reading; nothing if it is absent or has another length.
    #[must_use]
    pub fn object(&self, blob: &Blob) -> Option<File> {
        let file = File::open(self.object_path(&blob.sha256)).ok()?;
        let same = file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == blob.bytes);
        same.then_some(file)
    }

    /// Everything, with a glance at the disk.
    ///
    /// # Errors
    /// The manifest cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let entries = self.manifest()?.entries();
        Ok(entries.into_iter().map(|entry| Listed { present: self.is_present(&entry.blob), entry }).collect())
    }

    /// Reads every object again; one verdict for each entry.
    ///
    /// # Errors
    /// The manifest or an object cannot be read.
    pub fn verify(&self) -> Result<Vec<(Entry, Condition)>, StoreError> {
        let entries = self.manifest()?.entries();
        entries.into_iter().map(|entry| Ok((entry.clone(), self.condition(&entry.blob)?))).collect()
    }

    /// Copies a node image into the store and serves it from now on.
    ///
    /// # Errors
    /// A file cannot be read or copied, or another process is changing the store.
    pub fn add_image(&self, files: &ImageFiles) -> Result<Image, StoreError> {
        let _lock = self.lock()?;
        let image = Image {
            kernel: self.take(&files.kernel)?,
            initrd: self.take(&files.initrd)?,
            root: self.take(&files.root)?,
            built: files.built,
            version: files.version.clone(),
        };
        let mut manifest = Manifest::clone(&*self.manifest()?);
        manifest.add_image(image.clone());
        self.replace_manifest(&manifest)?;
        Ok(image)
    }

    /// Takes a set of loaders in place of the old one; the caller holds the lock.
    pub(super) fn replace_loaders(&self, from: String, files: &[(&str, PathBuf)]) -> Result<Vec<Loader>, StoreError> {
        let take = |(name, path): &(&str, PathBuf)| Ok(Loader { name: (*name).to_owned(), blob: self.take(path)? });
        let loaders = files.iter().map(take).collect::<Result<Vec<_>, _>>()?;
        let mut manifest = Manifest::clone(&*self.manifest()?);
        manifest.loaders_from = Some(from);
        manifest.loaders.clone_from(&loaders);
        self.replace_manifest(&manifest)?;
        Ok(loaders)
    }

    /// Keeps everyone else from changing the store until it is dropped.
    pub(super) fn lock(&self) -> Result<Lock, StoreError> {
        let path = self.config.dir.join("lock");
        Lock::try_take(&path).map_err(|error| match error {
            fs::TryLockError::WouldBlock => StoreError::Busy { lock: path },
            fs::TryLockError::Error(source) => StoreError::Io { action: "lock", path, source },
        })
    }

    /// Where downloads wait for their next try.
    pub(super) fn partial(&self) -> PathBuf {
        self.config.dir.join("partial")
    }

    fn objects(&self) -> PathBuf {
        self.config.dir.join("objects")
    }

    fn manifest_path(&self) -> PathBuf {
        self.config.dir.join("manifest.json")
    }

    fn object_path(&self, sha256: &Digest) -> PathBuf {
        self.objects().join(sha256.to_string())
    }

    pub(super) fn is_present(&self, blob: &Blob) -> bool {
        fs::metadata(self.object_path(&blob.sha256)).is_ok_and(|meta| meta.is_file() && meta.len() == blob.bytes)
    }

    fn condition(&self, blob: &Blob) -> Result<Condition, StoreError> {
        let path = self.object_path(&blob.sha256);
        match Blob::of_file(&path) {
            Ok(found) if found == *blob => Ok(Condition::Intact),
            Ok(found) => Ok(Condition::Changed { found }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Condition::Missing),
            Err(source) => Err(StoreError::Io { action: "read", path, source }),
        }
    }

    /// Copies one file in; it appears under its digest only when it is whole and synced.
    pub(super) fn take(&self, path: &Path) -> Result<Blob, StoreError> {
        let objects = self.objects();
        let mut from = File::open(path).map_err(io_error("open", path))?;
        let mut draft =
            tempfile::Builder::new().prefix(".draft-").tempfile_in(&objects).map_err(io_error("write in", &objects))?;
        let blob = Blob::copy(&mut from, draft.as_file_mut()).map_err(io_error("copy", path))?;
        let object = self.object_path(&blob.sha256);
        manifest::publish(draft, &object).map_err(io_error("write", &object))?;
        Ok(blob)
    }

    pub(super) fn replace_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let path = self.manifest_path();
        let objects = self.objects();
        File::open(&objects).and_then(|folder| folder.sync_all()).map_err(io_error("sync", &objects))?;
        manifest.write(&path).map_err(|source| StoreError::Manifest { path, source })?;
        self.sweep(manifest)
    }

    /// Removes what no entry names any more, and drafts of those who died; whoever reads such a file keeps it open.
    fn sweep(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let named: HashSet<_> = manifest.entries().iter().map(|entry| entry.blob.sha256.to_string()).collect();
        let objects = self.objects();
        for file in fs::read_dir(&objects).map_err(io_error("list", &objects))?.flatten() {
            if !file.file_name().to_str().is_some_and(|name| named.contains(name)) {
                fs::remove_file(file.path()).map_err(io_error("remove", &file.path()))?;
            }
        }
        Ok(())
    }

    /// From memory, or from disk once; other bytes than the named ones are as good as none.
    fn loader_bytes(&self, blob: &Blob) -> Option<Bytes> {
        if let Some(bytes) = self.cache().loaders.get(&blob.sha256) {
            return Some(bytes.clone());
        }
        let bytes = fs::read(self.object_path(&blob.sha256)).ok()?;
        if Blob::copy(&mut bytes.as_slice(), &mut io::sink()).ok()? != *blob {
            return None;
        }
        let bytes = Bytes::from(bytes);
        self.cache().loaders.insert(blob.sha256, bytes.clone());
        Some(bytes)
    }

    /// A reader that panicked left nothing half-done in a cache.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + use<'a> {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}
