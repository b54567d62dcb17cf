//! What may be ordered, as it is approved: bound to the exact bytes, so each says all that it does.

use std::{collections::BTreeMap, time::Duration};

use ::jobs::{
    Index,
    nomad::{Job, JobId, NodeId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::Secret;

/// An order to a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobOrder {
    /// Which job.
    pub job: JobId,
    /// In which namespace; none means the one of the daemon's client.
    pub namespace: Option<String>,
    /// What to do to it.
    pub act: Act,
}

/// What can be done to a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Register exactly this over exactly that version; index 0 says that there must be none.
    Register {
        /// The whole job.
        spec: Job,
        /// Over which version.
        check_index: Index,
    },
    /// Stop it.
    Stop {
        /// What becomes of it.
        then: Afterwards,
    },
    /// Change the count of a group.
    Scale {
        /// Which group; none where the job has one only.
        group: Option<String>,
        /// How many.
        count: u32,
        /// Over which version; none means the one that is there when it begins.
        check_index: Option<Index>,
    },
    /// Register an earlier version again.
    Revert {
        /// Which.
        version: u64,
    },
    /// Restart tasks where they are.
    Restart {
        /// Ids of allocations; empty means all that run.
        allocations: Vec<String>,
        /// Only this task of each.
        task: Option<String>,
    },
    /// Start a parameterised job once.
    Dispatch {
        /// Its input.
        payload: Vec<u8>,
        /// Its parameters.
        meta: BTreeMap<String, String>,
        /// The same key starts nothing a second time.
        key: Option<String>,
    },
}

/// What becomes of a job that is stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Afterwards {
    /// Nomad keeps it for a while, to look at and to start again.
    #[default]
    Keep,
    /// It is forgotten at once.
    Forget,
}

impl JobOrder {
    /// As messages name the job.
    #[must_use]
    pub fn subject(&self) -> String {
        job_in_words(&self.job, self.namespace.as_deref())
    }
}

impl Act {
    /// As the audit names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Register { .. } => "job register",
            Self::Stop { .. } => "job stop",
            Self::Scale { .. } => "job scale",
            Self::Revert { .. } => "job revert",
            Self::Restart { .. } => "job restart",
            Self::Dispatch { .. } => "job dispatch",
        }
    }
}

/// `job web`, with its namespace where that is not the usual one.
#[must_use]
pub fn job_in_words(job: &JobId, namespace: Option<&str>) -> String {
    match namespace.filter(|namespace| *namespace != "default") {
        Some(namespace) => format!("job {job} in {namespace}"),
        None => format!("job {job}"),
    }
}

/// An order about a node's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrainOrder {
    /// The node as Nomad knows it.
    pub node: NodeId,
    /// As people know it.
    pub name: String,
    /// What to do.
    pub act: DrainAct,
}

/// What can be done about a node's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrainAct {
    /// Move it away.
    Begin {
        /// What is left after so long is stopped; none waits for ever.
        deadline: Option<Duration>,
        /// Whether system jobs stay.
        keeps_system_jobs: bool,
        /// Why, kept with the node.
        reason: String,
    },
    /// Take work again, or only stop moving it away.
    End {
        /// Whether it gets new work.
        eligible: bool,
    },
}

/// An order to set one value of a secret.
#[derive(Debug, Clone)]
pub struct SecretOrder {
    /// Where: `nomad/jobs/web`.
    pub path: String,
    /// In which namespace.
    pub namespace: Option<String>,
    /// Which value.
    pub name: String,
    /// The value itself.
    pub value: Secret<String>,
    /// Mixed into what is approved, so that the digest in the audit tells nobody a short value.
    pub salt: [u8; 16],
}

impl Serialize for SecretOrder {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        use sha2::{Digest as _, Sha256};
        let digest = Sha256::new().chain_update(self.salt).chain_update(self.value.expose()).finalize();
        let mut order = serializer.serialize_struct("SecretOrder", 4)?;
        order.serialize_field("path", &self.path)?;
        order.serialize_field("namespace", &self.namespace)?;
        order.serialize_field("name", &self.name)?;
        order.serialize_field("salted_digest", &hex::encode(digest))?;
        order.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_approved_of_a_secret_is_bound_to_its_value_and_does_not_hold_it() {
        let order = |value: &str, salt| SecretOrder {
            path: "nomad/jobs/web".into(),
            namespace: None,
            name: "password".into(),
            value: Secret::new(value.to_owned()),
            salt: [salt; 16],
        };
        let written = |order: &SecretOrder| serde_json::to_string(order).unwrap();
        assert!(!written(&order("hunter2", 1)).contains("hunter2"));
        assert_ne!(written(&order("hunter2", 1)), written(&order("hunter3", 1)));
        assert_ne!(written(&order("hunter2", 1)), written(&order("hunter2", 2)), "a short value is not to be guessed");
        assert!(!format!("{:?}", order("hunter2", 1)).contains("hunter2"));
    }

    #[test]
    fn a_namespace_is_named_where_it_is_not_the_usual_one() {
        let job = JobId::new("web");
        assert_eq!(job_in_words(&job, None), "job web");
        assert_eq!(job_in_words(&job, Some("default")), "job web");
        assert_eq!(job_in_words(&job, Some("lab")), "job web in lab");
    }
}
