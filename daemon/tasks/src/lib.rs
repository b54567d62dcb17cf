//! What runs and for how long: supervised tasks, child processes, the clock, backoff, signals.
//!
//! Every task has a name, is joined and says what its failure means; every child lives in its own process group
//! and dies with it. Nothing of Roost is known here, so every part may use it.
//!
//! Rejected: bare `tokio::spawn` (an error nobody reads, a task nobody stops), one global cancellation token
//! (parts must stop in the reverse of the order in which they started), restarting failed tasks in-process (state
//! that made a task fail is still there: the daemon stops and systemd starts it anew).

pub mod backoff;
mod chain;
pub mod child;
mod clock;
mod signals;
mod status;
mod supervisor;

pub use chain::chain;
pub use clock::{Clock, ManualClock, SystemClock};
pub use signals::stop_on_signals;
pub use status::{Statuses, TaskState, TaskStatus};
pub use supervisor::{OnError, Pulse, Supervisor, TaskFailed};

/// Tells a task to stop; cloned freely, cancelled once.
pub use tokio_util::sync::CancellationToken as Stop;

/// Any error, where the caller can only report it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
