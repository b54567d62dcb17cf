//! What the agents send, made what the picture keeps.
//!
//! Listings send stubs, events whole objects; each thing is made from both here, side by side, so that the two agree.

use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    notes::{TaskNote, reported},
    seen::{
        Allocation, Check, CheckKey, DeployedGroup, Deployment, Driver, Evaluation, InNamespace, Job, Node, Service,
        Task,
    },
    shelf::Told,
    source::Source,
};
use crate::{
    blocking::Index,
    consul::{self, Status},
    nomad::{self, AllocationId, DeploymentId, EvaluationId, Event, JobId, NodeId},
};

/// An allocation with what its tasks reported.
pub(super) type Noted = (Allocation, Vec<TaskNote>);

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Job(Told<Job>),
    Allocation(Noted),
    Deployment(Deployment),
    Evaluation(Evaluation),
    Node(Told<Node>),
    /// It is of this kind and not understood: the listing will say.
    Unreadable(Source),
    /// Of no kind that the picture has.
    Other,
}

pub(super) fn object(at: Index, event: Event) -> Object {
    let Event { topic, r#type, mut payload, .. } = event;
    match &*topic {
        "Job" => read(&mut payload, "Job", Source::Jobs, |job: nomad::Job| {
            let job = of_job(&job)?;
            // A purge shows the job as it was, at a version that is not the event's.
            let deregistered = matches!(&*r#type, "JobDeregistered" | "JobBatchDeregistered");
            let purged = deregistered && job.modify_index < at;
            Some(Object::Job(if purged { Told::Gone(job) } else { Told::Now(job) }))
        }),
        "Allocation" => read(&mut payload, "Allocation", Source::Allocations, |one: nomad::Allocation| {
            Some(Object::Allocation(one.into()))
        }),
        "Deployment" => read(&mut payload, "Deployment", Source::Deployments, |one: nomad::Deployment| {
            Some(Object::Deployment(one.into()))
        }),
        "Evaluation" => read(&mut payload, "Evaluation", Source::Evaluations, |one: nomad::Evaluation| {
            Some(Object::Evaluation(one.into()))
        }),
        "Node" => read(&mut payload, "Node", Source::Nodes, |node: nomad::Node| {
            let node = Node::from(node);
            Some(Object::Node(if r#type == "NodeDeregistration" { Told::Gone(node) } else { Told::Now(node) }))
        }),
        _ => Object::Other,
    }
}

fn read<T: DeserializeOwned>(
    payload: &mut Value,
    name: &str,
    source: Source,
    make: impl FnOnce(T) -> Option<Object>,
) -> Object {
    let whole = payload.get_mut(name).map(Value::take).unwrap_or_default();
    serde_json::from_value(whole).ok().and_then(make).unwrap_or(Object::Unreadable(source))
}

fn some<T>(id: String, make: fn(String) -> T) -> Option<T> {
    (!id.is_empty()).then(|| make(id))
}

fn job_key(namespace: String, job: String) -> InNamespace<JobId> {
    InNamespace { namespace, id: JobId::new(job) }
}

impl From<nomad::JobStub> for Job {
    fn from(stub: nomad::JobStub) -> Self {
        Self {
            key: job_key(stub.namespace, stub.id),
            name: stub.name,
            kind: stub.type_,
            status: stub.status,
            status_description: stub.status_description,
            stopped: stub.stop,
            periodic: stub.periodic,
            parameterized: stub.parameterized_job,
            parent: some(stub.parent_id, JobId::new),
            priority: stub.priority,
            pool: stub.node_pool,
            submitted_ns: stub.submit_time,
            job_modify_index: Index(stub.job_modify_index),
            modify_index: Index(stub.modify_index),
        }
    }
}

fn of_job(job: &nomad::Job) -> Option<Job> {
    let fields = job.as_map();
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| fields.get(name).and_then(Value::as_i64).unwrap_or_default();
    let index = |name: &str| Index(fields.get(name).and_then(Value::as_u64).unwrap_or_default());
    let set = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    Some(Job {
        key: InNamespace { namespace: text("Namespace"), id: job.id()? },
        name: text("Name"),
        kind: text("Type"),
        status: text("Status"),
        status_description: text("StatusDescription"),
        stopped: job.is_stopped(),
        periodic: set("Periodic"),
        // What was dispatched keeps the block and is none itself, which is how Nomad's own listing sees it.
        parameterized: set("ParameterizedJob") && fields.get("Dispatched") != Some(&Value::Bool(true)),
        parent: some(text("ParentID"), JobId::new),
        priority: number("Priority"),
        pool: text("NodePool"),
        submitted_ns: number("SubmitTime"),
        job_modify_index: index("JobModifyIndex"),
        modify_index: index("ModifyIndex"),
    })
}

macro_rules! allocation {
    ($one:ident) => {{
        let states = $one.task_states.unwrap_or_default();
        let notes = reported(states.iter());
        let deployed = $one.deployment_status.unwrap_or_default();
        let allocation = Allocation {
            id: AllocationId::new($one.id),
            name: $one.name,
            job: job_key($one.namespace, $one.job_id),
            group: $one.task_group,
            node: NodeId::new($one.node_id),
            node_name: $one.node_name,
            desired: $one.desired_status,
            desired_description: $one.desired_description,
            status: $one.client_status,
            status_description: $one.client_description,
            healthy: deployed.healthy,
            canary: deployed.canary,
            evaluation: EvaluationId::new($one.eval_id),
            followup: some($one.followup_eval_id, EvaluationId::new),
            next: some($one.next_allocation, AllocationId::new),
            tasks: tasks(states),
            created_ns: $one.create_time,
            modify_index: Index($one.modify_index),
        };
        (allocation, notes)
    }};
}

impl From<nomad::AllocationStub> for Noted {
    fn from(one: nomad::AllocationStub) -> Self {
        allocation!(one)
    }
}

impl From<nomad::Allocation> for Noted {
    fn from(one: nomad::Allocation) -> Self {
        allocation!(one)
    }
}

fn tasks(states: HashMap<String, nomad::TaskState>) -> BTreeMap<String, Task> {
    let task = |state: nomad::TaskState| Task { state: state.state, failed: state.failed, restarts: state.restarts };
    states.into_iter().map(|(name, state)| (name, task(state))).collect()
}

impl From<nomad::Deployment> for Deployment {
    fn from(one: nomad::Deployment) -> Self {
        let group = |state: nomad::DeploymentState| DeployedGroup {
            wanted: state.desired_total,
            placed: state.placed_allocs,
            healthy: state.healthy_allocs,
            unhealthy: state.unhealthy_allocs,
            canaries_wanted: state.desired_canaries,
            promoted: state.promoted,
            progress_by: state.require_progress_by.filter(|time| !time.starts_with("0001-")),
        };
        let groups = one.task_groups.unwrap_or_default();
        Self {
            id: DeploymentId::new(one.id),
            job: job_key(one.namespace, one.job_id),
            job_version: one.job_version,
            status: one.status,
            status_description: one.status_description,
            groups: groups.into_iter().map(|(name, state)| (name, group(state))).collect(),
            modify_index: Index(one.modify_index),
        }
    }
}

impl From<nomad::Evaluation> for Evaluation {
    fn from(one: nomad::Evaluation) -> Self {
        Self {
            id: EvaluationId::new(one.id),
            job: job_key(one.namespace, one.job_id),
            triggered_by: one.triggered_by,
            status: one.status,
            status_description: one.status_description,
            node: some(one.node_id, NodeId::new),
            deployment: some(one.deployment_id, DeploymentId::new),
            blocked: some(one.blocked_eval, EvaluationId::new),
            next: some(one.next_eval, EvaluationId::new),
            wait_until: one.wait_until.filter(|time| !time.starts_with("0001-")),
            queued: one.queued_allocations.unwrap_or_default().into_iter().collect(),
            failed: one.failed_tg_allocs.unwrap_or_default().into_iter().collect(),
            modify_index: Index(one.modify_index),
        }
    }
}

macro_rules! node {
    ($one:ident) => {{
        let driver = |one: nomad::DriverInfo| Driver {
            detected: one.detected,
            healthy: one.healthy,
            said: one.health_description,
        };
        let drivers = $one.drivers.unwrap_or_default();
        Node {
            id: NodeId::new($one.id),
            name: $one.name,
            datacenter: $one.datacenter,
            pool: $one.node_pool,
            class: $one.node_class,
            status: $one.status,
            status_description: $one.status_description,
            eligible: $one.scheduling_eligibility == "eligible",
            draining: $one.drain,
            drivers: drivers.into_iter().map(|(name, one)| (name, driver(one))).collect(),
            modify_index: Index($one.modify_index),
        }
    }};
}

impl From<nomad::NodeStub> for Node {
    fn from(one: nomad::NodeStub) -> Self {
        node!(one)
    }
}

/// An event's node says with a strategy that it is drained, where a listing's has a word for it.
impl From<nomad::Node> for Node {
    fn from(one: nomad::Node) -> Self {
        let draining = one.drain_strategy.is_some();
        Self { draining, ..node!(one) }
    }
}

pub(super) fn nomad_services(one: nomad::ServiceNamespace) -> impl Iterator<Item = Service> {
    let namespace = one.namespace;
    one.services.unwrap_or_default().into_iter().map(move |service| {
        let key = InNamespace { namespace: namespace.clone(), id: service.service_name };
        Service { key, tags: sorted(service.tags.unwrap_or_default()) }
    })
}

pub(super) fn consul_service((name, tags): (String, Vec<String>)) -> Service {
    Service { key: InNamespace { namespace: String::new(), id: name }, tags: sorted(tags) }
}

/// The agents give tags in no order.
fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort_unstable();
    tags
}

impl From<consul::HealthCheck> for Check {
    fn from(one: consul::HealthCheck) -> Self {
        Self {
            status: Status::parse(&one.status),
            key: CheckKey { node: one.node, id: one.check_id },
            name: one.name,
            service_id: Some(one.service_id).filter(|id| !id.is_empty()),
            service: Some(one.service_name).filter(|name| !name.is_empty()),
            modify_index: Index(one.modify_index),
        }
    }
}
