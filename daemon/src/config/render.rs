//! The example file and the reference, out of the declarations that the reader uses.
//!
//! Both are committed, since people read them without building Roost; a test says when they are behind and how to
//! renew them. In the example every key is there, explained, and commented out with its default: the file changes
//! nothing until a line is uncommented.

use std::fmt::Write as _;

use super::{
    Config,
    reader::join,
    schema::{Form, Key, Section as _},
};

/// The text of `config.example.toml`.
#[must_use]
pub fn example() -> String {
    let mut out = String::new();
    let declared = Config::declared();
    comment(&mut out, declared.doc);
    comment(
        &mut out,
        &[" Made from daemon/src/config/sections.rs; every value is the default, or an example where there is none."],
    );
    write_keys(&mut out, "", &declared.keys);
    out
}

/// The text of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let declared = Config::declared();
    let mut out =
        "# Configuration\n\n<!-- Made from daemon/src/config/sections.rs; a test says when it is behind. -->\n\n"
            .to_owned();
    let _ = writeln!(out, "{}\n", prose(declared.doc));
    out.push_str(FORMS);
    write_reference(&mut out, "", &declared.keys);
    out
}

const FORMS: &str = "Values: durations are text with a unit (`\"90s\"`, `\"1h 30m\"`), sizes are text with a binary unit \
(`\"64MiB\"`), pools are `\"first-last\"`. A key without a default may be left out unless it says *required*.\n\n";

fn comment(out: &mut String, doc: &[&str]) {
    for line in doc {
        let _ = writeln!(out, "#{line}");
    }
}

/// Plain keys first, then sections, since a TOML section ends only where the next one starts.
fn write_keys(out: &mut String, path: &str, keys: &[Key]) {
    for key in keys {
        let (value, note) = match key.form {
            Form::Default(value) => (value, ""),
            Form::Optional(value) => (value, " Not set by default."),
            Form::Required(value) => (value, " Required."),
            Form::Table(_) | Form::Tables(_) => continue,
        };
        let _ = writeln!(out);
        comment(out, key.doc);
        for (word, doc) in (key.words)() {
            let _ = writeln!(out, "#   {word}: {}", prose(doc));
        }
        let _ = writeln!(out, "# ({}.){note}", (key.kind)());
        let _ = writeln!(out, "#{} = {value}", key.name);
    }
    for key in keys {
        let path = join(path, key.name);
        let (declared, header) = match key.form {
            Form::Table(declared) => (declared(), format!("[{path}]")),
            Form::Tables(declared) => (declared(), format!("#[[{path}]]")),
            _ => continue,
        };
        let _ = writeln!(out, "\n# {}", "-".repeat(60));
        comment(out, declared.doc);
        let _ = writeln!(out, "{header}");
        write_keys(out, &path, &declared.keys);
    }
}

fn write_reference(out: &mut String, path: &str, keys: &[Key]) {
    let plain: Vec<&Key> = keys.iter().filter(|key| !matches!(key.form, Form::Table(_) | Form::Tables(_))).collect();
    if !plain.is_empty() {
        out.push_str("| key | takes | default | |\n|---|---|---|---|\n");
    }
    for key in plain {
        let default = match key.form {
            Form::Default(value) => format!("`{value}`"),
            Form::Optional(example) => format!("none (e.g. `{example}`)"),
            Form::Required(example) => format!("*required* (e.g. `{example}`)"),
            Form::Table(_) | Form::Tables(_) => continue,
        };
        let words = (key.words)().into_iter().map(|(word, doc)| format!(" `{word}`: {}", prose(doc)));
        let explained = prose(key.doc) + &words.collect::<String>();
        let row = [format!("`{}`", key.name), (key.kind)(), default, explained];
        let _ = writeln!(out, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    for key in keys {
        let path = join(path, key.name);
        let (declared, header) = match key.form {
            Form::Table(declared) => (declared(), format!("[{path}]")),
            Form::Tables(declared) => (declared(), format!("[[{path}]]")),
            _ => continue,
        };
        let _ = writeln!(out, "\n## `{header}`\n\n{}\n", prose(declared.doc));
        write_reference(out, &path, &declared.keys);
    }
}

fn prose(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
