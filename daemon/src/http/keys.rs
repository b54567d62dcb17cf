//! `/api/keys`: making, listing and revoking API keys; and `/api/tickets` for browsers.
//!
//! A new key is in the answer and nowhere else. A key can only hand on scopes that it holds, so that `admin` alone
//! is no way to `approve`; on the control node, root holds them all.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::KeyId;

use super::{
    auth::{Admin, Allowed, Caller, Read},
    desks::Effect,
    error::{ApiError, ErrorBody, InputError},
    input::{At, Body, Change, DryRun, Params},
    keyring::KeyChangeError,
    state::Api,
    tickets::{IssueError, Ticket},
    wire::KeyView,
};
use crate::keys::{self, ApiKey, Scope, Scopes};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke)).routes(routes!(ticket))
}

/// Lists every key, revoked ones too; never the keys themselves.
#[utoipa::path(
    get, path = "/api/keys", tag = "keys",
    responses((status = 200, body = [KeyView]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("bearer" = ["admin"])),
)]
async fn list(_: Allowed<Admin>, State(api): State<Api>) -> Result<Json<Vec<KeyView>>, ApiError> {
    Ok(Json(api.keys().list(api.store()).await.map_err(key_error)?))
}

/// A key to be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Its name in listings and in the audit.
    #[schema(example = "ci")]
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// What was made, or would be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewKeyView {
    /// Whether nothing was made, because `dry_run` was asked for.
    pub dry_run: bool,
    /// What changed, or would.
    pub effects: Vec<Effect>,
    /// The key itself: shown now and never again. Absent in a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Makes a key. The answer holds it, once.
#[utoipa::path(
    post, path = "/api/keys", tag = "keys", params(DryRun), request_body = NewKey,
    responses(
        (status = 201, body = NewKeyView), (status = 200, description = "Dry run", body = NewKeyView),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["admin"])),
)]
async fn create(
    caller: Allowed<Admin>,
    State(api): State<Api>,
    Params(mode): Params<DryRun>,
    Body(wish): Body<NewKey>,
) -> Result<(StatusCode, Json<NewKeyView>), ApiError> {
    let scopes = grantable(&caller.caller, &wish)?;
    let name = KeyId(wish.name.clone());
    api.keys().check_free(api.store(), &name).await.map_err(key_error)?;
    let effects = vec![Effect { subject: format!("key {name}"), effect: format!("made with the scopes {scopes}") }];
    if mode.dry_run {
        return Ok((StatusCode::OK, Json(NewKeyView { dry_run: true, effects, key: None })));
    }
    let key = ApiKey::random().map_err(|error| ApiError::Internal(error.to_string().into()))?;
    let order = caller.approve(wish)?;
    api.keys().create(&order, key.digest(), api.clock().now()).await.map_err(key_error)?;
    let view = NewKeyView { dry_run: false, effects, key: Some(key.expose().to_owned()) };
    Ok((StatusCode::CREATED, Json(view)))
}

fn grantable(caller: &Caller, wish: &NewKey) -> Result<Scopes, ApiError> {
    if !keys::is_key_name(&wish.name) {
        let rule = "name: 1 to 64 letters, digits, `-`, `_` or `.`; not `root` and not `uid...`";
        return Err(InputError::Body(rule.to_owned()).into());
    }
    if wish.scopes.is_empty() {
        return Err(InputError::Body("scopes: at least one".to_owned()).into());
    }
    match wish.scopes.iter().find(|scope| !caller.scopes.allow(**scope)) {
        Some(scope) => Err(ApiError::Escalation { name: caller.name.clone(), scope: *scope }),
        None => Ok(wish.scopes.iter().copied().collect()),
    }
}

/// Revokes a key at once.
#[utoipa::path(
    delete, path = "/api/keys/{name}", tag = "keys",
    params(("name" = String, Path, description = "The key's name"), DryRun),
    responses(
        (status = 200, body = Change),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "The key stands in the configuration", body = ErrorBody),
    ),
    security(("bearer" = ["admin"])),
)]
async fn revoke(
    caller: Allowed<Admin>,
    State(api): State<Api>,
    At(name): At<String>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    let name = KeyId(name);
    api.keys().check_revocable(api.store(), &name).await.map_err(key_error)?;
    let effects =
        vec![Effect { subject: format!("key {name}"), effect: "revoked; its next request is refused".into() }];
    if mode.dry_run {
        return Ok(Json(Change::planned(effects)));
    }
    let order = caller.approve(name)?;
    api.keys().revoke(&order, api.clock().now()).await.map_err(key_error)?;
    Ok(Json(Change::done(effects)))
}

/// Gives a ticket that opens one event stream within a minute, with the caller's scopes.
#[utoipa::path(
    post, path = "/api/tickets", tag = "events",
    responses(
        (status = 201, body = Ticket),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn ticket(caller: Allowed<Read>, State(api): State<Api>) -> Result<(StatusCode, Json<Ticket>), ApiError> {
    match api.tickets().issue(caller.caller, api.clock().now()) {
        Ok(ticket) => Ok((StatusCode::CREATED, Json(ticket))),
        Err(IssueError::TooMany) => Err(ApiError::TooManyTickets),
        Err(IssueError::Random(error)) => Err(ApiError::Internal(error.to_string().into())),
    }
}

fn key_error(error: KeyChangeError) -> ApiError {
    match error {
        KeyChangeError::Unknown(name) => {
            ApiError::Unknown { what: format!("key {name}"), hint: "roost key list shows every key" }
        }
        KeyChangeError::Taken(name) => ApiError::Conflict {
            message: format!("there is a key {name} already"),
            hint: "choose another name; names of revoked keys stay taken, for the audit".to_owned(),
        },
        KeyChangeError::Configured(name) => ApiError::Conflict {
            message: format!("the key {name} stands in the configuration"),
            hint: "take it out of [[http.keys]] or ROOST_HTTP_KEYS and restart".to_owned(),
        },
        KeyChangeError::Store(source) => ApiError::Store(source),
        error @ KeyChangeError::Stopping => ApiError::Store(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_hands_on_only_what_it_holds() {
        let caller = Caller { name: "ops".into(), scopes: "admin+read".parse().unwrap(), revoked: tasks::Stop::new() };
        let wish = |name: &str, scopes: &[Scope]| NewKey { name: name.into(), scopes: scopes.to_vec() };
        assert!(grantable(&caller, &wish("ci", &[Scope::Read])).is_ok());
        assert!(matches!(
            grantable(&caller, &wish("ci", &[Scope::Read, Scope::Approve])),
            Err(ApiError::Escalation { scope: Scope::Approve, .. })
        ));
        assert!(grantable(&caller, &wish("ci", &[])).is_err());
        assert!(grantable(&caller, &wish("root", &[Scope::Read])).is_err());
    }
}
