//! `/api/events` (server-sent events) and `/api/ws` (WebSocket): the same events, resumable by sequence number.
//!
//! Each stream is a follower of the bus that reads in its own time, so a client that stalls holds one connection and
//! a number. `since` says where to begin; without it a stream begins now. A browser that reconnects sends
//! Last-Event-ID, which goes first. Audit entries and log text need `operate`; for others they are left out.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event as SseEvent, KeepAlive, Sse},
    },
};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use tasks::Stop;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::{Event, EventKind, NodeId, RunId, Seq};

use super::{
    auth::{Caller, Read, Watching},
    error::{ApiError, ErrorBody, InputError},
    input::Params,
    sight::Sight,
    state::Api,
    wire::EventView,
};
use crate::bus::{Follower, News};

/// How often a silent stream says that it lives, below the idle limits of usual proxies.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a WebSocket client may take to accept a message.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// Clients have nothing to say; a longer message is a mistake.
const FROM_CLIENT_LIMIT_BYTES: usize = 4096;

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(websocket))
}

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Only events after this one; 0 for all. Without it: from now on.
    since: Option<u64>,
    /// Only events of this node: an id or a MAC address.
    #[param(value_type = Option<String>)]
    node: Option<NodeId>,
    /// Only events of this run.
    #[param(value_type = Option<u64>)]
    run: Option<RunId>,
    /// Only events of this kind: node_state, timeline, run, run_task, alarm, audit, part, cluster.
    #[param(value_type = Option<String>)]
    kind: Option<EventKind>,
    /// For browsers, which cannot send a key with a stream: a ticket from `POST /api/tickets`.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// Streams events as server-sent events; each `id` is a sequence number.
#[utoipa::path(
    get, path = "/api/events", tag = "events", params(EventQuery),
    responses(
        (status = 200, description = "A stream of events", body = EventView, content_type = "text/event-stream"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn events(
    watching: Watching<Read>,
    State(api): State<Api>,
    headers: HeaderMap,
    Params(query): Params<EventQuery>,
) -> Result<Response, ApiError> {
    let resumed = last_event_id(&headers)?;
    let feed = Feed::open(&api, &watching.caller, query, resumed);
    Ok(streaming(&watching.caller, feed.stream()))
}

/// Streams events over a WebSocket, one JSON object a message.
#[utoipa::path(
    get, path = "/api/ws", tag = "events", params(EventQuery),
    responses(
        (status = 101, description = "A WebSocket of events", body = EventView),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
async fn websocket(
    watching: Watching<Read>,
    State(api): State<Api>,
    Params(query): Params<EventQuery>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|rejection| InputError::Query(rejection.to_string()))?;
    let feed = Feed::open(&api, &watching.caller, query, None);
    let upgrade = upgrade.max_message_size(FROM_CLIENT_LIMIT_BYTES).max_frame_size(FROM_CLIENT_LIMIT_BYTES);
    let revoked = watching.caller.revoked.clone();
    Ok(upgrade.on_upgrade(move |socket| feed.serve(socket, revoked)))
}

/// The events that one client gets.
struct Feed {
    api: Api,
    follower: Follower,
    filter: EventQuery,
    sight: Sight,
    ready: VecDeque<Event>,
}

impl Feed {
    fn open(api: &Api, caller: &Caller, filter: EventQuery, resumed: Option<u64>) -> Self {
        let since = resumed.or(filter.since).map_or_else(|| api.bus().last(), Seq);
        Self {
            api: api.clone(),
            follower: api.bus().follow(since),
            filter,
            sight: Sight::of(caller),
            ready: VecDeque::new(),
        }
    }

    fn wants(&self, event: &Event) -> bool {
        let EventQuery { node, run, kind, .. } = &self.filter;
        node.as_ref().is_none_or(|node| event.node.as_ref() == Some(node))
            && run.is_none_or(|run| event.run == Some(run))
            && kind.is_none_or(|kind| event.kind == kind)
    }

    /// The next event; nothing when the daemon stops or the store fails, after which the client comes again.
    async fn next(&mut self) -> Option<EventView> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event.into());
            }
            match self.api.closing().run_until_cancelled(self.follower.next()).await? {
                Ok(News::Events(events)) => {
                    let wanted = events.into_iter().filter(|event| self.wants(event));
                    self.ready = wanted.filter_map(|event| self.sight.event(event)).collect();
                }
                Ok(News::Gap { resume, cause }) => return Some(self.gap(resume, &cause)),
                Err(error) => {
                    tracing::error!(%error, "an event stream ended because the store cannot be read");
                    return None;
                }
            }
        }
    }

    fn gap(&self, resume: Seq, cause: &str) -> EventView {
        let data = serde_json::json!({ "cause": cause, "remedy": "read the state anew; the stream goes on" });
        let (at, kind) = (self.api.clock().now(), "gap".to_owned());
        EventView { seq: resume.0, at, kind, node: None, run: None, data }
    }

    fn stream(self) -> impl Stream<Item = Result<SseEvent, Infallible>> {
        stream::unfold(self, |mut feed| async move {
            let view = feed.next().await?;
            let event = SseEvent::default().id(view.seq.to_string()).event(&view.kind).json_data(&view).ok()?;
            Some((Ok(event), feed))
        })
    }

    /// Sends until the client goes, stalls for too long, its key is revoked, or the daemon stops.
    async fn serve(mut self, mut socket: WebSocket, revoked: Stop) {
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (code, reason) = loop {
            let message = tokio::select! {
                () = revoked.cancelled() => break (close_code::POLICY, "the key was revoked"),
                view = self.next() => match view.and_then(|view| serde_json::to_string(&view).ok()) {
                    Some(text) => Message::Text(text.into()),
                    None => break (close_code::AWAY, "the daemon is stopping"),
                },
                _ = beat.tick() => Message::Ping(Vec::new().into()),
                received = socket.recv() => match received {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => continue,
                },
            };
            if !matches!(tokio::time::timeout(SEND_LIMIT, socket.send(message)).await, Ok(Ok(()))) {
                return;
            }
        };
        let frame = CloseFrame { code, reason: reason.into() };
        // The client may be gone already, and nothing depends on its hearing this.
        let _ = tokio::time::timeout(SEND_LIMIT, socket.send(Message::Close(Some(frame)))).await;
    }
}

/// The last event that a browser saw before it lost the stream.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, InputError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| InputError::Query("Last-Event-ID: expected a number".to_owned()))
}

/// A stream for as long as the caller's key counts, with comments while it is silent; proxies do not hold it back.
pub(super) fn streaming(
    caller: &Caller,
    told: impl Stream<Item = Result<SseEvent, Infallible>> + Send + 'static,
) -> Response {
    let told = told.take_until(caller.revoked.clone().cancelled_owned());
    let mut response =
        Sse::new(told).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("heartbeat")).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
