//! A whole API on real sockets over a real store, with desks of a few lines; gone with its guard.

use std::{
    collections::HashSet,
    net::SocketAddr,
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::jobs::bootstrap::Clients;
use async_trait::async_trait;
use daemon::{
    bus::Bus,
    cluster::{Away, servers::Phase},
    http::{
        self,
        desks::{
            Answer, Approval, Cancel, DiskOrder, Effect, Explanation, FleetDesk, FleetKeyView, GossipDesk, LogPiece,
            NextKeyView, NodeDesk, NodeError, NodeOrder, PartStatus, PartsBoard, PowerOrder, RetireOrder, Rotate,
            RotateGossip, RunDesk, RunError, RunOrder, ServerView, ServersDesk, ServersOrder,
        },
        keyring::KeyRing,
        prometheus,
        serve::{ListenConfig, Server},
        state::{Api, ApiConfig, Deps},
        tls::TlsSource,
    },
    keys::{KeyDigest, KeyOrigin, KnownKey, Scope, Scopes},
    workload::ClusterDoor,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use store::{Batch, NewEvent, Store, Write};
use tasks::{Clock, ManualClock, Stop, SystemClock};
use tokio::task::JoinHandle;
use vocabulary::{
    Approved, Authority, EventKind, KeyId, Mac, Node, NodeId, NodeState, Run, RunId, RunState, Timestamp,
};

/// Where the tests' clock starts.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// The one node of the store.
pub(crate) fn node_id() -> NodeId {
    "node-525400123456".parse().unwrap()
}

/// Installs what `main` installs; tests share one process.
pub(crate) fn provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What the desks were ordered, in words.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) orders: Mutex<Vec<String>>,
    pub(crate) log: Mutex<(Vec<u8>, bool)>,
    pub(crate) ready: Mutex<bool>,
}

impl Desk {
    fn note(&self, what: &str, authority: &Authority) {
        let Authority::Person { name } = authority else { panic!("the API mints for persons alone") };
        self.orders.lock().unwrap().push(format!("{name}: {what}"));
    }

    fn effect(subject: &impl ToString, effect: &str) -> Vec<Effect> {
        vec![Effect { subject: subject.to_string(), effect: effect.to_owned() }]
    }
}

#[async_trait]
impl NodeDesk for Desk {
    async fn approve(&self, order: Approved<Approval>) -> Result<Vec<Effect>, NodeError> {
        self.note(&format!("approve {:?}", order.value()), order.authority());
        NodeDesk::preview(self, NodeOrder::Approve(order.into_value())).await
    }

    async fn deny(&self, node: Approved<NodeId>) -> Result<Vec<Effect>, NodeError> {
        self.note(&format!("deny {}", node.value()), node.authority());
        NodeDesk::preview(self, NodeOrder::Deny(node.into_value())).await
    }

    async fn forget(&self, node: Approved<NodeId>) -> Result<Vec<Effect>, NodeError> {
        self.note(&format!("forget {}", node.value()), node.authority());
        NodeDesk::preview(self, NodeOrder::Forget(node.into_value())).await
    }

    async fn power(&self, order: Approved<PowerOrder>) -> Result<Vec<Effect>, NodeError> {
        self.note(&format!("power {} {}", order.value().node, order.value().action.name()), order.authority());
        NodeDesk::preview(self, NodeOrder::Power(order.into_value())).await
    }

    async fn disk(&self, order: Approved<DiskOrder>) -> Result<Vec<Effect>, NodeError> {
        self.note(&format!("disk {}", order.value().node), order.authority());
        self.disks(order.value()).await
    }

    async fn disks(&self, order: &DiskOrder) -> Result<Vec<Effect>, NodeError> {
        match &order.device {
            Some(device) if order.wipe.is_none() => Err(NodeError::Refused {
                reason: format!("{device} holds ext4, which would be lost"),
                hint: "--wipe".to_owned(),
            }),
            _ => Ok(Self::effect(&format!("{} vdb", order.node), "empty -> GPT and ext4 labelled ROOST_DATA")),
        }
    }

    async fn retire(&self, order: Approved<RetireOrder>) -> Result<Vec<Effect>, NodeError> {
        self.note(&format!("retire {:?}", order.value()), order.authority());
        NodeDesk::preview(self, NodeOrder::Retire(order.into_value())).await
    }

    async fn preview(&self, order: NodeOrder) -> Result<Vec<Effect>, NodeError> {
        match order {
            NodeOrder::Retire(order) => Ok(Self::effect(&order.node, "ready -> retiring")),
            NodeOrder::Approve(Approval::Next { count, .. }) => {
                Ok(Self::effect(&"window", &format!("{count} may enter")))
            }
            NodeOrder::Approve(Approval::Nodes(nodes)) => match nodes.iter().find(|node| **node != node_id()) {
                Some(unknown) => Err(NodeError::Unknown(unknown.clone())),
                None => Ok(Self::effect(&node_id(), "waiting -> approved")),
            },
            NodeOrder::Deny(node) if node == node_id() => Ok(Self::effect(&node, "waiting -> denied")),
            NodeOrder::Forget(node) if node == node_id() => Ok(Self::effect(&node, "waiting -> forgotten")),
            NodeOrder::Deny(node) | NodeOrder::Forget(node) => Err(NodeError::Unknown(node)),
            NodeOrder::Power(order) => Err(NodeError::Refused {
                reason: format!("{} has no switch", order.node),
                hint: "configure [power]".to_owned(),
            }),
        }
    }

    async fn explain(&self, mac: Mac) -> Result<Explanation, NodeError> {
        let answer = Answer { station: "script".into(), answer: "wait".into(), because: "never seen".into() };
        Ok(Explanation { mac, state: None, answers: vec![answer] })
    }
}

#[async_trait]
impl GossipDesk for Desk {
    async fn rotate(&self, order: Approved<RotateGossip>) -> Result<Vec<Effect>, NodeError> {
        self.note("rotate the gossip keys", order.authority());
        GossipDesk::preview(self).await
    }

    async fn preview(&self) -> Result<Vec<Effect>, NodeError> {
        Ok(Self::effect(&"gossip keys", "replaced"))
    }
}

#[async_trait]
impl RunDesk for Desk {
    async fn retry(&self, run: Approved<RunId>) -> Result<(RunId, Vec<Effect>), RunError> {
        self.note(&format!("retry {}", run.value()), run.authority());
        let effects = RunDesk::preview(self, RunOrder::Retry(run.into_value())).await?;
        Ok((RunId(2), effects))
    }

    async fn cancel(&self, order: Approved<Cancel>) -> Result<Vec<Effect>, RunError> {
        RunDesk::preview(self, RunOrder::Cancel(order.into_value())).await
    }

    async fn preview(&self, order: RunOrder) -> Result<Vec<Effect>, RunError> {
        match order {
            RunOrder::Retry(RunId(1)) => Ok(Self::effect(&"run 1", "repeated")),
            RunOrder::Retry(run) => Err(RunError::Unknown(run)),
            RunOrder::Cancel(_) => {
                Err(RunError::Conflict { reason: "the run is over".to_owned(), hint: "roost run list".to_owned() })
            }
        }
    }

    async fn kept(&self) -> Result<HashSet<RunId>, RunError> {
        Ok(HashSet::from([RunId(1)]))
    }

    async fn log(&self, run: RunId, offset: u64, limit_bytes: usize) -> Result<LogPiece, RunError> {
        if run != RunId(1) {
            return Err(RunError::Unknown(run));
        }
        let (log, ended) = &*self.log.lock().unwrap();
        let rest = &log[usize::try_from(offset).unwrap().min(log.len())..];
        let bytes = rest[..rest.len().min(limit_bytes)].to_vec();
        Ok(LogPiece { complete: *ended && bytes.len() == rest.len(), bytes })
    }
}

#[async_trait]
impl FleetDesk for Desk {
    async fn show(&self) -> Result<FleetKeyView, NodeError> {
        let next = NextKeyView {
            public: "ssh-ed25519 BBBB".into(),
            private: "/data/ssh/next_ed25519".into(),
            missed: vec![node_id()],
        };
        Ok(FleetKeyView {
            public: "ssh-ed25519 AAAA".into(),
            private: "/run/credentials/key".into(),
            kept: "a systemd credential".into(),
            next: Some(next),
            left_behind: Some("/data/ssh/fleet_ed25519".into()),
        })
    }

    async fn rotate(&self, order: Approved<Rotate>) -> Result<Vec<Effect>, NodeError> {
        Ok(Self::effect(&"fleet key", &format!("rotated, {:?}", order.value().silent)))
    }

    async fn preview(&self) -> Result<Vec<Effect>, NodeError> {
        Ok(Self::effect(&"fleet key", "would be rotated"))
    }
}

#[async_trait]
impl ServersDesk for Desk {
    async fn list(&self) -> Result<Vec<ServerView>, NodeError> {
        let first = ServerView { server: "control".into(), address: "10.77.0.1".into(), ..ServerView::default() };
        let phase = Some(Phase::Joining);
        Ok(vec![first.clone(), ServerView { server: node_id().to_string(), phase, run: Some(RunId(1)), ..first }])
    }

    async fn order(&self, order: Approved<ServersOrder>) -> Result<Vec<Effect>, NodeError> {
        self.note("servers", order.authority());
        Ok(Self::effect(&order.value().nodes[0], "client -> server"))
    }

    async fn preview(&self, order: &ServersOrder) -> Result<Vec<Effect>, NodeError> {
        Ok(Self::effect(&order.nodes[0], "client -> server"))
    }
}

impl PartsBoard for Desk {
    fn parts(&self) -> Vec<PartStatus> {
        let ready = *self.ready.lock().unwrap();
        let reason = (!ready).then(|| "no loader was fetched: roost assets fetch".to_owned());
        vec![PartStatus { name: "pxe/tftp".into(), ready, reason }]
    }
}

/// A daemon that has no cluster.
struct NoCluster;

impl ClusterDoor for NoCluster {
    fn agents(&self) -> Result<Clients, Away> {
        Err(Away::NotConfigured)
    }
}

/// What a test may vary.
pub(crate) struct Setup {
    pub(crate) tls: Option<Vec<String>>,
    pub(crate) burst: u32,
    pub(crate) keys: Vec<KnownKey>,
    pub(crate) cluster: Arc<dyn ClusterDoor>,
    pub(crate) picture: Option<::jobs::watch::Handle>,
    pub(crate) body_limit_bytes: usize,
    pub(crate) time: Time,
}

/// Which clock the API has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// The test's own, which it moves.
    Still,
    /// The host's, for what waits for somebody else.
    Passes,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tls: None,
            burst: 10_000,
            keys: vec![key("all", Scopes::all())],
            cluster: Arc::new(NoCluster),
            picture: None,
            body_limit_bytes: 64 * 1024,
            time: Time::Still,
        }
    }
}

/// A key of the configuration whose text is its name.
pub(crate) fn key(name: &str, scopes: Scopes) -> KnownKey {
    KnownKey { name: KeyId(name.to_owned()), digest: KeyDigest::of(name), scopes, origin: KeyOrigin::Configuration }
}

/// A key with every scope but one.
pub(crate) fn key_without(scope: Scope) -> KnownKey {
    let rest = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
    key(&format!("all-but-{scope}"), rest)
}

/// A running API.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) socket: PathBuf,
    pub(crate) store: Store,
    pub(crate) desk: Arc<Desk>,
    pub(crate) clock: ManualClock,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) client: reqwest::Client,
    stop: Stop,
    served: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        provider();
        let folder = tempfile::tempdir().unwrap();
        // A client checks certificates against the host's clock, whatever ours says.
        let clock = ManualClock::new(if setup.tls.is_some() { SystemClock.now() } else { start() });
        let shared: Arc<dyn Clock> = match setup.time {
            Time::Still => Arc::new(clock.clone()),
            Time::Passes => Arc::new(SystemClock),
        };
        let store = Store::open(folder.path(), start()).await.unwrap();
        fill(&store).await;
        let desk = Arc::new(Desk { ready: Mutex::new(true), ..Desk::default() });
        let (keys, clerk) = KeyRing::open(setup.keys, store.clone()).await.unwrap();
        let deps = Deps {
            store: store.clone(),
            bus: Bus::new(store.clone()),
            nodes: desk.clone(),
            runs: desk.clone(),
            fleet: desk.clone(),
            gossip: desk.clone(),
            cluster: setup.cluster,
            servers: desk.clone(),
            picture: setup.picture,
            parts: desk.clone(),
            keys,
            clock: shared.clone(),
            metrics: prometheus::install().unwrap(),
        };
        let own_authority = setup.tls.is_some().then(|| folder.path().to_owned());
        let config = ApiConfig {
            requests_per_second: NonZeroU32::MIN,
            burst: NonZeroU32::new(setup.burst).unwrap(),
            body_limit_bytes: setup.body_limit_bytes,
            request_timeout: Duration::from_secs(30),
            authority: own_authority,
        };
        let stop = Stop::new();
        let router = http::router(Api::new(config, deps, stop.clone())).unwrap();
        let socket = folder.path().join("roost.sock");
        let data_dir = folder.path().to_owned();
        let listen = ListenConfig {
            addresses: vec!["127.0.0.1:0".parse().unwrap()],
            socket: Some(socket.clone()),
            tls: setup.tls.map(|names| TlsSource::Roost { data_dir, names }),
            connections: 64,
            head_timeout: Duration::from_secs(10),
        };
        let server = Server::build(listen, router, shared).await.unwrap();
        let address = server.addresses()[0];
        #[expect(clippy::disallowed_methods, reason = "the guard stops and joins it")]
        let served = {
            let (server, clerk) = (server.run(stop.clone()), clerk.run(stop.clone()));
            tokio::spawn(async {
                let ((), Ok(())) = tokio::join!(server, clerk);
            })
        };
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { address, socket, store, desk, clock, folder, client, stop, served }
    }

    /// A request over TCP, with no credential.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// A request over TCP with the key that may do everything.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth("all")
    }

    /// The JSON of a successful GET.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// Status and JSON of a POST.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Commits an event of this kind.
    pub(crate) async fn happen(&self, kind: EventKind, data: Value) {
        let event = NewEvent { at: start(), kind, node: Some(node_id()), run: None, data };
        self.store.commit(Batch { events: vec![event], ..Batch::default() }).await.unwrap();
    }

    /// Stops the listeners as the daemon does and waits for them.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.served).await.expect("the listeners end").unwrap();
    }
}

/// Status and JSON of an answer.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// The error code of a refusal, after its shape was checked.
pub(crate) async fn refused(request: RequestBuilder) -> (StatusCode, String) {
    let response = request.send().await.unwrap();
    let id =
        response.headers().get("x-request-id").expect("every answer has a request id").to_str().unwrap().to_owned();
    let status = response.status();
    let body: Value = response.json().await.expect("a refusal is JSON");
    let error = &body["error"];
    let keys: Vec<&String> = error.as_object().expect("an error object").keys().collect();
    assert_eq!(keys, ["code", "hint", "message", "request_id"]);
    assert_eq!(error["request_id"], id.as_str());
    assert!(!error["message"].as_str().unwrap().is_empty() && !error["hint"].as_str().unwrap().is_empty(), "{error}");
    (status, error["code"].as_str().unwrap().to_owned())
}

async fn fill(store: &Store) {
    let id = node_id();
    let state = NodeState::Waiting;
    let node = Node {
        mac: id.mac(),
        id: id.clone(),
        state,
        since: start(),
        reason: None,
        waits_for: state.waits_for(),
        approved: false,
        identity: None,
        address: None,
        firmware: None,
        boot: None,
        run: None,
        nomad: None,
        certificates: None,
        created: start(),
        generation: 1,
    };
    let run = Run {
        id: RunId(1),
        node: id.clone(),
        boot: None,
        state: RunState::Running,
        purpose: vocabulary::RunPurpose::Configure,
        retry_of: None,
        attempt: 0,
        asked_by: "call-home".to_owned(),
        cause: None,
        process: None,
        created: start(),
        started: Some(start()),
        ended: None,
        tasks_done: 1,
        tasks_changed: 0,
        task: None,
    };
    let task = serde_json::json!({
        "seq": 1, "at": start(), "host": id, "task": "look at the disk", "role": "preflight", "outcome": "ok",
        "took_ms": 12, "message": null, "tasks_done": 1, "tasks_changed": 0,
    });
    let batch = Batch {
        nodes: vec![node.into()],
        runs: vec![Write::New(run)],
        run_tasks: vec![store::RunTaskRow { run: RunId(1), seq: 1, at: start(), data: task }],
        ..Batch::default()
    };
    store.commit(batch).await.unwrap();
}
