//! The API document and the page that shows it, both without a key and without the internet.
//!
//! The page's files are compiled in. `/docs` itself is the page, with a base element so that its relative links hold;
//! the ready-made router would answer a redirect to `/docs/` there, and nothing here redirects. The online validator
//! badge is off: a rack has no way out.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::error::ApiError;

/// Where the document lies.
pub(super) const DOCUMENT: &str = "/api/openapi.json";

/// `/docs` and `/api/openapi.json`.
pub(super) fn router<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Result<Router<S>, serde_json::Error> {
    let json: Arc<str> = document.to_pretty_json()?.into();
    let config = Arc::new(Config::new([DOCUMENT]).validator_url("none").persist_authorization(false));
    let page = config.clone();
    Ok(Router::new()
        .route(DOCUMENT, get(move || async move { ([(header::CONTENT_TYPE, "application/json")], json.to_string()) }))
        .route("/docs", get(move || async move { file("index.html", page) }))
        .route("/docs/{*file}", get(move |Path(name): Path<String>| async move { file(&name, config) })))
}

fn file(name: &str, config: Arc<Config<'static>>) -> Result<Response, ApiError> {
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => Ok(answer(name, file)),
        Ok(None) => Err(ApiError::NoRoute),
        Err(error) => Err(ApiError::Internal(error.to_string().into())),
    }
}

fn answer(name: &str, file: SwaggerFile<'_>) -> Response {
    let mut bytes = file.bytes.into_owned();
    if name == "index.html"
        && let Ok(text) = std::str::from_utf8(&bytes)
    {
        bytes = text.replacen("<head>", "<head><base href=\"/docs/\">", 1).into_bytes();
    }
    let kind = HeaderValue::from_str(&file.content_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    if file.gzpipped {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
