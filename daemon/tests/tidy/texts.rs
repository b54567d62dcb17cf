//! Rules on text: how files begin, what the repository never mentions, examples that must be true.

use crate::{
    findings::{Finding, none},
    sources::{files, root, sources, text},
};

/// Files that say what others wrote.
const NOT_OURS: &[&str] = &["Cargo.lock", "LICENSE"];

#[test]
fn rust_files_begin_with_their_story() {
    let silent = |source: &crate::sources::Source| {
        (!source.text.starts_with("//!")).then(|| Finding::new(&source.path, 1, "begins without `//!`"))
    };
    none(
        "every Rust file begins with `//!`",
        "say what the file is, why this way, what was rejected",
        &sources().iter().filter_map(silent).collect::<Vec<_>>(),
    );
}

#[test]
fn scripts_and_settings_begin_with_their_story() {
    let told = ["sh", "yaml", "yml", "toml", "service", "j2", "py", "list"];
    let mut silent = Vec::new();
    for file in files() {
        let name = file.rsplit('/').next().unwrap_or(file);
        let concerned = name.rsplit_once('.').is_some_and(|(_, end)| told.contains(&end)) || name == "Makefile";
        let Some(text) = text(file) else { continue };
        if !(concerned || text.starts_with("#!/")) || name == "Cargo.toml" || NOT_OURS.contains(&name) {
            continue;
        }
        let opening = |line: &str| line.starts_with('#') && !line.starts_with("#!");
        let starts = text.lines().find(|line| !line.is_empty() && !line.starts_with("#!") && *line != "---");
        if !starts.is_some_and(|line| opening(line) || line.starts_with("{#") || line.starts_with("\"\"\"")) {
            silent.push(Finding::new(file, 1, "begins without a comment"));
        }
    }
    none("every script and settings file begins with a comment", "say what it is and why it is needed", &silent);
}

/// Those who write speak of their sittings; protocols and kernels have sessions of their own.
const SITTINGS: &[&str] = &["this session", "previous session", "next session", "later session", "my session"];

/// Words that belong to the place where this was written, not to the thing. Taken apart, or this file would hold them.
fn foreign(line: &str) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    if SITTINGS.iter().any(|words| lower.contains(words)) {
        return Some("words about the writing of this, not about the thing");
    }
    let paths = [concat!("/wo", "rk/"), concat!("/var/tmp/", "contracts"), concat!("../sha", "red")];
    if paths.iter().any(|path| lower.contains(path)) {
        return Some("a path of somebody's workplace");
    }
    names_an_issue(line).then_some("the number of an issue or of a pull request")
}

/// `#12` after a space or a bracket, or `issue 12`.
fn names_an_issue(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let counted = ["issue ", "issues ", "pull request ", "pr "].iter().any(|word| {
        let digit = |rest: &str| rest.trim_start_matches('#').starts_with(|c: char| c.is_ascii_digit());
        lower.match_indices(word).any(|(at, _)| {
            let apart = !lower[..at].ends_with(|c: char| c.is_alphanumeric());
            apart && digit(&lower[at + word.len()..])
        })
    });
    let hashed = line.match_indices('#').any(|(at, _)| {
        let before = line[..at].chars().next_back().unwrap_or(' ');
        let digits = line[at + 1..].chars().take_while(char::is_ascii_digit).count();
        let after = line[at + 1 + digits..].chars().next().unwrap_or(' ');
        let standard = line[..at].ends_with("PKCS ");
        !standard && (before == ' ' || before == '(') && (1..=5).contains(&digits) && !after.is_alphanumeric()
    });
    counted || hashed
}

#[test]
fn the_repository_speaks_of_roost_alone() {
    let mut found = Vec::new();
    for file in
        files().iter().filter(|file| !NOT_OURS.contains(&file.as_str()) && !file.ends_with("tests/tidy/texts.rs"))
    {
        for (index, line) in text(file).unwrap_or_default().lines().enumerate() {
            if let Some(what) = foreign(line) {
                found.push(Finding::new(file, index + 1, format!("{what}: {}", line.trim())));
            }
        }
    }
    none(
        "no workplace path, no issue number, nothing that a reader of this repository cannot look up",
        "say the reason itself instead of where it was discussed",
        &found,
    );
}

#[test]
fn issue_numbers_are_told_from_other_numbers() {
    for line in ["see #12", "(#3)", "issue 4 says", "PR 17", "pull request #9"] {
        assert!(names_an_issue(line), "{line}");
    }
    for line in
        ["&#123;", "#000000", "x[#1]", "tissue 4", "Issues are told", "$#", "## 1. The house", "#[test]", "PKCS #8"]
    {
        assert!(!names_an_issue(line), "{line}");
    }
}

/// Configurations: files named as such, and TOML blocks in documents.
fn example_configurations() -> Vec<(String, usize, String)> {
    let mut examples = Vec::new();
    for file in files() {
        let name = file.rsplit('/').next().unwrap_or(file);
        let content = text(file).unwrap_or_default();
        if name == "roost.toml" || name.ends_with(".example.toml") {
            examples.push((file.clone(), 1, content));
        } else if name.ends_with(".md") {
            examples.extend(toml_blocks(&content).into_iter().map(|(line, block)| (file.clone(), line, block)));
        }
    }
    examples
}

fn toml_blocks(markdown: &str) -> Vec<(usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (index, line) in markdown.lines().enumerate() {
        match line.trim_end() {
            "```toml" => {
                inside = true;
                blocks.push((index + 2, String::new()));
            }
            "```" => inside = false,
            line if inside => blocks.last_mut().unwrap().1.extend([line, "\n"]),
            _ => {}
        }
    }
    blocks
}

#[test]
fn every_example_configuration_parses() {
    let mut found = Vec::new();
    let examples = example_configurations();
    assert!(examples.iter().any(|(file, ..)| file == "config.example.toml"), "config.example.toml is missing");
    for (file, first_line, example) in examples {
        for problem in daemon::config::parse(&example, &|_| None).err().unwrap_or_default() {
            let line = problem.line.map_or(first_line, |line| first_line + line - 1);
            found.push(Finding::new(&file, line, format!("{}: {}", problem.path, problem.message)));
        }
    }
    none("every example configuration is free of mistakes", "correct the example, or mark it as ```text", &found);
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| file.ends_with(".md")) {
        let folder = root().join(file).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        for (index, line) in text(file).unwrap_or_default().lines().enumerate() {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
            for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
                if !folder.join(target.split('#').next().unwrap_or_default()).exists() {
                    broken.push(Finding::new(file, index + 1, format!("leads nowhere: {target}")));
                }
            }
        }
    }
    none("every link in a document leads to a file that is there", "correct the link", &broken);
}
