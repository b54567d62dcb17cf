//! New gossip keys on a person's order, by a part of the daemon.
//!
//! A rotation asks every member and outlives the request that asked for it. It is on disk from before anybody hears of a
//! key until it ended (`cluster::gossip`), so this part goes on at its start with what an earlier daemon left, and tries
//! again what did not come to its end. Who asked gets the outcome if it comes in time, and everybody finds it in the audit.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::json;
use tasks::{BoxError, Clock, Stop};
use tokio::sync::{mpsc, oneshot};
use vocabulary::{Approved, NodeId};

use super::orders::store;
use crate::{
    cluster::{Door, gossip::RotateError, rotation::RotationOrder},
    http::desks::{Effect, GossipDesk, NodeError, RotateGossip},
    nodes::{Nodes, NodesError, ledger::authority_name},
};

/// Before what did not come to its end is tried again.
const AGAIN: Duration = Duration::from_secs(5);
const ITS_END: &str = "its end is an event: roost event follow --since 0 --kind audit";

/// The API's desk.
pub struct Gossip {
    nodes: Nodes,
    door: Door,
    orders: mpsc::Sender<Order>,
    answer_within: Duration,
}

/// The part that replaces the keys.
pub struct GossipRotator {
    nodes: Nodes,
    door: Door,
    clock: Arc<dyn Clock>,
    orders: mpsc::Receiver<Order>,
    /// What was said last, so that a node that is not switched off for hours fills no log.
    said: Option<String>,
}

/// An approved order on its way to the part.
struct Order {
    by: String,
    outcome: oneshot::Sender<Result<(), RotateError>>,
}

/// The API's desk and the part behind it.
#[must_use]
pub fn gossip(nodes: Nodes, door: Door, clock: Arc<dyn Clock>, answer_within: Duration) -> (Gossip, GossipRotator) {
    let (sender, orders) = mpsc::channel(1);
    let desk = Gossip { nodes: nodes.clone(), door: door.clone(), orders: sender, answer_within };
    (desk, GossipRotator { nodes, door, clock, orders, said: None })
}

/// The nodes that may hear new keys.
pub(super) async fn may_hear(nodes: &Nodes) -> Result<HashSet<NodeId>, NodesError> {
    nodes.ask(|ledger, _, _| ledger.gossip_members()).await
}

#[async_trait::async_trait]
impl GossipDesk for Gossip {
    async fn rotate(&self, order: Approved<RotateGossip>) -> Result<Vec<Effect>, NodeError> {
        self.preview().await?;
        let (outcome, answer) = oneshot::channel();
        let order = Order { by: authority_name(order.authority()), outcome };
        self.orders.send(order).await.map_err(|_| store(NodesError::Stopping))?;
        match tokio::time::timeout(self.answer_within, answer).await {
            Ok(Ok(Ok(()))) => Ok(vec![effect("replaced; every member uses the new ones and takes no other")]),
            Ok(Ok(Err(error))) => Err(refused(&error)),
            // The daemon is stopping: its next start goes on with what it began.
            Ok(Err(_)) | Err(_) => Ok(vec![effect(&format!("are being replaced; {ITS_END}"))]),
        }
    }

    async fn preview(&self) -> Result<Vec<Effect>, NodeError> {
        let own = self.door.own().ok_or_else(|| refused(&RotateError::NoCluster))?;
        drop(own);
        let whole = "replaced: told to every member over the gossip, used, and the old ones forgotten";
        let members = may_hear(&self.nodes).await.map_err(store)?;
        let mut nodes: Vec<String> = members.iter().map(ToString::to_string).collect();
        nodes.sort();
        let of_node =
            |subject| Effect { subject, effect: "uses it at once; its file has it with its next run".to_owned() };
        Ok(std::iter::once(effect(whole)).chain(nodes.into_iter().map(of_node)).collect())
    }
}

impl GossipRotator {
    /// Rotates when told to, and goes on with what was begun, until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(mut self, stop: Stop) -> Result<(), BoxError> {
        // What is dropped half-way is gone on with by the next start.
        let _stopped = stop.run_until_cancelled(self.work()).await;
        Ok(())
    }

    async fn work(&mut self) -> ! {
        loop {
            self.go_on().await;
            if let Ok(Some(Order { by, outcome })) = tokio::time::timeout(AGAIN, self.orders.recv()).await {
                let order = RotationOrder { by, ordered: self.clock.now(), because: None };
                self.audit(&order, "replace the gossip keys").await;
                let rotated = self.rotate(&order).await;
                if outcome.send(rotated).is_err() {
                    tracing::info!("the gossip keys' rotation ended after its request");
                }
            }
        }
    }

    async fn go_on(&mut self) {
        let error = match self.door.open_rotation() {
            Ok(None) => None,
            Ok(Some(order)) => self.rotate(&order).await.err().map(|error| tasks::chain(&error)),
            Err(error) => Some(tasks::chain(&error)),
        };
        if let Some(error) = error.as_ref().filter(|error| self.said.as_ref() != Some(error)) {
            tracing::warn!(error, "the gossip keys are not replaced yet; tried again");
        }
        self.said = error;
    }

    async fn rotate(&self, order: &RotationOrder) -> Result<(), RotateError> {
        let may_hear = may_hear(&self.nodes).await.map_err(RotateError::Nodes)?;
        if self.door.rotate_gossip(&*self.clock, order, &may_hear).await? {
            self.audit(order, "the gossip keys were replaced").await;
        }
        Ok(())
    }

    async fn audit(&self, order: &RotationOrder, what: &'static str) {
        let order = order.clone();
        let told = self.nodes.ask(move |ledger, _, writes| ledger.audit(&order.by, what, &json!(order), writes)).await;
        if let Err(error) = told {
            tracing::warn!(%error, what, "not written down");
        }
    }
}

fn effect(effect: &str) -> Effect {
    Effect { subject: "gossip keys".to_owned(), effect: effect.to_owned() }
}

fn refused(error: &RotateError) -> NodeError {
    NodeError::Refused { reason: tasks::chain(error), hint: error.remedy() }
}
