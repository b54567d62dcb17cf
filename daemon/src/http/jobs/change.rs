//! Changes of jobs. Each handler binds the caller's consent to the whole order and hands it on.

use std::collections::BTreeMap;

use ::jobs::{Index, nomad::JobId};
use axum::{Json, extract::State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::plan::{JobBody, WrittenBody};
use crate::{
    http::{
        auth::{Allowed, Operate},
        desks::Effect,
        error::{ApiError, ErrorBody, InputError},
        input::{At, Body, Params},
        state::Api,
    },
    workload::{
        change::{Outcome, id_of},
        orders::{Act, Afterwards, JobOrder},
    },
};

/// How a change is carried out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangeQuery {
    /// Answer what would happen, and change nothing.
    dry_run: bool,
    /// In which namespace the job is. Without it, `default`.
    namespace: Option<String>,
}

/// What a change of a job brought about, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobChange {
    /// Whether nothing was changed, because `dry_run` was asked for.
    pub dry_run: bool,
    /// Everything that changed, or would.
    pub effects: Vec<Effect>,
    /// What the next change must name, and what follows the registration: `/api/jobs/{id}/progress`.
    pub check_index: Option<u64>,
    /// The scheduler's look that carries it out.
    pub evaluation: Option<String>,
    /// What Nomad warns of.
    pub warnings: Option<String>,
    /// The job that a dispatch started.
    pub dispatched: Option<String>,
}

/// What to register: a job as it was planned, over the version that it was planned over.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct RegisterBody {
    /// The job.
    #[serde(flatten)]
    pub written: WrittenBody,
    /// `check_index` of the plan; 0 says that there must be none yet.
    pub check_index: u64,
}

/// Registers a job over exactly the version that it was planned over. If somebody changed it since, nothing happens and
/// the answer shows both sides.
#[utoipa::path(
    post, path = "/api/jobs", tag = "jobs", params(ChangeQuery), request_body = RegisterBody,
    responses(
        (status = 200, body = JobChange), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, description = "It was changed since", body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn register(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    Params(query): Params<ChangeQuery>,
    JobBody(body): JobBody<RegisterBody>,
) -> Result<Json<JobChange>, ApiError> {
    let (written, named) = body.written.written()?;
    let namespace = named.or_else(|| query.namespace.clone());
    let spec = api.workload()?.read(written, namespace.as_deref()).await?;
    let (job, namespace) = (id_of(&spec)?, spec.namespace().map(str::to_owned));
    let act = Act::Register { spec, check_index: Index(body.check_index) };
    carry_out(&caller, &api, JobOrder { job, namespace, act }, query.dry_run).await
}

/// How to stop a job.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StopBody {
    /// What becomes of it: `keep` or `forget`.
    pub then: Afterwards,
}

/// Stops a job.
#[utoipa::path(
    post, path = "/api/jobs/{id}/stop", tag = "jobs", request_body = StopBody,
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), ChangeQuery),
    responses(
        (status = 200, body = JobChange), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn stop(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<ChangeQuery>,
    Body(StopBody { then }): Body<StopBody>,
) -> Result<Json<JobChange>, ApiError> {
    to_job(&caller, &api, id, query, Act::Stop { then }).await
}

/// How many of a group to run.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleBody {
    /// Which group; it may be left out where the job has one only.
    #[serde(default)]
    pub group: Option<String>,
    /// How many.
    pub count: u32,
    /// Only over this version.
    #[serde(default)]
    pub check_index: Option<u64>,
}

/// Changes the count of a group.
#[utoipa::path(
    post, path = "/api/jobs/{id}/scale", tag = "jobs", request_body = ScaleBody,
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), ChangeQuery),
    responses(
        (status = 200, body = JobChange), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn scale(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<ChangeQuery>,
    Body(body): Body<ScaleBody>,
) -> Result<Json<JobChange>, ApiError> {
    let ScaleBody { group, count, check_index } = body;
    to_job(&caller, &api, id, query, Act::Scale { group, count, check_index: check_index.map(Index) }).await
}

/// Where to go back to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevertBody {
    /// Which version.
    pub version: u64,
}

/// Registers an earlier version again, as a new one.
#[utoipa::path(
    post, path = "/api/jobs/{id}/revert", tag = "jobs", request_body = RevertBody,
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), ChangeQuery),
    responses(
        (status = 200, body = JobChange), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn revert(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<ChangeQuery>,
    Body(RevertBody { version }): Body<RevertBody>,
) -> Result<Json<JobChange>, ApiError> {
    to_job(&caller, &api, id, query, Act::Revert { version }).await
}

/// What to restart.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestartBody {
    /// Ids of allocations, or their beginnings; none means all that run.
    pub allocations: Vec<String>,
    /// Only this task of each.
    pub task: Option<String>,
}

/// Restarts tasks where they are.
#[utoipa::path(
    post, path = "/api/jobs/{id}/restart", tag = "jobs", request_body = RestartBody,
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), ChangeQuery),
    responses(
        (status = 200, body = JobChange), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn restart(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<ChangeQuery>,
    Body(RestartBody { allocations, task }): Body<RestartBody>,
) -> Result<Json<JobChange>, ApiError> {
    if allocations.iter().any(String::is_empty) {
        return Err(InputError::Body("allocations: an empty id would mean all of them".to_owned()).into());
    }
    to_job(&caller, &api, id, query, Act::Restart { allocations, task }).await
}

/// What to start a parameterised job with.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DispatchBody {
    /// Its input, in base64.
    pub payload: String,
    /// Its parameters.
    pub meta: BTreeMap<String, String>,
    /// The same key starts nothing a second time.
    pub idempotency_key: Option<String>,
}

/// Starts a parameterised job once.
#[utoipa::path(
    post, path = "/api/jobs/{id}/dispatch", tag = "jobs", request_body = DispatchBody,
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), ChangeQuery),
    responses(
        (status = 200, body = JobChange), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn dispatch(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<ChangeQuery>,
    Body(body): Body<DispatchBody>,
) -> Result<Json<JobChange>, ApiError> {
    let payload = STANDARD.decode(&body.payload);
    let payload = payload.map_err(|error| InputError::Body(format!("payload: no base64: {error}")))?;
    let act = Act::Dispatch { payload, meta: body.meta, key: body.idempotency_key };
    to_job(&caller, &api, id, query, act).await
}

async fn to_job(
    caller: &Allowed<Operate>,
    api: &Api,
    id: String,
    query: ChangeQuery,
    act: Act,
) -> Result<Json<JobChange>, ApiError> {
    carry_out(caller, api, JobOrder { job: JobId::new(id), namespace: query.namespace, act }, query.dry_run).await
}

async fn carry_out(
    caller: &Allowed<Operate>,
    api: &Api,
    order: JobOrder,
    dry_run: bool,
) -> Result<Json<JobChange>, ApiError> {
    let workload = api.workload()?;
    if dry_run {
        let effects = workload.foresee(&order).await?;
        return Ok(Json(JobChange { dry_run: true, effects, ..JobChange::default() }));
    }
    let Outcome { effects, evaluation, check_index, warnings, dispatched } =
        workload.carry_out(caller.approve(order)?).await?;
    let check_index = check_index.map(|index| index.0);
    Ok(Json(JobChange { dry_run: false, effects, check_index, evaluation, warnings, dispatched }))
}
