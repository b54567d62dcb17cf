//! Nodes are taken out of a cluster of real agents with TLS, gossip keys and access control on: the lifecycle, the joiner,
//! the parts that retire and rotate, and both agents' servers as they are. Each machine has a Consul and a Nomad client that
//! joined with their kit alone; its call-home and its run are told to the ledger.
//!
//! The daemon is ended and begun anew from its store after every stage that is done.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use daemon::{
    adapters::{
        cluster::{Servers, connect},
        gossip::gossip,
        retirement::Retirer,
    },
    cluster::{
        Door,
        init::{facts, prepare},
        kept::StartedBy,
        rotation::RotationOrder,
    },
    config::{self, Config},
    http::desks::{GossipDesk as _, RotateGossip},
    nodes::{
        Nodes, NodesPart,
        joiner::Joiner,
        ledger::{Asked, Ledger, Ready, Seen, Verifying},
        lifecycle::{Enroll, Membership, Promises, Rules, Slas, TpmRule},
        requests::{Answer, Approval, Living, Outside},
        retiring::{RetireOrder, Way},
    },
    ssh::{FleetKey, Keyring},
};
use jobs::{
    Query,
    bootstrap::{As, Clients, Facts, NodeKit, Ports, Secrets},
    consul::Catalog as _,
    nomad::{Job, JobId, Over},
};
use lab::agents::{Kind, Owner, address, find_binary};
use serde_json::{Value, json};
use store::Store;
use tasks::{Clock as _, Stop, SystemClock};
use tokio::task::JoinSet;
use vocabulary::{
    Approved, Authority, CallHome, EventKind, Firmware, Hardware, HostKey, Mac, MachineId, Node, NodeId, NodeState,
    NomadId, ProcessId, Run, RunState, Secret, Seq, Step,
};

const PATIENCE: Duration = Duration::from_secs(90);

/// Servers, the store, the door; and the daemon's parts, which come and go.
struct Rig {
    door: Door,
    store: Store,
    keys: Arc<Keyring>,
    daemon: Option<Daemon>,
    servers: Vec<Child>,
    config: Config,
    owner: Owner,
}

/// The parts of one daemon's life.
struct Daemon {
    nodes: Nodes,
    gossip: daemon::adapters::gossip::Gossip,
    parts: JoinSet<()>,
}

/// One client of each kind that joined with its kit.
struct Machine {
    node: NodeId,
    kit: NodeKit,
    dir: PathBuf,
    agents: Vec<Child>,
}

fn port(host: Ipv4Addr) -> u16 {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap().port()
}

fn person() -> Authority {
    Authority::Person { name: "ann".into() }
}

fn start(kind: Kind, files: &[PathBuf]) -> Child {
    let log = fs::File::create(files[0].with_extension("log")).unwrap();
    let option = if kind == Kind::Consul { "-config-file" } else { "-config" };
    let mut command = Command::new(find_binary(kind).unwrap());
    command.arg("agent").args(files.iter().map(|file| format!("{option}={}", file.display())));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(files[0].parent().unwrap()).stdin(Stdio::null());
    command.stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap()
}

fn end(agents: &mut Vec<Child>) {
    for mut agent in agents.drain(..) {
        drop(agent.kill());
        drop(agent.wait());
    }
}

fn written(dir: &Path, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn rules() -> Rules {
    let hour = Duration::from_secs(3600);
    let sla = Slas {
        power_on: hour,
        readmitted: hour,
        booting: hour,
        called_home: hour,
        configuring: hour,
        verifying: hour,
        joining: hour,
        absent: hour,
        retiring: hour,
    };
    let (enroll, tpm, membership) = (Enroll::Auto, TpmRule::Ignore, Membership::Demanded);
    let certificate_lifetime = 30 * 24 * hour;
    Rules { enroll, tpm, token_ttl: hour, sla, membership, certificate_lifetime, max_runs: 3, max_strangers: 9 }
}

impl Rig {
    async fn up() -> Self {
        crate::api::provider();
        let owner = Owner::of_new_directory().unwrap();
        let text = format!(
            "data_dir = {:?}\n[cluster]\nmode = \"own\"\nadvertise = \"{}\"\n",
            owner.dir().join("data"),
            address()
        );
        let file = written(owner.dir(), "roost.toml", &text);
        fs::create_dir(owner.dir().join("data")).unwrap();
        let config = config::load(Some(&file), &|_| None).unwrap();
        let host = address();
        let ports = Ports {
            consul_https: port(host),
            consul_server: port(host),
            consul_serf: port(host),
            nomad_http: port(host),
            nomad_rpc: port(host),
            nomad_serf: port(host),
        };
        let facts = Facts { http: IpAddr::V4(host), ports, ..facts(&config).unwrap() };
        let prepared = prepare(&config, facts, StartedBy::Hand, &SystemClock).unwrap();
        let folder = prepared.kept().folder().to_owned();
        let servers = vec![
            start(Kind::Consul, &[folder.join("consul/consul.json")]),
            start(Kind::Nomad, &[folder.join("nomad/nomad.json")]),
        ];
        prepared.close(&SystemClock, drop).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
        let door = Door::open(&config, &SystemClock).unwrap();
        let store = Store::open(&config.data_dir, SystemClock.now()).await.unwrap();
        let key = FleetKey::ensure(&config.data_dir).await.unwrap();
        let keys = Arc::new(Keyring::open_ring(key, config.data_dir.clone()).await.unwrap());
        let mut rig = Self { door, store, keys, daemon: None, servers, config, owner };
        rig.begin().await;
        rig
    }

    /// A daemon's life begins: from what the store has.
    async fn begin(&mut self) {
        let clock = Arc::new(SystemClock);
        let (part, nodes) = NodesPart::build(rules(), self.store.clone(), clock.clone(), Arc::default()).await.unwrap();
        let joiner = Joiner { nodes: nodes.clone(), cluster: Arc::new(Servers::new(connect(self.door.clone()))) };
        let retirer = Retirer {
            nodes: nodes.clone(),
            door: self.door.clone(),
            keys: Arc::clone(&self.keys),
            store: self.store.clone(),
            clock: clock.clone(),
        };
        let (gossip, rotator) = gossip(nodes.clone(), self.door.clone(), clock, PATIENCE);
        let mut parts = JoinSet::new();
        parts.spawn(async move { part.run(Stop::new()).await.unwrap() });
        parts.spawn(async move { joiner.run(Stop::new()).await.unwrap() });
        parts.spawn(async move { retirer.run(Stop::new()).await.unwrap() });
        parts.spawn(async move { rotator.run(Stop::new()).await.unwrap() });
        self.daemon = Some(Daemon { nodes, gossip, parts });
    }

    /// It ends wherever it is, and another begins.
    async fn crash(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.parts.shutdown().await;
        }
        self.door = Door::open(&self.config, &SystemClock).unwrap();
        self.begin().await;
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    fn all(&self) -> Clients {
        self.door.own().unwrap().clients(As::Management, SystemClock.now()).unwrap()
    }

    async fn ask<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Ledger, vocabulary::Timestamp, &mut daemon::nodes::ledger::Writes) -> R + Send + 'static,
    ) -> R {
        self.daemon().nodes.ask(act).await.unwrap()
    }

    async fn node(&self, node: &NodeId) -> Node {
        let mac = node.mac();
        self.ask(move |ledger, _, _| ledger.machine(mac).unwrap().node.clone()).await
    }

    async fn steps(&self, node: &NodeId) -> Vec<(Step, String)> {
        let lines = self.store.timeline(node.clone(), None, u32::MAX).await.unwrap();
        lines.into_iter().map(|line| (line.step, line.detail)).collect()
    }

    async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let nodes = self.store.nodes().await.unwrap();
            panic!("{what}: not within {PATIENCE:?}\n{nodes:#?}\n{:?}", self.all().consul.members().await);
        }
    }

    async fn retire(&self, node: &NodeId, way: Way) {
        let order = Approved::mint(RetireOrder { node: node.clone(), way }, person()).unwrap();
        self.ask(move |ledger, now, writes| ledger.retire(now, order, writes)).await.unwrap();
    }

    /// A machine that is ready: from its power button on.
    async fn machine(&self, last: u8) -> Machine {
        let mut machine = Machine::start(self, last).await;
        let id = machine.dir.join("nomad/client/client-id");
        self.until("the client has an id", async || id.exists()).await;
        let found: NomadId = fs::read_to_string(id).unwrap().trim().parse().unwrap();
        let mac = machine.node.mac();
        let run = self.ask(move |ledger, now, writes| boot(ledger, now, mac, last, writes)).await;
        let ends = move |ledger: &mut Ledger, now, writes: &mut _| {
            let over = Run { state: RunState::Succeeded, ended: Some(now), ..run };
            let promises = Promises::Kept { count: 6, nomad: Some(found) };
            ledger.run_changed(now, &over, Some(&promises), Verifying::NotYet, writes);
        };
        self.ask(ends).await;
        machine.agents.shrink_to_fit();
        machine
    }

    async fn in_state(&self, node: &NodeId, state: NodeState) {
        self.until(&format!("{node} {state}"), async || self.node(node).await.state == state).await;
    }

    /// Until the node is retired, ending the daemon after every stage that is done.
    async fn crash_at_each_stage_until_retired(&mut self, node: &NodeId) {
        let mut seen = self.steps(node).await.len();
        loop {
            self.until("the next stage", async || self.steps(node).await.len() > seen).await;
            seen = self.steps(node).await.len();
            self.crash().await;
            if self.node(node).await.state == NodeState::Retired {
                return;
            }
        }
    }

    /// On which node this job runs.
    async fn runs_on(&self, job: &str) -> Vec<String> {
        let listed = self.all().nomad.job_allocations(&JobId::new(job), &Query::default()).await.unwrap().value;
        let running = listed.into_iter().filter(|it| it.client_status == "running" && it.desired_status == "run");
        running.map(|it| it.node_name).collect()
    }

    /// Nobody knows it any more, and nobody lets it in.
    async fn is_gone(&self, node: &NodeId) {
        let name = node.to_string();
        let all = self.all();
        assert!(all.nomad.nodes(&Query::default()).await.unwrap().value.iter().all(|it| it.name != name));
        assert!(all.consul.nodes(&Query::default()).await.unwrap().value.iter().all(|it| it.node != name));
        assert!(all.consul.members().await.unwrap().iter().all(|it| it.name != name));
        assert!(all.consul.policy(&format!("roost-{name}")).await.unwrap().is_none());
        let mac = node.mac();
        let asked = self.ask(move |ledger, now, writes| {
            let asked = Asked { mac, uuid: None, firmware: None, peer: Ipv4Addr::LOCALHOST.into() };
            let outside = Outside { random: [99; 32], living: Living::Silent, image: Ok(()) };
            (ledger.script(now, asked, outside, writes), ledger.inventory())
        });
        let (answer, inventory) = asked.await;
        let Answer::Refuse(reason) = answer else { panic!("{answer:?}") };
        assert!(reason.cause.contains("retired by ann") && reason.remedy.contains("approve"), "{reason:?}");
        assert!(inventory.iter().all(|host| host.node != *node));
    }

    async fn down(mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.parts.shutdown().await;
        }
        self.store.close().await;
        end(&mut self.servers);
        drop(self.owner);
    }
}

fn boot(
    ledger: &mut Ledger,
    now: vocabulary::Timestamp,
    mac: Mac,
    salt: u8,
    writes: &mut daemon::nodes::ledger::Writes,
) -> Run {
    let detail = "x".to_owned();
    ledger.saw(now, Seen { mac, address: None, step: Step::Discover, detail, firmware: Some(Firmware::Bios) }, writes);
    let asked = Asked { mac, uuid: None, firmware: None, peer: Ipv4Addr::LOCALHOST.into() };
    let outside = Outside { random: [salt; 32], living: Living::Silent, image: Ok(()) };
    let Answer::Boot(token) = ledger.script(now, asked, outside, writes) else { panic!("no token") };
    let key = HostKey::try_from(format!("ssh-ed25519 {}", char::from(b'A' + salt).to_string().repeat(64))).unwrap();
    let call = CallHome {
        token,
        hostname: "m".into(),
        addresses: vec![],
        mac,
        smbios_uuid: None,
        machine_id: MachineId::try_from("0".repeat(32)).unwrap(),
        ssh_host_keys: vec![key],
        hardware: Hardware::default(),
        data: None,
    };
    // Where nobody answers an SSH client.
    let leased = Some(Ipv4Addr::new(127, 0, 0, salt.saturating_add(2)));
    ledger.call_home(now, &call, Ipv4Addr::LOCALHOST.into(), leased, writes).unwrap();
    let one = ledger.launchables().into_iter().find(|one| one.run.node == NodeId::of(mac)).unwrap();
    ledger.answered(now, &one, writes);
    let process = ProcessId { pid: 1, start_ticks: 1, host_boot: "x".into() };
    let ready = Ready { run: one.run.id, host_keys: one.host.host_keys.clone(), process, at: now };
    assert!(ledger.begins(now, ready, writes));
    ledger.run(one.run.id).unwrap().clone()
}

impl Machine {
    /// As the roles lay its kit down: what is public and what is secret in files that the agent merges.
    async fn start(rig: &Rig, last: u8) -> Self {
        let node = NodeId::of(Mac([0x52, 0x54, 0, 0, 1, last]));
        let minted = rig.door.own().unwrap().mint(SystemClock.now(), &node).await;
        let kit = minted.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
        let dir = rig.owner.dir().join(node.to_string());
        let mut machine = Self { node, kit, dir, agents: Vec::new() };
        machine.power_on();
        machine
    }

    fn secret(&self, name: &str) -> Secret<String> {
        self.kit.files.iter().find(|(file, _)| *file == name).unwrap().1.clone()
    }

    fn power_on(&mut self) {
        let (host, dir) = (address(), self.dir.clone());
        for (file, text) in &self.kit.files {
            written(&dir, file, text.expose());
        }
        written(&dir.join("nomad/client"), "intro_token.jwt", self.secret("nomad-intro-token").expose());
        let (mut consul, mut nomad) =
            (self.kit.variables["consul_config"].clone(), self.kit.variables["nomad_config"].clone());
        consul["ports"]["https"] = json!(port(Ipv4Addr::LOCALHOST));
        consul["ports"]["server"] = json!(port(host));
        consul["ports"]["serf_lan"] = json!(port(host));
        consul["bind_addr"] = json!(host);
        consul["advertise_addr"] = json!(host);
        let ports = [port(host), port(host), port(host)];
        nomad["ports"] = json!({"http": ports[0], "rpc": ports[1], "serf": ports[2]});
        nomad["bind_addr"] = json!(host);
        nomad["addresses"] = json!({"http": host});
        let at = |port| SocketAddr::from((host, port));
        nomad["advertise"] = json!({"http": at(ports[0]), "rpc": at(ports[1]), "serf": at(ports[2])});
        nomad["client"]["network_interface"] = json!("lo");
        nomad["consul"]["address"] = json!(format!("127.0.0.1:{}", consul["ports"]["https"]));
        // No container runs in a test; what shipped nodes have off is on here.
        nomad["plugin"] = json!([{"raw_exec": {"config": {"enabled": true}}}]);
        let moved = |config: &mut Value, agent: &str| {
            config["data_dir"] = json!(dir.join(agent));
            let text = config.to_string().replace(&format!("/etc/{agent}.d"), &dir.display().to_string());
            written(&dir, &format!("{agent}.json"), &text)
        };
        let gossip = self.secret("consul-gossip");
        let agent = self.secret("consul-agent-token");
        let secrets = json!({"encrypt": gossip.expose(), "acl": {"tokens": {"agent": agent.expose()}}});
        let token = json!({"consul": {"token": self.secret("nomad-consul-token").expose()}});
        let files = [
            vec![moved(&mut consul, "consul"), written(&dir, "consul-secrets.json", &secrets.to_string())],
            vec![moved(&mut nomad, "nomad"), written(&dir, "nomad-secrets.json", &token.to_string())],
        ];
        self.agents = vec![start(Kind::Consul, &files[0]), start(Kind::Nomad, &files[1])];
    }

    fn power_off(&mut self) {
        end(&mut self.agents);
    }

    /// What the servers say to its Consul tokens, and to the secret of its Nomad client.
    async fn credentials_get(&self, rig: &Rig) -> [String; 3] {
        let own = rig.door.own().unwrap();
        let consul = |token: &str| format!("X-Consul-Token: {}", self.secret(token).expose());
        let secret = fs::read_to_string(self.dir.join("nomad/client/secret-id")).unwrap();
        let nomad = format!("X-Nomad-Token: {}", secret.trim());
        let (consul_url, nomad_url) = (own.facts().consul_url(), own.facts().nomad_url());
        let id = fs::read_to_string(self.dir.join("nomad/client/client-id")).unwrap();
        [
            self.curl("consul", &format!("{consul_url}/v1/agent/members"), &consul("consul-agent-token")).await,
            self.curl("consul", &format!("{consul_url}/v1/catalog/nodes"), &consul("nomad-consul-token")).await,
            self.curl("nomad", &format!("{nomad_url}/v1/node/{}", id.trim()), &nomad).await,
        ]
    }

    async fn curl(&self, agent: &str, url: &str, header: &str) -> String {
        let mut command = tokio::process::Command::new("curl");
        command.args(["--silent", "--max-time", "20", "--insecure", "--output", "/dev/null"]);
        command.args(["--write-out", "%{http_code}", "--header", header]);
        let file = |name: String| self.dir.join(name);
        command.arg("--cert").arg(file(format!("{agent}.pem"))).arg("--key").arg(file(format!("{agent}-key.pem")));
        String::from_utf8(command.arg(url).output().await.unwrap().stdout).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.power_off();
    }
}

fn sleeper() -> Job {
    let task = json!({"Name": "main", "Driver": "raw_exec", "Config": {"command": "/bin/sleep", "args": ["600"]},
        "Resources": {"CPU": 20, "MemoryMB": 20}, "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 2}});
    let migrate = json!({"MaxParallel": 1, "HealthCheck": "task_states", "MinHealthyTime": 100_000_000,
        "HealthyDeadline": 60_000_000_000_i64});
    let group =
        json!({"Name": "main", "Count": 1, "Tasks": [task], "Migrate": migrate, "EphemeralDisk": {"SizeMB": 20}});
    let job =
        json!({"ID": "sleeper", "Name": "sleeper", "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]});
    Job::from_json(job).unwrap()
}

fn gossip_keys(rig: &Rig) -> [Secret<String>; 2] {
    let text = fs::read_to_string(rig.config.data_dir.join("cluster/secrets.json")).unwrap();
    let secrets = Secrets::from_json(&Secret::new(text)).unwrap();
    [secrets.consul_gossip, secrets.nomad_gossip]
}

fn only(steps: &[(Step, String)], from: Step) -> Vec<Step> {
    let steps = steps.iter().map(|(step, _)| *step).skip_while(|step| *step != from);
    steps.filter(|step| !matches!(step, Step::Note | Step::Refused | Step::Alarm)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_leave_the_cluster_orderly_or_compromised_whatever_ends_the_daemon() {
    let mut rig = Rig::up().await;
    let (mut first, mut second, third) = tokio::join!(rig.machine(1), rig.machine(2), rig.machine(3));
    for machine in [&first, &second, &third] {
        rig.in_state(&machine.node, NodeState::Ready).await;
    }
    // Its work goes where there is room: to the first of them, as the others take none yet.
    let all = rig.all();
    for other in [&second, &third] {
        let id = jobs::nomad::NodeId::new(rig.node(&other.node).await.nomad.unwrap().as_str());
        all.nomad.set_eligibility(&id, jobs::nomad::Eligibility::Ineligible).await.unwrap();
    }
    all.nomad.register(&sleeper(), Over::Nothing).await.unwrap();
    rig.until("it runs", async || rig.runs_on("sleeper").await == [first.node.to_string()]).await;
    let id = jobs::nomad::NodeId::new(rig.node(&second.node).await.nomad.unwrap().as_str());
    all.nomad.set_eligibility(&id, jobs::nomad::Eligibility::Eligible).await.unwrap();

    an_orderly_one(&mut rig, &mut first, &second).await;
    let id = jobs::nomad::NodeId::new(rig.node(&third.node).await.nomad.unwrap().as_str());
    all.nomad.set_eligibility(&id, jobs::nomad::Eligibility::Eligible).await.unwrap();
    a_compromised_one(&mut rig, &mut second, &third).await;
    a_rotation_without_one(&mut rig).await;

    // Approved anew it begins from nothing.
    let order = Approved::mint(Approval::Nodes(vec![first.node.clone()]), person()).unwrap();
    rig.ask(move |ledger, now, writes| ledger.approve(now, order, writes)).await.unwrap();
    assert_eq!(rig.node(&first.node).await.state, NodeState::Approved);
    let kit = rig.door.own().unwrap().mint(SystemClock.now(), &first.node).await.unwrap();
    let token = |kit: &NodeKit| kit.files.iter().find(|(name, _)| *name == "consul-agent-token").unwrap().1.clone();
    assert_ne!(token(&kit), token(&first.kit));
    drop((first, second, third));
    rig.down().await;
}

async fn an_orderly_one(rig: &mut Rig, machine: &mut Machine, other: &Machine) {
    let node = machine.node.clone();
    assert_eq!(machine.credentials_get(rig).await, ["200"; 3], "they open something before");
    rig.retire(&node, Way::Orderly { deadline: Some(Duration::from_secs(60)) }).await;
    rig.until("its client is gone", async || rig.steps(&node).await.iter().any(|(step, _)| *step == Step::NomadLeft))
        .await;
    let moved = async || rig.runs_on("sleeper").await == [other.node.to_string()];
    rig.until("its job runs elsewhere while it is there", moved).await;
    rig.crash().await;
    let asks = async || rig.node(&node).await.reason.is_some_and(|reason| reason.remedy.contains("switch it off"));
    rig.until("it says what to do", asks).await;
    machine.power_off();
    rig.crash_at_each_stage_until_retired(&node).await;
    let steps = rig.steps(&node).await;
    let stages =
        [Step::Retiring, Step::Drained, Step::NomadLeft, Step::GossipLeft, Step::CredentialsRevoked, Step::Retired];
    assert_eq!(only(&steps, Step::Retiring), stages, "each once: {steps:#?}");
    let revoked = steps.iter().find(|(step, _)| *step == Step::CredentialsRevoked).unwrap();
    assert!(revoked.1.contains("Consul's tokens") && revoked.1.ends_with(" s"), "{revoked:?}");
    rig.is_gone(&node).await;
    assert_eq!(machine.credentials_get(rig).await, ["403"; 3]);
}

async fn a_compromised_one(rig: &mut Rig, machine: &mut Machine, other: &Machine) {
    let node = machine.node.clone();
    let before = gossip_keys(rig);
    rig.retire(&node, Way::Compromised).await;
    rig.until("its tokens are gone and its work is elsewhere", async || {
        rig.runs_on("sleeper").await == [other.node.to_string()]
    })
    .await;
    // It lives on and has its certificates: nothing that it kept opens anything.
    let hears = async || rig.node(&node).await.reason.is_some_and(|reason| reason.cause.contains("would hear"));
    rig.until("it must be silent first", hears).await;
    assert_eq!(gossip_keys(rig), before, "no new key is told while it hears");
    assert_eq!(machine.credentials_get(rig).await[..2], ["403", "403"]);
    // A Nomad client that runs may register again, by the introduction that it had: it gets nothing.
    let listed = rig.all().nomad.nodes(&Query::default()).await.unwrap().value;
    let own = |client: &jobs::nomad::NodeStub| client.name == node.to_string();
    assert!(listed.iter().filter(|it| own(it)).all(|it| it.scheduling_eligibility == "ineligible"), "{listed:?}");
    machine.power_off();
    rig.crash_at_each_stage_until_retired(&node).await;
    assert_eq!(machine.credentials_get(rig).await, ["403"; 3]);
    let steps = rig.steps(&node).await;
    let stages = [
        Step::Retiring,
        Step::CredentialsRevoked,
        Step::Drained,
        Step::NomadLeft,
        Step::GossipLeft,
        Step::GossipRotated,
        Step::Retired,
    ];
    assert_eq!(only(&steps, Step::Retiring), stages, "each once: {steps:#?}");
    rig.is_gone(&node).await;
    keys_are_new(rig, &before).await;
    let events = rig.store.events_since(Seq(0), 10_000).await.unwrap();
    assert!(events.iter().any(|event| event.kind == EventKind::Alarm && event.node.as_ref() == Some(&node)));

    // The same machine with all that it had is not heard.
    machine.power_on();
    let log = machine.dir.join("consul.log");
    let refused = async || {
        let log = fs::read_to_string(&log).unwrap().to_lowercase();
        log.contains("couldn't join") || log.contains("failed to join")
    };
    rig.until("it is not let in", refused).await;
    assert!(rig.all().consul.members().await.unwrap().iter().all(|it| it.name != node.to_string()));
    machine.power_off();
}

/// Every member has the new keys and none has the old ones, and so has what is kept.
async fn keys_are_new(rig: &Rig, before: &[Secret<String>; 2]) {
    let (all, [consul, nomad]) = (rig.all(), gossip_keys(rig));
    assert!(consul != before[0] && nomad != before[1]);
    let rings = all.consul.gossip_rings().await.unwrap();
    assert!(rings.iter().all(|ring| ring.is_only(&consul) && ring.use_it(&consul) && ring.take(&before[0]) == 0));
    let ring = all.nomad.gossip_ring().await.unwrap();
    assert!(ring.is_only(&nomad) && ring.take(&before[1]) == 0);
    for (agent, key) in [("consul", &consul), ("nomad", &nomad)] {
        let file = rig.config.data_dir.join(format!("cluster/{agent}/{agent}.json"));
        assert!(fs::read_to_string(file).unwrap().contains(key.expose().as_str()), "{agent}");
    }
    assert!(
        !fs::read_to_string(rig.config.data_dir.join("cluster/rotation.json"))
            .unwrap()
            .contains(consul.expose().as_str())
    );
}

async fn a_rotation_without_one(rig: &mut Rig) {
    let before = gossip_keys(rig);
    let told = rig.daemon().gossip.preview().await.unwrap();
    assert!(told.len() == 2 && gossip_keys(rig) == before, "a rehearsal changes nothing: {told:?}");
    rig.daemon().gossip.rotate(Approved::mint(RotateGossip {}, person()).unwrap()).await.unwrap();
    keys_are_new(rig, &before).await;
    // An order that is older than the last rotation was carried out by it.
    let after = gossip_keys(rig);
    let old = RotationOrder { by: "ann".into(), ordered: vocabulary::Timestamp::UNIX_EPOCH, because: None };
    let known = rig.ask(|ledger, _, _| ledger.gossip_members()).await;
    assert!(!rig.door.rotate_gossip(&SystemClock, &old, &known).await.unwrap());
    assert_eq!(gossip_keys(rig), after);
}
