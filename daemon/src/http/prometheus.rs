//! `/metrics` in Prometheus' text form.
//!
//! Counters and histograms are recorded where things happen, by the `metrics` macros; the recorder is the process's
//! one and is installed once. What the store knows (nodes by state, runs) is read when asked, so that a gauge can
//! never disagree with `roost node list`.

use std::sync::OnceLock;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

use super::{
    auth::{Allowed, Read},
    error::{ApiError, ErrorBody},
    state::Api,
    status::Counts,
};

const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// Installs the process's recorder; the second call gets the first one's handle.
///
/// # Errors
/// Another recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets(&SECONDS)?.build_recorder();
    let handle = HANDLE.get_or_init(|| recorder.handle()).clone();
    // Two threads may race here in tests; the loser's recorder is dropped and the winner's handle serves both.
    let _ = metrics::set_global_recorder(recorder);
    Ok(handle)
}

/// Metrics in Prometheus' text form.
#[utoipa::path(
    get, path = "/metrics", tag = "daemon",
    responses(
        (status = 200, description = "Metrics", body = String, content_type = "text/plain"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
pub(super) async fn scrape(_: Allowed<Read>, State(api): State<Api>) -> Result<Response, ApiError> {
    let counts = Counts::read(&api).await?;
    for state in vocabulary::NodeState::ALL {
        let count = counts.nodes.get(state.name()).copied().unwrap_or_default();
        metrics::gauge!("roost_nodes", "state" => state.name()).set(as_f64(count));
    }
    metrics::gauge!("roost_runs", "state" => "queued").set(as_f64(counts.runs_queued));
    metrics::gauge!("roost_runs", "state" => "running").set(as_f64(counts.runs_running));
    metrics::gauge!("roost_uptime_seconds").set(api.uptime().as_secs_f64());
    for part in api.parts().parts() {
        metrics::gauge!("roost_part_ready", "part" => part.name).set(if part.ready { 1.0 } else { 0.0 });
    }
    api.parts().measure();
    let text = api.metrics().render();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; nobody has 2^53 nodes")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
