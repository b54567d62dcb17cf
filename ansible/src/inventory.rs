//! The inventory folder: Roost's own file `50-roost.yaml` beside the operator's, theirs never touched.
//!
//! What a machine said never gets here. A host is a [`NodeId`], its variables are an IPv4 address and a user name of
//! one form; none of these types can hold a space, a quote or a brace, so the file is written by hand, without an
//! escaping rule that could have a hole. It is read back and compared before it replaces the old one.
//!
//! Each change is read, modify, write under a lock on `.50-roost.yaml.lock`: a hundred call-homes at once, or a
//! second process, lose no entry. The header carries a generation and the digest of the body; a body that does not
//! match was edited by a person, and then Roost refuses to write rather than throw the edit away. Names that the
//! operator's own files use are refused too: Ansible would merge two hosts or two groups of one name without a word.
//!
//! Rejected: editing the operator's file in place (one bug and a person's work is gone), and a dynamic inventory
//! script (nothing to look at when the daemon is down).

mod foreign;
mod page;
mod snapshot;

use std::{
    collections::BTreeMap,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use vocabulary::{HostKey, NodeId, ParseIdError};

pub use foreign::ForeignWarning;
pub use page::{Page, ParsePageError};
pub use snapshot::{SnapshotError, SnapshotFile};

use crate::files::{self, LockError, ReplaceError};

/// Roost's own file in the inventory folder.
pub const FILE_NAME: &str = "50-roost.yaml";
/// The group of all nodes.
pub const NODES_GROUP: &str = "nodes";
/// The group of the control node.
pub const CONTROL_GROUP: &str = "control";
/// The control node's inventory name; not `control`, since Ansible warns about a host named as its group.
pub const CONTROL_HOST: &str = "roost-control";

const MODE: u32 = 0o644;

/// A user name for SSH: `root`, or what useradd takes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SshUser(String);

/// Where and as whom a node is reached, and how it proves itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryHost {
    /// Its inventory name.
    pub node: NodeId,
    /// Where the pinned key answered.
    pub address: Ipv4Addr,
    /// As whom.
    pub user: SshUser,
    /// The pinned keys: a run's known hosts. Not part of the inventory file.
    pub host_keys: Vec<HostKey>,
}

/// What one write did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The generation now on disk.
    pub generation: u64,
    /// Whether the file was replaced; an entry that was there already changes nothing.
    pub change: Change,
    /// Nodes that lost their entry, because the address is another node's now.
    pub displaced: Vec<NodeId>,
    /// Files of the operator that could not be checked for names.
    pub warnings: Vec<ForeignWarning>,
}

/// Whether a write was needed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The file held this already.
    #[default]
    None,
    /// The file was replaced.
    Replaced,
}

/// The folder was not written; the old file is whole.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The folder cannot be made or read.
    #[error("cannot use the inventory folder {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else is writing.
    #[error("the inventory is locked")]
    Lock(#[from] LockError),
    /// Roost's file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Roost's file is not as Roost wrote it.
    #[error("{} was changed by hand", path.display())]
    Edited {
        /// Which.
        path: PathBuf,
        /// What does not fit.
        #[source]
        source: ParsePageError,
    },
    /// The operator uses a name of Roost's.
    #[error("{} defines {name:?}, a name that Roost's own inventory file uses", path.display())]
    NameTaken {
        /// The operator's file.
        path: PathBuf,
        /// The host or group.
        name: String,
    },
    /// The file system is full.
    #[error("no space left while writing {}; the old file is whole", path.display())]
    DiskFull {
        /// Which.
        path: PathBuf,
        /// The failed call.
        #[source]
        source: io::Error,
    },
    /// Writing failed.
    #[error("cannot write {}; the old file is whole", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// The failed call.
        #[source]
        source: io::Error,
    },
}

/// The folder that Ansible reads.
#[derive(Debug, Clone)]
pub struct Inventory {
    folder: PathBuf,
    patience: Duration,
}

impl SshUser {
    /// The user of Roost's own images.
    #[must_use]
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SshUser {
    fn default() -> Self {
        Self::root()
    }
}

impl TryFrom<String> for SshUser {
    type Error = ParseIdError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let fits = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if starts && fits && name.len() <= 32 {
            return Ok(Self(name));
        }
        let text = name.chars().take(64).collect();
        Err(ParseIdError { kind: "user", text, expected: "a name that useradd takes, such as root" })
    }
}

impl From<SshUser> for String {
    fn from(user: SshUser) -> Self {
        user.0
    }
}

impl InventoryError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Folder { path, .. } => format!("make {} a folder that the daemon may write", path.display()),
            Self::Lock(LockError::Held { path, .. }) => {
                format!("`fuser {}` names the holder; let it end", path.display())
            }
            Self::Lock(LockError::Open { path, .. }) | Self::Read { path, .. } | Self::Write { path, .. } => {
                format!("let the daemon read and write {}", path.display())
            }
            Self::Edited { path, .. } => format!(
                "move your lines to a file of your own beside {0}, then remove {0}: Roost writes it anew",
                path.display()
            ),
            Self::NameTaken { path, name } => format!("rename {name} in {}", path.display()),
            Self::DiskFull { path, .. } => format!("free space on the file system of {}, then retry", path.display()),
        }
    }
}

impl Inventory {
    /// The inventory in this folder, which need not be there yet; a lock is waited for as long as `patience`.
    #[must_use]
    pub const fn new(folder: PathBuf, patience: Duration) -> Self {
        Self { folder, patience }
    }

    /// The folder that Ansible reads.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts one node at its address; whoever had that address before loses its entry. Blocks.
    ///
    /// # Errors
    /// See [`InventoryError`]; the old file is whole.
    pub fn put(&self, host: &InventoryHost) -> Result<Written, InventoryError> {
        self.change(|page| page.put(host.node.clone(), host.address, host.user.clone()))
    }

    /// Takes one node out. Blocks.
    ///
    /// # Errors
    /// See [`InventoryError`]; the old file is whole.
    pub fn remove(&self, node: &NodeId) -> Result<Written, InventoryError> {
        self.change(|page| {
            page.nodes.remove(node);
            Vec::new()
        })
    }

    /// Makes the file hold exactly these nodes, as the daemon does at start: the store is the truth. Blocks.
    ///
    /// # Errors
    /// See [`InventoryError`]; the old file is whole.
    pub fn sync(&self, hosts: &[InventoryHost]) -> Result<Written, InventoryError> {
        self.change(|page| {
            page.nodes = BTreeMap::new();
            hosts.iter().flat_map(|host| page.put(host.node.clone(), host.address, host.user.clone())).collect()
        })
    }

    /// What Roost's file says; an absent one is empty, generation 0. Takes no lock: a rename is atomic. Blocks.
    ///
    /// # Errors
    /// The file cannot be read, or was changed by hand.
    pub fn check(&self) -> Result<Page, InventoryError> {
        let path = self.file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Page::default()),
            Err(source) => return Err(InventoryError::Read { path, source }),
        };
        Page::parse(&text).map_err(|source| InventoryError::Edited { path, source })
    }

    /// Copies the whole folder, read-only, for one run, so that nothing that changes later changes the run; gives the
    /// files of the copy by name. Blocks.
    ///
    /// # Errors
    /// A file cannot be copied, or the folder is larger than an inventory is.
    pub fn snapshot(&self, target: &Path) -> Result<Vec<SnapshotFile>, SnapshotError> {
        let _lock = files::lock(&self.lock_file(), self.patience)?;
        snapshot::copy(&self.folder, target)
    }

    fn change(&self, edit: impl FnOnce(&mut Page) -> Vec<NodeId>) -> Result<Written, InventoryError> {
        fs::create_dir_all(&self.folder)
            .map_err(|source| InventoryError::Folder { path: self.folder.clone(), source })?;
        let _lock = files::lock(&self.lock_file(), self.patience)?;
        let old = self.check()?;
        let mut new = old.clone();
        let displaced = edit(&mut new);
        let warnings = self.refuse_taken_names(&new)?;
        if new == old && self.file().exists() {
            return Ok(Written { generation: old.generation, change: Change::None, displaced, warnings });
        }
        new.generation = old.generation + 1;
        self.write(&new)?;
        Ok(Written { generation: new.generation, change: Change::Replaced, displaced, warnings })
    }

    fn refuse_taken_names(&self, page: &Page) -> Result<Vec<ForeignWarning>, InventoryError> {
        let survey = foreign::survey(&self.folder)
            .map_err(|source| InventoryError::Folder { path: self.folder.clone(), source })?;
        let own = page.names();
        let taken = survey.names.into_iter().find(|name| own.iter().any(|own| name.covers(own)));
        match taken {
            Some(foreign) => Err(InventoryError::NameTaken { path: foreign.path, name: foreign.name }),
            None => Ok(survey.warnings),
        }
    }

    fn write(&self, page: &Page) -> Result<(), InventoryError> {
        let text = page.render();
        let path = self.file();
        // Cannot fail unless rendering and parsing disagree; then a broken inventory must not replace a whole one.
        Page::parse(&text).map_err(|source| InventoryError::Edited { path: path.clone(), source })?;
        files::replace(&path, text.as_bytes(), MODE).map_err(|ReplaceError { path, source, .. }| {
            if files::is_full(&source) {
                InventoryError::DiskFull { path, source }
            } else {
                InventoryError::Write { path, source }
            }
        })
    }

    fn file(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    fn lock_file(&self) -> PathBuf {
        files::sibling(&self.file(), ".lock")
    }
}

#[cfg(test)]
mod tests;
