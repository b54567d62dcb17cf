//! A machine without QEMU: the same packets and requests as a real one, each a step that a test calls when it likes.
//!
//! It has a network namespace of its own with one cable to the rack's bridge, so that a daemon sees it as a machine
//! with its own address; a test can kill the daemon between any two steps. What goes over the wire is written here by
//! hand from the RFCs and from captures of real firmware, not with the library that the server uses: a shared mistake
//! would cancel out. [`Synthetic::start_system`] gives it a throw-away copy of this host's file system with a real
//! sshd, so that Ansible can run against it and break nothing.

mod dhcp;
mod disk;
mod place;
mod script;
mod system;
mod tftp;
mod walk;

pub use dhcp::{DhcpError, Lease, Offer, Stage};
pub use disk::{DiskError, LoopDisk};
pub use place::{PlugError, Synthetic, SyntheticSpec};
pub use script::Script;
pub use system::{System, SystemError};
pub use tftp::TftpError;
pub use walk::{CallHomeClaim, StepError};
