//! What commands print: tables for people, JSON for programs, always on standard output.
//!
//! Written through `Write` rather than `println!`, which panics when the reader of a pipe has gone.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use vocabulary::{Timestamp, redact_tokens};

use super::exit::Failure;

/// How often a spinner turns.
pub(super) const TICK: Duration = Duration::from_millis(120);

/// How a listing is printed.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Output {
    /// Print JSON, as the API answers it, instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

/// Whether a change is carried out.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct Rehearsal {
    /// Print what would happen, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Rehearsal {
    /// As the API wants it.
    #[must_use]
    pub(super) fn query(self) -> [(&'static str, String); 1] {
        [("dry_run", self.dry_run.to_string())]
    }
}

/// Prints one line.
///
/// # Errors
/// Nobody reads any more.
pub(super) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    write(&format!("{}\n", text.as_ref()))
}

/// Prints text as it is.
///
/// # Errors
/// Nobody reads any more.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
}

/// Prints a value as JSON.
///
/// # Errors
/// Nobody reads any more.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints a table; `none` is said where it has no rows.
///
/// # Errors
/// Nobody reads any more.
pub(super) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>, none: &str) -> Result<(), Failure> {
    if rows.is_empty() {
        return line(none);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.map(str::to_uppercase));
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    for row in rows {
        table.add_row(row.map(|cell| plain(&cell)));
    }
    line(table.trim_fmt())
}

/// What machines said, without what would move the cursor or show a token.
#[must_use]
pub(super) fn plain(text: &str) -> String {
    redact_tokens(text).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A point in time, to the second.
#[must_use]
pub(super) fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The same, or nothing.
#[must_use]
pub(super) fn maybe<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_says_cannot_move_the_cursor() {
        assert_eq!(plain("a\x1b[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
    }
}
