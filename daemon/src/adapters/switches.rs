//! Power orders, carried out by a part of the daemon.
//!
//! An order outlives the request that brought it: a client that leaves, or a deadline, must not cut an operator's
//! `cycle` between off and on. So the part ([`Switcher`]) does everything from the intent's row to its outcome, and who
//! asked gets the outcome if it comes in time; everybody finds it on the timeline. An order outlives the daemon too: one
//! that is told to stop waits a moment for what is nearly done and leaves the rest to whoever switches, whose program
//! goes on. At its start the part looks for orders that an earlier daemon left open, lets them end, and asks whoever
//! switches how they ended. Where that left no word, a `cycle` or an `on` is told by the machine's next DISCOVER, which is
//! awaited anyway; for an `off` the machine itself is asked.

use std::time::Duration;

use tasks::{BoxError, Stop};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use vocabulary::{Approved, NodeId};

use super::{
    orders::{foresee, node_error, store, target},
    pulse::Pulse,
};
use crate::{
    http::desks::{Effect, NodeError, NodeOrder, PowerOrder},
    nodes::{
        Nodes, NodesError,
        ledger::authority_name,
        lifecycle::Tracked,
        power::{SwitchEnd, Switching},
        requests::Living,
    },
    power::{AnyPower, PowerAction, Trace},
};

/// How many machines are switched at the same time, and how many orders may wait behind them.
const AT_ONCE: usize = 32;
/// For a machine that an earlier daemon was switching off: it may take a while to end.
const PATIENCE: Patience = Patience { looks: 12, apart: Duration::from_secs(5) };
/// How long between two attempts to write an outcome down.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a daemon that stops waits for orders that are nearly done: well within what the supervisor leaves a part.
const FAREWELL: Duration = Duration::from_secs(3);

/// To the part that switches machines.
pub struct Switches {
    orders: mpsc::Sender<Order>,
    /// Shorter than any request's deadline.
    answer_within: Duration,
}

/// The part that switches machines.
pub struct Switcher {
    hands: Hands,
    orders: mpsc::Receiver<Order>,
}

/// An approved order on its way to the part.
struct Order {
    order: Approved<PowerOrder>,
    outcome: oneshot::Sender<Result<Vec<Effect>, NodeError>>,
}

/// What one order needs.
#[derive(Clone)]
struct Hands {
    nodes: Nodes,
    power: AnyPower,
    pulse: Pulse,
    patience: Patience,
}

/// How often a machine is asked whether it is up, and how long between two looks: not shorter than two must be apart.
#[derive(Debug, Clone, Copy)]
struct Patience {
    looks: u32,
    apart: Duration,
}

/// The API's end of the queue, and the part behind it.
#[must_use]
pub fn switches(nodes: Nodes, power: AnyPower, pulse: Pulse, answer_within: Duration) -> (Switches, Switcher) {
    let (sender, orders) = mpsc::channel(AT_ONCE);
    (
        Switches { orders: sender, answer_within },
        Switcher { hands: Hands { nodes, power, pulse, patience: PATIENCE }, orders },
    )
}

impl Switches {
    /// Gives an order to the part; its outcome, or that it is under way.
    ///
    /// # Errors
    /// The order was refused or could not be carried out.
    pub async fn switch(&self, order: Approved<PowerOrder>) -> Result<Vec<Effect>, NodeError> {
        let (node, action) = (order.value().node.clone(), order.value().action.name());
        let (outcome, answer) = oneshot::channel();
        let order = Order { order, outcome };
        self.orders.send(order).await.map_err(|_| store(NodesError::Stopping))?;
        match tokio::time::timeout(self.answer_within, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_stopping)) => Err(store(NodesError::Stopping)),
            Err(_) => {
                let effect = format!("power {action} is being carried out; its end: roost node timeline {node}");
                Ok(vec![Effect { subject: node.to_string(), effect }])
            }
        }
    }
}

impl Switcher {
    /// Switches machines until told to stop; what is not done then goes on, and the next daemon finds out how it ended.
    ///
    /// # Errors
    /// An order panicked, or the lifecycle has ended.
    pub async fn run(mut self, stop: Stop) -> Result<(), BoxError> {
        let mut at_work = JoinSet::new();
        for (node, left) in self.hands.nodes.ask(|ledger, _, _| ledger.switchings()).await? {
            let (hands, stop) = (self.hands.clone(), stop.clone());
            at_work
                .spawn(async move { stop.run_until_cancelled(hands.find_out(node, left)).await.unwrap_or_default() });
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
        let rest = async {
            while let Some(ended) = at_work.join_next().await {
                ended?;
            }
            Ok(())
        };
        let rest = tokio::time::timeout(FAREWELL, rest).await;
        rest.unwrap_or_else(|_| {
            tracing::warn!("a power order is being carried out; the next daemon finds out how it ended");
            Ok(())
        })
    }
}

impl Hands {
    async fn carry_out(self, order: Order) {
        let Order { order, outcome } = order;
        if outcome.send(self.switch(order).await).is_err() {
            tracing::info!("a power order ended after its request; the node's timeline has its outcome");
        }
    }

    async fn switch(&self, order: Approved<PowerOrder>) -> Result<Vec<Effect>, NodeError> {
        let by = authority_name(order.authority());
        let order = order.into_value();
        let (node, action) = (order.node.clone(), order.action);
        let living = match action {
            PowerAction::On if self.seems_up(&node).await => {
                self.pulse.settled(node.mac()).await.unwrap_or(Living::Silent)
            }
            PowerAction::On => Living::Silent,
            // These change a machine that is up as much as any other.
            PowerAction::Off | PowerAction::Cycle => Living::Silent,
        };
        let noted = self.nodes.ask(move |ledger, now, writes| {
            let effects = foresee(ledger, &NodeOrder::Power(order), Living::Silent)?;
            ledger.power(now, (&node, action), &by, living, writes)?;
            Ok((effects, target(ledger, &node, now)?))
        });
        let (effects, target) = noted.await.map_err(store)?.map_err(node_error)?;
        let switched = self.power.switch(&target, action).await.map_err(|error| tasks::chain(&error));
        let end = match &switched {
            Ok(()) => SwitchEnd::Switched,
            Err(cause) => SwitchEnd::NotSwitched(cause.clone()),
        };
        self.write_down(target.node.clone(), end).await;
        switched.map(|()| effects).map_err(|cause| NodeError::Refused {
            reason: format!("{} was not switched {}: {cause}", target.node, action.name()),
            hint: "look at [power] in roost.toml".to_owned(),
        })
    }

    /// Whether it was last known as up: only of such a one it matters whether it answers.
    async fn seems_up(&self, node: &NodeId) -> bool {
        let mac = node.mac();
        let up = self.nodes.ask(move |ledger, _, _| ledger.machine(mac).is_some_and(Tracked::is_up));
        up.await.unwrap_or(true)
    }

    /// How an order ended that an earlier daemon was carrying out.
    async fn find_out(self, node: NodeId, left: Switching) {
        tracing::warn!(%node, action = left.action.name(), by = left.by, "the daemon ended during this power order");
        let end = match (self.power.settled(&node, left.ordered).await, left.action) {
            (Trace::NotBegun, _) => SwitchEnd::NotSwitched("the daemon ended before the order was given".to_owned()),
            (Trace::Done, _) => SwitchEnd::Switched,
            (Trace::Failed(cause), _) => SwitchEnd::NotSwitched(cause),
            (Trace::Unknown, PowerAction::On | PowerAction::Cycle) => SwitchEnd::CutShort,
            (Trace::Unknown, PowerAction::Off) => self.look(&node).await,
        };
        self.write_down(node, end).await;
    }

    /// Whether the machine went off, as far as it can be asked: one that never called home cannot.
    async fn look(&self, node: &NodeId) -> SwitchEnd {
        let mut living = None;
        for _ in 0..self.patience.looks {
            living = self.pulse.of(node.mac()).await;
            match living {
                Some(Living::Silent) => return SwitchEnd::Switched,
                None => break,
                Some(_) => tokio::time::sleep(self.patience.apart).await,
            }
        }
        let found = match living {
            Some(Living::Answers) => "the machine still answers",
            _ => "it cannot be found out whether the machine is off",
        };
        SwitchEnd::NotSwitched(format!("the daemon ended meanwhile, and {found}"))
    }

    /// An outcome that cannot be written now (a full disk) is written later: until then no other order is taken.
    async fn write_down(&self, node: NodeId, end: SwitchEnd) {
        loop {
            let (name, how) = (node.clone(), end.clone());
            let written =
                self.nodes.ask(move |ledger, now, writes| ledger.switch_ended(now, &name, &how, writes)).await;
            match written {
                Ok(()) => return,
                Err(NodesError::Stopping) => break,
                Err(NodesError::NotWritten(cause)) => {
                    tracing::warn!(%node, cause, "a power order's outcome is not written down yet");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        tracing::warn!(%node, ?end, "a power order's outcome was not written down: the next daemon finds it out");
    }
}

#[cfg(test)]
#[path = "switches_tests.rs"]
mod tests;
