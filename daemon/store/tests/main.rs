//! The store against real files: rows, races, kills, syncs, copies.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test where it stands")]

mod rows;
mod samples;
