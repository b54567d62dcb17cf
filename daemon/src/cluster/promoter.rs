//! Carries out what was ordered about the servers, one node at a time: a run that makes it one, and then its votes.
//!
//! A reconciler over what is kept: it looks at the nodes' runs and at both agents' raft, does what [`servers::next`] says,
//! and remembers nothing but why it does not get on. A daemon that is killed anywhere goes on with its next look; at
//! worst a node is configured once more, which changes nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jobs::{
    CallError,
    bootstrap::{Clients, Role},
};
use tasks::{BoxError, Clock, Stop};
use tokio::sync::Notify;
use vocabulary::{NodeId, Reason, RunId};

use super::{
    Door, OpenError,
    servers::{self, Next, Peer, Phase, Raft, RunStanding, Server},
};

/// Between two looks while a node is under way.
const BUSY: Duration = Duration::from_secs(1);
/// The same while none is; an order wakes it.
const QUIET: Duration = Duration::from_secs(30);

/// The nodes, as far as the servers are concerned; the daemon implements it over their lifecycle.
#[async_trait]
pub trait Fleet: Send + Sync + 'static {
    /// The last run of a node; none where it is not known any more.
    ///
    /// # Errors
    /// It cannot be found out now.
    async fn last_run(&self, node: &NodeId) -> Result<Option<(RunId, RunStanding)>, Reason>;

    /// Asks for a run of a node that is up.
    ///
    /// # Errors
    /// It may not be configured now, and why.
    async fn configure(&self, node: &NodeId, by: &str) -> Result<RunId, Reason>;

    /// Tells its timeline.
    async fn tell(&self, node: &NodeId, line: String);
}

/// What is waited for, or what is in the way, of the node that is under way.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Mutex<Option<Standing>>>);

/// Of which node, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub node: NodeId,
    /// What is waited for, or why it does not get on.
    pub how: Result<String, Reason>,
}

/// The reconciler, built and not yet running.
pub struct Promoter<F> {
    /// The cluster and what is kept of it.
    pub door: Door,
    /// Its nodes.
    pub fleet: Arc<F>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// An order came.
    pub nudge: Arc<Notify>,
    /// Shown to whoever asks.
    pub progress: Progress,
}

impl Progress {
    /// As it is now.
    #[must_use]
    pub fn get(&self) -> Option<Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, standing: Option<Standing>) {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *own == standing {
            return;
        }
        match &standing {
            Some(Standing { node, how: Ok(what) }) => tracing::info!(%node, "a change of the servers waits {what}"),
            Some(Standing { node, how: Err(Reason { cause, remedy }) }) => {
                tracing::warn!(%node, cause, remedy, "a change of the servers does not get on");
            }
            None => tracing::info!("no change of the servers is under way"),
        }
        *own = standing;
    }
}

/// The servers as both agents have them now.
///
/// # Errors
/// An agent has no leader or does not answer.
pub async fn raft(clients: &Clients, region: &str) -> Result<Raft, CallError> {
    let (consul, nomad) = tokio::join!(clients.consul.autopilot_health(), clients.nomad.autopilot_health());
    let of_region = format!(".{region}");
    let consul = consul?.servers.unwrap_or_default().into_iter();
    let nomad = nomad?.servers.unwrap_or_default().into_iter();
    Ok(Raft {
        consul: consul.map(|one| Peer { name: one.name, is_voter: one.voter, is_healthy: one.healthy }).collect(),
        nomad: nomad
            .map(|one| Peer {
                name: one.name.strip_suffix(&of_region).unwrap_or(&one.name).to_owned(),
                is_voter: one.voter,
                is_healthy: one.healthy,
            })
            .collect(),
    })
}

impl<F: Fleet> Promoter<F> {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        loop {
            let Some(pause) = stop.run_until_cancelled(self.turn()).await else { return Ok(()) };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
                () = self.nudge.notified() => {}
            }
        }
    }

    /// One look and one step; how long to rest after it.
    pub async fn turn(&self) -> Duration {
        let under_way = self.door.servers().into_iter().find(|server| server.phase != Phase::Serving);
        let Some(server) = under_way else {
            self.progress.set(None);
            return QUIET;
        };
        let how = self.step(&server).await;
        self.progress.set(Some(Standing { node: server.node, how }));
        BUSY
    }

    async fn step(&self, server: &Server) -> Result<String, Reason> {
        let away = |cause: String| Reason { cause, remedy: "roost cluster status; it is tried again".to_owned() };
        let clients = self.door.agents().map_err(|error| away(error.to_string()))?;
        let region = self.door.own().map(|cluster| cluster.facts().region.to_string()).unwrap_or_default();
        let raft = raft(&clients, &region).await.map_err(|error| away(tasks::chain(&error)))?;
        let last = self.fleet.last_run(&server.node).await?;
        match servers::next(server, last.as_ref(), &raft) {
            Next::Wait(what) => Ok(what),
            Next::Stuck(reason) => Err(reason),
            Next::Settle => self.settle(server).await,
            Next::Run => match self.fleet.configure(&server.node, &server.by).await {
                Ok(run) => {
                    self.change(&server.node, |server| server.run = Some(run)).await?;
                    Ok(format!("for run {run}"))
                }
                // A machine that is away has nothing to give back, once the others went on without it.
                Err(_) if server.phase == Phase::Leaving && !raft.knows(&server.node) => self.settle(server).await,
                Err(reason) => Err(reason),
            },
        }
    }

    async fn settle(&self, server: &Server) -> Result<String, Reason> {
        let line = if matches!(server.role(), Role::Server(_)) {
            self.change(&server.node, |server| (server.phase, server.run) = (Phase::Serving, None)).await?;
            "is a server of the cluster: it votes in Consul and in Nomad"
        } else {
            let now = self.clock.now();
            let gone = |servers: &mut Vec<Server>| servers.retain(|one| one.node != server.node);
            self.door.change_servers(now, gone).await.map_err(|error| unwritten(&error))?;
            "is no server of the cluster any more"
        };
        self.fleet.tell(&server.node, line.to_owned()).await;
        Ok("for nothing: it is done".to_owned())
    }

    async fn change(&self, node: &NodeId, change: impl FnOnce(&mut Server) + Send) -> Result<(), Reason> {
        let changed = self.door.change_servers(self.clock.now(), |servers| {
            if let Some(server) = servers.iter_mut().find(|server| server.node == *node) {
                change(server);
            }
        });
        changed.await.map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &OpenError) -> Reason {
    Reason { cause: tasks::chain(error), remedy: "look at the disk of the control node; it is tried again".to_owned() }
}
