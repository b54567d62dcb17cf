//! Extractors whose refusals have Roost's error shape: axum's own answer plain text.

use axum::extract::{FromRequest, FromRequestParts};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{desks::Effect, error::ApiError};

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub(super) struct Body<T>(pub(super) T);

/// The query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(super) struct Params<T>(pub(super) T);

/// The variable parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(super) struct At<T>(pub(super) T);

/// Takes `?dry_run=true` on every change.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DryRun {
    /// Answer what would happen, and change nothing.
    pub(super) dry_run: bool,
}

/// What a change brought about, or would.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Whether nothing was changed, because `dry_run` was asked for.
    pub dry_run: bool,
    /// Everything that changed, or would.
    pub effects: Vec<Effect>,
    /// The new run, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub run_id: Option<vocabulary::RunId>,
}

impl Change {
    /// What was done.
    #[must_use]
    pub const fn done(effects: Vec<Effect>) -> Self {
        Self { dry_run: false, effects, run_id: None }
    }

    /// What would be done.
    #[must_use]
    pub const fn planned(effects: Vec<Effect>) -> Self {
        Self { dry_run: true, effects, run_id: None }
    }
}
