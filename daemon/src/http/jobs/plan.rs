//! A job as it was written becomes a plan: what would happen, in words, and the exact job to register.

use ::jobs::{
    nomad::JobId,
    told::{Line, diff},
};
use axum::{
    Json,
    extract::{FromRequest, Request, State, rejection::JsonRejection},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::views::{LineView, PlanView};
use crate::{
    http::{
        auth::{Allowed, Operate},
        error::{ApiError, ErrorBody, InputError},
        input::{At, Params},
        state::Api,
    },
    workload::{ClusterError, orders::job_in_words, plan::Written},
};

/// A job as it was written: either `hcl` or `job`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenBody {
    /// In HCL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hcl: Option<String>,
    /// Values of its HCL variables: `name = "value"`, a line each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<String>,
    /// As JSON, in Nomad's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub job: Option<serde_json::Value>,
    /// Instead of the job's own namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl WrittenBody {
    pub(super) fn written(self) -> Result<(Written, Option<String>), InputError> {
        let written = match (self.hcl, self.job, self.variables) {
            (Some(text), None, variables) => Written::Hcl { text, variables },
            (None, Some(job), None) => Written::Json(job),
            _ => return Err(InputError::Body("give either hcl (with variables), or job".to_owned())),
        };
        Ok((written, self.namespace))
    }
}

/// A body that holds a job: one that is too long is told what to do about it.
pub(super) struct JobBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Api> for JobBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        match Json::from_request(request, api).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(too_long(rejection, api.config().body_limit_bytes)),
        }
    }
}

fn too_long(rejection: JsonRejection, limit_bytes: usize) -> ApiError {
    match rejection.status() {
        axum::http::StatusCode::PAYLOAD_TOO_LARGE => ClusterError::TooLong { limit_bytes }.into(),
        _ => rejection.into(),
    }
}

/// Says what registering a job would do: placements, what finds no place and why, and every field that changes.
#[utoipa::path(
    post, path = "/api/jobs/plan", tag = "jobs", request_body = WrittenBody,
    responses(
        (status = 200, body = PlanView), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, description = "It is no valid job", body = ErrorBody),
        (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn plan(
    _: Allowed<Operate>,
    State(api): State<Api>,
    JobBody(body): JobBody<WrittenBody>,
) -> Result<Json<PlanView>, ApiError> {
    let (written, namespace) = body.written()?;
    let workload = api.workload()?;
    let job = workload.read(written, namespace.as_deref()).await?;
    let preview = workload.plan(&job).await?;
    Ok(Json(PlanView::of(job, preview)))
}

/// Which version.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DifferenceQuery {
    /// Without it, `default`.
    namespace: Option<String>,
    /// What this version changed in the one before; without it, the newest.
    version: Option<u64>,
}

/// What a version changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DifferenceView {
    /// Which version.
    pub version: u64,
    /// The fields that it changed.
    pub diff: Vec<LineView>,
}

/// Says what a version of a job changed in the one before.
#[utoipa::path(
    get, path = "/api/jobs/{id}/diff", tag = "jobs",
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), DifferenceQuery),
    responses(
        (status = 200, body = DifferenceView),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn difference(
    _: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<DifferenceQuery>,
) -> Result<Json<DifferenceView>, ApiError> {
    let (workload, id, namespace) = (api.workload()?, JobId::new(id), query.namespace.as_deref());
    let newest = workload.job(&id, namespace).await?.version();
    let version = query.version.unwrap_or(newest);
    let versions = workload.nomad(namespace).versions(&id).await.map_err(super::cluster)?;
    let at = versions.jobs.iter().position(|job| job.version() == version);
    // The oldest that is kept has nothing to be compared with.
    let found = at.and_then(|at| versions.diffs.get(at)).map(diff::lines);
    match found {
        Some(lines) => {
            Ok(Json(DifferenceView { version, diff: lines.into_iter().map(|line: Line| line.into()).collect() }))
        }
        None => Err(ClusterError::Unknown {
            what: format!("version before version {version} of {}", job_in_words(&id, namespace)),
            hint: "roost job show JOB lists the versions that Nomad still keeps",
        }
        .into()),
    }
}
