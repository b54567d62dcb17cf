//! The outermost layer: request id, deadline, error shape, log line and metrics for every request.
//!
//! It is outermost so that nothing can answer around it: the router's bare 404 and 405 get the same body as a
//! handler's refusal. The log line holds the path and never the query, because a ticket may stand there.

use std::time::Duration;

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use vocabulary::RequestId;

use super::{
    auth::CallerSlot,
    error::{ApiError, ErrorBody, ErrorDetail, Failure},
    linger::Rest,
    state::Rim,
};

/// The header that carries the request id, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps one request.
pub(super) async fn around(State(rim): State<Rim>, mut request: Request, next: Next) -> Response {
    let started = rim.clock.uptime();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let caller = CallerSlot::default();
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(id.clone());
    let rest = Rest::of(&mut request);
    let answer = tokio::time::timeout(rim.deadline, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| ApiError::TimedOut(rim.deadline).into_response());
    if response.status().is_client_error() {
        rest.drop_read().await;
    }
    let failure = failure_of(&mut response);
    let told = Told { id: &id, method: &method, path: &path, route: &route, caller: caller.0.get(), failure: &failure };
    told.log(response.status(), rim.clock.uptime().saturating_sub(started));
    shape(response, failure, &id)
}

/// The caller's id where it is one that can stand in a log, else a new one.
fn request_id(headers: &HeaderMap) -> RequestId {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let given = given.filter(|text| (1..=64).contains(&text.len()) && text.bytes().all(plain));
    RequestId(given.map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned))
}

/// What an error left in the response; for bare refusals of the router, the error that they stand for.
fn failure_of(response: &mut Response) -> Option<Failure> {
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        return Some(failure);
    }
    let bare = match response.status() {
        StatusCode::NOT_FOUND => ApiError::NoRoute,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::NoMethod,
        StatusCode::PAYLOAD_TOO_LARGE => super::error::InputError::TooLarge.into(),
        _ => return None,
    };
    bare.into_response().extensions_mut().remove::<Failure>()
}

fn shape(response: Response, failure: Option<Failure>, id: &RequestId) -> Response {
    let mut response = match failure {
        Some(Failure { code, message, hint, .. }) => {
            let detail = ErrorDetail { code: code.to_owned(), message, hint, request_id: id.0.clone() };
            let (parts, _) = response.into_parts();
            let mut shaped = (parts.status, Json(ErrorBody { error: detail })).into_response();
            let kept = parts.headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
            shaped.headers_mut().extend(kept.filter(|(name, _)| !name.as_str().starts_with("content-")));
            shaped
        }
        None => response,
    };
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What the log says of a request.
struct Told<'r> {
    id: &'r RequestId,
    method: &'r Method,
    path: &'r str,
    route: &'r str,
    caller: Option<&'r String>,
    failure: &'r Option<Failure>,
}

impl Told<'_> {
    fn log(&self, status: StatusCode, took: Duration) {
        let Self { id, method, path, .. } = self;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let caller = self.caller.map_or("-", String::as_str);
        let cause = self.failure.as_ref().and_then(|failure| failure.log.as_deref());
        match cause {
            Some(cause) => {
                tracing::error!(request_id = %id, %method, path, caller, status = status.as_u16(), took_ms, cause, "request failed");
            }
            None => {
                tracing::debug!(request_id = %id, %method, path, caller, status = status.as_u16(), took_ms, "request");
            }
        }
        let labels = [
            ("method", method_label(method)),
            ("route", self.route.to_owned()),
            ("status", status.as_u16().to_string()),
        ];
        metrics::counter!("roost_http_requests_total", &labels).increment(1);
        metrics::histogram!("roost_http_request_seconds", "route" => self.route.to_owned()).record(took.as_secs_f64());
    }
}

/// The method as a label: whatever else a client makes up counts as one.
fn method_label(method: &Method) -> String {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { method.to_string() } else { "other".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_bytes(given.as_bytes()).unwrap());
        request_id(&headers).0
    }

    #[test]
    fn a_request_id_cannot_forge_a_log_line() {
        assert_eq!(id_for("trace-7.a_B"), "trace-7.a_B");
        for bad in ["", "a b", "a\tb", "é", &"a".repeat(65)] {
            assert_eq!(id_for(bad).len(), 32, "{bad:?}");
        }
    }
}
