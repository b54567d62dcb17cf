//! What the picture keeps of each thing: what listings and events both say of it, and nothing else.
//!
//! Less than the agents tell on purpose. A field that only listings have (a job's summary, the job version of an
//! allocation) would be right after a listing and wrong after the next event; environment, templates and outputs of
//! checks may hold secrets. Whoever needs more asks for the one thing that it is about.

use std::collections::BTreeMap;

use serde::Serialize;

use super::shelf::Seen;
use crate::{
    blocking::Index,
    consul::Status,
    nomad::{AllocationId, AllocationMetric, DeploymentId, EvaluationId, JobId, NodeId},
};

/// What is unique in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct InNamespace<T> {
    /// The namespace; empty in Consul.
    pub namespace: String,
    /// What is unique in it.
    pub id: T,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Its namespace and id.
    pub key: InNamespace<JobId>,
    /// Its name.
    pub name: String,
    /// `service`, `batch`, `system` or `sysbatch`.
    pub kind: String,
    /// `pending`, `running` or `dead`. `dead` is said between a failure and its rescheduling too.
    pub status: String,
    /// What Nomad adds to that.
    pub status_description: String,
    /// Somebody stopped it.
    pub stopped: bool,
    /// It starts others at set times.
    pub periodic: bool,
    /// It starts others when it is dispatched.
    pub parameterized: bool,
    /// The job that started it.
    pub parent: Option<JobId>,
    /// 1 to 100.
    pub priority: i64,
    /// Where its nodes are.
    pub pool: String,
    /// When it was submitted, in nanoseconds since 1970.
    pub submitted_ns: i64,
    /// What a change to it must name.
    pub job_modify_index: Index,
    /// Its version.
    pub modify_index: Index,
}

/// An allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Allocation {
    /// Its id.
    pub id: AllocationId,
    /// Such as `web.main[0]`.
    pub name: String,
    /// Its job.
    pub job: InNamespace<JobId>,
    /// Its group.
    pub group: String,
    /// Where it runs.
    pub node: NodeId,
    /// The name of that.
    pub node_name: String,
    /// `run`, `stop` or `evict`.
    pub desired: String,
    /// Why.
    pub desired_description: String,
    /// `pending`, `running`, `complete`, `failed`, `lost` or `unknown`.
    pub status: String,
    /// Why.
    pub status_description: String,
    /// What its deployment thinks of it, where it has one and that has decided.
    pub healthy: Option<bool>,
    /// It stands in for the next version.
    pub canary: bool,
    /// Who decided on it.
    pub evaluation: EvaluationId,
    /// Who will decide on its replacement.
    pub followup: Option<EvaluationId>,
    /// Its replacement.
    pub next: Option<AllocationId>,
    /// Its tasks.
    pub tasks: BTreeMap<String, Task>,
    /// When it was made, in nanoseconds since 1970.
    pub created_ns: i64,
    /// Its version.
    pub modify_index: Index,
}

/// A task of an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// `pending`, `running` or `dead`.
    pub state: String,
    /// It is given up.
    pub failed: bool,
    /// How often it was started again in place.
    pub restarts: u64,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Its job.
    pub job: InNamespace<JobId>,
    /// The version that it brings.
    pub job_version: u64,
    /// `running`, `successful`, `failed`, `cancelled`, `paused`, ...
    pub status: String,
    /// Why.
    pub status_description: String,
    /// Its groups.
    pub groups: BTreeMap<String, DeployedGroup>,
    /// Its version.
    pub modify_index: Index,
}

/// How far a group of a deployment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeployedGroup {
    /// How many are wanted.
    pub wanted: i64,
    /// How many there are.
    pub placed: i64,
    /// How many of them are well.
    pub healthy: i64,
    /// How many are not.
    pub unhealthy: i64,
    /// How many canaries are wanted.
    pub canaries_wanted: i64,
    /// Its canaries were let through.
    pub promoted: bool,
    /// When it must have got on, as Nomad writes it. Absent when nothing was placed: then it never fails.
    pub progress_by: Option<String>,
}

/// An evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Its id.
    pub id: EvaluationId,
    /// The job that it looks at.
    pub job: InNamespace<JobId>,
    /// What brought it about.
    pub triggered_by: String,
    /// `blocked`, `pending`, `complete`, `failed` or `canceled`.
    pub status: String,
    /// Why.
    pub status_description: String,
    /// The node that brought it about.
    pub node: Option<NodeId>,
    /// The deployment that it belongs to.
    pub deployment: Option<DeploymentId>,
    /// The one that waits for room on its behalf.
    pub blocked: Option<EvaluationId>,
    /// The one that follows.
    pub next: Option<EvaluationId>,
    /// Not before this time, as Nomad writes it.
    pub wait_until: Option<String>,
    /// How many could not be placed yet, by group.
    pub queued: BTreeMap<String, i64>,
    /// Why not, by group.
    pub failed: BTreeMap<String, AllocationMetric>,
    /// Its version.
    pub modify_index: Index,
}

/// A node of Nomad's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its datacenter.
    pub datacenter: String,
    /// Its pool.
    pub pool: String,
    /// Its class.
    pub class: String,
    /// `initializing`, `ready`, `down` or `disconnected`.
    pub status: String,
    /// Why.
    pub status_description: String,
    /// It may get allocations.
    pub eligible: bool,
    /// Its allocations are moved away.
    pub draining: bool,
    /// What it can run.
    pub drivers: BTreeMap<String, Driver>,
    /// Its version.
    pub modify_index: Index,
}

/// A driver of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Driver {
    /// It is there.
    pub detected: bool,
    /// It works.
    pub healthy: bool,
    /// What it says of that.
    pub said: String,
}

/// A service by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Its name, in Nomad with its namespace.
    pub key: InNamespace<String>,
    /// Tags of its instances.
    pub tags: Vec<String>,
}

/// Where a check is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CheckKey {
    /// On which node.
    pub node: String,
    /// Unique there. `serfHealth` says whether gossip reaches the node.
    pub id: String,
}

/// A check in Consul.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Where it is.
    pub key: CheckKey,
    /// Its name.
    pub name: String,
    /// The instance that it checks; none for a node.
    pub service_id: Option<String>,
    /// The name of its service.
    pub service: Option<String>,
    /// How it stands.
    #[serde(serialize_with = "word")]
    pub status: Status,
    /// Its version.
    pub modify_index: Index,
}

fn word<S: serde::Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.name())
}

macro_rules! seen {
    ($($thing:ident, $key:ty: |$one:ident| $clone:expr, $modified:expr;)*) => {$(
        impl Seen for $thing {
            type Key = $key;

            fn key(&self) -> $key {
                let $one = self;
                $clone
            }

            fn modified(&self) -> Index {
                let $one = self;
                $modified
            }
        }
    )*};
}

seen! {
    Job, InNamespace<JobId>: |one| one.key.clone(), one.modify_index;
    Allocation, AllocationId: |one| one.id.clone(), one.modify_index;
    Deployment, DeploymentId: |one| one.id.clone(), one.modify_index;
    Evaluation, EvaluationId: |one| one.id.clone(), one.modify_index;
    Node, NodeId: |one| one.id.clone(), one.modify_index;
    // Its tags come without an index: each listing replaces them.
    Service, InNamespace<String>: |one| one.key.clone(), { let _ = one; Index(0) };
    Check, CheckKey: |one| one.key.clone(), one.modify_index;
}
