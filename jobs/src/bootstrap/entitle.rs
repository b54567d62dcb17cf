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
    blocking::Query,
    consul::{self, Catalog as _, Only},
};

/// What nodes were entitled to last, so that an unchanged node costs no call.
#[derive(Debug, Default)]
pub struct Entitlements {
    known: BTreeMap<NodeId, BTreeSet<String>>,
}

impl Entitlements {
    /// Looks once at what runs where and writes the policies that differ; the answer is how many. To be called again
    /// whenever the catalog's services change; `consul` must be allowed to write policies.
    ///
    /// # Errors
    /// Consul does not answer or refuses; what was written stays.
    pub async fn settle(&mut self, consul: &consul::Client) -> Result<usize, CallError> {
        let names = consul.services(&Query::default()).await?.value;
        let mut running: BTreeMap<NodeId, BTreeSet<String>> = BTreeMap::new();
        for name in names.into_keys().filter(|name| name != "consul") {
            for instance in consul.instances(&name, Only::All, &Query::default()).await?.value {
                if let Ok(node) = instance.node.parse() {
                    running.entry(node).or_default().insert(name.clone());
                }
            }
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
        Ok(written)
    }
}
