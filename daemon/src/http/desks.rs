//! What the API asks of the rest of the daemon: narrow traits, so that it is tested without a rack.
//!
//! Reads go straight to the store. Changes go to a desk, because only `nodes.rs` writes node state and only the
//! runner starts and ends runs. A desk takes orders as [`Approved`]; the look-ahead of `?dry_run=true` takes the
//! bare order, because it changes nothing. Both answer with the same [`Effect`]s, so that what was shown is what is
//! done.

use std::{collections::HashSet, net::SocketAddr};

use ansible::callhome::Report;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::{Approved, CallHome, Mac, NodeId, RunId};

use crate::cluster::servers::Phase;
use crate::power::PowerAction;
pub use crate::{
    cluster::servers::ServersOrder,
    disk::DiskOrder,
    nodes::{requests::Approval, retiring::RetireOrder},
};

/// A cause whose type does not matter here.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One thing that an order brings about, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// What changes: `node-525400123456`, `run-17`, `key ci`.
    #[schema(example = "node-525400123456")]
    pub subject: String,
    /// How: `waiting -> approved; it boots at its next request`.
    #[schema(example = "waiting -> approved")]
    pub effect: String,
}

/// An order to switch a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PowerOrder {
    /// Which machine.
    pub node: NodeId,
    /// On, off, or off and on.
    pub action: PowerAction,
}

/// An order to a node, to be looked at before it is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOrder {
    /// Admit.
    Approve(Approval),
    /// Keep out.
    Deny(NodeId),
    /// Switch.
    Power(PowerOrder),
    /// Remember no longer.
    Forget(NodeId),
    /// Take out of the cluster.
    Retire(RetireOrder),
}

/// Why an order to a node was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No machine of that name was ever seen.
    #[error("no node is called {0}")]
    Unknown(NodeId),
    /// The node is in a state that does not allow it, or another order came first.
    #[error("{reason}")]
    Conflict {
        /// What stands against it.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// The order makes no sense for this node, or the switch said no.
    #[error("{reason}")]
    Refused {
        /// What stands against it.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// It could not be made durable.
    #[error("the store failed")]
    Store(#[source] BoxError),
}

/// What would be answered to a machine, and why. Mints nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The machine asked about.
    #[schema(value_type = String, example = "52:54:00:12:34:56")]
    pub mac: Mac,
    /// Its state, where it was ever seen.
    pub state: Option<String>,
    /// What DHCP, the loader, the script and the call-home would get, in that order.
    pub answers: Vec<Answer>,
}

/// The answer at one station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// `dhcp`, `loader`, `script`, `call-home`.
    pub station: String,
    /// What would be answered.
    pub answer: String,
    /// Which fact or rule decides it.
    pub because: String,
}

/// The lifecycle, as the API sees it.
#[async_trait]
pub trait NodeDesk: Send + Sync + 'static {
    /// Admits machines, or opens a window for some to come.
    async fn approve(&self, order: Approved<Approval>) -> Result<Vec<Effect>, NodeError>;
    /// Keeps a machine out.
    async fn deny(&self, node: Approved<NodeId>) -> Result<Vec<Effect>, NodeError>;
    /// Remembers a machine no longer.
    async fn forget(&self, node: Approved<NodeId>) -> Result<Vec<Effect>, NodeError>;
    /// Switches a machine. `Ok` says that the order left; success is the machine's next DISCOVER.
    async fn power(&self, order: Approved<PowerOrder>) -> Result<Vec<Effect>, NodeError>;
    /// Makes one of a machine's disks its data disk.
    async fn disk(&self, order: Approved<DiskOrder>) -> Result<Vec<Effect>, NodeError>;
    /// Every disk of the machine, and what that order would make of it; asks the machine.
    async fn disks(&self, order: &DiskOrder) -> Result<Vec<Effect>, NodeError>;
    /// Takes a machine out of the cluster. `Ok` says that it began; its timeline shows its end.
    async fn retire(&self, order: Approved<RetireOrder>) -> Result<Vec<Effect>, NodeError>;
    /// What the order would bring about; fails as the order would.
    async fn preview(&self, order: NodeOrder) -> Result<Vec<Effect>, NodeError>;
    /// What a machine would be answered.
    async fn explain(&self, mac: Mac) -> Result<Explanation, NodeError>;
}

/// An order to replace the fleet key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rotate {
    /// What to do about nodes that do not answer.
    pub silent: crate::ssh::Silent,
}

/// The fleet key, which opens every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FleetKeyView {
    /// Its public half, as `authorized_keys` wants it.
    #[schema(example = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA...")]
    pub public: String,
    /// Where its private half lies, as the daemon sees it.
    #[schema(example = "/var/lib/roost/ssh/fleet_ed25519")]
    pub private: String,
    /// How well that is kept.
    #[schema(example = "a systemd credential")]
    pub kept: String,
    /// The key that is to be put in its place by whoever gave it; nodes take both.
    pub next: Option<NextKeyView>,
    /// Where a key that Roost made lies in plain text although this one was given: it can be removed.
    pub left_behind: Option<String>,
}

/// A key that a rotation handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextKeyView {
    /// Its public half.
    pub public: String,
    /// Where its private half lies.
    pub private: String,
    /// Nodes that did not answer the last time that they were to hear of it.
    #[schema(value_type = Vec<String>)]
    pub missed: Vec<NodeId>,
}

/// The fleet key, as the API sees it.
#[async_trait]
pub trait FleetDesk: Send + Sync + 'static {
    /// The key in use.
    async fn show(&self) -> Result<FleetKeyView, NodeError>;
    /// Replaces it on every node and on disk.
    async fn rotate(&self, order: Approved<Rotate>) -> Result<Vec<Effect>, NodeError>;
    /// What a rotation would bring about.
    async fn preview(&self) -> Result<Vec<Effect>, NodeError>;
}

/// An order to replace the keys of the cluster's gossip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RotateGossip {}

/// The cluster's gossip keys, as the API sees them.
#[async_trait]
pub trait GossipDesk: Send + Sync + 'static {
    /// Has every member use new ones and forget the others.
    async fn rotate(&self, order: Approved<RotateGossip>) -> Result<Vec<Effect>, NodeError>;
    /// What a rotation would bring about.
    async fn preview(&self) -> Result<Vec<Effect>, NodeError>;
}

/// One of the cluster's servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerView {
    /// Its name: the first server's, or that of its node.
    #[schema(example = "node-525400123456")]
    pub server: String,
    /// Where the others reach it.
    #[schema(example = "10.77.0.15")]
    pub address: String,
    /// `joining`, `serving` or `leaving`; the first server has none.
    pub phase: Option<Phase>,
    /// How Consul has it: `votes`, `votes, not well`, `has no vote`; absent where it knows no such server.
    pub consul: Option<String>,
    /// The same in Nomad.
    pub nomad: Option<String>,
    /// Who ordered the last change.
    pub by: Option<String>,
    /// When.
    pub since: Option<String>,
    /// The run that brings it there.
    #[schema(value_type = Option<u64>)]
    pub run: Option<RunId>,
    /// What it waits for, while it is under way.
    pub waits: Option<String>,
    /// Why it does not get on, and what to do.
    pub stuck: Option<String>,
}

/// The cluster's servers, as the API sees them.
#[async_trait]
pub trait ServersDesk: Send + Sync + 'static {
    /// Every server, the first one first.
    async fn list(&self) -> Result<Vec<ServerView>, NodeError>;
    /// Takes an order. `Ok` says that it is kept and goes on whatever happens; [`ServersDesk::list`] shows its end.
    async fn order(&self, order: Approved<ServersOrder>) -> Result<Vec<Effect>, NodeError>;
    /// What it would bring about; fails as the order would.
    async fn preview(&self, order: &ServersOrder) -> Result<Vec<Effect>, NodeError>;
}

/// An order to stop a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cancel {
    /// Which run.
    pub run: RunId,
}

/// An order about a run, to be looked at before it is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOrder {
    /// Repeat.
    Retry(RunId),
    /// Stop.
    Cancel(Cancel),
}

/// Why an order about a run was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There was never a run of that number.
    #[error("there is no run {0}")]
    Unknown(RunId),
    /// The run is in a state that does not allow it.
    #[error("{reason}")]
    Conflict {
        /// What stands against it.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// The run's log cannot be read.
    #[error("the log of run {run} cannot be read")]
    Log {
        /// Which run.
        run: RunId,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The run is over and its folder was removed.
    #[error("the output of run {0} was pruned")]
    Pruned(RunId),
    /// It could not be made durable or read.
    #[error("the store failed")]
    Store(#[source] BoxError),
}

/// A piece of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPiece {
    /// The bytes from the offset asked for; empty where nothing was written since.
    pub bytes: Vec<u8>,
    /// Whether the run is over and this piece reaches the end of its log.
    pub complete: bool,
}

/// The runner, as the API sees it.
#[async_trait]
pub trait RunDesk: Send + Sync + 'static {
    /// Queues a repeat; the answer names the new run.
    async fn retry(&self, run: Approved<RunId>) -> Result<(RunId, Vec<Effect>), RunError>;
    /// Stops a run and its whole process group.
    async fn cancel(&self, order: Approved<Cancel>) -> Result<Vec<Effect>, RunError>;
    /// What the order would bring about; fails as the order would.
    async fn preview(&self, order: RunOrder) -> Result<Vec<Effect>, RunError>;
    /// At most `limit_bytes` of the log from `offset`, secrets taken out.
    async fn log(&self, run: RunId, offset: u64, limit_bytes: usize) -> Result<LogPiece, RunError>;
    /// The runs that have a folder, and so a log.
    async fn kept(&self) -> Result<HashSet<RunId>, RunError>;
}

/// One part of the daemon, as `/readyz` and `/api/status` show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartStatus {
    /// Its name: `pxe/dhcp`.
    pub name: String,
    /// Whether it does its work.
    pub ready: bool,
    /// Why not, or what there is to say.
    pub reason: Option<String>,
}

/// The parts of the daemon, as the API sees them.
pub trait PartsBoard: Send + Sync + 'static {
    /// Every part, in the order in which they start.
    fn parts(&self) -> Vec<PartStatus>;
    /// Sets the gauges that are read when somebody asks.
    fn measure(&self) {}
}

/// Why a machine's POST was turned down. The machine shows `reason` on its console.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct IntakeRefusal {
    /// Which kind, and so which status.
    pub kind: RefusalKind,
    /// In words.
    pub reason: String,
    /// What a person at the console does.
    pub hint: String,
}

/// The kinds of refusal that a machine tells apart: it tries again after the last two alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The body says what cannot be (400).
    Malformed,
    /// The machine is parked or not admitted (403).
    Forbidden,
    /// Nobody minted this token (404).
    UnknownToken,
    /// The token was used by another identity (409).
    Conflict,
    /// The token expired (410 `token_expired`): the machine boots again by itself.
    Expired,
    /// A newer boot replaced the token (410 `token_superseded`). Booting again would replace that one in turn: two
    /// machines of one MAC would do so for ever.
    Superseded,
    /// Too often (429).
    TooMany,
    /// Not now: the store or a part is not there (503).
    Unavailable,
}

/// What booting machines post, as the boot listener sees it.
#[async_trait]
pub trait Intake: Send + Sync + 'static {
    /// Admits a call-home; answers after the run's row is durable.
    async fn call_home(&self, call: CallHome, peer: SocketAddr) -> Result<RunId, IntakeRefusal>;
    /// Adds one line to a timeline.
    async fn progress(&self, report: Report, peer: SocketAddr) -> Result<(), IntakeRefusal>;
}
