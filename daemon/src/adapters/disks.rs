//! Orders for data disks, carried out by a part of the daemon.
//!
//! The look at the node's disks, the choice (`disk::survey`), the row, and only then the node's work. An order outlives the
//! request that brought it; who asked gets the outcome if it comes in time, and everybody finds it on the timeline. The part
//! goes on at its start with orders that an earlier daemon left open: the same words to the same node make the same disk
//! once. A node that stays silent ends the order with what is left to do.

use std::{sync::Arc, time::Duration};

use tasks::{BoxError, Stop};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use uuid::Uuid;
use vocabulary::{Approved, HostKey, NodeId};

use super::orders::{node_error, store};
use crate::{
    disk::{
        self, DiskError, DiskOrder, Made, Target,
        survey::{Choice, Found, Refusal, choose},
    },
    http::desks::{Effect, NodeError},
    nodes::{
        Nodes, NodesError,
        disks::MakingEnd,
        ledger::{Host, authority_name},
    },
    ssh::{Keyring, Pinned},
};

/// How many disks are made at the same time, and how many orders may wait behind them.
const AT_ONCE: usize = 16;
/// How often a node that did not say how it ended is asked again, and how long lies between.
const TRIES: u32 = 12;
const AGAIN: Duration = Duration::from_secs(10);

/// To the part that makes disks.
pub struct Disks {
    hands: Hands,
    orders: mpsc::Sender<Order>,
    /// Shorter than any request's deadline.
    answer_within: Duration,
}

/// The part that makes disks.
pub struct DiskMaker {
    hands: Hands,
    orders: mpsc::Receiver<Order>,
}

/// An approved order on its way to the part.
struct Order {
    order: Approved<DiskOrder>,
    outcome: oneshot::Sender<Result<Vec<Effect>, NodeError>>,
}

/// What one order needs.
#[derive(Clone)]
struct Hands {
    nodes: Nodes,
    keys: Arc<Keyring>,
}

/// The API's end of the queue, and the part behind it.
#[must_use]
pub fn disks(nodes: Nodes, keys: Arc<Keyring>, answer_within: Duration) -> (Disks, DiskMaker) {
    let (sender, orders) = mpsc::channel(AT_ONCE);
    let hands = Hands { nodes, keys };
    (Disks { hands: hands.clone(), orders: sender, answer_within }, DiskMaker { hands, orders })
}

impl Disks {
    /// Gives an order to the part; its outcome, or that it is under way.
    ///
    /// # Errors
    /// The order was refused or could not be carried out.
    pub async fn make(&self, order: Approved<DiskOrder>) -> Result<Vec<Effect>, NodeError> {
        let node = order.value().node.clone();
        let (outcome, answer) = oneshot::channel();
        self.orders.send(Order { order, outcome }).await.map_err(|_| store(NodesError::Stopping))?;
        match tokio::time::timeout(self.answer_within, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_stopping)) => Err(store(NodesError::Stopping)),
            Err(_) => {
                let effect = format!("its data disk is being made; its end: roost node timeline {node}");
                Ok(vec![Effect { subject: node.to_string(), effect }])
            }
        }
    }

    /// Every disk of the node and what would become of it.
    ///
    /// # Errors
    /// As the order itself, before anything is written.
    pub async fn preview(&self, order: &DiskOrder) -> Result<Vec<Effect>, NodeError> {
        let (_, found) = self.hands.look(&order.node).await?;
        let choice = choose(&found, order).map_err(refused)?;
        Ok(effects(&order.node, &found, &choice))
    }
}

impl DiskMaker {
    /// Makes disks until told to stop. What is not at its end then stays in the store: the next daemon goes on with it.
    ///
    /// # Errors
    /// An order panicked, or the lifecycle has ended.
    pub async fn run(mut self, stop: Stop) -> Result<(), BoxError> {
        let mut at_work = JoinSet::new();
        for (node, left) in self.hands.nodes.ask(|ledger, _, _| ledger.makings()).await? {
            tracing::warn!(%node, by = left.by, "the daemon ended while this node's data disk was made; going on");
            let hands = self.hands.clone();
            at_work.spawn(async move { drop(hands.finish(&node, &left.target).await) });
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(order) = self.orders.recv(), if at_work.len() < AT_ONCE => {
                    at_work.spawn(self.hands.clone().carry_out(order));
                }
                Some(ended) = at_work.join_next() => ended?,
            }
        }
        at_work.shutdown().await;
        Ok(())
    }
}

impl Hands {
    async fn carry_out(self, order: Order) {
        let Order { order, outcome } = order;
        if outcome.send(self.make(order).await).is_err() {
            tracing::info!("an order for a data disk ended after its request; the node's timeline has its outcome");
        }
    }

    async fn make(&self, order: Approved<DiskOrder>) -> Result<Vec<Effect>, NodeError> {
        let by = authority_name(order.authority());
        let order = order.into_value();
        let node = order.node.clone();
        let (_, found) = self.look(&node).await?;
        let choice = choose(&found, &order).map_err(refused)?;
        let mut effects = effects(&node, &found, &choice);
        let Choice::Make(disk, content) = choice else { return Ok(effects) };
        let target = Target {
            device: disk.device.clone(),
            serial: disk.serial.clone(),
            size_bytes: disk.size_bytes,
            uuid: random_uuid()?,
            content,
        };
        let (noted, whose) = (target.clone(), node.clone());
        let noted =
            self.nodes.ask(move |ledger, now, writes| ledger.disk_ordered(now, &whose, (noted, &by), writes)).await;
        noted.map_err(store)?.map_err(node_error)?;
        let words = self.finish(&node, &target).await?;
        effects.truncate(1);
        effects.push(Effect { subject: node.to_string(), effect: format!("data disk {}; {words}", target.uuid) });
        Ok(effects)
    }

    async fn look(&self, node: &NodeId) -> Result<(Host, Vec<Found>), NodeError> {
        let asked = node.clone();
        let host = self.nodes.ask(move |ledger, _, _| ledger.diskable(&asked)).await;
        let host = host.map_err(store)?.map_err(node_error)?;
        let found = disk::look(&self.keys.current(), &pinned(&host)).await.map_err(|error| silent(&error))?;
        Ok((host, found))
    }

    /// Has the disk made, or made to its end, and writes down how that went.
    async fn finish(&self, node: &NodeId, target: &Target) -> Result<String, NodeError> {
        let end = self.to_the_end(node, target).await;
        let done = match &end {
            MakingEnd::Made { words, .. } => Ok(words.clone()),
            MakingEnd::Refused(why) => Err((why, "look once more: roost node disk --dry-run".to_owned())),
            MakingEnd::Unfinished(why) => Err((why, format!("what is left to do: roost node timeline {node}"))),
        };
        let done = done.map_err(|(why, hint)| NodeError::Refused {
            reason: format!("{node}: {} is not its data disk: {why}", target.device),
            hint,
        });
        self.write_down(node, end).await;
        done
    }

    async fn to_the_end(&self, node: &NodeId, target: &Target) -> MakingEnd {
        let mut last = "the node is not let in, or its address is not known".to_owned();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(AGAIN).await;
            }
            let asked = node.clone();
            let Ok(host) = self.nodes.ask(move |ledger, _, _| ledger.host_for_disk(&asked)).await else { break };
            let Some(host) = host else { continue };
            match disk::make(&self.keys.current(), &pinned(&host), target).await {
                Ok(made) => return ended(made, host.host_keys),
                Err(error @ DiskError::Lacks(_)) => return MakingEnd::Refused(error.to_string()),
                Err(error) => last = tasks::chain(&error),
            }
            tracing::warn!(%node, error = last, "a node did not say what became of its data disk; asked again");
        }
        MakingEnd::Unfinished(format!("it is not known how it ended: {last}"))
    }

    /// An outcome that cannot be written now (a full disk) is written later: until then no other order is taken.
    async fn write_down(&self, node: &NodeId, end: MakingEnd) {
        loop {
            let (name, how) = (node.clone(), end.clone());
            match self.nodes.ask(move |ledger, now, writes| ledger.disk_ended(now, &name, &how, writes)).await {
                Ok(()) => return,
                Err(NodesError::Stopping) => break,
                Err(NodesError::NotWritten(cause)) => {
                    tracing::warn!(%node, cause, "what became of a data disk is not written down yet");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        tracing::warn!(%node, ?end, "what became of a data disk was not written down: the next daemon asks again");
    }
}

fn pinned(host: &Host) -> Pinned {
    Pinned { address: host.address, host_keys: host.host_keys.clone() }
}

fn ended(made: Made, host_keys: Vec<HostKey>) -> MakingEnd {
    match made {
        Made::Done(words) => MakingEnd::Made { host_keys, words },
        Made::Refused(why) => MakingEnd::Refused(why),
        Made::Failed(why) => MakingEnd::Unfinished(format!("it failed {why}")),
    }
}

fn random_uuid() -> Result<Uuid, NodeError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| NodeError::Refused {
        reason: format!("no randomness for a disk's name: {error}"),
        hint: "roost status says more".to_owned(),
    })?;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}

/// The disk that the order is about first, then all others.
fn effects(node: &NodeId, found: &[Found], choice: &Choice<'_>) -> Vec<Effect> {
    let (chosen, becomes) = match choice {
        Choice::Make(disk, _) => (disk, "GPT and ext4 labelled ROOST_DATA"),
        Choice::Already(disk) => (disk, "labelled ROOST_DATA already; nothing changes"),
    };
    let of = |disk: &Found, effect: String| Effect { subject: format!("{node} {}", disk.device), effect };
    let first = of(chosen, format!("{}; {} -> {becomes}", chosen.described(), chosen.content()));
    let others = found.iter().filter(|disk| disk.device != chosen.device);
    let others = others.map(|disk| of(disk, format!("{}; {}: left as it is", disk.described(), disk.content())));
    std::iter::once(first).chain(others).collect()
}

fn refused(refusal: Refusal) -> NodeError {
    NodeError::Refused { reason: refusal.cause, hint: refusal.remedy }
}

fn silent(error: &DiskError) -> NodeError {
    NodeError::Refused { reason: tasks::chain(error), hint: error.remedy().to_owned() }
}
