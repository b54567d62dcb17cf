//! Ten thousand allocations: one that a real Nomad listed, as often as it takes, in pages as Nomad makes them.

use std::sync::Arc;

use ::jobs::{
    nomad::AllocationId,
    watch::{Asked, Config, Deps, Source, Standing, Watch},
};
use tasks::{Stop, SystemClock};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::{eventually, nomad_at};

const MANY: usize = 10_000;
const RECORDED: &str = include_str!("../recorded/allocation.json");
const RECORDED_ID: &str = "b0020e08-3a71-c110-86ad-a674d56791d2";

#[tokio::test]
async fn ten_thousand_allocations_are_listed_in_pages_and_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, mut running) = (Stop::new(), JoinSet::new());
    running.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            connections.spawn(answer(listener.accept().await.unwrap().0));
        }
    });
    let agents = Arc::new(Asked { nomad: nomad_at(&url), consul: None });
    let deps = Deps { agents, clock: Arc::new(SystemClock) };
    let (watch, handle) = Watch::build(Config::default(), deps);
    let stopped = stop.clone();
    running.spawn(async move {
        let Ok(()) = watch.run(stopped).await;
    });
    let status = eventually("all are listed", async || {
        let status = handle.statuses().into_iter().find(|status| status.source == Source::Allocations)?;
        (status.standing == Standing::Current).then_some(status)
    })
    .await;
    let pages = (MANY / usize::from(Config::default().page)) as u64;
    assert_eq!((status.entries, status.index.0, status.requests), (MANY, 16, pages));
    handle.read(|picture| {
        assert_eq!(picture.allocations().len(), MANY);
        let one = &picture.allocations()[&AllocationId::new("00009999")];
        assert_eq!((one.status.as_str(), one.tasks["t"].state.as_str()), ("running", "running"));
        assert_eq!(picture.notes(&one.id).count(), 3);
    });
    stop.cancel();
}

/// Answers as the agent did: a page of the recording, an empty list, or a stream with heartbeats alone.
async fn answer(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or_default() == 0 {
                return;
            }
        }
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        if target.starts_with("/v1/event/stream") {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            return drop(stream.read_to_end(&mut Vec::new()).await);
        }
        let of = |name: &str| target.split(['?', '&']).find_map(|part| part.strip_prefix(&format!("{name}=")));
        if of("index").is_some() {
            return std::future::pending().await;
        }
        let from = of("next_token").map_or(0, |token| token.parse().unwrap());
        let size: usize = of("per_page").unwrap().parse().unwrap();
        let end = if target.starts_with("/v1/allocations") { MANY.min(from + size) } else { 0 };
        let page: Vec<String> =
            (from..end).map(|number| RECORDED.trim().replacen(RECORDED_ID, &format!("{number:08}"), 1)).collect();
        let body = format!("[{}]", page.join(","));
        let next = if end < MANY { format!("X-Nomad-NextToken: {end}\r\n") } else { String::new() };
        let next = if end == 0 { "" } else { &next };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Nomad-Index: 16\r\nX-Nomad-KnownLeader: true\r\n\
             {next}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}
