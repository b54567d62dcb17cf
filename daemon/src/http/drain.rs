//! `/api/nodes/{id}/drain`: a node's work, moved away and back.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::NodeId;

use super::{
    auth::{Allowed, Operate, Read},
    error::{ApiError, ErrorBody},
    input::{At, Body, Change, DryRun, Params},
    jobs::views::{ShortfallView, shortfalls},
    state::Api,
};
use crate::workload::{
    drain::NodeWork,
    orders::{DrainAct, DrainOrder},
};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show, order))
}

/// A node's work at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeWorkView {
    /// As the cluster calls it.
    #[schema(example = "node-525400123456")]
    pub name: String,
    /// As Nomad knows it.
    pub nomad_node: String,
    /// `ready`, `down`, `disconnected` or `initializing`.
    pub status: String,
    /// Whether it gets new work.
    pub eligible: bool,
    /// Whether its work is being moved away.
    pub draining: bool,
    /// What still runs there.
    pub left: Vec<String>,
    /// What of the jobs that were there finds no place elsewhere.
    pub homeless: Vec<HomelessView>,
}

/// Part of a job that finds no place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HomelessView {
    /// Which job.
    pub job: String,
    /// What of it, and why.
    pub shortfall: ShortfallView,
}

impl From<NodeWork> for NodeWorkView {
    fn from(work: NodeWork) -> Self {
        let NodeWork { name, node, status, eligible, draining, left, homeless } = work;
        let homeless = homeless.into_iter().flat_map(|(job, short)| {
            shortfalls(vec![short]).into_iter().map(move |shortfall| HomelessView { job: job.clone(), shortfall })
        });
        let homeless = homeless.collect();
        Self { name, nomad_node: node.to_string(), status, eligible, draining, left, homeless }
    }
}

/// A node's name in the cluster: a MAC address is as good as Roost's name, and Nomad's own id goes as it is.
fn name(id: &str) -> String {
    id.parse::<NodeId>().map_or_else(|_| id.to_owned(), |node| node.to_string())
}

/// Shows what runs on a node of the cluster, and what of its work finds no place elsewhere.
#[utoipa::path(
    get, path = "/api/nodes/{id}/drain", tag = "nodes",
    params(("id" = String, Path, description = "node-525400123456, a MAC address, or Nomad's id")),
    responses(
        (status = 200, body = NodeWorkView),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn show(_: Allowed<Read>, State(api): State<Api>, At(id): At<String>) -> Result<Json<NodeWorkView>, ApiError> {
    Ok(Json(api.workload()?.node_work(&name(&id)).await?.into()))
}

/// What to do about a node's work.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum DrainBody {
    /// Move it away.
    Begin {
        /// What is left after so many seconds is stopped; 0 stops all at once, none waits for ever.
        deadline_s: Option<u64>,
        /// Leave system jobs where they are.
        #[serde(default)]
        keep_system_jobs: bool,
        /// Why; kept with the node.
        #[serde(default)]
        reason: String,
    },
    /// Take work again.
    End {
        /// Get no new work all the same.
        #[serde(default)]
        stay_ineligible: bool,
    },
}

/// Moves a node's work away, or lets it come back.
#[utoipa::path(
    post, path = "/api/nodes/{id}/drain", tag = "nodes", request_body = DrainBody,
    params(("id" = String, Path, description = "node-525400123456, a MAC address, or Nomad's id"), DryRun),
    responses(
        (status = 200, description = "It began; GET shows its end", body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn order(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(mode): Params<DryRun>,
    Body(body): Body<DrainBody>,
) -> Result<Json<Change>, ApiError> {
    let workload = api.workload()?;
    let stub = workload.node(&name(&id)).await?;
    let act = match body {
        DrainBody::Begin { deadline_s, keep_system_jobs: keeps_system_jobs, reason } => {
            let by = &caller.caller.name;
            let reason = if reason.is_empty() { format!("drained by {by}") } else { format!("{reason} ({by})") };
            DrainAct::Begin { deadline: deadline_s.map(Duration::from_secs), keeps_system_jobs, reason }
        }
        DrainBody::End { stay_ineligible } => DrainAct::End { eligible: !stay_ineligible },
    };
    let order = DrainOrder { node: ::jobs::nomad::NodeId::new(stub.id), name: stub.name, act };
    if mode.dry_run {
        return Ok(Json(Change::planned(workload.foresee_drain(&order).await?)));
    }
    Ok(Json(Change::done(workload.drain(caller.approve(order)?).await?)))
}
