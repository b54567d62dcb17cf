//! Evaluations: the scheduler's looks at a job, and why it could not place something.

use super::{AllocationStub, Client, Evaluation, EvaluationId};
use crate::{
    blocking::{Listing, Query},
    transport::CallError,
};

impl Evaluation {
    /// Whether the scheduler is done with it. A `blocked` one waits for room.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "complete" | "failed" | "canceled" | "cancelled")
    }
}

impl Client {
    /// Evaluations.
    pub async fn evaluations(&self, query: &Query) -> Result<Listing<Vec<Evaluation>>, CallError> {
        let wait = query.wait_text();
        self.list(Box::pin(self.api.evaluation_list(
            query.filter.as_deref(),
            query.index_number(),
            None,
            query.page_from(),
            query.page_size(),
            query.prefix.as_deref(),
            query.stale(),
            None,
            wait.as_deref(),
        )))
        .await
    }

    /// One evaluation.
    pub async fn evaluation(&self, id: &EvaluationId, query: &Query) -> Result<Listing<Evaluation>, CallError> {
        let wait = query.wait_text();
        let answer = self.api.evaluation_read(id.as_str(), query.index_number(), query.stale(), wait.as_deref());
        self.look(Box::pin(answer)).await
    }

    /// Allocations that it made or changed.
    pub async fn evaluation_allocations(&self, id: &EvaluationId) -> Result<Vec<AllocationStub>, CallError> {
        let answer = self.api.evaluation_allocations(id.as_str(), None, None, None);
        Ok(self.list(Box::pin(answer)).await?.value)
    }

    /// How many a filter finds.
    pub async fn count_evaluations(&self, filter: Option<&str>) -> Result<i64, CallError> {
        Ok(self.ask(Box::pin(self.api.evaluation_count(filter))).await?.count)
    }
}
