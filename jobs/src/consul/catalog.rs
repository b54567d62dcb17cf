//! Who is there and how they are: services with their checks, nodes.
//!
//! Through the generated client: rs-consul leaves checks and meta out of health answers, does not encode filters and
//! cannot wait for a change of the nodes.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{CatalogNode, Client, HealthCheck, generated::types};
use crate::{
    blocking::{Listing, Query},
    transport::CallError,
};

/// Finds services. What a gateway or a watcher needs, and nothing that changes anything.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Names of services, each with the tags of its instances.
    async fn services(&self, query: &Query) -> Result<Listing<BTreeMap<String, Vec<String>>>, CallError>;
    /// Instances of one service.
    async fn instances(&self, service: &str, only: Only, query: &Query) -> Result<Listing<Vec<Instance>>, CallError>;
    /// Nodes.
    async fn nodes(&self, query: &Query) -> Result<Listing<Vec<CatalogNode>>, CallError>;
    /// Checks of a node, among them the one that says whether gossip reaches it (`serfHealth`).
    async fn node_checks(&self, node: &str, query: &Query) -> Result<Listing<Vec<HealthCheck>>, CallError>;
    /// Names of the services on a node; none on one that is not known.
    async fn node_services(&self, node: &str) -> Result<BTreeSet<String>, CallError>;
    /// Checks in this state; none means in any.
    async fn checks(&self, status: Option<Status>, query: &Query) -> Result<Listing<Vec<HealthCheck>>, CallError>;
}

/// Which instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Only {
    /// All.
    All,
    /// Those whose checks all pass.
    Passing,
}

/// The state of a check, and of an instance: that of its worst check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// All is well.
    Passing,
    /// It works, and something is not well. Consul says this of HTTP 429 too.
    Warning,
    /// It does not work.
    Critical,
}

/// An instance of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Unique on its agent.
    pub id: String,
    /// Its service.
    pub service: String,
    /// The node that it runs on.
    pub node: String,
    /// Where it answers: its own address, else its node's.
    pub address: String,
    /// Its port; 0 for none.
    pub port: u16,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its meta.
    pub meta: BTreeMap<String, String>,
    /// Its checks and its node's.
    pub checks: Vec<HealthCheck>,
}

impl Status {
    /// As Consul says it; a word that nobody knows is critical.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "passing" => Self::Passing,
            "warning" => Self::Warning,
            _ => Self::Critical,
        }
    }

    /// As Consul says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl Instance {
    /// Its worst check's; one without checks passes.
    #[must_use]
    pub fn status(&self) -> Status {
        self.checks.iter().map(|check| Status::parse(&check.status)).max().unwrap_or(Status::Passing)
    }
}

impl From<types::ServiceEntry> for Instance {
    fn from(entry: types::ServiceEntry) -> Self {
        let types::ServiceEntry { node, service, checks } = entry;
        Self {
            id: service.id,
            service: service.service,
            address: if service.address.is_empty() { node.address } else { service.address },
            node: node.node,
            port: u16::try_from(service.port).unwrap_or_default(),
            tags: service.tags.unwrap_or_default(),
            meta: service.meta.unwrap_or_default().into_iter().collect(),
            checks: checks.unwrap_or_default(),
        }
    }
}

#[async_trait]
impl Catalog for Client {
    async fn services(&self, query: &Query) -> Result<Listing<BTreeMap<String, Vec<String>>>, CallError> {
        let wait = query.wait_text();
        let (filter, index) = (query.filter.as_deref(), query.index_number());
        let answer =
            self.look(Box::pin(self.api.catalog_services(filter, index, query.stale(), wait.as_deref()))).await?;
        Ok(answer.map(|names| names.0.into_iter().map(|(name, tags)| (name, tags.unwrap_or_default())).collect()))
    }

    async fn instances(&self, service: &str, only: Only, query: &Query) -> Result<Listing<Vec<Instance>>, CallError> {
        let wait = query.wait_text();
        let (filter, index) = (query.filter.as_deref(), query.index_number());
        let passing = (only == Only::Passing).then_some(true);
        let answer = self.api.health_service(service, filter, index, passing, query.stale(), wait.as_deref());
        Ok(self.list(Box::pin(answer)).await?.map(|entries| entries.into_iter().map(Instance::from).collect()))
    }

    async fn nodes(&self, query: &Query) -> Result<Listing<Vec<CatalogNode>>, CallError> {
        let wait = query.wait_text();
        let (filter, index) = (query.filter.as_deref(), query.index_number());
        self.list(Box::pin(self.api.catalog_nodes(filter, index, query.stale(), wait.as_deref()))).await
    }

    async fn node_checks(&self, node: &str, query: &Query) -> Result<Listing<Vec<HealthCheck>>, CallError> {
        let wait = query.wait_text();
        let (filter, index) = (query.filter.as_deref(), query.index_number());
        self.list(Box::pin(self.api.health_node(node, filter, index, query.stale(), wait.as_deref()))).await
    }

    async fn node_services(&self, node: &str) -> Result<BTreeSet<String>, CallError> {
        let found = self.ask(Box::pin(self.api.catalog_node_services(node))).await?;
        Ok(found.services.unwrap_or_default().into_iter().map(|service| service.service).collect())
    }

    async fn checks(&self, status: Option<Status>, query: &Query) -> Result<Listing<Vec<HealthCheck>>, CallError> {
        let wait = query.wait_text();
        let (filter, index) = (query.filter.as_deref(), query.index_number());
        let state = status.map_or("any", Status::name);
        self.list(Box::pin(self.api.health_state(state, filter, index, query.stale(), wait.as_deref()))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_as_well_as_its_worst_check() {
        let entry = |statuses: &[&str]| {
            let checks: Vec<_> =
                statuses.iter().map(|status| serde_json::json!({"CheckID": "c", "Status": status})).collect();
            let node = serde_json::json!({"Node": "n", "Address": "10.0.0.7"});
            let service = serde_json::json!({"ID": "web-1", "Service": "web", "Port": 80, "Tags": null});
            let entry = serde_json::json!({"Node": node, "Service": service, "Checks": checks});
            Instance::from(serde_json::from_value::<types::ServiceEntry>(entry).unwrap())
        };
        assert_eq!(entry(&[]).status(), Status::Passing);
        assert_eq!(entry(&["passing", "warning"]).status(), Status::Warning);
        assert_eq!(entry(&["critical", "passing"]).status(), Status::Critical);
        assert_eq!(entry(&["of the future"]).status(), Status::Critical);
        assert_eq!((entry(&[]).address.as_str(), entry(&[]).tags.len()), ("10.0.0.7", 0));
    }
}
