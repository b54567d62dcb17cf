//! The words that every part of Roost shares: ids, identities, node states, timeline steps, events, secrets.
//!
//! serde only: no I/O, no clock, no async runtime, so that every other package may depend on it and it depends
//! on none of ours. A type belongs here when two packages that must not know each other both speak of it.
//! Rejected: a `types` module in `daemon` (leaves would depend on the root), and copies in each leaf (they drift).

mod approved;
mod event;
mod identity;
mod ids;
mod intake;
mod mac;
mod node;
mod nomad;
mod run;
mod said;
mod secret;
mod step;

pub use approved::{Approved, Authority};
pub use event::{Event, EventKind, Seq};
pub use identity::{EndorsementKey, EndorsementKind, HostKey, Identity, Kept, MachineId, SmbiosUuid, TpmIdentity};
pub use ids::{BootId, KeyId, NodeId, ParseIdError, RequestId, RunId};
pub use intake::{CallHome, DataDisk, DataState, Disk, Hardware, Progress};
pub use mac::{Mac, ParseMacError};
pub use node::{Firmware, Node, NodeState, Reason, Wait};
pub use nomad::{NomadId, ParseNomadIdError};
pub use run::{ProcessId, Run, RunPurpose, RunState};
pub use said::{leave_out_said, quote_said};
pub use secret::{Secret, Token, TokenHash, redact_tokens};
pub use step::{Step, StepRecord};

/// Wall-clock instant; the only time type that crosses package borders or reaches the store.
pub use jiff::Timestamp;
