//! Secrets of jobs: Nomad variables, where a job reads them by its own identity.
//!
//! Values go in and never come out: a listing knows paths, and names of values where there are few paths. One value is
//! set at a time over the variable that was read, so that two people who set two values of one path lose neither.

use ::jobs::{
    Index, Query,
    nomad::{Over, Variable, VariableMetadata},
};
use serde_json::json;
use vocabulary::{Approved, Secret, Timestamp};

use super::{ClusterError, Workload, orders::SecretOrder};
use crate::http::desks::Effect;

/// For so many paths the names of their values are looked up; each costs a request.
const NAMES_OF_MAX: usize = 50;

/// One path with its values' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Where: `nomad/jobs/web`.
    pub path: String,
    /// In which namespace.
    pub namespace: String,
    /// When it was last written.
    pub modified: Timestamp,
    /// Names of its values; none where there are too many paths to ask.
    pub names: Option<Vec<String>>,
}

impl Workload {
    /// The paths that begin so.
    ///
    /// # Errors
    /// Nomad cannot be asked.
    pub async fn secrets(&self, prefix: &str, namespace: Option<&str>) -> Result<Vec<SecretRow>, ClusterError> {
        let nomad = self.nomad(namespace);
        let listed = nomad.variables(&Query::default().starting_with(prefix)).await?.value;
        let few = listed.len() <= NAMES_OF_MAX;
        let mut rows = Vec::with_capacity(listed.len());
        for VariableMetadata { path, namespace, modify_time, .. } in listed {
            let names = match few {
                true => nomad.in_namespace(&namespace).variable(&path).await?.map(|it| it.items.into_keys().collect()),
                false => None,
            };
            let modified = Timestamp::from_nanosecond(modify_time.into()).unwrap_or_default();
            rows.push(SecretRow { path, namespace, modified, names });
        }
        Ok(rows)
    }

    /// What setting it would bring about.
    ///
    /// # Errors
    /// It cannot be set, or Nomad cannot be asked.
    pub async fn foresee_secret(&self, order: &SecretOrder) -> Result<Vec<Effect>, ClusterError> {
        Ok(effects(order, self.variable(order).await?.as_ref()))
    }

    /// Sets it, and leaves the path's other values as they are.
    ///
    /// # Errors
    /// Somebody wrote the path meanwhile, or Nomad refuses or cannot be asked.
    pub async fn set_secret(&self, order: Approved<SecretOrder>) -> Result<Vec<Effect>, ClusterError> {
        let found = self.variable(order.value()).await?;
        let effects = effects(order.value(), found.as_ref());
        let SecretOrder { path, name, namespace, .. } = order.value();
        let subject =
            json!({ "path": path, "namespace": namespace, "name": name, "digest": hex::encode(order.digest()) });
        self.note(order.authority(), "secret set", subject).await?;
        let over = found.as_ref().map_or(Over::Nothing, |found| Over::Version(found.modify_index));
        let SecretOrder { path, namespace, name, value, .. } = order.into_value();
        let mut items = found.map(|found| found.items).unwrap_or_default();
        items.insert(name, value);
        let variable = Variable { path, namespace: String::new(), items, modify_index: Index::default() };
        let written = self.nomad(namespace.as_deref()).write_variable(&variable, over).await;
        written.map(|_| effects).map_err(ClusterError::of_variable)
    }

    async fn variable(&self, order: &SecretOrder) -> Result<Option<Variable>, ClusterError> {
        checked(&order.path, &order.name, &order.value)?;
        Ok(self.nomad(order.namespace.as_deref()).variable(&order.path).await?)
    }
}

fn effects(order: &SecretOrder, found: Option<&Variable>) -> Vec<Effect> {
    let known = found.is_some_and(|found| found.items.contains_key(&order.name));
    let effect = if known { format!("{} replaced", order.name) } else { format!("{} set", order.name) };
    vec![Effect { subject: format!("secret {}", order.path), effect }]
}

/// Nomad's own rules, told before a value leaves this host.
fn checked(path: &str, name: &str, value: &Secret<String>) -> Result<(), ClusterError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_~/".contains(c);
    let refused =
        |reason: &str, hint: &str| Err(ClusterError::Refused { reason: reason.to_owned(), hint: hint.to_owned() });
    if path.is_empty() || path.len() > 128 || !path.chars().all(plain) || path.starts_with('/') || path.ends_with('/') {
        return refused(
            "a path is 1 to 128 letters, digits, `-`, `_`, `~` and `/` within",
            "a job reads nomad/jobs/JOB, nomad/jobs/JOB/GROUP and nomad/jobs/JOB/GROUP/TASK by itself",
        );
    }
    if name.is_empty() || name.len() > 128 || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refused("a name is 1 to 128 characters without spaces", "name it like a variable: db_password");
    }
    if value.expose().is_empty() {
        return refused("the value is empty", "write it to standard input, or name a file: --from FILE");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_that_nomad_would_refuse_are_refused_with_its_rules() {
        let check = |path: &str, name: &str, value: &str| checked(path, name, &Secret::new(value.to_owned())).is_ok();
        assert!(check("nomad/jobs/web", "db_password", "x"));
        for (path, name, value) in [
            ("", "a", "x"),
            ("/a", "a", "x"),
            ("a/", "a", "x"),
            ("a b", "a", "x"),
            ("a", "", "x"),
            ("a", "a b", "x"),
            ("a", "a", ""),
            (&"a".repeat(129), "a", "x"),
        ] {
            assert!(!check(path, name, value), "{path} {name}");
        }
    }
}
