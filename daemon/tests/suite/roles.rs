//! The shipped roles bring a machine into a closed cluster: real servers, a kit as a run gets it, the whole playbook,
//! real agents with TLS, tokens and gossip encrypted.
//!
//! The machine is this one's own root under an overlay in memory, in mount and process namespaces of its own, so that
//! what the roles write goes away and what they start ends with them. All that is not real is systemd, which runs on a
//! booted machine alone: the words that role `program` says to it start and name the unit's program.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use jobs::{
    Query,
    bootstrap::{As, Clients, Cluster, Facts, NodeKit, Ports, Secrets, ServerPlaces, agents::Place},
};
use lab::agents::{Kind, Owner, address, find_binary};
use pxe::assets::Blob;
use serde_json::{Map, Value, json};
use tasks::{Clock as _, SystemClock};
use vocabulary::{Mac, NodeId};

const PATIENCE: Duration = Duration::from_secs(180);
pub(crate) const NODE: Mac = Mac([0x52, 0x54, 0, 0, 0, 0x41]);

/// What role `program` asks of systemd, in the places where systemd would do it.
const SYSTEMCTL: &str = r#"#!/bin/sh
unit=$(eval echo "\$$#") state=/run/roles/$unit
mkdir -p /run/roles
alive() { [ -e "$state.pid" ] && kill -0 "$(cat "$state.pid")" 2>/dev/null; }
case $1 in
show)
    case "$*" in *MainPID*) if alive; then cat "$state.pid"; else echo 0; fi; exit ;; esac
    alive && echo ActiveState=active || echo ActiveState=inactive
    [ -e "$state.enabled" ] && echo UnitFileState=enabled || echo UnitFileState=disabled ;;
enable) touch "$state.enabled" ;;
stop | restart | reload-or-restart)
    echo "$1 $unit" >>/run/roles/words
    alive && kill -s "$(sed -n s/^KillSignal=SIG//p "/etc/systemd/system/$unit")" "$(cat "$state.pid")" &&
        while alive; do sleep 0.1; done
    [ "$1" = stop ] && exit
    program=$(sed -n s/^ExecStart=//p "/etc/systemd/system/$unit")
    setsid sh -c "echo \$\$ >$state.pid; exec $program" </dev/null >>"$SHARED/$unit.log" 2>&1 & ;;
esac
"#;

/// Runs as the first process of the machine; the machine ends with it.
const MACHINE: &str = r#"set -e
mount -t tmpfs tmpfs "$SHARED/over"; mkdir "$SHARED/over/upper" "$SHARED/over/work" "$SHARED/over/root"
root=$SHARED/over/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$SHARED/over/upper,workdir=$SHARED/over/work" "$root"
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount --rbind /sys "$root/sys"
mount -t tmpfs tmpfs "$root/run"; mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$SHARED"; mount --bind "$SHARED" "$root$SHARED"
for folder in "$PACKAGE" "$VENV"; do mkdir -p "$root$folder"; mount --bind "$folder" "$root$folder"; done
cp "$SHARED/systemctl" "$root/usr/local/sbin/systemctl"
for name in consul nomad; do
    from=$(eval echo "\$$name"); touch "$root/usr/local/bin/$name"
    mount --bind "$from" "$root/usr/local/bin/$name"
done
mkdir -p "$root/etc/systemd/system"
for name in consul nomad; do
    mkdir -p "$SHARED/disk/$name" "$root/var/lib/$name"; mount --bind "$SHARED/disk/$name" "$root/var/lib/$name"
done
while read -r round; do
    status=0
    ROOST_EVENTS=$SHARED/$round.jsonl chroot "$root" "$VENV/bin/ansible-playbook" --inventory "$SHARED/inventory" \
        --extra-vars "@$SHARED/variables.json" "$PACKAGE/playbook.yaml" </dev/null >"$SHARED/$round.log" 2>&1 || status=$?
    cp "$root/run/roles/words" "$SHARED/$round.words"
    cp "$root/var/lib/nomad/client/client-id" "$SHARED/client-id"
    echo "$status" >"$SHARED/$round.new"; mv "$SHARED/$round.new" "$SHARED/$round.status"
done
"#;

/// A server of each kind.
pub(crate) struct Servers {
    pub(crate) cluster: Cluster,
    agents: Vec<Child>,
    pub(crate) owner: Owner,
}

/// The machine, which ends with its input.
pub(crate) struct Machine {
    pub(crate) shared: PathBuf,
    child: Child,
}

fn port() -> u16 {
    TcpListener::bind((address(), 0)).unwrap().local_addr().unwrap().port()
}

impl Servers {
    pub(crate) async fn start() -> Self {
        let host = IpAddr::V4(address());
        let ports = Ports {
            consul_https: port(),
            consul_server: port(),
            consul_serf: port(),
            nomad_http: port(),
            nomad_rpc: port(),
            nomad_serf: port(),
        };
        let facts = Facts {
            datacenter: "dc1".parse().unwrap(),
            region: "global".parse().unwrap(),
            advertise: host,
            http: host,
            others: Vec::new(),
            certificate_lifetime: Duration::from_secs(86_400),
            ports,
        };
        let cluster = Cluster::new(facts, Secrets::random().unwrap()).unwrap();
        let owner = Owner::of_new_directory().unwrap();
        let dir = owner.dir().join("server");
        fs::create_dir(&dir).unwrap();
        let place = |name: &str| Place { name: "control".into(), certificates: dir.clone(), data: dir.join(name) };
        let places = ServerPlaces { consul: place("consul"), nomad: place("nomad") };
        let files = cluster.server_files(SystemClock.now(), &places).unwrap();
        for (name, text) in files.consul.iter().chain(&files.nomad) {
            fs::write(dir.join(name), text.expose()).unwrap();
        }
        let agents = vec![
            agent(Kind::Consul, "-config-file", &dir.join("consul.json")),
            agent(Kind::Nomad, "-config", &dir.join("nomad.json")),
        ];
        let mut servers = Self { cluster, agents, owner };
        let Clients { consul, nomad, .. } = servers.clients(As::Nobody);
        until("leaders and keys", async || {
            let keys = nomad.signing_keys().await.is_ok_and(|keys| !keys.is_empty());
            keys && matches!((consul.leader().await, nomad.leader().await), (Ok(Some(_)), Ok(Some(_))))
        })
        .await;
        let closed = servers.cluster.bootstrap(SystemClock.now(), "control", |_| Ok(()), drop).await;
        closed.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
        servers
    }

    pub(crate) fn clients(&self, who: As) -> Clients {
        self.cluster.clients(who, SystemClock.now()).unwrap()
    }

    pub(crate) async fn mint(&self) -> NodeKit {
        let minted = self.cluster.mint(SystemClock.now(), &NodeId::of(NODE)).await;
        minted.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for agent in &mut self.agents {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

fn agent(kind: Kind, option: &str, file: &Path) -> Child {
    let log = fs::File::create(file.with_extension("log")).unwrap();
    let mut command = Command::new(find_binary(kind).unwrap());
    command.arg("agent").arg(format!("{option}={}", file.display())).current_dir(file.parent().unwrap());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log).spawn().unwrap()
}

/// As the runner lays it down: variables, and files in a folder that one of them names.
pub(crate) fn lay_down(shared: &Path, kit: &NodeKit) {
    let folder = shared.join("kit");
    let _ = fs::create_dir(&folder);
    for (name, secret) in &kit.files {
        fs::write(folder.join(name), secret.expose()).unwrap();
    }
    let mut variables: Map<String, Value> = kit.variables.clone();
    for (name, kind) in [("consul", Kind::Consul), ("nomad", Kind::Nomad)] {
        let sha256 = Blob::of_file(&find_binary(kind).unwrap()).unwrap().sha256;
        variables.insert(format!("{name}_program"), json!({"sha256": sha256, "packed": sha256, "urls": []}));
    }
    variables.insert("roost_kit".into(), json!(folder));
    variables.insert("nomad_introduced".into(), json!(true));
    // What a booted machine has and this one need not: its name, its kernel's settings, an engine, plugins.
    let own = json!({"common_hostname": "", "common_sysctl": {}, "docker_enabled": false, "cni_enabled": false});
    variables.extend(own.as_object().unwrap().clone());
    fs::write(shared.join("variables.json"), Value::Object(variables).to_string()).unwrap();
}

impl Machine {
    pub(crate) fn boot(dir: &Path) -> Self {
        let shared = dir.join("machine");
        fs::create_dir_all(shared.join("over")).unwrap();
        let inventory = format!("nodes:\n  hosts:\n    {}:\n      ansible_connection: local\n", NodeId::of(NODE));
        let address = format!("      ansible_host: {}\n", Ipv4Addr::LOCALHOST);
        let python = "      ansible_python_interpreter: /usr/bin/python3\n";
        fs::write(shared.join("inventory"), inventory + &address + python).unwrap();
        fs::write(shared.join("systemctl"), SYSTEMCTL).unwrap();
        fs::set_permissions(shared.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ansible").canonicalize().unwrap();
        let cache = std::env::var_os("ROOST_CACHE").map_or_else(|| PathBuf::from("/var/cache/roost"), PathBuf::from);
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", MACHINE]);
        unshare.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        unshare
            .env("SHARED", &shared)
            .env("PACKAGE", &package)
            .env("VENV", cache.join("venv"))
            .env("LC_ALL", "C.UTF-8");
        unshare.env("consul", find_binary(Kind::Consul).unwrap()).env("nomad", find_binary(Kind::Nomad).unwrap());
        unshare.env("ANSIBLE_HOME", "/tmp/ansible").env("ANSIBLE_CALLBACKS_ENABLED", "roost_events");
        unshare.env("ANSIBLE_CALLBACK_PLUGINS", package.join("plugins/callback"));
        let log = fs::File::create(shared.join("machine.log")).unwrap();
        let child = unshare.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { shared, child }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.shared.join(name)).unwrap_or_default()
    }

    /// One run of the playbook.
    pub(crate) async fn configure(&mut self, round: &str) {
        use std::io::Write as _;
        self.child.stdin.as_mut().unwrap().write_all(format!("{round}\n").as_bytes()).unwrap();
        let over = async || self.shared.join(format!("{round}.status")).exists() || self.child_has_ended();
        until(&format!("the {round} run"), over).await;
        let logs = ["machine.log", "consul.service.log", "nomad.service.log"].map(|name| self.read(name)).join("\n");
        assert_eq!(self.read(&format!("{round}.status")), "0\n", "{}\n{logs}", self.read(&format!("{round}.log")));
    }

    fn child_has_ended(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.child.id())).is_ok_and(|stat| stat.contains(") Z "))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}: not within {PATIENCE:?}");
}

/// What would run as root on the node itself finds no place there; what is fenced in would.
async fn raw_exec_finds_no_driver_and_exec_does(nomad: &jobs::nomad::Client) {
    let planned = async |driver: &str| {
        let task = json!({"Name": "t", "Driver": driver, "Config": {"command": "/bin/true"}});
        let group = json!({"Name": "g", "Tasks": [task]});
        let job = json!({"ID": "tried", "Name": "tried", "Type": "batch", "Datacenters": ["*"], "TaskGroups": [group]});
        let plan = nomad.plan(&jobs::nomad::Job::from_json(job).unwrap()).await.unwrap();
        serde_json::to_value(plan).unwrap()["FailedTGAllocs"]["g"]["ConstraintFiltered"].clone()
    };
    assert_eq!(planned("raw_exec").await, json!({"missing drivers": 1}));
    assert_eq!(planned("exec").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_bring_a_machine_into_a_closed_cluster_and_a_second_run_changes_nothing() {
    crate::api::provider();
    let servers = Servers::start().await;
    let mut machine = Machine::boot(servers.owner.dir());
    let (first, second) = (servers.mint().await, servers.mint().await);
    lay_down(&machine.shared, &first);
    machine.configure("first").await;
    assert!(!machine.read("first.log").contains("changed=0"), "{}", machine.read("first.log"));

    let reported = machine.read("client-id");
    let Clients { consul, nomad, .. } = servers.clients(As::Management);
    let listed = nomad.nodes(&Query::default()).await.unwrap().value;
    let [own] = listed.try_into().unwrap();
    assert_eq!(
        (own.id.as_str(), own.name, own.status.as_str()),
        (reported.as_str(), NodeId::of(NODE).to_string(), "ready")
    );
    let members = consul.members().await.unwrap();
    assert!(members.iter().any(|member| member.name == NodeId::of(NODE).to_string() && member.status == 1));
    let promised = format!(r#""detail": "{reported}", "nomad": "{reported}""#);
    assert!(machine.read("first.jsonl").contains(&promised), "{}", machine.read("first.jsonl"));

    raw_exec_finds_no_driver_and_exec_does(&nomad).await;

    lay_down(&machine.shared, &second);
    machine.configure("second").await;
    assert!(machine.read("second.log").contains("changed=0"), "{}", machine.read("second.log"));
    assert_eq!(
        machine.read("second.words"),
        "restart consul.service\nrestart nomad.service\n",
        "nothing was restarted"
    );
    for (name, secret) in first.files.iter().chain(&second.files).filter(|(name, _)| !name.starts_with("ca.")) {
        for place in ["first.log", "first.jsonl", "second.log", "second.jsonl", "variables.json"] {
            // A certificate's key by a line of its own; a token as a whole.
            let line = secret.expose().lines().find(|line| !line.starts_with('-')).unwrap();
            assert!(!machine.read(place).contains(line), "{name} in {place}");
        }
    }
}
