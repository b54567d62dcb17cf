//! Rules on words in the code, macros included: what may not be called, and where.

use crate::{
    findings::{Finding, none},
    sources::{Source, sources},
};

/// Where tasks and threads may be started by hand, each with its reason.
const MAY_SPAWN: &[(&str, &str)] = &[
    ("daemon/tasks/src/", "naming and joining is what it does"),
    ("daemon/store/src/", "SQLite's connections each have a thread that ends with them"),
    ("daemon/lab/src/namespace.rs", "a thread that enters a namespace cannot leave it; scoped, so it is joined"),
    ("daemon/lab/src/machine/power.rs", "reads a console until its machine is off; the machine holds the handle"),
];

/// Files that may mint an approval.
const MAY_MINT: &[&str] = &["daemon/src/http/auth.rs", "daemon/src/policy.rs", "daemon/vocabulary/src/approved.rs"];

/// Words that mean a socket, a clock or a process.
const EFFECTS: &[&str] =
    &["tokio", "Instant", "SystemTime", "SystemClock", "UdpSocket", "TcpListener", "TcpStream", "File", "Command"];

/// Every place outside tests where these tokens follow each other.
fn follow(source: &Source, sequence: &[&str]) -> Vec<usize> {
    let matches = |window: &&[(String, usize)]| window.iter().zip(sequence).all(|((token, _), wanted)| token == wanted);
    let lines = source.tokens.windows(sequence.len()).filter(matches).map(|window| window[0].1);
    lines.filter(|line| !source.in_tests(*line)).collect()
}

/// Findings in all files that `concerned` picks.
fn forbid(sequences: &[&[&str]], concerned: impl Fn(&Source) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| concerned(source)) {
        for sequence in sequences {
            let places = follow(source, sequence).into_iter();
            found.extend(places.map(|line| Finding::new(&source.path, line, format!("`{}`", sequence.concat()))));
        }
    }
    found
}

#[test]
fn nothing_is_spawned_and_forgotten() {
    let spawns: &[&[&str]] = &[
        &["tokio", ":", ":", "spawn"],
        &["task", ":", ":", "spawn"],
        &["task", ":", ":", "spawn_local"],
        &["thread", ":", ":", "spawn"],
        &["thread", ":", ":", "Builder"],
    ];
    none(
        "every task and thread is named and joined",
        "tasks::Supervisor for parts of the daemon, a JoinSet that is joined for the rest",
        &forbid(spawns, |source| !MAY_SPAWN.iter().any(|(path, _)| source.path.starts_with(path))),
    );
}

#[test]
fn approvals_are_minted_in_two_places() {
    none(
        "Approved::mint is called by the API's authentication and by policy alone",
        "take an Approved<T> as an argument, so that whoever calls must have one",
        &forbid(&[&["Approved", ":", ":", "mint"], &[">", ":", ":", "mint"]], |source| {
            !MAY_MINT.contains(&source.path.as_str())
        }),
    );
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let mut found = forbid(&[&["#", "[", "allow", "("], &["#", "!", "[", "allow", "("]], |_| true);
    for source in sources() {
        let in_cfg = |window: &&[(String, usize)]| window[0].0 == "cfg_attr";
        for window in source.tokens.windows(12).filter(in_cfg) {
            if window.iter().any(|(token, _)| token == "allow") {
                found.push(Finding::new(&source.path, window[0].1, "`cfg_attr(.., allow(..))`"));
            }
        }
    }
    none(
        "no lint is allowed",
        "#[expect(the_lint, reason = \"why it is right here\")], which ends when it is not",
        &found,
    );
}

#[test]
fn nothing_unwraps_outside_tests() {
    none(
        "no unwrap outside tests",
        "return the error; or match and say what holds, if nothing can be wrong",
        &forbid(&[&[".", "unwrap", "(", ")"], &[".", "unwrap_err", "(", ")"]], |_| true),
    );
}

#[test]
fn protocols_do_nothing_themselves() {
    let is_proto = |source: &Source| source.path.contains("/proto/") || source.path.ends_with("/proto.rs");
    let effects: Vec<&[&str]> = EFFECTS.iter().map(std::slice::from_ref).collect();
    none(
        "protocol code is sans-IO: handle(now, input) -> outputs",
        "take `now` and the input as arguments, return what is to be done; sockets and clocks live in `serve`",
        &forbid(&effects, is_proto),
    );
}
