//! What must be done for a cluster of Roost's own again and again: certificates renewed at a third of their lifetime,
//! Consul told by which keys Nomad signs, each node's Nomad entitled to what runs on it.
//!
//! One task, one pass every few seconds, each of the three only when it is due and whatever becomes of the others. What
//! fails is the part's reason in `/readyz`, is said once in the log, and tried again at the next pass: an agent that is
//! away is no reason for the daemon to end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use jobs::{
    bootstrap::{As, Clients, Cluster, Entitlements},
    pki::renew_at,
};
use tasks::{Clock, Stop};
use tokio::sync::watch;
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
    /// Of the management tokens, and of which cluster: made anew when that is another, or their certificate is renewed.
    management: Option<(Arc<Cluster>, Clients)>,
    entitlements: Entitlements,
    vouched_at: Option<Timestamp>,
    /// What is not as it should be, in words of ours: anybody may read `/readyz`.
    failing: Failing,
    /// What was said last, so that an agent that is away for hours fills no log.
    said: Option<String>,
}

/// What is not as it should be, now and later; empty when all is.
pub type Failing = Arc<watch::Sender<Vec<&'static str>>>;

/// One of the three things that are kept.
struct Failed {
    what: &'static str,
    error: String,
}

impl Keeper {
    /// Of this door's cluster; of one that is not Roost's own there is nothing to keep.
    #[must_use]
    pub fn new(door: &Door, clock: Arc<dyn Clock>) -> Self {
        let kept = door.owned().map(|own| own.kept.clone());
        Self {
            door: door.clone(),
            clock,
            kept,
            management: None,
            entitlements: Entitlements::default(),
            vouched_at: None,
            failing: Arc::new(watch::Sender::new(Vec::new())),
            said: None,
        }
    }

    /// What is not as it should be, now and later.
    #[must_use]
    pub fn failing(&self) -> Failing {
        Arc::clone(&self.failing)
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
                Some(failed) => self.say(&failed),
            }
            if stop.run_until_cancelled(tokio::time::sleep(PASS)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn pass(&mut self, own: &Own) -> Vec<Failed> {
        let now = self.clock.now();
        let renewed = {
            let _files = own.writing.lock().await;
            self.renew(own, now)
        };
        let outcomes = [
            ("certificates are not renewed", renewed),
            ("Consul is not told by which keys Nomad signs", self.vouch(own, now).await),
            ("nodes may not take away what they run", self.entitle(own, now).await),
        ];
        let failed = outcomes.into_iter().filter_map(|(what, outcome)| Some(Failed { what, error: outcome.err()? }));
        failed.collect()
    }

    async fn vouch(&mut self, own: &Own, now: Timestamp) -> Result<(), String> {
        if self.vouched_at.is_some_and(|at| now.duration_since(at).unsigned_abs() < VOUCH) {
            return Ok(());
        }
        let cluster = own.cluster();
        let vouched = cluster.vouch(self.management(&cluster, now)?).await;
        vouched.map_err(|error| tasks::chain(&error))?;
        self.vouched_at = Some(now);
        Ok(())
    }

    async fn entitle(&mut self, own: &Own, now: Timestamp) -> Result<(), String> {
        let consul = self.management(&own.cluster(), now)?.consul.clone();
        let settled = self.entitlements.settle(&consul).await;
        settled.map(drop).map_err(|error| tasks::chain(&error))
    }

    fn management(&mut self, cluster: &Arc<Cluster>, now: Timestamp) -> Result<&Clients, String> {
        let lifetime = cluster.facts().certificate_lifetime;
        let is_fresh = |(of, clients): &(Arc<Cluster>, Clients)| {
            Arc::ptr_eq(of, cluster) && clients.expires_at.is_none_or(|at| now < renew_at(at, lifetime))
        };
        if !self.management.as_ref().is_some_and(is_fresh) {
            self.management = None;
        }
        match &mut self.management {
            Some((_, clients)) => Ok(clients),
            none => {
                let clients = cluster.clients(As::Management, now).map_err(|error| tasks::chain(&error))?;
                Ok(&none.insert((Arc::clone(cluster), clients)).1)
            }
        }
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

    fn say(&mut self, failed: &[Failed]) {
        self.failing.send_replace(failed.iter().map(|one| one.what).collect());
        let words: Vec<String> = failed.iter().map(|one| format!("{}: {}", one.what, one.error)).collect();
        let said = (!words.is_empty()).then(|| words.join("; "));
        if said != self.said {
            match &said {
                Some(error) => tracing::warn!(error, "the cluster is not kept as it should be; tried again"),
                None => tracing::info!("the cluster is kept as it should be"),
            }
        }
        self.said = said;
    }
}
