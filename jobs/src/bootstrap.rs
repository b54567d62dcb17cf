//! Makes a Consul and a Nomad cluster that is closed from its first second, and lets nodes into it.
//!
//! ```text
//!  Facts (public) + Secrets (sealed) --agents::*--> the agents' files --(systemd, a test)--> servers that run
//!        |                                                                       |
//!        +--Cluster--effects: first tokens, policies, tokens, who may vouch <----+
//!                \--mint(now, node) --> NodeKit: all that one node needs to join
//! ```
//!
//! Everything that opens a door is chosen before it is used and kept before it is told to anybody, so every effect can
//! be repeated after a crash at any point and finds what it did. Certificates say a role (`server.dc1.consul`,
//! `client.dc1.consul`), never an address alone, and both agents check it: a node's certificate can never serve.
//!
//! Rejected: Consul's auto-encrypt and auto-config (a second authority that knows no Nomad), tokens that are kept here
//! per node (Consul keeps them; their public names are derived), one certificate for both agents of a node (each proves
//! its own role alone).

pub mod agents;
mod cluster;
mod effects;
mod entitle;
mod facts;
mod first_token;
mod gossip;
mod kit;
mod secrets;
mod tokens;

pub use cluster::{As, Clients, Cluster, ClusterError, ServerFiles, ServerPlaces};
pub use effects::{BootstrapError, Step, Vouched};
pub use entitle::Entitlements;
pub use facts::{Facts, Label, LabelError, Ports};
pub use first_token::AclBootstrap;
pub use gossip::GossipError;
pub use kit::{MintError, NodeKit, Role};
pub use secrets::{GossipKeys, Secrets, SecretsError};
use tokens::WORKLOADS;
