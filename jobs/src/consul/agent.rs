//! What this agent vouches for: services and their checks. rs-consul knows the catalog alone, which an agent that owns
//! the service would overwrite.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use vocabulary::Secret;

use super::{AgentMember, AgentSelf, AgentService, Client, HealthCheck, generated::types};
use crate::{
    gossip::{GossipKey, Ring},
    transport::CallError,
};

/// Registers with the agent beside which it runs.
#[async_trait]
pub trait LocalAgent: Send + Sync {
    /// Registers a service with its checks, or replaces it; checks that are not named again are taken away.
    async fn register(&self, service: &Registration) -> Result<(), CallError>;
    /// Takes a service and its checks away.
    async fn deregister(&self, id: &str) -> Result<(), CallError>;
    /// Reports on a check with a TTL.
    async fn report(&self, check: &str, verdict: Verdict, note: &str) -> Result<(), CallError>;
}

/// A service that is to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registration {
    /// Unique on this agent.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it answers; none means at the agent's address.
    pub address: Option<String>,
    /// Its port, where it has one.
    pub port: Option<u16>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its meta.
    pub meta: BTreeMap<String, String>,
    /// Its checks.
    pub checks: Vec<Check>,
}

/// How it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It reports by itself at least so often.
    Ttl {
        /// Its id.
        id: String,
        /// How often.
        ttl: Duration,
    },
    /// A 2xx is passing.
    Http {
        /// Its id.
        id: String,
        /// What is asked for.
        url: String,
        /// How often.
        interval: Duration,
        /// How long an answer may take.
        timeout: Duration,
    },
    /// A connection is passing.
    Tcp {
        /// Its id.
        id: String,
        /// `HOST:PORT`.
        address: String,
        /// How often.
        interval: Duration,
        /// How long connecting may take.
        timeout: Duration,
    },
}

/// What is reported on a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Pass,
    /// It works, and something is not well.
    Warn,
    /// It does not work.
    Fail,
}

impl Client {
    /// What this agent is.
    pub async fn agent_self(&self) -> Result<AgentSelf, CallError> {
        self.ask(Box::pin(self.api.agent_self())).await
    }

    /// Agents as gossip knows them.
    pub async fn members(&self) -> Result<Vec<AgentMember>, CallError> {
        Ok(self.ask(Box::pin(self.api.agent_members())).await?.unwrap_or_default())
    }

    /// Services of this agent, by id.
    pub async fn agent_services(&self) -> Result<BTreeMap<String, AgentService>, CallError> {
        Ok(self.ask(Box::pin(self.api.agent_services(None))).await?.0.into_iter().collect())
    }

    /// Checks of this agent, by id.
    pub async fn agent_checks(&self) -> Result<BTreeMap<String, HealthCheck>, CallError> {
        Ok(self.ask(Box::pin(self.api.agent_checks(None))).await?.0.into_iter().collect())
    }

    /// Lets a node that failed leave, so that nobody waits for it.
    pub async fn force_leave(&self, node: &str) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.agent_force_leave(node, Some(true)))).await
    }

    /// Keys of the gossip within the datacenter, and of every segment of it.
    pub async fn gossip_rings(&self) -> Result<Vec<Ring>, CallError> {
        let rings = self.ask(Box::pin(self.api.keyring_list())).await?.unwrap_or_default();
        Ok(rings.into_iter().filter(|ring| !ring.wan).collect())
    }

    /// Has every member take one more key.
    pub async fn install_gossip_key(&self, key: &Secret<String>) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.keyring_install(&GossipKey(key.clone())))).await.map(drop)
    }

    /// Has every member encrypt with a key that it takes.
    pub async fn use_gossip_key(&self, key: &Secret<String>) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.keyring_use(&GossipKey(key.clone())))).await.map(drop)
    }

    /// Has every member forget a key that it does not encrypt with.
    pub async fn remove_gossip_key(&self, key: &Secret<String>) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.keyring_remove(&GossipKey(key.clone())))).await.map(drop)
    }

    /// Takes a node with everything on it out of the catalog.
    pub async fn forget_node(&self, node: &str) -> Result<(), CallError> {
        let body = types::CatalogDeregistration { node: node.to_owned(), service_id: None, check_id: None };
        self.ask(Box::pin(self.api.catalog_deregister(&body))).await.map(drop)
    }
}

#[async_trait]
impl LocalAgent for Client {
    async fn register(&self, service: &Registration) -> Result<(), CallError> {
        let body = service.as_sent();
        self.ask(Box::pin(self.api.agent_service_register(Some(true), &body))).await
    }

    async fn deregister(&self, id: &str) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.agent_service_deregister(id))).await
    }

    async fn report(&self, check: &str, verdict: Verdict, note: &str) -> Result<(), CallError> {
        let note = (!note.is_empty()).then_some(note);
        match verdict {
            Verdict::Pass => self.ask(Box::pin(self.api.agent_check_pass(check, note))).await,
            Verdict::Warn => self.ask(Box::pin(self.api.agent_check_warn(check, note))).await,
            Verdict::Fail => self.ask(Box::pin(self.api.agent_check_fail(check, note))).await,
        }
    }
}

impl Registration {
    fn as_sent(&self) -> types::ServiceRegistration {
        types::ServiceRegistration {
            id: Some(self.id.clone()),
            name: self.name.clone(),
            address: self.address.clone(),
            port: self.port.map(i64::from),
            tags: Some(self.tags.clone()),
            meta: Some(self.meta.clone().into_iter().collect()),
            enable_tag_override: false,
            checks: Some(self.checks.iter().map(Check::as_sent).collect()),
        }
    }
}

impl Check {
    fn as_sent(&self) -> types::CheckDefinition {
        let text = |duration: &Duration| Some(format!("{}ms", duration.as_millis()));
        match self {
            Self::Ttl { id, ttl } => {
                types::CheckDefinition { check_id: Some(id.clone()), ttl: text(ttl), ..Default::default() }
            }
            Self::Http { id, url, interval, timeout } => types::CheckDefinition {
                check_id: Some(id.clone()),
                http: Some(url.clone()),
                interval: text(interval),
                timeout: text(timeout),
                ..Default::default()
            },
            Self::Tcp { id, address, interval, timeout } => types::CheckDefinition {
                check_id: Some(id.clone()),
                tcp: Some(address.clone()),
                interval: text(interval),
                timeout: text(timeout),
                ..Default::default()
            },
        }
    }
}
