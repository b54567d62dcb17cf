//! Orders of people, passed on to the lifecycle, the power switch and the runner.
//!
//! What an order would bring about is computed by the same function for `?dry_run=true` and before the real thing,
//! inside the lifecycle's turn, so what was shown is what is done.

use std::{collections::HashSet, sync::Arc};

use jobs::bootstrap::Role;
use tasks::Statuses;
use vocabulary::{Approved, Mac, NodeId, NodeState, RunId, Timestamp};

use super::{disks::Disks, pulse::Pulse, roster::Roster, switches::Switches, watching};
use crate::{
    cluster::{Door, keeper::Failing},
    http::desks::{
        Answer, Cancel, DiskOrder, Effect, Explanation, LogPiece, NodeDesk, NodeError, NodeOrder, PartStatus,
        PartsBoard, PowerOrder, RetireOrder, RunDesk, RunError, RunOrder,
    },
    nodes::{
        Nodes, NodesError,
        ledger::{Ledger, authority_name},
        requests::{Approval, Living, OrderError},
    },
    power::{PowerAction, Target},
};

/// The lifecycle as people know it.
pub struct Orders {
    /// Who decides.
    pub nodes: Nodes,
    /// To the part that switches machines.
    pub switches: Switches,
    /// To the part that makes data disks.
    pub disks: Disks,
    /// Who can ask a node whether it is up.
    pub pulse: Pulse,
    /// Where a node that is forgotten has an entry.
    pub roster: Arc<Roster>,
    /// What nodes are retired from.
    pub door: Door,
}

#[async_trait::async_trait]
impl NodeDesk for Orders {
    async fn approve(&self, order: Approved<Approval>) -> Result<Vec<Effect>, NodeError> {
        let done = self.nodes.ask(move |ledger, now, writes| {
            let effects = foresee(ledger, &NodeOrder::Approve(order.value().clone()), Living::Silent)?;
            ledger.approve(now, order, writes).map(|_| effects)
        });
        done.await.map_err(store)?.map_err(node_error)
    }

    async fn deny(&self, node: Approved<NodeId>) -> Result<Vec<Effect>, NodeError> {
        let done = self.nodes.ask(move |ledger, now, writes| {
            let effects = foresee(ledger, &NodeOrder::Deny(node.value().clone()), Living::Silent)?;
            ledger.deny(now, node, writes).map(|()| effects)
        });
        done.await.map_err(store)?.map_err(node_error)
    }

    async fn forget(&self, node: Approved<NodeId>) -> Result<Vec<Effect>, NodeError> {
        no_server(self.door.role(node.value()), node.value())?;
        let living = self.pulse.settled(node.value().mac()).await.unwrap_or(Living::Silent);
        let name = node.value().clone();
        let done = self.nodes.ask(move |ledger, now, writes| ledger.forget(now, node, living, writes));
        let effect = done.await.map_err(store)?.map_err(node_error)?;
        self.roster.refresh().await;
        Ok(vec![Effect { subject: name.to_string(), effect }])
    }

    async fn power(&self, order: Approved<PowerOrder>) -> Result<Vec<Effect>, NodeError> {
        self.switches.switch(order).await
    }

    async fn disk(&self, order: Approved<DiskOrder>) -> Result<Vec<Effect>, NodeError> {
        self.disks.make(order).await
    }

    async fn disks(&self, order: &DiskOrder) -> Result<Vec<Effect>, NodeError> {
        self.disks.preview(order).await
    }

    async fn retire(&self, order: Approved<RetireOrder>) -> Result<Vec<Effect>, NodeError> {
        self.has_cluster()?;
        no_server(self.door.role(&order.value().node), &order.value().node)?;
        let node = order.value().node.clone();
        let done = self.nodes.ask(move |ledger, now, writes| ledger.retire(now, order, writes));
        let effects = done.await.map_err(store)?.map_err(node_error)?;
        self.roster.refresh().await;
        Ok(effects.into_iter().map(|effect| Effect { subject: node.to_string(), effect }).collect())
    }

    async fn preview(&self, order: NodeOrder) -> Result<Vec<Effect>, NodeError> {
        match &order {
            NodeOrder::Retire(order) => {
                self.has_cluster()?;
                no_server(self.door.role(&order.node), &order.node)?;
            }
            NodeOrder::Forget(node) => no_server(self.door.role(node), node)?,
            _ => (),
        }
        let living = match &order {
            NodeOrder::Forget(node) => self.pulse.settled(node.mac()).await.unwrap_or(Living::Silent),
            _ => Living::Silent,
        };
        let foreseen = self.nodes.ask(move |ledger, _, _| foresee(ledger, &order, living));
        foreseen.await.map_err(store)?.map_err(node_error)
    }

    async fn explain(&self, mac: Mac) -> Result<Explanation, NodeError> {
        self.nodes.ask(move |ledger, _, _| explain(ledger, mac)).await.map_err(store)
    }
}

impl Orders {
    fn has_cluster(&self) -> Result<(), NodeError> {
        let refused = || NodeError::Conflict {
            reason: "there is no cluster of Roost's own to retire it from".to_owned(),
            hint: "roost node deny keeps a machine out; roost node forget forgets it".to_owned(),
        };
        self.door.own().map(drop).ok_or_else(refused)
    }
}

/// A server takes part in every agreement: gone without a word, it counts as one that is away.
fn no_server(role: Role, node: &NodeId) -> Result<(), NodeError> {
    if role == Role::Client {
        return Ok(());
    }
    Err(NodeError::Conflict {
        reason: format!("{node} is a server of the cluster"),
        hint: format!("make it a client first: roost cluster demote {node}"),
    })
}

pub(super) fn foresee(ledger: &Ledger, order: &NodeOrder, living: Living) -> Result<Vec<Effect>, OrderError> {
    let effect = |node: &NodeId, effect: String| Effect { subject: node.to_string(), effect };
    match order {
        NodeOrder::Approve(Approval::Next { count, until }) => Ok(vec![Effect {
            subject: format!("the next {count} machines"),
            effect: format!("admitted until {until}"),
        }]),
        NodeOrder::Approve(Approval::Nodes(nodes)) => nodes
            .iter()
            .map(|node| {
                let one = ledger.machine(node.mac()).ok_or_else(|| OrderError::UnknownNode(node.clone()))?;
                let next =
                    if one.waits_at_the_door() { "approved; it boots at its next request" } else { "admitted already" };
                Ok(effect(node, format!("{} -> {next}", one.node.state)))
            })
            .collect(),
        NodeOrder::Deny(node) => Ok(vec![effect(node, format!("{} -> denied", known(ledger, node)?))]),
        NodeOrder::Forget(node) => Ok(vec![effect(node, ledger.forgettable(node, living)?)]),
        NodeOrder::Retire(order) => {
            let effects = ledger.retirable(&order.node, order.way)?;
            Ok(effects.into_iter().map(|words| effect(&order.node, words)).collect())
        }
        NodeOrder::Power(order) => {
            known(ledger, &order.node)?;
            Ok(vec![effect(&order.node, switching(order.action))])
        }
    }
}

/// What an order comes to, and what proves that it was obeyed.
fn switching(action: PowerAction) -> String {
    match action {
        PowerAction::On | PowerAction::Cycle => format!("power {}; success is its next DISCOVER", action.name()),
        PowerAction::Off => "power off; its switch's word is taken for it".to_owned(),
    }
}

fn known(ledger: &Ledger, node: &NodeId) -> Result<NodeState, OrderError> {
    ledger.machine(node.mac()).map(|one| one.node.state).ok_or_else(|| OrderError::UnknownNode(node.clone()))
}

pub(super) fn target(ledger: &Ledger, node: &NodeId, ordered: Timestamp) -> Result<Target, OrderError> {
    let machine = ledger.machine(node.mac()).ok_or_else(|| OrderError::UnknownNode(node.clone()))?;
    let host_keys = machine.node.identity.as_ref().map_or_else(Vec::new, |identity| identity.host_keys.clone());
    Ok(Target { node: node.clone(), mac: node.mac(), address: machine.node.address, host_keys, ordered })
}

fn explain(ledger: &Ledger, mac: Mac) -> Explanation {
    let machine = ledger.machine(mac);
    let (script, because) = ledger.explain(mac);
    let answer = |station: &str, answer: String, because: &str| Answer {
        station: station.to_owned(),
        answer,
        because: because.to_owned(),
    };
    let call_home =
        match machine.map(|one| (one.boot.as_ref().is_some_and(|boot| boot.accepted.is_some()), one.node.run)) {
            Some((true, Some(run))) => answer(
                "call-home",
                format!("202 with run {run}"),
                "this boot called home already; a repeat gets the same run",
            ),
            _ if script == "boot" => answer(
                "call-home",
                "202 with a new run".into(),
                "the token of its script, with the same MAC and SMBIOS UUID",
            ),
            _ => answer("call-home", "refused".into(), "it has no token"),
        };
    let address = machine
        .and_then(|one| one.node.address)
        .map_or_else(|| "a free address of a pool".into(), |known| known.to_string());
    Explanation {
        mac,
        state: machine.map(|one| one.node.state.to_string()),
        answers: vec![answer("dhcp", address, "leases are kept by MAC"), answer("script", script, &because), call_home],
    }
}

pub(super) fn node_error(error: OrderError) -> NodeError {
    match error {
        OrderError::UnknownNode(node) => NodeError::Unknown(node),
        OrderError::UnknownRun(run) => {
            NodeError::Conflict { reason: format!("run {run} is not known"), hint: "roost run list".to_owned() }
        }
        OrderError::Conflict { cause, remedy } => NodeError::Conflict { reason: cause, hint: remedy },
    }
}

pub(super) fn store(error: NodesError) -> NodeError {
    NodeError::Store(error.into())
}

/// What the runner can do with a run that it has.
#[async_trait::async_trait]
pub trait RunnerSwitch: Send + Sync + 'static {
    /// Ends a run and its whole process group; whether it was running.
    async fn cancel(&self, run: RunId, by: &str) -> bool;
    /// The runs that have a folder.
    async fn kept(&self) -> std::io::Result<HashSet<RunId>>;
    /// A piece of its log.
    async fn log(&self, run: RunId, offset: u64, limit_bytes: usize) -> std::io::Result<(Vec<u8>, u64)>;
}

/// Runs as people know them.
pub struct RunOrders<S> {
    /// Who decides.
    pub nodes: Nodes,
    /// Who has the processes and the logs.
    pub runner: S,
    /// What happened to runs that the lifecycle no longer holds.
    pub store: store::Store,
}

#[async_trait::async_trait]
impl<S: RunnerSwitch> RunDesk for RunOrders<S> {
    async fn retry(&self, run: Approved<RunId>) -> Result<(RunId, Vec<Effect>), RunError> {
        let id = *run.value();
        let done = self.nodes.ask(move |ledger, now, writes| ledger.retry(now, &run, writes));
        let new = done.await.map_err(run_store)?.map_err(run_error)?;
        Ok((new, vec![Effect { subject: format!("run-{new}"), effect: format!("queued; repeats run {id}") }]))
    }

    async fn cancel(&self, order: Approved<Cancel>) -> Result<Vec<Effect>, RunError> {
        let by = authority_name(order.authority());
        let run = order.into_value().run;
        let effects = self.preview(RunOrder::Cancel(Cancel { run })).await?;
        let who = by.clone();
        let queued = self.nodes.ask(move |ledger, now, writes| {
            ledger.audit(&who, "cancel", &serde_json::json!({ "run": run }), writes);
            ledger.cancel_queued(now, run, &who, writes)
        });
        // A queued run may be handed over already: the runner then ends it before it starts.
        let _was_queued = queued.await.map_err(run_store)?;
        self.runner.cancel(run, &by).await;
        Ok(effects)
    }

    async fn preview(&self, order: RunOrder) -> Result<Vec<Effect>, RunError> {
        let foreseen = self.nodes.ask(move |ledger, _, _| match order {
            RunOrder::Retry(run) => ledger.retryable(run).map(|run| {
                vec![Effect {
                    subject: run.node.to_string(),
                    effect: format!("a new run is queued; repeats run {}", run.id),
                }]
            }),
            RunOrder::Cancel(Cancel { run }) => match ledger.run(run) {
                Some(open) if !open.state.ended() => Ok(vec![Effect {
                    subject: format!("run-{run}"),
                    effect: format!("{} -> cancelled, its whole process group", open.state),
                }]),
                Some(over) => Err(OrderError::Conflict {
                    cause: format!("run {run} has ended already: {}", over.state),
                    remedy: format!("roost run show {run}"),
                }),
                None => Err(OrderError::UnknownRun(run)),
            },
        });
        foreseen.await.map_err(run_store)?.map_err(run_error)
    }

    async fn log(&self, run: RunId, offset: u64, limit_bytes: usize) -> Result<LogPiece, RunError> {
        let known =
            self.store.run(run).await.map_err(|error| RunError::Store(error.into()))?.ok_or(RunError::Unknown(run))?;
        let log = self.runner.log(run, offset, limit_bytes).await;
        let (bytes, end) = match log {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if known.state.ended() && known.started.is_some() {
                    return Err(RunError::Pruned(run));
                }
                (Vec::new(), offset)
            }
            other => other.map_err(|source| RunError::Log { run, source })?,
        };
        let complete = known.state.ended() && offset + bytes.len() as u64 >= end;
        Ok(LogPiece { bytes, complete })
    }

    async fn kept(&self) -> Result<HashSet<RunId>, RunError> {
        self.runner.kept().await.map_err(|error| RunError::Store(error.into()))
    }
}

fn run_error(error: OrderError) -> RunError {
    match error {
        OrderError::UnknownRun(run) => RunError::Unknown(run),
        OrderError::UnknownNode(node) => RunError::Conflict {
            reason: format!("its node {node} is no longer known"),
            hint: "roost node list".to_owned(),
        },
        OrderError::Conflict { cause, remedy } => RunError::Conflict { reason: cause, hint: remedy },
    }
}

fn run_store(error: NodesError) -> RunError {
    RunError::Store(error.into())
}

/// The supervisor's board as `/readyz` shows it, and with a cluster the sources of its picture.
pub struct Parts {
    /// What every task is doing.
    pub tasks: Statuses,
    /// The watcher, where there is a cluster.
    pub watched: Option<jobs::watch::Handle>,
    /// What keeps a cluster of Roost's own, where there is one.
    pub upkeep: Option<Failing>,
}

impl PartsBoard for Parts {
    fn parts(&self) -> Vec<PartStatus> {
        let task = |task: tasks::TaskStatus| PartStatus {
            ready: task.state == tasks::TaskState::Running,
            reason: task
                .last_error
                .or_else(|| (task.state != tasks::TaskState::Running).then(|| format!("{:?}", task.state))),
            name: task.name,
        };
        let sources = self.watched.as_ref().map(watching::parts).unwrap_or_default();
        let upkeep = self.upkeep.as_ref().map(|failing| {
            let failing = failing.borrow();
            let hint = || format!("{}; the log says why", failing.join("; "));
            PartStatus {
                name: "cluster/upkeep".to_owned(),
                ready: failing.is_empty(),
                reason: (!failing.is_empty()).then(hint),
            }
        });
        self.tasks.snapshot().into_iter().map(task).chain(sources).chain(upkeep).collect()
    }

    fn measure(&self) {
        self.watched.as_ref().inspect(|watched| watching::measure(watched));
    }
}

#[cfg(test)]
mod tests {
    use store::{Batch, Store, Write};
    use vocabulary::{Node, Run, RunState};

    use super::*;
    use crate::nodes::{NodesPart, lifecycle::Tracked, requests::tests::ledger};

    #[test]
    fn a_server_is_neither_retired_nor_forgotten_before_it_is_a_client() {
        let node = NodeId::of(Mac([2; 6]));
        assert!(no_server(Role::Client, &node).is_ok());
        for role in [Role::Server([10, 0, 0, 5].into()), Role::FormerServer] {
            let refused = no_server(role, &node);
            let told = format!("roost cluster demote {node}");
            assert!(matches!(refused, Err(NodeError::Conflict { hint, .. }) if hint.ends_with(&told)));
        }
    }

    /// A runner whose folders are gone.
    struct Bare;

    #[async_trait::async_trait]
    impl RunnerSwitch for Bare {
        async fn cancel(&self, _: RunId, _: &str) -> bool {
            false
        }

        async fn kept(&self) -> std::io::Result<HashSet<RunId>> {
            Ok(HashSet::new())
        }

        async fn log(&self, _: RunId, _: u64, _: usize) -> std::io::Result<(Vec<u8>, u64)> {
            Err(std::io::ErrorKind::NotFound.into())
        }
    }

    #[tokio::test]
    async fn a_log_that_is_gone_is_told_from_one_that_is_to_come() {
        let folder = tempfile::tempdir().unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let store = Store::open(folder.path(), at).await.unwrap();
        let node = Node { generation: 1, ..Tracked::new(at, Mac([2; 6])).node };
        let run = |id, state: RunState, started| Run {
            id: RunId(id),
            node: node.id.clone(),
            boot: None,
            state,
            purpose: vocabulary::RunPurpose::Configure,
            retry_of: None,
            attempt: 0,
            asked_by: "call-home".to_owned(),
            cause: None,
            process: None,
            created: at,
            started,
            ended: state.ended().then_some(at),
            tasks_done: 0,
            tasks_changed: 0,
            task: None,
        };
        let runs = [
            run(1, RunState::Succeeded, Some(at)),
            run(2, RunState::Running, Some(at)),
            run(3, RunState::Cancelled, None),
        ];
        let runs = runs.map(Write::Put).to_vec();
        store.commit(Batch { nodes: vec![node.clone().into()], runs, ..Batch::default() }).await.unwrap();
        let rules = ledger(crate::nodes::lifecycle::Enroll::Approve).rules;
        let clock = Arc::new(tasks::ManualClock::new(at));
        let (_part, nodes) = NodesPart::build(rules, store.clone(), clock, Arc::default()).await.unwrap();
        let desk = RunOrders { nodes, runner: Bare, store };
        assert!(matches!(desk.log(RunId(1), 0, 9).await, Err(RunError::Pruned(RunId(1)))));
        assert!(!desk.log(RunId(2), 0, 9).await.unwrap().complete);
        assert!(desk.log(RunId(3), 0, 9).await.unwrap().complete);
        assert!(matches!(desk.log(RunId(9), 0, 9).await, Err(RunError::Unknown(_))));
    }
}
