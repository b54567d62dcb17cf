//! What the TFTP, HTTP and asset tests stand on: a store in a temporary folder, services on loopback port 0, a witness
//! that remembers, a desk that answers as it is told.

use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use pxe::{
    assets::{Assets, Blob, Config, ImageFiles},
    dhcp::AddressBook,
    http::{self, BootHttp},
    ipxe::{BootDesk, FleetKey, LiveBoot, ScriptAnswer, ScriptAsk},
    tftp::{self, Tftp},
    witness::{Sighting, Witness},
};
use tasks::{Clock, Stop, SystemClock};
use tempfile::TempDir;
use tokio::task::JoinSet;
use vocabulary::{HostKey, Mac, Reason, Step, Timestamp, Token};

pub(crate) const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
pub(crate) const LOADER: &str = "ipxe-amd64.efi";
pub(crate) const ANY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);

/// Remembers every sighting.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<Vec<Sighting>>);

impl Witness for Seen {
    fn saw(&self, sighting: Sighting) {
        self.0.lock().unwrap().push(sighting);
    }
}

impl Seen {
    pub(crate) fn all(&self) -> Vec<Sighting> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn of(&self, step: Step) -> Vec<Sighting> {
        self.all().into_iter().filter(|sighting| sighting.step == step).collect()
    }

    /// Waits until so many were seen.
    pub(crate) async fn wait_for(&self, step: Step, count: usize) -> Vec<Sighting> {
        wait_until(&format!("{count} x {step}"), || self.of(step).len() >= count).await;
        self.of(step)
    }
}

/// Looks again and again until it holds, for ten seconds.
pub(crate) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = SystemClock.uptime() + Duration::from_secs(10);
    while !holds() {
        assert!(SystemClock.uptime() < deadline, "not within ten seconds: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Loopback is leased to one machine.
struct Book;

impl AddressBook for Book {
    fn mac_of(&self, address: Ipv4Addr) -> Option<Mac> {
        address.is_loopback().then_some(MAC)
    }

    fn address_of(&self, _: Mac) -> Option<Ipv4Addr> {
        None
    }
}

/// Answers what it is told to, and remembers who asked.
pub(crate) struct Desk {
    pub(crate) answer: Mutex<ScriptAnswer>,
    pub(crate) asked: Mutex<Vec<ScriptAsk>>,
}

#[async_trait]
impl BootDesk for Desk {
    async fn script(&self, ask: ScriptAsk) -> ScriptAnswer {
        self.asked.lock().unwrap().push(ask);
        self.answer.lock().unwrap().clone()
    }
}

/// A store, an operator's folder, and whatever was started on them.
pub(crate) struct Rig {
    pub(crate) assets: Assets,
    pub(crate) files: TempDir,
    pub(crate) seen: Arc<Seen>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) token: Token,
    stop: Stop,
    running: JoinSet<()>,
    _data: TempDir,
}

impl Rig {
    /// A store that holds nothing.
    pub(crate) fn empty() -> Self {
        let data = tempfile::tempdir().unwrap();
        let token = Token::from_random([7; 32]);
        let key = HostKey::try_from(format!("ssh-ed25519 {}", "A".repeat(68))).unwrap();
        let live = LiveBoot { token: token.clone(), ssh_key: FleetKey::try_from(&key).unwrap() };
        Self {
            assets: Assets::open(Config::new(data.path().join("assets"))).unwrap(),
            files: tempfile::tempdir().unwrap(),
            seen: Arc::default(),
            desk: Arc::new(Desk { answer: Mutex::new(ScriptAnswer::Boot(live)), asked: Mutex::default() }),
            token,
            stop: Stop::new(),
            running: JoinSet::new(),
            _data: data,
        }
    }

    /// A store with one loader of so many bytes.
    pub(crate) fn with_loader(bytes: usize) -> Self {
        let rig = Self::empty();
        let folder = rig.folder();
        let content = pattern(bytes, 1);
        let draft = folder.join("draft");
        std::fs::write(&draft, content).unwrap();
        let blob = Blob::of_file(&draft).unwrap();
        std::fs::rename(&draft, folder.join("objects").join(blob.sha256.to_string())).unwrap();
        let manifest = serde_json::json!({
            "version": 1, "loaders_from": "ipxe 1.0", "images": [],
            "loaders": [{"name": LOADER, "sha256": blob.sha256, "bytes": blob.bytes}],
        });
        std::fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        rig
    }

    /// Registers an image whose files are told apart by the seed.
    pub(crate) fn add_image(&self, seed: u8, bytes: usize) -> pxe::assets::Image {
        let source = tempfile::tempdir().unwrap();
        let file = |name: &str, offset: u8| {
            let path = source.path().join(name);
            std::fs::write(&path, pattern(bytes, seed + offset)).unwrap();
            path
        };
        let files = ImageFiles {
            kernel: file("k", 0),
            initrd: file("i", 1),
            root: file("r", 2),
            built: Timestamp::UNIX_EPOCH,
            version: format!("image {seed}"),
        };
        self.assets.add_image(&files).unwrap()
    }

    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self._data.path().join("assets")
    }

    pub(crate) fn put(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.files.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn answer(&self, answer: ScriptAnswer) {
        *self.desk.answer.lock().unwrap() = answer;
    }

    pub(crate) fn asked(&self) -> Vec<ScriptAsk> {
        self.desk.asked.lock().unwrap().clone()
    }

    pub(crate) fn tftp_deps(&self) -> tftp::Deps {
        tftp::Deps {
            assets: self.assets.clone(),
            witness: self.seen.clone(),
            addresses: Arc::new(Book),
            clock: Arc::new(SystemClock),
        }
    }

    /// Starts TFTP.
    pub(crate) fn tftp(&mut self, limits: tftp::Limits) -> SocketAddrV4 {
        let config = tftp::Config { listen: vec![ANY], files: Some(self.files.path().to_owned()), limits };
        let service = Tftp::build(config, self.tftp_deps()).unwrap();
        let address = service.addresses()[0];
        let stop = self.stop.clone();
        self.running.spawn(async move { service.run(stop).await.unwrap() });
        address
    }

    pub(crate) fn http_deps(&self, routes: axum::Router) -> http::Deps {
        http::Deps {
            desk: self.desk.clone(),
            assets: self.assets.clone(),
            witness: self.seen.clone(),
            addresses: Arc::new(Book),
            clock: Arc::new(SystemClock),
            routes,
        }
    }

    /// Starts the boot listener.
    pub(crate) fn http(&mut self, limits: http::Limits, routes: axum::Router) -> SocketAddrV4 {
        let files = Some(self.files.path().to_owned());
        let config = http::Config { listen: vec![ANY], advertise: None, files, limits };
        let service = BootHttp::build(config, self.http_deps(routes)).unwrap();
        let address = service.addresses()[0];
        let stop = self.stop.clone();
        self.running.spawn(async move { service.run(stop).await.unwrap() });
        address
    }

    /// Stops everything and waits for it.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }
}

/// Bytes in which any two places differ, so that a swapped or doubled block shows.
pub(crate) fn pattern(bytes: usize, seed: u8) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(seed);
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
}

pub(crate) fn reason(cause: &str) -> Reason {
    Reason { cause: cause.to_owned(), remedy: "roost node approve".to_owned() }
}
