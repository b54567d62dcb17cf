//! The package's integration tests, in one binary: linking takes longer than they do.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test says so by panicking, a skipped one by a line"
)]

mod dhcp_clients;
mod dhcp_rig;
mod dhcp_wire;
