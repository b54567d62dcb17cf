//! Deployments: read, followed, promoted, given up.

use super::{AllocationStub, Client, Deployment, DeploymentId, EvaluationId, generated::types};
use crate::{
    blocking::{Listing, Query},
    transport::CallError,
};

/// Which canaries to promote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promote {
    /// Those of every group.
    All,
    /// Those of these groups.
    Groups(Vec<String>),
}

impl Deployment {
    /// Whether nothing more will happen to it. One that placed nothing stays `running` for ever: whoever follows one
    /// needs a limit of their own.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "successful" | "failed" | "cancelled")
    }
}

impl Client {
    /// Deployments.
    pub async fn deployments(&self, query: &Query) -> Result<Listing<Vec<Deployment>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.deployment_list(
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

    /// One deployment.
    pub async fn deployment(&self, id: &DeploymentId, query: &Query) -> Result<Listing<Deployment>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.deployment_read(id.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// Its allocations.
    pub async fn deployment_allocations(
        &self,
        id: &DeploymentId,
        query: &Query,
    ) -> Result<Listing<Vec<AllocationStub>>, CallError> {
        let (index, wait) = (query.index_number(), query.wait_text());
        self.list(Box::pin(self.api.deployment_allocations(id.as_str(), index, query.stale(), wait.as_deref()))).await
    }

    /// Promotes canaries.
    pub async fn promote(&self, id: &DeploymentId, promote: &Promote) -> Result<EvaluationId, CallError> {
        let (all, groups) = match promote {
            Promote::All => (true, None),
            Promote::Groups(groups) => (false, Some(groups.clone())),
        };
        let body = types::DeploymentPromoteRequest { deployment_id: id.as_str().to_owned(), all, groups };
        let answer = self.ask(Box::pin(self.api.deployment_promote(id.as_str(), &body))).await?;
        Ok(EvaluationId::new(answer.eval_id))
    }

    /// Gives it up; the answer says which version it went back to, if to any.
    pub async fn fail_deployment(&self, id: &DeploymentId) -> Result<Option<u64>, CallError> {
        Ok(self.ask(Box::pin(self.api.deployment_fail(id.as_str()))).await?.reverted_job_version)
    }

    /// Halts it.
    pub async fn pause_deployment(&self, id: &DeploymentId) -> Result<(), CallError> {
        let body = types::DeploymentPauseRequest { deployment_id: id.as_str().to_owned(), pause: true };
        self.ask(Box::pin(self.api.deployment_pause(id.as_str(), &body))).await.map(drop)
    }

    /// Lets it go on.
    pub async fn resume_deployment(&self, id: &DeploymentId) -> Result<(), CallError> {
        let body = types::DeploymentPauseRequest { deployment_id: id.as_str().to_owned(), pause: false };
        self.ask(Box::pin(self.api.deployment_pause(id.as_str(), &body))).await.map(drop)
    }
}
