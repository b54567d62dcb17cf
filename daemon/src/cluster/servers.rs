//! Nodes that are servers: which order is taken, and what comes next of one that is under way. Pure.
//!
//! An order stands in `servers.json` before anything of it happens, and leaves it (or is `serving`) when both agents'
//! raft says so; a daemon that ends in between finds it there and goes on. One node at a time, since two that come or
//! go at once could take a majority with them.
//!
//! A server keeps what the cluster knows. So one must be on a node whose data outlive a reboot, and their number is odd:
//! two outlive the loss of neither, and wait for each other besides. Rejected: a row in the store, since who must know
//! the servers (`roost cluster init`, `status`) works without a daemon.

use std::{fmt, net::Ipv4Addr};

use jobs::bootstrap::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{NodeId, NodeState, Reason, RunId, Timestamp};

/// A node that is a server, becomes one, or stops being one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Which.
    pub node: NodeId,
    /// Where the others reach it.
    pub address: Ipv4Addr,
    /// How far it is.
    pub phase: Phase,
    /// Who ordered that.
    pub by: String,
    /// When.
    pub since: Timestamp,
    /// The run that brings it there, once it was asked for.
    #[serde(default)]
    pub run: Option<RunId>,
}

/// How far a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// On its way to a vote.
    Joining,
    /// It votes.
    Serving,
    /// On its way back to a client.
    Leaving,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServersOrder {
    /// What becomes of them.
    pub turn: Turn,
    /// Which nodes.
    pub nodes: Vec<NodeId>,
    /// Whether an even number of servers is taken for now.
    pub allows_even: bool,
}

/// What becomes of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Servers.
    Promote,
    /// Clients again.
    Demote,
}

/// What is known of a node that is to become a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its state.
    pub state: NodeState,
    /// Where it is.
    pub address: Option<Ipv4Addr>,
    /// What becomes of its data.
    pub data: Data,
}

/// What becomes of a node's data when it boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// They are there again.
    Kept,
    /// They will be, once it has booted with the disk that was made in this boot.
    KeptFromNextBoot,
    /// They are gone.
    Lost,
}

/// The servers as both agents have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raft {
    /// Consul's.
    pub consul: Vec<Peer>,
    /// Nomad's.
    pub nomad: Vec<Peer>,
}

/// One server, as one agent has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name: that of its node.
    pub name: String,
    /// Whether it votes.
    pub is_voter: bool,
    /// Whether autopilot finds it well.
    pub is_healthy: bool,
}

/// How the last run of a node went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStanding {
    /// It has not ended.
    Going,
    /// It did.
    Succeeded,
    /// It did not, and why.
    Failed(String),
}

/// What comes next of a node that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A run, which makes it what it is to be.
    Run,
    /// Nothing but time, and for what.
    Wait(String),
    /// Nothing, until a person does something.
    Stuck(Reason),
    /// It is what it was to be.
    Settle,
}

/// Why an order is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whether it could be taken later as it is.
    pub is_conflict: bool,
    /// Why, and what to do.
    pub reason: Reason,
}

impl Server {
    /// What its kits make of it.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.phase {
            Phase::Joining | Phase::Serving => Role::Server(self.address.into()),
            Phase::Leaving => Role::FormerServer,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joining => "joining",
            Self::Serving => "serving",
            Self::Leaving => "leaving",
        })
    }
}

impl Raft {
    /// In which agents this node has what `is` asks for.
    fn agents(&self, node: &NodeId, is: impl Fn(&Peer) -> bool) -> Vec<&'static str> {
        let name = node.to_string();
        let has = |peers: &[Peer]| peers.iter().any(|peer| peer.name == name && is(peer));
        [("Consul", &self.consul), ("Nomad", &self.nomad)]
            .into_iter()
            .filter(|(_, peers)| has(peers))
            .map(|(agent, _)| agent)
            .collect()
    }

    /// Whether either agent has this node among its servers.
    #[must_use]
    pub fn knows(&self, node: &NodeId) -> bool {
        !self.agents(node, |_| true).is_empty()
    }

    /// An agent in which those who stay would not be most of themselves: why.
    fn too_few_without(&self, gone: &[NodeId]) -> Option<String> {
        let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
        [("Consul", &self.consul), ("Nomad", &self.nomad)].into_iter().find_map(|(agent, peers)| {
            let stays = |peer: &&Peer| peer.is_voter && !gone.contains(&peer.name);
            let (voters, well) =
                (peers.iter().filter(stays).count(), peers.iter().filter(stays).filter(|p| p.is_healthy).count());
            (well * 2 <= voters).then(|| format!("{agent} would be left with {well} of {voters} servers that are well"))
        })
    }
}

/// Whether an order is taken, and what it does to each node. `known` says of each node of the order what is known of it.
///
/// # Errors
/// It is not taken.
pub fn check(
    order: &ServersOrder,
    servers: &[Server],
    known: &[(NodeId, Option<Candidate>)],
    raft: &Raft,
) -> Result<Vec<(NodeId, String)>, Refusal> {
    if let Some(twice) = order.nodes.iter().enumerate().find(|(at, node)| order.nodes[..*at].contains(node)) {
        return Err(refuse(format!("{} is named twice", twice.1), "name each node once".to_owned()));
    }
    let own = |server: &&Server| order.turn == Turn::Demote && order.nodes.contains(&server.node);
    if let Some(other) = servers.iter().find(|one| one.phase != Phase::Serving && !own(one)) {
        let cause = format!("{} is {} still: one change of the servers at a time", other.node, other.phase);
        let remedy = format!("roost cluster servers shows how far it is; back: roost cluster demote {}", other.node);
        return Err(Refusal { is_conflict: true, ..refuse(cause, remedy) });
    }
    let change = match order.turn {
        Turn::Promote => promoted(servers, known)?,
        Turn::Demote => demoted(&order.nodes, servers, raft)?,
    };
    // With the first server, which is no node.
    let before = 1 + servers.iter().filter(|server| server.phase == Phase::Serving).count();
    let after = match order.turn {
        Turn::Promote => before + order.nodes.len(),
        Turn::Demote => {
            1 + servers.iter().filter(|one| one.phase == Phase::Serving && !order.nodes.contains(&one.node)).count()
        }
    };
    if after.is_multiple_of(2) && !order.allows_even {
        let cause = format!(
            "that makes {after} servers: an even number outlives the loss of no more servers than {} would",
            after - 1
        );
        return Err(refuse(cause, "name one node more; or --even, where another follows soon".to_owned()));
    }
    Ok(change)
}

fn promoted(servers: &[Server], known: &[(NodeId, Option<Candidate>)]) -> Result<Vec<(NodeId, String)>, Refusal> {
    let mut change = Vec::new();
    for (node, candidate) in known {
        if servers.iter().any(|server| server.node == *node) {
            return Err(refuse(format!("{node} is a server"), "roost cluster servers lists them".to_owned()));
        }
        let Some(Candidate { state, address, data }) = candidate else {
            return Err(refuse(format!("no node is called {node}"), "roost node list".to_owned()));
        };
        let wants = |cause: String, remedy: String| Err(refuse(cause, remedy));
        match (state, data, address) {
            (NodeState::Ready, Data::Kept, Some(address)) => {
                change.push((node.clone(), format!("client -> server of Consul and Nomad at {address}; both restart")));
            }
            (NodeState::Ready, Data::Kept, None) => {
                return wants(format!("the address of {node} is not known"), format!("roost node show {node}"));
            }
            (NodeState::Ready, Data::KeptFromNextBoot, _) => {
                return wants(
                    format!("{node} has had its data disk since this boot, and its data may lie in RAM until the next"),
                    format!("boot it: roost node power {node} cycle; when it is ready, the same again"),
                );
            }
            (NodeState::Ready, Data::Lost, _) => {
                return wants(
                    format!("the data of {node} would not outlive a reboot, and a server's are the cluster's memory"),
                    format!("give it a data disk: roost node disk {node}; boot it; then the same again"),
                );
            }
            (state, ..) => {
                return wants(format!("{node} is {state}, not ready"), format!("roost node timeline {node}"));
            }
        }
    }
    Ok(change)
}

fn demoted(nodes: &[NodeId], servers: &[Server], raft: &Raft) -> Result<Vec<(NodeId, String)>, Refusal> {
    for node in nodes {
        if !servers.iter().any(|server| server.node == *node) {
            return Err(refuse(format!("{node} is no server"), "roost cluster servers lists them".to_owned()));
        }
    }
    if let Some(why) = raft.too_few_without(nodes) {
        return Err(refuse(why, "bring the others back first: roost cluster status".to_owned()));
    }
    let effect = "server -> client: it gives its vote back, and both its agents restart";
    Ok(nodes.iter().map(|node| (node.clone(), effect.to_owned())).collect())
}

fn refuse(cause: String, remedy: String) -> Refusal {
    Refusal { is_conflict: false, reason: Reason { cause, remedy } }
}

/// What comes next of a node that is under way; `last` is its last run, none where it is not known any more.
#[must_use]
pub fn next(server: &Server, last: Option<&(RunId, RunStanding)>, raft: &Raft) -> Next {
    let node = &server.node;
    let lacks = match server.phase {
        Phase::Serving => return Next::Settle,
        Phase::Joining => {
            let voting = raft.agents(node, |peer| peer.is_voter);
            ["Consul", "Nomad"].into_iter().filter(|agent| !voting.contains(agent)).collect()
        }
        Phase::Leaving => raft.agents(node, |_| true),
    };
    let lacks: Vec<&str> = lacks;
    let ran = last.filter(|(id, _)| server.run.is_some_and(|asked| *id >= asked)).map(|(_, standing)| standing);
    match (ran, last) {
        (None, Some((id, RunStanding::Going))) => {
            Next::Wait(format!("for the end of run {id}, which knows nothing of it"))
        }
        (None, Some(_)) if server.run.is_none() => Next::Run,
        (None, _) if server.phase == Phase::Leaving && lacks.is_empty() => Next::Settle,
        (None, _) => Next::Stuck(Reason {
            cause: format!("{node} is not known any more"),
            remedy: format!("let it boot and be ready; or take it out: roost cluster demote {node}"),
        }),
        (Some(RunStanding::Going), _) => Next::Wait("for its run".to_owned()),
        (Some(RunStanding::Failed(_)), _) if server.phase == Phase::Leaving && lacks.is_empty() => Next::Settle,
        (Some(RunStanding::Failed(cause)), Some((id, _))) => Next::Stuck(Reason {
            cause: format!("run {id} of {node} failed: {cause}"),
            remedy: format!("mend it, then: roost run retry {id}; from there it goes on by itself"),
        }),
        (Some(_), _) if lacks.is_empty() => Next::Settle,
        (Some(_), _) if server.phase == Phase::Joining => {
            Next::Wait(format!("for its vote in {}", lacks.join(" and ")))
        }
        (Some(_), _) => Next::Wait(format!("for its end as a server of {}", lacks.join(" and "))),
    }
}

#[cfg(test)]
#[path = "servers_tests.rs"]
mod tests;
