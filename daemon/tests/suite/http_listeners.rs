//! Listeners: TLS by Roost's own authority or the operator's files, ports that are taken, sockets that are stale.

use std::{net::TcpListener, path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use daemon::http::{
    ca::{self, CertificateAuthority},
    serve::{BuildError, ListenConfig, Server},
    tls::TlsSource,
};
use reqwest::StatusCode;
use tasks::{Clock as _, ManualClock, Stop};

use super::api::{Running, Setup, provider, start};

fn listen(folder: &Path) -> ListenConfig {
    ListenConfig {
        addresses: vec!["127.0.0.1:0".parse().unwrap()],
        socket: Some(folder.join("roost.sock")),
        tls: None,
        connections: 8,
        head_timeout: Duration::from_millis(300),
    }
}

async fn build(config: ListenConfig) -> Result<Server, BuildError> {
    provider();
    let router = Router::new().route("/", get(async || "here"));
    Server::build(config, router, Arc::new(ManualClock::new(start()))).await
}

fn trusting(pem: &[u8]) -> reqwest::Client {
    let certificates = reqwest::Certificate::from_pem_bundle(pem).unwrap();
    reqwest::Client::builder().tls_certs_only(certificates).no_proxy().build().unwrap()
}

#[tokio::test]
async fn own_authority_serves_tls_and_shows_its_certificate() {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let api = Running::with(Setup { tls: Some(names), ..Setup::default() }).await;
    let pem = std::fs::read(ca::certificate_path(api.folder.path())).unwrap();
    let url = |path: &str| format!("https://127.0.0.1:{}{path}", api.address.port());
    let client = trusting(&pem);
    let response = client.get(url("/api/ca")).bearer_auth("all").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.bytes().await.unwrap(), pem);
    let stranger = CertificateAuthority::ensure(tempfile::tempdir().unwrap().path(), api.clock.now()).unwrap();
    let mistrusting = trusting(stranger.certificate_pem().as_bytes());
    assert!(mistrusting.get(url("/healthz")).send().await.is_err());
    assert!(api.bare(reqwest::Method::GET, "/healthz").send().await.is_err(), "no plain HTTP on this port");
    api.stop().await;
}

#[tokio::test]
async fn the_operators_own_certificate_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Some(TlsSource::Files { certificate: certificate.clone(), key });
    let server = build(ListenConfig { tls, ..listen(folder.path()) }).await.unwrap();
    let url = format!("https://localhost:{}/", server.addresses()[0].port());
    let stop = Stop::new();
    let client = trusting(made.cert.pem().as_bytes());
    let (answer, ()) = tokio::join!(
        async {
            let answer = client.get(url).send().await.unwrap().text().await.unwrap();
            stop.cancel();
            answer
        },
        server.run(stop.clone())
    );
    assert_eq!(answer, "here");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let wrong = folder.path().join("wrong.pem");
    std::fs::write(&wrong, other.signing_key.serialize_pem()).unwrap();
    let tls = Some(TlsSource::Files { certificate, key: wrong });
    assert!(matches!(build(ListenConfig { tls, ..listen(folder.path()) }).await, Err(BuildError::Tls(_))));
    let tls = Some(TlsSource::Files { certificate: "/nowhere.pem".into(), key: "/nowhere.pem".into() });
    assert!(matches!(build(ListenConfig { tls, ..listen(folder.path()) }).await, Err(BuildError::Tls(_))));
}

#[tokio::test]
async fn a_port_in_use_names_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = vec![holder.local_addr().unwrap()];
    let Err(error) = build(ListenConfig { addresses, ..listen(folder.path()) }).await else { panic!("it is taken") };
    let text = error.to_string();
    assert!(text.contains(&format!("(pid {})", std::process::id())), "{text}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roost.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = build(listen(folder.path())).await.unwrap();
    assert!(matches!(build(listen(folder.path())).await, Err(BuildError::Socket { .. })));
    drop(server);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "a file of somebody").unwrap();
    assert!(matches!(build(listen(folder.path())).await, Err(BuildError::Socket { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a file of somebody");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_let_go() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let folder = tempfile::tempdir().unwrap();
    let server = build(listen(folder.path())).await.unwrap();
    let address = server.addresses()[0];
    let stop = Stop::new();
    let slow = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        stop.cancel();
        ended.expect("the server closes").unwrap();
    };
    tokio::join!(slow, server.run(stop.clone()));
}
