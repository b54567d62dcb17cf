//! A node joins a cluster of real agents, and comes back as another self: the lifecycle, the joiner and both agents'
//! servers as they are; the machine's part (its call-home, its run) is told to the ledger.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use daemon::{
    adapters::cluster::Servers,
    nodes::{
        Nodes, NodesPart,
        joiner::Joiner,
        ledger::{Asked, Ready, Seen, Verifying},
        lifecycle::{Enroll, Membership, Promises, Rules, Slas, TpmRule},
        requests::{Answer, Living, Outside},
    },
};
use jobs::{Endpoint, Query, bootstrap::Clients, consul, nomad};
use lab::agents::{self, Agents, Kind, Spec};
use serde_json::{Value, json};
use store::Store;
use tasks::{Clock as _, Stop, SystemClock};
use tokio::task::JoinSet;
use vocabulary::{
    CallHome, Firmware, Hardware, HostKey, Mac, MachineId, Node, NodeId, NodeState, NomadId, ProcessId, Run, RunId,
    RunState, Step,
};

const PATIENCE: Duration = Duration::from_secs(90);
const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 0x40]);

/// Servers, the lifecycle, the joiner.
struct Rig {
    agents: Agents,
    nomad: nomad::Client,
    consul: consul::Client,
    store: Store,
    nodes: Nodes,
    stop: Stop,
    parts: JoinSet<()>,
    /// The machine's in each of its lives: gossip waits for a minute before it takes a known name from elsewhere.
    serf: u16,
    _data: tempfile::TempDir,
}

/// What a role starts on a machine: one client of each kind, with data of its own.
struct Machine<'a> {
    rig: &'a Rig,
    dir: PathBuf,
    children: Vec<Child>,
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
        absent: Duration::from_secs(1),
        retiring: hour,
    };
    let (enroll, tpm, membership) = (Enroll::Auto, TpmRule::Prove, Membership::Demanded);
    let certificate_lifetime = 30 * 24 * hour;
    Rules { enroll, tpm, token_ttl: hour, sla, membership, certificate_lifetime, max_runs: 3, max_strangers: 9 }
}

fn id() -> NodeId {
    NodeId::of(MAC)
}

fn free_port() -> u16 {
    TcpListener::bind((agents::address(), 0)).unwrap().local_addr().unwrap().port()
}

impl Rig {
    async fn up() -> Self {
        crate::api::provider();
        let spec = Spec { client: agents::Client::No, heartbeat_grace: Duration::from_secs(1), ..Spec::default() };
        let agents = Agents::start(&spec).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
        let nomad = nomad::Client::build(&Endpoint::plain(agents.nomad()[0].url())).unwrap();
        let consul = consul::Client::build(&Endpoint::plain(agents.consul()[0].url())).unwrap();
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path(), SystemClock.now()).await.unwrap();
        let (part, nodes) =
            NodesPart::build(rules(), store.clone(), Arc::new(SystemClock), Arc::default()).await.unwrap();
        let clients = Clients { consul: consul.clone(), nomad: nomad.clone(), expires_at: None };
        let servers = Servers::new(Arc::new(move || Ok(clients.clone())));
        let joiner = Joiner { nodes: nodes.clone(), cluster: Arc::new(servers) };
        let (stop, mut parts) = (Stop::new(), JoinSet::new());
        let (first, second) = (stop.clone(), stop.clone());
        parts.spawn(async move { part.run(first).await.unwrap() });
        parts.spawn(async move { joiner.run(second).await.unwrap() });
        Self { agents, nomad, consul, store, nodes, stop, parts, serf: free_port(), _data: data }
    }

    async fn down(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.parts.join_next().await {
            ended.unwrap();
        }
        self.store.close().await;
    }

    async fn node(&self) -> Node {
        self.nodes.ask(|ledger, _, _| ledger.machine(MAC).unwrap().node.clone()).await.unwrap()
    }

    async fn steps(&self) -> Vec<Step> {
        let lines = self.store.timeline(id(), None, u32::MAX).await.unwrap();
        lines.into_iter().map(|line| line.step).collect()
    }

    /// From the power button to the run that works on it.
    async fn boot(&self, salt: u8) -> Run {
        let act = move |ledger: &mut daemon::nodes::ledger::Ledger, now, writes: &mut _| {
            let detail = "x".to_owned();
            let seen = Seen { mac: MAC, address: None, step: Step::Discover, detail, firmware: Some(Firmware::Bios) };
            ledger.saw(now, seen, writes);
            let asked = Asked { mac: MAC, uuid: None, firmware: None, peer: Ipv4Addr::LOCALHOST.into() };
            let outside = Outside { random: [salt; 32], living: Living::Silent, image: Ok(()) };
            let Answer::Boot(token) = ledger.script(now, asked, outside, writes) else { panic!("no token") };
            let key = HostKey::try_from(format!("ssh-ed25519 {}", char::from(b'A' + salt).to_string().repeat(64)));
            let call = CallHome {
                token,
                hostname: "m".into(),
                addresses: vec![],
                mac: MAC,
                smbios_uuid: None,
                machine_id: MachineId::try_from("0".repeat(32)).unwrap(),
                ssh_host_keys: vec![key.unwrap()],
                hardware: Hardware::default(),
                data: None,
            };
            let leased = Some(Ipv4Addr::LOCALHOST);
            ledger.call_home(now, &call, Ipv4Addr::LOCALHOST.into(), leased, writes).unwrap();
            let [one] = ledger.launchables().try_into().unwrap();
            ledger.answered(now, &one, writes);
            let process = ProcessId { pid: 1, start_ticks: 1, host_boot: "x".into() };
            let ready = Ready { run: one.run.id, host_keys: one.host.host_keys.clone(), process, at: now };
            assert!(ledger.begins(now, ready, writes));
            ledger.run(one.run.id).unwrap().clone()
        };
        self.nodes.ask(act).await.unwrap()
    }

    /// The run ends well, having found this client.
    async fn run_ends(&self, run: RunId, found: NomadId) {
        let act = move |ledger: &mut daemon::nodes::ledger::Ledger, now, writes: &mut _| {
            let run = ledger.run(run).unwrap().clone();
            let over = Run { state: RunState::Succeeded, ended: Some(now), ..run };
            let promises = Promises::Kept { count: 6, nomad: Some(found) };
            ledger.run_changed(now, &over, Some(&promises), Verifying::NotYet, writes);
        };
        self.nodes.ask(act).await.unwrap();
    }

    /// Nomad's clients of the machine's name: id, status, eligibility.
    async fn clients(&self) -> Vec<(String, String, String)> {
        let listed = self.nomad.nodes(&Query::default()).await.unwrap().value;
        let own = listed.into_iter().filter(|stub| stub.name == id().to_string());
        own.map(|stub| (stub.id, stub.status, stub.scheduling_eligibility)).collect()
    }

    async fn until(&self, what: &str, mut condition: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("{what}: not within {PATIENCE:?}\n{:#?}\n{:?}", self.node().await, self.clients().await);
        }
    }

    async fn in_state(&self, state: NodeState) {
        self.until(&format!("{state}"), async || self.node().await.state == state).await;
    }
}

impl<'a> Machine<'a> {
    fn with_new_data(rig: &'a Rig, life: u8) -> Self {
        let dir = rig.agents.dir().join(format!("machine-{life}"));
        std::fs::create_dir(&dir).unwrap();
        Self { rig, dir, children: Vec::new() }
    }

    fn start(&mut self, kind: Kind, option: &str, config: &Value) {
        let program = agents::find_binary(kind).unwrap();
        let name = program.file_name().unwrap().to_str().unwrap();
        let file = self.dir.join(format!("{name}.json"));
        std::fs::write(&file, config.to_string()).unwrap();
        let log = std::fs::File::create(file.with_extension("log")).unwrap();
        let mut command = Command::new(&program);
        command.arg("agent").arg(format!("{option}={}", file.display())).current_dir(&self.dir);
        command.env_remove("AWS_CA_BUNDLE").stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
        self.children.push(command.spawn().unwrap());
    }

    async fn start_consul(&mut self) {
        let address = agents::address();
        let server = self.rig.consul.members().await.unwrap().remove(0);
        let config = json!({
            "node_name": id().to_string(), "server": false, "data_dir": self.dir.join("consul"),
            // As role consul has it: of its name.
            "node_id": "8f3b1c52-5a0e-5b1d-9c7e-000000000040",
            "bind_addr": address, "client_addr": address, "disable_update_check": true,
            "retry_join": [format!("{}:{}", server.addr, server.port)], "retry_interval": "1s",
            "ports": {"http": free_port(), "serf_lan": self.rig.serf, "server": free_port(), "serf_wan": -1, "dns": -1,
                "grpc": -1, "grpc_tls": -1},
        });
        self.start(Kind::Consul, "-config-file", &config);
    }

    /// Starts it and says what it calls itself: what role bootstrap_agent looks for.
    async fn start_nomad(&mut self) -> NomadId {
        let address = agents::address();
        let server = self.rig.nomad.members().await.unwrap().members.unwrap().remove(0);
        let rpc = server.tags.unwrap()["port"].clone();
        let config = json!({
            "name": id().to_string(), "data_dir": self.dir.join("nomad"), "bind_addr": address,
            "disable_update_check": true,
            "ports": {"http": free_port(), "rpc": free_port(), "serf": free_port()},
            "advertise": {"http": address, "rpc": address, "serf": address},
            "client": {"enabled": true, "servers": [format!("{}:{rpc}", server.addr)], "network_interface": "lo"},
            "consul": {"auto_advertise": false, "server_auto_join": false, "client_auto_join": false},
        });
        self.start(Kind::Nomad, "-config", &config);
        let file = self.dir.join("nomad/client/client-id");
        self.rig.until("the client has an id", async || file.exists()).await;
        std::fs::read_to_string(file).unwrap().trim().parse().unwrap()
    }

    fn power_off(&mut self) {
        for mut child in self.children.drain(..) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        self.power_off();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b40_a_node_is_ready_when_both_agree_and_its_old_self_is_gone_when_it_comes_back_as_another() {
    let rig = Rig::up().await;
    let run = rig.boot(1).await;
    let mut machine = Machine::with_new_data(&rig, 1);
    let first = machine.start_nomad().await;
    let closed = |who: &NomadId| (who.to_string(), "ready".to_owned(), "ineligible".to_owned());
    rig.until("a client whose node is not verified is closed", async || rig.clients().await == [closed(&first)]).await;

    rig.run_ends(run.id, first.clone()).await;
    let lacks = async || rig.node().await.reason.is_some_and(|why| why.cause.contains("Consul's servers do not know"));
    rig.until("it says that Consul does not know it", lacks).await;
    assert_eq!((rig.node().await.state, rig.clients().await), (NodeState::Joining, vec![closed(&first)]));
    machine.start_consul().await;
    rig.in_state(NodeState::Ready).await;
    assert_eq!(rig.clients().await, [(first.to_string(), "ready".into(), "eligible".into())]);
    let steps = rig.steps().await;
    let last = &steps[steps.len() - 4..];
    assert_eq!(last, [Step::Verified, Step::ConsulJoined, Step::NomadJoined, Step::Ready]);

    let client = nomad::NodeId::new(first.as_str());
    rig.nomad.set_eligibility(&client, nomad::Eligibility::Ineligible).await.unwrap();
    rig.in_state(NodeState::Lapsed).await;
    assert!(rig.node().await.reason.unwrap().cause.contains("ineligible by somebody's order"));
    assert_eq!(rig.clients().await, [closed(&first)], "nobody undoes that order");
    rig.nomad.set_eligibility(&client, nomad::Eligibility::Eligible).await.unwrap();
    rig.in_state(NodeState::Ready).await;

    drop(machine);
    rig.in_state(NodeState::Lapsed).await;
    let run = rig.boot(2).await;
    let mut machine = Machine::with_new_data(&rig, 2);
    machine.start_consul().await;
    let second = machine.start_nomad().await;
    assert_ne!(first, second, "nothing on a diskless machine outlives a reboot");
    rig.run_ends(run.id, second.clone()).await;
    rig.in_state(NodeState::Ready).await;
    assert_eq!(rig.clients().await, [(second.to_string(), "ready".into(), "eligible".into())]);
    let named = id().to_string();
    let members = rig.consul.members().await.unwrap();
    assert_eq!(members.iter().filter(|member| member.name == named).count(), 1);
    let purged = format!("{first}, was drained and purged");
    let lines = rig.store.timeline(id(), None, u32::MAX).await.unwrap();
    assert!(lines.iter().any(|line| line.detail.ends_with(&purged)), "{lines:#?}");
    drop(machine);
    rig.down().await;
}
