//! A job as a person wrote it becomes a job as Nomad reads it, and a plan of what it would do.

use ::jobs::{
    Query,
    nomad::{Job, JobId},
    told::Preview,
};

use super::{ClusterError, Workload, orders::job_in_words};

/// A job as it was written.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// In HCL, with the values of its variables (`name = "value"`, a line each).
    Hcl {
        /// The job.
        text: String,
        /// The values.
        variables: Option<String>,
    },
    /// As JSON, either the job itself or wrapped as `{"Job": ...}`.
    Json(serde_json::Value),
}

impl Workload {
    /// The job in Nomad's own form, by Nomad's own parser. A namespace that is named here replaces the job's own.
    ///
    /// # Errors
    /// It is no job, or Nomad cannot be asked.
    pub async fn read(&self, written: Written, namespace: Option<&str>) -> Result<Job, ClusterError> {
        let invalid = |said: &str| ClusterError::Invalid { said: said.to_owned() };
        let mut job = match written {
            Written::Hcl { text, variables } => self.nomad(None).parse(&text, variables.as_deref()).await?,
            Written::Json(value) => Job::from_json(value).ok_or_else(|| invalid("the JSON is no job"))?,
        };
        if let Some(namespace) = namespace {
            job.set("Namespace", namespace);
        }
        match job.id() {
            Some(_) => Ok(job),
            None => Err(invalid("the job has no ID")),
        }
    }

    /// What registering it would do.
    ///
    /// # Errors
    /// Nomad refuses the job, or cannot be asked.
    pub async fn plan(&self, job: &Job) -> Result<Preview, ClusterError> {
        let plan = self.nomad(job.namespace()).plan(job).await.map_err(ClusterError::of_plan)?;
        Ok(Preview::of(job, &plan))
    }

    /// The job as it is now.
    ///
    /// # Errors
    /// There is none, or Nomad cannot be asked.
    pub async fn job(&self, id: &JobId, namespace: Option<&str>) -> Result<Job, ClusterError> {
        match self.nomad(namespace).job(id, &Query::default()).await {
            Ok(listing) => Ok(listing.value),
            Err(::jobs::CallError::NotFound { .. }) => Err(ClusterError::Unknown {
                what: job_in_words(id, namespace),
                hint: "roost job list shows every job; --namespace NAME looks elsewhere",
            }),
            Err(error) => Err(error.into()),
        }
    }
}
