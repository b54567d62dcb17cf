//! Makes the first server: what `roost cluster init` does, and the virtual rack with agents that it starts itself.
//!
//! [`prepare`] keeps secrets and facts and writes the agents' files; somebody starts the agents; [`close`] waits for
//! their leaders and closes them. Each may be repeated: a crash at any point is gone on from by the same call.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use jobs::{
    CallError,
    bootstrap::{As, BootstrapError, Cluster, ClusterError, Facts, Ports, Step},
    pki::renew_at,
};
use tasks::Clock;
use vocabulary::Timestamp;

use super::kept::{Kept, KeptError, Sealing, StartedBy, State};
use crate::config::{ClusterMode, Config};

/// The first server's name, in Consul's catalog and Nomad's list of servers.
pub const SERVER: &str = "control";
/// A leader takes seconds; a busy host takes its time.
const LEADER: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(500);

/// The first server is not made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The configuration says otherwise.
    #[error("cluster.mode is not \"own\", so there is nothing to make")]
    NotOwn,
    /// It was made with other names.
    #[error("{} was made as {made}; roost.toml says {configured}", folder.display())]
    Different {
        /// Where it lies.
        folder: std::path::PathBuf,
        /// As it is.
        made: String,
        /// As it should be.
        configured: String,
    },
    /// What is kept of it.
    #[error("cannot keep the cluster's files")]
    Kept(#[source] KeptError),
    /// Its keys.
    #[error("cannot use the cluster's keys")]
    Keys(#[source] ClusterError),
    /// An agent has no leader.
    #[error("{service} has no leader after {} s", LEADER.as_secs())]
    Leaderless {
        /// Which.
        service: &'static str,
        /// What it said last, where it said anything.
        #[source]
        source: Option<CallError>,
    },
    /// A step.
    #[error("the cluster is not closed yet")]
    Bootstrap(#[source] BootstrapError),
}

/// A first server whose files are written.
pub struct Prepared {
    cluster: Cluster,
    kept: Kept,
    was_done: bool,
}

/// What a configuration asks for.
///
/// # Errors
/// It asks for no cluster of Roost's own.
pub fn facts(config: &Config) -> Result<Facts, InitError> {
    let cluster = &config.cluster;
    let (ClusterMode::Own, Some(advertise)) = (cluster.mode, cluster.advertise) else { return Err(InitError::NotOwn) };
    Ok(Facts {
        datacenter: cluster.datacenter.clone(),
        region: cluster.region.clone(),
        advertise,
        http: IpAddr::V4(Ipv4Addr::LOCALHOST),
        others: Vec::new(),
        certificate_lifetime: cluster.certificate_lifetime,
        ports: Ports::default(),
    })
}

/// Chooses and keeps the secrets, and writes the agents' files; what was begun is gone on with.
///
/// # Errors
/// The configuration asks for another cluster than the one that was begun, or a file can't be written.
pub fn prepare(config: &Config, facts: Facts, started_by: StartedBy, clock: &dyn Clock) -> Result<Prepared, InitError> {
    let begun = Kept::open(&config.data_dir).map_err(InitError::Kept)?;
    // What is good stays as it is: written anew, it would restart servers for nothing, and one that starts meanwhile
    // would read the old certificate with the new key.
    let is_good = begun.as_ref().is_some_and(|kept| is_good(kept.state(), &facts, started_by, clock.now()));
    let was_done = is_good && begun.as_ref().is_some_and(|kept| kept.state().is_closed);
    let (mut kept, secrets) = match begun {
        Some(mut kept) => {
            same(&kept, &facts)?;
            let secrets = kept.secrets().map_err(InitError::Kept)?;
            let change = |state: &mut State| {
                state.facts = facts;
                state.started_by = started_by;
            };
            kept.change(change).map_err(InitError::Kept)?;
            if kept.has_newer_gossip() && rustix::process::geteuid().is_root() {
                kept.keep_secrets(&secrets).map_err(InitError::Kept)?;
            }
            (kept, secrets)
        }
        None => {
            let server = SERVER.to_owned();
            let state = State { facts, server, started_by, is_closed: false, certificates_expire_at: None };
            Kept::begin(&config.data_dir, state).map_err(InitError::Kept)?
        }
    };
    let servers = kept.servers().map_err(InitError::Kept)?;
    let cluster = Cluster::new(kept.facts_with(&servers), secrets).map_err(InitError::Keys)?;
    if !is_good {
        kept.write_server(&cluster, clock.now()).map_err(InitError::Kept)?;
    }
    Ok(Prepared { cluster, kept, was_done })
}

fn is_good(state: &State, facts: &Facts, started_by: StartedBy, now: Timestamp) -> bool {
    let until = state.certificates_expire_at.map(|at| renew_at(at, facts.certificate_lifetime));
    state.facts == *facts && state.started_by == started_by && until.is_some_and(|at| now < at)
}

impl Prepared {
    /// Where the files are, and how the secrets are kept.
    #[must_use]
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Whether everything was there, so that no agent needs to be started anew.
    #[must_use]
    pub fn was_done(&self) -> bool {
        self.was_done
    }

    /// How the secrets are kept.
    #[must_use]
    pub fn sealing(&self) -> Sealing {
        self.kept.sealing()
    }

    /// Whether both agents answer now.
    pub async fn is_up(&self, clock: &dyn Clock) -> bool {
        let Ok(nobody) = self.cluster.clients(As::Nobody, clock.now()) else { return false };
        nobody.consul.leader().await.is_ok() && nobody.nomad.leader().await.is_ok()
    }

    /// Waits for both leaders and closes the cluster; `tell` hears of each step.
    ///
    /// # Errors
    /// There is no leader in time, or a step failed; called again it goes on.
    pub async fn close(mut self, clock: &dyn Clock, tell: impl FnMut(Step)) -> Result<Kept, InitError> {
        let nobody = self.cluster.clients(As::Nobody, clock.now()).map_err(InitError::Keys)?;
        leader("Consul", async || nobody.consul.leader().await).await?;
        leader("Nomad", async || nobody.nomad.leader().await).await?;
        // Nomad answers before it has keys to sign with, and only with those can it vouch for jobs.
        let keys = async || Ok(nobody.nomad.signing_keys().await?.pop().map(|key| key.kid));
        leader("Nomad", keys).await?;
        let (kept, server) = (self.kept.clone(), self.kept.state().server.clone());
        let keep = |secrets: &_| kept.keep_secrets(secrets).map(drop).map_err(Into::into);
        self.cluster.bootstrap(clock.now(), &server, keep, tell).await.map_err(InitError::Bootstrap)?;
        self.kept.change(|state| state.is_closed = true).map_err(InitError::Kept)?;
        Ok(self.kept)
    }
}

/// What certificates and agents are named after can't be changed under them.
fn same(kept: &Kept, facts: &Facts) -> Result<(), InitError> {
    let told = |facts: &Facts| format!("{} in {} at {}", facts.datacenter, facts.region, facts.advertise);
    let (made, configured) = (told(&kept.state().facts), told(facts));
    if made == configured {
        return Ok(());
    }
    Err(InitError::Different { folder: kept.folder().to_owned(), made, configured })
}

async fn leader(
    service: &'static str,
    ask: impl AsyncFn() -> Result<Option<String>, CallError>,
) -> Result<(), InitError> {
    let mut last = None;
    let poll = async {
        loop {
            match ask().await {
                Ok(Some(_)) => return,
                Ok(None) => last = None,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let found = tokio::time::timeout(LEADER, poll).await;
    found.map_err(|_| InitError::Leaderless { service, source: last })
}
