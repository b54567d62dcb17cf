//! What every handler can reach: the store to read, desks to change, and the API's own small state.

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use store::Store;
use tasks::{Clock, Stop};
use vocabulary::Timestamp;

use super::{
    desks::{FleetDesk, GossipDesk, NodeDesk, PartsBoard, RunDesk, ServersDesk},
    keyring::KeyRing,
    limit::Limiter,
    tickets::Tickets,
};
use crate::{
    bus::Bus,
    workload::{ClusterDoor, ClusterError, Workload},
};

/// How often the last uses of keys are written down.
const BOOKS: Duration = Duration::from_secs(60);

/// What the API is built from.
pub struct Deps {
    /// For reads, and for keys, which the API alone writes.
    pub store: Store,
    /// For event streams.
    pub bus: Bus,
    /// The lifecycle.
    pub nodes: Arc<dyn NodeDesk>,
    /// The runner.
    pub runs: Arc<dyn RunDesk>,
    /// The fleet key.
    pub fleet: Arc<dyn FleetDesk>,
    /// The cluster's gossip keys.
    pub gossip: Arc<dyn GossipDesk>,
    /// The way to the cluster, where there is one.
    pub cluster: Arc<dyn ClusterDoor>,
    /// Its servers.
    pub servers: Arc<dyn ServersDesk>,
    /// What is known of the cluster, where there is one: shown, marked, while it does not answer.
    pub picture: Option<::jobs::watch::Handle>,
    /// The daemon's parts, for readiness.
    pub parts: Arc<dyn PartsBoard>,
    /// Every key that may come in.
    pub keys: KeyRing,
    /// For everything that reads the time.
    pub clock: Arc<dyn Clock>,
    /// Renders `/metrics`; from [`super::prometheus::install`].
    pub metrics: PrometheusHandle,
}

/// Bounds and facts of the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Per key.
    pub requests_per_second: NonZeroU32,
    /// Per key, at once.
    pub burst: NonZeroU32,
    /// The largest body.
    pub body_limit_bytes: usize,
    /// How long a handler may take; streams are open longer.
    pub request_timeout: Duration,
    /// Where Roost's own authority is kept, where the API's certificate comes from it.
    pub authority: Option<PathBuf>,
}

/// The API's state; cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    deps: Deps,
    config: ApiConfig,
    limiter: Limiter,
    tickets: Tickets,
    own_uid: u32,
    started: Timestamp,
    started_uptime: Duration,
    closing: Stop,
}

impl Api {
    /// The state. Streams end when `closing` is cancelled, so that the daemon can end.
    #[must_use]
    pub fn new(config: ApiConfig, deps: Deps, closing: Stop) -> Self {
        let limiter = Limiter::new(config.requests_per_second, config.burst);
        let (started, started_uptime) = (deps.clock.now(), deps.clock.uptime());
        let own_uid = rustix::process::geteuid().as_raw();
        let tickets = Tickets::default();
        Self(Arc::new(Inner { deps, config, limiter, tickets, own_uid, started, started_uptime, closing }))
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.deps.store
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.0.deps.bus
    }

    pub(super) fn nodes(&self) -> &dyn NodeDesk {
        &*self.0.deps.nodes
    }

    pub(super) fn runs(&self) -> Arc<dyn RunDesk> {
        self.0.deps.runs.clone()
    }

    pub(super) fn fleet(&self) -> &dyn FleetDesk {
        &*self.0.deps.fleet
    }

    pub(super) fn gossip(&self) -> &dyn GossipDesk {
        &*self.0.deps.gossip
    }

    pub(super) fn servers(&self) -> &dyn ServersDesk {
        &*self.0.deps.servers
    }

    /// What a request does its work on the cluster with.
    pub(super) fn workload(&self) -> Result<Workload, ClusterError> {
        let Deps { cluster, store, clock, .. } = &self.0.deps;
        Workload::open(&**cluster, store.clone(), Arc::clone(clock))
    }

    pub(super) fn picture(&self) -> Option<&::jobs::watch::Handle> {
        self.0.deps.picture.as_ref()
    }

    pub(super) fn parts(&self) -> &dyn PartsBoard {
        &*self.0.deps.parts
    }

    pub(super) fn keys(&self) -> &KeyRing {
        &self.0.deps.keys
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.0.deps.clock
    }

    pub(super) fn metrics(&self) -> &PrometheusHandle {
        &self.0.deps.metrics
    }

    pub(super) fn config(&self) -> &ApiConfig {
        &self.0.config
    }

    pub(super) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    pub(super) fn own_uid(&self) -> u32 {
        self.0.own_uid
    }

    pub(super) fn started(&self) -> Timestamp {
        self.0.started
    }

    pub(super) fn uptime(&self) -> Duration {
        self.clock().uptime().saturating_sub(self.0.started_uptime)
    }

    pub(super) fn closing(&self) -> &Stop {
        &self.0.closing
    }

    /// Writes down what is kept in memory for a while; runs beside the listeners until told to stop.
    pub async fn keep_books(self, stop: Stop) {
        while stop.run_until_cancelled(tokio::time::sleep(BOOKS)).await.is_some() {
            self.write_books().await;
        }
        self.write_books().await;
    }

    async fn write_books(&self) {
        if let Err(error) = self.keys().write_used(self.store()).await {
            tracing::warn!(%error, "when keys were last used could not be written down");
        }
    }

    pub(super) fn rim(&self) -> Rim {
        Rim { clock: self.0.deps.clock.clone(), deadline: self.0.config.request_timeout }
    }
}

/// What the outermost layer needs; the boot listener has no more than this.
#[derive(Clone)]
pub struct Rim {
    /// For durations.
    pub clock: Arc<dyn Clock>,
    /// How long a handler may take.
    pub deadline: Duration,
}
