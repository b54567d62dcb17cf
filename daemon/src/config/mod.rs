//! The configuration: one TOML file, read once at start, every mistake reported at once.
//!
//! | file | holds |
//! |---|---|
//! | `sections.rs` | every key: name, type, default, explanation. Start here |
//! | `rules.rs` | what several keys must agree on |
//! | `leaves.rs` | what each part is configured with, out of it |
//! | `values.rs` | types of values and their text forms |
//! | `schema.rs` | the macros behind `sections.rs` |
//! | `reader.rs` | TOML in, typed sections and mistakes out |
//! | `render.rs` | the example and the reference out of the same declarations |
//! | `problem.rs` | a mistake and the list of them |
//!
//! Nothing here reads the environment by itself: [`load`] is given a lookup, so that tests are hermetic.

mod leaves;
mod problem;
mod reader;
mod render;
mod rules;
mod schema;
mod sections;
mod values;

use std::path::{Path, PathBuf};

use toml_edit::Document;

pub use self::{
    leaves::LOCK_PATIENCE,
    problem::{Problem, Problems},
    render::{example, reference},
    sections::*,
    values::{Bytes, CommandTemplate, KeyHash, PLACEHOLDERS, PoolRange},
};
use self::{
    reader::{Place, Reader},
    schema::Section as _,
    values::Setting as _,
};

/// Where the operator's file is when nobody says otherwise.
pub const DEFAULT_FILE: &str = "/etc/roost/roost.toml";

/// Looks up a variable of the environment.
pub type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The file to read: as given, else as `ROOST_CONFIG` says, else [`DEFAULT_FILE`] where it exists.
#[must_use]
pub fn find(given: Option<&Path>, env: Env<'_>) -> Option<PathBuf> {
    given
        .map(Path::to_path_buf)
        .or_else(|| env("ROOST_CONFIG").map(PathBuf::from))
        .or_else(|| Path::new(DEFAULT_FILE).exists().then(|| DEFAULT_FILE.into()))
}

/// Reads the configuration; without a file, the defaults.
///
/// # Errors
/// Every mistake in it, or that the file cannot be read.
pub fn load(given: Option<&Path>, env: Env<'_>) -> Result<Config, Problems> {
    let file = find(given, env);
    let text = match &file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?,
        None => String::new(),
    };
    parse(&text, env).map_err(|list| Problems::new(file.as_deref(), list))
}

/// What `roost config check` prints about a configuration.
#[must_use]
pub fn report(given: Option<&Path>, env: Env<'_>) -> (String, bool) {
    match load(given, env) {
        Err(problems) => (problems.to_string(), false),
        Ok(_) => match find(given, env) {
            Some(file) => (format!("{}: no mistakes", file.display()), true),
            None => {
                (format!("no file: the defaults hold (roost reads --config, ROOST_CONFIG or {DEFAULT_FILE})"), true)
            }
        },
    }
}

/// Reads a configuration out of its text.
///
/// # Errors
/// Every mistake in it.
pub fn parse(text: &str, env: Env<'_>) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader::new(text, PathBuf::new());
    let (readable, well_formed) = without_broken_lines(text, &mut reader);
    let Ok(document) = Document::parse(readable.as_str()) else { return Err(reader.problems) };
    let root = document.as_table();
    reader.base = data_dir(root, env);
    let config = Config::read(root, "", &mut reader);
    let Some(mut config) = config else { return Err(reader.problems) };
    config.data_dir.clone_from(&reader.base);
    config.http.keys.extend(keys_from_env(env, &mut reader));
    if well_formed {
        rules::judge(&config, &mut reader);
    }
    if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
}

/// Every relative path needs it, so it is looked up before the rest is read.
fn data_dir(root: &toml_edit::Table, env: Env<'_>) -> PathBuf {
    let configured = root.get("data_dir").and_then(|item| item.as_str()).filter(|text| !text.is_empty());
    let path = env("ROOST_DATA_DIR").unwrap_or_else(|| configured.unwrap_or("/var/lib/roost").to_owned());
    std::path::absolute(&path).unwrap_or_else(|_| path.into())
}

/// Keys of `ROOST_HTTP_KEYS`: `name:sha256:scope+scope`, separated by spaces.
fn keys_from_env(env: Env<'_>, reader: &mut Reader<'_>) -> Vec<ApiKey> {
    const VARIABLE: &str = "ROOST_HTTP_KEYS";
    let at = Place { path: VARIABLE.to_owned(), line: None };
    let mut keys = Vec::new();
    for entry in env(VARIABLE).unwrap_or_default().split_whitespace() {
        let key = (|| {
            let [name, hash, scopes] = entry.split(':').collect::<Vec<_>>().try_into().ok()?;
            let scopes = scopes.split('+').map(Scope::named).collect::<Option<_>>()?;
            Some(ApiKey { name: name.to_owned(), sha256: hash.parse().ok()?, scopes })
        })();
        match key {
            Some(key) => keys.push(key),
            None => {
                let name = entry.split(':').next().unwrap_or_default();
                let hint = format!("write name:sha256:scope+scope, scopes being {}", Scope::kind());
                reader.mistake(&at, format!("the key {name:?} cannot be read"), hint);
            }
        }
    }
    keys
}

/// The text with each line that is no TOML blanked out and reported, so that the rest can be judged as well.
///
/// A broken line can take others with it: without its header, a section's keys would be judged as another's, and an
/// open bracket swallows what follows. So this stops at a broken header, and when the parser no longer goes down the
/// file. Lines keep their numbers.
fn without_broken_lines(text: &str, reader: &mut Reader<'_>) -> (String, bool) {
    let mut readable = text.to_owned();
    let mut last = 0;
    while let Err(error) = Document::parse(readable.as_str()) {
        let start = error.span().map_or(0, |span| span.start).min(readable.len());
        let line = reader.line_of(Some(start..start)).unwrap_or(1);
        if line <= last {
            break;
        }
        last = line;
        let at = Place { path: String::new(), line: Some(line) };
        reader.mistake(&at, format!("this is not TOML: {}", error.message().replace('\n', ", ")), None);
        let broken = readable.split('\n').nth(line - 1).unwrap_or_default();
        if broken.trim_start().starts_with('[') {
            break;
        }
        let begin = readable[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let blank = " ".repeat(broken.len());
        readable.replace_range(begin..begin + blank.len(), &blank);
    }
    (readable, last == 0)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot be read: {error}");
    let hint = Some("roost reads --config FILE, else ROOST_CONFIG, else /etc/roost/roost.toml".to_owned());
    Problems::new(Some(file), vec![Problem { path: String::new(), line: None, message, hint }])
}

#[cfg(test)]
mod tests;
