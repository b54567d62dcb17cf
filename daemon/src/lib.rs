//! Roost's daemon.

pub mod nodes;
pub mod policy;
pub mod ssh;
