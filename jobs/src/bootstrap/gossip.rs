//! New keys for the gossip of a cluster that runs.
//!
//! Told, used, and the old ones forgotten, in this order, by every member of Consul's gossip and every server of Nomad's.
//! Each call may be repeated, so a caller that keeps the new keys before the first one may be killed between any two and
//! begins again. A key is told over the gossip itself: whoever is a member then hears it. So whoever is to be shut out must
//! be gone before, which is the caller's to see to.

use vocabulary::Secret;

use super::{
    cluster::Clients,
    secrets::{GossipKeys, Secrets},
};
use crate::{CallError, gossip::Ring};

/// The keys are not yet what they should be.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    /// An agent refused, or does not answer.
    #[error("{service} does not {act}")]
    Call {
        /// Which.
        service: &'static str,
        /// What it was asked for.
        act: &'static str,
        /// Why not.
        #[source]
        source: CallError,
    },
    /// Not every member did as it was told.
    #[error("{done} of {members} members of {service}'s gossip {what}")]
    Missed {
        /// Whose.
        service: &'static str,
        /// How many did.
        done: u32,
        /// Of how many.
        members: u32,
        /// What they did.
        what: &'static str,
    },
}

const CONSUL: &str = "Consul";
const NOMAD: &str = "Nomad";

fn failed(service: &'static str, act: &'static str) -> impl Fn(CallError) -> GossipError {
    move |source| GossipError::Call { service, act, source }
}

impl Clients {
    /// Has every member take these keys, and encrypt with them once all have them.
    ///
    /// # Errors
    /// An agent does not answer, or a member does not take its key: nothing is encrypted with it then.
    pub async fn use_gossip_keys(&self, keys: &GossipKeys) -> Result<(), GossipError> {
        self.consul.install_gossip_key(&keys.consul).await.map_err(failed(CONSUL, "tell the new key"))?;
        self.nomad.install_gossip_key(&keys.nomad).await.map_err(failed(NOMAD, "tell the new key"))?;
        for (service, ring, key) in self.rings(keys).await? {
            if ring.take(key) != ring.members() {
                let (done, members) = (ring.take(key), ring.members());
                return Err(GossipError::Missed { service, done, members, what: "take the new key" });
            }
        }
        self.consul.use_gossip_key(&keys.consul).await.map_err(failed(CONSUL, "use the new key"))?;
        self.nomad.use_gossip_key(&keys.nomad).await.map_err(failed(NOMAD, "use the new key"))
    }

    /// Has every member forget every key but these.
    ///
    /// # Errors
    /// An agent does not answer, or a member takes another key still.
    pub async fn forget_other_gossip_keys(&self, keys: &GossipKeys) -> Result<(), GossipError> {
        for (service, ring, key) in self.rings(keys).await? {
            for old in ring.others(key) {
                let gone = match service {
                    CONSUL => self.consul.remove_gossip_key(&old).await,
                    _ => self.nomad.remove_gossip_key(&old).await,
                };
                gone.map_err(failed(service, "forget an old key"))?;
            }
        }
        for (service, ring, key) in self.rings(keys).await? {
            if !ring.is_only(key) {
                let (done, members) = (0, ring.members());
                return Err(GossipError::Missed {
                    service,
                    done,
                    members,
                    what: "are known to take the new key alone",
                });
            }
        }
        Ok(())
    }

    /// Each gossip with the key that is meant for it.
    async fn rings<'a>(
        &self,
        keys: &'a GossipKeys,
    ) -> Result<Vec<(&'static str, Ring, &'a Secret<String>)>, GossipError> {
        let consul = self.consul.gossip_rings().await.map_err(failed(CONSUL, "list its keys"))?;
        let nomad = self.nomad.gossip_ring().await.map_err(failed(NOMAD, "list its keys"))?;
        let consul = consul.into_iter().map(|ring| (CONSUL, ring, &keys.consul));
        Ok(consul.chain([(NOMAD, nomad, &keys.nomad)]).collect())
    }
}

impl Secrets {
    /// The keys of both gossips.
    #[must_use]
    pub fn gossip(&self) -> GossipKeys {
        GossipKeys { consul: self.consul_gossip.clone(), nomad: self.nomad_gossip.clone() }
    }

    /// The same with other keys for gossip.
    #[must_use]
    pub fn with_gossip(self, keys: GossipKeys) -> Self {
        Self { consul_gossip: keys.consul, nomad_gossip: keys.nomad, ..self }
    }
}
