//! What the resources answer, what orders reach the desks, and how refusals look.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{Batch, Claims};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vocabulary::{Disk, Hardware};

use super::api::{Running, node_id, refused};

#[tokio::test]
async fn nodes_are_listed_shown_and_filtered() {
    let api = Running::new().await;
    let nodes = api.get("/api/nodes").await;
    assert_eq!(nodes[0]["id"], node_id().to_string());
    assert_eq!(nodes[0]["waits_for"], "approval");
    assert_eq!(api.get("/api/nodes?state=ready").await, json!([]));
    assert_eq!(api.get("/api/nodes?approved=false").await, nodes);
    assert_eq!(api.get("/api/nodes/52-54-00-12-34-56").await, nodes[0]);
    let disks = vec![Disk { name: "vda".to_owned(), size_bytes: 8 << 30 }];
    let hardware = Hardware { vendor: "QEMU".to_owned(), cpus: 4, memory_mib: 2048, disks, ..Hardware::default() };
    let claims = vec![(node_id(), Claims { hostname: "me".to_owned(), hardware })];
    api.store.commit(Batch { claims, ..Batch::default() }).await.unwrap();
    let shown = api.get(&format!("/api/nodes/{}", node_id())).await;
    assert_eq!((&shown["claims"]["vendor"], &shown["claims"]["cpus"]), (&json!("QEMU"), &json!(4)));
    assert_eq!(shown["claims"]["disks"][0], json!({ "name": "vda", "size_bytes": 8_u64 << 30 }));
    assert_eq!(api.get(&format!("/api/nodes/{}/timeline", node_id())).await, json!([]));
    for (path, status, code) in [
        ("/api/nodes?state=happy", StatusCode::BAD_REQUEST, "bad_query"),
        ("/api/nodes?sate=ready", StatusCode::BAD_REQUEST, "bad_query"),
        ("/api/nodes/localhost", StatusCode::BAD_REQUEST, "bad_path"),
        ("/api/nodes/node-000000000001", StatusCode::NOT_FOUND, "unknown_node"),
        ("/api/nodes/node-000000000001/timeline", StatusCode::NOT_FOUND, "unknown_node"),
        ("/api/explain/xyz", StatusCode::BAD_REQUEST, "bad_path"),
    ] {
        assert_eq!(refused(api.request(Method::GET, path)).await, (status, code.to_owned()), "{path}");
    }
    api.stop().await;
}

#[tokio::test]
async fn orders_reach_the_desk_in_the_callers_name_and_rehearsals_do_not() {
    let api = Running::new().await;
    let approve = format!("/api/nodes/{}/approve", node_id());
    let (status, rehearsed) = api.post(&format!("{approve}?dry_run=true"), &json!({})).await;
    assert_eq!((status, &rehearsed["dry_run"]), (StatusCode::OK, &json!(true)));
    let (_, several) = api.post("/api/nodes/approve?dry_run=true", &json!({ "next": 2 })).await;
    assert_eq!(several["effects"][0]["effect"], "2 may enter");
    assert!(api.desk.orders.lock().unwrap().is_empty());
    let (status, done) = api.post(&approve, &json!({})).await;
    assert_eq!((status, &done["dry_run"]), (StatusCode::OK, &json!(false)));
    assert_eq!(done["effects"], rehearsed["effects"], "what was shown is what is done");
    let forget = async |query: &str| {
        super::api::answer(api.request(Method::DELETE, &format!("/api/nodes/{}{query}", node_id()))).await
    };
    let (_, rehearsed) = forget("?dry_run=true").await;
    let (status, done) = forget("").await;
    assert_eq!((status, &rehearsed["effects"]), (StatusCode::OK, &done["effects"]));
    let disk = format!("/api/nodes/{}/disk", node_id());
    let (_, rehearsed) = api.post(&format!("{disk}?dry_run=true"), &json!({})).await;
    let (status, done) = api.post(&disk, &json!({ "device": "/dev/vdb", "wipe": "S1" })).await;
    assert_eq!((status, &rehearsed["effects"]), (StatusCode::OK, &done["effects"]));
    let (_, retried) = api.post("/api/runs/1/retry", &json!({})).await;
    assert_eq!(retried["run_id"], 2);
    let orders = api.desk.orders.lock().unwrap().clone();
    let approved = format!("all: approve Nodes([NodeId({})])", node_id().mac());
    assert_eq!(
        orders,
        [approved, format!("all: forget {}", node_id()), format!("all: disk {}", node_id()), "all: retry 1".to_owned()]
    );
    api.stop().await;
}

#[tokio::test]
async fn every_refusal_has_one_shape() {
    let api = Running::new().await;
    let post = |path: &str| api.request(Method::POST, path);
    let power = format!("/api/nodes/{}/power", node_id());
    let disk = format!("/api/nodes/{}/disk", node_id());
    let large = json!({ "nodes": vec![node_id().to_string(); 10_000] });
    for (request, status, code) in [
        (api.request(Method::GET, "/nowhere"), StatusCode::NOT_FOUND, "no_route"),
        (api.request(Method::GET, "/docs/nowhere.js"), StatusCode::NOT_FOUND, "no_route"),
        (api.request(Method::PUT, "/api/nodes"), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        (post("/api/nodes/approve").json(&large), StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        (post("/api/nodes/approve").body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
        (post("/api/nodes/approve").json(&json!({ "node": [] })), StatusCode::BAD_REQUEST, "bad_body"),
        (post("/api/nodes/approve").json(&json!({})), StatusCode::BAD_REQUEST, "bad_body"),
        (
            post("/api/nodes/approve").header("content-type", "application/json").body("{"),
            StatusCode::BAD_REQUEST,
            "bad_body",
        ),
        (post(&format!("{power}?dryrun=true")).json(&json!({ "action": "on" })), StatusCode::BAD_REQUEST, "bad_query"),
        (post(&power).json(&json!({ "action": "on" })), StatusCode::UNPROCESSABLE_ENTITY, "refused"),
        (post(&disk).json(&json!({ "device": "vdb" })), StatusCode::UNPROCESSABLE_ENTITY, "refused"),
        (post(&disk).json(&json!({ "device": "vdb; reboot" })), StatusCode::BAD_REQUEST, "bad_body"),
        (api.request(Method::DELETE, "/api/nodes/node-000000000001"), StatusCode::NOT_FOUND, "unknown_node"),
        (post("/api/runs/1/cancel"), StatusCode::CONFLICT, "conflict"),
        (post("/api/runs/9/retry"), StatusCode::NOT_FOUND, "unknown_run"),
        (api.request(Method::GET, "/api/runs?limit=0"), StatusCode::BAD_REQUEST, "bad_query"),
        (api.request(Method::GET, "/api/ca"), StatusCode::NOT_FOUND, "unknown"),
        (api.request(Method::GET, "/api/ws"), StatusCode::BAD_REQUEST, "bad_query"),
    ] {
        assert_eq!(refused(request).await, (status, code.to_owned()));
    }
    api.stop().await;
}

/// The sender looks for the answer only when all is sent: what it then reads must be the reason, and no reset.
#[tokio::test]
async fn who_sends_too_much_still_reads_the_reason() {
    let api = Running::new().await;
    let body = vec![b' '; 2_000_000];
    for (path, line) in [("/api/nodes/approve", "HTTP/1.1 413 "), ("/api/nowhere", "HTTP/1.1 404 ")] {
        let mut stream = tokio::net::UnixStream::connect(&api.socket).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: roost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(line) && answer.ends_with('}'), "{answer}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_request_id_comes_back_and_a_bad_one_is_replaced() {
    let api = Running::new().await;
    let id = async |given: &str| {
        let response = api.request(Method::GET, "/api/nodes").header("x-request-id", given).send().await.unwrap();
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(id("trace-7").await, "trace-7");
    assert_ne!(id("two words").await, "two words");
    api.stop().await;
}

#[tokio::test]
async fn runs_have_tasks_and_a_log_by_offset() {
    let api = Running::new().await;
    assert_eq!(api.get("/api/runs?state=running").await[0]["node"], node_id().to_string());
    assert_eq!(api.get("/api/runs/1/tasks").await[0]["task"], "look at the disk");
    assert_eq!(api.get("/api/runs/1/tasks?since=1").await, json!([]));
    *api.desk.log.lock().unwrap() = (b"PLAY [all]\n".to_vec(), false);
    let piece = api.get("/api/runs/1/log?offset=5").await;
    assert_eq!(piece, json!({ "offset": 5, "next_offset": 11, "text": "[all]\n", "complete": false }));
    let (status, code) = refused(api.request(Method::GET, "/api/runs/7/log")).await;
    assert_eq!((status, code.as_str()), (StatusCode::NOT_FOUND, "unknown_run"));
    api.stop().await;
}

#[tokio::test]
async fn a_followed_log_ends_with_its_run() {
    let api = Running::new().await;
    *api.desk.log.lock().unwrap() = (b"one\n".to_vec(), false);
    let mut response = api.request(Method::GET, "/api/runs/1/log?follow=true").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("one") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    *api.desk.log.lock().unwrap() = (b"one\ntwo\n".to_vec(), true);
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.contains("id: 8\n") && text.contains(r#""text":"two\n""#), "{text}");
    assert!(text.trim_end().ends_with("event: end\ndata: {}"), "{text}");
    api.stop().await;
}

#[tokio::test]
async fn readiness_names_the_part_and_the_reason() {
    let api = Running::new().await;
    let get = async |path: &str| super::api::answer(api.bare(Method::GET, path)).await;
    assert_eq!(get("/readyz").await.0, StatusCode::OK);
    *api.desk.ready.lock().unwrap() = false;
    let (status, body) = get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["parts"][0]["reason"], "no loader was fetched: roost assets fetch");
    assert_eq!(get("/healthz").await.0, StatusCode::OK);
    let status = api.get("/api/status").await;
    assert_eq!((&status["ready"], &status["nodes"]), (&json!(false), &json!({ "waiting": 1 })));
    assert_eq!((&status["runs_running"], &status["runs_queued"]), (&json!(1), &json!(0)));
    api.stop().await;
}

#[tokio::test]
async fn metrics_agree_with_the_listing() {
    let api = Running::new().await;
    api.get("/api/nodes").await;
    let text = api.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("roost_nodes{state=\"waiting\"} 1"), "{text}");
    assert!(text.contains("roost_http_requests_total{method=\"GET\",route=\"/api/nodes\",status=\"200\"}"), "{text}");
    api.stop().await;
}

#[tokio::test]
async fn a_listing_of_leases_is_by_address() {
    let api = Running::new().await;
    let lease = |address: &str| store::LeaseRow {
        client: address.to_owned(),
        address: address.parse().unwrap(),
        mac: Some(node_id().mac()),
        hostname: None,
        state: "bound".to_owned(),
        since: super::api::start(),
        expires: super::api::start(),
    };
    let leases = vec![lease("10.77.1.10"), lease("10.77.1.9")];
    api.store.commit(store::Batch { leases, ..store::Batch::default() }).await.unwrap();
    let listed = api.get("/api/leases").await;
    let addresses: Vec<&Value> = listed.as_array().unwrap().iter().map(|lease| &lease["address"]).collect();
    assert_eq!(addresses, ["10.77.1.9", "10.77.1.10"]);
    api.stop().await;
}
