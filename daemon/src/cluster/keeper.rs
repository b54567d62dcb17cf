//! What must be done for a cluster of Roost's own again and again: certificates renewed at a third of their lifetime,
//! Consul told by which keys Nomad signs, each node's Nomad entitled to what runs on it.
//!
//! One task, one pass every few seconds, each part of it only when it is due. What fails is said and tried again at the
//! next pass: an agent that is away is no reason for the daemon to end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use jobs::{
    CallError,
    bootstrap::{As, Entitlements},
    pki::renew_at,
};
use tasks::{Clock, Stop};
use vocabulary::Timestamp;

use super::{Door, Own, kept::Kept};

/// Between two passes: what a stopped service waits for at most before its node may take it away.
const PASS: Duration = Duration::from_secs(5);
/// Nomad announces a key hours before it signs with it.
const VOUCH: Duration = Duration::from_secs(3600);

/// The task.
pub struct Keeper {
    door: Door,
    clock: Arc<dyn Clock>,
    kept: Option<Kept>,
    entitlements: Entitlements,
    vouched_at: Option<Timestamp>,
    /// What was said last, so that an agent that is away for hours fills no log.
    said: Option<String>,
}

impl Keeper {
    /// Of this door's cluster; of one that is not Roost's own there is nothing to keep.
    #[must_use]
    pub fn new(door: &Door, clock: Arc<dyn Clock>) -> Self {
        let kept = door.owned().map(|own| own.kept.clone());
        Self { door: door.clone(), clock, kept, entitlements: Entitlements::default(), vouched_at: None, said: None }
    }

    /// Runs until told to stop.
    ///
    /// # Errors
    /// None.
    pub async fn run(mut self, stop: Stop) -> Result<(), Infallible> {
        let door = self.door.clone();
        let Some(own) = door.owned() else {
            stop.cancelled().await;
            return Ok(());
        };
        loop {
            let pass = self.pass(own);
            match stop.run_until_cancelled(pass).await {
                None => return Ok(()),
                Some(outcome) => self.say(outcome.err()),
            }
            if stop.run_until_cancelled(tokio::time::sleep(PASS)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn pass(&mut self, own: &Own) -> Result<(), String> {
        let now = self.clock.now();
        {
            let _files = own.writing.lock().await;
            self.renew(own, now).map_err(|error| format!("certificates not renewed: {error}"))?;
        }
        let cluster = own.cluster();
        let all = cluster.clients(As::Management, now).map_err(|error| tasks::chain(&error))?;
        let told = |what: &'static str| move |error: CallError| format!("{what}: {}", tasks::chain(&error));
        if self.vouched_at.is_none_or(|at| now.duration_since(at).unsigned_abs() >= VOUCH) {
            cluster.vouch(&all).await.map_err(told("Consul is not told by which keys Nomad signs"))?;
            self.vouched_at = Some(now);
        }
        let settled = self.entitlements.settle(&all.consul).await;
        settled.map_err(told("nodes may not take away what they run"))?;
        Ok(())
    }

    fn renew(&mut self, own: &Own, now: Timestamp) -> Result<(), String> {
        let cluster = own.cluster();
        let lifetime = cluster.facts().certificate_lifetime;
        let is_due = |expires_at: Option<Timestamp>| expires_at.is_none_or(|at| now >= renew_at(at, lifetime));
        let agents = self.door.agents();
        if agents.is_ok_and(|clients| is_due(clients.expires_at)) {
            let clients = cluster.clients(As::Daemon, now).map_err(|error| tasks::chain(&error))?;
            self.door.replace(clients);
        }
        let Some(kept) = &mut self.kept else { return Ok(()) };
        if is_due(kept.state().certificates_expire_at) {
            let until = kept.write_server(&cluster, now).map_err(|error| tasks::chain(&error))?;
            tracing::info!(%until, folder = %kept.folder().display(), "renewed the first server's certificates");
        }
        Ok(())
    }

    fn say(&mut self, error: Option<String>) {
        if error != self.said {
            match &error {
                Some(error) => tracing::warn!(error, "the cluster is not kept as it should be; tried again"),
                None => tracing::info!("the cluster is kept as it should be"),
            }
        }
        self.said = error;
    }
}
