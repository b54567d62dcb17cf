//! Broken rules, with their place and the remedy.

use std::fmt::Write as _;

/// One place where a rule is broken.
pub(crate) struct Finding {
    /// From the root of the repository.
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is there.
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

/// Fails the test when there are findings, with all of them.
#[track_caller]
pub(crate) fn none(rule: &str, remedy: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let mut out = format!("{} broken: {rule}\nremedy: {remedy}\n", findings.len());
    for found in findings {
        let _ = writeln!(out, "  {}:{}: {}", found.file, found.line, found.what);
    }
    panic!("{out}");
}
