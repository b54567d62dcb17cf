//! The key in use, shared by everything that speaks SSH, and its rotation.
//!
//! A rotation never leaves a node behind that only the thrown-away key opens: the new public key goes to every
//! reachable node first, by the old key; only then does it take the old one's place, in one rename; then the old
//! public key is taken away from the nodes, by the new key. Interrupted at any point, it is simply started again:
//! each step looks before it acts. Nodes that do not answer stop it, unless the caller says that they may be left
//! to their next boot, which brings the new key by itself.

use std::{
    path::PathBuf,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use vocabulary::NodeId;

use super::{FleetKey, FleetKeyError, Kept, Pinned, run};

/// How long a node may take to change one line.
const PATIENCE: Duration = Duration::from_secs(20);

/// The key in use.
#[derive(Debug)]
pub struct Keyring {
    current: RwLock<FleetKey>,
    data_dir: PathBuf,
}

/// What a rotation did.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Rotation {
    /// Nodes that have the new key and no longer the old one.
    pub rotated: Vec<NodeId>,
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
    /// Starts with the key that [`FleetKey::ensure`] found.
    #[must_use]
    pub fn new(current: FleetKey, data_dir: PathBuf) -> Self {
        Self { current: RwLock::new(current), data_dir }
    }

    /// The key in use.
    #[must_use]
    pub fn current(&self) -> FleetKey {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the key on disk and on every node.
    ///
    /// # Errors
    /// Nothing was replaced.
    pub async fn rotate(&self, nodes: Vec<(NodeId, Pinned)>, silent: Silent) -> Result<Rotation, RotateError> {
        let old = self.current();
        if old.kept == Kept::Credential {
            return Err(RotateError::Credential);
        }
        let new = FleetKey::next(&self.data_dir).await?;
        let (reached, missed) = tell(&old, nodes, &add_line(&new)).await;
        if silent == Silent::Stop && !missed.is_empty() {
            return Err(RotateError::Silent(missed));
        }
        let new = new.replace(&old)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new.clone();
        let (rotated, _kept_the_old_line_too) = tell(&new, reached, &remove_line(&old)).await;
        Ok(Rotation { rotated: rotated.into_iter().map(|(node, _)| node).collect(), missed })
    }
}

async fn tell(key: &FleetKey, nodes: Vec<(NodeId, Pinned)>, command: &str) -> (Vec<(NodeId, Pinned)>, Vec<NodeId>) {
    let (mut done, mut silent) = (Vec::new(), Vec::new());
    for (node, pinned) in nodes {
        match run(key, &pinned, command, PATIENCE).await {
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
        let old = FleetKey::ensure(folder.path(), None).await.unwrap();
        let keyring = Keyring::new(old.clone(), folder.path().to_owned());
        keyring.rotate(vec![], Silent::Stop).await.unwrap();
        let new = keyring.current();
        assert_ne!(new.public, old.public);
        assert_eq!(FleetKey::ensure(folder.path(), None).await.unwrap().public, new.public);
    }

    #[tokio::test]
    async fn a_node_that_does_not_answer_stops_a_rotation_before_anything_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let old = FleetKey::ensure(folder.path(), None).await.unwrap();
        let keyring = Keyring::new(old.clone(), folder.path().to_owned());
        let node = NodeId::of(vocabulary::Mac([2; 6]));
        let dead = Pinned { address: std::net::Ipv4Addr::LOCALHOST, host_keys: vec![] };
        let error = keyring.rotate(vec![(node.clone(), dead)], Silent::Stop).await.unwrap_err();
        assert!(matches!(error, RotateError::Silent(silent) if silent == [node]));
        assert_eq!(keyring.current().public, old.public);
    }

    #[tokio::test]
    async fn a_credential_is_systemds_to_replace() {
        let folder = tempfile::tempdir().unwrap();
        let made = FleetKey::ensure(folder.path(), None).await.unwrap();
        let credential = FleetKey::ensure(folder.path(), Some(made.private)).await.unwrap();
        let keyring = Keyring::new(credential, folder.path().to_owned());
        assert!(matches!(keyring.rotate(vec![], Silent::Stop).await, Err(RotateError::Credential)));
    }
}
