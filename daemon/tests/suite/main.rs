//! The daemon's integration tests: one binary, so that everything links once.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report; clippy knows #[test] functions alone")]

mod api;
mod artefacts;
mod bench;
mod boot;
mod canaries;
mod cli_backup;
mod cli_client;
mod cluster;
mod control_node;
mod corpus;
mod crashes;
mod demo_ends;
mod disk;
mod first_server;
mod gate;
mod http_auth;
mod http_events;
mod http_listeners;
mod http_provision;
mod http_resources;
mod jobs;
mod joining;
mod kept;
mod matrix;
mod pictured;
mod power;
mod power_cut;
mod promotion;
mod renewal;
mod retiring;
mod roles;
mod rotation;
mod skew;
mod tpm;
mod walk;
mod watching;
