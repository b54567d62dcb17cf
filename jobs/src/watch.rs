//! One reconciled picture of what Nomad and Consul say: jobs, allocations, deployments, evaluations, nodes, services,
//! checks; and a stream of typed changes to it.
//!
//! ```text
//!  event stream --hint, carries the object--> +---------+ --changes--> readers, each at its own pace
//!  blocking queries --"the table moved"-----> | Picture | --read-----> whoever wants to know how it is
//!  listings --the truth, verified as of------ | + Plan  | --Ask------> what to ask next, and when
//!             an index                        +---------+
//! ```
//!
//! What is listed is the truth as of its index; an event counts until the next listing and never against it. Per table of
//! Nomad one blocking query of one entry stays open: it costs next to nothing and its answer says that the table moved.
//! When the stream said the same, the table is listed within [`Config::settle`]; when it did not (it is cut, it dropped
//! events, the change was of a kind that has none, such as garbage collection), it is listed at once. So a stream that
//! lies by silence costs a second, not the truth. Consul has no stream: its two listings are blocking queries themselves.
//!
//! After an outage the last picture stands, its sources say since when they are stale and why, and what changed meanwhile
//! comes as changes once they answer again. Decisions are pure ([`Core::handle`], [`Core::next`]); sockets are in
//! `sources.rs`.
//!
//! Rejected: blocking queries of whole listings (with 5,000 allocations each change would move megabytes), the stream
//! alone (Nomad keeps some hundred events, drops a slow reader's silently and has none for what it collects), an agent's
//! cache.

mod change;
mod core;
#[cfg(test)]
mod core_tests;
mod line;
mod notes;
mod part;
mod picture;
mod plan;
mod read;
pub mod seen;
mod shelf;
mod source;
mod sources;

pub use change::{Change, Subject, Turn};
pub use core::{Core, Input};
pub use line::Pace;
pub use notes::TaskNote;
pub use part::{Agents, Asked, Config, Deps, Handle, News, Reader, Watch};
pub use picture::{Entries, Picture};
pub use plan::Ask;
pub use source::{Source, SourceStatus, Standing};
pub use sources::look;
