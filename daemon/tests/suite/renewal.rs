//! A rack that was off for longer than any certificate comes back by itself: the real daemon, real servers, a machine
//! with a real sshd on which the shipped roles run whole, and nobody's hands but the power switch's.
//!
//! Certificates live for minutes here and still the test waits for none to end: everything is switched off, and what
//! lies on disks is what would lie there later, with certificates of the cluster's own authority that ended a moment ago.
//! systemd is not there: what role `program` says to it is done by a script, a reload by the signal that its unit names,
//! and what `roost-agents.path` does for the servers the test does.

use std::{
    fs::{self, File},
    net::Ipv4Addr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use daemon::cluster::kept::Kept;
use jobs::{
    Query,
    bootstrap::{As, Cluster, NodeKit},
};
use lab::{
    Synthetic,
    agents::{Kind, find_binary},
    synthetic::Stage,
};
use pxe::assets::Assets;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use store::{Batch, NodeWrite, Store};
use tasks::{Clock as _, SystemClock};
use vocabulary::{Node, NodeId, NodeState, RunPurpose, RunState, Step};

use crate::{
    bench::{BASE, Bench, Setup},
    walk::{machine, token},
};

const PATIENCE: Duration = Duration::from_secs(180);
/// As `certificate_lifetime` says below.
const LIFETIME: Duration = Duration::from_secs(180);
/// What is left of certificates that are to end while everything is off: enough for those who make them.
const LAST_SECONDS: Duration = Duration::from_secs(8);

const CLUSTER: &str = "[cluster]\nmode = \"own\"\nadvertise = \"10.77.0.1\"\ncertificate_lifetime = \"3m\"\n";

/// What a booted machine has and this one need not, and what must not be done to its host.
const VARIABLES: &str = "common_hostname: ''\ncommon_sysctl: {}\ndocker_enabled: false\ncni_enabled: false\n\
                         preflight_set_clock: false\n";

/// What role `program` asks of systemd.
const SYSTEMCTL: &str = r#"#!/bin/sh
unit=$(eval echo "\$$#") state=/run/roles/$unit
mkdir -p /run/roles
alive() { [ -e "$state.pid" ] && kill -0 "$(cat "$state.pid")" 2>/dev/null; }
case $1 in
show)
    alive && echo ActiveState=active || echo ActiveState=inactive
    [ -e "$state.enabled" ] && echo UnitFileState=enabled || echo UnitFileState=disabled ;;
enable) touch "$state.enabled" ;;
stop) alive && kill -KILL "$(cat "$state.pid")" && while alive; do sleep 0.1; done ;;
reload-or-restart)
    if alive && grep -q ^ExecReload= "/etc/systemd/system/$unit"; then
        echo "reload $unit" >>/run/roles/words
        kill -HUP "$(cat "$state.pid")"
    else
        "$0" restart "$unit"
    fi ;;
restart)
    echo "restart $unit" >>/run/roles/words
    "$0" stop "$unit"
    program=$(sed -n s/^ExecStart=//p "/etc/systemd/system/$unit")
    setsid sh -c "echo \$\$ >$state.pid; exec $program" </dev/null >>"$state.log" 2>&1 & ;;
esac
"#;

/// The rack, its servers and its machine.
struct Scene {
    bench: Bench,
    machine: Synthetic,
    address: Ipv4Addr,
    servers: Vec<Child>,
}

impl Scene {
    fn data(&self) -> &Path {
        self.bench.data.path()
    }

    /// Starts the first server's agents, as `roost cluster init` says.
    fn start_servers(&mut self) {
        for (kind, name, option) in [(Kind::Consul, "consul", "-config-file"), (Kind::Nomad, "nomad", "-config")] {
            let file = self.data().join("cluster").join(name).join(format!("{name}.json"));
            let log = File::options().create(true).append(true).open(self.data().join(format!("{name}.log"))).unwrap();
            let mut command = self.bench.rack.command(find_binary(kind).unwrap());
            command.arg("agent").arg(format!("{option}={}", file.display())).env_remove("AWS_CA_BUNDLE");
            command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            self.servers.push(command.spawn().unwrap());
        }
    }

    fn stop_servers(&mut self) {
        for mut child in self.servers.drain(..) {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        }
    }

    /// Root's word on the machine, by the fleet key; `input` is what it reads.
    fn says(&self, command: &str, input: &str) -> String {
        use std::io::Write as _;
        let mut ssh: Command = self.bench.rack.command("ssh");
        ssh.args(["-F", "/dev/null", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]);
        ssh.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-i"]);
        ssh.arg(self.data().join("ssh/fleet_ed25519")).arg(format!("root@{}", self.address)).arg(command);
        let mut child = ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn cluster(&self) -> (Kept, Cluster) {
        let kept = Kept::open(self.data()).unwrap().unwrap();
        let cluster = Cluster::new(kept.state().facts.clone(), kept.secrets().unwrap()).unwrap();
        (kept, cluster)
    }

    /// In the network where the servers listen.
    fn inside<T: Send>(&self, work: impl AsyncFnOnce() -> T + Send) -> T {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work())
        };
        tokio::task::block_in_place(|| self.bench.rack.namespace().enter(run)).unwrap()
    }

    fn node(&self) -> NodeId {
        NodeId::of(self.machine.mac())
    }

    async fn until(&self, what: &str, condition: impl AsyncFnMut() -> bool) {
        self.bench.until(PATIENCE, what, condition).await;
    }

    /// What the agents of the machine logged since they were last started.
    fn agents_said(&self) -> String {
        self.says("tail -n +1 /run/roles/*.log", "")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop_servers();
    }
}

/// `roost cluster init` in the rack, until it says that the cluster is closed.
async fn init(scene: &mut Scene) {
    let config = scene.data().join("run/roost.toml");
    let said = async |scene: &Scene| {
        let mut roost = scene.bench.rack.command(env!("CARGO_BIN_EXE_roost"));
        roost.arg("--config").arg(&config).args(["cluster", "init", "--no-start", "--json"]);
        let output = tokio::process::Command::from(roost).output().await.unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    assert!(said(scene).await["commands"].is_array());
    scene.start_servers();
    let closed = async || {
        let said = said(scene).await;
        said.is_object() && said["commands"].is_null()
    };
    scene.bench.until(PATIENCE, "a closed cluster", closed).await;
}

async fn scene() -> (Scene, lab::synthetic::System) {
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ansible/playbook.yaml").canonicalize().unwrap();
    let bench = Bench::up(Setup { playbook, more: CLUSTER.to_owned(), ..Setup::small() }).await;
    let group = bench.data.path().join("inventory/group_vars");
    fs::create_dir_all(&group).unwrap();
    fs::write(group.join("nodes.yaml"), VARIABLES).unwrap();
    let machine = machine(&bench, "m1");
    let mut scene = Scene { bench, machine, address: Ipv4Addr::UNSPECIFIED, servers: Vec::new() };
    init(&mut scene).await;
    let assets = Assets::open(pxe::assets::Config::new(scene.data().join("assets"))).unwrap();
    for (name, kind) in [("consul", Kind::Consul), ("nomad", Kind::Nomad)] {
        assets.adopt(name, &find_binary(kind).unwrap()).await.unwrap();
    }
    scene.bench.crash().await;

    let lease = scene.machine.dhcp(Stage::Ipxe).await.unwrap();
    let script = scene.machine.script(&lease.boot_file.clone().unwrap()).await.unwrap();
    let fleet_key = public_key(&scene.data().join("ssh/fleet_ed25519"));
    let system = scene.machine.start_system(&fleet_key).await.unwrap_or_else(|error| panic!("{error:?}"));
    scene.address = lease.address;
    scene.says(
        "cat >/usr/local/bin/systemctl && chmod 755 /usr/local/bin/systemctl && mkdir -p /etc/systemd/system",
        SYSTEMCTL,
    );
    let claim = scene.machine.claim(token(&script), lease.address.into(), system.host_key().clone());
    let answer = scene.machine.call_home(BASE, &claim).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    scene.bench.in_state(scene.machine.mac(), NodeState::Ready, PATIENCE).await;
    (scene, system)
}

fn public_key(private: &PathBuf) -> String {
    let output = Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The node's files as they would be after so long, and what the store would know of them.
async fn the_nodes_certificates_end(scene: &Scene, kit: &NodeKit) {
    for agent in ["consul", "nomad"] {
        for name in ["ca.pem".to_owned(), format!("{agent}.pem"), format!("{agent}-key.pem")] {
            let (_, text) = kit.files.iter().find(|(file, _)| *file == name).unwrap();
            scene.says(&format!("cat >/etc/{agent}.d/{name}"), text.expose());
        }
    }
    let now = SystemClock.now();
    let store = Store::open(scene.data(), now).await.unwrap();
    let [node] = store.nodes().await.unwrap().try_into().unwrap();
    let from = node.generation;
    let node = Node { certificates: Some(now), generation: from + 1, ..node };
    store.commit(Batch { nodes: vec![NodeWrite { node, from }], ..Batch::default() }).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_that_was_off_for_longer_than_any_certificate_comes_back_by_itself() {
    crate::api::provider();
    let (mut scene, _system) = scene().await;
    let mac = scene.machine.mac();
    let before = scene.bench.node(mac).await.unwrap();
    let ends = before.certificates.expect("its run found when they end");
    assert!(ends > SystemClock.now() && ends <= SystemClock.now().saturating_add(LIFETIME).unwrap(), "{ends}");
    let (mut kept, cluster) = scene.cluster();

    // Everything goes off. When it comes on again, all certificates have ended.
    let past = SystemClock.now().saturating_sub(LIFETIME - LAST_SECONDS).unwrap();
    let kit = scene.inside(async || cluster.mint(past, &scene.node()).await);
    let kit = kit.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    scene.bench.daemon.stop(PATIENCE).await.unwrap();
    scene.says(
        "systemctl stop nomad.service; systemctl stop consul.service; rm -f /run/roles/*.log /run/roles/words",
        "",
    );
    the_nodes_certificates_end(&scene, &kit).await;
    let over = past.saturating_add(LIFETIME).unwrap();
    scene.until("the certificates to end", async || SystemClock.now() > over).await;

    // The servers alone have new ones: the node's agents are refused, and say so.
    scene.says("systemctl restart consul.service; systemctl restart nomad.service", "");
    let refused = async || {
        let said = scene.agents_said();
        let (consul, nomad) = said.split_once("nomad.service.log").unwrap_or_default();
        [consul, nomad].iter().all(|said| said.contains("expired certificate") || said.contains("has expired"))
    };
    scene.until("the node's agents to be refused", refused).await;

    // As the servers come on: theirs ended too. The daemon gives them new ones first.
    scene.stop_servers();
    kept.write_server(&cluster, past).unwrap();
    let renewed = scene.data().join("cluster/renewed");
    let mark = fs::read(&renewed).unwrap();
    scene.start_servers();
    scene.bench.daemon.launch().unwrap();
    scene.until("the servers' new certificates", async || fs::read(&renewed).unwrap() != mark).await;
    scene.stop_servers();
    scene.start_servers();
    scene.bench.daemon.wait_until_ready().await.unwrap_or_else(|error| panic!("{error}"));

    let later = async || scene.bench.node(mac).await.is_some_and(|node| node.certificates > Some(SystemClock.now()));
    scene.until("the node's new certificates", later).await;
    it_is_back_as_it_was(&scene, &before).await;
}

async fn it_is_back_as_it_was(scene: &Scene, before: &daemon::http::wire::NodeView) {
    let mac = scene.machine.mac();
    // The servers may have missed it meanwhile.
    scene.bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    let story = scene.bench.story(mac).await;
    let node = scene.bench.node(mac).await.unwrap();
    assert_eq!((&node.nomad, node.run, &node.reason), (&before.nomad, before.run, &None), "{story}");
    let runs = scene.bench.runs().await;
    let renewals: Vec<_> = runs.iter().filter(|run| run.purpose == RunPurpose::Certificates).collect();
    assert!(renewals.iter().any(|run| run.state == RunState::Succeeded), "{runs:#?}\n{story}");
    assert_eq!(runs.len(), renewals.len() + 1, "{runs:#?}");
    let lines = scene.bench.steps(mac).await;
    let told: Vec<_> = lines.iter().filter(|line| line.step == Step::Certificates).collect();
    assert!(told.last().unwrap().detail.contains("renewed by run"), "{told:#?}");
    let words = scene.says("cat /run/roles/words", "");
    assert!(words.ends_with("reload consul.service\nrestart nomad.service"), "{words}");

    // Nomad's servers have one client of it, the same as before.
    let (_, cluster) = scene.cluster();
    let listed = scene.inside(async || {
        let clients = cluster.clients(As::Daemon, SystemClock.now()).unwrap();
        clients.nomad.nodes(&Query::default()).await.unwrap().value
    });
    let listed: Vec<_> = listed.iter().map(|stub| (stub.id.as_str(), stub.status.as_str())).collect();
    assert_eq!(listed, [(before.nomad.as_ref().unwrap().as_str(), "ready")]);
}
