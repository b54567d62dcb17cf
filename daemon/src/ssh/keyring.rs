//! The key in use, shared by everything that speaks SSH, and the way from it to the next.
//!
//! A rotation is what lies on disk, so that a crash between any two steps is gone on from and not guessed at:
//!
//! | files | what holds | what is still to be done |
//! |---|---|---|
//! | `fleet` | nodes take it alone | nothing |
//! | `fleet`, `next` | reachable nodes take both | put `next` in its place, or take it away from them again |
//! | `fleet`, `previous` | nodes take `fleet`; some may take `previous` too, or alone | [`Keyring::settle`] |
//! | given, another `next` | nodes take both; those that boot take `next` alone until they are spoken to | its giver puts `next` in place |
//! | given, `next` the same | nodes take it; some may take the one before too | [`Keyring::settle`] |
//!
//! Nodes never lose the key that Roost has: the new line reaches them by the old key before the keys change places,
//! and `authorized_keys` is replaced whole, after a look that the key in use is in it ([`super::lines`]). Machines
//! that were booting meanwhile come up with the old line; `previous` opens them, for that one purpose, until every
//! node has been settled. A key that systemd or the operator gave is theirs to put in place, some time: until then Roost
//! has two keys, tells every node of both, and gives to those that boot the one that it will have afterwards too. Once
//! Roost was started with that, the old one is taken from the nodes. Such a `next` stays whatever becomes of the order,
//! since nodes may take it alone and its giver may have it.

use std::{
    path::PathBuf,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use vocabulary::{HostKey, NodeId, Timestamp};

use super::{FleetKey, FleetKeyError, Kept, Pinned, SshError, key::put_whole, lines, run};

/// How long a node may take to change its lines.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nodes spoken to at once; each is a process of ssh.
const AT_ONCE: usize = 32;
/// Where an order lies while it is carried out.
const ORDER: &str = "ssh/rotation.json";
/// Longer than any boot that began with the old key.
const A_BOOT: Duration = Duration::from_secs(24 * 3600);
/// After this a node that never answered is given up: its next boot brings the key anyway.
const GIVEN_UP: Duration = Duration::from_secs(7 * 24 * 3600);

/// The key in use.
#[derive(Debug)]
pub struct Keyring {
    current: RwLock<FleetKey>,
    /// The one before it, until every node has the one in use.
    previous: RwLock<Option<FleetKey>>,
    /// The one that whoever gave the one in use is to put in its place: nodes take both.
    next: RwLock<Option<FleetKey>>,
    /// The one in use while it still lies where a rotation left it for somebody else to put in place.
    handed_over: RwLock<Option<FleetKey>>,
    /// Nodes that did not answer when they were to hear of a key, the last time that they were spoken to.
    missed: RwLock<Vec<NodeId>>,
    data_dir: PathBuf,
}

/// How far the first half of a rotation came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The new key is in use; nodes are to be settled.
    Replaced,
    /// Nodes take both keys; the new one is to be put in place by who gave the old one.
    HandOver {
        /// Where it lies.
        next: PathBuf,
        /// Nodes that take both.
        told: Vec<NodeId>,
        /// Nodes that take it when they answer, or after their next boot.
        missed: Vec<NodeId>,
    },
}

/// What came of settling some nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Settled {
    /// These take the key in use and no other of Roost's.
    pub done: Vec<NodeId>,
    /// These did not answer.
    pub missed: Vec<NodeId>,
}

/// What to do about nodes that do not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silent {
    /// Stop before anything is replaced.
    Stop,
    /// Go on: they are reachable again after their next boot.
    Leave,
}

/// An order to rotate, as it lies on disk while it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RotationOrder {
    /// Who approved it, for the audit.
    pub by: String,
    /// What to do about nodes that do not answer.
    pub silent: Silent,
    /// The key that it replaces: where another is in use, the order was carried out before the daemon ended.
    pub from: HostKey,
}

/// The fleet key was not rotated; the old one is in use.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// Another rotation has not ended.
    #[error("a rotation of the fleet key is under way")]
    UnderWay,
    /// Some nodes would be locked out until they boot again.
    #[error("these nodes do not answer and would be out of reach until their next boot: {}", names(.0))]
    Silent(Vec<NodeId>),
    /// The new key could not be made or put in place.
    #[error("cannot replace the fleet key")]
    Key(#[from] FleetKeyError),
    /// The nodes that hold it are not known.
    #[error("cannot tell which nodes hold the fleet key")]
    Nodes(#[source] crate::nodes::NodesError),
}

fn names(nodes: &[NodeId]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Keyring {
    /// Starts with the key that is to be used, and with what a rotation left on disk.
    ///
    /// # Errors
    /// A key of a rotation is there and cannot be read or removed.
    pub async fn open_ring(current: FleetKey, data_dir: PathBuf) -> Result<Self, FleetKeyError> {
        let mut previous = FleetKey::previous(&data_dir).await?;
        // A crash between the copy and the rename left the key in use twice.
        if let Some(copy) = previous.take_if(|previous| previous.public == current.public) {
            copy.remove()?;
        }
        let mut next = FleetKey::waiting(&data_dir).await.unwrap_or_else(|error| {
            // Nodes are opened by the key in use: a damaged one that is to come keeps nobody out.
            tracing::error!(
                error = tasks::chain(&error),
                "the fleet key that a rotation made is not readable: remove it, then roost ssh rotate again"
            );
            None
        });
        let handed_over = next.take_if(|next| next.public == current.public);
        // Beside a key of Roost's own, the order on disk says what becomes of it.
        let next = next.filter(|_| current.kept != Kept::File0600);
        Ok(Self {
            current: RwLock::new(current),
            previous: RwLock::new(previous),
            next: RwLock::new(next),
            handed_over: RwLock::new(handed_over),
            missed: RwLock::default(),
            data_dir,
        })
    }

    /// The key in use.
    #[must_use]
    pub fn current(&self) -> FleetKey {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that a machine which boots now is to take: one that Roost has now and will still have after the boot,
    /// whoever puts another in place meanwhile.
    #[must_use]
    pub fn for_boots(&self) -> FleetKey {
        self.next().unwrap_or_else(|| self.current())
    }

    /// Whether nodes may have other keys than they should.
    #[must_use]
    pub fn unsettled(&self) -> bool {
        self.previous().is_some() || self.next().is_some() || read(&self.handed_over).is_some()
    }

    fn previous(&self) -> Option<FleetKey> {
        read(&self.previous)
    }

    /// The key that is to be put in place by whoever gave the one in use, if a rotation made one.
    #[must_use]
    pub fn next(&self) -> Option<FleetKey> {
        read(&self.next)
    }

    /// Nodes that did not answer the last time that they were to hear of a key.
    #[must_use]
    pub fn missed(&self) -> Vec<NodeId> {
        self.missed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a key lies in plain text that a given one has taken the place of.
    #[must_use]
    pub fn left_behind(&self) -> Option<PathBuf> {
        self.current().left_behind(&self.data_dir)
    }

    /// Logs in to a node that has just called home; one that has another key of the ring alone gets those it should have.
    ///
    /// # Errors
    /// Its pinned host key does not answer, or it takes none of the keys.
    pub async fn open(&self, node: &Pinned, limit: Duration) -> Result<(), SshError> {
        let (current, next) = (self.current(), self.next());
        let wanted = wanted(&current, next.as_ref());
        // While there is a next one, a node that booted before that was made has yet to hear of it.
        let first = if next.is_some() { &wanted } else { "true" };
        let Err(refused) = run(&current, node, first, limit).await else { return Ok(()) };
        for other in self.previous().iter().chain(&next) {
            if run(other, node, &wanted, limit).await.is_ok() {
                tracing::info!(address = %node.address, "a node that booted during a rotation has the fleet's keys");
                return run(&current, node, "true", limit).await.map(drop);
            }
        }
        Err(refused)
    }

    /// Puts an order on disk before it is carried out.
    ///
    /// # Errors
    /// The file system says no.
    pub fn note(&self, order: &RotationOrder) -> Result<(), FleetKeyError> {
        let path = self.data_dir.join(ORDER);
        let text = serde_json::to_vec(order).map_err(Into::into);
        text.and_then(|text| put_whole(&path, &text)).map_err(|source| FleetKeyError::Io { path, source })
    }

    /// The order that did not end, if there is one.
    #[must_use]
    pub fn ordered(&self) -> Option<RotationOrder> {
        serde_json::from_slice(&std::fs::read(self.data_dir.join(ORDER)).ok()?).ok()
    }

    /// The order has ended.
    ///
    /// # Errors
    /// The file system says no.
    pub fn cross_out(&self) -> Result<(), FleetKeyError> {
        let path = self.data_dir.join(ORDER);
        std::fs::remove_file(&path).map_err(|source| FleetKeyError::Io { path, source })
    }

    /// The first half of a rotation: nodes take both keys, then the new one takes the old one's place on disk.
    ///
    /// # Errors
    /// Nothing was replaced. Nodes take the old key alone, as far as they answer; if that was given, the new one too.
    pub async fn begin(&self, nodes: Vec<(NodeId, Pinned)>, silent: Silent) -> Result<Begun, RotateError> {
        let old = self.current();
        let new = FleetKey::next(&self.data_dir, &old).await?;
        let given = old.kept != Kept::File0600;
        if given {
            // The file that may have been handed over before is another one now.
            write(&self.handed_over, None);
            write(&self.next, Some(new.clone()));
        }
        let (told, missed) = self.tell(&[&old, &new], nodes, &lines::exactly(&[&old, &new])).await;
        if silent == Silent::Stop && !missed.is_empty() {
            if !given {
                self.tell(&[&old], told, &lines::exactly(&[&old])).await;
            }
            return Err(RotateError::Silent(missed));
        }
        if given {
            let told = told.into_iter().map(|(node, _)| node).collect();
            return Ok(Begun::HandOver { next: new.private, told, missed });
        }
        let previous = old.keep_as_previous(&self.data_dir)?;
        let new = new.replace(&old)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        write(&self.previous, Some(previous));
        Ok(Begun::Replaced)
    }

    /// The second half, repeated until no node is missed: nodes take the keys that they should and no other of Roost's.
    pub async fn settle(&self, nodes: Vec<(NodeId, Pinned)>) -> Settled {
        let (current, previous, next) = (self.current(), self.previous(), self.next());
        let keys: Vec<&FleetKey> = std::iter::once(&current).chain(&previous).chain(&next).collect();
        let (done, missed) = self.tell(&keys, nodes, &wanted(&current, next.as_ref())).await;
        Settled { done: done.into_iter().map(|(node, _)| node).collect(), missed }
    }

    /// Forgets what a rotation left on disk once no node needs it: `missing` of them have not been settled.
    ///
    /// # Errors
    /// A file cannot be read or removed; it is tried again by the next call.
    pub async fn finish(&self, now: Timestamp, missing: usize) -> Result<(), FleetKeyError> {
        if let Some(previous) = self.previous() {
            let over = if missing == 0 { A_BOOT } else { GIVEN_UP };
            if !previous.is_older(now, over) {
                return Ok(());
            }
            previous.remove()?;
            write(&self.previous, None);
        }
        let Some(handed_over) = read(&self.handed_over) else { return Ok(()) };
        if missing > 0 && !handed_over.is_older(now, GIVEN_UP) {
            return Ok(());
        }
        // Whoever put another there since has no other copy of that, perhaps.
        if FleetKey::waiting(&self.data_dir).await?.is_some_and(|file| file.public == handed_over.public) {
            handed_over.remove()?;
        }
        write(&self.handed_over, None);
        Ok(())
    }

    /// Runs a command on every node by the first of the keys that it takes.
    async fn tell(
        &self,
        keys: &[&FleetKey],
        nodes: Vec<(NodeId, Pinned)>,
        command: &str,
    ) -> (Vec<(NodeId, Pinned)>, Vec<NodeId>) {
        let asked = nodes.into_iter().map(|(node, pinned)| async move {
            let mut done = false;
            for key in keys {
                match run(key, &pinned, command, PATIENCE).await {
                    Ok(_) => {
                        done = true;
                        break;
                    }
                    Err(error) => tracing::debug!(%node, %error, "the fleet key could not be changed on a node"),
                }
            }
            (node, pinned, done)
        });
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        let (mut reached, mut silent) = (Vec::new(), Vec::new());
        while let Some((node, pinned, done)) = answers.next().await {
            if done { reached.push((node, pinned)) } else { silent.push(node) }
        }
        *self.missed.write().unwrap_or_else(PoisonError::into_inner) = silent.clone();
        (reached, silent)
    }
}

fn read(slot: &RwLock<Option<FleetKey>>) -> Option<FleetKey> {
    slot.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write(slot: &RwLock<Option<FleetKey>>, key: Option<FleetKey>) {
    *slot.write().unwrap_or_else(PoisonError::into_inner) = key;
}

/// The command that leaves a node with the keys that it should take.
fn wanted(current: &FleetKey, next: Option<&FleetKey>) -> String {
    let keys: Vec<&FleetKey> = std::iter::once(current).chain(next).collect();
    lines::exactly(&keys)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
