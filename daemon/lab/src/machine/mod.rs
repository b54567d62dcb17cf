//! One QEMU machine: what it is made of, its power, its console.
//!
//! The core is synchronous and holds no runtime's socket, so that one rack can serve many tests with a runtime each,
//! and `Drop` can end it; the async methods run that core on tokio's blocking threads. A thread a running machine
//! reads its serial line until QEMU closes it and then reaps QEMU: a guest that switches itself off leaves no zombie.
//! Switching off is pulling the plug (that is what a rack does); [`Machine::shut_down`] presses the ACPI button first.

mod console;
mod plug;
mod power;
mod qemu;
mod qmp;
mod redact;
mod snapshot;
mod spec;

pub use console::{Console, WaitError, plain_text};
pub use power::{Machine, PowerError, Status};
pub use qemu::{OVMF_CODE, OVMF_VARS, QEMU};
pub use qmp::QmpError;
pub use redact::mask_tokens_in_file;
pub use snapshot::{Snapshot, SnapshotError};
pub use spec::{AddError, Capture, DiskBus, Firmware, MachineSpec, NicModel, TpmModel};
