//! A job, exactly as Nomad gave it.
//!
//! Kept as JSON and looked into by name, never turned into a struct: a struct drops what it does not know, and a job
//! that is read, changed in one place and registered again would lose the rest. `Debug` shows the id alone, since
//! environment variables and templates may hold what belongs in no log.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{JobId, NodeId};
use crate::blocking::Index;

/// A job specification or a registered job.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Job(Map<String, Value>);

impl Job {
    /// A job from JSON, either the job itself or wrapped as `{"Job": ...}` as `nomad job inspect` prints it.
    #[must_use]
    pub fn from_json(value: Value) -> Option<Self> {
        let Value::Object(mut fields) = value else { return None };
        match fields.remove("Job") {
            Some(Value::Object(inner)) => Some(Self(inner)),
            Some(_) => None,
            None => Some(Self(fields)),
        }
    }

    /// Everything.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<JobId> {
        self.text("ID").map(JobId::new)
    }

    /// Its name, which is its id where it has none.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text("Name").or_else(|| self.text("ID"))
    }

    /// Its namespace, where it names one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.text("Namespace")
    }

    /// `service`, `batch`, `system` or `sysbatch`.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.text("Type")
    }

    /// `pending`, `running` or `dead`. `dead` is said between a failure and its rescheduling too.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.text("Status")
    }

    /// Counts the versions of a registered job.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.number("Version")
    }

    /// Whether this version is one to revert to.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.0.get("Stable").and_then(Value::as_bool).unwrap_or_default()
    }

    /// Whether somebody stopped it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.get("Stop").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The index that a change must name to be sure that nobody changed the job meanwhile.
    #[must_use]
    pub fn job_modify_index(&self) -> Index {
        Index(self.number("JobModifyIndex"))
    }

    /// Names of its groups.
    #[must_use]
    pub fn groups(&self) -> Vec<&str> {
        self.group_values().filter_map(|group| group.get("Name")?.as_str()).collect()
    }

    /// How many of a group are wanted.
    #[must_use]
    pub fn count(&self, group: &str) -> Option<i64> {
        let named = |value: &&Value| value.get("Name").and_then(Value::as_str) == Some(group);
        self.group_values().find(named)?.get("Count")?.as_i64()
    }

    /// What is at a path such as `/TaskGroups/0/Tasks/0/Resources/MemoryMB` (RFC 6901).
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        let mut parts = path.strip_prefix('/')?.splitn(2, '/');
        let top = self.0.get(parts.next()?)?;
        parts.next().map_or(Some(top), |rest| top.pointer(&format!("/{rest}")))
    }

    /// The same, to change it.
    pub fn at_mut(&mut self, path: &str) -> Option<&mut Value> {
        let mut parts = path.strip_prefix('/')?.splitn(2, '/');
        let top = self.0.get_mut(parts.next()?)?;
        match parts.next() {
            None => Some(top),
            Some(rest) => top.pointer_mut(&format!("/{rest}")),
        }
    }

    /// Sets a field of the job itself.
    pub fn set(&mut self, field: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(field.into(), value.into());
    }

    /// Only on this node, for what must run at one place.
    pub fn pin_to(&mut self, node: &NodeId) {
        let constraint = serde_json::json!({"LTarget": "${node.unique.id}", "Operand": "=", "RTarget": node.as_str()});
        match self.0.get_mut("Constraints") {
            Some(Value::Array(constraints)) => constraints.push(constraint),
            _ => drop(self.0.insert("Constraints".to_owned(), Value::Array(vec![constraint]))),
        }
    }

    fn group_values(&self) -> impl Iterator<Item = &Value> {
        self.0.get("TaskGroups").and_then(Value::as_array).into_iter().flatten()
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str().filter(|text| !text.is_empty())
    }

    fn number(&self, field: &str) -> u64 {
        self.0.get(field).and_then(Value::as_u64).unwrap_or_default()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.text("ID").unwrap_or("no id"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job() -> Job {
        let groups =
            json!([{"Name": "web", "Count": 3, "Tasks": [{"Resources": {"MemoryMB": 128}, "Env": {"KEY": "s3cret"}}]}]);
        let job =
            json!({"ID": "a", "Version": 4, "JobModifyIndex": 17, "TaskGroups": groups, "OfTheFuture": [1.5, null]});
        Job::from_json(json!({ "Job": job })).unwrap()
    }

    #[test]
    fn what_it_does_not_know_survives() {
        let mut job = job();
        *job.at_mut("/TaskGroups/0/Tasks/0/Resources/MemoryMB").unwrap() = 256.into();
        let again: Job = serde_json::from_str(&serde_json::to_string(&job).unwrap()).unwrap();
        assert_eq!(again, job);
        assert_eq!(again.at("/OfTheFuture"), Some(&json!([1.5, null])));
        assert_eq!(again.at("/TaskGroups/0/Tasks/0/Resources/MemoryMB"), Some(&json!(256)));
    }

    #[test]
    fn its_fields_are_found_by_name() {
        let job = job();
        assert_eq!((job.id(), job.name(), job.version()), (Some(JobId::new("a")), Some("a"), 4));
        assert_eq!((job.groups(), job.count("web"), job.count("db")), (vec!["web"], Some(3), None));
        assert_eq!((job.job_modify_index(), job.namespace(), job.is_stable()), (Index(17), None, false));
        assert!(job.at("/TaskGroups/7").is_none() && job.at("no path").is_none());
    }

    #[test]
    fn no_environment_reaches_a_log() {
        assert_eq!(format!("{:?}", job()), "Job(a)");
    }

    #[test]
    fn a_pin_joins_the_constraints_that_are_there() {
        let mut job = job();
        job.pin_to(&NodeId::new("n1"));
        job.pin_to(&NodeId::new("n2"));
        assert_eq!(job.at("/Constraints/1/RTarget"), Some(&json!("n2")));
    }

    #[test]
    fn only_an_object_is_a_job() {
        for text in ["[]", "3", "null", r#"{"Job": 3}"#] {
            assert!(Job::from_json(serde_json::from_str(text).unwrap()).is_none(), "{text}");
        }
    }
}
