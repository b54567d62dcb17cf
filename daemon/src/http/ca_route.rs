//! `/api/ca`: the certificate of Roost's own authority, for clients to trust.

use axum::{extract::State, http::header, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    auth::{Allowed, Read},
    ca,
    error::{ApiError, ErrorBody},
    state::Api,
};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Shows the certificate of Roost's own authority, in PEM.
#[utoipa::path(
    get, path = "/api/ca", tag = "daemon",
    responses(
        (status = 200, body = String, content_type = "application/x-pem-file"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, description = "The API's certificate comes from elsewhere", body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn show(_: Allowed<Read>, State(api): State<Api>) -> Result<impl IntoResponse, ApiError> {
    let none = || ApiError::Unknown {
        what: "an authority of Roost's own".to_owned(),
        hint: "set [http.tls] source = \"roost\" and restart",
    };
    let data_dir = api.config().authority.as_deref().ok_or_else(none)?;
    let pem = tokio::fs::read_to_string(ca::certificate_path(data_dir)).await;
    let pem = pem.map_err(|error| ApiError::Internal(error.into()))?;
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], pem))
}
