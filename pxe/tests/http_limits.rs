//! A hostile boot network: slow heads, fat bodies, greedy peers. And the routes that the daemon composes in.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use axum::{Extension, Router, body::Bytes, extract::ConnectInfo, routing::post};
use pxe::http::{BuildError, Ends, Limits};
use reqwest::StatusCode;

use crate::{
    boot_rig::{Rig, wait_until},
    http_files::{client, get, read_head},
};

fn routes() -> Router {
    let echo = async |ConnectInfo(peer): ConnectInfo<SocketAddr>, Extension(ends): Extension<Ends>, body: Bytes| {
        format!("{} {} {}", SocketAddr::V4(ends.peer) == peer, ends.reached.port(), body.len())
    };
    let slow = async || std::future::pending::<&'static str>().await;
    Router::new().route("/api/provision/call-home", post(echo)).route("/api/slow", post(slow))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_routes_are_composed_in() {
    let mut rig = Rig::empty();
    let server = rig.http(Limits { request_timeout: Duration::from_millis(300), ..Limits::default() }, routes());
    for path in ["/api/provision/call-home", "//api//provision/call-home"] {
        let got = client().post(format!("http://{server}{path}")).body("12345").send().await.unwrap();
        assert_eq!(got.status(), StatusCode::OK, "{path}");
        assert_eq!(got.text().await.unwrap(), format!("true {} 5", server.port()));
    }
    assert_eq!(get(server, "/api/provision/call-home").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let slow = client().post(format!("http://{server}/api/slow")).send().await.unwrap();
    assert_eq!(slow.status(), StatusCode::REQUEST_TIMEOUT);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_a_head_that_never_ends_is_cut_off() {
    let mut rig = Rig::empty();
    let limits = Limits { header_timeout: Duration::from_millis(300), ..Limits::default() };
    let server = rig.http(limits, Router::new());
    let ends = tokio::task::spawn_blocking(move || {
        let mut slow = TcpStream::connect(server).unwrap();
        slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
        let mut said = Vec::new();
        slow.read_to_end(&mut said).map(|_| said)
    });
    let said = ends.await.unwrap().expect("the server closes, the client does not wait for ever");
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&said));
    assert_eq!(get(server, "/").await.status(), StatusCode::NOT_FOUND, "others are served");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_heads_and_bodies_have_limits() {
    let mut rig = Rig::empty();
    let server = rig.http(Limits { body_bytes: 1000, ..Limits::default() }, routes());
    let fat =
        client().post(format!("http://{server}/api/provision/call-home")).body(vec![b'x'; 1001]).send().await.unwrap();
    assert_eq!(fat.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let lying = tokio::task::spawn_blocking(move || {
        let ask = |head: String| {
            let mut stream = TcpStream::connect(server).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            read_head(&mut stream)
        };
        let chunked = "POST /api/provision/call-home HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunked = ask(format!("{chunked}7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000)));
        let many = (0..100).map(|number| format!("X-{number}: y\r\n")).collect::<String>();
        let many = ask(format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"));
        let long = ask(format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(32 * 1024)));
        (chunked, many, long)
    });
    let (chunked, many, long) = lying.await.unwrap();
    assert!(chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    assert!(many.starts_with("HTTP/1.1 431"), "{many}");
    assert!(long.starts_with("HTTP/1.1 4"), "{long}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_one_peer_cannot_take_every_place() {
    let mut rig = Rig::empty();
    let server = rig.http(Limits { connections_per_peer: 3, ..Limits::default() }, Router::new());
    let mut held = tokio::task::spawn_blocking(move || {
        let connect = || {
            let mut stream = TcpStream::connect(server).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            let answered = !read_head(&mut stream).is_empty();
            (stream, answered)
        };
        let held: Vec<_> = (0..5).map(|_| connect()).collect();
        assert_eq!(held.iter().map(|(_, answered)| *answered).collect::<Vec<_>>(), [true, true, true, false, false]);
        held
    })
    .await
    .unwrap();
    held.clear();
    let free = || {
        TcpStream::connect(server).is_ok_and(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            !read_head(&mut stream).is_empty()
        })
    };
    wait_until("the places are free again", || tokio::task::block_in_place(free)).await;
    rig.stop().await;
}

#[test]
fn a_taken_address_is_an_error_that_names_it() {
    let rig = Rig::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = pxe::http::Config {
        listen: vec![address.parse().unwrap()],
        advertise: None,
        files: None,
        limits: Limits::default(),
    };
    let Err(BuildError::Bind { address: named, .. }) = pxe::http::BootHttp::build(config, rig.http_deps(Router::new()))
    else {
        panic!("the port is taken")
    };
    assert_eq!(named.to_string(), address);
}
