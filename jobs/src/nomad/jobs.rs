//! Jobs: parsed, planned, registered over the version that was planned, changed, stopped.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::collections::{BTreeMap, HashMap};

use super::{
    AllocationStub, Client, Deployment, Dispatched, Evaluation, EvaluationId, Job, JobId, JobStatusStub, JobStub,
    JobSubmission, JobSummary, Plan, ScaleStatus, Validation, generated::types,
};
use crate::{
    blocking::{Index, Listing, Query},
    transport::CallError,
};

/// Over which version a job is registered or scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// None: the job must not exist yet.
    Nothing,
    /// This one (`JobModifyIndex`), and no other.
    Version(Index),
    /// Whatever is there: for what only one writer changes.
    Whatever,
}

/// What becomes of a job that is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge {
    /// Nomad keeps it until its own garbage collection, so that it can be looked at and started again.
    Keep,
    /// It is forgotten at once.
    Forget,
}

/// A change that was accepted, and the evaluation that carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Absent when nothing is to be done, as for a periodic job.
    pub evaluation: Option<EvaluationId>,
    /// What the next change must name.
    pub job_modify_index: Index,
    /// What Nomad warns of.
    pub warnings: Option<String>,
}

/// The wanted count of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleTo {
    /// Which group.
    pub group: String,
    /// How many.
    pub count: i64,
    /// Why; kept in the job's scaling events.
    pub message: String,
    /// Over which version.
    pub over: Over,
}

/// Versions of a job, newest first, with what changed between each and the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct Versions {
    /// The versions.
    pub jobs: Vec<Job>,
    /// One fewer than versions; Nomad's own form.
    pub diffs: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// HCL could not be parsed.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is wrong; the text has line and column.
    #[error("the job is no valid HCL: {said}")]
    Invalid {
        /// In Nomad's words.
        said: String,
    },
    /// The call failed.
    #[error("cannot have the job parsed")]
    Call(#[from] CallError),
}

/// A job was not registered, scaled or reverted.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Somebody changed it since.
    #[error("the job was changed meanwhile: {said}; look at it again, plan again")]
    Conflict {
        /// In Nomad's words, with the index that is there.
        said: String,
    },
    /// A deployment of it is under way.
    #[error("Nomad refuses for now: {said}; wait for the deployment's end, or give it up")]
    Deploying {
        /// In Nomad's words.
        said: String,
    },
    /// It is wrong.
    #[error("Nomad refuses the job: {said}")]
    Invalid {
        /// In Nomad's words.
        said: String,
    },
    /// The call failed. [`CallError::may_have_happened`] says whether to look before trying again.
    #[error("cannot change the job")]
    Call(#[from] CallError),
}

impl Client {
    /// Jobs, as stubs.
    pub async fn jobs(&self, query: &Query) -> Result<Listing<Vec<JobStub>>, CallError> {
        let (wait, stale) = (query.wait_text(), query.stale());
        let (prefix, filter) = (query.prefix.as_deref(), query.filter.as_deref());
        self.list(Box::pin(self.api.job_list(
            filter,
            query.index_number(),
            None,
            query.page_from(),
            query.page_size(),
            prefix,
            stale,
            wait.as_deref(),
        )))
        .await
    }

    /// Jobs with their allocations, in one answer.
    pub async fn job_statuses(&self, query: &Query) -> Result<Listing<Vec<JobStatusStub>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.job_statuses(
            query.filter.as_deref(),
            None,
            query.index_number(),
            query.page_from(),
            query.page_size(),
            query.prefix.as_deref(),
            query.stale(),
            wait.as_deref(),
        )))
        .await
    }

    /// One job.
    pub async fn job(&self, job: &JobId, query: &Query) -> Result<Listing<Job>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.job_read(job.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// HCL to a job, by Nomad's own parser; `variables` is text of the form `name = "value"`.
    pub async fn parse(&self, hcl: &str, variables: Option<&str>) -> Result<Job, ParseError> {
        let variables = variables.unwrap_or_default().to_owned();
        let body = types::JobParseRequest { job_hcl: hcl.to_owned(), canonicalize: true, variables };
        self.ask(Box::pin(self.api.job_parse(&body))).await.map_err(|error| match error {
            CallError::Refused { said, .. } => ParseError::Invalid { said },
            other => other.into(),
        })
    }

    /// What is wrong with a job.
    pub async fn validate(&self, job: &Job) -> Result<Validation, CallError> {
        let body = types::JobValidateRequest { job: job.clone() };
        self.ask(Box::pin(self.api.job_validate(&body))).await
    }

    /// What registering it would do, and over which version ([`Plan::job_modify_index`], 0 for none).
    pub async fn plan(&self, job: &Job) -> Result<Plan, RegisterError> {
        let id = id_of(job)?;
        let body = types::JobPlanRequest { job: job.clone(), diff: true, policy_override: false };
        self.ask(Box::pin(self.api.job_plan(id.as_str(), &body))).await.map_err(sorted)
    }

    /// Registers it.
    pub async fn register(&self, job: &Job, over: Over) -> Result<Changed, RegisterError> {
        let (enforce_index, job_modify_index) = over.as_sent();
        let body = types::JobRegisterRequest {
            job: job.clone(),
            enforce_index,
            job_modify_index,
            preserve_counts: false,
            policy_override: false,
            eval_priority: 0,
            submission: None,
        };
        changed(self.ask(Box::pin(self.api.job_register(&body))).await)
    }

    /// Stops it.
    pub async fn stop(&self, job: &JobId, purge: Purge) -> Result<Changed, CallError> {
        let answer = self.api.job_stop(job.as_str(), None, Some(purge == Purge::Forget));
        let answer = self.ask(Box::pin(answer)).await?;
        Ok(Changed {
            evaluation: evaluation(answer.eval_id),
            job_modify_index: Index(answer.job_modify_index),
            warnings: None,
        })
    }

    /// Registers an earlier version again. With `prior`, only if that is the version now.
    pub async fn revert(&self, job: &JobId, to: u64, prior: Option<u64>) -> Result<Changed, RegisterError> {
        let body =
            types::JobRevertRequest { job_id: job.as_str().to_owned(), job_version: to, enforce_prior_version: prior };
        changed(self.ask(Box::pin(self.api.job_revert(job.as_str(), &body))).await)
    }

    /// Changes the count of one group.
    pub async fn scale(&self, job: &JobId, to: &ScaleTo) -> Result<Changed, RegisterError> {
        let (enforce_index, job_modify_index) = to.over.as_sent();
        let body = types::ScalingRequest {
            count: Some(to.count),
            target: Some(HashMap::from([("Group".to_owned(), to.group.clone())])),
            message: to.message.clone(),
            error: false,
            meta: None,
            policy_override: false,
            enforce_index,
            job_modify_index,
        };
        changed(self.ask(Box::pin(self.api.job_scale(job.as_str(), &body))).await)
    }

    /// Counts of its groups, wanted and running.
    pub async fn scale_status(&self, job: &JobId, query: &Query) -> Result<Listing<ScaleStatus>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.job_scale_status(job.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// Starts a parameterised job once. The same `idempotency` key starts nothing a second time.
    pub async fn dispatch(
        &self,
        job: &JobId,
        payload: &[u8],
        meta: BTreeMap<String, String>,
        idempotency: Option<&str>,
    ) -> Result<Dispatched, RegisterError> {
        let body = types::JobDispatchRequest {
            job_id: job.as_str().to_owned(),
            payload: (!payload.is_empty()).then(|| STANDARD.encode(payload)),
            meta: Some(meta.into_iter().collect()),
            id_prefix_template: String::new(),
            priority: 0,
        };
        self.ask(Box::pin(self.api.job_dispatch(job.as_str(), idempotency, &body))).await.map_err(sorted)
    }

    /// Asks the scheduler to look again.
    pub async fn evaluate(&self, job: &JobId) -> Result<Changed, RegisterError> {
        let body = types::JobEvaluateRequest { job_id: job.as_str().to_owned(), eval_options: None };
        changed(self.ask(Box::pin(self.api.job_evaluate(job.as_str(), &body))).await)
    }

    /// Starts a periodic job now.
    pub async fn force_periodic(&self, job: &JobId) -> Result<Option<EvaluationId>, CallError> {
        Ok(evaluation(self.ask(Box::pin(self.api.job_periodic_force(job.as_str()))).await?.eval_id))
    }

    /// Marks a version as one to revert to.
    pub async fn mark_stable(&self, job: &JobId, version: u64) -> Result<(), CallError> {
        let body = types::JobStabilityRequest { job_id: job.as_str().to_owned(), job_version: version, stable: true };
        self.ask(Box::pin(self.api.job_stable(job.as_str(), &body))).await.map(drop)
    }

    /// Every version that Nomad still keeps.
    pub async fn versions(&self, job: &JobId) -> Result<Versions, CallError> {
        let answer = self.ask(Box::pin(self.api.job_versions(job.as_str(), Some(true), None, None, None))).await?;
        Ok(Versions { jobs: answer.versions.unwrap_or_default(), diffs: answer.diffs.unwrap_or_default() })
    }

    /// Its allocations counted by state.
    pub async fn job_summary(&self, job: &JobId, query: &Query) -> Result<Listing<JobSummary>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.job_summary(job.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// Its allocations, also those of an earlier job of the same id.
    pub async fn job_allocations(&self, job: &JobId, query: &Query) -> Result<Listing<Vec<AllocationStub>>, CallError> {
        let wait = query.wait_text();
        let index = query.index_number();
        let answer = self.api.job_allocations(job.as_str(), Some(true), index, query.stale(), wait.as_deref());
        self.list(Box::pin(answer)).await
    }

    /// Its evaluations.
    pub async fn job_evaluations(&self, job: &JobId, query: &Query) -> Result<Listing<Vec<Evaluation>>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.job_evaluations(job.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.list(Box::pin(answer)).await
    }

    /// Its deployments.
    pub async fn job_deployments(&self, job: &JobId, query: &Query) -> Result<Listing<Vec<Deployment>>, CallError> {
        let wait = query.wait_text();
        let index = query.index_number();
        let answer = self.api.job_deployments(job.as_str(), None, index, query.stale(), wait.as_deref());
        self.list(Box::pin(answer)).await
    }

    /// Its latest deployment.
    pub async fn latest_deployment(
        &self,
        job: &JobId,
        query: &Query,
    ) -> Result<Listing<Option<Deployment>>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.job_deployment(job.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// The source that a version was submitted as; none when it came as JSON or Nomad no longer has it.
    pub async fn submission(&self, job: &JobId, version: u64) -> Result<Option<JobSubmission>, CallError> {
        let answer = self.api.job_submission(job.as_str(), None, None, version, None);
        match self.ask(Box::pin(answer)).await {
            Err(CallError::NotFound { .. }) => Ok(None),
            other => other,
        }
    }
}

impl Over {
    const fn as_sent(self) -> (bool, u64) {
        match self {
            Self::Nothing => (true, 0),
            Self::Version(index) => (true, index.0),
            Self::Whatever => (false, 0),
        }
    }
}

fn id_of(job: &Job) -> Result<JobId, RegisterError> {
    job.id().ok_or_else(|| RegisterError::Invalid { said: "it has no ID".to_owned() })
}

fn evaluation(id: String) -> Option<EvaluationId> {
    (!id.is_empty()).then(|| EvaluationId::new(id))
}

fn changed(answer: Result<types::JobRegisterResponse, CallError>) -> Result<Changed, RegisterError> {
    let answer = answer.map_err(sorted)?;
    Ok(Changed {
        evaluation: evaluation(answer.eval_id),
        job_modify_index: Index(answer.job_modify_index),
        warnings: Some(answer.warnings).filter(|warnings| !warnings.is_empty()),
    })
}

/// Nomad says 500 for a conflict and for a mistake alike; its words tell them apart.
fn sorted(error: CallError) -> RegisterError {
    match error {
        CallError::Refused { said, .. } if is_conflict(&said) => RegisterError::Conflict { said },
        CallError::Refused { said, .. } if said.contains("active deployment") => RegisterError::Deploying { said },
        CallError::Refused { status, said, .. } if status == 400 || is_mistake(&said) => {
            RegisterError::Invalid { said }
        }
        other => RegisterError::Call(other),
    }
}

fn is_conflict(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("enforcing job modify index") || said.contains("enforcing version")
}

fn is_mistake(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    [
        "error occurred",
        "errors occurred",
        "validation",
        "invalid",
        "can't revert",
        "not found",
        "is not a",
        "not provided",
        "must be",
    ]
    .iter()
    .any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Nomad 1.11 said when it was asked so, status 500 but for the last but one.
    #[test]
    fn nomads_words_are_sorted() {
        let sort = |said: &str, status| sorted(CallError::Refused { service: "Nomad", status, said: said.to_owned() });
        for said in [
            "Enforcing job modify index 0: job already exists",
            "Enforcing job modify index 3: job exists with conflicting job modify index: 18",
            "Current job has version 1; enforcing version 7",
        ] {
            assert!(matches!(sort(said, 500), RegisterError::Conflict { .. }), "{said}");
        }
        for said in [
            "1 error occurred:\n\t* Missing job task groups",
            "can't revert to current version",
            "job \"a\" in namespace \"default\" at version 99 not found",
            "Specified job \"a\" is not a parameterized job",
            "Payload is not provided but required by parameterized job",
        ] {
            assert!(matches!(sort(said, 500), RegisterError::Invalid { .. }), "{said}");
        }
        let said = "job scaling blocked due to active deployment";
        assert!(matches!(sort(said, 400), RegisterError::Deploying { .. }));
        let other = sort("rpc error: EOF", 500);
        assert!(matches!(&other, RegisterError::Call(error) if error.is_transient()), "{other:?}");
    }
}
