//! The keys of gossip and their rotation, as they are kept beside the cluster's other secrets.
//!
//! ```text
//!  rotation.json   0600: the rotation under way, with its keys, from before the first member hears of them; then that
//!                  it is done, and which order it was for
//!  gossip.json     0600: the keys in use, where the bundle of secrets is sealed and the daemon, which is not root, can't
//!                  seal it anew; the next `roost cluster init` takes them into the bundle
//! ```
//!
//! The file in the open loses nothing: the server's own agents read the same keys from 0600 files of the same owner.

use std::{fs, io};

use jobs::bootstrap::{GossipKeys, Secrets};
use serde::{Deserialize, Serialize};
use vocabulary::{NodeId, Secret, Timestamp};

use super::kept::{Kept, KeptError};

const ROTATION: &str = "rotation.json";
const GOSSIP: &str = "gossip.json";

/// Why the keys are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationOrder {
    /// Who ordered it.
    pub by: String,
    /// When: an order that is older than the last rotation is done.
    pub ordered: Timestamp,
    /// The node that is to be shut out, where one is.
    pub because: Option<NodeId>,
}

/// How far a rotation is.
#[derive(Debug, Clone, PartialEq)]
pub enum Rotation {
    /// Under way, with its keys.
    UnderWay(RotationOrder, GossipKeys),
    /// This was the last, and when it ended.
    Done(RotationOrder, Timestamp),
}

/// As it lies in its file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    order: RotationOrder,
    done: Option<Timestamp>,
    keys: Option<WrittenKeys>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKeys {
    consul: String,
    nomad: String,
}

impl From<&GossipKeys> for WrittenKeys {
    fn from(keys: &GossipKeys) -> Self {
        Self { consul: keys.consul.expose().clone(), nomad: keys.nomad.expose().clone() }
    }
}

impl From<WrittenKeys> for GossipKeys {
    fn from(keys: WrittenKeys) -> Self {
        Self { consul: Secret::new(keys.consul), nomad: Secret::new(keys.nomad) }
    }
}

impl Kept {
    /// The rotation that is under way, or the last one.
    ///
    /// # Errors
    /// Its file can't be read.
    pub fn rotation(&self) -> Result<Option<Rotation>, KeptError> {
        let Some(Written { order, done, keys }) = self.read_json(ROTATION)? else { return Ok(None) };
        Ok(match (keys, done) {
            (Some(keys), None) => Some(Rotation::UnderWay(order, keys.into())),
            (_, done) => done.map(|at| Rotation::Done(order, at)),
        })
    }

    /// Writes down how far it is.
    ///
    /// # Errors
    /// It can't be written.
    pub fn note_rotation(&self, rotation: &Rotation) -> Result<(), KeptError> {
        let written = match rotation {
            Rotation::UnderWay(order, keys) => Written { order: order.clone(), done: None, keys: Some(keys.into()) },
            Rotation::Done(order, at) => Written { order: order.clone(), done: Some(*at), keys: None },
        };
        self.write_json(ROTATION, &written)
    }

    /// Keeps new keys for gossip: in the bundle where that is a file, else beside it.
    ///
    /// # Errors
    /// They can't be written.
    pub fn keep_gossip(&self, secrets: &Secrets) -> Result<(), KeptError> {
        if self.has_secrets_file() {
            return self.keep_secrets(secrets).map(drop);
        }
        self.write_json(GOSSIP, &WrittenKeys::from(&secrets.gossip()))
    }

    /// The bundle with the keys that lie beside it.
    pub(super) fn with_newer_gossip(&self, secrets: Secrets) -> Result<Secrets, KeptError> {
        let newer = self.read_json::<WrittenKeys>(GOSSIP)?;
        Ok(match newer {
            Some(keys) => secrets.with_gossip(keys.into()),
            None => secrets,
        })
    }

    /// Whether keys lie beside the bundle that are not in it.
    #[must_use]
    pub fn has_newer_gossip(&self) -> bool {
        self.folder().join(GOSSIP).exists()
    }

    /// They are in the bundle.
    pub(super) fn forget_newer_gossip(&self) -> Result<(), KeptError> {
        let path = self.folder().join(GOSSIP);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(KeptError::File { path, source }),
            _ => Ok(()),
        }
    }
}
