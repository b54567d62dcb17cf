//! A node with what it was given: it joins, and can do nothing else. Everything here is asked with the credentials that
//! whoever takes the machine over would find on it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ::jobs::{
    Query,
    bootstrap::{As, Clients, Entitlements, NodeKit},
    consul::{Cas, Catalog as _, KeyValue as _, Only},
    nomad::{Job, JobId, Over, Purge, Variable},
};
use lab::agents::Kind;
use serde_json::{Value, json};
use tasks::{Clock as _, SystemClock};
use tokio::sync::OnceCell;
use vocabulary::{NodeId, Secret};

use crate::{
    closed::{Caller, Rack, Running, SERVER, Said, node, rack, written},
    support::{eventually, script},
};

/// For a busy host.
const MINUTE: Duration = Duration::from_secs(60);

/// A machine that joined with its kit.
struct Machine {
    rack: &'static Rack,
    kit: NodeKit,
    dir: PathBuf,
    _agents: [Running; 2],
}

/// The machine that nobody breaks.
async fn machine() -> &'static Machine {
    static SHARED: OnceCell<Machine> = OnceCell::const_new();
    SHARED.get_or_init(|| async { Machine::start(rack().await, node(7)).await }).await
}

fn of(kit: &NodeKit, name: &str) -> Secret<String> {
    kit.files.iter().find(|(file, _)| *file == name).unwrap().1.clone()
}

/// As the roles lay it down: what is public and what is secret in two files that the agent merges.
fn lay_down(rack: &Rack, kit: &NodeKit, dir: &Path, name: &str) -> [Vec<PathBuf>; 2] {
    for (file, text) in &kit.files {
        written(dir, file, text.expose());
    }
    written(&dir.join("nomad/client"), "intro_token.jwt", of(kit, "nomad-intro-token").expose());
    let mut consul = kit.variables["consul_config"].clone();
    let mut nomad = kit.variables["nomad_config"].clone();
    rack.beside(&mut consul);
    rack.beside_nomad(&mut nomad, &consul);
    for (config, agent) in [(&mut consul, "consul"), (&mut nomad, "nomad")] {
        config["data_dir"] = json!(dir.join(agent));
        // The paths of a node, in this machine's folder.
        let moved = config.to_string().replace("/etc/consul.d", &dir.display().to_string());
        *config = serde_json::from_str(&moved.replace("/etc/nomad.d", &dir.display().to_string())).unwrap();
    }
    consul["node_name"] = json!(name);
    nomad["name"] = json!(name);
    let gossip = of(kit, "consul-gossip");
    let secrets =
        json!({"encrypt": gossip.expose(), "acl": {"tokens": {"agent": of(kit, "consul-agent-token").expose()}}});
    let token = json!({"consul": {"token": of(kit, "nomad-consul-token").expose()}});
    [
        vec![
            written(dir, "consul.json", &consul.to_string()),
            written(dir, "consul-secrets.json", &secrets.to_string()),
        ],
        vec![written(dir, "nomad.json", &nomad.to_string()), written(dir, "nomad-secrets.json", &token.to_string())],
    ]
}

impl Machine {
    async fn start(rack: &'static Rack, id: NodeId) -> Self {
        let kit =
            rack.shared().mint(SystemClock.now(), &id).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
        let dir = rack.dir().join(id.to_string());
        let [consul, mut nomad] = lay_down(rack, &kit, &dir, &id.to_string());
        // No container runs in a test; what shipped nodes have off is on here.
        let driver = json!({"plugin": [{"raw_exec": {"config": {"enabled": true}}}]});
        nomad.push(written(&dir, "nomad-test.json", &driver.to_string()));
        let agents = [Running::start(Kind::Consul, &dir, &consul), Running::start(Kind::Nomad, &dir, &nomad)];
        Self { rack, kit, dir, _agents: agents }
    }

    fn all(&self) -> Clients {
        self.rack.shared().clients(As::Management, SystemClock.now()).unwrap()
    }

    async fn joined(&self) {
        let (all, name) = (self.all(), self.kit.node.to_string());
        let query = Query::default();
        let known = async || all.consul.nodes(&query).await.ok()?.value.into_iter().find(|node| node.node == name);
        eventually("Consul's catalog has the node", known).await;
        let healthy = async || {
            let checks = all.consul.node_checks(&name, &query).await.ok()?.value;
            checks.into_iter().find(|check| check.check_id == "serfHealth" && check.status == "passing")
        };
        eventually("its serf health passes", healthy).await;
        let ready = async || {
            let nodes = all.nomad.nodes(&query).await.ok()?.value;
            nodes.into_iter().find(|node| node.name == name && node.status == "ready")
        };
        eventually("its Nomad node is ready", ready).await;
    }

    /// With the machine's certificate and this header, at the servers.
    async fn asks(&self, method: &str, url: &str, header: &str, body: &Value) -> Said {
        let agent = if url.contains(&self.rack.facts().consul_url()) { "consul" } else { "nomad" };
        let caller = Caller { folder: self.dir.clone(), certificate: Some(agent) };
        let body = body.to_string();
        let more = ["--request", method, "--header", header, "--data", &body];
        caller.curl(url, if method == "GET" { &more[..4] } else { &more }).await
    }

    async fn asks_consul(&self, method: &str, path: &str, token: &str, body: &Value) -> Said {
        let header = format!("X-Consul-Token: {}", of(&self.kit, token).expose());
        self.asks(method, &format!("{}{path}", self.rack.facts().consul_url()), &header, body).await
    }

    /// As the node that it is: Nomad's clients have a secret of their own.
    async fn asks_nomad(&self, method: &str, path: &str, body: &Value) -> Said {
        let secret = std::fs::read_to_string(self.dir.join("nomad/client/secret-id")).unwrap();
        let header = format!("X-Nomad-Token: {}", secret.trim());
        self.asks(method, &format!("{}{path}", self.rack.facts().nomad_url()), &header, body).await
    }
}

#[tokio::test]
async fn a_node_joins_both_with_its_kit_alone() {
    machine().await.joined().await;
}

#[tokio::test]
async fn a_node_reads_nobodys_keys() {
    let machine = machine().await;
    machine.joined().await;
    machine.all().consul.write("roost/others", "s3cret", Cas::Any).await.unwrap();
    for token in ["consul-agent-token", "nomad-consul-token"] {
        for path in ["/v1/kv/roost/others", "/v1/kv/roost/others?raw"] {
            let said = machine.asks_consul("GET", path, token, &Value::Null).await;
            assert_eq!(said.status, Some(403), "{token} {said:?}");
        }
        let said = machine.asks_consul("PUT", "/v1/kv/roost/others", token, &json!("mine")).await;
        assert_eq!(said.status, Some(403), "{token} {said:?}");
        let said = machine.asks_consul("GET", "/v1/acl/tokens", token, &Value::Null).await;
        assert_eq!(said.status, Some(403), "{token} {said:?}");
    }
}

#[tokio::test]
async fn a_node_reads_no_variable_and_submits_no_job() {
    let machine = machine().await;
    machine.joined().await;
    let variable = Variable::new("nomad/jobs/web", [("password".to_owned(), Secret::new("s3cret".to_owned()))]);
    machine.all().nomad.write_variable(&variable, Over::Whatever).await.unwrap();
    let job = json!({"Job": script("mine", "batch", "true")});
    for (method, path, body) in [
        ("GET", "/v1/var/nomad/jobs/web", &Value::Null),
        ("GET", "/v1/vars", &Value::Null),
        ("PUT", "/v1/jobs", &job),
        ("GET", "/v1/acl/tokens", &Value::Null),
        ("PUT", "/v1/acl/identity/client-introduction-token", &json!({"NodeName": "another"})),
    ] {
        let said = machine.asks_nomad(method, path, body).await;
        assert!(!said.body.contains("s3cret"), "{path}");
        assert!(said.status == Some(403) || (path == "/v1/vars" && said.body == "[]"), "{path} {said:?}");
    }
}

#[tokio::test]
async fn a_node_registers_neither_another_node_nor_services_of_it_nor_of_itself() {
    let machine = machine().await;
    machine.joined().await;
    let own = machine.kit.node.to_string();
    let service = json!({"Service": "expert-mine", "Port": 80});
    for body in [
        json!({"Node": "node-525400123408", "Address": "10.0.0.8"}),
        json!({"Node": SERVER, "Address": "10.0.0.8", "Service": service}),
        json!({"Node": SERVER, "Address": "10.0.0.8", "SkipNodeUpdate": true, "Service": service}),
        json!({"Node": own, "Address": "10.0.0.7", "SkipNodeUpdate": true, "Service": service}),
    ] {
        for token in ["consul-agent-token", "nomad-consul-token"] {
            let said = machine.asks_consul("PUT", "/v1/catalog/register", token, &body).await;
            assert_eq!(said.status, Some(403), "{token} {body} {said:?}");
        }
    }
    let gone = json!({"Node": SERVER});
    let said = machine.asks_consul("PUT", "/v1/catalog/deregister", "consul-agent-token", &gone).await;
    assert_eq!(said.status, Some(403), "{said:?}");
}

#[tokio::test]
async fn a_jobs_service_is_registered_by_what_the_job_is() {
    let machine = machine().await;
    machine.joined().await;
    let mut job = serde_json::to_value(script("web", "service", "sleep 600")).unwrap();
    let group = &mut job["TaskGroups"][0];
    group["Networks"] = json!([{"Mode": "host", "DynamicPorts": [{"Label": "http"}]}]);
    group["Services"] = json!([{"Name": "web", "PortLabel": "http", "Provider": "consul"}]);
    let all = machine.all();
    all.nomad.register(&Job::from_json(job).unwrap(), Over::Whatever).await.unwrap();
    let found = async || all.consul.instances("web", Only::All, &Query::default()).await.ok()?.value.pop();
    let found = eventually("Consul has the service", found).await;
    assert_eq!(found.node, machine.kit.node.to_string());
    // Its node may take it away, and with the same token put nothing else anywhere.
    let mut entitlements = Entitlements::default();
    assert!(entitlements.settle(&all.consul).await.unwrap() > 0);
    // Other tests' services come and go in the same Consul.
    eventually("one question is enough while nothing came or went", async || {
        let asked = all.consul.requests();
        let written = entitlements.settle(&all.consul).await.unwrap();
        (written == 0 && all.consul.requests() - asked == 1).then_some(())
    })
    .await;
    let other = json!({"Node": SERVER, "SkipNodeUpdate": true, "Address": "10.0.0.8", "Service": {"Service": "db"}});
    let said = machine.asks_consul("PUT", "/v1/catalog/register", "nomad-consul-token", &other).await;
    assert_eq!(said.status, Some(403), "{said:?}");
    all.nomad.stop(&JobId::new("web"), Purge::Forget).await.unwrap();
    let gone = async || {
        let left = all.consul.instances("web", Only::All, &Query::default()).await.ok()?.value;
        left.is_empty().then_some(())
    };
    eventually("the service is gone with its job", gone).await;
    assert!(entitlements.settle(&all.consul).await.unwrap() > 0, "and with it the right to it");
}

#[tokio::test]
async fn a_node_cannot_register_as_another_in_nomad() {
    let machine = machine().await;
    machine.joined().await;
    // Its certificates, and an introduction of its own that nobody used yet.
    let kit = machine.rack.shared().mint(SystemClock.now(), &machine.kit.node).await.unwrap();
    let dir = machine.rack.dir().join("another");
    let [_, nomad] = lay_down(machine.rack, &kit, &dir, "node-525400123409");
    let another = Running::start(Kind::Nomad, &dir, &nomad);
    another.until_logged("permission denied", MINUTE).await;
    let nodes = machine.all().nomad.nodes(&Query::default()).await.unwrap().value;
    assert!(nodes.iter().all(|node| node.name != "node-525400123409"));
}

#[tokio::test]
async fn a_nodes_certificate_serves_nobody() {
    // A rack of its own: whoever pretends to be a server disturbs the others' gossip.
    let mut rack = Rack::start().await;
    rack.bootstrap().await;
    let all = rack.shared().clients(As::Management, SystemClock.now()).unwrap();
    let nomad_peers = all.nomad.peers().await.unwrap();
    all.consul.write("roost/others", "s3cret", Cas::Any).await.unwrap();
    let kit = rack.shared().mint(SystemClock.now(), &node(7)).await.unwrap();
    let dir = rack.dir().join("pretender");
    let [consul, nomad] = lay_down(&rack, &kit, &dir, "node-525400123407");
    let server = written(&dir, "consul-server.json", &json!({"server": true}).to_string());
    let consul = Running::start(Kind::Consul, &dir, &[consul, vec![server]].concat());
    // Nomad's gossip has a key that no node is given, so a pretender is not even heard.
    let join = json!({"retry_join": [SocketAddr::new(rack.facts().advertise, rack.facts().ports.nomad_serf)]});
    let server = json!({"enabled": true, "server_join": join, "encrypt": of(&kit, "consul-gossip").expose()});
    let server = json!({"server": server, "client": {"enabled": false}});
    let server = written(&dir, "nomad-server.json", &server.to_string());
    let nomad = Running::start(Kind::Nomad, &dir, &[nomad, vec![server]].concat());
    nomad.until_logged("join failed", MINUTE).await;
    // Consul's gossip is every node's, so the pretender is heard, called back, and shows what it is.
    consul.until_logged("server.dc1.consul", MINUTE).await;
    rack.consul_agent().until_logged("not server.dc1.consul", MINUTE).await;
    rack.consul_agent().until_logged("member=node-525400123407", MINUTE).await;
    assert_eq!(all.nomad.peers().await.unwrap(), nomad_peers);
    // It is listed, and that is all: no vote, since nobody may call it healthy, and not one entry of the log.
    let caller = Caller { folder: dir.clone(), certificate: Some("consul") };
    let management = format!("X-Consul-Token: {}", rack.shared().secrets().consul_management.expose());
    let asks = async |url: String| caller.curl(&url, &["--header", &management]).await;
    let judged = async || {
        // With 429 while any server is ill, as Consul has it.
        let said = asks(format!("{}/v1/operator/autopilot/health", rack.facts().consul_url())).await;
        let health: Value = serde_json::from_str(&said.body).ok()?;
        health["Servers"].as_array()?.iter().find(|server| server["Name"] == "node-525400123407").cloned()
    };
    let judged = eventually("autopilot judges it", judged).await;
    assert_eq!((&judged["Healthy"], &judged["Voter"]), (&json!(false), &json!(false)), "{judged}");
    let said = asks(format!("https://{}/v1/kv/roost/others?stale&raw", consul_http(&dir))).await;
    assert!(said.status.is_some() && !said.body.contains("s3cret"), "{said:?}");
    assert_eq!(all.consul.read("roost/others").await.unwrap().unwrap().value, "s3cret");
}

/// Where the agent of this folder answers.
fn consul_http(dir: &Path) -> String {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(dir.join("consul.json")).unwrap()).unwrap();
    format!("{}:{}", file["addresses"]["https"].as_str().unwrap(), file["ports"]["https"])
}
