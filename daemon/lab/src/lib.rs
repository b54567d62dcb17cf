//! The virtual rack: a bridge, machines that really boot, and nothing left behind.
//!
//! Everything lives in network namespaces that the rack made; the daemon under test runs in one of them, QEMU machines
//! hang on its bridge, synthetic machines have a namespace each. [`Rack`] owns all of it until it is dropped.

pub mod accel;
pub mod agents;
pub mod control;
mod daemon;
pub mod http;
mod ip;
pub mod keeper;
pub mod machine;
mod names;
mod namespace;
mod preflight;
pub mod process;
mod rack;
pub mod relay;
mod state;
pub mod synthetic;
mod teardown;
mod tpm;
pub mod wake;

pub use accel::Accel;
pub use control::PowerAction;
pub use daemon::{Api, Daemon, DaemonError, DaemonSpec};
pub use ip::IpError;
pub use keeper::{KeepError, Keeper, PlannedMachine, RackPlan, Report};
pub use machine::{Capture, Console, DiskBus, Firmware, Machine, MachineSpec, NicModel, TpmModel};
pub use names::{MachineName, ParseNameError, RackName, mac_for, serial_for, uuid_for};
pub use namespace::{EnterError, Namespace};
pub use preflight::{Lack, preflight, preflight_synthetic, preflight_tpm};
pub use rack::{DEFAULT_RUN_ROOT, Rack, RackSpec, UpError};
pub use state::{KeptBy, MachineState, RackState, StateError};
pub use synthetic::{Synthetic, SyntheticSpec};
pub use teardown::{DownError, Owned, racks, remove};
pub use tpm::{SWTPM, Tpm, TpmError};
