//! The node lifecycle.

pub mod admission;
pub mod ledger;
pub mod lifecycle;
pub mod requests;
