//! The names in the operator's own inventory files, so that Roost never doubles one.
//!
//! Ansible's two text forms are read: YAML (and JSON, which is YAML) and INI. A file that cannot be read so, a
//! script or a plugin's configuration makes a warning and not an error: a typo in a file of the operator's must not
//! keep a new node out. Which files Ansible skips follows its default `INVENTORY_IGNORE_EXTS`.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::FILE_NAME;

const SKIPPED_SUFFIXES: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];
const SKIPPED_FOLDERS: [&str; 3] = ["group_vars", "host_vars", "vars_plugins"];
const SIZE_LIMIT_BYTES: u64 = 4 * 1024 * 1024;
const DEPTH_LIMIT: u32 = 8;

/// A file of the operator's whose names could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignWarning {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub cause: String,
}

/// A host, host range or group that the operator defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignName {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

/// What the operator's files define.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) names: Vec<ForeignName>,
    pub(super) warnings: Vec<ForeignWarning>,
}

impl ForeignName {
    /// Whether this name, or a host in this range, is `own`.
    pub(super) fn covers(&self, own: &str) -> bool {
        matches(&self.name, own)
    }
}

/// Reads every file of the folder that Ansible would read, but for Roost's own.
pub(super) fn survey(folder: &Path) -> io::Result<Survey> {
    let mut survey = Survey::default();
    look_into(folder, DEPTH_LIMIT, &mut survey)?;
    Ok(survey)
}

fn look_into(folder: &Path, depth: u32, survey: &mut Survey) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let skipped = SKIPPED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
        if name.starts_with('.') || skipped || name == FILE_NAME || SKIPPED_FOLDERS.contains(&name.as_str()) {
            continue;
        }
        let result = look_at(&path, depth, survey);
        if let Err(cause) = result {
            survey.warnings.push(ForeignWarning { path, cause });
        }
    }
    Ok(())
}

fn look_at(path: &Path, depth: u32, survey: &mut Survey) -> Result<(), String> {
    let meta = fs::metadata(path).map_err(|error| error.to_string())?;
    if meta.is_dir() {
        let depth = depth.checked_sub(1).ok_or("nested too deeply to be looked at")?;
        return look_into(path, depth, survey).map_err(|error| error.to_string());
    }
    if meta.permissions().mode() & 0o111 != 0 {
        return Err("a script: the names it makes are not known before it runs".to_owned());
    }
    if meta.len() > SIZE_LIMIT_BYTES {
        return Err("larger than 4 MiB".to_owned());
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let names = if is_yaml(path) { yaml_names(&text)? } else { ini_names(&text) };
    survey.names.extend(names.into_iter().map(|name| ForeignName { path: path.to_owned(), name }));
    Ok(())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|yaml| extension == *yaml))
}

fn yaml_names(text: &str) -> Result<Vec<String>, String> {
    let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    match &value {
        Value::Null => {}
        Value::Object(groups) if groups.contains_key("plugin") => {
            return Err("a plugin's configuration: the names it makes are not known before it runs".to_owned());
        }
        Value::Object(groups) => groups.iter().for_each(|(name, group)| collect_group(name, group, &mut names)),
        _ => return Err("no mapping of groups".to_owned()),
    }
    Ok(names)
}

fn collect_group(name: &str, group: &Value, names: &mut Vec<String>) {
    // `all` and `ungrouped` are Ansible's; everybody may name them.
    if !matches!(name, "all" | "ungrouped" | "_meta") {
        names.push(name.to_owned());
    }
    match group.get("hosts") {
        Some(Value::Object(hosts)) => names.extend(hosts.keys().cloned()),
        Some(Value::Array(hosts)) => names.extend(hosts.iter().filter_map(Value::as_str).map(str::to_owned)),
        Some(Value::String(host)) => names.push(host.clone()),
        _ => {}
    }
    if let Some(Value::Object(children)) = group.get("children") {
        children.iter().for_each(|(name, group)| collect_group(name, group, names));
    }
}

fn ini_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut holds_names = true;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            let (group, kind) = section.split_once(':').unwrap_or((section, ""));
            holds_names = kind != "vars";
            if !matches!(group, "all" | "ungrouped") {
                names.push(group.to_owned());
            }
        } else if holds_names {
            names.extend(line.split_whitespace().next().map(without_port));
        }
    }
    names
}

/// `host:2222` is the host on a port; a colon inside brackets is a range.
fn without_port(host: &str) -> String {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => host.to_owned(),
    }
}

/// Whether a host pattern with ranges (`web[01:50]`, `db-[a:f]`) makes this name; without a range, whether it is it.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('[') else { return pattern == name };
    let Some((range, after)) = rest.split_once(']') else { return pattern == name };
    let Some(tail) = name.strip_prefix(before) else { return false };
    let ends = |end: &usize| tail.is_char_boundary(*end) && in_range(range, &tail[..*end]);
    (1..=tail.len()).filter(ends).any(|end| matches(after, &tail[end..]))
}

fn in_range(range: &str, text: &str) -> bool {
    let mut parts = range.split(':');
    let (Some(low), Some(high)) = (parts.next(), parts.next()) else { return false };
    let step: u64 = parts.next().and_then(|step| step.parse().ok()).unwrap_or(1).max(1);
    if let (Ok(first), Ok(last), Ok(value)) = (low.parse::<u64>(), high.parse::<u64>(), text.parse::<u64>()) {
        let padded = low.starts_with('0') && low.len() > 1;
        let width_fits = if padded { text.len() == low.len() } else { !text.starts_with('0') || text == "0" };
        return width_fits && (first..=last).contains(&value) && (value - first) % step == 0;
    }
    let single = |text: &str| (text.len() == 1).then(|| text.as_bytes()[0]).filter(u8::is_ascii_alphabetic);
    match (single(low), single(high), single(text)) {
        (Some(low), Some(high), Some(letter)) => (low..=high).contains(&letter),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_yaml_at_any_depth() {
        let text = "all:\n  hosts: {a: }\n  children:\n    web:\n      children: {inner: {hosts: {b: {x: 1}}}}\n";
        assert_eq!(yaml_names(text).unwrap(), ["a", "web", "inner", "b"]);
        assert_eq!(yaml_names("{\"db\": {\"hosts\": [\"c\"]}}").unwrap(), ["db", "c"]);
        assert_eq!(yaml_names("# nothing\n").unwrap(), [""; 0]);
        assert!(yaml_names("plugin: amazon\n").is_err() && yaml_names("a: [\n").is_err());
    }

    #[test]
    fn names_are_found_in_ini() {
        let text = "lone ansible_host=1.2.3.4\n# c\n[web]\nw1:2222 x=1\n[web:vars]\ny=2\n[up:children]\nweb\n[all:vars]\nz=3\n";
        assert_eq!(ini_names(text), ["lone", "web", "w1", "web", "up", "web"]);
    }

    #[test]
    fn ranges_cover_what_ansible_expands() {
        for (pattern, name, covered) in [
            ("node-5254000000[01:20]", "node-525400000007", true),
            ("node-5254000000[01:20]", "node-525400000021", false),
            ("web[1:10]", "web7", true),
            ("web[1:10]", "web07", false),
            ("web[1:9:2]", "web4", false),
            ("db-[a:f]-[1:2]", "db-c-2", true),
            ("nodes", "nodes", true),
            ("node", "nodes", false),
        ] {
            assert_eq!(matches(pattern, name), covered, "{pattern} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_panics(text: String, pattern in "[a-z\\[\\]:0-9é]{0,20}", name in "[a-z0-9é]{0,20}") {
            let _ = yaml_names(&text);
            let _ = ini_names(&text);
            let _ = matches(&pattern, &name);
        }
    }
}
