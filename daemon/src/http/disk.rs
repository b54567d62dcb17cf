//! `/api/nodes/{id}/disk`: an operator's order to make a disk of a node its data disk.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::NodeId;

use super::{
    auth::{Allowed, Operate},
    error::{ApiError, ErrorBody},
    input::{At, Body, Change, DryRun, Params},
    state::Api,
};
use crate::disk::{DeviceName, DiskOrder};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(disk))
}

/// Which disk, and whether what is on it may be destroyed.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskBody {
    /// The kernel's name of the disk, with or without `/dev/`; the node's only empty disk where it is not said.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "vdb")]
    pub device: Option<DeviceName>,
    /// The serial number of a disk whose content may be destroyed.
    #[serde(default)]
    #[schema(max_length = 200, example = "S4EVNX0R")]
    pub wipe: Option<String>,
}

/// Makes a disk of a node that is up its data disk: GPT, ext4 labelled `ROOST_DATA`, with the node's host keys and machine
/// id on it. One that holds anything is refused unless `wipe` gives its serial number. With `dry_run`, lists every disk.
#[utoipa::path(
    post, path = "/api/nodes/{id}/disk", tag = "nodes", request_body = DiskBody,
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), DryRun),
    responses(
        (status = 200, body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn disk(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(node): At<NodeId>,
    Params(mode): Params<DryRun>,
    Body(DiskBody { device, wipe }): Body<DiskBody>,
) -> Result<Json<Change>, ApiError> {
    let order = DiskOrder { node, device, wipe };
    let change = if mode.dry_run {
        Change::planned(api.nodes().disks(&order).await?)
    } else {
        Change::done(api.nodes().disk(caller.approve(order)?).await?)
    };
    Ok(Json(change))
}
