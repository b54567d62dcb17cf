//! A rack of a test's own with the real daemon in it, and the questions that tests ask of it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use daemon::http::wire::{NodeView, RunView, StepView};
use lab::{Daemon, DaemonSpec, Rack, RackName, RackSpec};
use pxe::assets::{Assets, ImageFiles};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use vocabulary::{Mac, NodeId, NodeState, Step, Timestamp};

/// The boot listener of every test rack.
pub(crate) const BASE: &str = "http://10.77.0.1:7601";

/// A rack, a daemon, a data directory.
pub(crate) struct Bench {
    pub(crate) daemon: Daemon,
    pub(crate) rack: Arc<Rack>,
    pub(crate) data: TempDir,
}

/// What differs between tests.
pub(crate) struct Setup {
    /// `nodes.enroll`.
    pub(crate) enroll: &'static str,
    /// The playbook of every run.
    pub(crate) playbook: PathBuf,
    /// How many runs at the same time.
    pub(crate) concurrency: u32,
    /// Further keys of its section `[ansible]`.
    pub(crate) ansible: String,
    /// Further sections of the configuration.
    pub(crate) more: String,
    /// Where loaders and images are; a small stand-in image is put there if there is none.
    pub(crate) assets: Option<PathBuf>,
}

impl Setup {
    /// Admits everyone and runs a playbook of two tasks, with boot files of a few bytes.
    pub(crate) fn small() -> Self {
        let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/playbooks/small.yaml");
        Self { enroll: "auto", playbook, concurrency: 4, ansible: String::new(), more: String::new(), assets: None }
    }
}

impl Bench {
    /// Puts all of it up and waits until the daemon is ready.
    pub(crate) async fn up(setup: Setup) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let data = tempfile::Builder::new().prefix("roost-t").tempdir_in("/var/tmp").unwrap();
        let assets = setup.assets.clone().unwrap_or_else(|| stand_in_assets(data.path()));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name: RackName = format!("s{}-{number}", std::process::id()).parse().unwrap();
        let rack = Arc::new(Rack::up(&RackSpec::named(name)).unwrap());
        let spec = DaemonSpec {
            binary: env!("CARGO_BIN_EXE_roost").into(),
            config: config(data.path(), &setup, &assets),
            data_dir: data.path().to_owned(),
            dir: data.path().join("run"),
            env: Vec::new(),
        };
        let daemon = Daemon::start(&rack, spec).await.unwrap_or_else(|error| panic!("{error}"));
        Self { daemon, rack, data }
    }

    /// `kill -9`, then a new start, as after a crash.
    pub(crate) async fn crash(&mut self) {
        self.daemon.kill().await.unwrap();
        self.daemon.restart().await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Asks the API; `None` where it has no such thing.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let answer = self.daemon.api().get(path).await.ok()?;
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).unwrap())
    }

    pub(crate) async fn node(&self, mac: Mac) -> Option<NodeView> {
        self.get(&format!("/api/nodes/{}", NodeId::of(mac))).await
    }

    pub(crate) async fn steps(&self, mac: Mac) -> Vec<StepView> {
        self.get(&format!("/api/nodes/{}/timeline", NodeId::of(mac))).await.unwrap_or_default()
    }

    pub(crate) async fn runs(&self) -> Vec<RunView> {
        self.get("/api/runs").await.unwrap()
    }

    /// How often a station stands on a timeline.
    pub(crate) async fn count(&self, mac: Mac, step: Step) -> usize {
        self.steps(mac).await.iter().filter(|line| line.step == step).count()
    }

    /// Waits until a station was reached.
    pub(crate) async fn reached(&self, mac: Mac, step: Step, limit: Duration) {
        self.until(limit, &format!("{mac} to reach {step}"), async || self.count(mac, step).await > 0).await;
    }

    /// Waits until the node says this of why it waits.
    pub(crate) async fn reached_reason(&self, mac: Mac, words: &str, limit: Duration) {
        let says = async || {
            let reason = self.node(mac).await.and_then(|node| node.reason);
            reason.is_some_and(|reason| reason.cause.contains(words))
        };
        self.until(limit, &format!("{mac} to say {words:?}"), says).await;
    }

    /// Waits until the node is in a state; a failed node ends the wait at once.
    pub(crate) async fn in_state(&self, mac: Mac, state: NodeState, limit: Duration) {
        let there = async || {
            let node = self.node(mac).await;
            if let Some(node) =
                node.as_ref().filter(|node| node.state == NodeState::Failed && state != NodeState::Failed)
            {
                panic!("{mac} failed: {:?}\n{}", node.reason, self.story(mac).await);
            }
            node.is_some_and(|node| node.state == state)
        };
        self.until(limit, &format!("{mac} to be {state}"), there).await;
    }

    pub(crate) async fn until(&self, limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(limit, waiting).await.is_err() {
            let nodes: Option<Vec<NodeView>> = self.get("/api/nodes").await;
            panic!("waited {limit:?} for {what}\n{nodes:#?}\n{:#?}\n{}", self.runs().await, self.daemon.log());
        }
    }

    /// A machine's timeline and the end of the daemon's log, for a failed test.
    pub(crate) async fn story(&self, mac: Mac) -> String {
        let lines = self.steps(mac).await;
        let lines: Vec<String> =
            lines.iter().map(|line| format!("{} {} {}", line.at, line.step, line.detail)).collect();
        format!("{}\n{}", lines.join("\n"), self.daemon.log())
    }
}

fn stand_in_assets(data: &Path) -> PathBuf {
    let dir = data.join("assets");
    let file = |name: &str| {
        let path = data.join(name);
        std::fs::write(&path, format!("a stand-in for {name}")).unwrap();
        path
    };
    let files = ImageFiles {
        kernel: file("vmlinuz"),
        initrd: file("initrd.img"),
        root: file("root.squashfs"),
        built: Timestamp::UNIX_EPOCH,
        version: "stand-in".to_owned(),
    };
    Assets::open(pxe::assets::Config::new(dir.clone())).unwrap().add_image(&files).unwrap();
    dir
}

fn config(data: &Path, setup: &Setup, assets: &Path) -> String {
    format!(
        r#"data_dir = "{data}"
[boot]
listen = ["10.77.0.1:7601"]
[dhcp]
mode = "full"
interfaces = ["rack0"]
[[dhcp.subnet]]
cidr = "10.77.0.0/16"
pools = ["10.77.1.1-10.77.255.250"]
router = "10.77.0.1"
[tftp]
listen = ["10.77.0.1:69"]
[nodes]
enroll = "{enroll}"
trust_boot_network = {trust}
[ansible]
playbook = "{playbook}"
concurrency = {concurrency}
{ansible}
[assets]
dir = "{assets}"
{more}"#,
        data = data.display(),
        enroll = setup.enroll,
        trust = setup.enroll == "auto",
        playbook = setup.playbook.display(),
        concurrency = setup.concurrency,
        assets = assets.display(),
        ansible = setup.ansible,
        more = setup.more,
    )
}
