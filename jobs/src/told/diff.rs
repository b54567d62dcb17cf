//! Nomad's difference between two versions of a job, as lines: one a field that changes, with where it stands.
//!
//! The form is a tree in which most leaves say `None`; people read the others. Values are shown as they are, so a
//! difference is for those who may read logs: environment variables stand in it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::one_line;

/// How a field changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// It has another value.
    Changed,
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How.
    pub mark: Mark,
    /// Where it stands: `group web, task server, Resources, MemoryMB`.
    pub path: String,
    /// What it was; empty where it is new.
    pub old: String,
    /// What it becomes; empty where it goes.
    pub new: String,
    /// What Nomad does because of it, such as `forces create/destroy update`.
    pub notes: Vec<String>,
}

/// The fields that change, in Nomad's order.
#[must_use]
pub fn lines(diff: &Map<String, Value>) -> Vec<Line> {
    let mut lines = Vec::new();
    descend(diff, &[], &mut lines);
    lines
}

impl Line {
    /// In one line: `+`, `-` or `~`, the place, the values.
    #[must_use]
    pub fn in_words(&self) -> String {
        let (old, new) = (one_line(&self.old), one_line(&self.new));
        let notes = if self.notes.is_empty() { String::new() } else { format!(" ({})", self.notes.join(", ")) };
        match self.mark {
            Mark::Added => format!("+ {}: {new:?}{notes}", self.path),
            Mark::Removed => format!("- {}: {old:?}{notes}", self.path),
            Mark::Changed => format!("~ {}: {old:?} -> {new:?}{notes}", self.path),
        }
    }
}

fn descend(node: &Map<String, Value>, path: &[String], lines: &mut Vec<Line>) {
    let notes = texts(node.get("Annotations"));
    for field in children(node, "Fields") {
        lines.extend(changed(field, path, &notes));
    }
    for (list, word) in [("Objects", ""), ("TaskGroups", "group "), ("Tasks", "task ")] {
        for child in children(node, list) {
            let place = one_line(&format!("{word}{}", text(child, "Name")));
            descend(child, &[path, &[place]].concat(), lines);
        }
    }
}

fn changed(field: &Map<String, Value>, path: &[String], above: &[String]) -> Option<Line> {
    let (old, new) = (text(field, "Old").to_owned(), text(field, "New").to_owned());
    let mark = match text(field, "Type") {
        "Added" => Mark::Added,
        "Deleted" => Mark::Removed,
        "Edited" => Mark::Changed,
        _ => return None,
    };
    let mut notes = texts(field.get("Annotations"));
    notes.extend(above.iter().cloned());
    let path = [path, &[one_line(text(field, "Name"))]].concat().join(", ");
    Some(Line { mark, path, old, new, notes })
}

fn children<'a>(node: &'a Map<String, Value>, list: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    node.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn text<'a>(node: &'a Map<String, Value>, field: &str) -> &'a str {
    node.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(one_line).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What Nomad 1.11.1 answered, shortened.
    fn recorded() -> Map<String, Value> {
        let field = |name: &str, kind: &str, old: &str, new: &str| json!({"Annotations": null, "Name": name, "Type": kind, "Old": old, "New": new});
        let resources = json!({"Name": "Resources", "Type": "Edited", "Objects": null, "Fields": [
            field("CPU", "None", "20", "20"), field("MemoryMB", "Edited", "20", "30"),
        ]});
        let task = json!({"Name": "main", "Type": "Edited", "Annotations": ["forces create/destroy update"],
            "Fields": [field("Env[B]", "Added", "", "2"), field("Env[C]", "Deleted", "3", "")], "Objects": [resources]});
        let count =
            json!({"Annotations": ["forces create"], "Name": "Count", "New": "2", "Old": "1", "Type": "Edited"});
        let group = json!({"Name": "web", "Type": "Edited", "Fields": [count], "Objects": null, "Tasks": [task]});
        let job = json!({"ID": "d1", "Type": "Edited", "Objects": null, "Fields": [field("Meta[x]", "Added", "", "y")], "TaskGroups": [group]});
        job.as_object().unwrap().clone()
    }

    #[test]
    fn only_what_changes_is_told_with_its_place_and_consequence() {
        let told: Vec<String> = lines(&recorded()).iter().map(Line::in_words).collect();
        assert_eq!(
            told,
            [
                r#"+ Meta[x]: "y""#,
                r#"~ group web, Count: "1" -> "2" (forces create)"#,
                r#"+ group web, task main, Env[B]: "2" (forces create/destroy update)"#,
                r#"- group web, task main, Env[C]: "3" (forces create/destroy update)"#,
                r#"~ group web, task main, Resources, MemoryMB: "20" -> "30""#,
            ]
        );
    }

    #[test]
    fn no_difference_has_no_lines() {
        let same = json!({"Type": "None", "Fields": null, "Objects": null, "TaskGroups": [{"Type": "None", "Name": "web", "Fields": null}]});
        assert_eq!(lines(same.as_object().unwrap()), []);
    }

    proptest! {
        #[test]
        fn no_value_forges_a_line(name in ".*", old in ".*", new in ".*") {
            let diff = json!({"Fields": [{"Name": name, "Type": "Edited", "Old": old, "New": new}]});
            for line in lines(diff.as_object().unwrap()) {
                prop_assert!(!line.in_words().contains(char::is_control));
            }
        }
    }
}
