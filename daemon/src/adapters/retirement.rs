//! Nodes that are on their way out of the cluster, brought to its end by a part of the daemon.
//!
//! A reconciler: it reads the orders from the lifecycle, tries the stage that each has come to, and has the lifecycle write
//! down that it is done, or why it is not yet. It remembers nothing that counts: a daemon that was killed anywhere finds the
//! same stage, and each act looks first whether it is done. A drain is known again by its message, which names the order.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jobs::{
    CallError, Query,
    bootstrap::{As, Clients, Cluster},
    consul::Catalog as _,
    nomad::{self, Drain, NodeStub, SystemJobs},
};
use store::Store;
use tasks::{BoxError, Clock, Stop};
use vocabulary::{NodeId, Reason, Timestamp};

use super::gossip::may_hear;
use crate::{
    cluster::{Door, rotation::RotationOrder},
    nodes::{
        Nodes, NodesError,
        ledger::Host,
        retiring::{Retiring, Stage, Way},
    },
    ssh::{self, Keyring, Limits, Pinned},
    workload::{Workload, drain::NodeWork},
};

/// Between two looks at the orders.
const PACE: Duration = Duration::from_secs(1);
/// How serf numbers a member that answers.
const ALIVE: i64 = 1;
/// A forced drain is over at once, whatever the client does; longer than this nothing is waited for.
const FORCED: Duration = Duration::from_secs(5);
/// How long a machine may take to stop its agents, and between two words to it.
const SSH: Limits = Limits { connect: Duration::from_secs(5), whole: Duration::from_secs(30) };
const TOLD_AGAIN: Duration = Duration::from_secs(60);
/// What stops them until a role starts them again.
const FALL_SILENT: &str = "systemctl disable --now nomad.service consul.service";

/// The part, built and not yet running.
pub struct Retirer {
    /// Who has the orders.
    pub nodes: Nodes,
    /// The cluster.
    pub door: Door,
    /// For telling machines to stop their agents.
    pub keys: Arc<Keyring>,
    /// For what the work of a node needs.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// How far a stage is.
enum Found {
    /// It is done; what there is to say.
    Done(String),
    /// It is done, and this finds no other place.
    Homeless(String, Vec<String>),
    /// Not yet.
    Waits(Reason),
}

/// One order, and what its stages need.
struct Order<'a> {
    node: &'a NodeId,
    retiring: &'a Retiring,
    cluster: Arc<Cluster>,
    all: Clients,
}

impl Retirer {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        let mut told = HashMap::new();
        loop {
            if stop.run_until_cancelled(self.turn(&mut told)).await.is_none()
                || stop.run_until_cancelled(tokio::time::sleep(PACE)).await.is_none()
            {
                return Ok(());
            }
        }
    }

    /// Tries one stage of each order.
    async fn turn(&self, told: &mut HashMap<NodeId, Timestamp>) {
        let Ok(orders) = self.nodes.ask(|ledger, _, _| ledger.retirements()).await else { return };
        told.retain(|node, _| orders.contains_key(node));
        for (node, retiring) in orders {
            let found = match self.order(&node, &retiring) {
                Ok(order) => self.stage(&order, told).await.unwrap_or_else(|error| Found::Waits(silent(&error))),
                Err(reason) => Found::Waits(reason),
            };
            if let Err(error) = self.write_down(node, retiring.stage, found).await {
                tracing::debug!(%error, "how far a node is retired could not be written down");
            }
        }
    }

    fn order<'a>(&self, node: &'a NodeId, retiring: &'a Retiring) -> Result<Order<'a>, Reason> {
        let remedy = || "roost cluster status; it is tried again".to_owned();
        let cluster = self.door.own().ok_or_else(|| Reason {
            cause: "the cluster that it is taken out of is not here any more".to_owned(),
            remedy: "cluster.mode in roost.toml; then systemctl restart roost".to_owned(),
        })?;
        let all = cluster.clients(As::Management, self.clock.now());
        let all = all.map_err(|error| Reason { cause: tasks::chain(&error), remedy: remedy() })?;
        Ok(Order { node, retiring, cluster, all })
    }

    async fn write_down(&self, node: NodeId, stage: Stage, found: Found) -> Result<(), NodesError> {
        let write = move |ledger: &mut crate::nodes::ledger::Ledger, now, writes: &mut _| match found {
            Found::Done(detail) => ledger.stage_done(now, &node, stage, &detail, writes),
            Found::Homeless(detail, lines) => {
                ledger.homeless(now, &node, lines, writes);
                ledger.stage_done(now, &node, stage, &detail, writes);
            }
            Found::Waits(reason) => ledger.stage_waits(now, &node, stage, reason, writes),
        };
        self.nodes.ask(write).await
    }

    async fn stage(&self, order: &Order<'_>, told: &mut HashMap<NodeId, Timestamp>) -> Result<Found, CallError> {
        match order.retiring.stage {
            Stage::Revoke => order.revoke().await.map(Found::Done),
            Stage::Drain => self.drain(order).await,
            Stage::LeaveNomad => order.leave_nomad().await,
            Stage::LeaveGossip => self.leave_gossip(order, told).await,
            Stage::Rotate => Ok(self.rotate(order).await),
            Stage::Forget => order.forget().await,
        }
    }

    async fn drain(&self, order: &Order<'_>) -> Result<Found, CallError> {
        let clients = order.clients().await?;
        let message = order.message();
        let (mut left, mut lines) = (0, Vec::new());
        for client in &clients {
            if !is_drained_by(client, &message) {
                order.all.nomad.drain(&id(client), &order.drain(message.clone())).await?;
                left += 1;
            } else if client.drain {
                left += 1;
            }
        }
        let waited = order.retiring.since.checked_add(FORCED).is_ok_and(|until| self.clock.now() > until);
        if left > 0 && !(order.retiring.way == Way::Compromised && waited) {
            return Ok(Found::Waits(self.still_moving(order, &clients).await));
        }
        for client in &clients {
            if let Some(work) = self.work(client).await {
                lines.extend(homeless(&work));
            }
        }
        let detail = match clients.len() {
            0 => "Nomad has no client of it".to_owned(),
            _ => format!("nothing of its work is left on it ({})", ids(&clients)),
        };
        Ok(if lines.is_empty() { Found::Done(detail) } else { Found::Homeless(detail, lines) })
    }

    async fn still_moving(&self, order: &Order<'_>, clients: &[NodeStub]) -> Reason {
        let mut left = Vec::new();
        for client in clients {
            left.extend(self.work(client).await.map(|work| work.left).unwrap_or_default());
        }
        let remedy = format!("nothing, it goes on by itself; roost node drain {} --status", order.node);
        Reason { cause: format!("its work is being moved away: {} left ({})", left.len(), left.join(", ")), remedy }
    }

    async fn work(&self, client: &NodeStub) -> Option<NodeWork> {
        let workload = Workload::open(&self.door, self.store.clone(), Arc::clone(&self.clock)).ok()?;
        workload.node_work(&client.id).await.ok()
    }

    async fn leave_gossip(&self, order: &Order<'_>, told: &mut HashMap<NodeId, Timestamp>) -> Result<Found, CallError> {
        match order.gossip().await? {
            None => Ok(Found::Done("it is not in Consul's gossip".to_owned())),
            Some(ALIVE) => Ok(Found::Waits(self.fall_silent(order, told).await)),
            Some(_) => {
                order.all.consul.force_leave(&order.node.to_string()).await?;
                Ok(Found::Done("Consul's gossip reached it no more and let it go".to_owned()))
            }
        }
    }

    /// Has the machine stop its agents, where it is believed; why it is waited for.
    async fn fall_silent(&self, order: &Order<'_>, told: &mut HashMap<NodeId, Timestamp>) -> Reason {
        let node = order.node;
        if order.retiring.way == Way::Compromised {
            return Reason {
                cause: "it hears Consul's gossip still, and would hear the new keys".to_owned(),
                remedy: format!(
                    "switch it off (roost node power {node} off) or pull its cable; it goes on by itself then"
                ),
            };
        }
        let now = self.clock.now();
        let due = told.get(node).is_none_or(|at| at.checked_add(TOLD_AGAIN).is_ok_and(|due| now > due));
        let waits = |cause: String| Reason {
            cause,
            remedy: format!("switch it off: roost node power {node} off; or on it: {FALL_SILENT}"),
        };
        if !due {
            return waits("its Consul agent answers in the gossip still".to_owned());
        }
        told.insert(node.clone(), now);
        let asked = node.clone();
        let host = self.nodes.ask(move |ledger, _, _| ledger.host_to_retire(&asked)).await.ok().flatten();
        let Some(Host { address, host_keys, .. }) = host else {
            return waits(
                "its Consul agent answers in the gossip still, and nobody knows where to reach it".to_owned(),
            );
        };
        let pinned = Pinned { address, host_keys };
        match ssh::run(&self.keys.current(), &pinned, FALL_SILENT, SSH).await {
            Ok(_) => waits("its agents were stopped; Consul's gossip has yet to miss it".to_owned()),
            Err(error) => waits(format!("its agents could not be stopped: {}", tasks::chain(&error))),
        }
    }

    async fn rotate(&self, order: &Order<'_>) -> Found {
        let Retiring { by, ordered, .. } = order.retiring;
        let because = Some(order.node.clone());
        let rotation = RotationOrder { by: by.clone(), ordered: *ordered, because };
        let Ok(may_hear): Result<HashSet<NodeId>, _> = may_hear(&self.nodes).await else {
            return Found::Waits(Reason { cause: "the daemon is stopping".to_owned(), remedy: "start it".to_owned() });
        };
        match self.door.rotate_gossip(&*self.clock, &rotation, &may_hear).await {
            Ok(_) => {
                Found::Done("Consul's and Nomad's gossip have new keys, and the old ones are forgotten".to_owned())
            }
            Err(error) => Found::Waits(Reason { cause: tasks::chain(&error), remedy: error.remedy() }),
        }
    }
}

impl Order<'_> {
    fn message(&self) -> String {
        let Retiring { by, ordered, .. } = self.retiring;
        format!("Roost: retired by {by} ({ordered})")
    }

    fn drain(&self, reason: String) -> Drain {
        let deadline = match self.retiring.way {
            Way::Orderly { deadline } => deadline,
            Way::Compromised => Some(Duration::ZERO),
        };
        Drain { deadline, system_jobs: SystemJobs::Stop, reason }
    }

    /// Nomad's clients of its name.
    async fn clients(&self) -> Result<Vec<NodeStub>, CallError> {
        let name = self.node.to_string();
        let mut clients = self.all.nomad.nodes(&Query::default()).await?.value;
        clients.retain(|client| client.name == name);
        Ok(clients)
    }

    /// How Consul's gossip has it.
    async fn gossip(&self) -> Result<Option<i64>, CallError> {
        let name = self.node.to_string();
        let members = self.all.consul.members().await?;
        Ok(members.into_iter().find(|member| member.name == name).map(|member| member.status))
    }

    async fn revoke(&self) -> Result<String, CallError> {
        let revoked = self.cluster.revoke(&self.all, self.node).await?;
        Ok(match revoked.as_slice() {
            [] => "Consul has no token of it".to_owned(),
            accessors => format!("Consul's tokens {}", accessors.join(" and ")),
        })
    }

    async fn leave_nomad(&self) -> Result<Found, CallError> {
        let clients = self.clients().await?;
        for client in &clients {
            match self.all.nomad.purge_node(&id(client)).await {
                Ok(()) | Err(CallError::NotFound { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(Found::Done(match clients.len() {
            0 => "Nomad has no client of it".to_owned(),
            _ => format!("client {} was purged", ids(&clients)),
        }))
    }

    /// What is left of it anywhere; also of a run that was given its tokens while they were revoked.
    async fn forget(&self) -> Result<Found, CallError> {
        let name = self.node.to_string();
        let waits = |cause: &str| {
            let remedy = format!("switch it off: roost node power {name} off; or on it: {FALL_SILENT}");
            Ok(Found::Waits(Reason { cause: cause.to_owned(), remedy }))
        };
        self.revoke().await?;
        self.leave_nomad().await?;
        match self.gossip().await? {
            Some(ALIVE) => return waits("its Consul agent came back into the gossip"),
            Some(_) => self.all.consul.force_leave(&name).await?,
            None => (),
        }
        self.all.consul.forget_node(&name).await?;
        let left = self.all.consul.nodes(&Query::default()).await?.value;
        if left.iter().any(|node| node.node == name) || !self.clients().await?.is_empty() {
            return waits("Consul or Nomad has it again");
        }
        Ok(Found::Done("Consul and Nomad know it no more".to_owned()))
    }
}

fn id(client: &NodeStub) -> nomad::NodeId {
    nomad::NodeId::new(client.id.clone())
}

fn ids(clients: &[NodeStub]) -> String {
    clients.iter().map(|client| client.id.as_str()).collect::<Vec<_>>().join(", ")
}

/// Whether its last drain was this order's; somebody else's may wait longer, or spare what this one does not.
fn is_drained_by(client: &NodeStub, message: &str) -> bool {
    let said = client.last_drain.as_ref().and_then(|drain| drain.get("Meta")?.get("message")?.as_str());
    said == Some(message)
}

fn homeless(work: &NodeWork) -> Vec<String> {
    let line = |job: &String, short: &jobs::told::shortfall::Shortfall| {
        let why: Vec<&str> = short.reasons.iter().map(|reason| reason.cause.as_str()).collect();
        format!("job {job}, group {}: {} without a place: {}", short.group, short.unplaced, why.join("; "))
    };
    work.homeless.iter().map(|(job, short)| line(job, short)).collect()
}

fn silent(error: &CallError) -> Reason {
    Reason { cause: tasks::chain(error), remedy: "roost cluster status; it is tried again".to_owned() }
}
