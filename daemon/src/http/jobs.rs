//! `/api/jobs`: what runs on the cluster, and what people order it to run.
//!
//! | file | holds |
//! |---|---|
//! | `plan.rs` | HCL or JSON to a plan; what a version changed |
//! | `change.rs` | registering what was planned, and every other change |
//! | `output.rs` | what tasks write |
//! | `pictured.rs` | jobs as they were last seen, while Nomad does not answer |
//! | `progress.rs` | a registration followed to its end, and a job's history |
//! | `views.rs` | what answers look like |
//!
//! Reading takes `read`; a specification, a difference and a log show environment variables, and take `operate` as every
//! change does. The agents' own words go out as they are: they name the field or the line that is wrong.

pub mod change;
pub mod output;
pub mod pictured;
pub mod plan;
mod progress;
pub mod views;

use ::jobs::{
    Query,
    nomad::{JobId, JobStatusStub, JobStub},
};
use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Allowed, Operate, Read},
    error::{ApiError, ErrorBody},
    input::{At, Params},
    sight::Sight,
    state::Api,
};
use crate::workload::{ClusterError, Workload};
use pictured::Place;
use views::{JobDetailView, JobView};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, change::register))
        .routes(routes!(plan::plan))
        .routes(routes!(show))
        .routes(routes!(specification))
        .routes(routes!(plan::difference))
        .routes(routes!(change::stop))
        .routes(routes!(change::scale))
        .routes(routes!(change::revert))
        .routes(routes!(change::restart))
        .routes(routes!(change::dispatch))
        .routes(routes!(output::log))
        .routes(routes!(progress::progress))
        .routes(routes!(progress::events))
}

/// Which jobs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct JobFilter {
    /// Only jobs of this namespace; `*` for all. Without it, `default`.
    namespace: Option<String>,
    /// Only jobs whose id begins so.
    prefix: Option<String>,
}

/// Lists jobs. While Nomad does not answer, as they were last seen: each entry then says so, how old it is and why.
#[utoipa::path(
    get, path = "/api/jobs", tag = "jobs", params(JobFilter),
    responses(
        (status = 200, description = "Sorted by namespace and id", body = [JobView]),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn list(
    _: Allowed<Read>,
    State(api): State<Api>,
    Params(filter): Params<JobFilter>,
) -> Result<Json<Vec<JobView>>, ApiError> {
    let nomad = api.workload()?.nomad(filter.namespace.as_deref());
    let prefix = filter.prefix.unwrap_or_default();
    let query = Query::default().starting_with(prefix.clone());
    match tokio::try_join!(nomad.jobs(&query), nomad.job_statuses(&query)) {
        Ok((stubs, statuses)) => Ok(Json(rows(stubs.value, &statuses.value))),
        Err(error) => {
            let place = Place { namespace: filter.namespace.as_deref(), id: &prefix };
            pictured::list(api.picture(), place, &error).map(Json).ok_or_else(|| cluster(error))
        }
    }
}

fn rows(stubs: Vec<JobStub>, statuses: &[JobStatusStub]) -> Vec<JobView> {
    let by_name: std::collections::HashMap<(&str, &str), &JobStatusStub> =
        statuses.iter().map(|status| ((status.namespace.as_str(), status.id.as_str()), status)).collect();
    let view = |stub: JobStub| {
        let status = by_name.get(&(stub.namespace.as_str(), stub.id.as_str())).copied();
        JobView::of(stub, status)
    };
    let mut rows: Vec<JobView> = stubs.into_iter().map(view).collect();
    rows.sort_by(|one, other| (&one.namespace, &one.id).cmp(&(&other.namespace, &other.id)));
    rows
}

/// In which namespace a job is.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InNamespace {
    /// Without it, `default`.
    namespace: Option<String>,
}

/// Shows one job: its groups, allocations, versions, and why something finds no place. While Nomad does not answer, as
/// far as it was last seen: `job.stale` then says so, how old it is and why.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), InNamespace),
    responses(
        (status = 200, body = JobDetailView),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn show(
    caller: Allowed<Read>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(place): Params<InNamespace>,
) -> Result<Json<JobDetailView>, ApiError> {
    let workload = api.workload()?;
    let namespace = place.namespace.as_deref();
    let detail = match asked(&workload, &JobId::new(id.as_str()), namespace).await {
        Ok(detail) => detail,
        Err(ClusterError::Look(error)) => {
            pictured::detail(api.picture(), Place { namespace, id: &id }, &error).ok_or(ClusterError::Look(error))?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Json(Sight::of(&caller.caller).show(detail)?))
}

/// One job as Nomad has it now.
async fn asked(workload: &Workload, id: &JobId, namespace: Option<&str>) -> Result<JobDetailView, ClusterError> {
    let job = workload.job(id, namespace).await?;
    let (nomad, query) = (workload.nomad(namespace), Query::default());
    let (deployments, allocations, evaluations, versions) = tokio::try_join!(
        nomad.job_deployments(id, &query),
        nomad.job_allocations(id, &query),
        nomad.job_evaluations(id, &query),
        nomad.versions(id),
    )?;
    let sight = ::jobs::follow::Sight {
        job: Some(&job),
        deployments: &deployments.value,
        allocations: &allocations.value,
        evaluations: &evaluations.value,
    };
    Ok(JobDetailView::of(&job, &sight, &versions.jobs))
}

/// Shows the specification of one job, as Nomad has it.
#[utoipa::path(
    get, path = "/api/jobs/{id}/specification", tag = "jobs",
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), InNamespace),
    responses(
        (status = 200, description = "Nomad's own form", body = Object),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn specification(
    _: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(place): Params<InNamespace>,
) -> Result<Json<::jobs::nomad::Job>, ApiError> {
    Ok(Json(api.workload()?.job(&JobId::new(id), place.namespace.as_deref()).await?))
}

fn cluster(error: ::jobs::CallError) -> ApiError {
    ApiError::Cluster(error.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Ten thousand allocations of a thousand jobs, as Nomad lists them.
    #[test]
    fn ten_thousand_allocations_are_listed_by_what_is_wanted_and_what_runs() {
        let allocation = |n: usize| json!({"ID": format!("a{n}"), "ClientStatus": if n.is_multiple_of(10) { "failed" } else { "running" }, "JobVersion": 3, "Group": "web"});
        let status = |n: usize| {
            let allocations: Vec<_> = (0..10).map(|at| allocation(n * 10 + at)).collect();
            json!({"ID": format!("job-{n:04}"), "Namespace": "default", "Type": "service", "Version": 3, "GroupCountSum": 10, "Allocs": allocations})
        };
        let stub = |n: usize| json!({"ID": format!("job-{n:04}"), "Namespace": "default", "Type": "service", "Status": "running", "Priority": 50});
        let statuses: Vec<JobStatusStub> = serde_json::from_value((0..1000).map(status).collect()).unwrap();
        let stubs: Vec<JobStub> = serde_json::from_value((0..1000).rev().map(stub).collect()).unwrap();
        let rows = rows(stubs, &statuses);
        assert_eq!((rows.len(), rows[0].id.as_str(), rows[999].id.as_str()), (1000, "job-0000", "job-0999"));
        assert!(rows.iter().all(|row| (row.wanted, row.running, row.failed) == (Some(10), 9, 1)), "{:?}", rows[0]);
    }
}
