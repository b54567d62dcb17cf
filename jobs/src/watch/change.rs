//! What changed in the picture.

use std::sync::Arc;

use super::{
    notes::TaskNote,
    seen::{Allocation, Check, Deployment, Evaluation, Job, Node, Service},
    source::SourceStatus,
};
use crate::blocking::Index;

/// One change, in the order in which the picture changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Counts changes since the watching began, without a gap.
    pub number: u64,
    /// Where the agents' state was when it was seen.
    pub index: Index,
    /// What changed.
    pub subject: Subject,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turn {
    /// It is new.
    Appeared,
    /// It is another version of itself.
    Altered,
    /// It is no more; the change holds what it was.
    Gone,
}

/// What changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A job.
    Job(Turn, Arc<Job>),
    /// An allocation, with what its tasks reported since the change before.
    Allocation(Turn, Arc<Allocation>, Vec<TaskNote>),
    /// A deployment.
    Deployment(Turn, Arc<Deployment>),
    /// An evaluation.
    Evaluation(Turn, Arc<Evaluation>),
    /// A node of Nomad's.
    Node(Turn, Arc<Node>),
    /// A service in Nomad.
    NomadService(Turn, Arc<Service>),
    /// A service in Consul.
    ConsulService(Turn, Arc<Service>),
    /// A check in Consul.
    Check(Turn, Arc<Check>),
    /// A source answers again, or no longer. When it answers for the first time, the picture has its entries at once,
    /// without a change for each.
    Source(SourceStatus),
}

impl Turn {
    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Altered => "altered",
            Self::Gone => "gone",
        }
    }
}
