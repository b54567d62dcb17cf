//! Whether a node is a member of the cluster, by what Consul's and Nomad's servers say: pure.
//!
//! A playbook that ran proves that two agents were started, and the agents prove that they think well of themselves. A
//! member is what the servers find one: alive in Consul's gossip, and in Nomad the very client that the machine was
//! found to run, ready, eligible, and the only one of its name.
//!
//! Nomad takes allocations for whatever client registers, so whoever is not verified is made ineligible as soon as it
//! is seen, and made eligible once when it joins; a person's word on a ready node's eligibility stands. A ready node that
//! one of the two finds well no longer, or keeps work from, is `lapsed` after a while and ready again by their word alone. A client of
//! another id under a verified node's name is its self of an earlier boot: drained and purged once it is down.
//!
//! Rejected: node pools for those who wait (a client changes its pool only by a restart), and purging a client that is
//! not down (one that still runs would register again).

use std::collections::HashMap;

use vocabulary::{Node, NodeId, NodeState, NomadId, Reason, Run, RunState};

/// What the servers say, at one look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Consul's members among the nodes.
    pub members: HashMap<NodeId, Serf>,
    /// Nomad's clients that call themselves by a node's name.
    pub clients: Vec<NomadClient>,
}

/// How gossip finds a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serf {
    /// It answers.
    Alive,
    /// It does not.
    Failed,
}

/// One of Nomad's clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NomadClient {
    /// Its own.
    pub id: NomadId,
    /// As it calls itself.
    pub node: NodeId,
    /// How the servers find it.
    pub status: Status,
    /// Whether it may get allocations.
    pub placement: Placement,
}

/// How Nomad's servers find a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It registered and has yet to send its first heartbeat.
    Initializing,
    /// It sends heartbeats.
    Ready,
    /// It missed them; what it runs may still come back.
    Disconnected,
    /// It missed them.
    Down,
}

/// Whether a client may get allocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// It may.
    Eligible,
    /// It may not.
    Ineligible,
    /// What it has is moved away.
    Draining,
}

/// Something to be done to a client; idempotent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Make it eligible: it is verified.
    Admit(NomadId),
    /// Make it ineligible: it is not.
    Close(NomadId),
    /// Drain it and forget it: it is a machine's self of an earlier boot.
    Purge(NomadId),
}

impl Act {
    /// To which client.
    #[must_use]
    pub const fn client(&self) -> &NomadId {
        match self {
            Self::Admit(id) | Self::Close(id) | Self::Purge(id) => id,
        }
    }
}

/// How far a node is from being a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is one.
    Member,
    /// It lacks nothing but its eligibility.
    Verified,
    /// Consul has it, Nomad lacks something.
    ConsulAlone(String),
    /// It lacks something.
    Nowhere(String),
}

/// Whether a node waits for the cluster, or failed while it did: the cluster's word then heals it.
#[must_use]
pub fn waits(node: &Node, run: Option<&Run>) -> bool {
    let verified = node.nomad.is_some() && run.is_some_and(|run| run.state == RunState::Succeeded);
    match node.state {
        NodeState::Joining => true,
        NodeState::Failed => verified,
        _ => false,
    }
}

/// How far this node is.
#[must_use]
pub fn standing(node: &Node, view: &View) -> Standing {
    if let Some(lack) = lacks_consul(node, view) {
        return Standing::Nowhere(lack.to_owned());
    }
    let client = match own_client(node, view) {
        Ok(client) => client,
        Err(lack) => return Standing::ConsulAlone(lack),
    };
    if let Some(other) = view.clients.iter().find(|other| other.node == node.id && other.id != client.id) {
        return Standing::ConsulAlone(format!("Nomad still has an earlier client of it ({})", other.id));
    }
    match client.placement {
        Placement::Eligible => Standing::Member,
        Placement::Ineligible => Standing::Verified,
        Placement::Draining => Standing::ConsulAlone("Nomad drains it".to_owned()),
    }
}

/// What a node that was a member lacks to be one still, and what a person can do. Who else calls itself by its name does
/// not count: that would let a stranger take `ready` from it.
#[must_use]
pub fn lapse(node: &Node, view: &View) -> Option<Reason> {
    let by_itself = |lack: &str| Reason {
        cause: lack.to_owned(),
        remedy: format!(
            "it is ready again by itself once both agree; does it run? roost node show {}; on it: journalctl -u consul -u nomad",
            node.id
        ),
    };
    let by_order = |lack: &str| Reason {
        cause: lack.to_owned(),
        remedy: format!("when it may get work again: roost node drain {} --end", node.id),
    };
    if let Some(lack) = lacks_consul(node, view) {
        return Some(by_itself(lack));
    }
    match own_client(node, view) {
        Err(lack) => Some(by_itself(&lack)),
        Ok(client) => match client.placement {
            Placement::Eligible => None,
            Placement::Ineligible => Some(by_order("Nomad gives it no work: it is ineligible by somebody's order")),
            Placement::Draining => Some(by_order("Nomad drains it by somebody's order")),
        },
    }
}

fn lacks_consul(node: &Node, view: &View) -> Option<&'static str> {
    match view.members.get(&node.id) {
        Some(Serf::Alive) => None,
        Some(Serf::Failed) => Some("Consul's gossip does not reach it"),
        None => Some("Consul's servers do not know it"),
    }
}

/// The client that the machine was found to run, where its servers hear it.
fn own_client<'a>(node: &Node, view: &'a View) -> Result<&'a NomadClient, String> {
    let Some(id) = &node.nomad else { return Err("its run found no Nomad client on it".to_owned()) };
    let Some(client) = view.clients.iter().find(|client| client.id == *id) else {
        return Err(format!("Nomad's servers do not know its client {id}"));
    };
    if client.node != node.id {
        return Err(format!("its Nomad client {id} calls itself {}", client.node));
    }
    match client.status {
        Status::Ready => Ok(client),
        Status::Initializing => Err("Nomad waits for its first heartbeat".to_owned()),
        Status::Disconnected | Status::Down => Err("Nomad's servers miss its heartbeats".to_owned()),
    }
}

/// What is to be done to the clients of this name; nobody of that name is known where there is no node.
#[must_use]
pub fn acts<'a>(node: Option<&Node>, run: Option<&Run>, clients: impl Iterator<Item = &'a NomadClient>) -> Vec<Act> {
    clients.filter_map(|client| act(node, run, client)).collect()
}

fn act(node: Option<&Node>, run: Option<&Run>, client: &NomadClient) -> Option<Act> {
    let close = || (client.placement == Placement::Eligible).then(|| Act::Close(client.id.clone()));
    let Some(node) = node else { return close() };
    let own = node.nomad.as_ref() == Some(&client.id);
    let settled = matches!(node.state, NodeState::Ready | NodeState::Lapsed) || waits(node, run);
    match node.state {
        _ if own && waits(node, run) => None,
        // It was verified since its boot, and is worked on again.
        NodeState::Ready
        | NodeState::Lapsed
        | NodeState::CalledHome
        | NodeState::Configuring
        | NodeState::Verifying
            if own =>
        {
            None
        }
        _ if !own && settled && client.status == Status::Down => Some(Act::Purge(client.id.clone())),
        _ => close(),
    }
}

/// Why a node waits, in words for a person.
#[must_use]
pub fn reason(lack: &str) -> Reason {
    Reason {
        cause: format!("not a member of the cluster yet: {lack}"),
        remedy: "nothing, it is looked at again; on the node: journalctl -u consul -u nomad (where certificates are \
                 refused as expired or not yet valid, its clock: date)"
            .to_owned(),
    }
}

#[cfg(test)]
#[path = "joining_tests.rs"]
mod tests;
