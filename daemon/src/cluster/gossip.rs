//! New keys for the gossip of Roost's own cluster, by steps of which each may be cut off.
//!
//! ```text
//!  keys chosen and written down -> told and used -> kept, the server's files written -> old ones forgotten -> done
//! ```
//!
//! The keys are on disk before anybody hears of them, so whoever goes on tells the same ones; an order that is older than
//! the last rotation is done, so none is carried out twice. Serf tells a key over the gossip itself: a member that is
//! nobody's node, or one that is to be shut out, would hear it, so nothing is told while there is one.
//!
//! Rejected: bringing Consul's key to each node by SSH and starting every agent anew, which needs no trust in the gossip
//! but cuts the rack in two for as long as the slowest node takes.

use std::collections::HashSet;

use jobs::bootstrap::{As, Cluster, ClusterError, GossipError, GossipKeys, SecretsError};
use tasks::Clock;
use vocabulary::NodeId;

use super::{
    Door, Own,
    kept::KeptError,
    rotation::{Rotation, RotationOrder},
};
use crate::nodes::NodesError;

/// How serf numbers a member that answers.
const ALIVE: i64 = 1;

/// The keys were not replaced, or not yet to the end.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There is no cluster of Roost's own.
    #[error("there is no cluster of Roost's own here")]
    NoCluster,
    /// What is kept.
    #[error("cannot keep the new keys")]
    Kept(#[source] KeptError),
    /// No keys.
    #[error("cannot choose new keys")]
    Random(#[source] SecretsError),
    /// The cluster's own keys.
    #[error("cannot use the cluster's keys")]
    Keys(#[source] ClusterError),
    /// Who would hear the new key is not known.
    #[error("cannot see who hears Consul's gossip")]
    Members(#[source] jobs::CallError),
    /// Somebody hears the gossip who must not hear the new key.
    #[error("{0} hears Consul's gossip, and would hear the new key")]
    Heard(String),
    /// The lifecycle.
    #[error("cannot ask which nodes may hear the new keys")]
    Nodes(#[source] NodesError),
    /// The members.
    #[error("the new keys are not in use everywhere")]
    Gossip(#[source] GossipError),
}

impl RotateError {
    /// What a person can do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NoCluster => "cluster.mode = \"own\" in roost.toml, then roost cluster init".to_owned(),
            Self::Heard(who) => format!("switch {who} off, or pull its cable; it goes on by itself then"),
            Self::Members(_) | Self::Gossip(_) => "roost cluster status; it is tried again".to_owned(),
            Self::Nodes(_) => "look at the daemon's log".to_owned(),
            Self::Kept(_) | Self::Random(_) | Self::Keys(_) => "look at the disk of data_dir and its rights".to_owned(),
        }
    }
}

impl Door {
    /// Replaces the keys, or goes on replacing them; an order that is done already is found done. `may_hear` has the
    /// nodes that may know them. The answer: whether anything was left to do.
    ///
    /// # Errors
    /// It did not come to its end; called again it goes on.
    pub async fn rotate_gossip(
        &self,
        clock: &dyn Clock,
        order: &RotationOrder,
        may_hear: &HashSet<NodeId>,
    ) -> Result<bool, RotateError> {
        let own = self.owned().ok_or(RotateError::NoCluster)?;
        let _one_at_a_time = own.rotating.lock().await;
        let mut moved = false;
        if let Some(Rotation::UnderWay(earlier, keys)) = own.kept.rotation().map_err(RotateError::Kept)? {
            self.go_on(own, clock, (earlier, keys), may_hear).await?;
            moved = true;
        }
        match own.kept.rotation().map_err(RotateError::Kept)? {
            Some(Rotation::Done(last, _)) if last.ordered >= order.ordered => Ok(moved),
            _ => {
                let keys = GossipKeys::random().map_err(RotateError::Random)?;
                let begun = Rotation::UnderWay(order.clone(), keys.clone());
                self.nobody_else_hears(own, clock, may_hear).await?;
                own.kept.note_rotation(&begun).map_err(RotateError::Kept)?;
                self.go_on(own, clock, (order.clone(), keys), may_hear).await?;
                Ok(true)
            }
        }
    }

    /// The rotation that an earlier daemon left open, where there is one.
    ///
    /// # Errors
    /// Its file can't be read.
    pub fn open_rotation(&self) -> Result<Option<RotationOrder>, KeptError> {
        let Some(own) = self.owned() else { return Ok(None) };
        Ok(own.kept.rotation()?.and_then(|rotation| match rotation {
            Rotation::UnderWay(order, _) => Some(order),
            Rotation::Done(..) => None,
        }))
    }

    async fn go_on(
        &self,
        own: &Own,
        clock: &dyn Clock,
        (order, keys): (RotationOrder, GossipKeys),
        may_hear: &HashSet<NodeId>,
    ) -> Result<(), RotateError> {
        self.nobody_else_hears(own, clock, may_hear).await?;
        let cluster = own.cluster();
        let all = cluster.clients(As::Management, clock.now()).map_err(RotateError::Keys)?;
        all.use_gossip_keys(&keys).await.map_err(RotateError::Gossip)?;
        let secrets = cluster.secrets().clone().with_gossip(keys.clone());
        {
            let _files = own.writing.lock().await;
            own.kept.keep_gossip(&secrets).map_err(RotateError::Kept)?;
            let changed = Cluster::new(cluster.facts().clone(), secrets).map_err(RotateError::Keys)?;
            own.kept.write_agents(&changed).map_err(RotateError::Kept)?;
            own.replace(changed);
        }
        all.forget_other_gossip_keys(&keys).await.map_err(RotateError::Gossip)?;
        own.kept.note_rotation(&Rotation::Done(order, clock.now())).map_err(RotateError::Kept)
    }

    async fn nobody_else_hears(
        &self,
        own: &Own,
        clock: &dyn Clock,
        may_hear: &HashSet<NodeId>,
    ) -> Result<(), RotateError> {
        let all = own.cluster().clients(As::Management, clock.now()).map_err(RotateError::Keys)?;
        let members = all.consul.members().await.map_err(RotateError::Members)?;
        let is_node = |name: &str| may_hear.iter().any(|node| node.to_string() == name);
        let known = |name: &str| name == own.kept.state().server || is_node(name);
        let stranger = members.into_iter().find(|member| member.status == ALIVE && !known(&member.name));
        stranger.map_or(Ok(()), |member| Err(RotateError::Heard(member.name)))
    }
}
