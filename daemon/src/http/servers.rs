//! `/api/cluster/servers`: which nodes are servers of the cluster, and orders to make more of them or fewer.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::NodeId;

use super::{
    auth::{Admin, Allowed, Read},
    desks::ServerView,
    error::{ApiError, ErrorBody},
    input::{Body, Change, DryRun, Params},
    state::Api,
};
use crate::cluster::servers::{ServersOrder, Turn};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, order))
}

/// What becomes of which nodes.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServersBody {
    /// `promote` makes them servers, `demote` clients again.
    pub turn: Turn,
    /// Names or MAC addresses; they change one after the other, in this order.
    #[schema(value_type = Vec<String>, min_items = 1, example = json!(["node-525400123456", "node-525400123457"]))]
    pub nodes: Vec<NodeId>,
    /// Take an even number of servers for now.
    #[serde(default)]
    pub even: bool,
}

/// Every server of a cluster of Roost's own, how both agents have it, and what is under way.
#[utoipa::path(
    get, path = "/api/cluster/servers", tag = "cluster",
    responses(
        (status = 200, body = Vec<ServerView>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, description = "There is no cluster of Roost's own", body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn list(_: Allowed<Read>, State(api): State<Api>) -> Result<Json<Vec<ServerView>>, ApiError> {
    Ok(Json(api.servers().list().await?))
}

/// Makes nodes servers of Consul and Nomad, or clients again. The order is kept before it is answered and is carried out
/// to its end, one node at a time; a GET shows how far it is.
#[utoipa::path(
    post, path = "/api/cluster/servers", tag = "cluster", params(DryRun), request_body = ServersBody,
    responses(
        (status = 200, description = "It is kept and begins; GET shows its end", body = Change),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, description = "Another change is under way", body = ErrorBody),
        (status = 422, description = "A node's data would be lost, or a majority", body = ErrorBody),
    ),
    security(("bearer" = ["admin"])),
)]
async fn order(
    caller: Allowed<Admin>,
    State(api): State<Api>,
    Params(mode): Params<DryRun>,
    Body(ServersBody { turn, nodes, even }): Body<ServersBody>,
) -> Result<Json<Change>, ApiError> {
    let order = ServersOrder { turn, nodes, allows_even: even };
    if mode.dry_run {
        return Ok(Json(Change::planned(api.servers().preview(&order).await?)));
    }
    Ok(Json(Change::done(api.servers().order(caller.approve(order)?).await?)))
}
