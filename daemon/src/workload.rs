//! What people do to the cluster's jobs, secrets and nodes: read, plan, and carry out what was approved.
//!
//! ```text
//!  http/jobs, http/secrets, http/drain --> Workload --> jobs::nomad --> the servers
//!                                            |
//!                                            `-- one audit entry, synced, before each change
//! ```
//!
//! Stateless: each request makes one over the clients that the cluster has now ([`ClusterDoor`]), since those change with
//! certificates and tokens. A change takes [`vocabulary::Approved`], which is bound to the exact bytes of the job and to
//! the index over which it was planned; Nomad refuses any other, so that nothing is lost or doubled, whoever else writes.
//!
//! Rejected: a row and a worker for each order, as for power switches. A registration is one idempotent write that names
//! the index it goes over; what a crash leaves open is found out by looking at the job again.

pub mod change;
pub mod drain;
pub mod error;
pub mod orders;
pub mod plan;
pub mod secrets;
pub mod tasks_output;

use std::sync::Arc;

use ::jobs::{bootstrap::Clients, nomad};
use serde_json::{Value, json};
use store::{Batch, NewEvent, Store};
use tasks::Clock;
use vocabulary::{Authority, EventKind};

pub use error::ClusterError;

use crate::cluster::{Away, Door};

/// Who has the clients, where there is a cluster.
pub trait ClusterDoor: Send + Sync + 'static {
    /// The clients as they are now.
    ///
    /// # Errors
    /// There is no cluster, or it cannot be spoken to yet.
    fn agents(&self) -> Result<Clients, Away>;
}

impl ClusterDoor for Door {
    fn agents(&self) -> Result<Clients, Away> {
        Self::agents(self)
    }
}

/// What a request does its work with.
pub struct Workload {
    agents: Clients,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Workload {
    /// Over the clients that there are now.
    ///
    /// # Errors
    /// There is no cluster, or it cannot be spoken to yet.
    pub fn open(door: &dyn ClusterDoor, store: Store, clock: Arc<dyn Clock>) -> Result<Self, ClusterError> {
        Ok(Self { agents: door.agents()?, store, clock })
    }

    /// Nomad, in this namespace where one is named.
    #[must_use]
    pub fn nomad(&self, namespace: Option<&str>) -> nomad::Client {
        match namespace {
            Some(namespace) => self.agents.nomad.in_namespace(namespace),
            None => self.agents.nomad.clone(),
        }
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Writes down who does what, before it is done.
    async fn note(&self, authority: &Authority, what: &str, subject: Value) -> Result<(), ClusterError> {
        let by = match authority {
            Authority::Person { name } => name.as_str(),
            Authority::Policy { rule } => rule,
        };
        let data = json!({ "by": by, "what": what, "subject": subject });
        let event = NewEvent { at: self.clock.now(), kind: EventKind::Audit, node: None, run: None, data };
        let noted = self.store.commit(Batch { events: vec![event], ..Batch::default() }).await;
        noted.map(drop).map_err(|error| ClusterError::Store(error.into()))
    }
}
