//! The picture itself: what is known of the cluster, all kinds together.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    change::{Subject, Turn},
    notes::{Notes, TaskNote},
    read::{Noted, Object},
    seen::{Allocation, Check, CheckKey, Deployment, Evaluation, InNamespace, Job, Node, Service},
    shelf::{History, Moved, Shelf, Told},
};
use crate::{
    blocking::Index,
    nomad::{AllocationId, DeploymentId, EvaluationId, JobId, NodeId},
};

/// What is known of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    jobs: Shelf<Job>,
    allocations: Shelf<Allocation>,
    deployments: Shelf<Deployment>,
    evaluations: Shelf<Evaluation>,
    nodes: Shelf<Node>,
    nomad_services: Shelf<Service>,
    consul_services: Shelf<Service>,
    checks: Shelf<Check>,
    notes: BTreeMap<AllocationId, Notes>,
}

/// A listing of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Entries {
    /// Jobs.
    Jobs(Vec<Job>),
    /// Allocations, each with what its tasks reported.
    Allocations(Vec<(Allocation, Vec<TaskNote>)>),
    /// Deployments.
    Deployments(Vec<Deployment>),
    /// Evaluations.
    Evaluations(Vec<Evaluation>),
    /// Nodes.
    Nodes(Vec<Node>),
    /// Services in Nomad.
    NomadServices(Vec<Service>),
    /// Services in Consul.
    ConsulServices(Vec<Service>),
    /// Checks in Consul.
    Checks(Vec<Check>),
}

/// Entries by key; shared, so that a copy of the picture is cheap.
type Shown<K, T> = BTreeMap<K, Arc<T>>;

impl Picture {
    /// Jobs.
    #[must_use]
    pub const fn jobs(&self) -> &Shown<InNamespace<JobId>, Job> {
        self.jobs.entries()
    }

    /// Allocations.
    #[must_use]
    pub const fn allocations(&self) -> &Shown<AllocationId, Allocation> {
        self.allocations.entries()
    }

    /// Deployments.
    #[must_use]
    pub const fn deployments(&self) -> &Shown<DeploymentId, Deployment> {
        self.deployments.entries()
    }

    /// Evaluations.
    #[must_use]
    pub const fn evaluations(&self) -> &Shown<EvaluationId, Evaluation> {
        self.evaluations.entries()
    }

    /// Nodes of Nomad's.
    #[must_use]
    pub const fn nodes(&self) -> &Shown<NodeId, Node> {
        self.nodes.entries()
    }

    /// Services in Nomad.
    #[must_use]
    pub const fn nomad_services(&self) -> &Shown<InNamespace<String>, Service> {
        self.nomad_services.entries()
    }

    /// Services in Consul.
    #[must_use]
    pub const fn consul_services(&self) -> &Shown<InNamespace<String>, Service> {
        self.consul_services.entries()
    }

    /// Checks in Consul.
    #[must_use]
    pub const fn checks(&self) -> &Shown<CheckKey, Check> {
        self.checks.entries()
    }

    /// What the tasks of an allocation reported, oldest first a task; also what Nomad has dropped since.
    pub fn notes(&self, allocation: &AllocationId) -> impl Iterator<Item = &TaskNote> {
        self.notes.get(allocation).into_iter().flat_map(Notes::all)
    }

    /// What an event says.
    pub(super) fn tell(&mut self, at: Index, object: Object) -> Vec<Subject> {
        match object {
            Object::Job(told) => job(self.jobs.tell(at, told)),
            Object::Deployment(one) => deployment(self.deployments.tell(at, Told::Now(one))),
            Object::Evaluation(one) => evaluation(self.evaluations.tell(at, Told::Now(one))),
            Object::Node(told) => node(self.nodes.tell(at, told)),
            Object::Allocation((one, notes)) => {
                let id = one.id.clone();
                let moved = self.allocations.tell(at, Told::Now(one));
                self.noted(moved, BTreeMap::from([(id, notes)]))
            }
            Object::Unreadable(_) | Object::Other => Vec::new(),
        }
    }

    /// What a listing says.
    pub(super) fn list(&mut self, at: Index, entries: Entries, history: History) -> Vec<Subject> {
        match entries {
            Entries::Jobs(all) => job(self.jobs.list(at, all, history)),
            Entries::Allocations(all) => self.list_allocations(at, all, history),
            Entries::Deployments(all) => deployment(self.deployments.list(at, all, history)),
            Entries::Evaluations(all) => evaluation(self.evaluations.list(at, all, history)),
            Entries::Nodes(all) => node(self.nodes.list(at, all, history)),
            Entries::NomadServices(all) => {
                let moved = self.nomad_services.list(at, all, history).into_iter();
                moved.map(|(turn, one)| Subject::NomadService(turn, one)).collect()
            }
            Entries::ConsulServices(all) => {
                let moved = self.consul_services.list(at, all, history).into_iter();
                moved.map(|(turn, one)| Subject::ConsulService(turn, one)).collect()
            }
            Entries::Checks(all) => {
                let moved = self.checks.list(at, all, history).into_iter();
                moved.map(|(turn, one)| Subject::Check(turn, one)).collect()
            }
        }
    }

    fn list_allocations(&mut self, at: Index, all: Vec<Noted>, history: History) -> Vec<Subject> {
        let (mut entries, mut notes) = (Vec::with_capacity(all.len()), BTreeMap::new());
        for (entry, reported) in all {
            notes.insert(entry.id.clone(), reported);
            entries.push(entry);
        }
        let first = !self.allocations.is_listed();
        let moved = self.allocations.list(at, entries, history);
        if first {
            self.notes =
                std::mem::take(&mut notes).into_iter().map(|(id, reported)| (id, Notes::of(reported))).collect();
        }
        self.noted(moved, notes)
    }

    /// Copies what tasks reported and gives each change what is new of it. A new report makes a new version of its
    /// allocation, so those that have not moved have nothing new; one that is gone takes its reports along.
    fn noted(
        &mut self,
        moved: impl IntoIterator<Item = Moved<Allocation>>,
        mut notes: BTreeMap<AllocationId, Vec<TaskNote>>,
    ) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for (turn, one) in moved {
            let new = if turn == Turn::Gone {
                self.notes.remove(&one.id);
                Vec::new()
            } else {
                let reported = notes.remove(&one.id).unwrap_or_default();
                self.notes.entry(one.id.clone()).or_default().copy(reported)
            };
            subjects.push(Subject::Allocation(turn, one, new));
        }
        subjects
    }
}

fn job(moved: impl IntoIterator<Item = Moved<Job>>) -> Vec<Subject> {
    moved.into_iter().map(|(turn, one)| Subject::Job(turn, one)).collect()
}

fn deployment(moved: impl IntoIterator<Item = Moved<Deployment>>) -> Vec<Subject> {
    moved.into_iter().map(|(turn, one)| Subject::Deployment(turn, one)).collect()
}

fn evaluation(moved: impl IntoIterator<Item = Moved<Evaluation>>) -> Vec<Subject> {
    moved.into_iter().map(|(turn, one)| Subject::Evaluation(turn, one)).collect()
}

fn node(moved: impl IntoIterator<Item = Moved<Node>>) -> Vec<Subject> {
    moved.into_iter().map(|(turn, one)| Subject::Node(turn, one)).collect()
}
