//! The boot listener's two POSTs: bounds, statuses, and which address counts.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use ansible::callhome::{PROGRESS_LIMIT_BYTES, Report};
use daemon::http::{
    desks::{Intake, IntakeRefusal, RefusalKind},
    provision,
    serve::{ListenConfig, Server},
    state::Rim,
};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tasks::{ManualClock, Stop};
use vocabulary::{CallHome, RunId, Token};

use super::api::{provider, refused, start};

#[derive(Default)]
struct Door {
    refuse: Mutex<Option<RefusalKind>>,
    peers: Mutex<Vec<SocketAddr>>,
}

impl Door {
    fn judge(&self, peer: SocketAddr) -> Result<(), IntakeRefusal> {
        self.peers.lock().unwrap().push(peer);
        match *self.refuse.lock().unwrap() {
            Some(kind) => Err(IntakeRefusal { kind, reason: "no".to_owned(), hint: "look".to_owned() }),
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl Intake for Door {
    async fn call_home(&self, _: CallHome, peer: SocketAddr) -> Result<RunId, IntakeRefusal> {
        self.judge(peer).map(|()| RunId(7))
    }

    async fn progress(&self, _: Report, peer: SocketAddr) -> Result<(), IntakeRefusal> {
        self.judge(peer)
    }
}

fn call_home() -> Value {
    json!({
        "token": Token::from_random([7; 32]).expose(),
        "hostname": "node-525400123456",
        "addresses": ["10.77.1.1"],
        "mac": "52:54:00:12:34:56",
        "smbios_uuid": "4c4c4544-0042-3510-8054-b4c04f564433",
        "machine_id": "0123456789abcdef0123456789abcdef",
        "ssh_host_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy"],
        "hardware": { "vendor": "QEMU" },
    })
}

struct Served {
    door: Arc<Door>,
    base: String,
    client: reqwest::Client,
}

impl Served {
    fn post(&self, what: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}/api/provision/{what}", self.base)).json(body)
    }
}

async fn with_door(test: impl AsyncFnOnce(&Served)) {
    provider();
    let (door, clock) = (Arc::new(Door::default()), Arc::new(ManualClock::new(start())));
    let router = provision::router(door.clone(), Rim { clock: clock.clone(), deadline: Duration::from_secs(10) });
    let config = ListenConfig {
        addresses: vec!["127.0.0.1:0".parse().unwrap()],
        socket: None,
        tls: None,
        connections: 8,
        head_timeout: Duration::from_secs(10),
    };
    let server = Server::build(config, router, clock).await.unwrap();
    let base = format!("http://{}", server.addresses()[0]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (stop, served) = (Stop::new(), Served { door, base, client });
    tokio::join!(
        async {
            test(&served).await;
            stop.cancel();
        },
        server.run(stop.clone())
    );
}

#[tokio::test]
async fn a_call_home_is_accepted_with_its_run() {
    with_door(async |served| {
        let response = served.post("call-home", &call_home()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "run_id": 7 }));
        let token = Token::from_random([7; 32]);
        let progress = json!({ "token": token.expose(), "step": "kernel_up", "detail": "" });
        assert_eq!(served.post("progress", &progress).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    })
    .await;
}

#[tokio::test]
async fn the_address_is_the_connections_own_whatever_a_header_says() {
    with_door(async |served| {
        let forged = served.post("call-home", &call_home()).header("x-forwarded-for", "10.77.0.9");
        forged.header("forwarded", "for=10.77.0.9").send().await.unwrap();
        assert!(served.door.peers.lock().unwrap()[0].ip().is_loopback());
    })
    .await;
}

#[tokio::test]
async fn each_refusal_has_its_status() {
    with_door(async |served| {
        for (kind, status) in [
            (RefusalKind::Malformed, StatusCode::BAD_REQUEST),
            (RefusalKind::Forbidden, StatusCode::FORBIDDEN),
            (RefusalKind::UnknownToken, StatusCode::NOT_FOUND),
            (RefusalKind::Conflict, StatusCode::CONFLICT),
            (RefusalKind::Expired, StatusCode::GONE),
            (RefusalKind::Superseded, StatusCode::GONE),
            (RefusalKind::TooMany, StatusCode::TOO_MANY_REQUESTS),
            (RefusalKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        ] {
            *served.door.refuse.lock().unwrap() = Some(kind);
            assert_eq!(refused(served.post("call-home", &call_home())).await.0, status, "{kind:?}");
        }
        let response = served.post("call-home", &call_home()).send().await.unwrap();
        assert!(response.headers().contains_key("retry-after"));
        // The word by which a machine knows that it may boot again.
        *served.door.refuse.lock().unwrap() = Some(RefusalKind::Expired);
        let body: Value = served.post("call-home", &call_home()).send().await.unwrap().json().await.unwrap();
        assert_eq!(body["error"]["code"], "token_expired");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_call_home_never_reaches_the_intake() {
    with_door(async |served| {
        let mut poisoned = call_home();
        poisoned["hostname"] = json!("x ansible_connection=local");
        let mut unknown = call_home();
        unknown["ansible_host"] = json!("127.0.0.1");
        let long = json!({ "detail": "x".repeat(PROGRESS_LIMIT_BYTES) });
        let url = format!("{}/api/provision/call-home", served.base);
        for (request, status, code) in [
            (served.post("call-home", &poisoned), StatusCode::BAD_REQUEST, "malformed"),
            (served.post("call-home", &unknown), StatusCode::BAD_REQUEST, "malformed"),
            (served.post("progress", &json!({})), StatusCode::BAD_REQUEST, "malformed"),
            (served.post("progress", &long), StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            (served.client.post(&url).body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json"),
            (served.client.get(&url), StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        ] {
            assert_eq!(refused(request).await, (status, code.to_owned()));
        }
        assert!(served.door.peers.lock().unwrap().is_empty());
    })
    .await;
}
