//! What one node's run is given beside the inventory: facts about the cluster that it joins, and secrets of its own.
//!
//! Asked for when the run is about to begin, so that a certificate is as young as it can be, and so that no secret
//! waits in a queue or in the database: a run that a crash cut off before it did anything asks again. Facts become
//! extra variables. Secrets become files in the run's secrets, and nothing but their folder's name is a variable, so
//! that none of them is on a command line, in the inventory or in the run's own folder.

use async_trait::async_trait;
use vocabulary::{Reason, Secret};

use super::RunOrder;

/// The variable that names the folder of a kit's files.
pub const KIT_FOLDER: &str = "roost_kit";

/// One run's own facts and secrets.
#[derive(Debug, Default)]
pub struct Kit {
    /// Public facts, as extra variables of the playbook.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// Secrets by file name; the folder is the variable [`KIT_FOLDER`], set where there are any.
    pub files: Vec<(&'static str, Secret<String>)>,
}

/// Makes kits; the daemon implements it over the cluster's bootstrap.
#[async_trait]
pub trait Kits: Send + Sync + 'static {
    /// What this run needs, made for its node alone.
    ///
    /// # Errors
    /// Why it cannot be made now, and what to do; the run ends as failed.
    async fn kit(&self, order: &RunOrder) -> Result<Kit, Reason>;

    /// Whether kits can be made now: whoever queues runs asks first, so that one which waits for a leader, as after a
    /// power cut, waits and does not fail.
    ///
    /// # Errors
    /// Why not, and what to do.
    async fn ready(&self) -> Result<(), Reason> {
        Ok(())
    }
}

/// For a rack without a cluster: nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoKits;

#[async_trait]
impl Kits for NoKits {
    async fn kit(&self, _: &RunOrder) -> Result<Kit, Reason> {
        Ok(Kit::default())
    }
}
