//! Roost's daemon.

pub mod config;
pub mod nodes;
pub mod policy;
pub mod power;
pub mod ssh;
