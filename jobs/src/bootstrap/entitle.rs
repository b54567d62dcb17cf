//! Lets a node's Nomad take away what it runs, and nothing else.
//!
//! A service is registered by the identity of its job, but Nomad (1.11) takes it away with its agent's own token, and
//! in Consul whoever may write a service may write it on any node. So each node's Nomad has a policy of its own that
//! names the services which are registered on that node right now; with the identities of the jobs there it could
//! write those anyway. Rejected: `service_prefix "" { policy = "write" }` as the manuals have it, by which one node
//! could put itself in the place of every service of the cluster.
//!
//! It is looked at again every few seconds: one question while no service came or went, which the index of Consul's
//! listing tells, else one for each node.

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
    /// Of the listing whose services all nodes are entitled to.
    settled_at: Option<Index>,
}

impl Entitlements {
    /// Looks once at what runs where and writes the policies that differ; the answer is how many. To be called again
    /// and again; `consul` must be allowed to write policies.
    ///
    /// # Errors
    /// Consul does not answer or refuses; what was written stays.
    pub async fn settle(&mut self, consul: &consul::Client) -> Result<usize, CallError> {
        let listed_at = consul.services(&Query::default()).await?.index;
        if self.settled_at == Some(listed_at) {
            return Ok(0);
        }
        let nodes = consul.nodes(&Query::default()).await?.value;
        let mut nodes: BTreeSet<NodeId> = nodes.into_iter().filter_map(|node| node.node.parse().ok()).collect();
        nodes.extend(self.known.keys().cloned());
        let mut written = 0;
        for node in nodes {
            let services = consul.node_services(&node.to_string()).await?;
            // Of one that is looked at for the first time, what it was entitled to before is not known.
            if self.known.get(&node) != Some(&services) {
                // Of a node that was retired there is no policy any more, and nothing to entitle it to.
                if services.is_empty() && consul.policy(&tokens::node_policy_name(&node)).await?.is_none() {
                    self.known.remove(&node);
                    continue;
                }
                consul.write_policy(&tokens::node_policy(&node, &services)).await?;
                self.known.insert(node, services);
                written += 1;
            }
        }
        self.settled_at = Some(listed_at);
        Ok(written)
    }
}
