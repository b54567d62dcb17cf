//! `/api/secrets`: what jobs read as secrets. Values go in and never come out.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::{Secret, Timestamp};

use super::{
    auth::{Allowed, Operate, Read},
    error::{ApiError, ErrorBody},
    input::{Body, Change, DryRun, Params},
    state::Api,
};
use crate::workload::{orders::SecretOrder, secrets::SecretRow};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, set))
}

/// Which secrets to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SecretFilter {
    /// Only paths that begin so.
    prefix: Option<String>,
    /// Without it, `default`; `*` for all.
    namespace: Option<String>,
}

/// A path with secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    /// Where.
    #[schema(example = "nomad/jobs/web")]
    pub path: String,
    /// In which namespace.
    #[schema(example = "default")]
    pub namespace: String,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub modified: Timestamp,
    /// Names of its values, where there are at most 50 paths; never the values.
    pub names: Option<Vec<String>>,
}

impl From<SecretRow> for SecretView {
    fn from(row: SecretRow) -> Self {
        let SecretRow { path, namespace, modified, names } = row;
        Self { path, namespace, modified, names }
    }
}

/// Lists paths with secrets, and the names of their values.
#[utoipa::path(
    get, path = "/api/secrets", tag = "jobs", params(SecretFilter),
    responses(
        (status = 200, body = [SecretView]),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn list(
    _: Allowed<Read>,
    State(api): State<Api>,
    Params(filter): Params<SecretFilter>,
) -> Result<Json<Vec<SecretView>>, ApiError> {
    let prefix = filter.prefix.unwrap_or_default();
    let rows = api.workload()?.secrets(&prefix, filter.namespace.as_deref()).await?;
    Ok(Json(rows.into_iter().map(SecretView::from).collect()))
}

/// A value to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretBody {
    /// Where.
    #[schema(example = "nomad/jobs/web")]
    path: String,
    /// Without it, `default`.
    #[serde(default)]
    namespace: Option<String>,
    /// Which value.
    #[schema(example = "db_password")]
    name: String,
    /// The value.
    #[schema(value_type = String)]
    value: Secret<String>,
}

/// Sets one value; others of the same path stay as they are.
#[utoipa::path(
    post, path = "/api/secrets", tag = "jobs", params(DryRun), request_body = SecretBody,
    responses(
        (status = 200, body = Change), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn set(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    Params(mode): Params<DryRun>,
    Body(body): Body<SecretBody>,
) -> Result<Json<Change>, ApiError> {
    let workload = api.workload()?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| ApiError::Internal(error.to_string().into()))?;
    let SecretBody { path, namespace, name, value } = body;
    let order = SecretOrder { path, namespace, name, value, salt };
    if mode.dry_run {
        return Ok(Json(Change::planned(workload.foresee_secret(&order).await?)));
    }
    Ok(Json(Change::done(workload.set_secret(caller.approve(order)?).await?)))
}
