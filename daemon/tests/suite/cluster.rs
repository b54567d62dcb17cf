//! `roost cluster` as a person says it, with real agents in a network of their own, where the usual ports are free.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use lab::agents::{Kind, Owner, find_binary};
use serde_json::Value;

use super::cli_client::{failed, stdout};

const ROOST: &str = env!("CARGO_BIN_EXE_roost");
const MINUTE: Duration = Duration::from_secs(60);

/// A host without systemd: a network, a folder, and what runs there until the end.
struct Host {
    running: Vec<Child>,
    network: Child,
    /// Last: it ends what is left.
    owner: Owner,
}

impl Host {
    fn new() -> Self {
        let owner = Owner::of_new_directory().unwrap();
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"]);
        let mut network = command.current_dir(owner.dir()).stdout(Stdio::piped()).spawn().unwrap();
        let mut up = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(network.stdout.take().unwrap()), &mut up).unwrap();
        assert_eq!(up, "up\n", "a network of its own (as root)");
        Self { running: Vec::new(), network, owner }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.owner.dir().join(name)
    }

    fn configure(&self, cluster: &str) {
        let [consul, nomad] = [Kind::Consul, Kind::Nomad].map(|kind| find_binary(kind).unwrap());
        let text = format!(
            "data_dir = {:?}\n[cluster]\nconsul_program = {consul:?}\n\
             nomad_program = {nomad:?}\n{cluster}\n",
            self.path("data")
        );
        fs::write(self.path("roost.toml"), text).unwrap();
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.network.id())).arg("--").arg(program);
        command.env_clear().env("ROOST_CONFIG", self.path("roost.toml")).current_dir(self.owner.dir());
        command
    }

    async fn roost(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::from(self.inside(ROOST));
        tokio::time::timeout(3 * MINUTE, command.args(arguments).output()).await.expect("roost ends").unwrap()
    }

    /// Starts what a person would type.
    fn types(&mut self, line: &str) {
        let log = fs::File::create(self.path(&format!("{}.log", self.running.len()))).unwrap();
        let mut command = self.inside("sh");
        command.args(["-c", &format!("exec {line}")]).stderr(log.try_clone().unwrap()).stdout(log);
        self.running.push(command.stdin(Stdio::null()).spawn().unwrap());
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("data/cluster").join(name)).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for child in self.running.iter_mut().chain([&mut self.network]) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

#[tokio::test]
async fn a_cluster_is_made_by_one_command_said_twice_and_says_how_it_is() {
    let mut host = Host::new();
    host.configure("");
    assert!(failed(&host.roost(&["cluster", "status"]).await, 5).contains("cluster.mode"));
    host.configure("mode = \"own\"");
    assert!(failed(&host.roost(&["cluster", "init"]).await, 7).contains("cluster.advertise"));
    host.configure("mode = \"own\"\nadvertise = \"127.0.0.1\"");
    fs::create_dir(host.path("data")).unwrap();
    assert!(failed(&host.roost(&["cluster", "status"]).await, 5).contains("roost cluster init"));
    if !systemd::is_booted() {
        assert!(failed(&host.roost(&["cluster", "init"]).await, 6).contains("--no-start"));
    }
    let rehearsed = stdout(&host.roost(&["cluster", "init", "--no-start", "--dry-run"]).await);
    assert!(rehearsed.contains("would write") && rehearsed.contains("cluster.json"), "{rehearsed}");
    assert_eq!(fs::read_dir(host.path("data")).unwrap().count(), 0, "a rehearsal writes nothing");

    let told = json(&host.roost(&["cluster", "init", "--no-start", "--json"]).await);
    for command in told["commands"].as_array().unwrap() {
        host.types(command.as_str().unwrap());
    }
    let report = host.roost(&["cluster", "status"]).await;
    assert!(failed(&report, 1).contains("not well"), "half made is not well");
    let said = stdout(&until_up(&host).await);
    assert!(said.contains("the cluster is closed"), "{said}");
    let certificate = host.read("consul/consul.pem");
    stdout(&host.roost(&["cluster", "init", "--no-start"]).await);
    assert_eq!(host.read("consul/consul.pem"), certificate, "what is done is left alone");

    let report = json(&host.roost(&["cluster", "status", "--json"]).await);
    for agent in ["consul", "nomad"] {
        let agent = &report[agent];
        assert_eq!(
            (&agent["acl"], &agent["problems"]),
            (&"token_accepted".into(), &Value::Array(Vec::new())),
            "{agent}"
        );
        assert_eq!(agent["peers"].as_array().map(Vec::len), Some(1));
        assert!(agent["leader"].is_string() && agent["version"].as_str().is_some_and(|it| it.contains('.')), "{agent}");
    }
    assert_eq!(report["own"]["is_closed"], true);
    let secrets: serde_json::Map<String, Value> = serde_json::from_str(&host.read("secrets.json")).unwrap();
    let mode = fs::metadata(host.path("data/cluster/secrets.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let shown = format!("{report}{said}{}", host.read("cluster.json"));
    for (name, secret) in &secrets {
        assert!(!shown.contains(secret.as_str().unwrap()), "{name}");
    }

    let found = json(&host.roost(&["cluster", "find", "consul", "--json"]).await);
    assert_eq!((&found[0]["address"], &found[0]["port"]), (&"127.0.0.1".into(), &8300.into()), "{found}");
    assert!(failed(&host.roost(&["cluster", "find", "nobody"]).await, 5).contains("nobody"));

    the_daemon_keeps_it(&mut host).await;
    an_agent_that_died_is_told_of(&mut host).await;
}

async fn the_daemon_keeps_it(host: &mut Host) {
    host.types(&format!("{ROOST} serve"));
    let parts = async || {
        let output = host.roost(&["status", "--json"]).await;
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        status["parts"].as_array()?.iter().find(|part| part["name"] == "cluster/keeper").cloned()
    };
    assert_eq!(eventually(parts).await["ready"], true);
}

/// Consul's line says so and what to do, Nomad's is as it was.
async fn an_agent_that_died_is_told_of(host: &mut Host) {
    host.running[0].kill().unwrap();
    host.running[0].wait().unwrap();
    let output = host.roost(&["cluster", "status", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let problem = &report["consul"]["problems"][0];
    assert!(problem["cause"].as_str().unwrap().contains("cannot be reached"), "{problem}");
    assert!(problem["next"].as_str().unwrap().contains("consul agent"), "{problem}");
    assert_eq!(report["nomad"]["problems"], Value::Array(Vec::new()));
}

/// The same command again, as its own hint says, until the agents it needs have come up.
async fn until_up(host: &Host) -> Output {
    let closed = async || {
        let output = host.roost(&["cluster", "init", "--no-start"]).await;
        String::from_utf8_lossy(&output.stdout).contains("closed").then_some(output)
    };
    eventually(closed).await
}

async fn eventually<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(2 * MINUTE, poll).await.expect("within two minutes")
}
