//! Boot files over HTTP as firmware, iPXE and wget ask for them.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddrV4, TcpStream},
    time::Duration,
};

use pxe::http::Limits;
use reqwest::{Client, Method, Response, StatusCode, header};
use vocabulary::Step;

use crate::boot_rig::{LOADER, MAC, Rig, pattern};

/// Follows nothing: a redirect is to be seen.
pub(crate) fn client() -> Client {
    // The first of the tests installs it, the others find it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

pub(crate) async fn get(server: SocketAddrV4, path: &str) -> Response {
    client().get(format!("http://{server}{path}")).send().await.unwrap()
}

fn header_of<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn b25_lengths_ranges_and_heads_are_exact() {
    let mut rig = Rig::empty();
    let image = rig.add_image(1, 500_000);
    rig.put("a/file", pattern(1000, 9));
    let server = rig.http(Limits::default(), axum::Router::new());
    let kernel = format!("/assets/{}/vmlinuz", image.kernel.sha256);

    for (path, whole) in [(kernel.as_str(), pattern(500_000, 1)), ("/files/a/file", pattern(1000, 9))] {
        let length = whole.len().to_string();
        let head = client().head(format!("http://{server}{path}")).send().await.unwrap();
        assert_eq!((head.status(), header_of(&head, "content-length")), (StatusCode::OK, length.as_str()));
        assert_eq!(header_of(&head, "accept-ranges"), "bytes");
        let etag = header_of(&head, "etag").to_owned();

        let got = get(server, path).await;
        assert_eq!(header_of(&got, "content-length"), length);
        assert!(got.headers().get(header::TRANSFER_ENCODING).is_none());
        assert!(got.bytes().await.unwrap() == whole);

        let part = async |range: &str, if_range: Option<&str>| {
            let mut request = client().get(format!("http://{server}{path}")).header(header::RANGE, range);
            if let Some(version) = if_range {
                request = request.header(header::IF_RANGE, version);
            }
            request.send().await.unwrap()
        };
        let middle = part("bytes=100-199", None).await;
        assert_eq!(middle.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(header_of(&middle, "content-range"), format!("bytes 100-199/{length}"));
        assert_eq!(header_of(&middle, "content-length"), "100");
        assert!(middle.bytes().await.unwrap() == whole[100..200]);
        let rest = part("bytes=900-", Some(&etag)).await;
        assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
        assert!(rest.bytes().await.unwrap() == whole[900..]);
        let end = part("bytes=-7", None).await;
        assert!(end.bytes().await.unwrap() == whole[whole.len() - 7..]);
        let stale = part("bytes=900-", Some("\"another\"")).await;
        assert_eq!(stale.status(), StatusCode::OK, "another version is sent whole");
        let beyond = part(&format!("bytes={length}-"), None).await;
        assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(header_of(&beyond, "content-range"), format!("bytes */{length}"));
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b25_one_connection_serves_many_requests() {
    let mut rig = Rig::empty();
    let image = rig.add_image(1, 3000);
    let server = rig.http(Limits::default(), axum::Router::new());
    let read = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut bodies = Vec::new();
        for _ in 0..3 {
            write!(stream, "GET /assets/{}/initrd.img HTTP/1.1\r\nHost: x\r\n\r\n", image.initrd.sha256).unwrap();
            let head = read_head(&mut stream);
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 3000\r\n"), "{head}");
            let mut body = vec![0; 3000];
            stream.read_exact(&mut body).unwrap();
            bodies.push(body);
        }
        bodies
    });
    assert!(read.await.unwrap().iter().all(|body| *body == pattern(3000, 2)));
    rig.stop().await;
}

/// The whole answer to a path that no well-behaved client would send as it is.
fn raw_get(server: SocketAddrV4, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

/// Byte by byte, so that nothing of the body is taken.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn b26_nothing_redirects_and_nothing_lists() {
    let mut rig = Rig::with_loader(1000);
    rig.put("sub/file", "x");
    let server = rig.http(Limits::default(), axum::Router::new());
    let table = [
        ("/files/sub/file", StatusCode::OK),
        ("//files//sub///file", StatusCode::OK),
        ("/files/sub", StatusCode::FORBIDDEN),
        ("/files/sub/", StatusCode::FORBIDDEN),
        ("/files", StatusCode::FORBIDDEN),
        ("/files/", StatusCode::FORBIDDEN),
        ("/files/none", StatusCode::NOT_FOUND),
        ("/", StatusCode::NOT_FOUND),
        ("/boot", StatusCode::NOT_FOUND),
        ("/boot/", StatusCode::NOT_FOUND),
        ("/assets/", StatusCode::NOT_FOUND),
        ("/api/nodes", StatusCode::NOT_FOUND),
        ("/loaders/ipxe-amd64.efi", StatusCode::OK),
        ("//loaders//ipxe-amd64.efi", StatusCode::OK),
        ("/loaders/none.efi", StatusCode::NOT_FOUND),
        ("/loaders/autoexec.ipxe", StatusCode::OK),
    ];
    for (path, status) in table {
        let got = get(server, path).await;
        assert_eq!(got.status(), status, "{path}");
        assert!(got.headers().get(header::LOCATION).is_none(), "{path}");
    }
    for method in [Method::PUT, Method::DELETE, Method::POST, Method::OPTIONS] {
        let got = client().request(method.clone(), format!("http://{server}/files/sub/file")).send().await.unwrap();
        assert_eq!(got.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(header_of(&got, "allow"), "GET, HEAD");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_no_url_leads_out_and_no_secret_is_served() {
    let mut rig = Rig::empty();
    for name in ["server.key", "tls.pem", "id_ed25519", "join-token", "my_secret.txt", ".env", ".ssh/config", "shadow"]
    {
        rig.put(name, "hidden");
    }
    rig.put("preseed.cfg", "public");
    std::os::unix::fs::symlink("/etc/hostname", rig.files.path().join("link")).unwrap();
    let server = rig.http(Limits::default(), axum::Router::new());
    let refused = [
        ("/files/server.key", "looks like a secret"),
        ("/files/tls.pem", "looks like a secret"),
        ("/files/id_ed25519", "looks like a secret"),
        ("/files/join-token", "looks like a secret"),
        ("/files/my_secret.txt", "looks like a secret"),
        ("/files/MY_SECRET.txt", "looks like a secret"),
        ("/files/%2eenv", "looks like a secret"),
        ("/files/.ssh/config", "looks like a secret"),
        ("/files/shadow", "looks like a secret"),
        ("/files/%2e%2e/%2e%2e/etc/hostname", "leads out of the served folder"),
        ("/files/..%2f..%2fetc/hostname", "leads out of the served folder"),
        ("/files/a%5cb", "backslash"),
        ("/files/a%00b", "control character"),
        ("/files/link", "outside of the served folder"),
    ];
    for (path, reason) in refused {
        let said = tokio::task::spawn_blocking(move || raw_get(server, path)).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 403 "), "{path}: {said}");
        assert!(said.contains(reason) && !said.contains("hidden"), "{path}: {said}");
    }
    assert_eq!(get(server, "/files/preseed.cfg").await.text().await.unwrap(), "public");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b27_what_is_known_and_not_there_comes_later() {
    let mut rig = Rig::with_loader(1000);
    let image = rig.add_image(1, 4000);
    std::fs::remove_file(rig.folder().join("objects").join(image.root.sha256.to_string())).unwrap();
    let server = rig.http(Limits { retry_after_s: 7, ..Limits::default() }, axum::Router::new());
    for path in [format!("/assets/{}/root.squashfs", image.root.sha256), "/loaders/undionly.kpxe".to_owned()] {
        let got = get(server, &path).await;
        assert_eq!((got.status(), header_of(&got, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "7"), "{path}");
        assert!(got.text().await.unwrap().contains("roost assets"), "{path}");
    }
    let unknown = get(server, &format!("/assets/{}/vmlinuz", "ab".repeat(32))).await;
    assert_eq!((unknown.status(), header_of(&unknown, "retry-after")), (StatusCode::NOT_FOUND, ""));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b27_beyond_the_cap_machines_are_told_when_to_ask_again() {
    let mut rig = Rig::with_loader(1000);
    // More than the buffers of both sockets hold.
    rig.put("big", vec![b'x'; 32 << 20]);
    let server = rig.http(Limits { transfers: 1, ..Limits::default() }, axum::Router::new());
    let first = get(server, "/files/big").await;
    let second = get(server, "/files/big").await;
    assert_eq!((second.status(), header_of(&second, "retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert_eq!(get(server, &format!("/loaders/{LOADER}")).await.status(), StatusCode::OK, "loaders always go");
    assert_eq!(first.bytes().await.unwrap().len(), 32 << 20);
    rig.seen.wait_for(Step::Note, 1).await;
    assert!(get(server, "/files/big").await.status().is_success());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b29_a_new_image_during_downloads_gives_each_one_version() {
    let mut rig = Rig::empty();
    let old = rig.add_image(1, 2 << 20);
    let server =
        rig.http(Limits { transfers: 500, connections_per_peer: 500, ..Limits::default() }, axum::Router::new());
    let mut downloads = tokio::task::JoinSet::new();
    for number in 0..100 {
        let path = format!("/assets/{}/root.squashfs", old.root.sha256);
        downloads.spawn(async move {
            let mut response = get(server, &path).await;
            let mut body = response.chunk().await.unwrap().unwrap().to_vec();
            while let Some(chunk) = response.chunk().await.unwrap() {
                body.extend_from_slice(&chunk);
            }
            (number, body)
        });
    }
    for seed in [10, 20, 30, 40] {
        rig.add_image(seed, 2 << 20);
    }
    assert!(
        !rig.folder().join("objects").join(old.root.sha256.to_string()).exists(),
        "the old image is gone from disk"
    );
    while let Some(done) = downloads.join_next().await {
        let (number, body) = done.unwrap();
        // A download that asked after the old image had gone is refused whole; none is a mixture.
        let refused = body.starts_with(b"no such asset") || body.starts_with(b"root.squashfs is not here");
        assert!(refused || body == pattern(2 << 20, 3), "download {number} got {} other bytes", body.len());
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_delivery_is_a_line_of_the_timeline() {
    let mut rig = Rig::with_loader(1000);
    let image = rig.add_image(1, 10_000);
    let server = rig.http(Limits::default(), axum::Router::new());
    for (blob, name) in [(image.kernel, "vmlinuz"), (image.initrd, "initrd.img"), (image.root, "root.squashfs")] {
        get(server, &format!("/assets/{}/{name}", blob.sha256)).await.bytes().await.unwrap();
    }
    get(server, &format!("/loaders/{LOADER}")).await.bytes().await.unwrap();
    client().head(format!("http://{server}/loaders/{LOADER}")).send().await.unwrap();
    for (step, said) in [
        (Step::Kernel, "vmlinuz over HTTP, 10000 bytes in "),
        (Step::Initrd, "initrd.img over HTTP, 10000 bytes in "),
        (Step::Note, "root.squashfs over HTTP, 10000 bytes in "),
        (Step::Loader, "ipxe-amd64.efi over HTTP, 1000 bytes in "),
    ] {
        let seen = rig.seen.wait_for(step, 1).await;
        assert!(seen.len() == 1 && seen[0].detail.starts_with(said), "{seen:?}");
        assert_eq!(seen[0].mac, Some(MAC));
    }
    rig.stop().await;
}
