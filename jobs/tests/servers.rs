//! Three servers of each kind, from the files that Roost writes: nodes get votes, the leader dies in the middle of a call,
//! and at last two of three are gone for good.
//!
//! Each server has a loopback address of its own and the same ports, as on a rack.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use ::jobs::{
    CallError, Query,
    bootstrap::{As, Clients, Cluster, Facts, NodeKit, Role},
    consul::{Cas, Catalog as _, KeyValue as _},
    nomad::{JobId, Over, RegisterError},
};
use lab::agents::{Kind, address};
use serde_json::{Value, json};
use tasks::{Clock as _, SystemClock};
use vocabulary::NodeId;

use crate::{
    closed::{Rack, Running, node, written},
    support::{eventually, script},
};

/// A node that serves.
struct Server {
    id: NodeId,
    address: IpAddr,
    dir: PathBuf,
    files: [Vec<PathBuf>; 2],
    agents: [Running; 2],
}

/// Beside the address of this process, on which the first server is.
fn beside(which: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(u32::from(address()) ^ (which << 22)))
}

fn file(kit: &NodeKit, name: &str) -> String {
    kit.files.iter().find(|(file, _)| *file == name).unwrap().1.expose().clone()
}

impl Server {
    /// With its kit laid down as the roles do it, but for what shares this machine's 127.0.0.1.
    async fn start(rack: &Rack, cluster: &Cluster, id: NodeId, at: IpAddr) -> Self {
        let kit = cluster.mint_as(SystemClock.now(), &id, Role::Server(at)).await;
        let kit = kit.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
        let dir = rack.dir().join(id.to_string());
        for (name, text) in &kit.files {
            written(&dir, name, text.expose());
        }
        let here = |config: &Value, agent: &str| -> Value {
            let text = config.to_string().replace(&format!("/etc/{agent}.d"), &dir.display().to_string());
            let mut config: Value = serde_json::from_str(&text).unwrap();
            config["data_dir"] = json!(dir.join(agent));
            config["bind_addr"] = json!(at);
            config
        };
        let mut consul = here(&kit.variables["consul_config"], "consul");
        assert_eq!(consul["addresses"]["https"], format!("127.0.0.1 {at}"));
        consul["addresses"]["https"] = json!(at);
        consul["advertise_addr"] = json!(at);
        let mut nomad = here(&kit.variables["nomad_config"], "nomad");
        let ports = cluster.facts().ports;
        nomad["addresses"]["http"] = json!(at);
        nomad["advertise"] = json!({"http": at, "rpc": at, "serf": at});
        nomad["client"]["enabled"] = json!(false);
        nomad["consul"]["address"] = json!(format!("{at}:{}", ports.consul_https));
        let agent = file(&kit, "consul-agent-token");
        let consul_secrets = json!({"encrypt": file(&kit, "consul-gossip"), "acl": {"tokens": {"agent": agent}}});
        let gossip = file(&kit, "nomad-gossip");
        let nomad_secrets =
            json!({"consul": {"token": file(&kit, "nomad-consul-token")}, "server": {"encrypt": gossip}});
        let lay = |name: &str, value: &Value| written(&dir, name, &value.to_string());
        let files = [
            vec![lay("consul.json", &consul), lay("consul-secrets.json", &consul_secrets)],
            vec![lay("nomad.json", &nomad), lay("nomad-secrets.json", &nomad_secrets)],
        ];
        let agents = [Running::start(Kind::Consul, &dir, &files[0]), Running::start(Kind::Nomad, &dir, &files[1])];
        Self { id, address: at, dir, files, agents }
    }

    fn kill(&mut self) {
        self.agents.iter_mut().for_each(Running::kill);
    }

    fn again(&mut self) {
        self.agents = [
            Running::start(Kind::Consul, &self.dir, &self.files[0]),
            Running::start(Kind::Nomad, &self.dir, &self.files[1]),
        ];
    }
}

/// Names of those that have a vote in both.
async fn voters(all: &Clients) -> Option<(Vec<String>, Vec<String>)> {
    let (consul, nomad) = tokio::join!(all.consul.autopilot_health(), all.nomad.autopilot_health());
    let consul = consul.ok()?.servers.unwrap_or_default().into_iter().filter(|one| one.voter).map(|one| one.name);
    let nomad = nomad.ok()?.servers.unwrap_or_default().into_iter().filter(|one| one.voter).map(|one| one.name);
    Some((consul.collect(), nomad.collect()))
}

async fn three_votes(all: &Clients) {
    let three = async || voters(all).await.filter(|(consul, nomad)| (consul.len(), nomad.len()) == (3, 3));
    eventually("three votes in both", three).await;
}

#[tokio::test]
async fn three_servers_outlive_their_leader_and_one_is_brought_back_alone() {
    let mut rack = Rack::start().await;
    rack.bootstrap().await;
    let others = vec![beside(2), beside(3)];
    let facts = Facts { others: others.clone(), ..rack.facts().clone() };
    let cluster = Cluster::new(facts, rack.shared().secrets().clone()).unwrap();
    let (mut second, mut third) = tokio::join!(
        Server::start(&rack, &cluster, node(0x21), others[0]),
        Server::start(&rack, &cluster, node(0x22), others[1]),
    );
    let all = cluster.clients(As::Management, SystemClock.now()).unwrap();
    three_votes(&all).await;
    let healthy = async || {
        let (consul, nomad) = tokio::join!(all.consul.autopilot_health(), all.nomad.autopilot_health());
        (consul.ok()?.healthy && nomad.ok()?.healthy).then_some(())
    };
    eventually("both are well", healthy).await;

    the_leader_dies_in_the_middle_of_a_call(&mut rack, &cluster).await;
    // What others must have from the servers: an introduction is signed by keys that came to them from the dead leader.
    let joins = async || cluster.mint(SystemClock.now(), &node(0x23)).await.ok();
    eventually("nodes are let in", joins).await;

    second.kill();
    let leaderless = async || {
        let stale = all.consul.leader().await.is_ok_and(|leader| leader.is_none());
        (stale && all.nomad.leader().await.is_ok_and(|leader| leader.is_none())).then_some(())
    };
    eventually("one of three leads nobody", leaderless).await;
    brought_back_alone(&mut third, &cluster).await;
    let kept = async || all.consul.read("roost/kept").await.ok()?;
    assert_eq!(eventually("what was written is there", kept).await.value, "through another");
    let job = async || all.nomad.job(&JobId::new("once"), &Query::default()).await.ok();
    assert_eq!(eventually("the job is there", job).await.value.version(), 0, "registered once");
}

/// The first server leads, and the daemon's clients ask it: they go on through another.
async fn the_leader_dies_in_the_middle_of_a_call(rack: &mut Rack, cluster: &Cluster) {
    let Clients { consul, nomad, .. } = cluster.clients(As::Daemon, SystemClock.now()).unwrap();
    let first = rack.facts().advertise.to_string();
    assert!(consul.leader().await.unwrap().unwrap().starts_with(&first), "who was first leads");
    let index = consul.nodes(&Query::default()).await.unwrap().index;
    let waiting = Query::newer_than(index).waiting(Duration::from_secs(5));
    let (looked, ()) = tokio::join!(consul.nodes(&waiting), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        rack.kill_server();
    });
    // It is looked again elsewhere; there they may be without a leader for a moment.
    assert!(looked.as_ref().map_or_else(CallError::is_transient, |_| true), "{looked:?}");

    let (before, job) = ((consul.requests(), nomad.requests()), script("once", "batch", "true"));
    let register = async || match nomad.register(&job, Over::Nothing).await {
        Ok(_) | Err(RegisterError::Conflict { .. }) => Some(()),
        Err(RegisterError::Call(error)) if error.is_transient() => None,
        Err(error) => panic!("{error:?}"),
    };
    eventually("a job goes in through another", register).await;
    let write = async || consul.write("roost/kept", "through another", Cas::Any).await.ok();
    eventually("a key goes in through another", write).await;
    let asked = (consul.requests() - before.0) + (nomad.requests() - before.1);
    assert!(asked < 1200, "{asked} requests while nobody led");

    // Both say with an error status that they are ill, and the answer is an answer.
    let ill = async || {
        let (consul, nomad) = tokio::join!(consul.autopilot_health(), nomad.autopilot_health());
        let (consul, nomad) = (consul.unwrap_or_default(), nomad.unwrap_or_default());
        let dead = |healthy: bool, servers: usize| !healthy && servers > 0;
        let consul = dead(consul.healthy, consul.servers.unwrap_or_default().len());
        (consul && dead(nomad.healthy, nomad.servers.unwrap_or_default().len())).then_some(())
    };
    eventually("autopilot finds one of three dead", ill).await;
}

/// As docs/operations/cluster.md has it: the last one is told that it is alone, and starts.
async fn brought_back_alone(last: &mut Server, cluster: &Cluster) {
    last.kill();
    let ports = cluster.facts().ports;
    let id = std::fs::read_to_string(last.dir.join("consul/node-id")).unwrap();
    let nomad_id = std::fs::read_to_string(last.dir.join("nomad/server/node-id")).unwrap();
    for (raft, id, port) in [("consul/raft", id, ports.consul_server), ("nomad/server/raft", nomad_id, ports.nomad_rpc)]
    {
        let alone = json!([{"id": id.trim(), "address": format!("{}:{port}", last.address), "non_voter": false}]);
        written(&last.dir.join(raft), "peers.json", &alone.to_string());
    }
    last.again();
    let all = cluster.clients(As::Management, SystemClock.now()).unwrap();
    let leads = async || {
        let (consul, nomad) = tokio::join!(all.consul.leader(), all.nomad.leader());
        let own = |leader: Option<String>| leader.filter(|leader| leader.starts_with(&last.address.to_string()));
        own(consul.ok()?).and(own(nomad.ok()?))
    };
    eventually("the last one leads", leads).await;
    let (consul, nomad) = eventually("it is alone", async || voters(&all).await).await;
    assert_eq!((consul, nomad), (vec![last.id.to_string()], vec![format!("{}.global", last.id)]));
}
