//! Every way in which a request fails, and the one match that says which status that is.
//!
//! Domain errors know nothing of HTTP. They become an [`ApiError`] by `?` and a status in `ApiError::verdict`, an
//! exhaustive match without a catch-all: a new error does not compile until somebody decided its status. What the
//! client reads and what the log says differ: causes with paths and SQL go to the log under the request id.
//!
//! The body is written by the outermost layer (`request.rs`), which knows the request id and also catches the bare
//! 404s and 405s of the router, so that no answer has another shape.

use std::time::Duration;

use axum::{
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::AuthError,
    desks::{BoxError, IntakeRefusal, NodeError, RefusalKind, RunError},
};
use crate::workload::ClusterError;

mod cluster;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong, for programs (`code`) and for people (the rest).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable word for programs.
    #[schema(example = "missing_scope")]
    pub code: String,
    /// What happened.
    #[schema(example = "the key ci may not do this: it lacks the scope approve")]
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// Also in the X-Request-Id header and in the daemon's log.
    pub request_id: String,
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Who asks is unknown, or may not.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// What was sent cannot be understood.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No such path.
    #[error("there is no such path")]
    NoRoute,
    /// The path exists, for other methods.
    #[error("this path does not answer that method")]
    NoMethod,
    /// The thing asked for does not exist.
    #[error("{what} does not exist")]
    Unknown {
        /// The thing: `key ci`.
        what: String,
        /// How to see those that exist.
        hint: &'static str,
    },
    /// It cannot be done as things are.
    #[error("{message}")]
    Conflict {
        /// What stands against it.
        message: String,
        /// What to do instead.
        hint: String,
    },
    /// A key may only hand on what it holds.
    #[error("{name} cannot give the scope {scope}: it does not hold it")]
    Escalation {
        /// Who tried.
        name: String,
        /// The scope that is missing.
        scope: crate::keys::Scope,
    },
    /// An order to a node failed.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// An order about a run failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Work on the cluster failed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A machine's POST was turned down.
    #[error(transparent)]
    Intake(#[from] IntakeRefusal),
    /// There are more open tickets than anybody needs.
    #[error("there are too many unused tickets")]
    TooManyTickets,
    /// No answer in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The daemon is going away.
    #[error("the daemon is stopping")]
    Stopping,
    /// The store did not answer.
    #[error("the store failed")]
    Store(#[source] BoxError),
    /// Something that should never happen did.
    #[error("an internal error")]
    Internal(#[source] BoxError),
}

/// What was sent cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The body is not declared as JSON.
    #[error("the body is not JSON: Content-Type must be application/json")]
    NotJson,
    /// The body is JSON but says something else than expected, or is none.
    #[error("{0}")]
    Body(String),
    /// The body is longer than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// The query cannot be understood.
    #[error("{0}")]
    Query(String),
    /// A part of the path cannot be understood.
    #[error("{0}")]
    Path(String),
}

impl From<store::ReadError> for ApiError {
    fn from(error: store::ReadError) -> Self {
        Self::Store(error.into())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        Self::Input(match rejection {
            JsonRejection::MissingJsonContentType(_) => InputError::NotJson,
            _ if too_large => InputError::TooLarge,
            other => InputError::Body(innermost(&other)),
        })
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Input(InputError::Query(innermost(&rejection)))
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::Input(InputError::Path(innermost(&rejection)))
    }
}

/// The message of the last cause: serde's, which names field and line, without axum's preamble.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// How a failure looks to the client.
pub(super) struct Verdict {
    status: StatusCode,
    code: &'static str,
    hint: String,
    retry_after: Option<Duration>,
}

fn verdict(status: StatusCode, code: &'static str, hint: impl Into<String>) -> Verdict {
    Verdict { status, code, hint: hint.into(), retry_after: None }
}

const SEE_LOG: &str = "the daemon's log has the cause under this request id";

impl ApiError {
    /// The one place where an error becomes a status.
    fn verdict(&self) -> Verdict {
        match self {
            Self::Auth(error) => auth_verdict(error),
            Self::Input(error) => input_verdict(error),
            Self::NoRoute => verdict(StatusCode::NOT_FOUND, "no_route", "every path is listed at /docs"),
            Self::NoMethod => {
                verdict(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "every method is listed at /docs")
            }
            Self::Unknown { hint, .. } => verdict(StatusCode::NOT_FOUND, "unknown", *hint),
            Self::Conflict { hint, .. } => verdict(StatusCode::CONFLICT, "conflict", hint),
            Self::Escalation { .. } => verdict(
                StatusCode::FORBIDDEN,
                "scope_not_held",
                "a key gives only scopes that it holds; ask on the control node: roost key create",
            ),
            Self::Node(error) => node_verdict(error),
            Self::Run(error) => run_verdict(error),
            Self::Cluster(error) => cluster::verdict_of(error),
            Self::Intake(refusal) => intake_verdict(refusal),
            Self::TooManyTickets => Verdict {
                retry_after: Some(Duration::from_secs(60)),
                ..verdict(StatusCode::TOO_MANY_REQUESTS, "too_many_tickets", "an unused ticket goes after a minute")
            },
            Self::TimedOut(_) => verdict(StatusCode::SERVICE_UNAVAILABLE, "timed_out", "try again; then see /readyz"),
            Self::Stopping => Verdict {
                retry_after: Some(Duration::from_secs(5)),
                ..verdict(StatusCode::SERVICE_UNAVAILABLE, "stopping", "try again when the daemon is back")
            },
            Self::Store(_) => verdict(StatusCode::SERVICE_UNAVAILABLE, "store_failed", SEE_LOG),
            Self::Internal(_) => verdict(StatusCode::INTERNAL_SERVER_ERROR, "internal", SEE_LOG),
        }
    }
}

fn auth_verdict(error: &AuthError) -> Verdict {
    match error {
        AuthError::Missing => verdict(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "send `Authorization: Bearer KEY`; make one on the control node: roost key create",
        ),
        AuthError::Unknown => verdict(
            StatusCode::UNAUTHORIZED,
            "unknown_key",
            "the key was revoked or never made here; list them: roost key list",
        ),
        AuthError::Ticket => verdict(
            StatusCode::UNAUTHORIZED,
            "bad_ticket",
            "a ticket opens one stream within a minute; get a new one: POST /api/tickets",
        ),
        AuthError::Lacks { .. } => {
            verdict(StatusCode::FORBIDDEN, "missing_scope", "use a key with that scope: roost key create --scopes ...")
        }
        AuthError::Peer { .. } => verdict(
            StatusCode::FORBIDDEN,
            "foreign_peer",
            "the socket is for root and the daemon's own user; others use --url and ROOST_API_KEY",
        ),
        AuthError::TooMany { retry_after } => Verdict {
            retry_after: Some(*retry_after),
            ..verdict(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "wait as long as Retry-After says")
        },
    }
}

fn input_verdict(error: &InputError) -> Verdict {
    let see_docs = "the expected form is at /docs";
    match error {
        InputError::NotJson => verdict(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", see_docs),
        InputError::Body(_) => verdict(StatusCode::BAD_REQUEST, "bad_body", see_docs),
        InputError::TooLarge => verdict(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "send less at once"),
        InputError::Query(_) => verdict(StatusCode::BAD_REQUEST, "bad_query", see_docs),
        InputError::Path(_) => verdict(StatusCode::BAD_REQUEST, "bad_path", see_docs),
    }
}

fn node_verdict(error: &NodeError) -> Verdict {
    match error {
        NodeError::Unknown(_) => verdict(StatusCode::NOT_FOUND, "unknown_node", "roost node list shows every node"),
        NodeError::Conflict { hint, .. } => verdict(StatusCode::CONFLICT, "conflict", hint),
        NodeError::Refused { hint, .. } => verdict(StatusCode::UNPROCESSABLE_ENTITY, "refused", hint),
        NodeError::Store(_) => verdict(StatusCode::SERVICE_UNAVAILABLE, "store_failed", SEE_LOG),
    }
}

fn run_verdict(error: &RunError) -> Verdict {
    match error {
        RunError::Unknown(_) => verdict(StatusCode::NOT_FOUND, "unknown_run", "roost run list shows every run"),
        RunError::Conflict { hint, .. } => verdict(StatusCode::CONFLICT, "conflict", hint),
        RunError::Pruned(_) => verdict(
            StatusCode::GONE,
            "output_pruned",
            "[runs] in roost.toml says how much is kept; how the run ended: roost run show",
        ),
        RunError::Log { .. } => verdict(StatusCode::INTERNAL_SERVER_ERROR, "log_unreadable", SEE_LOG),
        RunError::Store(_) => verdict(StatusCode::SERVICE_UNAVAILABLE, "store_failed", SEE_LOG),
    }
}

fn intake_verdict(refusal: &IntakeRefusal) -> Verdict {
    let (status, code) = match refusal.kind {
        RefusalKind::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
        RefusalKind::Forbidden => (StatusCode::FORBIDDEN, "not_admitted"),
        RefusalKind::UnknownToken => (StatusCode::NOT_FOUND, "unknown_token"),
        RefusalKind::Conflict => (StatusCode::CONFLICT, "another_identity"),
        RefusalKind::Expired => (StatusCode::GONE, "token_expired"),
        RefusalKind::Superseded => (StatusCode::GONE, "token_superseded"),
        RefusalKind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        RefusalKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let retry_after = matches!(refusal.kind, RefusalKind::TooMany | RefusalKind::Unavailable);
    Verdict { retry_after: retry_after.then_some(Duration::from_secs(5)), ..verdict(status, code, &refusal.hint) }
}

/// What the outermost layer writes as the body.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: String,
    /// The whole chain, where the client does not see it.
    pub(super) log: Option<String>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Verdict { status, code, hint, retry_after } = self.verdict();
        let log = status.is_server_error().then(|| tasks::chain(&self));
        let mut response = status.into_response();
        if let Some(wait) = retry_after {
            let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Failure { code, message: self.to_string(), hint, log });
        response
    }
}
