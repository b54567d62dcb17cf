//! Nodes: listed, drained, made eligible or not, purged.

use std::{collections::HashMap, time::Duration};

use serde_json::{Map, Value};

use super::{Allocation, Client, Node, NodeId, NodePool, NodeStub, generated::types};
use crate::{
    blocking::{Listing, Query},
    transport::CallError,
};

/// How a node is drained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// After this long what is left is stopped; none waits for ever, zero stops at once.
    pub deadline: Option<Duration>,
    /// Whether system jobs stay.
    pub system_jobs: SystemJobs,
    /// Why, kept with the node's last drain.
    pub reason: String,
}

/// Whether a drain touches system jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemJobs {
    /// They are stopped last.
    Stop,
    /// They stay.
    Keep,
}

/// Whether a node may get allocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eligibility {
    /// It may.
    Eligible,
    /// It may not; what runs there goes on.
    Ineligible,
}

impl Eligibility {
    const fn as_sent(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Ineligible => "ineligible",
        }
    }
}

impl Drain {
    fn as_sent(&self) -> types::DrainSpec {
        let nanos = |deadline: Duration| i64::try_from(deadline.as_nanos()).unwrap_or(i64::MAX);
        // Nomad reads -1 as "stop at once" and 0 as "no limit".
        let deadline = self.deadline.map_or(0, |deadline| if deadline.is_zero() { -1 } else { nanos(deadline) });
        types::DrainSpec { deadline, ignore_system_jobs: self.system_jobs == SystemJobs::Keep }
    }
}

impl Client {
    /// Nodes, as stubs.
    pub async fn nodes(&self, query: &Query) -> Result<Listing<Vec<NodeStub>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.node_list(
            query.filter.as_deref(),
            query.index_number(),
            query.page_from(),
            query.page_size(),
            query.prefix.as_deref(),
            None,
            query.stale(),
            wait.as_deref(),
        )))
        .await
    }

    /// One node.
    pub async fn node(&self, id: &NodeId, query: &Query) -> Result<Listing<Node>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.node_read(id.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// What is, or was, on it.
    pub async fn node_allocations(&self, id: &NodeId, query: &Query) -> Result<Listing<Vec<Allocation>>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.node_allocations(id.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.list(Box::pin(answer)).await
    }

    /// Moves its allocations away. It does not wait for their replacements to run.
    pub async fn drain(&self, id: &NodeId, drain: &Drain) -> Result<(), CallError> {
        let meta = HashMap::from([("message".to_owned(), drain.reason.clone())]);
        self.set_drain(id, Some(drain.as_sent()), Eligibility::Ineligible, meta).await
    }

    /// Ends a drain.
    pub async fn stop_drain(&self, id: &NodeId, then: Eligibility) -> Result<(), CallError> {
        self.set_drain(id, None, then, HashMap::new()).await
    }

    /// Whether it may get allocations.
    pub async fn set_eligibility(&self, id: &NodeId, eligibility: Eligibility) -> Result<(), CallError> {
        let eligibility = eligibility.as_sent().to_owned();
        let body = types::NodeEligibilityRequest { node_id: id.as_str().to_owned(), eligibility };
        self.ask(Box::pin(self.api.node_eligibility(id.as_str(), &body))).await.map(drop)
    }

    /// Forgets it. One that still runs comes back by itself.
    pub async fn purge_node(&self, id: &NodeId) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.node_purge(id.as_str()))).await.map(drop)
    }

    /// Node pools.
    pub async fn node_pools(&self) -> Result<Vec<NodePool>, CallError> {
        Ok(self.list(Box::pin(self.api.node_pool_list(None, None, None, None, None, None, None))).await?.value)
    }

    /// What its host uses now.
    pub async fn node_stats(&self, id: &NodeId) -> Result<Map<String, Value>, CallError> {
        Ok(self.ask(Box::pin(self.api.node_stats(id.as_str()))).await?.0)
    }

    async fn set_drain(
        &self,
        id: &NodeId,
        drain_spec: Option<types::DrainSpec>,
        then: Eligibility,
        meta: HashMap<String, String>,
    ) -> Result<(), CallError> {
        let body = types::NodeDrainRequest {
            node_id: id.as_str().to_owned(),
            drain_spec,
            mark_eligible: then == Eligibility::Eligible,
            meta: Some(meta),
        };
        self.ask(Box::pin(self.api.node_drain(id.as_str(), &body))).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_without_a_deadline_and_one_at_once_are_told_apart() {
        let sent =
            |deadline| Drain { deadline, system_jobs: SystemJobs::Keep, reason: String::new() }.as_sent().deadline;
        assert_eq!((sent(None), sent(Some(Duration::ZERO))), (0, -1));
        assert_eq!(sent(Some(Duration::from_secs(2))), 2_000_000_000);
        assert_eq!(sent(Some(Duration::MAX)), i64::MAX);
    }
}
