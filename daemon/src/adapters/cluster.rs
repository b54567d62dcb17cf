//! The cluster as the lifecycle sees it: Consul's gossip and Nomad's clients, asked of the servers.
//!
//! Only clients that call themselves by a node's name are looked at: in a cluster that others built, theirs are theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jobs::{CallError, Cursor, bootstrap::Clients, consul, nomad};
use vocabulary::{NodeId, NomadId, Reason};

use crate::{
    cluster::Door,
    nodes::{
        joiner::Cluster,
        joining::{Act, NomadClient, Placement, Serf, Status, View},
    },
};

/// Clients of both agents, asked for at each use: their own certificate is renewed in the course of time.
pub type Connect = Arc<dyn Fn() -> Result<Clients, Reason> + Send + Sync>;

/// The servers, and how far Nomad's listing was seen.
pub struct Servers {
    /// With the right to list Consul's members, and to list Nomad's nodes, to drain them and to forget them.
    connect: Connect,
    cursor: Mutex<Cursor>,
}

/// How serf numbers a member that answers (serf's own `StatusAlive`).
const ALIVE: i64 = 1;

/// Those of the daemon's own door to the cluster.
#[must_use]
pub fn connect(door: Door) -> Connect {
    let remedy = "roost cluster status; it is tried again".to_owned();
    Arc::new(move || door.agents().map_err(|away| Reason { cause: away.to_string(), remedy: remedy.clone() }))
}

impl Servers {
    /// Sees everything at its first look.
    #[must_use]
    pub fn new(connect: Connect) -> Self {
        Self { connect, cursor: Mutex::default() }
    }

    fn cursor(&self) -> std::sync::MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Cluster for Servers {
    async fn look(&self, patience: Duration) -> Result<View, Reason> {
        let Clients { consul, nomad, .. } = (self.connect)()?;
        let query = self.cursor().query(patience);
        let listing = nomad.nodes(&query).await.map_err(|error| silent(&error))?;
        let _ = self.cursor().advance(listing.index);
        let members = consul.members().await.map_err(|error| silent(&error))?;
        Ok(View { members: gossip(&members), clients: listing.value.iter().filter_map(client).collect() })
    }

    async fn carry_out(&self, act: &Act) -> Result<(), Reason> {
        let Clients { nomad, .. } = (self.connect)()?;
        let id = nomad::NodeId::new(act.client().as_str());
        let done = match act {
            Act::Admit(_) => nomad.set_eligibility(&id, nomad::Eligibility::Eligible).await,
            Act::Close(_) => nomad.set_eligibility(&id, nomad::Eligibility::Ineligible).await,
            Act::Purge(_) => purge(&nomad, &id).await,
        };
        match done {
            // Gone meanwhile: nothing is left to do.
            Ok(()) | Err(CallError::NotFound { .. }) => Ok(()),
            Err(error) => Err(silent(&error)),
        }
    }
}

/// Drained first, so that what ran there is placed elsewhere under a reason that people can read.
async fn purge(nomad: &nomad::Client, id: &nomad::NodeId) -> Result<(), CallError> {
    let reason = "Roost: the machine came back as another client".to_owned();
    let drain = nomad::Drain { deadline: Some(Duration::ZERO), system_jobs: nomad::SystemJobs::Stop, reason };
    nomad.drain(id, &drain).await?;
    nomad.purge_node(id).await
}

fn gossip(members: &[consul::AgentMember]) -> HashMap<NodeId, Serf> {
    let serf = |member: &consul::AgentMember| if member.status == ALIVE { Serf::Alive } else { Serf::Failed };
    members.iter().filter_map(|member| Some((node(&member.name)?, serf(member)))).collect()
}

fn client(stub: &nomad::NodeStub) -> Option<NomadClient> {
    let status = match stub.status.as_str() {
        "ready" => Status::Ready,
        "initializing" => Status::Initializing,
        "disconnected" => Status::Disconnected,
        _ => Status::Down,
    };
    let placement = match (stub.drain, stub.scheduling_eligibility.as_str()) {
        (true, _) => Placement::Draining,
        (false, "eligible") => Placement::Eligible,
        (false, _) => Placement::Ineligible,
    };
    let id: NomadId = stub.id.parse().ok()?;
    Some(NomadClient { id, node: node(&stub.name)?, status, placement })
}

/// In the one spelling that Roost gives its nodes.
fn node(name: &str) -> Option<NodeId> {
    name.parse().ok().filter(|id: &NodeId| id.to_string() == name)
}

fn silent(error: &CallError) -> Reason {
    Reason { cause: tasks::chain(error), remedy: "roost cluster status; it is tried again".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_read_in_nomads_words_and_others_are_left_alone() {
        let stub = |name: &str, status: &str, drain: bool, eligibility: &str| {
            let id = "6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b2c";
            let json = serde_json::json!({"ID": id, "Name": name, "Status": status, "Drain": drain,
                "SchedulingEligibility": eligibility});
            client(&serde_json::from_value(json).unwrap()).map(|client| (client.status, client.placement))
        };
        let name = "node-525400123456";
        assert_eq!(stub(name, "ready", false, "eligible"), Some((Status::Ready, Placement::Eligible)));
        assert_eq!(stub(name, "down", false, "ineligible"), Some((Status::Down, Placement::Ineligible)));
        assert_eq!(stub(name, "disconnected", true, "ineligible"), Some((Status::Disconnected, Placement::Draining)));
        for other in ["nomad-1", "52:54:00:12:34:56", "NODE-525400123456", ""] {
            assert_eq!(stub(other, "ready", false, "eligible"), None, "{other}");
        }
    }
}
