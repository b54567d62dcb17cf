//! The one writer of Roost's inventory file.
//!
//! The list of nodes is read from the lifecycle inside the lock under which it is written, so a list that is older than
//! another never overwrites it: a node that was parked or forgotten cannot come back by a launch that was under way. The
//! launcher has the file brought up to date after every change of the lifecycle, so a node also leaves it without a launch.

use ansible::inventory::{Inventory, InventoryHost};
use tokio::sync::Mutex;
use vocabulary::Reason;

use super::runs::inventory_host;
use crate::nodes::{Nodes, ledger::Host};

/// Keeps the inventory file in step with the lifecycle.
pub struct Roster {
    nodes: Nodes,
    inventory: Inventory,
    /// What the file held after the last write; nothing is known of it before the first one.
    written: Mutex<Option<Vec<Host>>>,
}

impl Roster {
    /// The nodes and the file.
    #[must_use]
    pub fn new(nodes: Nodes, inventory: Inventory) -> Self {
        Self { nodes, inventory, written: Mutex::default() }
    }

    /// Makes the file hold exactly the nodes that belong into it now.
    ///
    /// # Errors
    /// It cannot be written now; the old file is whole.
    pub async fn write(&self) -> Result<(), Reason> {
        let mut written = self.written.lock().await;
        let hosts = self.hosts().await?;
        self.sync(&mut written, hosts).await
    }

    /// As [`Roster::write`], where the nodes are others than at the last write; what fails is tried again at the next.
    pub async fn refresh(&self) {
        let mut written = self.written.lock().await;
        let refreshed = match self.hosts().await {
            Ok(hosts) if written.as_ref() == Some(&hosts) => Ok(()),
            Ok(hosts) => self.sync(&mut written, hosts).await,
            Err(reason) => Err(reason),
        };
        if let Err(Reason { cause, remedy }) = refreshed {
            tracing::warn!(cause, remedy, "the inventory is not up to date; tried again");
        }
    }

    async fn hosts(&self) -> Result<Vec<Host>, Reason> {
        self.nodes.ask(|ledger, _, _| ledger.inventory()).await.map_err(|error| look_at_the_log(&error))
    }

    async fn sync(&self, written: &mut Option<Vec<Host>>, hosts: Vec<Host>) -> Result<(), Reason> {
        let (inventory, lines) = (self.inventory.clone(), hosts.clone());
        let lines: Vec<InventoryHost> = lines.into_iter().map(inventory_host).collect();
        *written = None;
        let outcome = tokio::task::spawn_blocking(move || inventory.sync(&lines)).await;
        let outcome = outcome.map_err(|panic| look_at_the_log(&panic))?;
        let outcome = outcome.map_err(|error| Reason { cause: tasks::chain(&error), remedy: error.remedy() })?;
        for warning in outcome.warnings {
            tracing::warn!(path = %warning.path.display(), cause = warning.cause, "names in this file were not checked");
        }
        *written = Some(hosts);
        Ok(())
    }
}

fn look_at_the_log(error: &dyn std::error::Error) -> Reason {
    Reason { cause: error.to_string(), remedy: "look at the daemon's log".to_owned() }
}
