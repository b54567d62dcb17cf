//! iPXE scripts: what a machine is told once the loader runs.
//!
//! ```text
//!   iPXE --GET /boot/<mac>.ipxe--> http --ScriptAsk--> BootDesk (the daemon) --ScriptAnswer--> template --> iPXE
//! ```

mod desk;

pub use desk::{BootDesk, FleetKey, FleetKeyError, LiveBoot, ScriptAnswer, ScriptAsk};
