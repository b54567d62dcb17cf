//! Nomad variables: where jobs read their secrets from. Values are [`Secret`]s as soon as they are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use vocabulary::Secret;

use super::{Client, Over, VariableMetadata};
use crate::{
    blocking::{Index, Listing, Query},
    transport::CallError,
};

/// A variable with its values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Variable {
    /// Where it is, such as `nomad/jobs/web`.
    pub path: String,
    /// Its namespace; on writing, empty means the client's.
    #[serde(default)]
    pub namespace: String,
    /// Its values by name.
    #[serde(default)]
    pub items: BTreeMap<String, Secret<String>>,
    /// What a change must name to be sure that nobody changed it meanwhile.
    #[serde(default)]
    pub modify_index: Index,
}

/// A variable was not written.
#[derive(Debug, thiserror::Error)]
pub enum VariableError {
    /// Somebody wrote it since.
    #[error("the variable {path} was changed meanwhile (it is at index {found})")]
    Conflict {
        /// Which.
        path: String,
        /// Where it is now; 0 if it is gone.
        found: Index,
    },
    /// The call failed.
    #[error("cannot write the variable {path}")]
    Call {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: CallError,
    },
}

impl Variable {
    /// A variable to be written.
    pub fn new(path: impl Into<String>, items: impl IntoIterator<Item = (String, Secret<String>)>) -> Self {
        let items = items.into_iter().collect();
        Self { path: path.into(), namespace: String::new(), items, modify_index: Index::default() }
    }
}

impl Client {
    /// Variables, without their values.
    pub async fn variables(&self, query: &Query) -> Result<Listing<Vec<VariableMetadata>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.variable_list(
            query.filter.as_deref(),
            query.index_number(),
            query.page_from(),
            query.page_size(),
            query.prefix.as_deref(),
            query.stale(),
            wait.as_deref(),
        )))
        .await
    }

    /// One variable; none when there is no such one.
    pub async fn variable(&self, path: &str) -> Result<Option<Variable>, CallError> {
        match self.ask(Box::pin(self.api.variable_read(path, None, None, None))).await {
            Ok(variable) => Ok(Some(variable)),
            Err(CallError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a variable; the answer has its new index.
    pub async fn write_variable(&self, variable: &Variable, over: Over) -> Result<Variable, VariableError> {
        let path = &variable.path;
        self.ask(Box::pin(self.api.variable_write(path, over.as_cas(), variable))).await.map_err(|e| sorted(path, e))
    }

    /// Deletes a variable.
    pub async fn delete_variable(&self, path: &str, over: Over) -> Result<(), VariableError> {
        self.ask(Box::pin(self.api.variable_delete(path, over.as_cas()))).await.map_err(|error| sorted(path, error))
    }
}

impl Over {
    const fn as_cas(self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Version(index) => Some(index.0),
            Self::Whatever => None,
        }
    }
}

/// A conflict is answered with the variable that is there; its values go no further.
fn sorted(path: &str, error: CallError) -> VariableError {
    let path = path.to_owned();
    match error {
        CallError::Refused { status: 409, said, .. } => {
            let there: Option<Variable> = serde_json::from_str(&said).ok();
            VariableError::Conflict { path, found: there.map_or(Index(0), |variable| variable.modify_index) }
        }
        source => VariableError::Call { path, source },
    }
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items: BTreeMap<&str, &str> =
            self.items.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        let mut body = serializer.serialize_struct("Variable", 3)?;
        body.serialize_field("Path", &self.path)?;
        body.serialize_field("Items", &items)?;
        match self.namespace.as_str() {
            "" => body.skip_field("Namespace")?,
            namespace => body.serialize_field("Namespace", namespace)?,
        }
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_and_never_shown() {
        let variable = Variable::new("a/b", [("password".to_owned(), Secret::new("s3cret".to_owned()))]);
        let sent = serde_json::to_value(&variable).unwrap();
        assert_eq!(sent, serde_json::json!({"Path": "a/b", "Items": {"password": "s3cret"}}));
        assert!(!format!("{variable:?}").contains("s3cret"));
    }

    #[test]
    fn a_conflict_shows_where_the_other_is_and_none_of_its_values() {
        let said = r#"{"Namespace":"default","Path":"a","ModifyIndex":12,"Items":{"password":"s3cret"}}"#.to_owned();
        let error = sorted("a", CallError::Refused { service: "Nomad", status: 409, said });
        assert!(matches!(&error, VariableError::Conflict { found: Index(12), .. }));
        assert!(!format!("{error:?} {error}").contains("s3cret"));
    }
}
