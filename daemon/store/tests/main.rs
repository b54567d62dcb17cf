//! The store against real files: rows, races, kills, syncs, copies.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test where it stands")]

mod copies;
mod durability;
mod groups;
mod model;
mod opening;
mod rows;
mod samples;
mod syncs;

use std::{io::Write as _, path::PathBuf, process::Command};

const ROLE: &str = "ROOST_TEST_ROLE";
const FOLDER: &str = "ROOST_TEST_FOLDER";

/// The role that this process was started for, if it is a child of a test, and its folder.
fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(FOLDER)?.into()))
}

/// What starts this test binary again as one of its tests, in a role.
fn again(command: &mut Command, test: &str, role: &str, folder: &std::path::Path) {
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role).env(FOLDER, folder);
}

/// One write to standard output, unbuffered: what was said was said before a kill.
fn say(line: &str) {
    rustix::io::write(rustix::stdio::stdout(), format!("{line}\n").as_bytes()).unwrap();
}

/// Says loudly what was not tried.
fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes()).unwrap();
}
