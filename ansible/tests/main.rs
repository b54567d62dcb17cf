//! The runner with the real ansible-core against a real sshd on loopback, and the inventory on real file systems.
//!
//! One binary, so that it links once. The Ansible environment is cached in `$ROOST_CACHE/venv`, by default
//! `/var/cache/roost/venv`; it, sshd and root are required, since a test that skips silently proves nothing.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod adoption;
mod control_node;
mod faults;
mod kits;
mod lint;
mod rack;
mod runs;
