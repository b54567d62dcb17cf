//! Reads TOML tables into sections and keeps every mistake with its place.
//!
//! Small and ours because deserialisers stop at the first mistake and lose lines. A mistake never ends the reading:
//! a wrong value is reported and its default stands in, so that the rest of the file is judged too; what looks at
//! several keys (`rules.rs`) asks [`Reader::sound`] first, so that one mistake is not reported twice.

use std::{collections::BTreeMap, ops::Range, path::PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use super::{
    problem::Problem,
    schema::Section,
    values::{Setting, type_name},
};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `dhcp.subnet[0].lease`
    pub(super) path: String,
    /// Absent for defaults.
    pub(super) line: Option<usize>,
}

/// Collects mistakes while sections are read.
pub(super) struct Reader<'a> {
    /// To turn offsets into lines.
    text: &'a str,
    /// What relative paths are relative to: `data_dir`.
    pub(super) base: PathBuf,
    /// Found so far.
    pub(super) problems: Vec<Problem>,
    /// The line of each key that stands in the file, for rules that look at several.
    lines: BTreeMap<String, usize>,
}

impl<'a> Reader<'a> {
    /// A reader of this text.
    pub(super) const fn new(text: &'a str, base: PathBuf) -> Self {
        Self { text, base, problems: Vec::new(), lines: BTreeMap::new() }
    }

    /// Records a mistake.
    pub(super) fn mistake(&mut self, at: &Place, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let hint = hint.into();
        self.problems.push(Problem { path: at.path.clone(), line: at.line, message: message.into(), hint });
    }

    /// The place of a key: its own line, or that of the nearest section around it that stands in the file.
    pub(super) fn place(&self, path: &str) -> Place {
        let mut around = path;
        loop {
            if let Some(line) = self.lines.get(around) {
                return Place { path: path.to_owned(), line: Some(*line) };
            }
            match around.rfind(['.', '[']) {
                Some(end) => around = &around[..end],
                None => return Place { path: path.to_owned(), line: None },
            }
        }
    }

    /// Whether no mistake has been found in any of these keys or below them.
    pub(super) fn sound(&self, paths: &[&str]) -> bool {
        let within = |problem: &Problem, path: &str| {
            problem.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        !self.problems.iter().any(|problem| paths.iter().any(|path| within(problem, path)))
    }

    /// Reports keys that no section has, with the nearest one that exists.
    pub(super) fn refuse_unknown_keys(&mut self, table: &dyn TableLike, path: &str, known: &[&str]) {
        for (name, item) in table.iter() {
            if known.contains(&name) {
                continue;
            }
            let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let at = Place { path: join(path, name), line: self.line_of(span) };
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            self.mistake(&at, "unknown key", hint);
        }
    }

    /// A key that may be absent.
    pub(super) fn value<T: Setting>(&mut self, table: &dyn TableLike, path: &str, key: &str) -> Option<T> {
        let item = table.get(key)?;
        let at = self.enter(table, path, key, item);
        let Item::Value(value) = item else {
            self.mistake(&at, format!("expected {}, found a section", T::kind()), None);
            return None;
        };
        T::read(value, &at, self)
    }

    /// A key with a default, written as TOML.
    pub(super) fn value_or<T: Setting>(
        &mut self,
        table: &dyn TableLike,
        path: &str,
        key: &str,
        default: &str,
    ) -> Option<T> {
        self.value(table, path, key).or_else(|| self.parse_default(default, &join(path, key)))
    }

    /// A key that must be there.
    pub(super) fn required<T: Setting>(
        &mut self,
        table: &dyn TableLike,
        path: &str,
        key: &str,
        example: &str,
    ) -> Option<T> {
        if table.contains_key(key) {
            return self.value(table, path, key);
        }
        let at = Place { path: join(path, key), line: self.place(path).line };
        self.mistake(&at, "missing", format!("for example {key} = {example}"));
        None
    }

    /// A section, which may be absent: then every key has its default.
    pub(super) fn section<S: Section>(&mut self, table: &dyn TableLike, path: &str, key: &str) -> Option<S> {
        let at_path = join(path, key);
        let Some(item) = table.get(key) else {
            return S::read(&toml_edit::Table::new(), &at_path, self);
        };
        let at = self.enter(table, path, key, item);
        if let Some(inner) = item.as_table_like() {
            return S::read(inner, &at_path, self);
        }
        self.mistake(&at, format!("expected a section, found {}", item_name(item)), format!("write [{at_path}]"));
        S::read(&toml_edit::Table::new(), &at_path, self)
    }

    /// A list of sections: `[[a.b]]`, or an array of inline tables.
    pub(super) fn sections<S: Section>(&mut self, table: &dyn TableLike, path: &str, key: &str) -> Vec<S> {
        let Some(item) = table.get(key) else { return Vec::new() };
        let at = self.enter(table, path, key, item);
        let elements: Vec<Element<'_>> = match item {
            Item::ArrayOfTables(tables) => tables.iter().map(|table| (table.span(), Some(table as _))).collect(),
            Item::Value(Value::Array(array)) => {
                array.iter().map(|value| (value.span(), value.as_inline_table().map(|table| table as _))).collect()
            }
            _ => {
                self.mistake(&at, "expected a list of sections", format!("write [[{}]]", at.path));
                return Vec::new();
            }
        };
        let mut read = Vec::with_capacity(elements.len());
        for (index, (span, table)) in elements.into_iter().enumerate() {
            let at = Place { path: format!("{}[{index}]", at.path), line: self.line_of(span) };
            self.note(&at);
            match table {
                Some(table) => read.extend(S::read(table, &at.path, self)),
                None => self.mistake(&at, "expected a section", format!("write it as [[{}]]", join(path, key))),
            }
        }
        read
    }

    /// One of the known words; words of what is not built yet get an error of their own.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &Value,
        at: &Place,
        words: &[(&str, T)],
        later: &[&str],
    ) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let works = known.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let Some(given) = value.as_str() else {
            self.mistake(at, format!("expected a word, found {}", type_name(value)), format!("one of {works}"));
            return None;
        };
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == given) {
            return Some(*found);
        }
        if later.contains(&given) {
            self.mistake(at, format!("\"{given}\" is not built yet"), format!("what works today: {works}"));
        } else {
            let near = nearest(given, &known).map(|near| format!("did you mean \"{near}\"? "));
            let hint = format!("{}known: {works}", near.unwrap_or_default());
            self.mistake(at, format!("\"{given}\" is no choice here"), hint);
        }
        None
    }

    /// The line of an offset, counted from 1.
    pub(super) fn line_of(&self, span: Option<Range<usize>>) -> Option<usize> {
        span.and_then(|span| self.text.get(..span.start)).map(|before| before.matches('\n').count() + 1)
    }

    fn enter(&mut self, table: &dyn TableLike, path: &str, key: &str, item: &Item) -> Place {
        let span = table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
        let at = Place { path: join(path, key), line: self.line_of(span) };
        self.note(&at);
        at
    }

    fn note(&mut self, at: &Place) {
        if let Some(line) = at.line {
            self.lines.insert(at.path.clone(), line);
        }
    }

    /// Defaults are part of the program: a test reads them all, so a mistake here never reaches an operator.
    fn parse_default<T: Setting>(&mut self, text: &str, path: &str) -> Option<T> {
        let at = Place { path: path.to_owned(), line: None };
        let document = Document::parse(format!("default = {text}\n")).ok()?;
        match document.as_table().get("default") {
            Some(Item::Value(value)) => T::read(value, &at, self),
            _ => None,
        }
    }
}

/// An element of a list: where it stands, and its table if it is one.
type Element<'i> = (Option<Range<usize>>, Option<&'i dyn TableLike>);

/// `a` and `b` as `a.b`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn item_name(item: &Item) -> &'static str {
    match item {
        Item::Value(value) => type_name(value),
        Item::ArrayOfTables(_) => "a list of sections",
        Item::Table(_) | Item::None => "a section",
    }
}

/// The known name that a slip of the fingers away from this one, if there is such.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let slips = |known: &str| edit_distance(&name.to_lowercase(), known);
    known.iter().copied().filter(|known| slips(known) <= 1 + known.len() / 4).min_by_key(|known| slips(known))
}

/// How many characters must be put in, taken out or replaced to make one text of the other (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_fingers_find_the_known_name() {
        let known = ["listen", "files", "interfaces"];
        for (given, expected) in
            [("lisen", "listen"), ("Listen", "listen"), ("interface", "interfaces"), ("file", "files")]
        {
            assert_eq!(nearest(given, &known), Some(expected), "{given}");
        }
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
    }
}
