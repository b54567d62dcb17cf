//! Against a real socket, real capabilities and systemd's own verifier.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test where it stands")]

mod capabilities;
mod credentials;
mod notify;
mod unit;

use std::{io::Write as _, process::Command};

const ROLE: &str = "ROOST_TEST_ROLE";

/// The role that this process was started for, if it is a child of a test.
fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// The arguments and variables that start this test binary again as one of its tests, in a role.
fn again(command: &mut Command, test: &str, role: &str) {
    command.args(["--exact", test, "--nocapture"]).env(ROLE, role);
}

/// Says loudly what was not tried.
fn skip(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    std::io::stderr().write_all(format!("SKIPPED {test}: {why}\n").as_bytes()).unwrap();
}
