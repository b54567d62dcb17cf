//! Typed clients of Nomad and Consul.
//!
//! ```text
//!  nomad/openapi.yaml  --make generate--> nomad::generated  --\
//!  consul/openapi.yaml --make generate--> consul::generated ---+--> nomad::Client, consul::Client --> the agents
//!                          rs-consul (keys and values)  ------/       (transport: TLS, tokens, timeouts, pace)
//! ```
//!
//! What is generated speaks HTTP and knows the types; what is written by hand knows what the agents mean: which text
//! is a conflict, that `null` is an empty list, when an index has been reset, that a stream was cut. Callers see the
//! latter alone.
//!
//! Rejected: the published Nomad document and clients made of it (wrong about nulls, blocking and errors), and Nomad's
//! job as a Rust struct (a field that this version does not know would be lost when a job is read, changed and
//! registered again).
//!
//! Tests talk to real agents: `scripts/agents` says how those are had.

pub mod blocking;
pub mod bootstrap;
pub mod consul;
pub mod follow;
pub mod gossip;
pub mod nomad;
pub mod pki;
pub mod sights;
pub mod told;
pub mod transport;
pub mod watch;

pub use blocking::{Cursor, Index, Listing, Query};
pub use transport::{
    BadCertificate, BuildError, CallError, ClientCertificate, Endpoint, Fault, Limits, Tls, Turn, Whose,
};
