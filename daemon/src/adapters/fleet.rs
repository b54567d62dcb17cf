//! The fleet key as the API knows it, over the keyring and the nodes that hold it.
//!
//! A rotation speaks to every node and outlives the request that asked for it: it is a part of the daemon
//! ([`Rotator`]) that takes one order at a time. Who asked gets the outcome if it comes in time, and everybody finds
//! it among the events.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tasks::{BoxError, Clock, Stop};
use tokio::sync::{mpsc, oneshot};
use vocabulary::{Approved, NodeId};

use crate::{
    http::desks::{Effect, FleetDesk, NodeError, Rotate},
    nodes::{
        Nodes, NodesError,
        ledger::{Host, authority_name},
    },
    ssh::{Keyring, Pinned, RotateError, Rotation},
};

/// How long an answer waits for the rotation's end; shorter than any request's deadline.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often the rotated-out key is looked at.
const LOOK: Duration = Duration::from_secs(3600);

/// The keyring, and who has the key.
pub struct Fleet {
    /// Who knows the nodes.
    nodes: Nodes,
    /// To the part that rotates.
    orders: mpsc::Sender<Order>,
}

/// The part that rotates the key, one order at a time.
pub struct Rotator {
    nodes: Nodes,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    orders: mpsc::Receiver<Order>,
}

/// An approved order on its way to the part.
struct Order {
    by: String,
    order: Rotate,
    holders: Vec<(NodeId, Pinned)>,
    outcome: oneshot::Sender<Result<Rotation, RotateError>>,
}

/// The API's desk and the part behind it.
#[must_use]
pub fn fleet(nodes: Nodes, keys: Arc<Keyring>, clock: Arc<dyn Clock>) -> (Fleet, Rotator) {
    // No order waits behind another: a second one is told that the first is under way.
    let (sender, orders) = mpsc::channel(1);
    (Fleet { nodes: nodes.clone(), orders: sender }, Rotator { nodes, keys, clock, orders })
}

#[async_trait::async_trait]
impl FleetDesk for Fleet {
    async fn rotate(&self, order: Approved<Rotate>) -> Result<Vec<Effect>, NodeError> {
        let by = authority_name(order.authority());
        let (outcome, answer) = oneshot::channel();
        let order = Order { by, order: *order.value(), holders: self.holders().await?, outcome };
        self.orders.try_send(order).map_err(|_| refused(&RotateError::UnderWay))?;
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(outcome)) => outcome.map(effects).map_err(|error| refused(&error)),
            Ok(Err(_stopping)) => Err(refused(&RotateError::UnderWay)),
            Err(_) => Ok(vec![Effect {
                subject: "fleet key".to_owned(),
                effect: "is being replaced; its end is an event: roost event follow --since 0 --kind audit".to_owned(),
            }]),
        }
    }

    async fn preview(&self) -> Result<Vec<Effect>, NodeError> {
        let own = Effect {
            subject: "fleet key".to_owned(),
            effect: "is replaced, once every node has the new one".to_owned(),
        };
        let holders = self.holders().await?.into_iter();
        let nodes =
            holders.map(|(node, _)| Effect { subject: node.to_string(), effect: "gets the new key".to_owned() });
        Ok(std::iter::once(own).chain(nodes).collect())
    }
}

impl Fleet {
    async fn holders(&self) -> Result<Vec<(NodeId, Pinned)>, NodeError> {
        let hosts = self.nodes.ask(|ledger, _, _| ledger.hosts()).await.map_err(store)?;
        let pinned = |host: Host| (host.node, Pinned { address: host.address, host_keys: host.host_keys });
        Ok(hosts.into_iter().map(pinned).collect())
    }
}

impl Rotator {
    /// Rotates when told to, until told to stop; a rotation that is cut short is started again by its next order.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(mut self, stop: Stop) -> Result<(), BoxError> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK) => self.forget().await,
                Some(order) = self.orders.recv() => {
                    if stop.run_until_cancelled(self.carry_out(order)).await.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn carry_out(&self, order: Order) {
        let Order { by, order, holders, outcome } = order;
        self.audit(&by, "rotate the fleet key", json!(order)).await;
        let rotated = self.keys.rotate(holders, order.silent).await;
        match &rotated {
            Ok(rotation) => self.audit(&by, "the fleet key was rotated", json!(rotation)).await,
            Err(error) => self.audit(&by, "the fleet key was not rotated", json!(tasks::chain(error))).await,
        }
        if outcome.send(rotated).is_err() {
            tracing::info!("the fleet key's rotation ended after its request");
        }
    }

    async fn audit(&self, by: &str, what: &'static str, subject: serde_json::Value) {
        let by = by.to_owned();
        let told = self.nodes.ask(move |ledger, _, writes| ledger.audit(&by, what, &subject, writes)).await;
        if let Err(error) = told {
            tracing::warn!(%error, what, "not written down");
        }
    }

    async fn forget(&self) {
        if let Err(error) = self.keys.forget_previous(self.clock.now()).await {
            tracing::warn!(error = tasks::chain(&error), "the rotated-out fleet key is still there; tried again");
        }
    }
}

fn effects(rotation: Rotation) -> Vec<Effect> {
    let effect =
        |effect: &'static str| move |node: NodeId| Effect { subject: node.to_string(), effect: effect.to_owned() };
    let own = Effect { subject: "fleet key".to_owned(), effect: "replaced".to_owned() };
    let rotated = rotation.rotated.into_iter().map(effect("has the new key"));
    let kept = rotation.kept_old.into_iter().map(effect("has the new key, and still the old one until its next boot"));
    let missed = rotation.missed.into_iter().map(effect("gets the new key at its next boot"));
    std::iter::once(own).chain(rotated).chain(kept).chain(missed).collect()
}

fn store(error: NodesError) -> NodeError {
    NodeError::Store(error.into())
}

fn refused(error: &RotateError) -> NodeError {
    let hint = match error {
        RotateError::Configured(_) => {
            "put another key there, or take ansible.ssh_key out, then systemctl restart roost"
        }
        RotateError::Credential => "systemd-creds encrypt the new key, then systemctl restart roost",
        RotateError::UnderWay => "wait for its end: roost event follow --since 0 --kind audit",
        RotateError::Silent(_) => "switch them on, or leave them to their next boot: roost ssh rotate --leave-silent",
        RotateError::Key(_) => "look at the data directory's disk and rights",
    };
    NodeError::Refused { reason: tasks::chain(error), hint: hint.to_owned() }
}
