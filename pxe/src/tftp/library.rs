//! What a file name asks for: a loader of the asset store, the empty `autoexec.ipxe`, or an operator's file.
//!
//! Names come from firmware: any case of slashes, a folder in front (the loader's own, where iPXE asks for a file
//! beside it). A loader is found by its last part alone, so that `/boot/undionly.kpxe` works too; an operator's file
//! of the full name goes first, which is how one replaces a loader for an odd machine.

use std::fs::File;

use bytes::Bytes;

use crate::assets::{Assets, PublicFiles, PublicPath, Refused, RefusedFile, Role, StoreError};

/// iPXE asks for this by itself; see `ipxe/script.rs` for why it is empty.
const AUTOEXEC: &str = "autoexec.ipxe";

/// Why a file is not sent; the text goes to the client's console.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSent {
    /// The name itself is refused.
    #[error(transparent)]
    Name(#[from] Refused),
    /// The file is refused.
    #[error(transparent)]
    File(#[from] RefusedFile),
    /// A loader that is known and not there.
    #[error("Roost has no loader {0} yet, on the control node: roost assets fetch")]
    NotFetched(String),
    /// The store is broken.
    #[error("the asset store is not usable, on the control node: roost assets verify")]
    Store(#[source] StoreError),
}

/// Something to send.
#[derive(Debug)]
pub(super) struct Item {
    /// As the log and the timeline call it.
    pub(super) name: String,
    /// Exact length.
    pub(super) bytes: u64,
    /// A loader is a station on a machine's way; other files are a note.
    pub(super) is_loader: bool,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Memory(Bytes),
    Disk(File),
}

/// Everything that TFTP serves.
#[derive(Debug, Clone)]
pub(super) struct Library {
    pub(super) assets: Assets,
    pub(super) files: PublicFiles,
}

impl Library {
    pub(super) fn find(&self, name: &str) -> Result<Item, NotSent> {
        let path = PublicPath::parse(name)?;
        match self.files.open(&path) {
            Ok(opened) => return Ok(Item::file(&path, opened)),
            Err(RefusedFile::NoFolder | RefusedFile::Absent) => {}
            Err(refused) => return Err(refused.into()),
        }
        if path.file_name() == AUTOEXEC {
            return Ok(Item::memory(AUTOEXEC, Bytes::new(), false));
        }
        self.loader(path.file_name())
    }

    fn loader(&self, name: &str) -> Result<Item, NotSent> {
        let known = crate::assets::LOADERS.contains(&name);
        match self.assets.loader(name).map_err(NotSent::Store)? {
            Some((entry, Some(bytes))) => Ok(Item::memory(name, bytes, entry.role == Role::Loader)),
            Some((_, None)) => Err(NotSent::NotFetched(name.to_owned())),
            None if known => Err(NotSent::NotFetched(name.to_owned())),
            None => Err(RefusedFile::Absent.into()),
        }
    }
}

impl Item {
    fn memory(name: &str, bytes: Bytes, is_loader: bool) -> Self {
        Self { name: name.to_owned(), bytes: bytes.len() as u64, is_loader, content: Content::Memory(bytes) }
    }

    fn file(path: &PublicPath, opened: crate::assets::OpenedFile) -> Self {
        Self { name: path.to_string(), bytes: opened.bytes, is_loader: false, content: Content::Disk(opened.file) }
    }
}
