//! The unit file and the code that speaks to systemd: readiness, status, watchdog, credentials.
//!
//! Outside systemd everything here does nothing and says so where it matters, so that the daemon has one way of
//! running. What the unit promises (binary, type, watchdog, capabilities) stands in [`mod@unit`] as constants too, and a
//! test compares both.
//!
//! Rejected: libsystemd bindings (a C library for four datagrams), socket activation (the daemon knows its listeners
//! only after it has read its configuration), a watchdog thread of its own (it would go on pinging while the
//! supervisor's loop hangs, which is the very thing to notice).

pub mod agents;
mod credentials;
mod notify;
mod seal;
pub mod unit;
mod watchdog;

pub use credentials::{CredentialError, Sealed, credential, credential_path, sealed};
pub use notify::Notify;
pub use seal::{CREDSTORE, SealError, is_booted, seal, sealed_path, unseal};
pub use watchdog::Watchdog;
