//! Answers without a file behind them: reasons, statuses, back-pressure. Never a redirect.
//!
//! Every reason is in the body as text. iPXE shows the body of no error, so on the boot path it is answered with a
//! script that says the reason instead, with status 200, because it runs nothing else.

use std::fmt::Display;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};

/// A status with its reason as text.
pub(super) fn text(status: StatusCode, reason: impl Display) -> Response {
    let mut response = Response::new(Body::from(format!("{reason}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Later: iPXE waits this long and asks again by itself.
pub(super) fn later(retry_after_s: u32, reason: impl Display) -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, reason);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}

/// A method that nothing on the boot path takes.
pub(super) fn wrong_method() -> Response {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "boot files are only read: GET or HEAD");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Whether the asker runs scripts and shows nothing else.
pub(super) fn is_ipxe(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"iPXE/"))
}
