//! The cluster itself: its leader, its servers, this agent.

use serde_json::{Map, Value};
use vocabulary::Secret;

use super::{AgentHealth, AgentMembers, AgentSelf, AutopilotHealth, Client};
use crate::{
    gossip::{GossipKey, Ring},
    transport::{CallError, health},
};

impl Client {
    /// Address of the leading server; none while there is no leader.
    pub async fn leader(&self) -> Result<Option<String>, CallError> {
        match self.ask(Box::pin(self.api.leader())).await {
            Ok(address) => Ok(Some(address).filter(|address| !address.is_empty())),
            Err(CallError::NoLeader { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Addresses of the voting servers.
    pub async fn peers(&self) -> Result<Vec<String>, CallError> {
        Ok(self.ask(Box::pin(self.api.peers())).await?.unwrap_or_default())
    }

    /// Regions.
    pub async fn regions(&self) -> Result<Vec<String>, CallError> {
        Ok(self.ask(Box::pin(self.api.region_list())).await?.unwrap_or_default())
    }

    /// What this agent is.
    pub async fn agent_self(&self) -> Result<AgentSelf, CallError> {
        self.ask(Box::pin(self.api.agent_self())).await
    }

    /// Whether this agent can do its work.
    pub async fn agent_health(&self) -> Result<AgentHealth, CallError> {
        self.ask(Box::pin(self.api.agent_health(None))).await
    }

    /// Servers as gossip knows them.
    pub async fn members(&self) -> Result<AgentMembers, CallError> {
        self.ask(Box::pin(self.api.agent_members())).await
    }

    /// Keys of the servers' gossip.
    pub async fn gossip_ring(&self) -> Result<Ring, CallError> {
        self.ask(Box::pin(self.api.keyring_list())).await
    }

    /// Has every server take one more key.
    pub async fn install_gossip_key(&self, key: &Secret<String>) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.keyring_install(&GossipKey(key.clone())))).await.map(drop)
    }

    /// Has every server encrypt with a key that it takes.
    pub async fn use_gossip_key(&self, key: &Secret<String>) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.keyring_use(&GossipKey(key.clone())))).await.map(drop)
    }

    /// Has every server forget a key that it does not encrypt with.
    pub async fn remove_gossip_key(&self, key: &Secret<String>) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.keyring_remove(&GossipKey(key.clone())))).await.map(drop)
    }

    /// The servers, and whether they would survive losing one.
    pub async fn autopilot_health(&self) -> Result<AutopilotHealth, CallError> {
        health(self.wire(), self.api.autopilot_health()).await
    }

    /// How the scheduler is configured.
    pub async fn scheduler_configuration(&self) -> Result<Map<String, Value>, CallError> {
        Ok(self.ask(Box::pin(self.api.scheduler_configuration())).await?.0)
    }

    /// Telemetry.
    pub async fn metrics(&self) -> Result<Map<String, Value>, CallError> {
        Ok(self.ask(Box::pin(self.api.metrics())).await?.0)
    }

    /// Forgets what is dead.
    pub async fn collect_garbage(&self) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.system_gc())).await
    }
}
