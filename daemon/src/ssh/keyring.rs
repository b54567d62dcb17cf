//! The key in use, shared by everything that speaks SSH, and its rotation.
//!
//! A rotation never leaves a node behind that only the thrown-away key opens: the new public key goes to every
//! reachable node first, by the old key; only then does it take the old one's place, in one rename; then the old
//! public key is taken away from the nodes, by the new key. Interrupted at any point, it is simply started again:
//! each step looks before it acts. Nodes that do not answer stop it, unless the caller says that they may be left
//! to their next boot, which brings the new key by itself.
//!
//! A machine that was booting meanwhile comes up with the old public key on its kernel command line. The old key is
//! therefore kept for a day, for one purpose: to put the new one in its place there ([`Keyring::open`]).

use std::{
    path::PathBuf,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use vocabulary::{NodeId, Timestamp};

use super::{FleetKey, FleetKeyError, Kept, Pinned, SshError, run};

/// How long a node may take to change one line.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nodes spoken to at once; each is a process of ssh.
const AT_ONCE: usize = 32;

/// The key in use.
#[derive(Debug)]
pub struct Keyring {
    current: RwLock<FleetKey>,
    /// The one before it; held while a rotation runs, so that there is one at a time.
    previous: tokio::sync::Mutex<Option<FleetKey>>,
    data_dir: PathBuf,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rotation {
    /// Nodes that have the new key and no longer the old one.
    pub rotated: Vec<NodeId>,
    /// Nodes that have the new key and could not be freed of the old one: the next rotation or boot does it.
    pub kept_old: Vec<NodeId>,
    /// Nodes that get it at their next boot.
    pub missed: Vec<NodeId>,
}

/// What to do about nodes that do not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Silent {
    /// Stop before anything is replaced.
    Stop,
    /// Go on: they are reachable again after their next boot.
    Leave,
}

/// The fleet key was not rotated; the old one is in use.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// systemd keeps it.
    #[error("the fleet key is a systemd credential: replace the credential, then restart roost")]
    Credential,
    /// Another rotation has not ended.
    #[error("a rotation of the fleet key is under way")]
    UnderWay,
    /// The operator keeps it.
    #[error("the fleet key is a file of yours, {} (ansible.ssh_key): Roost does not replace it", .0.display())]
    Configured(PathBuf),
    /// Some nodes would be locked out until they boot again.
    #[error("these nodes do not answer and would be out of reach until their next boot: {}", names(.0))]
    Silent(Vec<NodeId>),
    /// The new key could not be made or put in place.
    #[error("cannot replace the fleet key")]
    Key(#[from] FleetKeyError),
}

fn names(nodes: &[NodeId]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Keyring {
    /// Starts with the key that [`FleetKey::ensure`] found, and the one before it where a rotation left one.
    ///
    /// # Errors
    /// The key before it is there and cannot be read.
    pub async fn open_ring(current: FleetKey, data_dir: PathBuf) -> Result<Self, FleetKeyError> {
        let previous = tokio::sync::Mutex::new(FleetKey::previous(&data_dir).await?);
        Ok(Self { current: RwLock::new(current), previous, data_dir })
    }

    /// The key in use.
    #[must_use]
    pub fn current(&self) -> FleetKey {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs in to a node that has just called home; one that still has the key before this one gets this one.
    ///
    /// # Errors
    /// Its pinned host key does not answer, or it takes neither key.
    pub async fn open(&self, node: &Pinned, limit: Duration) -> Result<(), SshError> {
        let current = self.current();
        let Err(refused) = run(&current, node, "true", limit).await else { return Ok(()) };
        let Ok(Some(previous)) = self.previous.try_lock().map(|previous| previous.clone()) else {
            return Err(refused);
        };
        let swap = format!("{}; {}", add_line(&current), remove_line(&previous));
        if run(&previous, node, &swap, limit).await.is_err() {
            return Err(refused);
        }
        tracing::info!(address = %node.address, "a node that booted during a rotation has the new fleet key");
        run(&current, node, "true", limit).await.map(drop)
    }

    /// Forgets the key before this one once no machine can come up with it any more.
    ///
    /// # Errors
    /// Its file cannot be looked at or removed.
    pub async fn forget_previous(&self, now: Timestamp) -> Result<(), FleetKeyError> {
        let mut previous = self.previous.lock().await;
        if let Some(key) = previous.take_if(|key| key.is_older(now, FleetKey::KEPT_AFTER_ROTATION)) {
            key.remove()?;
        }
        Ok(())
    }

    /// Replaces the key on disk and on every node.
    ///
    /// # Errors
    /// Nothing was replaced.
    pub async fn rotate(&self, nodes: Vec<(NodeId, Pinned)>, silent: Silent) -> Result<Rotation, RotateError> {
        let mut previous = self.previous.try_lock().map_err(|_| RotateError::UnderWay)?;
        let old = self.current();
        match old.kept {
            Kept::Credential => return Err(RotateError::Credential),
            Kept::Configured => return Err(RotateError::Configured(old.private)),
            Kept::File0600 => {}
        }
        let new = FleetKey::next(&self.data_dir).await?;
        let (reached, missed) = tell(&old, nodes, &add_line(&new)).await;
        if silent == Silent::Stop && !missed.is_empty() {
            return Err(RotateError::Silent(missed));
        }
        *previous = Some(old.keep_as_previous(&self.data_dir)?);
        let new = new.replace(&old)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
        let (rotated, kept_old) = tell(&new, reached, &remove_line(&old)).await;
        Ok(Rotation { rotated: rotated.into_iter().map(|(node, _)| node).collect(), kept_old, missed })
    }
}

async fn tell(key: &FleetKey, nodes: Vec<(NodeId, Pinned)>, command: &str) -> (Vec<(NodeId, Pinned)>, Vec<NodeId>) {
    let asked = nodes.into_iter().map(|(node, pinned)| async move {
        let answer = run(key, &pinned, command, PATIENCE).await;
        (node, pinned, answer)
    });
    let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
    let (mut done, mut silent) = (Vec::new(), Vec::new());
    while let Some((node, pinned, answer)) = answers.next().await {
        match answer {
            Ok(_) => done.push((node, pinned)),
            Err(error) => {
                tracing::warn!(%node, %error, "the fleet key could not be changed on a node");
                silent.push(node);
            }
        }
    }
    (done, silent)
}

/// A public key's body is base64 and cannot end a quoted word.
fn add_line(key: &FleetKey) -> String {
    let line = format!("ssh-ed25519 {} roost", key.public_body());
    format!("grep -qxF '{line}' ~/.ssh/authorized_keys || echo '{line}' >> ~/.ssh/authorized_keys")
}

fn remove_line(key: &FleetKey) -> String {
    let body = key.public_body();
    format!(
        "umask 077; grep -vF '{body}' ~/.ssh/authorized_keys > ~/.ssh/authorized_keys.new; \
         mv ~/.ssh/authorized_keys.new ~/.ssh/authorized_keys"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rotation_without_nodes_replaces_the_file_and_the_key_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let old = FleetKey::ensure(folder.path()).await.unwrap();
        let keyring = Keyring::open_ring(old.clone(), folder.path().to_owned()).await.unwrap();
        keyring.rotate(vec![], Silent::Stop).await.unwrap();
        let new = keyring.current();
        assert_ne!(new.public, old.public);
        assert_eq!(FleetKey::ensure(folder.path()).await.unwrap().public, new.public);
    }

    #[tokio::test]
    async fn the_key_before_is_kept_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let old = FleetKey::ensure(folder.path()).await.unwrap();
        let keyring = Keyring::open_ring(old.clone(), folder.path().to_owned()).await.unwrap();
        keyring.rotate(vec![], Silent::Stop).await.unwrap();
        let keyring = Keyring::open_ring(keyring.current(), folder.path().to_owned()).await.unwrap();
        let kept = keyring.previous.lock().await.clone().unwrap();
        assert_eq!(kept.public, old.public);
        let rotated: Timestamp = std::fs::metadata(&kept.private).unwrap().modified().unwrap().try_into().unwrap();
        keyring.forget_previous(rotated + Duration::from_secs(23 * 3600)).await.unwrap();
        assert!(kept.private.exists());
        keyring.forget_previous(rotated + Duration::from_secs(25 * 3600)).await.unwrap();
        assert!(!kept.private.exists());
        assert!(keyring.previous.lock().await.is_none());
    }

    #[tokio::test]
    async fn there_is_one_rotation_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let key = FleetKey::ensure(folder.path()).await.unwrap();
        let keyring = Keyring::open_ring(key, folder.path().to_owned()).await.unwrap();
        let running = keyring.previous.lock().await;
        assert!(matches!(keyring.rotate(vec![], Silent::Stop).await, Err(RotateError::UnderWay)));
        drop(running);
        keyring.rotate(vec![], Silent::Stop).await.unwrap();
    }

    #[tokio::test]
    async fn a_node_that_does_not_answer_stops_a_rotation_before_anything_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let old = FleetKey::ensure(folder.path()).await.unwrap();
        let keyring = Keyring::open_ring(old.clone(), folder.path().to_owned()).await.unwrap();
        let node = NodeId::of(vocabulary::Mac([2; 6]));
        let dead = Pinned { address: std::net::Ipv4Addr::LOCALHOST, host_keys: vec![] };
        let error = keyring.rotate(vec![(node.clone(), dead)], Silent::Stop).await.unwrap_err();
        assert!(matches!(error, RotateError::Silent(silent) if silent == [node]));
        assert_eq!(keyring.current().public, old.public);
    }

    #[tokio::test]
    async fn a_given_key_is_replaced_by_who_gave_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = FleetKey::ensure(folder.path()).await.unwrap();
        for kept in [Kept::Credential, Kept::Configured] {
            let given = FleetKey::given(made.private.clone(), kept).await.unwrap();
            let keyring = Keyring::open_ring(given, folder.path().to_owned()).await.unwrap();
            let refused = keyring.rotate(vec![], Silent::Stop).await.unwrap_err();
            assert_eq!(matches!(refused, RotateError::Credential), kept == Kept::Credential, "{refused}");
            assert_eq!(FleetKey::ensure(folder.path()).await.unwrap().public, made.public);
        }
    }
}
