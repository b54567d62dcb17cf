//! Lets a node's Nomad take away what it runs, and nothing else.
//!
//! A service is registered by the identity of its job, but Nomad (1.11) takes it away with its agent's own token, and
//! in Consul whoever may write a service may write it on any node. So each node's Nomad has a policy of its own that
//! names the services which are registered on that node right now; with the identities of the jobs there it could
//! write those anyway. Rejected: `service_prefix "" { policy = "write" }` as the manuals have it, by which one node
//! could put itself in the place of every service of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use vocabulary::NodeId;

use super::tokens;
use crate::{
    CallError,
    blocking::{Index, Query},
    consul::{self, Catalog as _},
};

/// What nodes were entitled to last, so that an unchanged node costs no call.
#[derive(Debug, Default)]
pub struct Entitlements {
    known: BTreeMap<NodeId, BTreeSet<String>>,
    /// Where the catalog's services stood then: while they stand there, one call is all.
    seen: Option<Index>,
}

impl Entitlements {
    /// Looks once at what runs where and writes the policies that differ; the answer is how many. To be called again
    /// every few seconds; `consul` must be allowed to write policies.
    ///
    /// # Errors
    /// Consul does not answer or refuses; what was written stays.
    pub async fn settle(&mut self, consul: &consul::Client) -> Result<usize, CallError> {
        let listing = consul.services(&Query::default()).await?;
        if self.seen == Some(listing.index) {
            return Ok(0);
        }
        let mut running: BTreeMap<NodeId, BTreeSet<String>> = BTreeMap::new();
        for node in consul.nodes(&Query::default()).await?.value {
            let Ok(id) = node.node.parse() else { continue };
            let services = consul.node_services(&node.node).await?;
            running.insert(id, services.into_iter().map(|service| service.service).collect());
        }
        for node in self.known.keys() {
            running.entry(node.clone()).or_default();
        }
        let mut written = 0;
        for (node, services) in running {
            if self.known.get(&node) != Some(&services) {
                consul.write_policy(&tokens::node_policy(&node, &services)).await?;
                self.known.insert(node, services);
                written += 1;
            }
        }
        self.seen = Some(listing.index);
        Ok(written)
    }
}
