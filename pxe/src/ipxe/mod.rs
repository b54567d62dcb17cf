//! iPXE scripts: what a machine is told once the loader runs.
//!
//! ```text
//!   iPXE --GET /boot/<mac>.ipxe--> http --ScriptAsk--> BootDesk (the daemon) --ScriptAnswer--> template --> iPXE
//! ```
//!
//! The templates are `pxe/templates/*.ipxe.j2`; what may enter them is in `word.rs`.

mod desk;
mod script;
mod word;

pub use desk::{BootDesk, FleetKey, FleetKeyError, LiveBoot, ScriptAnswer, ScriptAsk};
pub use script::{Addressee, LocalBoot, Script, ScriptError, Scripts};
pub use word::{Phrase, Word, WordError};
