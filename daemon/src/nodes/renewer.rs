//! Renews the certificates of every node's agents without a person: looks which are due, whether their machines answer
//! on their pinned keys, and has a run queued for those that do.
//!
//! A reconciler like the launcher, which takes it from there: it remembers nothing, and what it does follows from the
//! lifecycle's own words. Nothing begins before the servers can be asked, so that after a rack was off for longer than
//! any certificate the first server has its new ones first, and then the nodes. A machine that does not answer costs a
//! look now and then and no run.

use std::{sync::Arc, time::Duration};

use ansible::Kits;
use tasks::{BoxError, Stop};
use tokio::task::JoinSet;
use vocabulary::Reason;

use super::{Nodes, NodesError, ledger::Host, renewal::Miss};
use crate::ssh::{Keyring, Pinned};

/// Between two looks; a day's margin is left of most lifetimes, and tests have lifetimes of minutes.
const PERIOD: Duration = Duration::from_secs(2);
/// How long a machine may take to answer on its pinned key.
const PATIENCE: Duration = Duration::from_secs(10);

/// The reconciler, built and not yet running.
pub struct Renewer {
    /// Whose certificates.
    pub nodes: Nodes,
    /// For the question whether the pinned key answers.
    pub keys: Arc<Keyring>,
    /// Whether certificates and tokens can be made now.
    pub kits: Arc<dyn Kits>,
}

impl Renewer {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// Never by itself; the signature is that of every part.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        loop {
            let turn = async {
                self.turn().await;
                tokio::time::sleep(PERIOD).await;
            };
            if stop.run_until_cancelled(turn).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn turn(&self) {
        let due = self.nodes.ask(|ledger, now, _| ledger.due_for_renewal(now)).await.unwrap_or_default();
        if due.is_empty() {
            return;
        }
        if let Err(reason) = self.kits.ready().await {
            for host in due {
                self.missed(&host, reason.clone()).await;
            }
            return;
        }
        let mut looks = JoinSet::new();
        for host in due {
            looks.spawn(look(Arc::clone(&self.keys), host));
        }
        while let Some(looked) = looks.join_next().await {
            match looked {
                Ok((host, Ok(()))) => {
                    log(self.nodes.ask(move |ledger, now, writes| ledger.renew(now, &host, writes)).await);
                }
                Ok((host, Err(reason))) => self.missed(&host, reason).await,
                Err(panic) => tracing::error!(%panic, "a look at a node failed; it is tried again"),
            }
        }
    }

    async fn missed(&self, host: &Host, reason: Reason) {
        let node = host.node.clone();
        log(self
            .nodes
            .ask(move |ledger, now, writes| ledger.not_renewed(now, &node, (Miss::Away, reason), writes))
            .await);
    }
}

async fn look(keys: Arc<Keyring>, host: Host) -> (Host, Result<(), Reason>) {
    let pinned = Pinned { address: host.address, host_keys: host.host_keys.clone() };
    let answered = keys.open(&pinned, PATIENCE).await.map_err(|error| Reason {
        cause: format!("its pinned host key does not answer: {error}"),
        remedy: format!("switch it on, or see where it is: roost node show {}", host.node),
    });
    (host, answered)
}

fn log<T>(told: Result<T, NodesError>) {
    if let Err(error) = told {
        tracing::debug!(%error, "what became of a renewal could not be written down");
    }
}
