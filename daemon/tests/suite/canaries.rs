//! Secrets that can be recognised, put into every place where one belongs; then everything that Roost writes, keeps
//! and answers is searched for them.
//!
//! The real daemon at log level `debug`, a synthetic machine with a real sshd: a call-home, a run that fails with an
//! operator's password in its hands, its retry, and every refusal that has a secret in the request. A secret is
//! searched as it is, in hex and in base64, and so is the digest of each one that is stored as a digest. What may hold
//! one stands in [`homes`], by name; all else is a leak.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use lab::{
    Daemon, DaemonSpec, Synthetic, SyntheticSpec,
    synthetic::{Script, Stage, System},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use vocabulary::{Firmware, HostKey, NodeState, Step, Token};

use crate::bench::{BASE, Bench, Setup};

const PATIENCE: Duration = Duration::from_secs(120);
const ENVIRONMENT_KEY: &str = "canary-of-the-environment-3f9c1b7a";
const UNKNOWN_KEY: &str = "canary-that-nobody-knows-81d2e4c6";
const PASSWORD: &str = "canary-password-of-the-operator-5b0a";

/// Something that must not be found, in the forms in which it could be.
struct Canary {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    fn new(name: &'static str, secret: &str) -> Self {
        let secret = secret.trim().as_bytes();
        assert!(secret.len() > 20, "{name} is too short to be recognised");
        let forms = vec![secret.to_vec(), hex::encode(secret).into(), STANDARD_NO_PAD.encode(secret).into()];
        Self { name, forms }
    }

    /// The digest under which a secret is stored.
    fn digest(name: &'static str, secret: &str) -> Self {
        let digest = Sha256::digest(secret.trim().as_bytes());
        let forms = vec![digest.to_vec(), hex::encode(digest).into(), STANDARD_NO_PAD.encode(digest).into()];
        Self { name, forms }
    }

    /// Each line of a PEM file that is its own: OpenSSH's begins with three that say less than its public half does.
    fn pem(name: &'static str, text: &str) -> Self {
        let common = if text.contains("OPENSSH") { 3 } else { 0 };
        let body = text.lines().filter(|line| !line.starts_with('-')).skip(common).filter(|line| line.len() > 20);
        let forms: Vec<Vec<u8>> = body.map(|line| line.trim_end_matches('=').as_bytes().to_vec()).collect();
        assert!(!forms.is_empty(), "{name}");
        Self { name, forms }
    }

    /// Whether it may stand at this place, whose name begins with one of the folders that were searched.
    fn is_at_home(&self, place: &str, folders: [&Path; 2]) -> bool {
        let within = |home: &str| folders.iter().any(|folder| Path::new(place) == folder.join(home));
        homes(self.name).iter().any(|home| place == *home || within(home))
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form))
    }
}

/// Where a canary may stand: a table, a file of the data folder, or the readable copy; nothing else that is called so.
fn homes(name: &str) -> &'static [&'static str] {
    match name {
        "first key" => &["first-key"],
        "fleet key" => &["ssh/fleet_ed25519"],
        "fleet key before" => &["ssh/previous_ed25519"],
        "authority's key" => &["ca/key.pem"],
        // The operator's own file, and no copy of it.
        "password" => &["inventory/group_vars/all.yaml"],
        "digest of the token" => &["table boots", "roost.db", "roost.db-wal", "plain.db"],
        "digest of a key" => &["table keys", "roost.db", "roost.db-wal", "plain.db"],
        _ => &[],
    }
}

/// Everything that was found out: where, and the bytes there.
#[derive(Default)]
struct Haul(Vec<(String, Vec<u8>)>);

impl Haul {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    fn files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                self.files(&path);
            } else if kind.is_file() {
                // What was there a moment ago may be gone: a log that SQLite folded in.
                self.add(path.display().to_string(), fs::read(&path).unwrap_or_default());
            }
        }
    }

    /// Every cell of every table, so that nothing hides behind a page's end.
    fn tables(&mut self, database: &Path) {
        let connection = rusqlite::Connection::open(database).unwrap();
        let mut names = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
        let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(names.len() > 8, "{names:?}");
        for table in names {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            let mut bytes = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    use rusqlite::types::ValueRef::{Blob, Integer, Null, Real, Text};
                    match row.get_ref(column).unwrap() {
                        Text(cell) | Blob(cell) => bytes.extend_from_slice(cell),
                        Null | Integer(_) | Real(_) => (),
                    }
                    bytes.push(b'\n');
                }
            }
            self.add(format!("table {table}"), bytes);
        }
    }

    /// Where this one was found.
    fn places(&self, canary: &Canary) -> BTreeSet<&str> {
        self.0.iter().filter(|(_, bytes)| canary.is_in(bytes)).map(|(place, _)| place.as_str()).collect()
    }
}

/// The daemon, and a client of its socket.
struct Rig {
    bench: Bench,
    client: reqwest::Client,
}

impl Rig {
    async fn up() -> Self {
        let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/playbooks/canary.yaml");
        let setup = Setup {
            playbook,
            more: "[log]\nlevel = \"debug\"\n[http.tls]\nsource = \"roost\"\n".to_owned(),
            ..Setup::small()
        };
        let mut bench = Bench::up(setup).await;
        // Not before there is a first key: a daemon that is given one makes none.
        bench.daemon.stop(PATIENCE).await.unwrap();
        let digest = hex::encode(Sha256::digest(ENVIRONMENT_KEY));
        let env = vec![("ROOST_HTTP_KEYS".to_owned(), format!("outside:{digest}:read+operate"))];
        let spec = DaemonSpec { env, ..bench.daemon.spec().clone() };
        bench.daemon = Daemon::start(&bench.rack, spec).await.unwrap();
        crate::api::provider();
        let socket = bench.daemon.api().socket().to_owned();
        let client = reqwest::Client::builder().unix_socket(socket).no_proxy().build().unwrap();
        let rig = Self { bench, client };
        rig.operator("exit 1");
        rig
    }

    fn data(&self) -> &Path {
        self.bench.data.path()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.data().join(name)).unwrap()
    }

    /// The operator's variables for every host: a password, and how the run ends.
    fn operator(&self, ending: &str) {
        let folder = self.data().join("inventory/group_vars");
        fs::create_dir_all(&folder).unwrap();
        let text = format!("canary_password: {PASSWORD}\ncanary_ending: {ending}\n");
        fs::write(folder.join("all.yaml"), text).unwrap();
    }

    fn ask(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://roost{path}")).timeout(PATIENCE)
    }

    async fn answer(&self, method: Method, path: &str) -> (StatusCode, String) {
        let response = self.ask(method, path).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Replaces the fleet key, on the node that is ready as well.
    async fn rotate(&self) -> (StatusCode, String) {
        let order = self.ask(Method::POST, "/api/ssh/rotate").json(&json!({}));
        let response = order.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    fn plug_in(&self, name: &str) -> Synthetic {
        let spec = SyntheticSpec::new(name.parse().unwrap(), Firmware::Bios);
        Synthetic::plug_in(&self.bench.rack, spec).unwrap()
    }
}

async fn script(machine: &Synthetic) -> (Script, Token, std::net::Ipv4Addr) {
    let lease = machine.dhcp(Stage::Ipxe).await.unwrap();
    let script = machine.script(&lease.boot_file.unwrap()).await.unwrap();
    let token = script.token.clone().expect("the script has a token");
    (script, token, lease.address)
}

/// A machine that is honest: its call-home, a run that fails, a retry that does not. It goes on answering.
async fn walk(rig: &Rig, machine: &Synthetic) -> (Token, System) {
    let (_, token, address) = script(machine).await;
    let private = rig.data().join("ssh/fleet_ed25519");
    let public = std::process::Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    let public = String::from_utf8(public.stdout).unwrap();
    let system = machine.start_system(&public).await.unwrap_or_else(|error| panic!("{error:?}"));
    let claim = machine.claim(token.clone(), address.into(), system.host_key().clone());
    assert_eq!(machine.call_home(BASE, &claim).await.unwrap().status, 202);
    rig.bench.in_state(machine.mac(), NodeState::Failed, PATIENCE).await;
    rig.operator("exit 0");
    let run = rig.bench.runs().await[0].id;
    let (status, said) = rig.answer(Method::POST, &format!("/api/runs/{run}/retry")).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let mac = machine.mac();
    let ready = async || rig.bench.count(mac, Step::Ready).await > 0;
    rig.bench.until(PATIENCE, "the retry to end well", ready).await;
    (token, system)
}

/// A machine that is not: each request has a secret in it and is refused. Gives its tokens, the first superseded.
async fn trouble(machine: &Synthetic) -> [Token; 2] {
    let (_, old, address) = script(machine).await;
    let (_, token, _) = script(machine).await;
    let key = |letter: &str| HostKey::try_from(format!("ssh-ed25519 {}", letter.repeat(64))).unwrap();
    let detail = format!("roost.token={} on my command line", token.expose());
    assert_eq!(machine.progress(BASE, &token, Step::Note, &detail).await.unwrap().status, 204);
    assert_eq!(machine.progress(BASE, &old, Step::Note, &detail).await.unwrap().status, 410);
    let late = machine.claim(old.clone(), address.into(), key("A"));
    assert_eq!(machine.call_home(BASE, &late).await.unwrap().status, 410);
    let mut claim = machine.claim(token.clone(), address.into(), key("A"));
    claim.hostname = token.expose().to_owned();
    assert_eq!(machine.call_home(BASE, &claim).await.unwrap().status, 400);
    claim.hostname = "honest".to_owned();
    assert_eq!(machine.call_home(BASE, &claim).await.unwrap().status, 202);
    claim.ssh_host_keys = vec![key("B")];
    assert_eq!(machine.call_home(BASE, &claim).await.unwrap().status, 409);
    [old, token]
}

/// People's keys: one made, one used and revoked, one from the environment, one that nobody knows, and a ticket.
async fn keys(rig: &Rig) -> (String, String) {
    let body = json!({ "name": "canary", "scopes": ["read", "admin"] });
    let made = rig.ask(Method::POST, "/api/keys").json(&body).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let key = made.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned();
    let nodes = async |key: &str| rig.ask(Method::GET, "/api/nodes").bearer_auth(key).send().await.unwrap().status();
    assert_eq!(nodes(&key).await, StatusCode::OK);
    assert_eq!(nodes(ENVIRONMENT_KEY).await, StatusCode::OK);
    assert_eq!(nodes(UNKNOWN_KEY).await, StatusCode::UNAUTHORIZED);
    let lacks = rig.ask(Method::POST, "/api/nodes/1/deny").bearer_auth(&key).send().await.unwrap();
    assert_eq!(lacks.status(), StatusCode::FORBIDDEN);
    assert_eq!(rig.answer(Method::DELETE, "/api/keys/canary").await.0, StatusCode::OK);
    assert_eq!(nodes(&key).await, StatusCode::UNAUTHORIZED);
    let (status, ticket) = rig.answer(Method::POST, "/api/tickets").await;
    assert_eq!(status, StatusCode::CREATED);
    let ticket = serde_json::from_str::<Value>(&ticket).unwrap()["ticket"].as_str().unwrap().to_owned();
    (key, ticket)
}

/// Every event so far, by a stream that the ticket opens; the ticket then opens no other.
async fn events(rig: &Rig, ticket: &str) -> String {
    let last = rig.bench.get::<Value>("/api/status").await.unwrap()["last_event"].as_u64().unwrap();
    let path = format!("/api/events?since=0&ticket={ticket}");
    let mut stream = rig.ask(Method::GET, &path).send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    let mut text = String::new();
    while !text.contains(&format!("\"seq\":{last}")) {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().expect("the stream goes on")));
    }
    assert_eq!(rig.answer(Method::GET, &path).await.0, StatusCode::UNAUTHORIZED);
    text
}

/// Every GET route of the document, of each node and run.
async fn answers(rig: &Rig, haul: &mut Haul) {
    let (_, document) = rig.answer(Method::GET, "/api/openapi.json").await;
    let routes: Value = serde_json::from_str(&document).unwrap();
    haul.add("openapi", document);
    let nodes: Vec<Value> = rig.bench.get("/api/nodes").await.unwrap();
    let runs = rig.bench.runs().await;
    let streams = ["/api/events", "/api/ws"];
    let gets = routes["paths"].as_object().unwrap().iter().filter(|(_, item)| item.get("get").is_some());
    for (path, _) in gets.filter(|(path, _)| !streams.contains(&path.as_str())) {
        let ids: Vec<String> = match path.starts_with("/api/runs") {
            true => runs.iter().map(|run| run.id.to_string()).collect(),
            false => nodes.iter().map(|node| node["mac"].as_str().unwrap().replace(':', "-")).collect(),
        };
        for id in ids {
            let path = path.replace("{id}", &id).replace("{mac}", &id);
            let (status, body) = rig.answer(Method::GET, &path).await;
            // The daemon of this test has no cluster, and routes of one say so.
            let expected = if of_a_cluster(&path) { StatusCode::CONFLICT } else { StatusCode::OK };
            assert_eq!(status, expected, "{path}: {body}");
            haul.add(format!("GET {path}"), body);
        }
    }
}

fn of_a_cluster(path: &str) -> bool {
    ["/api/jobs", "/api/secrets", "/api/cluster"].iter().any(|routes| path.starts_with(routes))
        || path.ends_with("/drain")
}

/// The plain copy, as a person makes it.
fn plain_copy(rig: &Rig, to: &Path) {
    let mut roost = std::process::Command::new(env!("CARGO_BIN_EXE_roost"));
    let config = rig.bench.daemon.spec().dir.join("roost.toml");
    let done = roost.args(["backup", "--plain", "--config"]).arg(config).arg(to).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn canaries(rig: &Rig, tokens: &[Token], key: &str, ticket: &str) -> Vec<Canary> {
    let mut all = vec![
        Canary::new("first key", &rig.read("first-key")),
        Canary::digest("digest of a key", &rig.read("first-key")),
        Canary::pem("fleet key", &rig.read("ssh/fleet_ed25519")),
        Canary::pem("authority's key", &rig.read("ca/key.pem")),
        Canary::new("key", key),
        Canary::digest("digest of a key", key),
        Canary::new("environment's key", ENVIRONMENT_KEY),
        Canary::digest("digest of the environment's key", ENVIRONMENT_KEY),
        Canary::new("unknown key", UNKNOWN_KEY),
        Canary::digest("digest of the unknown key", UNKNOWN_KEY),
        Canary::new("ticket", ticket),
        Canary::new("password", PASSWORD),
    ];
    for token in tokens {
        all.push(Canary::new("token", token.expose()));
        all.push(Canary::digest("digest of the token", token.expose()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_in_logs_rows_snapshots_answers_or_exports() {
    let rig = Rig::up().await;
    let (honest, other) = (rig.plug_in("m1"), rig.plug_in("m2"));
    let (token, _answering) = walk(&rig, &honest).await;
    let mut tokens = vec![token];
    tokens.extend(trouble(&other).await);
    let (key, ticket) = keys(&rig).await;
    let before = rig.read("ssh/fleet_ed25519");
    let (status, said) = rig.rotate().await;
    assert!(status.is_success() && said.contains("has the new key"), "{status} {said}");

    let mut haul = Haul::default();
    haul.add("events", events(&rig, &ticket).await);
    answers(&rig, &mut haul).await;
    let exports = tempfile::tempdir().unwrap();
    let copy = exports.path().join("plain.db");
    plain_copy(&rig, &copy);
    haul.tables(&copy);
    haul.files(exports.path());
    haul.files(rig.data());
    for ram in ["/run/roost/secrets", "/dev/shm/roost-secrets"] {
        haul.files(Path::new(ram));
    }
    let mut canaries = canaries(&rig, &tokens, &key, &ticket);
    canaries.push(Canary::pem("fleet key before", &before));
    let mut leaks = Vec::new();
    for canary in &canaries {
        let stray = |place: &&str| !canary.is_at_home(place, [rig.data(), exports.path()]);
        leaks.extend(haul.places(canary).into_iter().filter(stray).map(|place| format!("{} in {place}", canary.name)));
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
    searched_what_it_says(&haul, &rig);
    for home in
        ["first-key", "ssh/fleet_ed25519", "ssh/previous_ed25519", "ca/key.pem"].map(|name| rig.data().join(name))
    {
        assert_eq!(mode(&home), 0o600, "{}", home.display());
    }
    assert_eq!(mode(&rig.data().join("runs/1")), 0o700);
}

/// A search that looks at nothing finds nothing: each place is there, and each home holds what is said of it.
fn searched_what_it_says(haul: &Haul, rig: &Rig) {
    for place in [
        "run/daemon.log",
        "runs/1/output.log",
        "runs/1/events.jsonl",
        "runs/1/command",
        "runs/1/inventory.sha256",
        "TODO.md",
        "plain.db",
        "table boots",
        "table run_tasks",
        "table events",
        "openapi",
        "events",
        "GET /metrics",
        "GET /api/keys",
        "GET /api/runs/1/log",
    ] {
        let found = haul.0.iter().find(|(name, _)| name.ends_with(place)).unwrap_or_else(|| panic!("no {place}"));
        assert!(!found.1.is_empty(), "{place} is empty");
    }
    let log = rig.bench.daemon.log();
    assert!(log.contains("DEBUG") && log.contains("/api/nodes"), "the log says what was asked");
    let first = Canary::new("first key", &rig.read("first-key"));
    let token_rows = &haul.0.iter().find(|(name, _)| name == "table keys").unwrap().1;
    assert!(Canary::digest("", &rig.read("first-key")).is_in(token_rows), "a digest is found where it belongs");
    assert_eq!(haul.places(&first).len(), 1);
    let password = Canary::new("password", PASSWORD);
    assert_eq!(haul.places(&password).len(), 1, "the password stands in the operator's own file");
    let kept = |(name, bytes): &&(String, Vec<u8>)| {
        name.ends_with("/inventory.sha256") && String::from_utf8_lossy(bytes).contains("  group_vars/all.yaml\n")
    };
    assert_eq!(
        haul.0.iter().filter(kept).count(),
        2,
        "both runs had it: the playbook knows its password from there alone"
    );
    assert_ne!(rig.read("ssh/fleet_ed25519"), rig.read("ssh/previous_ed25519"));
    let shown = haul.0.iter().any(|(name, bytes)| {
        name.contains("/timeline") && bytes.windows(20).any(|window| window == b"roost.token=<token> ")
    });
    assert!(shown, "the other machine's report is on its timeline, without its token");
}

fn mode(path: &PathBuf) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
