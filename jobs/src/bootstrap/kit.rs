//! What one node needs to join, minted for one run and kept nowhere here.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use vocabulary::{NodeId, Secret};

use super::{
    agents::{self, Place},
    facts::Facts,
};
use crate::{BuildError, CallError, pki::CertificateError};

/// What one node needs to join. `variables` may be read by anybody; `files` go to the node alone.
#[derive(Debug, Clone)]
pub struct NodeKit {
    /// For whom.
    pub node: NodeId,
    /// `datacenter`, `region`, `consul_servers`, `nomad_servers`, and `consul_config` and `nomad_config`: what the
    /// agents' files say, but for what is in `files` (`gossip` and tokens are merged from a second file).
    pub variables: Map<String, Value>,
    /// By name: `ca.pem`, `consul.pem`, `consul-key.pem`, `nomad.pem`, `nomad-key.pem`, `consul-gossip`,
    /// `consul-agent-token`, `nomad-consul-token`, `nomad-intro-token`; and `nomad-gossip` for one that serves.
    pub files: Vec<(&'static str, Secret<String>)>,
}

/// What a node is in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It runs jobs.
    Client,
    /// It runs jobs, and has a vote in both agents' raft; the others reach it there.
    Server(IpAddr),
    /// It runs jobs and had a vote: it gives that back before it goes on as a client.
    FormerServer,
}

/// No kit for this node.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// A certificate.
    #[error("cannot make the certificates of {node}")]
    Certificate {
        /// For whom.
        node: NodeId,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// The clients.
    #[error("cannot speak to the cluster's agents")]
    Client(#[source] BuildError),
    /// A token.
    #[error("cannot make the {what} of {node}")]
    Token {
        /// Which.
        what: &'static str,
        /// For whom.
        node: NodeId,
        /// Why.
        #[source]
        source: CallError,
    },
}

/// The names of a kit's files; a role that wants another finds it missing here first.
pub(super) mod file {
    pub(in crate::bootstrap) const AUTHORITY: &str = "ca.pem";
    pub(in crate::bootstrap) const CONSUL_CERTIFICATE: &str = "consul.pem";
    pub(in crate::bootstrap) const CONSUL_KEY: &str = "consul-key.pem";
    pub(in crate::bootstrap) const NOMAD_CERTIFICATE: &str = "nomad.pem";
    pub(in crate::bootstrap) const NOMAD_KEY: &str = "nomad-key.pem";
    pub(in crate::bootstrap) const CONSUL_GOSSIP: &str = "consul-gossip";
    pub(in crate::bootstrap) const CONSUL_AGENT_TOKEN: &str = "consul-agent-token";
    pub(in crate::bootstrap) const NOMAD_CONSUL_TOKEN: &str = "nomad-consul-token";
    pub(in crate::bootstrap) const NOMAD_INTRO_TOKEN: &str = "nomad-intro-token";
    pub(in crate::bootstrap) const NOMAD_GOSSIP: &str = "nomad-gossip";
}

/// What the roles are told.
pub(super) fn variables(facts: &Facts, node: &NodeId, role: Role) -> Map<String, Value> {
    let name = node.to_string();
    let (consul, nomad) = (Place::of_node(&name, "consul"), Place::of_node(&name, "nomad"));
    let (consul, nomad) = match role {
        Role::Server(at) => (agents::consul_joiner(facts, &consul, at), agents::nomad_joiner(facts, &nomad, at)),
        Role::Client | Role::FormerServer => {
            (agents::consul_client(facts, &consul), agents::nomad_client(facts, &nomad))
        }
    };
    let variables = json!({
        "datacenter": facts.datacenter,
        "region": facts.region,
        "consul_servers": facts.consul_join(),
        "nomad_servers": facts.nomad_servers(),
        "consul_config": consul,
        "nomad_config": nomad,
        "roost_leaves": role == Role::FormerServer,
    });
    match variables {
        Value::Object(variables) => variables,
        _ => Map::new(),
    }
}
