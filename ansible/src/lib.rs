//! From a machine's call-home to a configured node: intake, inventory, crash-safe Ansible runs.
//!
//! ```text
//!  POST body --callhome--> vocabulary::CallHome        (pure: bounds and refusals)
//!  node      --inventory-> 50-roost.yaml               (one locked, synced, atomically replaced file of our own)
//!  run       --runner----> ansible-playbook            (own process group, adopted after a restart)
//!                 |--events--> RunBook, RunnerHandle   (one line of JSON a task, from our callback plugin)
//!                 '--todo----> TODO.md                 (one item a failure, closed by the next success)
//! ```
//!
//! Ansible itself is a child process: a Python library inside the daemon was rejected, because a playbook may run
//! for an hour and must outlive the daemon's restart, its crash and its upgrade. The store is behind
//! [`RunBook`], so that this package knows no SQL and its tests need no database.
//!
//! Beside the Rust code stand what it runs: `playbook.yaml`, `roles/`, the callback plugin, the
//! launcher script and the pinned Python requirements. The last three are compiled in, since they must match the
//! code that speaks to them; the playbook and its roles are files that an operator may read and replace.

pub mod callhome;
pub mod events;
mod files;
pub mod inventory;
mod runner;
pub mod tail;
pub mod todo;
pub mod venv;

pub use files::LockError;
pub use runner::{
    BuildError, CancelError, Cancelled, Config, Deps, EnqueueError, FolderError, KIT_FOLDER, Keep, Kit, Kits,
    LaunchError, NoKits, Promise, RunBook, RunEnd, RunError, RunFolder, RunOrder, Runner, RunnerHandle, RunnerSnapshot,
    Wanted, plan as plan_removal,
};
