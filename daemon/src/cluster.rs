//! The cluster as the daemon has it: its clients, kept fresh, and what must be done for it again and again.
//!
//! ```text
//!  own:  data_dir/cluster/{cluster.json, secrets} -> Cluster -> clients with the daemon's own tokens
//!  join: roost.toml, CONSUL_*, NOMAD_*            ----------->  clients with the operator's tokens
//! ```
//!
//! Clients carry a certificate that ends, so nobody keeps one: [`Door::agents`] gives those of now. What `roost cluster
//! init` has not made yet is no error at the daemon's start: the door says so, and opens once it is made and the daemon
//! is started again. The agents themselves are systemd's: a daemon that ends takes no server with it.

pub mod gossip;
pub mod init;
pub mod joined;
pub mod keeper;
pub mod kept;
pub mod promoter;
pub mod rotation;
pub mod servers;
pub mod status;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jobs::{
    BadCertificate, Fault, Whose,
    bootstrap::{As, Clients, Cluster, ClusterError, Role},
};
use tasks::Clock;
use vocabulary::{NodeId, Timestamp};

use crate::config::{ClusterMode, Config};
use kept::{Kept, KeptError, State};
use servers::Server;

/// Why there are no clients.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    /// None is configured.
    #[error("no cluster is configured (cluster.mode = \"none\" in roost.toml)")]
    NotConfigured,
    /// Nobody made it.
    #[error("the cluster is not made yet (as root: roost cluster init, then systemctl restart roost)")]
    NotMade,
    /// Somebody began to make it.
    #[error("the cluster is half made (as root: roost cluster init goes on, then systemctl restart roost)")]
    HalfMade,
}

/// The cluster could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is kept of it.
    #[error("cannot read what is kept of the cluster")]
    Kept(#[source] KeptError),
    /// Its keys.
    #[error("cannot use the cluster's keys")]
    Keys(#[source] ClusterError),
    /// Somebody else's.
    #[error("cannot use the cluster that roost.toml names")]
    Joined(#[source] joined::JoinedError),
}

/// What to do about a certificate that somebody does not take.
#[must_use]
pub const fn certificate_remedy(bad: &BadCertificate) -> &'static str {
    match (bad.whose, bad.fault) {
        (_, Fault::Expired | Fault::NotYetValid) => {
            "is this host's clock right (timedatectl, here and there)? If it is, the agent runs with a certificate that \
             ended: the daemon has renewed the files, restart the agent so that it reads them; anew: sudo roost cluster \
             init, then systemctl restart roost"
        }
        (Whose::Agents, Fault::WrongName) => {
            "is another agent at this address? mode join: [cluster] nomad and consul must be a name that the certificate \
             carries; mode own: sudo roost cluster init, then systemctl restart roost"
        }
        (Whose::Ours, Fault::Missing) => "mode join: set [cluster] cert and key; roost cluster status",
        _ => {
            "mode join: [cluster] ca, cert and key must be of the agent's authority; mode own: roost cluster status, then \
             sudo roost cluster init and systemctl restart roost"
        }
    }
}

/// Where everybody gets the cluster's clients; cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    own: Option<Own>,
    clients: RwLock<Result<Clients, Away>>,
}

/// A cluster of Roost's own.
pub(crate) struct Own {
    /// Another one once its secrets or its servers are others.
    cluster: RwLock<Arc<Cluster>>,
    pub(crate) kept: Kept,
    /// Held by who writes the files of the server's agents: one writes certificates, another what they read besides.
    pub(crate) writing: tokio::sync::Mutex<()>,
    /// Held by who replaces the gossip keys.
    pub(crate) rotating: tokio::sync::Mutex<()>,
    /// Nodes that are servers too, as they are kept.
    servers: Mutex<Vec<Server>>,
}

impl Own {
    fn new(cluster: Cluster, kept: Kept, servers: Vec<Server>) -> Self {
        let cluster = RwLock::new(Arc::new(cluster));
        let (writing, rotating) = <(tokio::sync::Mutex<()>, tokio::sync::Mutex<()>)>::default();
        Self { cluster, kept, writing, rotating, servers: Mutex::new(servers) }
    }

    /// As it is now.
    pub(crate) fn cluster(&self) -> Arc<Cluster> {
        Arc::clone(&self.cluster.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, cluster: Cluster) {
        *self.cluster.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(cluster);
    }

    fn servers(&self) -> std::sync::MutexGuard<'_, Vec<Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    /// Opens what the configuration and `roost cluster init` say.
    ///
    /// # Errors
    /// What is kept is damaged, or the configuration's files can't be used.
    pub fn open(config: &Config, clock: &dyn Clock) -> Result<Self, OpenError> {
        let (own, clients) = match config.cluster.mode {
            ClusterMode::None => (None, Err(Away::NotConfigured)),
            ClusterMode::Join => (
                None,
                Ok(joined::clients(&config.cluster, &|name| std::env::var(name).ok()).map_err(OpenError::Joined)?),
            ),
            ClusterMode::Own => match Kept::open(&config.data_dir).map_err(OpenError::Kept)? {
                None => (None, Err(Away::NotMade)),
                Some(kept) if !kept.state().is_closed => (None, Err(Away::HalfMade)),
                Some(kept) => {
                    let secrets = kept.secrets().map_err(OpenError::Kept)?;
                    let servers = kept.servers().map_err(OpenError::Kept)?;
                    let cluster = Cluster::new(kept.facts_with(&servers), secrets).map_err(OpenError::Keys)?;
                    let clients = cluster.clients(As::Daemon, clock.now()).map_err(OpenError::Keys)?;
                    (Some(Own::new(cluster, kept, servers)), Ok(clients))
                }
            },
        };
        Ok(Self(Arc::new(Inner { own, clients: RwLock::new(clients) })))
    }

    /// The clients of now.
    ///
    /// # Errors
    /// There is no cluster, or it is not made yet.
    pub fn agents(&self) -> Result<Clients, Away> {
        match &*self.0.clients.read().unwrap_or_else(PoisonError::into_inner) {
            Ok(clients) => Ok(clients.clone()),
            Err(Away::NotConfigured) => Err(Away::NotConfigured),
            Err(Away::NotMade) => Err(Away::NotMade),
            Err(Away::HalfMade) => Err(Away::HalfMade),
        }
    }

    /// The cluster itself as it is now, where it is Roost's own: what lets nodes in.
    #[must_use]
    pub fn own(&self) -> Option<Arc<Cluster>> {
        self.0.own.as_ref().map(Own::cluster)
    }

    /// What everybody may know of a cluster of Roost's own.
    #[must_use]
    pub fn state(&self) -> Option<&State> {
        self.0.own.as_ref().map(|own| own.kept.state())
    }

    /// Nodes that are servers too, become one or stop being one.
    #[must_use]
    pub fn servers(&self) -> Vec<Server> {
        self.0.own.as_ref().map(|own| own.servers().clone()).unwrap_or_default()
    }

    /// What this node is in a cluster of Roost's own.
    #[must_use]
    pub fn role(&self, node: &NodeId) -> Role {
        self.servers().iter().find(|server| server.node == *node).map_or(Role::Client, Server::role)
    }

    /// Changes which nodes are servers; on disk when it returns, and in use from then on: clients ask those that vote, kits
    /// name them, and the first server's agents read of them when they start next.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn change_servers(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut Vec<Server>) + Send,
    ) -> Result<(), OpenError> {
        let Some(own) = &self.0.own else { return Ok(()) };
        let _files = own.writing.lock().await;
        let mut servers = own.servers().clone();
        change(&mut servers);
        own.kept.keep_servers(&servers).map_err(OpenError::Kept)?;
        let (cluster, facts) = (own.cluster(), own.kept.facts_with(&servers));
        *own.servers() = servers;
        if *cluster.facts() != facts {
            let changed = Cluster::new(facts, cluster.secrets().clone()).map_err(OpenError::Keys)?;
            let clients = changed.clients(As::Daemon, now).map_err(OpenError::Keys)?;
            own.kept.write_agents(&changed).map_err(OpenError::Kept)?;
            own.replace(changed);
            self.replace(clients);
        }
        Ok(())
    }

    fn owned(&self) -> Option<&Own> {
        self.0.own.as_ref()
    }

    fn replace(&self, clients: Clients) {
        *self.0.clients.write().unwrap_or_else(PoisonError::into_inner) = Ok(clients);
    }
}
