//! `/api/runs`: Ansible runs, their tasks and their logs.
//!
//! A log is read by offset, so that a client that was away goes on where it stopped. Following one is the same read
//! in a loop on the server: the log is a file that a child process writes, so there is no event for each line.

use std::{convert::Infallible, time::Duration};

use ansible::events::TaskReport;
use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response, sse::Event},
};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::{NodeId, RunId, RunState};

use super::{
    auth::{Allowed, Operate, Read, Watching},
    desks::{Cancel, LogPiece, RunError, RunOrder},
    error::{ApiError, ErrorBody, InputError},
    events,
    input::{At, Change, DryRun, Params},
    sight::Sight,
    state::Api,
    wire::{RunView, TaskView},
};

/// The most that one answer carries.
const PIECE_BYTES: usize = 256 * 1024;
/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(300);
const USUAL_LIMIT: u32 = 200;
const LARGEST_LIMIT: u32 = 5_000;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(tasks))
        .routes(routes!(log))
        .routes(routes!(cancel))
        .routes(routes!(retry))
}

/// Which runs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunQuery {
    /// Only runs of this node: an id or a MAC address.
    #[param(value_type = Option<String>)]
    node: Option<NodeId>,
    /// Only runs in this state.
    state: Option<String>,
    /// At most so many, the newest; 200 where it is not said, 5000 at most.
    limit: Option<u32>,
}

/// Lists runs, the newest first.
#[utoipa::path(
    get, path = "/api/runs", tag = "runs", params(RunQuery),
    responses(
        (status = 200, body = [RunView]),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn list(
    caller: Allowed<Read>,
    State(api): State<Api>,
    Params(query): Params<RunQuery>,
) -> Result<Json<Vec<RunView>>, ApiError> {
    let state = query.state.as_deref().map(run_state).transpose()?;
    let limit = query.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(InputError::Query("limit: from 1 to 5000".to_owned()).into());
    }
    let filter = store::RunFilter { node: query.node, states: state.into_iter().collect(), limit };
    let runs = api.store().runs(filter).await?;
    let kept = api.runs().kept().await?;
    let views = runs.into_iter().map(|run| RunView::of(run, &kept)).collect();
    Ok(Json(Sight::of(&caller.caller).show(views)?))
}

fn run_state(word: &str) -> Result<RunState, InputError> {
    let known = || RunState::ALL.map(RunState::name).join(", ");
    RunState::named(word).ok_or_else(|| InputError::Query(format!("state {word:?} is none of {}", known())))
}

/// Shows one run.
#[utoipa::path(
    get, path = "/api/runs/{id}", tag = "runs", params(("id" = u64, Path, description = "The run's number")),
    responses(
        (status = 200, body = RunView),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn show(caller: Allowed<Read>, State(api): State<Api>, At(id): At<RunId>) -> Result<Json<RunView>, ApiError> {
    let run = api.store().run(id).await?.ok_or(RunError::Unknown(id))?;
    let view = RunView::of(run, &api.runs().kept().await?);
    Ok(Json(Sight::of(&caller.caller).show(view)?))
}

/// Lists what the tasks of a run reported, in order; what they said, to callers with `operate`.
#[utoipa::path(
    get, path = "/api/runs/{id}/tasks", tag = "runs",
    params(("id" = u64, Path, description = "The run's number"), TaskQuery),
    responses(
        (status = 200, body = [TaskView]),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn tasks(
    caller: Allowed<Read>,
    State(api): State<Api>,
    At(id): At<RunId>,
    Params(query): Params<TaskQuery>,
) -> Result<Json<Vec<TaskView>>, ApiError> {
    let store = api.store();
    if store.run(id).await?.is_none() {
        return Err(RunError::Unknown(id).into());
    }
    let rows = store.run_tasks(id, query.since).await?;
    let sight = Sight::of(&caller.caller);
    let view = |report: TaskReport| TaskView { message: sight.log(report.message.clone()), ..report.into() };
    let reports = rows.into_iter().map(|row| serde_json::from_value(row.data).map(view));
    let views = reports.collect::<Result<_, _>>().map_err(|error| ApiError::Internal(error.into()))?;
    Ok(Json(views))
}

/// Which tasks.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskQuery {
    /// Only those after this place.
    since: u64,
}

/// A piece of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogView {
    /// Where this piece begins, in bytes.
    pub offset: u64,
    /// Where the next one begins.
    pub next_offset: u64,
    /// The text; bytes that are no UTF-8 are replaced.
    pub text: String,
    /// Whether the run is over and this piece reaches the end.
    pub complete: bool,
}

/// Which part of a log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// Where to begin, in bytes.
    offset: u64,
    /// Answer with a stream of events, each of them a piece, until the run is over.
    follow: bool,
    /// For browsers, which cannot send a key with a stream: a ticket from `POST /api/tickets`.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// Reads a run's log; with `follow=true` as server-sent events (`log`, then `end`).
#[utoipa::path(
    get, path = "/api/runs/{id}/log", tag = "runs",
    params(("id" = u64, Path, description = "The run's number"), LogQuery),
    responses(
        (status = 200, description = "A piece; with follow=true text/event-stream of pieces", body = LogView),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn log(
    watching: Watching<Operate>,
    State(api): State<Api>,
    At(run): At<RunId>,
    Params(query): Params<LogQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let resumed = if query.follow { events::last_event_id(&headers)? } else { None };
    let offset = resumed.unwrap_or(query.offset);
    let first = api.runs().log(run, offset, PIECE_BYTES).await?;
    if !query.follow {
        return Ok(Json(piece(offset, &first)).into_response());
    }
    let follower = LogFollower { api, run, offset, waiting: Some(first), at: Place::Within };
    Ok(events::streaming(&watching.caller, follower.stream()))
}

/// Cuts a piece where a character ends, so that the next one begins with a whole one.
fn piece(offset: u64, read: &LogPiece) -> LogView {
    let whole = match std::str::from_utf8(&read.bytes) {
        Err(error) if error.error_len().is_none() && !read.complete => &read.bytes[..error.valid_up_to()],
        _ => &read.bytes[..],
    };
    LogView {
        offset,
        next_offset: offset + whole.len() as u64,
        text: String::from_utf8_lossy(whole).into_owned(),
        complete: read.complete,
    }
}

/// A client that reads a log as it grows.
struct LogFollower {
    api: Api,
    run: RunId,
    offset: u64,
    waiting: Option<LogPiece>,
    at: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Within,
    End,
    Gone,
}

impl LogFollower {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async move {
            let event = follower.next().await?;
            Some((Ok(event), follower))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        match self.at {
            Place::Gone => return None,
            Place::End => {
                self.at = Place::Gone;
                return Some(Event::default().event("end").data("{}"));
            }
            Place::Within => {}
        }
        loop {
            let read = match self.waiting.take() {
                Some(read) => read,
                None => self.read().await?,
            };
            let view = piece(self.offset, &read);
            self.offset = view.next_offset;
            if view.complete {
                self.at = Place::End;
            }
            if view.complete || !view.text.is_empty() {
                return Event::default().event("log").id(view.next_offset.to_string()).json_data(&view).ok();
            }
            self.api.closing().run_until_cancelled(tokio::time::sleep(LOOK)).await?;
        }
    }

    async fn read(&self) -> Option<LogPiece> {
        match self.api.runs().log(self.run, self.offset, PIECE_BYTES).await {
            Ok(read) => Some(read),
            Err(error) => {
                tracing::warn!(run = %self.run, %error, "a followed log cannot be read any more");
                None
            }
        }
    }
}

/// Stops a run and its whole process group.
#[utoipa::path(
    post, path = "/api/runs/{id}/cancel", tag = "runs",
    params(("id" = u64, Path, description = "The run's number"), DryRun),
    responses(
        (status = 200, body = Change),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn cancel(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(run): At<RunId>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    let order = Cancel { run };
    if mode.dry_run {
        return Ok(Json(Change::planned(api.runs().preview(RunOrder::Cancel(order)).await?)));
    }
    Ok(Json(Change::done(api.runs().cancel(caller.approve(order)?).await?)))
}

/// Repeats a run that ended, as a new run.
#[utoipa::path(
    post, path = "/api/runs/{id}/retry", tag = "runs",
    params(("id" = u64, Path, description = "The run's number"), DryRun),
    responses(
        (status = 200, description = "run_id is the new run", body = Change),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
async fn retry(
    caller: Allowed<Operate>,
    State(api): State<Api>,
    At(run): At<RunId>,
    Params(mode): Params<DryRun>,
) -> Result<Json<Change>, ApiError> {
    if mode.dry_run {
        return Ok(Json(Change::planned(api.runs().preview(RunOrder::Retry(run)).await?)));
    }
    let (run_id, effects) = api.runs().retry(caller.approve(run)?).await?;
    Ok(Json(Change { run_id: Some(run_id), ..Change::done(effects) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], complete: bool) -> LogPiece {
        LogPiece { bytes: bytes.to_vec(), complete }
    }

    #[test]
    fn a_piece_ends_where_a_character_ends() {
        let view = piece(10, &read("ok \u{e4}".as_bytes().split_last().unwrap().1, false));
        assert_eq!((view.text.as_str(), view.next_offset), ("ok ", 13));
        let view = piece(10, &read(b"ok \xc3", true));
        assert_eq!((view.text.as_str(), view.next_offset), ("ok \u{fffd}", 14));
        let view = piece(0, &read(b"bad \xff byte", false));
        assert_eq!((view.text.as_str(), view.next_offset), ("bad \u{fffd} byte", 10));
    }
}
