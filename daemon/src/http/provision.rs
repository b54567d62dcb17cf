//! The two POSTs of booting machines: call-home and progress. They stand on the boot listener alone.
//!
//! There is no key here: the body's token says who it is, and the intake decides. The address that counts is the
//! connection's own; forwarded headers are not read, because anybody on a boot network can write one. Bodies are
//! short and are parsed by `ansible::callhome`, which knows every bound.

use std::{net::SocketAddr, sync::Arc};

use ansible::callhome::{CALL_HOME_LIMIT_BYTES, PROGRESS_LIMIT_BYTES};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, Request, State},
    http::{StatusCode, header::CONTENT_TYPE, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Serialize;
use vocabulary::RunId;

use super::{
    auth::Peer,
    desks::{Intake, IntakeRefusal, RefusalKind},
    error::{ApiError, InputError},
    request,
    state::Rim,
};

/// What a call-home is answered with.
#[derive(Debug, Serialize)]
struct Accepted {
    run_id: RunId,
}

/// `POST /api/provision/call-home` and `POST /api/provision/progress`.
pub fn router(intake: Arc<dyn Intake>, rim: Rim) -> Router {
    Router::new()
        .route("/api/provision/call-home", post(call_home).layer(DefaultBodyLimit::max(CALL_HOME_LIMIT_BYTES)))
        .route("/api/provision/progress", post(progress).layer(DefaultBodyLimit::max(PROGRESS_LIMIT_BYTES)))
        .method_not_allowed_fallback(async || ApiError::NoMethod)
        .layer(middleware::from_fn_with_state(rim, request::around))
        .with_state(intake)
}

async fn call_home(
    State(intake): State<Arc<dyn Intake>>,
    Source(peer): Source,
    Posted(body): Posted,
) -> Result<Response, ApiError> {
    let call = ansible::callhome::call_home(&body).map_err(malformed)?;
    let run_id = intake.call_home(call, peer).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { run_id })).into_response())
}

async fn progress(
    State(intake): State<Arc<dyn Intake>>,
    Source(peer): Source,
    Posted(body): Posted,
) -> Result<StatusCode, ApiError> {
    let report = ansible::callhome::progress(&body).map_err(malformed)?;
    intake.progress(report, peer).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn malformed(error: impl std::fmt::Display) -> IntakeRefusal {
    let hint = "the machine runs another image than this Roost made; build it again: roost image build".to_owned();
    IntakeRefusal { kind: RefusalKind::Malformed, reason: error.to_string(), hint }
}

/// A body that says it is JSON, and is short.
struct Posted(Bytes);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(InputError::NotJson.into());
        }
        Bytes::from_request(request, state).await.map(Self).map_err(|_| InputError::TooLarge.into())
    }
}

/// The connection's own address.
struct Source(SocketAddr);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        if let Some(Peer::Network(address)) = parts.extensions.get() {
            return Ok(Self(*address));
        }
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        info.map(|ConnectInfo(address)| Self(*address))
            .ok_or_else(|| ApiError::Internal("the listener did not say who is connected".into()))
    }
}
