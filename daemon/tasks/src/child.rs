//! Child processes that live and die as a group.
//!
//! A child leads its own process group, so that one signal reaches everything it started. When the leader ends,
//! what it left behind gets the same end: the leader is still a zombie then, its id (and so the group's) cannot
//! have been given to anyone else. An [`Identity`] (pid, start time, host boot) names a process for ever; with it a
//! later daemon finds a child of an earlier one again ([`Adopted`]) and never signals a stranger.
//!
//! Built on std's `process_group` and rustix's pidfd. Rejected: process-wrap, whose kill-on-drop reaches the
//! leader alone, whose group signals may go out after the leader was reaped, and which knows nothing of processes
//! that are not our children.

mod adopted;
mod group;
mod identity;
mod members;
mod spec;

pub use adopted::{Adopted, watch_exit};
pub use group::{Group, SpawnError};
pub use identity::{Identity, alive, identify};
pub use spec::{Input, Output, Spec};
