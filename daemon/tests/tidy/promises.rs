//! The list of promises in docs/architecture.md: each names a test that exists, or says `not yet` with what is missing.
//!
//! A row is judged by its last cell alone: a promise may well speak of `trust_boot_network`, and that proves nothing.

use crate::{
    findings::{Finding, none},
    sources::{files, sources, text},
};

const PAGE: &str = "docs/architecture.md";
const NOT_YET: &str = "not yet";

#[test]
fn every_promise_of_trust_names_a_test_that_exists_or_says_not_yet() {
    let page = text(PAGE).unwrap_or_default();
    let start = page.lines().position(|line| line == "## Trust").unwrap_or_default();
    let mut broken = Vec::new();
    let mut promises = 0;
    for (number, line) in page.lines().enumerate().skip(start) {
        let Some(proof) = proof(line) else { continue };
        promises += 1;
        broken.extend(faults(proof, exists).into_iter().map(|what| Finding::new(PAGE, number + 1, what)));
    }
    assert!(promises > 40, "the list of promises was not found: {promises}");
    none("every promise names a test that exists", "name the test that proves it, or write `not yet` and why", &broken);
}

#[test]
fn a_promise_without_a_proof_is_found() {
    let known = |name: &str| name == "a_test" || name == "another_test";
    let said = |row: &str| faults(proof(row).unwrap(), known);
    assert_eq!(proof("| promise | proof |"), None);
    assert_eq!(proof("|---|---|"), None);
    assert_eq!(proof("No row, but `a_test`."), None);
    for whole in
        ["| It holds | `a_test` |", "| It does | `a_test`, by `else` and `another_test` |", "| A | not yet: B |"]
    {
        assert_eq!(said(whole), [""; 0], "{whole}");
    }
    assert_eq!(said("| The key `a_test` is kept | it is obvious |"), ["no test and no `not yet`"]);
    assert_eq!(said("| It holds | `renamed_since` |"), ["no test is called renamed_since"]);
    assert_eq!(said("| It holds | not yet |"), ["`not yet` without what is missing"]);
}

#[test]
fn a_helper_and_a_test_that_is_never_run_prove_nothing() {
    let text = "#[test]\nfn proven() {}\nfn helper() {}\n#[tokio::test]\n#[ignore = \"long\"]\nasync fn seldom() {}\n\
                    #[tokio::test(flavor = \"multi_thread\")]\n// Of machines.\n#[ignore]\nasync fn boot_two() {}\n";
    let proves = |name: &str| is_test(text, name);
    assert_eq!([proves("proven"), proves("boot_two")], [true, true]);
    assert_eq!([proves("helper"), proves("seldom"), proves("absent")], [false, false, false]);
}

/// The proof of a promise, if the line is a row of a table and not its head.
fn proof(line: &str) -> Option<&str> {
    let cells = line.strip_prefix('|')?.strip_suffix('|')?;
    let (promise, proof) = cells.rsplit_once('|')?;
    let is_head = proof.trim() == "proof" || promise.bytes().all(|byte| matches!(byte, b'-' | b'|' | b':' | b' '));
    (!is_head).then_some(proof.trim())
}

fn faults(proof: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let named: Vec<&str> = tests_named(proof).collect();
    if named.is_empty() {
        return match proof.split_once(NOT_YET) {
            None => vec!["no test and no `not yet`".to_owned()],
            Some((_, missing)) if missing.trim_matches([':', ' ']).is_empty() => {
                vec!["`not yet` without what is missing".to_owned()]
            }
            Some(_) => Vec::new(),
        };
    }
    let unknown = named.into_iter().filter(|name| !exists(name));
    unknown.map(|name| format!("no test is called {name}")).collect()
}

/// A test that `make test` runs, or a fuzz target.
fn exists(name: &str) -> bool {
    let target = format!("/fuzz_targets/{name}.rs");
    sources().iter().any(|source| is_test(&source.text, name)) || files().iter().any(|file| file.ends_with(&target))
}

/// Whether a function of that name has the attribute of a test; of those that are ignored, `make test` runs `boot_*`.
fn is_test(text: &str, name: &str) -> bool {
    let declared = format!("fn {name}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().filter(|(_, line)| line.contains(&declared)).any(|(number, _)| {
        let above = lines[..number].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        let above: Vec<&str> = above.copied().collect();
        above.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
            && (name.starts_with("boot_") || !above.iter().any(|line| line.starts_with("#[ignore")))
    })
}

/// Words in backticks that read like a test: nothing but a name of several words.
fn tests_named(proof: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        word.contains('_')
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    proof.split('`').skip(1).step_by(2).filter(is_name)
}
