//! The fleet key as the API knows it, over the keyring and the nodes that hold it.

use std::sync::Arc;

use serde_json::json;
use vocabulary::{Approved, NodeId};

use crate::{
    http::desks::{Effect, FleetDesk, NodeError, Rotate},
    nodes::{
        Nodes, NodesError,
        ledger::{Host, authority_name},
    },
    ssh::{Keyring, Pinned, RotateError},
};

/// The keyring, and who has the key.
pub struct Fleet {
    /// Who knows the nodes.
    pub nodes: Nodes,
    /// Who has the key.
    pub keys: Arc<Keyring>,
}

#[async_trait::async_trait]
impl FleetDesk for Fleet {
    async fn rotate(&self, order: Approved<Rotate>) -> Result<Vec<Effect>, NodeError> {
        let by = authority_name(order.authority());
        let silent = order.value().silent;
        let audited = self.nodes.ask(move |ledger, _, writes| {
            ledger.audit(&by, "rotate the fleet key", &json!(order.value()), writes);
        });
        audited.await.map_err(store)?;
        let rotation = self.keys.rotate(self.holders().await?, silent).await.map_err(|error| refused(&error))?;
        let effect =
            |effect: &'static str| move |node: NodeId| Effect { subject: node.to_string(), effect: effect.to_owned() };
        let rotated = rotation.rotated.into_iter().map(effect("has the new key"));
        let missed = rotation.missed.into_iter().map(effect("gets the new key at its next boot"));
        let own = Effect { subject: "fleet key".to_owned(), effect: "replaced".to_owned() };
        Ok(std::iter::once(own).chain(rotated).chain(missed).collect())
    }

    async fn preview(&self) -> Result<Vec<Effect>, NodeError> {
        let own = Effect {
            subject: "fleet key".to_owned(),
            effect: "is replaced, once every node has the new one".to_owned(),
        };
        let holders = self.holders().await?.into_iter();
        let nodes =
            holders.map(|(node, _)| Effect { subject: node.to_string(), effect: "gets the new key".to_owned() });
        Ok(std::iter::once(own).chain(nodes).collect())
    }
}

impl Fleet {
    async fn holders(&self) -> Result<Vec<(NodeId, Pinned)>, NodeError> {
        let hosts = self.nodes.ask(|ledger, _, _| ledger.hosts()).await.map_err(store)?;
        let pinned = |host: Host| (host.node, Pinned { address: host.address, host_keys: host.host_keys });
        Ok(hosts.into_iter().map(pinned).collect())
    }
}

fn store(error: NodesError) -> NodeError {
    NodeError::Store(error.into())
}

fn refused(error: &RotateError) -> NodeError {
    let hint = match error {
        RotateError::Credential => "systemd-creds encrypt the new key, then systemctl restart roost",
        RotateError::Silent(_) => "switch them on, or leave them to their next boot: roost ssh rotate --leave-silent",
        RotateError::Key(_) => "look at the data directory's disk and rights",
    };
    NodeError::Refused { reason: tasks::chain(error), hint: hint.to_owned() }
}
