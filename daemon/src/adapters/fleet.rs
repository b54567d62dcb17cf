//! The fleet key as the API knows it, over the keyring and the nodes that hold it.
//!
//! A rotation speaks to every node and outlives the request that asked for it: it is a part of the daemon
//! ([`Rotator`]) that carries out one order at a time. The order is on disk before anything happens and until it
//! ended, so that a daemon that was killed goes on with it. Who asked gets the outcome if it comes in time, and
//! everybody finds it among the events. Nodes that did not answer are settled when they do.

use std::{collections::HashSet, sync::Arc, time::Duration};

use serde_json::json;
use tasks::{BoxError, Clock, Stop};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use vocabulary::{Approved, NodeId};

use super::orders::store;
use crate::{
    http::desks::{Effect, FleetDesk, FleetKeyView, NextKeyView, NodeError, Rotate},
    nodes::{
        Nodes, NodesError,
        ledger::{Host, authority_name},
    },
    ssh::{Begun, Keyring, Pinned, RotateError, RotationOrder, Settled},
};

/// How often nodes that were missed are tried again.
const AGAIN: Duration = Duration::from_secs(60);
const ITS_END: &str = "its end is an event: roost event follow --since 0 --kind audit";

/// The keyring, and who has the key.
pub struct Fleet {
    /// Who knows the nodes.
    nodes: Nodes,
    /// What is shown; the part alone changes it.
    keys: Arc<Keyring>,
    /// To the part that rotates.
    orders: mpsc::Sender<Order>,
    /// One order at a time, from the desk to its end.
    free: Arc<Semaphore>,
    /// How long an answer waits for the rotation's end; shorter than any request's deadline.
    answer_within: Duration,
}

/// The part that rotates the key, one order at a time.
pub struct Rotator {
    nodes: Nodes,
    keys: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    orders: mpsc::Receiver<Order>,
    /// Nodes that take the keys that they should and no other, as far as this process has seen.
    settled: HashSet<NodeId>,
}

/// An approved order on its way to the part.
struct Order {
    by: String,
    order: Rotate,
    outcome: oneshot::Sender<Result<Outcome, RotateError>>,
    /// Held until the order has ended.
    _turn: OwnedSemaphorePermit,
}

/// How a rotation ended.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The new key is in use.
    Replaced(Settled),
    /// Somebody else is to put it in place.
    HandOver { next: String, told: Vec<NodeId>, missed: Vec<NodeId> },
}

/// The API's desk and the part behind it.
#[must_use]
pub fn fleet(nodes: Nodes, keys: Arc<Keyring>, clock: Arc<dyn Clock>, answer_within: Duration) -> (Fleet, Rotator) {
    let (sender, orders) = mpsc::channel(1);
    let free = Arc::new(Semaphore::new(1));
    let fleet = Fleet { nodes: nodes.clone(), keys: Arc::clone(&keys), orders: sender, free, answer_within };
    (fleet, Rotator { nodes, keys, clock, orders, settled: HashSet::new() })
}

#[async_trait::async_trait]
impl FleetDesk for Fleet {
    async fn show(&self) -> Result<FleetKeyView, NodeError> {
        let key = self.keys.current();
        let kept = systemd::sealed(&key.private).map_err(|error| NodeError::Refused {
            reason: tasks::chain(&error),
            hint: "put it back, or restart roost with another key".to_owned(),
        })?;
        let next = self.keys.next().map(|next| NextKeyView {
            public: next.public.to_string(),
            private: next.private.display().to_string(),
            missed: self.keys.missed(),
        });
        let left_behind = self.keys.left_behind().map(|path| path.display().to_string());
        let (public, private) = (key.public.to_string(), key.private.display().to_string());
        Ok(FleetKeyView { public, private, kept: kept.to_string(), next, left_behind })
    }

    async fn rotate(&self, order: Approved<Rotate>) -> Result<Vec<Effect>, NodeError> {
        let turn = Arc::clone(&self.free).try_acquire_owned().map_err(|_| refused(&RotateError::UnderWay))?;
        let (by, order) = (authority_name(order.authority()), *order.value());
        let (outcome, answer) = oneshot::channel();
        let sent = self.orders.try_send(Order { by, order, outcome, _turn: turn });
        sent.map_err(|_| refused(&RotateError::UnderWay))?;
        match tokio::time::timeout(self.answer_within, answer).await {
            Ok(Ok(outcome)) => outcome.map(effects).map_err(|error| refused(&error)),
            // The daemon is stopping: its next start goes on.
            Ok(Err(_)) | Err(_) => Ok(vec![own(format!("is being replaced; {ITS_END}"))]),
        }
    }

    async fn preview(&self) -> Result<Vec<Effect>, NodeError> {
        let own = own("is replaced, once every node has the new one");
        let holders = holders(&self.nodes).await.map_err(store)?.into_iter();
        Ok(std::iter::once(own).chain(holders.map(|(node, _)| of_node(&node, "gets the new key"))).collect())
    }
}

async fn holders(nodes: &Nodes) -> Result<Vec<(NodeId, Pinned)>, NodesError> {
    let hosts = nodes.ask(|ledger, _, _| ledger.hosts()).await?;
    let pinned = |host: Host| (host.node, Pinned { address: host.address, host_keys: host.host_keys });
    Ok(hosts.into_iter().map(pinned).collect())
}

impl Rotator {
    /// Rotates when told to, and goes on with what an earlier daemon did not end, until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(mut self, stop: Stop) -> Result<(), BoxError> {
        // What is dropped half-way is gone on with by the next start.
        let _stopped = stop.run_until_cancelled(self.work()).await;
        Ok(())
    }

    async fn work(&mut self) -> ! {
        if let Some(order) = self.keys.ordered() {
            tracing::info!(by = order.by, "going on with a rotation of the fleet key");
            if let Err(error) = self.go_on(&order).await {
                tracing::warn!(error = tasks::chain(&error), "the rotation did not come to its end");
            }
        }
        loop {
            self.settle().await;
            if let Ok(Some(order)) = tokio::time::timeout(AGAIN, self.orders.recv()).await {
                let from = self.keys.current().public;
                let rotated = self.carry_out(&RotationOrder { by: order.by, silent: order.order.silent, from }).await;
                if order.outcome.send(rotated).is_err() {
                    tracing::info!("the fleet key's rotation ended after its request");
                }
            }
        }
    }

    /// What an earlier daemon did not end; one that had put the key in place has nodes to settle, and no more.
    async fn go_on(&mut self, order: &RotationOrder) -> Result<(), RotateError> {
        if self.keys.current().public == order.from {
            return self.carry_out(order).await.map(drop);
        }
        let settled = self.settle().await;
        self.audit(&order.by, "the fleet key was rotated", json!(settled)).await;
        Ok(self.keys.cross_out()?)
    }

    async fn carry_out(&mut self, order: &RotationOrder) -> Result<Outcome, RotateError> {
        self.keys.note(order)?;
        self.audit(&order.by, "rotate the fleet key", json!(order)).await;
        let rotated = self.rotate(order).await;
        match &rotated {
            Ok(outcome) => self.audit(&order.by, "the fleet key was rotated", json!(outcome)).await,
            Err(error) => self.audit(&order.by, "the fleet key was not rotated", json!(tasks::chain(error))).await,
        }
        self.keys.cross_out()?;
        rotated
    }

    async fn rotate(&mut self, order: &RotationOrder) -> Result<Outcome, RotateError> {
        let known = holders(&self.nodes).await.map_err(RotateError::Nodes)?;
        // There is another key that they have to hear of.
        self.settled.clear();
        Ok(match self.keys.begin(known, order.silent).await? {
            Begun::Replaced => Outcome::Replaced(self.settle().await),
            Begun::HandOver { next, told, missed } => {
                self.settled.extend(told.iter().cloned());
                Outcome::HandOver { next: next.display().to_string(), told, missed }
            }
        })
    }

    /// One round over the nodes that may have other keys than they should; also those that came up since the last.
    async fn settle(&mut self) -> Settled {
        if !self.keys.unsettled() {
            return Settled::default();
        }
        let known = match holders(&self.nodes).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "the nodes that hold the fleet key are not known; tried again");
                return Settled::default();
            }
        };
        let open = known.into_iter().filter(|(node, _)| !self.settled.contains(node)).collect();
        let settled = self.keys.settle(open).await;
        self.settled.extend(settled.done.iter().cloned());
        if let Err(error) = self.keys.finish(self.clock.now(), settled.missed.len()).await {
            tracing::warn!(error = tasks::chain(&error), "a rotated-out fleet key is still there; tried again");
        }
        settled
    }

    async fn audit(&self, by: &str, what: &'static str, subject: serde_json::Value) {
        let by = by.to_owned();
        let told = self.nodes.ask(move |ledger, _, writes| ledger.audit(&by, what, &subject, writes)).await;
        if let Err(error) = told {
            tracing::warn!(%error, what, "not written down");
        }
    }
}

fn own(effect: impl Into<String>) -> Effect {
    Effect { subject: "fleet key".to_owned(), effect: effect.into() }
}

fn of_node(node: &NodeId, effect: &str) -> Effect {
    Effect { subject: node.to_string(), effect: effect.to_owned() }
}

fn effects(outcome: Outcome) -> Vec<Effect> {
    let effect = |effect: &'static str| move |node: NodeId| of_node(&node, effect);
    let (own, done, missed) = match outcome {
        Outcome::Replaced(Settled { done, missed }) => (
            own("replaced"),
            done.into_iter().map(effect("has the new key")).collect::<Vec<_>>(),
            missed.into_iter().map(effect("gets the new key when it answers, or at its next boot")),
        ),
        Outcome::HandOver { next, told, missed } => (
            own(format!(
                "the new one lies in {next}, and nodes take both: put it in the place of the old one (a credential, as \
                 root: runuser -u roost -- cat {next} | systemd-creds encrypt --name=roost-ssh-key - \
                 /etc/credstore.encrypted/roost-ssh-key), then systemctl restart roost, which takes the old one from \
                 the nodes and removes that file"
            )),
            told.into_iter().map(effect("takes the new key too")).collect(),
            missed.into_iter().map(effect("gets the new key when it answers, or at its next boot")),
        ),
    };
    std::iter::once(own).chain(done).chain(missed).collect()
}

fn refused(error: &RotateError) -> NodeError {
    let hint = match error {
        RotateError::UnderWay => ITS_END,
        RotateError::Silent(_) => "switch them on, or leave them to their next boot: roost ssh rotate --leave-silent",
        RotateError::Key(_) => "look at the data directory's disk and rights",
        RotateError::Nodes(_) => "look at the daemon's log",
    };
    NodeError::Refused { reason: tasks::chain(error), hint: hint.to_owned() }
}
