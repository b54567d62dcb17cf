//! Asks the cluster's servers about the nodes, and does what follows for Nomad's clients.
//!
//! A reconciler like the launcher: it looks, tells the lifecycle, carries out what that says, and looks again. It
//! remembers nothing: an act that failed follows from the next look too, and one that was done follows no more. A look
//! waits at the servers for a change, so that a client which registers unasked for is closed at once, and the pace is
//! bounded however much changes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tasks::{BoxError, Stop};
use vocabulary::{NodeId, Reason};

use super::{
    Nodes,
    joining::{Act, View},
};

/// How long a look waits for a change while a machine is on its way into the cluster.
const BUSY: Duration = Duration::from_secs(1);
/// The same while none is.
const QUIET: Duration = Duration::from_secs(10);
/// Between two looks, whatever changes.
const PACE: Duration = Duration::from_millis(250);
/// Between two looks at servers that do not answer.
const SILENCE: Duration = Duration::from_secs(3);

/// The cluster, as far as the nodes' membership goes; the daemon implements it over its clients.
#[async_trait]
pub trait Cluster: Send + Sync + 'static {
    /// What the servers say, after the next change or after so long.
    ///
    /// # Errors
    /// Who does not answer, and what to do.
    async fn look(&self, patience: Duration) -> Result<View, Reason>;

    /// Does it, or finds it done.
    ///
    /// # Errors
    /// Why it could not be done now.
    async fn carry_out(&self, act: &Act) -> Result<(), Reason>;
}

/// The reconciler, built and not yet running.
pub struct Joiner<C> {
    /// Whose nodes join.
    pub nodes: Nodes,
    /// What they join.
    pub cluster: Arc<C>,
}

impl<C: Cluster> Joiner<C> {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        loop {
            let pause = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                pause = self.turn() => pause,
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One look and what follows; how long to rest after it.
    async fn turn(&self) -> Duration {
        let view = match self.look().await {
            Ok(view) => view,
            Err(reason) => {
                let told = self.nodes.ask(move |ledger, now, writes| ledger.cluster_silent(now, &reason, writes));
                log(told.await);
                return SILENCE;
            }
        };
        let whose: Vec<_> = view.clients.iter().map(|client| (client.id.clone(), client.node.clone())).collect();
        let acts = self.nodes.ask(move |ledger, now, writes| ledger.cluster_said(now, &view, writes)).await;
        for act in acts.unwrap_or_default() {
            let owner = whose.iter().find(|(id, _)| *id == *act.client()).map(|(_, node)| node.clone());
            self.act(&act, owner).await;
        }
        PACE
    }

    /// A machine that begins to join does not wait until a quiet look is over.
    async fn look(&self) -> Result<View, Reason> {
        if !self.is_joining().await {
            tokio::select! {
                view = self.cluster.look(QUIET) => return view,
                () = self.until_joining() => {}
            }
        }
        self.cluster.look(BUSY).await
    }

    async fn is_joining(&self) -> bool {
        self.nodes.ask(|ledger, _, _| ledger.is_joining()).await.unwrap_or_default()
    }

    async fn until_joining(&self) {
        while !self.is_joining().await {
            tokio::time::sleep(BUSY).await;
        }
    }

    async fn act(&self, act: &Act, owner: Option<NodeId>) {
        let client = act.client();
        match (self.cluster.carry_out(act).await, act) {
            (Err(reason), _) => {
                tracing::warn!(%client, ?act, cause = reason.cause, remedy = reason.remedy, "not done, it is tried again");
            }
            (Ok(()), Act::Admit(_)) => tracing::info!(%client, ?owner, "a verified node may get allocations"),
            (Ok(()), Act::Close(_)) => {
                tracing::warn!(%client, ?owner, "a Nomad client whose node is not verified gets no allocations");
            }
            (Ok(()), Act::Purge(_)) => {
                let Some(owner) = owner else { return };
                let detail = format!("its Nomad client of an earlier boot, {client}, was drained and purged");
                let told = self.nodes.ask(move |ledger, now, writes| ledger.client_purged(now, &owner, detail, writes));
                log(told.await);
            }
        }
    }
}

fn log(told: Result<(), super::NodesError>) {
    if let Err(error) = told {
        tracing::debug!(%error, "what the cluster says could not be written down");
    }
}
