//! `/api/status`, `/healthz` and `/readyz`: how the daemon is, for people, for systemd and for load balancers.
//!
//! `/healthz` says that the process answers, and nothing else; restarting the daemon because a part waits for a
//! cable would help nobody. `/readyz` says which parts do their work, and why not.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::RunState;

use super::{
    auth::{Allowed, Read},
    desks::PartStatus,
    error::{ApiError, ErrorBody},
    state::Api,
    wire::StatusView,
};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(status)).routes(routes!(healthz)).routes(routes!(readyz))
}

/// What the store counts.
pub(super) struct Counts {
    pub(super) nodes: BTreeMap<String, u64>,
    pub(super) runs_queued: u64,
    pub(super) runs_running: u64,
}

impl Counts {
    pub(super) async fn read(api: &Api) -> Result<Self, ApiError> {
        let mut nodes = BTreeMap::new();
        for node in api.store().nodes().await? {
            *nodes.entry(node.state.name().to_owned()).or_default() += 1;
        }
        let open = api.store().runs(store::RunFilter::open()).await?;
        let runs_queued = open.iter().filter(|run| run.state == RunState::Queued).count() as u64;
        let runs_running = open.len() as u64 - runs_queued;
        Ok(Self { nodes, runs_queued, runs_running })
    }
}

/// Shows the daemon at a glance.
#[utoipa::path(
    get, path = "/api/status", tag = "daemon",
    responses((status = 200, body = StatusView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("bearer" = ["read"])),
)]
async fn status(_: Allowed<Read>, State(api): State<Api>) -> Result<Json<StatusView>, ApiError> {
    let counts = Counts::read(&api).await?;
    let parts = api.parts().parts();
    Ok(Json(StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started: api.started(),
        uptime_s: api.uptime().as_secs(),
        ready: is_ready(&parts),
        parts,
        nodes: counts.nodes,
        runs_queued: counts.runs_queued,
        runs_running: counts.runs_running,
        last_event: api.bus().last().0,
    }))
}

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "daemon", responses((status = 200, body = String)), security(()))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether every part does its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct ReadyView {
    /// All of them.
    pub ready: bool,
    /// Each of them.
    pub parts: Vec<PartStatus>,
}

/// Says whether every part does its work, and which does not and why.
#[utoipa::path(
    get, path = "/readyz", tag = "daemon",
    responses(
        (status = 200, description = "Every part is ready", body = ReadyView),
        (status = 503, description = "Some part is not; the body says which and why", body = ReadyView),
    ),
    security(()),
)]
async fn readyz(State(api): State<Api>) -> Response {
    let parts = api.parts().parts();
    let ready = is_ready(&parts);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyView { ready, parts })).into_response()
}

fn is_ready(parts: &[PartStatus]) -> bool {
    !parts.is_empty() && parts.iter().all(|part| part.ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_without_parts_is_not_ready() {
        let part = |ready| PartStatus { name: "store".into(), ready, reason: None };
        assert!(!is_ready(&[]));
        assert!(is_ready(&[part(true)]));
        assert!(!is_ready(&[part(true), part(false)]));
    }
}
