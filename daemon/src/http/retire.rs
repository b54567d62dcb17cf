//! `/api/nodes/{id}/retire` and `/api/cluster/rotate`: a node taken out of the cluster, and new keys for its gossip.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::NodeId;

use super::{
    auth::{Admin, Allowed, Approve},
    desks::{NodeOrder, RetireOrder, RotateGossip},
    error::{ApiError, ErrorBody, InputError},
    input::{At, Body, Change, DryRun, Params},
    state::Api,
};
use crate::nodes::retiring::Way;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(retire)).routes(routes!(rotate))
}

/// In which way a node goes.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetireBody {
    /// Its tokens go first, its work is stopped at once, and the gossip keys are replaced.
    pub compromised: bool,
    /// What of its work is left after so many seconds is stopped; none waits for ever. Not with `compromised`.
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub deadline_s: Option<u64>,
}

/// The longest that a node's work may take to move.
const LONGEST_S: u64 = 2_592_000;

fn way(body: &RetireBody) -> Result<Way, InputError> {
    match (body.compromised, body.deadline_s) {
        (true, None) => Ok(Way::Compromised),
        (false, Some(LONGEST_S..)) => Err(InputError::Body("deadline_s: below 2592000".to_owned())),
        (false, deadline_s) => Ok(Way::Orderly { deadline: deadline_s.map(Duration::from_secs) }),
        (true, Some(_)) => Err(InputError::Body("compromised waits for nothing: leave deadline_s out".to_owned())),
    }
}

/// Takes a node out of the cluster: its work is moved away, Nomad and Consul forget it, its tokens are deleted, and no boot
/// of it is let in until it is approved anew. The answer says that it began; its timeline shows each stage to its end.
#[utoipa::path(
    post, path = "/api/nodes/{id}/retire", tag = "nodes", request_body = RetireBody,
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), DryRun),
    responses(
        (status = 200, body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["approve"])),
)]
async fn retire(
    caller: Allowed<Approve>,
    State(api): State<Api>,
    At(node): At<NodeId>,
    Params(mode): Params<DryRun>,
    Body(body): Body<RetireBody>,
) -> Result<Json<Change>, ApiError> {
    let order = RetireOrder { node, way: way(&body)? };
    if mode.dry_run {
        return Ok(Json(Change::planned(api.nodes().preview(NodeOrder::Retire(order)).await?)));
    }
    Ok(Json(Change::done(api.nodes().retire(caller.approve(order)?).await?)))
}

/// Replaces the keys that Consul's and Nomad's gossip is encrypted with.
#[utoipa::path(
    post, path = "/api/cluster/rotate", tag = "daemon", params(DryRun),
    responses(
        (status = 200, body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 422, description = "No cluster of Roost's own, or somebody would hear them", body = ErrorBody),
    ),
    security(("bearer" = ["admin"])),
)]
async fn rotate(
    caller: Allowed<Admin>,
    State(api): State<Api>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    if mode.dry_run {
        return Ok(Json(Change::planned(api.gossip().preview().await?)));
    }
    Ok(Json(Change::done(api.gossip().rotate(caller.approve(RotateGossip {})?).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compromised_node_is_given_no_time() {
        let asked = |compromised, deadline_s| way(&RetireBody { compromised, deadline_s }).ok();
        assert_eq!(asked(true, None), Some(Way::Compromised));
        assert_eq!(asked(true, Some(0)), None);
        assert_eq!(asked(false, Some(60)), Some(Way::Orderly { deadline: Some(Duration::from_secs(60)) }));
        assert_eq!(asked(false, None), Some(Way::Orderly { deadline: None }));
        assert_eq!(asked(false, Some(u64::MAX)), None);
    }
}
