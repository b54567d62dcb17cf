//! The node lifecycle.

pub mod admission;
pub mod lifecycle;
