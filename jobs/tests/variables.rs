//! Nomad variables: written over a version, read, listed, deleted.

use ::jobs::{
    Index, Query,
    nomad::{Over, Variable, VariableError},
};
use vocabulary::Secret;

use crate::support::shared_nomad;

fn with(path: &str, value: &str) -> Variable {
    Variable::new(path, [("password".to_owned(), Secret::new(value.to_owned()))])
}

#[tokio::test]
async fn a_variable_is_written_over_the_version_that_was_read() {
    let nomad = shared_nomad().await;
    let path = "nomad/jobs/web/main";
    assert_eq!(nomad.variable(path).await.unwrap(), None);
    let first = nomad.write_variable(&with(path, "one"), Over::Nothing).await.unwrap();
    let error = nomad.write_variable(&with(path, "two"), Over::Nothing).await.unwrap_err();
    assert!(matches!(&error, VariableError::Conflict { found, .. } if *found == first.modify_index), "{error:?}");
    let second = nomad.write_variable(&with(path, "two"), Over::Version(first.modify_index)).await.unwrap();
    let error = nomad.write_variable(&with(path, "three"), Over::Version(first.modify_index)).await.unwrap_err();
    assert!(matches!(&error, VariableError::Conflict { found, .. } if *found == second.modify_index), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("two"), "no value reaches an error");

    let there = nomad.variable(path).await.unwrap().unwrap();
    assert_eq!(there.path, path, "a path with slashes stays one path");
    assert_eq!(there.items["password"].expose(), "two");
    let listed = nomad.variables(&Query::default().starting_with("nomad/jobs/web")).await.unwrap().value;
    assert_eq!(listed.len(), 1);
    let error = nomad.delete_variable(path, Over::Version(first.modify_index)).await.unwrap_err();
    assert!(matches!(error, VariableError::Conflict { .. }), "{error:?}");
    nomad.delete_variable(path, Over::Version(second.modify_index)).await.unwrap();
    assert_eq!(nomad.variable(path).await.unwrap(), None);
    let error = nomad.write_variable(&with(path, "four"), Over::Version(Index(7))).await.unwrap_err();
    assert!(matches!(error, VariableError::Conflict { found: Index(0), .. }), "{error:?}");
}
