//! The list of promises in docs/architecture.md: every test that it names exists.

use crate::{
    findings::{Finding, none},
    sources::{sources, text},
};

const PAGE: &str = "docs/architecture.md";

#[test]
fn every_promise_of_trust_names_a_test_that_exists() {
    let page = text(PAGE).unwrap_or_default();
    let start = page.lines().position(|line| line == "## Trust").unwrap_or_default();
    let mut missing = Vec::new();
    let mut named = 0;
    for (number, line) in page.lines().enumerate().skip(start) {
        for name in tests_named(line) {
            named += 1;
            let declared = format!("fn {name}(");
            if !sources().iter().any(|source| source.text.contains(&declared)) {
                missing.push(Finding::new(PAGE, number + 1, format!("no test is called {name}")));
            }
        }
    }
    assert!(named > 20, "the list of promises was not found");
    none("every promise names a test that exists", "name the test that proves it, or write `not yet`", &missing);
}

/// Words in backticks that read like a test: three underscores at least, and nothing but a name.
fn tests_named(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        word.matches('_').count() >= 3
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    line.split('`').skip(1).step_by(2).filter(is_name)
}
