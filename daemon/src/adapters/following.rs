//! Follows nodes whose lease moved: asks each that was given another address than it is known at, wherever it may be.
//!
//! A reconciler without input: a lease and an address that differ are all it needs, so nothing is lost with a restart or a
//! dropped sighting. What it finds is written by [`Pulse`], which lets no address move that the pinned key did not answer
//! at. Without it, the next run, the inventory and power orders would go to the address that the node had before.
//! Rejected: a look at each ACK, which anybody can have as many of as they like.

use std::{collections::HashMap, sync::Arc, time::Duration};

use pxe::dhcp::AddressBook;
use tasks::{BoxError, Clock, Stop};
use tokio::task::JoinSet;
use vocabulary::Mac;

use super::pulse::Pulse;
use crate::nodes::Nodes;

/// How often leases and addresses are compared.
const PERIOD: Duration = Duration::from_secs(5);
/// How soon a node that was not found is looked for again: whoever boots under its MAC has a lease too.
const AGAIN: Duration = Duration::from_secs(60);
/// How many nodes are looked for at once: all of them, where a pool changed.
const AT_ONCE: usize = 4;

/// The reconciler, built and not yet running.
pub struct Follower {
    /// Who knows the nodes.
    pub nodes: Nodes,
    /// Who knows the leases.
    pub addresses: Arc<dyn AddressBook>,
    /// Who asks a node.
    pub pulse: Pulse,
    /// Between two looks at the same node.
    pub clock: Arc<dyn Clock>,
}

impl Follower {
    /// Runs until told to stop.
    ///
    /// # Errors
    /// A look panicked.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        let mut looked: HashMap<Mac, Duration> = HashMap::new();
        let mut looks = JoinSet::new();
        loop {
            let now = self.clock.uptime();
            looked.retain(|_, at| now.saturating_sub(*at) < AGAIN);
            for mac in self.astray().await {
                if looks.len() < AT_ONCE && !looked.contains_key(&mac) {
                    looked.insert(mac, now);
                    let pulse = self.pulse.clone();
                    looks.spawn(async move { pulse.of(mac).await });
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PERIOD) => {}
                Some(ended) = looks.join_next() => drop(ended?),
            }
        }
        looks.shutdown().await;
        Ok(())
    }

    /// The nodes that were given another address than they are known at.
    async fn astray(&self) -> Vec<Mac> {
        let proved = self.nodes.ask(|ledger, _, _| {
            let proved = ledger.machines().filter(|one| one.node.identity.is_some());
            proved.map(|one| (one.node.mac, one.node.address)).collect::<Vec<_>>()
        });
        let proved = proved.await.unwrap_or_default();
        let moved = |(mac, known): &(Mac, _)| self.addresses.address_of(*mac).is_some_and(|at| Some(at) != *known);
        proved.into_iter().filter(moved).map(|(mac, _)| mac).collect()
    }
}
