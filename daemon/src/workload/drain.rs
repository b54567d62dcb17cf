//! Moving a node's work away, and back.
//!
//! A node is named as Roost names it (Nomad's node of that name), or by Nomad's own id. Two nodes of one name are told
//! apart by a person, never guessed: a machine without ROOST_DATA comes back as another node, and until the first is
//! purged both have the name. A drain does not wait for replacements, so what they wait for is shown beside it.

use std::collections::BTreeSet;

use ::jobs::{
    Query,
    nomad::{Drain, Eligibility, NodeId, NodeStub, SystemJobs},
    told::{
        history::short,
        shortfall::{Shortfall, shortfalls},
    },
};
use serde_json::json;
use vocabulary::Approved;

use super::{
    ClusterError, Workload,
    orders::{DrainAct, DrainOrder},
};
use crate::http::desks::Effect;

/// A node's work at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWork {
    /// As people know it.
    pub name: String,
    /// As Nomad knows it.
    pub node: NodeId,
    /// `ready`, `down`, `disconnected`, `initializing`.
    pub status: String,
    /// Whether it gets new work.
    pub eligible: bool,
    /// Whether its work is being moved away.
    pub draining: bool,
    /// What still runs there.
    pub left: Vec<String>,
    /// What of the jobs that were there finds no place elsewhere.
    pub homeless: Vec<(String, Shortfall)>,
}

impl Workload {
    /// The node that is meant.
    ///
    /// # Errors
    /// There is none or several, or Nomad cannot be asked.
    pub async fn node(&self, name: &str) -> Result<NodeStub, ClusterError> {
        let nodes = self.nomad(None).nodes(&Query::default()).await?.value;
        chosen(nodes, name)
    }

    /// Its work now.
    ///
    /// # Errors
    /// There is no such node, or Nomad cannot be asked.
    pub async fn node_work(&self, name: &str) -> Result<NodeWork, ClusterError> {
        let stub = self.node(name).await?;
        let node = NodeId::new(stub.id.clone());
        let nomad = self.nomad(Some("*"));
        let allocations = nomad.node_allocations(&node, &Query::default()).await?.value;
        let jobs: BTreeSet<String> = allocations.iter().map(|it| it.job_id.clone()).collect();
        let alive = allocations.iter().filter(|it| matches!(it.client_status.as_str(), "pending" | "running"));
        let left = alive.map(|it| format!("{} ({})", it.name, short(&it.id))).collect();
        let blocked = nomad.evaluations(&Query::default().matching("Status == \"blocked\"")).await?.value;
        let homeless = blocked.into_iter().filter(|it| jobs.contains(&it.job_id)).flat_map(|it| {
            let short = it.failed_tg_allocs.as_ref().map(shortfalls).unwrap_or_default();
            short.into_iter().map(move |short| (it.job_id.clone(), short))
        });
        Ok(NodeWork {
            name: stub.name,
            node,
            status: stub.status,
            eligible: stub.scheduling_eligibility == "eligible",
            draining: stub.drain,
            left,
            homeless: homeless.collect(),
        })
    }

    /// What an order would bring about.
    ///
    /// # Errors
    /// It cannot be done as things are, or Nomad cannot be asked.
    pub async fn foresee_drain(&self, order: &DrainOrder) -> Result<Vec<Effect>, ClusterError> {
        let work = self.node_work(order.node.as_str()).await?;
        Ok(vec![Effect { subject: order.name.clone(), effect: foretold(&order.act, &work)? }])
    }

    /// Carries it out. The answer says that it began; [`Workload::node_work`] shows its end.
    ///
    /// # Errors
    /// It cannot be done as things are, or Nomad cannot be asked.
    pub async fn drain(&self, order: Approved<DrainOrder>) -> Result<Vec<Effect>, ClusterError> {
        let effects = self.foresee_drain(order.value()).await?;
        let subject = json!({ "node": order.value().name, "nomad_node": order.value().node, "effects": effects });
        self.note(order.authority(), "node drain", subject).await?;
        let DrainOrder { node, act, .. } = order.into_value();
        let nomad = self.nomad(None);
        let done = match act {
            DrainAct::Begin { deadline, keeps_system_jobs, reason } => {
                let system_jobs = if keeps_system_jobs { SystemJobs::Keep } else { SystemJobs::Stop };
                nomad.drain(&node, &Drain { deadline, system_jobs, reason }).await
            }
            DrainAct::End { eligible } => {
                let then = if eligible { Eligibility::Eligible } else { Eligibility::Ineligible };
                nomad.stop_drain(&node, then).await
            }
        };
        done.map(|()| effects).map_err(ClusterError::Act)
    }
}

fn foretold(act: &DrainAct, work: &NodeWork) -> Result<String, ClusterError> {
    let left = work.left.len();
    Ok(match act {
        DrainAct::Begin { .. } if work.status != "ready" => {
            return Err(ClusterError::Refused {
                reason: format!("{} is {}: there is nothing that could be moved in order", work.name, work.status),
                hint: "Nomad replaces what was lost there by itself; roost node forget takes a machine away".to_owned(),
            });
        }
        DrainAct::Begin { deadline, .. } => {
            let within = match deadline {
                None => "however long it takes".to_owned(),
                Some(deadline) if deadline.is_zero() => "at once".to_owned(),
                Some(deadline) => format!("within {}", humantime::format_duration(*deadline)),
            };
            format!("gets no new work; its {left} allocations move away {within}")
        }
        DrainAct::End { eligible: true } => "gets work again".to_owned(),
        DrainAct::End { eligible: false } => "its work stays, and it gets no new".to_owned(),
    })
}

/// Nodes that are down give way to one that is not.
fn chosen(nodes: Vec<NodeStub>, name: &str) -> Result<NodeStub, ClusterError> {
    const ID_CHARS_MIN: usize = 8;
    let by_id = |node: &NodeStub| name.len() >= ID_CHARS_MIN && node.id.starts_with(name);
    let mut found: Vec<NodeStub> = nodes.into_iter().filter(|node| node.name == name || by_id(node)).collect();
    if found.iter().any(|node| node.status != "down") {
        found.retain(|node| node.status != "down");
    }
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|node| short(&node.id)).collect();
        return Err(ClusterError::Refused {
            reason: format!("{} nodes of the cluster are called {name}: {}", found.len(), ids.join(", ")),
            hint: "name one by its id".to_owned(),
        });
    }
    let hint = "roost cluster status shows the cluster's nodes; a machine joins once it is ready";
    found.pop().ok_or_else(|| ClusterError::Unknown { what: format!("node {name} in the cluster"), hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, name: &str, status: &str) -> NodeStub {
        serde_json::from_value(json!({"ID": id, "Name": name, "Status": status})).unwrap()
    }

    #[test]
    fn a_node_is_found_by_name_or_id_and_never_guessed() {
        let nodes = || {
            vec![
                node("aaaaaaaa-1", "node-525400123456", "down"),
                node("bbbbbbbb-1", "node-525400123456", "ready"),
                node("cccccccc-1", "twin", "ready"),
                node("dddddddd-1", "twin", "ready"),
            ]
        };
        assert_eq!(chosen(nodes(), "node-525400123456").unwrap().id, "bbbbbbbb-1");
        assert_eq!(chosen(nodes(), "cccccccc").unwrap().id, "cccccccc-1");
        assert!(chosen(nodes(), "twin").unwrap_err().to_string().contains("cccccccc, dddddddd"));
        assert!(chosen(nodes(), "c").is_err() && chosen(nodes(), "").is_err(), "an empty name means no node, not all");
    }
}
