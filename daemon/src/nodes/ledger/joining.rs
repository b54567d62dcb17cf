//! The cluster's word on the ledger: who becomes ready by it, who says why not yet, what is to be done about clients.

use std::collections::HashSet;

use vocabulary::{Mac, Node, NodeId, NodeState, Reason, Step, Timestamp};

use super::{Ledger, Writes};
use crate::nodes::{
    joining::{self, Act, Standing, View},
    lifecycle::{passed, seconds},
};

impl Ledger {
    /// Whether a machine is on its way between its call-home and `ready`, so that its client may register at any moment, or
    /// is missed since a moment ago.
    #[must_use]
    pub fn is_joining(&self) -> bool {
        let under_way = |state| {
            matches!(state, NodeState::CalledHome | NodeState::Configuring | NodeState::Verifying | NodeState::Joining)
        };
        self.machines.values().any(|one| under_way(one.node.state) || one.lacks_since.is_some())
    }

    /// Takes note of what Consul's and Nomad's servers say; what is to be done about it.
    pub fn cluster_said(&mut self, now: Timestamp, view: &View, writes: &mut Writes) -> Vec<Act> {
        let mut acts = Vec::new();
        for node in self.waiting_for_the_cluster() {
            match self.machine(node.mac()).map(|one| joining::standing(&one.node, view)) {
                Some(Standing::Verified) => {
                    self.station(now, &node, Step::ConsulJoined, "alive in its gossip", writes);
                    acts.extend(self.machine(node.mac()).and_then(|one| one.node.nomad.clone()).map(Act::Admit));
                }
                Some(Standing::Member) => self.joined(now, &node, writes),
                Some(Standing::ConsulAlone(lack)) => {
                    self.station(now, &node, Step::ConsulJoined, "alive in its gossip", writes);
                    self.lacks(now, &node, joining::reason(&lack), writes);
                }
                Some(Standing::Nowhere(lack)) => self.lacks(now, &node, joining::reason(&lack), writes),
                None => {}
            }
        }
        self.look_for_lapses(now, view, writes);
        let names: HashSet<&NodeId> = view.clients.iter().map(|client| &client.node).collect();
        for name in names {
            let node = self.machine(name.mac()).map(|one| &one.node);
            let run = node.and_then(|node| self.run(node.run?));
            acts.extend(joining::acts(node, run, view.clients.iter().filter(|client| client.node == *name)));
        }
        acts
    }

    /// The servers cannot be asked: the nodes that wait for them say so.
    pub fn cluster_silent(&mut self, now: Timestamp, reason: &Reason, writes: &mut Writes) {
        for node in self.waiting_for_the_cluster() {
            self.lacks(now, &node, reason.clone(), writes);
        }
        // Nobody says that they are away.
        self.machines.values_mut().for_each(|one| one.lacks_since = None);
    }

    /// Takes `ready` from who was no member for too long, and gives it back at once.
    fn look_for_lapses(&mut self, now: Timestamp, view: &View, writes: &mut Writes) {
        let joined = |node: &&Node| node.nomad.is_some() && matches!(node.state, NodeState::Ready | NodeState::Lapsed);
        let looked = |node: &Node| (node.mac, node.state, joining::lapse(node, view));
        let found: Vec<_> = self.machines.values().map(|one| &one.node).filter(joined).map(looked).collect();
        for (mac, state, lack) in found {
            match (state, lack) {
                (NodeState::Ready, None) => {
                    self.machines.get_mut(&mac).into_iter().for_each(|one| one.lacks_since = None);
                }
                (NodeState::Ready, Some(lack)) => self.missed(now, mac, lack, writes),
                (_, None) => self.agreed_again(now, mac, writes),
                (_, Some(lack)) => {
                    self.turn(now, mac, writes, |tracked, _, _, _| tracked.node.reason = Some(lack));
                }
            }
        }
    }

    fn missed(&mut self, now: Timestamp, mac: Mac, lack: Reason, writes: &mut Writes) {
        let Some(one) = self.machines.get_mut(&mac) else { return };
        let since = *one.lacks_since.get_or_insert(now);
        if passed(since, now, self.rules.sla.absent) {
            self.turn(now, mac, writes, |tracked, _, turn, _| {
                turn.line(Step::Lapsed, lack.cause.clone());
                tracked.enter_because(now, NodeState::Lapsed, lack.cause, lack.remedy);
            });
        }
    }

    fn agreed_again(&mut self, now: Timestamp, mac: Mac, writes: &mut Writes) {
        self.turn(now, mac, writes, |tracked, _, turn, _| {
            turn.line(Step::Ready, format!("Consul and Nomad agree again, after {}", seconds(tracked.node.since, now)));
            tracked.enter(now, NodeState::Ready);
        });
    }

    /// A client of an earlier boot is gone.
    pub fn client_purged(&mut self, now: Timestamp, node: &NodeId, detail: String, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |_, _, turn, _| turn.line(Step::Note, detail));
    }

    fn waiting_for_the_cluster(&self) -> Vec<NodeId> {
        let waits = |node: &Node| joining::waits(node, node.run.and_then(|run| self.run(run)));
        self.machines.values().map(|one| &one.node).filter(|node| waits(node)).map(|node| node.id.clone()).collect()
    }

    fn joined(&mut self, now: Timestamp, node: &NodeId, writes: &mut Writes) {
        self.station(now, node, Step::ConsulJoined, "alive in its gossip", writes);
        let client = self.machine(node.mac()).and_then(|one| one.node.nomad.clone());
        let detail = client.map_or_else(String::new, |client| format!("client {client} is ready and eligible"));
        self.station(now, node, Step::NomadJoined, &detail, writes);
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| {
            let run = tracked.node.run.map_or_else(String::new, |run| format!("run {run}"));
            turn.line(Step::Ready, run);
            tracked.enter(now, NodeState::Ready);
        });
    }

    fn station(&mut self, now: Timestamp, node: &NodeId, step: Step, detail: &str, writes: &mut Writes) {
        let boot = self.machine(node.mac()).and_then(|one| one.boot_at(step));
        if boot.is_none_or(|boot| self.first_time(node.mac(), boot, step)) {
            self.turn(now, node.mac(), writes, |_, _, turn, _| turn.line(step, detail));
        }
    }

    /// One that failed keeps its failure as its reason until the cluster heals it.
    fn lacks(&mut self, now: Timestamp, node: &NodeId, reason: Reason, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |tracked, _, _, _| {
            if tracked.node.state == NodeState::Joining {
                tracked.node.reason = Some(reason);
            }
        });
    }
}

#[cfg(test)]
#[path = "joining_tests.rs"]
mod tests;
