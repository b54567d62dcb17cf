//! `/api/ssh`: the fleet key, as the daemon has it, and replaced on every node and on disk by one order.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Admin, Allowed, Read},
    desks::{FleetKeyView, Rotate},
    error::{ApiError, ErrorBody},
    input::{Body, Change, DryRun, Params},
    state::Api,
};
use crate::ssh::Silent;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(rotate))
}

/// The fleet key's public half, and how its private half is kept.
#[utoipa::path(
    get, path = "/api/ssh", tag = "daemon",
    responses((status = 200, body = FleetKeyView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("bearer" = ["read"])),
)]
async fn show(_: Allowed<Read>, State(api): State<Api>) -> Result<Json<FleetKeyView>, ApiError> {
    Ok(Json(api.fleet().show().await?))
}

/// How to rotate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct RotateBody {
    /// Leave nodes that do not answer to their next boot, which brings the new key, instead of stopping.
    leave_silent: bool,
}

/// Replaces the fleet key: the new one reaches every node by the old one before it takes its place.
#[utoipa::path(
    post, path = "/api/ssh/rotate", tag = "daemon", params(DryRun), request_body = RotateBody,
    responses(
        (status = 200, body = Change),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 422, description = "Nodes do not answer, or systemd keeps the key", body = ErrorBody),
    ),
    security(("bearer" = ["admin"])),
)]
async fn rotate(
    caller: Allowed<Admin>,
    State(api): State<Api>,
    Params(mode): Params<DryRun>,
    Body(RotateBody { leave_silent }): Body<RotateBody>,
) -> Result<Json<Change>, ApiError> {
    if mode.dry_run {
        return Ok(Json(Change::planned(api.fleet().preview().await?)));
    }
    let silent = if leave_silent { Silent::Leave } else { Silent::Stop };
    Ok(Json(Change::done(api.fleet().rotate(caller.approve(Rotate { silent })?).await?)))
}
