//! `/api/nodes` and `/api/explain`: machines, their timelines, and what people order them to do.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::{BootId, Mac, NodeId, NodeState, Timestamp};

use super::{
    auth::{Allowed, Approve, Operate, Read},
    desks::{Approval, Explanation, NodeError, NodeOrder, PowerOrder},
    error::{ApiError, ErrorBody, InputError},
    input::{At, Body, Change, DryRun, Params},
    sight::Sight,
    state::Api,
    wire::{ClaimsView, NodeDetailView, NodeView, StepView},
};
use crate::power::PowerAction;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(approve_several))
        .routes(routes!(show, forget))
        .routes(routes!(timeline))
        .routes(routes!(approve))
        .routes(routes!(deny))
        .routes(routes!(power))
        .routes(routes!(explain))
}

/// Which nodes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NodeFilter {
    /// Only nodes in this state.
    state: Option<String>,
    /// Only nodes that are admitted (`true`) or not (`false`).
    approved: Option<bool>,
}

/// Lists every machine that was ever seen.
#[utoipa::path(
    get, path = "/api/nodes", tag = "nodes", params(NodeFilter),
    responses(
        (status = 200, description = "Sorted by id", body = [NodeView]),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn list(
    caller: Allowed<Read>,
    State(api): State<Api>,
    Params(filter): Params<NodeFilter>,
) -> Result<Json<Vec<NodeView>>, ApiError> {
    let state = filter.state.as_deref().map(node_state).transpose()?;
    let mut nodes = api.store().nodes().await?;
    nodes.retain(|node| state.is_none_or(|state| node.state == state));
    nodes.retain(|node| filter.approved.is_none_or(|approved| node.approved == approved));
    nodes.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Json(Sight::of(&caller.caller).show(nodes.into_iter().map(NodeView::from).collect())?))
}

fn node_state(word: &str) -> Result<NodeState, InputError> {
    let known = || NodeState::ALL.map(NodeState::name).join(", ");
    NodeState::named(word).ok_or_else(|| InputError::Query(format!("state {word:?} is none of {}", known())))
}

/// Shows one machine. The id may also be its MAC address.
#[utoipa::path(
    get, path = "/api/nodes/{id}", tag = "nodes",
    params(("id" = String, Path, description = "node-525400123456, or a MAC address")),
    responses(
        (status = 200, body = NodeDetailView),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn show(
    caller: Allowed<Read>,
    State(api): State<Api>,
    At(id): At<NodeId>,
) -> Result<Json<NodeDetailView>, ApiError> {
    let store = api.store();
    let node = store.node(id.clone()).await?.ok_or_else(|| NodeError::Unknown(id.clone()))?;
    let claims = store.claims(id).await?.map(ClaimsView::from);
    Ok(Json(Sight::of(&caller.caller).show(NodeDetailView { node: node.into(), claims })?))
}

/// Which lines of a timeline.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TimelineFilter {
    /// Only lines of this boot attempt.
    boot: Option<u64>,
}

/// Every station of a machine's way, oldest first.
#[utoipa::path(
    get, path = "/api/nodes/{id}/timeline", tag = "nodes",
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), TimelineFilter),
    responses(
        (status = 200, body = [StepView]),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn timeline(
    caller: Allowed<Read>,
    State(api): State<Api>,
    At(id): At<NodeId>,
    Params(filter): Params<TimelineFilter>,
) -> Result<Json<Vec<StepView>>, ApiError> {
    let store = api.store();
    if store.node(id.clone()).await?.is_none() {
        return Err(NodeError::Unknown(id).into());
    }
    let lines = store.timeline(id, filter.boot.map(BootId), MOST_LINES).await?;
    Ok(Json(Sight::of(&caller.caller).show(lines.into_iter().map(StepView::from).collect())?))
}

/// Admits one machine.
#[utoipa::path(
    post, path = "/api/nodes/{id}/approve", tag = "nodes",
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), DryRun),
    responses(
        (status = 200, body = Change),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["approve"])),
)]
async fn approve(
    caller: Allowed<Approve>,
    State(api): State<Api>,
    At(id): At<NodeId>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    carry_out_approval(&caller, &api, Approval::Nodes(vec![id]), mode).await
}

/// Which machines to admit: either `nodes`, or `next` with `for_s`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalBody {
    /// These machines, now: ids or MAC addresses.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["node-525400123456"]))]
    pub nodes: Vec<NodeId>,
    /// So many machines that were never seen before, as they appear. Those that wait now are not among them.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub next: Option<u32>,
    /// For how many seconds `next` stands; half an hour where it is not said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86_400)]
    pub for_s: Option<u64>,
}

/// More than the store keeps of one node.
const MOST_LINES: u32 = 10_000;
/// The longest time for which machines may be admitted in advance.
const LONGEST_WINDOW_S: u64 = 86_400;
const USUAL_WINDOW_S: u64 = 1_800;
const MOST_IN_ADVANCE: u32 = 10_000;

/// Admits several machines, or the next few that appear.
#[utoipa::path(
    post, path = "/api/nodes/approve", tag = "nodes", params(DryRun), request_body = ApprovalBody,
    responses(
        (status = 200, body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["approve"])),
)]
async fn approve_several(
    caller: Allowed<Approve>,
    State(api): State<Api>,
    Params(mode): Params<DryRun>,
    Body(body): Body<ApprovalBody>,
) -> Result<Json<Change>, ApiError> {
    let order = approval(body, api.clock().now())?;
    carry_out_approval(&caller, &api, order, mode).await
}

fn approval(body: ApprovalBody, now: Timestamp) -> Result<Approval, InputError> {
    let refused = |why: &str| Err(InputError::Body(why.to_owned()));
    match (body.nodes.is_empty(), body.next, body.for_s) {
        (false, None, None) => Ok(Approval::Nodes(body.nodes)),
        (true, Some(count @ 1..=MOST_IN_ADVANCE), for_s) => {
            let seconds = for_s.unwrap_or(USUAL_WINDOW_S);
            if !(1..=LONGEST_WINDOW_S).contains(&seconds) {
                return refused("for_s: from 1 to 86400");
            }
            let until = now.saturating_add(std::time::Duration::from_secs(seconds)).unwrap_or(now);
            Ok(Approval::Next { count, until })
        }
        (true, Some(_), _) => refused("next: from 1 to 10000"),
        _ => refused("give either nodes, or next with for_s"),
    }
}

async fn carry_out_approval(
    caller: &Allowed<Approve>,
    api: &Api,
    order: Approval,
    mode: DryRun,
) -> Result<Json<Change>, ApiError> {
    if mode.dry_run {
        return Ok(Json(Change::planned(api.nodes().preview(NodeOrder::Approve(order)).await?)));
    }
    Ok(Json(Change::done(api.nodes().approve(caller.approve(order)?).await?)))
}

/// Keeps a machine out until it is approved.
#[utoipa::path(
    post, path = "/api/nodes/{id}/deny", tag = "nodes",
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), DryRun),
    responses(
        (status = 200, body = Change),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["approve"])),
)]
async fn deny(
    caller: Allowed<Approve>,
    State(api): State<Api>,
    At(id): At<NodeId>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    if mode.dry_run {
        return Ok(Json(Change::planned(api.nodes().preview(NodeOrder::Deny(id)).await?)));
    }
    Ok(Json(Change::done(api.nodes().deny(caller.approve(id)?).await?)))
}

/// Forgets a machine with its boots, timeline and runs; a stranger if it comes again. Refused while it has a run, is
/// parked, boots, or answers on its pinned host key.
#[utoipa::path(
    delete, path = "/api/nodes/{id}", tag = "nodes",
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), DryRun),
    responses(
        (status = 200, body = Change),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["approve"])),
)]
async fn forget(
    caller: Allowed<Approve>,
    State(api): State<Api>,
    At(id): At<NodeId>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    if mode.dry_run {
        return Ok(Json(Change::planned(api.nodes().preview(NodeOrder::Forget(id)).await?)));
    }
    Ok(Json(Change::done(api.nodes().forget(caller.approve(id)?).await?)))
}

/// What to do to a machine's power.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerBody {
    /// `on`, `off` or `cycle`.
    #[schema(value_type = String, example = "cycle")]
    pub action: PowerAction,
}

/// Switches a machine. The answer says that the order is kept and carried out; how it went shows on the node's timeline,
/// and of `on` and `cycle` in the machine's next DISCOVER.
#[utoipa::path(
    post, path = "/api/nodes/{id}/power", tag = "nodes", request_body = PowerBody,
    params(("id" = String, Path, description = "node-525400123456, or a MAC address"), DryRun),
    responses(
        (status = 200, body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "An order is under way", body = ErrorBody), (status = 422, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn power(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(node): At<NodeId>,
    Params(mode): Params<DryRun>,
    Body(PowerBody { action }): Body<PowerBody>,
) -> Result<Json<Change>, ApiError> {
    let order = PowerOrder { node, action };
    if mode.dry_run {
        return Ok(Json(Change::planned(api.nodes().preview(NodeOrder::Power(order)).await?)));
    }
    Ok(Json(Change::done(api.nodes().power(caller.approve(order)?).await?)))
}

/// Says what a machine would be answered, and why. Mints nothing and changes nothing.
#[utoipa::path(
    get, path = "/api/explain/{mac}", tag = "nodes",
    params(("mac" = String, Path, description = "A MAC address in any spelling; it need not be known")),
    responses(
        (status = 200, body = Explanation), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn explain(
    caller: Allowed<Read>,
    State(api): State<Api>,
    At(mac): At<Mac>,
) -> Result<Json<Explanation>, ApiError> {
    Ok(Json(Sight::of(&caller.caller).show(api.nodes().explain(mac).await?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: &str) -> Result<Approval, String> {
        let body = serde_json::from_str(json).map_err(|error| error.to_string())?;
        approval(body, Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    #[test]
    fn either_these_or_the_next_few() {
        let node: NodeId = "node-525400123456".parse().unwrap();
        assert_eq!(asked(r#"{"nodes": ["52:54:00:12:34:56"]}"#), Ok(Approval::Nodes(vec![node])));
        let until = Timestamp::from_second(60).unwrap();
        assert_eq!(asked(r#"{"next": 4, "for_s": 60}"#), Ok(Approval::Next { count: 4, until }));
        for bad in [
            "{}",
            r#"{"nodes": []}"#,
            r#"{"next": 0}"#,
            r#"{"next": 1, "for_s": 0}"#,
            r#"{"next": 1, "for_s": 86401}"#,
            r#"{"nodes": ["52:54:00:12:34:56"], "next": 1}"#,
            r#"{"nodes": ["localhost"]}"#,
            r#"{"all": true}"#,
        ] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
