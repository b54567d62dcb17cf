//! Orders about the servers: looked at with what the nodes and both agents say, kept, and handed to the part that carries
//! them out.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use store::{Batch, NewEvent, Store};
use tasks::Clock;
use tokio::sync::Notify;
use vocabulary::{Approved, EventKind, NodeId, Reason, RunId, RunState, Step};

use super::orders::{node_error, store};
use crate::{
    cluster::{
        Door,
        promoter::{self, Fleet, Progress, Promoter},
        servers::{self, Candidate, Data, Phase, Raft, Refusal, RunStanding, Server, ServersOrder, Turn},
    },
    http::desks::{Effect, NodeError, ServerView, ServersDesk},
    nodes::{
        Nodes, NodesError,
        ledger::{Ledger, authority_name},
        lifecycle::Tracked,
    },
};

/// The desk.
pub struct Servers {
    door: Door,
    nodes: Nodes,
    store: Store,
    clock: Arc<dyn Clock>,
    nudge: Arc<Notify>,
    progress: Progress,
}

/// The nodes, for the part.
pub struct Runs(Nodes);

/// The API's desk, and the part behind it where there is a cluster of Roost's own.
#[must_use]
pub fn servers(door: &Door, nodes: &Nodes, store: &Store, clock: &Arc<dyn Clock>) -> (Servers, Option<Promoter<Runs>>) {
    let (nudge, progress) = (Arc::new(Notify::new()), Progress::default());
    let desk = Servers {
        door: door.clone(),
        nodes: nodes.clone(),
        store: store.clone(),
        clock: Arc::clone(clock),
        nudge: Arc::clone(&nudge),
        progress: progress.clone(),
    };
    let part = door.own().map(|_| Promoter {
        door: door.clone(),
        fleet: Arc::new(Runs(nodes.clone())),
        clock: Arc::clone(clock),
        nudge,
        progress,
    });
    (desk, part)
}

#[async_trait]
impl ServersDesk for Servers {
    async fn order(&self, order: Approved<ServersOrder>) -> Result<Vec<Effect>, NodeError> {
        let (effects, candidates) = self.foresee(order.value()).await?;
        let by = authority_name(order.authority());
        let ServersOrder { turn, nodes, .. } = order.into_value();
        let now = self.clock.now();
        let data = json!({"by": by, "what": "servers", "subject": {"turn": turn, "nodes": nodes}});
        let event = NewEvent { at: now, kind: EventKind::Audit, node: None, run: None, data };
        let noted = self.store.commit(Batch { events: vec![event], ..Batch::default() }).await;
        noted.map_err(|error| NodeError::Store(error.into()))?;
        let changed = self.door.change_servers(now, |servers| match turn {
            Turn::Promote => servers.extend(candidates.into_iter().filter_map(|(node, candidate)| {
                let address = candidate?.address?;
                Some(Server { node, address, phase: Phase::Joining, by: by.clone(), since: now, run: None })
            })),
            Turn::Demote => {
                for server in servers.iter_mut().filter(|server| nodes.contains(&server.node)) {
                    *server = Server { phase: Phase::Leaving, by: by.clone(), since: now, run: None, ..server.clone() };
                }
            }
        });
        changed.await.map_err(|error| NodeError::Store(error.into()))?;
        self.nudge.notify_one();
        Ok(effects)
    }

    async fn preview(&self, order: &ServersOrder) -> Result<Vec<Effect>, NodeError> {
        Ok(self.foresee(order).await?.0)
    }

    async fn list(&self) -> Result<Vec<ServerView>, NodeError> {
        let state = self.door.state().ok_or_else(none)?;
        let raft = self.raft().await.unwrap_or_default();
        let progress = self.progress.get();
        let first = ServerView {
            server: state.server.clone(),
            address: state.facts.advertise.to_string(),
            ..ServerView::default()
        };
        let others = self.door.servers().into_iter().map(|server| {
            let how = progress.as_ref().filter(|standing| standing.node == server.node).map(|standing| &standing.how);
            ServerView {
                server: server.node.to_string(),
                address: server.address.to_string(),
                phase: Some(server.phase),
                by: Some(server.by),
                since: Some(server.since.to_string()),
                run: server.run,
                waits: how.and_then(|how| how.as_ref().ok()).cloned(),
                stuck: how
                    .and_then(|how| how.as_ref().err())
                    .map(|reason| format!("{}; {}", reason.cause, reason.remedy)),
                ..ServerView::default()
            }
        });
        let found = |peers: &[servers::Peer], name: &str| {
            peers.iter().find(|peer| peer.name == name).map(|peer| match (peer.is_voter, peer.is_healthy) {
                (true, true) => "votes",
                (true, false) => "votes, not well",
                (false, _) => "has no vote",
            })
        };
        let seen = |view: ServerView| {
            let [consul, nomad] =
                [&raft.consul, &raft.nomad].map(|peers| found(peers, &view.server).map(str::to_owned));
            ServerView { consul, nomad, ..view }
        };
        Ok(std::iter::once(first).chain(others).map(seen).collect())
    }
}

type Known = Vec<(NodeId, Option<Candidate>)>;

impl Servers {
    async fn foresee(&self, order: &ServersOrder) -> Result<(Vec<Effect>, Known), NodeError> {
        self.door.state().ok_or_else(none)?;
        let asked = order.nodes.clone();
        let known = self.nodes.ask(move |ledger, _, _| known(ledger, &asked)).await.map_err(store)?;
        let raft =
            self.raft().await.map_err(|reason| NodeError::Refused { reason: reason.cause, hint: reason.remedy })?;
        let change = servers::check(order, &self.door.servers(), &known, &raft).map_err(refused)?;
        let effects = change.into_iter().map(|(node, effect)| Effect { subject: node.to_string(), effect });
        Ok((effects.collect(), known))
    }

    async fn raft(&self) -> Result<Raft, Reason> {
        let away = |cause: String| Reason { cause, remedy: "nothing was changed: roost cluster status".to_owned() };
        let clients = self.door.agents().map_err(|error| away(error.to_string()))?;
        let region = self.door.own().map(|cluster| cluster.facts().region.to_string()).unwrap_or_default();
        promoter::raft(&clients, &region).await.map_err(|error| away(tasks::chain(&error)))
    }
}

fn known(ledger: &Ledger, nodes: &[NodeId]) -> Known {
    nodes.iter().map(|node| (node.clone(), ledger.machine(node.mac()).map(candidate))).collect()
}

fn candidate(one: &Tracked) -> Candidate {
    let identity = one.node.identity.as_ref();
    let data = match identity.and_then(|known| known.kept.map(|kept| (kept, known.answered))) {
        // What a boot came with was known before the machine first answered in it.
        Some((kept, Some(answered))) if kept.since <= answered => Data::Kept,
        Some(_) => Data::KeptFromNextBoot,
        None => Data::Lost,
    };
    Candidate { state: one.node.state, address: one.node.address, data }
}

fn refused(refusal: Refusal) -> NodeError {
    let Refusal { is_conflict, reason: Reason { cause: reason, remedy: hint } } = refusal;
    if is_conflict { NodeError::Conflict { reason, hint } } else { NodeError::Refused { reason, hint } }
}

fn none() -> NodeError {
    NodeError::Conflict {
        reason: "there is no cluster of Roost's own".to_owned(),
        hint: "roost cluster init makes one (docs/operations/cluster.md)".to_owned(),
    }
}

#[async_trait]
impl Fleet for Runs {
    async fn last_run(&self, node: &NodeId) -> Result<Option<(RunId, RunStanding)>, Reason> {
        let node = node.clone();
        let last = self.0.ask(move |ledger, _, _| {
            let run = ledger.run(ledger.machine(node.mac())?.node.run?)?;
            let standing = match run.state {
                RunState::Queued | RunState::Running => RunStanding::Going,
                RunState::Succeeded => RunStanding::Succeeded,
                state => RunStanding::Failed(run.cause.clone().unwrap_or_else(|| state.to_string())),
            };
            Some((run.id, standing))
        });
        last.await.map_err(|error| unwritten(&error))
    }

    async fn configure(&self, node: &NodeId, by: &str) -> Result<RunId, Reason> {
        let (node, by) = (node.clone(), by.to_owned());
        let asked = self.0.ask(move |ledger, now, writes| ledger.configure_anew(now, &node, &by, writes)).await;
        asked.map_err(|error| unwritten(&error))?.map_err(|error| match node_error(error) {
            NodeError::Conflict { reason, hint } | NodeError::Refused { reason, hint } => {
                Reason { cause: reason, remedy: hint }
            }
            other => Reason { cause: other.to_string(), remedy: "roost node list".to_owned() },
        })
    }

    async fn tell(&self, node: &NodeId, line: String) {
        let node = node.clone();
        let told = self.0.ask(move |ledger, now, writes| {
            ledger.turn(now, node.mac(), writes, |_, _, turn, _| turn.line(Step::Note, line));
        });
        if let Err(error) = told.await {
            tracing::debug!(%error, "what became of a server could not be written down");
        }
    }
}

fn unwritten(error: &NodesError) -> Reason {
    Reason { cause: error.to_string(), remedy: "roost status; it is tried again".to_owned() }
}

#[cfg(test)]
mod tests {
    use vocabulary::{HostKey, Identity, Kept, Mac, NodeState};

    use super::*;
    use crate::nodes::requests::tests::at;

    #[test]
    fn what_a_node_keeps_is_known_by_the_boot_that_came_with_it() {
        let mac = Mac([0x52, 0x54, 0, 0, 0, 1]);
        let data = |kept: Option<i64>, answered: Option<i64>| {
            let mut tracked = Tracked::new(at(0), mac);
            tracked.enter(at(0), NodeState::Ready);
            tracked.node.identity = Some(Identity {
                mac,
                smbios_uuid: None,
                machine_id: None,
                host_keys: vec![HostKey::try_from(format!("ssh-ed25519 {}", "A".repeat(64))).unwrap()],
                answered: answered.map(at),
                tpm: None,
                kept: kept.map(|since| Kept { disk: None, since: at(since) }),
            });
            candidate(&tracked).data
        };
        assert_eq!(data(Some(10), Some(11)), Data::Kept);
        assert_eq!(data(Some(20), Some(11)), Data::KeptFromNextBoot, "made while it was up");
        assert_eq!(data(Some(20), None), Data::KeptFromNextBoot, "it has not answered in this boot");
        assert_eq!(data(None, Some(11)), Data::Lost);
        assert_eq!(candidate(&Tracked::new(at(0), mac)).data, Data::Lost);
    }
}
