//! The clients against real agents: what Nomad and Consul really answer, in good times and bad.
//!
//! One pair of agents serves every test that breaks nothing; a test that kills, freezes or drains has agents of its
//! own. Without the programs a test fails and says how to get them: a suite that skips its agents proves nothing.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report; clippy knows #[test] functions alone")]

mod access;
mod allocations;
mod bootstrap;
mod closed;
mod consul;
mod faults;
mod jobs;
mod node;
mod nodes;
mod servers;
mod streams;
mod support;
mod tls;
mod told;
mod variables;
mod watch;
