//! `roost status`: the daemon at a glance.

use super::{
    Global,
    client::Client,
    exit::Failure,
    screen::{self, Output},
};
use crate::http::wire::StatusView;

/// Carries it out.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub(super) async fn run(output: Output, global: &Global) -> Result<(), Failure> {
    let status: StatusView = Client::open(global)?.get("/api/status", &()).await?;
    if output.json {
        return screen::json(&status);
    }
    let ready = if status.ready { "ready" } else { "not ready" };
    let up = humantime::format_duration(std::time::Duration::from_secs(status.uptime_s));
    screen::line(format!("roost {} (pid {}) is {ready}, up {up}", status.version, status.pid))?;
    let nodes: Vec<String> = status.nodes.iter().map(|(state, count)| format!("{count} {state}")).collect();
    screen::line(format!("nodes: {}", if nodes.is_empty() { "none".to_owned() } else { nodes.join(", ") }))?;
    screen::line(format!("runs: {} running, {} queued", status.runs_running, status.runs_queued))?;
    let row = |part: crate::http::desks::PartStatus| {
        let state = if part.ready { "ready" } else { "not ready" };
        [part.name, state.to_owned(), part.reason.unwrap_or_default()]
    };
    screen::table(["part", "state", "reason"], status.parts.into_iter().map(row).collect(), "no parts")
}
