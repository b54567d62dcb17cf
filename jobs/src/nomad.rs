//! Nomad as Roost speaks to it.
//!
//! [`Client`] is cheap to clone and never connects before it is asked. Lists that Nomad sends as `null` are empty here,
//! errors carry Nomad's words, and a job stays what Nomad said it is ([`Job`]). One file a kind of thing.

mod access;
mod agents;
mod allocations;
mod deployments;
mod evaluations;
mod events;
#[rustfmt::skip]
#[expect(missing_docs, unreachable_pub, dead_code, clippy::allow_attributes, clippy::unwrap_used, reason = "written by the generator")]
mod generated;
mod ids;
mod job;
mod jobs;
mod logs;
mod ndjson;
mod nodes;
mod services;
mod variables;

pub use crate::bootstrap::AclBootstrap;
pub use access::{AclToken, Introduced, NewToken};
pub use allocations::Which;
pub use deployments::Promote;
pub use events::{Event, EventBatch, Events, StreamError, Topic};
pub use generated::types::{
    AclPolicy, AclTokenStub, AgentHealth, AgentMember, AgentMembers, AgentSelf, Allocation, AllocationDeploymentStatus,
    AllocationMetric, AllocationStub, AutopilotHealth, Deployment, DeploymentState, DesiredUpdates, DriverInfo,
    Evaluation, FileInfo, GroupScaleStatus, GroupSummary, JobDispatchResponse as Dispatched, JobPlanResponse as Plan,
    JobScaleStatusResponse as ScaleStatus, JobStatusAllocation, JobStatusStub, JobStub, JobSubmission, JobSummary,
    JobValidateResponse as Validation, Namespace, Node, NodePool, NodeStub, PlanAnnotations, ServiceName,
    ServiceNamespace, ServiceRegistration, SigningKey, TaskEvent, TaskState, VariableMetadata,
};
pub use ids::{AllocationId, DeploymentId, EvaluationId, JobId, NodeId};
pub use job::Job;
pub use jobs::{Changed, Over, ParseError, Purge, RegisterError, ScaleTo, Versions};
pub use logs::{Follow, Frame, LogFrom, LogQuery, Logs, Output};
pub use nodes::{Drain, Eligibility, SystemJobs};
pub use variables::{Variable, VariableError};

use std::time::Duration;

use progenitor_client::{ByteStream, ClientHooks, ClientInfo, Error, OperationInfo, ResponseValue};

use crate::{
    blocking::Listing,
    transport::{BuildError, CallError, Endpoint, Service, Wire, call, connect},
};

/// A client of one Nomad agent, in one region and namespace.
#[derive(Debug, Clone)]
pub struct Client {
    api: generated::Client,
}

impl Client {
    /// Prepares a client; connects when it is first asked something.
    pub fn build(endpoint: &Endpoint) -> Result<Self, BuildError> {
        let connected = connect(Service::Nomad, endpoint)?;
        Ok(Self { api: generated::Client::new_with_client(&connected.base, connected.http, connected.wire) })
    }

    /// The same client in this namespace; `*` lists all of them.
    #[must_use]
    pub fn in_namespace(&self, namespace: impl Into<String>) -> Self {
        self.with_param("namespace", namespace.into())
    }

    /// The same client in this region.
    #[must_use]
    pub fn in_region(&self, region: impl Into<String>) -> Self {
        self.with_param("region", region.into())
    }

    /// The namespace, where one was chosen.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.api.inner.param("namespace")
    }

    /// Requests so far, of this client and all its clones.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.api.inner.requests()
    }

    fn with_param(&self, name: &'static str, value: String) -> Self {
        let mut api = self.api.clone();
        api.inner = api.inner.with_param(name, value);
        Self { api }
    }

    fn wire(&self) -> &Wire {
        &self.api.inner
    }

    /// An answer as it is.
    async fn ask<T>(&self, answer: Answer<'_, T>) -> Result<T, CallError> {
        Ok(call(self.wire(), answer).await?.into_inner())
    }

    /// An answer with its index.
    async fn look<T>(&self, answer: Answer<'_, T>) -> Result<Listing<T>, CallError> {
        let answer = call(self.wire(), answer).await?;
        let headers = answer.headers().clone();
        Ok(Listing::new(answer.into_inner(), &headers, "nomad"))
    }

    /// A list with its index; `null` is an empty one.
    async fn list<T>(&self, answer: Answer<'_, Option<Vec<T>>>) -> Result<Listing<Vec<T>>, CallError> {
        Ok(self.look(answer).await?.map(Option::unwrap_or_default))
    }

    /// A stream that must begin in time; after that, whoever reads it judges its silence.
    async fn open(&self, answer: Answer<'_, ByteStream>) -> Result<ByteStream, CallError> {
        let (limit, way) = (self.wire().limits().answer, self.wire().way());
        match tokio::time::timeout(limit, call(self.wire(), answer)).await {
            Ok(answer) => Ok(answer?.into_inner()),
            Err(_) => {
                self.wire().gave_up(way);
                Err(CallError::TimedOut { service: "Nomad", address: self.wire().address().to_owned(), limit })
            }
        }
    }

    fn silence(&self) -> Duration {
        self.wire().limits().silence
    }
}

/// What a generated call gives. Boxed at the one place where every call passes, so that callers' futures stay small.
type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<ResponseValue<T>, Error<ByteStream>>> + Send + 'a>>;

impl ClientHooks<Wire> for generated::Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>> {
        self.inner().prepare(request, info.operation_id).await
    }

    async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        self.inner().send(request).await
    }
}
