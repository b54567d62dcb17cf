//! The event bus as browsers and programs see it: SSE and WebSocket, resumable, never stalling the daemon.

use std::time::Duration;

use daemon::keys::{Scope, Scopes};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use store::{Batch, NodeWrite, RunTaskRow, Write};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use vocabulary::{EventKind, Reason, RunId, Step, StepRecord, quote_said};

use super::api::{Running, Setup, key, key_without, node_id, refused, start};

/// Reads a stream until it holds what is looked for.
async fn until(response: &mut Response, looked_for: &str) -> String {
    let mut text = String::new();
    while !text.contains(looked_for) {
        let chunk = tokio::time::timeout(Duration::from_secs(10), response.chunk()).await.expect("an event in time");
        let chunk = chunk.unwrap().unwrap_or_else(|| panic!("the stream ended before {looked_for:?}: {text}"));
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

async fn three(api: &Running) {
    for number in 1..=3 {
        api.happen(EventKind::Timeline, json!({ "number": number })).await;
    }
}

#[tokio::test]
async fn a_stream_resumes_behind_the_last_event_it_saw() {
    let api = Running::new().await;
    three(&api).await;
    let get = |path: &str| api.request(Method::GET, path);
    let mut all = get("/api/events?since=0").send().await.unwrap();
    assert_eq!(all.headers()["content-type"], "text/event-stream");
    let text = until(&mut all, "\"number\":3").await;
    assert!(text.contains("id: 1\n") && text.contains("event: timeline\n"), "{text}");
    let mut rest = get("/api/events?since=0").header("last-event-id", "2").send().await.unwrap();
    let text = until(&mut rest, "\"number\":3").await;
    assert!(!text.contains("\"number\":2"), "{text}");
    api.happen(EventKind::Timeline, json!({ "number": 4 })).await;
    until(&mut rest, "\"number\":4").await;
    api.stop().await;
}

/// A line that a failing module printed.
const SAID: &str = "db_password=hunter2";

/// A run that failed because of a module that said so, wherever that leaves a trace.
async fn fail_run(api: &Running) {
    let cause = format!("docker : Start it: {}", quote_said(SAID));
    let node = api.store.node(node_id()).await.unwrap().unwrap();
    let reason = Some(Reason { cause: format!("run 1 failed: {cause}"), remedy: "roost run logs 1".into() });
    let node = vocabulary::Node { reason, generation: 2, ..node };
    let run = api.store.run(RunId(1)).await.unwrap().unwrap();
    let run = vocabulary::Run { cause: Some(cause.clone()), ..run };
    let task = json!({
        "seq": 2, "at": start(), "host": node_id(), "task": "Start it", "role": "docker", "outcome": "failed",
        "took_ms": 12, "message": SAID, "tasks_done": 2, "tasks_changed": 0,
    });
    let detail = cause.clone();
    let line = StepRecord { node: node_id(), boot: None, at: start(), step: Step::Failed, detail, took_ms: None };
    let batch = Batch {
        nodes: vec![NodeWrite { node: node.clone(), from: 1 }],
        runs: vec![Write::Put(run.clone())],
        run_tasks: vec![RunTaskRow { run: RunId(1), seq: 2, at: start(), data: task.clone() }],
        steps: vec![line.clone()],
        ..Batch::default()
    };
    api.store.commit(batch).await.unwrap();
    api.happen(EventKind::RunTask, task).await;
    api.happen(EventKind::Run, json!(run)).await;
    api.happen(EventKind::Timeline, json!(line)).await;
    api.happen(EventKind::NodeState, json!(node)).await;
    api.happen(EventKind::Part, json!({ "number": 4 })).await;
}

#[tokio::test]
async fn what_a_module_said_is_shown_to_nobody_without_operate() {
    let keys = vec![key("all", Scopes::all()), key_without(Scope::Operate)];
    let api = Running::with(Setup { keys, burst: 200, ..Setup::default() }).await;
    fail_run(&api).await;
    let id = node_id();
    for path in ["/api/nodes", &format!("/api/nodes/{id}"), &format!("/api/nodes/{id}/timeline"), "/api/runs"]
        .into_iter()
        .chain(["/api/runs/1", "/api/runs/1/tasks", "/api/events?since=0"])
    {
        let get = async |name: &str| {
            let mut answer = api.bare(Method::GET, path).bearer_auth(name).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            if path.starts_with("/api/events") {
                return until(&mut answer, "\"number\":4").await;
            }
            answer.text().await.unwrap()
        };
        let (whole, without) = (get("all").await, get("all-but-operate").await);
        let times = if path.starts_with("/api/events") { 4 } else { 1 };
        assert_eq!(whole.matches(SAID).count(), times, "{path}: {whole}");
        assert!(!without.contains(SAID), "{path}: {without}");
        assert!(without.contains("Start it"), "the rest is for everybody: {path}: {without}");
    }
    api.stop().await;
}

#[tokio::test]
async fn without_since_a_stream_begins_now() {
    let api = Running::new().await;
    three(&api).await;
    let mut response = api.request(Method::GET, "/api/events").send().await.unwrap();
    api.happen(EventKind::Alarm, json!({ "number": 4 })).await;
    let text = until(&mut response, "\"number\":4").await;
    assert!(!text.contains("\"number\":3"), "{text}");
    api.stop().await;
}

#[tokio::test]
async fn a_stream_is_filtered_by_node_and_kind() {
    let api = Running::new().await;
    three(&api).await;
    api.happen(EventKind::Alarm, json!({ "number": 4 })).await;
    let path = format!("/api/events?since=0&kind=alarm&node={}", node_id());
    let mut response = api.request(Method::GET, &path).send().await.unwrap();
    let text = until(&mut response, "\"number\":4").await;
    assert!(!text.contains("timeline"), "{text}");
    let (status, code) = refused(api.request(Method::GET, "/api/events?kind=party")).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_query"));
    api.stop().await;
}

#[tokio::test]
async fn who_did_what_is_for_operators() {
    let keys = vec![key("reader", "read".parse().unwrap()), key("operator", "read+operate".parse().unwrap())];
    let api = Running::with(Setup { keys, ..Setup::default() }).await;
    api.happen(EventKind::Audit, json!({ "number": 1 })).await;
    api.happen(EventKind::Timeline, json!({ "number": 2 })).await;
    for (name, sees) in [("reader", false), ("operator", true)] {
        let request = api.bare(Method::GET, "/api/events?since=0").bearer_auth(name);
        let text = until(&mut request.send().await.unwrap(), "\"number\":2").await;
        assert_eq!(text.contains("audit"), sees, "{name}: {text}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_place_that_never_was_is_a_gap_and_the_stream_goes_on() {
    let api = Running::new().await;
    three(&api).await;
    let mut response = api.request(Method::GET, "/api/events?since=99").send().await.unwrap();
    let text = until(&mut response, "event: gap").await;
    assert!(text.contains("id: 3\n"), "{text}");
    api.happen(EventKind::Timeline, json!({ "number": 4 })).await;
    until(&mut response, "\"number\":4").await;
    api.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_one_stream_within_a_minute() {
    let api = Running::new().await;
    let ticket = async || {
        let (status, body) = api.post("/api/tickets", &json!({})).await;
        assert_eq!(status, StatusCode::CREATED);
        body["ticket"].as_str().unwrap().to_owned()
    };
    let stream = |ticket: &str| api.bare(Method::GET, &format!("/api/events?since=0&ticket={ticket}"));
    let good = ticket().await;
    assert_eq!(stream(&good).send().await.unwrap().status(), StatusCode::OK);
    let (status, code) = refused(stream(&good)).await;
    assert_eq!((status, code.as_str()), (StatusCode::UNAUTHORIZED, "bad_ticket"));
    let late = ticket().await;
    api.clock.advance(Duration::from_secs(61));
    assert_eq!(refused(stream(&late)).await.0, StatusCode::UNAUTHORIZED);
    let misused = ticket().await;
    let orders = api.bare(Method::GET, &format!("/api/nodes?ticket={misused}"));
    assert_eq!(refused(orders).await.0, StatusCode::UNAUTHORIZED, "a ticket opens streams alone");
    api.stop().await;
}

#[tokio::test]
async fn a_websocket_carries_the_same_events() {
    let api = Running::new().await;
    three(&api).await;
    let (_, body) = api.post("/api/tickets", &json!({})).await;
    let ticket = body["ticket"].as_str().unwrap();
    let url = format!("ws://{}/api/ws?since=1&ticket={ticket}", api.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url.into_client_request().unwrap()).await.unwrap();
    let mut next = async || loop {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap();
        match message.unwrap().unwrap() {
            Message::Text(text) => break serde_json::from_str::<Value>(&text).unwrap(),
            Message::Close(frame) => break json!({ "closed": u16::from(frame.unwrap().code) }),
            _ => {}
        }
    };
    assert_eq!(next().await["seq"], 2);
    assert_eq!(next().await["data"]["number"], 3);
    api.happen(EventKind::Run, json!({ "number": 4 })).await;
    assert_eq!(next().await["kind"], "run");
    api.stop().await;
    assert_eq!(next().await["closed"], 1001, "the daemon says that it goes away");
}

#[tokio::test]
async fn what_a_key_opened_ends_when_it_is_revoked() {
    let api = Running::new().await;
    let wish = json!({ "name": "lent", "scopes": ["read", "operate"] });
    let (_, made) = api.post("/api/keys", &wish).await;
    let lent = made["key"].as_str().unwrap();
    let with = |method: Method, path: &str| api.bare(method, path).bearer_auth(lent);
    let ticket = with(Method::POST, "/api/tickets").send().await.unwrap().json::<Value>().await.unwrap();
    let mut events = with(Method::GET, "/api/events").send().await.unwrap();
    let mut log = with(Method::GET, "/api/runs/1/log?follow=true").send().await.unwrap();
    assert_eq!((events.status(), log.status()), (StatusCode::OK, StatusCode::OK));
    let mut request = format!("ws://{}/api/ws", api.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {lent}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();

    let (status, _) = super::api::answer(api.request(Method::DELETE, "/api/keys/lent")).await;
    assert_eq!(status, StatusCode::OK);
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        while events.chunk().await.unwrap().is_some() {}
        while log.chunk().await.unwrap().is_some() {}
        loop {
            if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
                break frame.unwrap();
            }
        }
    });
    assert_eq!(ended.await.expect("all of them end").reason.as_str(), "the key was revoked");
    let redeemed = format!("/api/events?ticket={}", ticket["ticket"].as_str().unwrap());
    assert_eq!(refused(api.bare(Method::GET, &redeemed)).await.0, StatusCode::UNAUTHORIZED);
    api.stop().await;
}

#[tokio::test]
async fn a_client_that_says_too_much_is_let_go() {
    let api = Running::new().await;
    let mut request = format!("ws://{}/api/ws", api.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", "Bearer all".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::Text("x".repeat(100_000).into())).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    });
    ended.await.expect("the connection ends");
    api.stop().await;
}

#[tokio::test]
async fn a_reader_that_stalls_stalls_nobody_else() {
    let api = Running::new().await;
    let stalled = api.request(Method::GET, "/api/events?since=0").send().await.unwrap();
    let heavy = json!({ "text": "x".repeat(20_000) });
    for _ in 0..300 {
        api.happen(EventKind::Timeline, heavy.clone()).await;
    }
    api.happen(EventKind::Timeline, json!({ "number": 4 })).await;
    let mut live = api.request(Method::GET, "/api/events?since=299").send().await.unwrap();
    until(&mut live, "\"number\":4").await;
    drop(stalled);
    api.stop().await;
}
