//! The rack for real: namespaces, QEMU, packets. Needs root and QEMU; says so and fails when they are missing, because
//! a suite that skips its machines proves nothing.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail loudly too")]
#![expect(clippy::print_stderr, reason = "the probe's verdict belongs into the log of a test run")]

mod agents;
mod daemon;
mod keeper;
mod machine;
mod network;
mod support;
mod synthetic;
