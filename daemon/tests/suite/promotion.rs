//! A node becomes a server and a client again, by the shipped roles, while the daemon ends after each single step.
//!
//! The machine is that of `roles.rs`, the first server and the part that promotes are real. The runs are the test's: the
//! lifecycle that orders them otherwise is told of no machine here.

use std::{
    fs,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use daemon::{
    cluster::{
        Door,
        promoter::{Fleet, Progress, Promoter, raft},
        servers::{Peer, Phase, RunStanding, Server},
    },
    config::{self, Config},
};
use jobs::{
    Query,
    bootstrap::{As, Clients},
};
use serde_json::{Value, json};
use tasks::{Clock as _, SystemClock};
use vocabulary::{NodeId, Reason, RunId};

use super::roles::{Machine, NODE, Servers, lay_down, until};

/// Runs as their order asks for them, after the one that made the machine a client; and what the timeline is told.
struct Runs {
    runs: Mutex<Vec<(RunId, RunStanding)>>,
    told: Mutex<Vec<String>>,
}

#[async_trait]
impl Fleet for Runs {
    async fn last_run(&self, _: &NodeId) -> Result<Option<(RunId, RunStanding)>, Reason> {
        Ok(self.runs.lock().unwrap().last().cloned())
    }

    async fn configure(&self, _: &NodeId, _: &str) -> Result<RunId, Reason> {
        let mut runs = self.runs.lock().unwrap();
        let run = RunId(u64::try_from(runs.len()).unwrap() + 1);
        runs.push((run, RunStanding::Going));
        Ok(run)
    }

    async fn tell(&self, _: &NodeId, line: String) {
        self.told.lock().unwrap().push(line);
    }
}

impl Runs {
    fn new() -> Self {
        Self { runs: Mutex::new(vec![(RunId(1), RunStanding::Succeeded)]), told: Mutex::default() }
    }

    fn asked(&self) -> Option<RunId> {
        let runs = self.runs.lock().unwrap();
        runs.last().filter(|(_, standing)| *standing == RunStanding::Going).map(|(run, _)| *run)
    }

    fn ended(&self) {
        self.runs.lock().unwrap().last_mut().unwrap().1 = RunStanding::Succeeded;
    }
}

fn node() -> NodeId {
    NodeId::of(NODE)
}

/// What `roost cluster init` would have kept of these servers.
fn keep(servers: &Servers) -> Config {
    let data = servers.owner.dir().join("data");
    for agent in ["consul", "nomad"] {
        fs::create_dir_all(data.join("cluster").join(agent)).unwrap();
    }
    let facts = servers.cluster.facts();
    let state = json!({"facts": facts, "server": "control", "started_by": "hand", "is_closed": true,
        "certificates_expire_at": null});
    fs::write(data.join("cluster/cluster.json"), state.to_string()).unwrap();
    fs::write(data.join("cluster/secrets.json"), servers.cluster.secrets().to_json().expose()).unwrap();
    let text = format!("data_dir = {data:?}\n[cluster]\nmode = \"own\"\nadvertise = \"{}\"\n", facts.advertise);
    config::parse(&text, &|_| None).unwrap()
}

async fn order(config: &Config, change: impl FnOnce(&mut Vec<Server>) + Send) {
    Door::open(config, &SystemClock).unwrap().change_servers(SystemClock.now(), change).await.unwrap();
}

fn kept(config: &Config) -> Vec<Server> {
    Door::open(config, &SystemClock).unwrap().servers()
}

/// Each turn is another daemon's: what the one before knew beyond what it kept is gone with it.
async fn until_settled(config: &Config, runs: &Arc<Runs>, machine: &mut Machine) {
    until("nothing is under way", async || {
        let door = Door::open(config, &SystemClock).unwrap();
        let promoter = Promoter {
            door: door.clone(),
            fleet: Arc::clone(runs),
            clock: Arc::new(SystemClock),
            nudge: Arc::default(),
            progress: Progress::default(),
        };
        promoter.turn().await;
        if let Some(run) = runs.asked() {
            let kit = door.own().unwrap().mint_as(SystemClock.now(), &node(), door.role(&node())).await.unwrap();
            lay_down(&machine.shared, &kit);
            machine.configure(&format!("run-{run}")).await;
            runs.ended();
        }
        kept(config).iter().all(|server| server.phase == Phase::Serving)
    })
    .await;
}

fn names(peers: &[Peer]) -> Vec<&str> {
    let mut names: Vec<&str> = peers.iter().filter(|peer| peer.is_voter).map(|peer| peer.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// Nomad's client of the machine: it is the same one all the time, and takes work.
async fn is_the_client(clients: &Clients, id: &str) {
    until("its client is ready", async || {
        let listed = clients.nomad.nodes(&Query::default()).await.map(|listed| listed.value).unwrap_or_default();
        listed.len() == 1 && (listed[0].id.as_str(), listed[0].status.as_str()) == (id, "ready")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_becomes_a_server_and_a_client_again_though_the_daemon_ends_after_every_step() {
    crate::api::provider();
    let servers = Servers::start().await;
    let mut machine = Machine::boot(servers.owner.dir());
    lay_down(&machine.shared, &servers.mint().await);
    machine.configure("client").await;
    let client = machine.read("client-id");
    let (config, runs) = (keep(&servers), Arc::new(Runs::new()));
    let clients = servers.clients(As::Management);

    let joining = Server {
        node: node(),
        address: "127.0.0.1".parse().unwrap(),
        phase: Phase::Joining,
        by: "ann".into(),
        since: SystemClock.now(),
        run: None,
    };
    order(&config, |servers| servers.push(joining)).await;
    until_settled(&config, &runs, &mut machine).await;
    let seen = raft(&clients, "global").await.unwrap();
    let own = node().to_string();
    let both = vec!["control", own.as_str()];
    assert_eq!((names(&seen.consul), names(&seen.nomad)), (both.clone(), both));
    is_the_client(&clients, &client).await;
    let first = fs::read_to_string(config.data_dir.join("cluster/consul/consul.json")).unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["retry_join"].as_array().unwrap().len(), 2, "it learns of the other at its next start");
    assert_eq!(runs.runs.lock().unwrap().len(), 2, "one run was enough");

    order(&config, |servers| servers[0].phase = Phase::Leaving).await;
    until_settled(&config, &runs, &mut machine).await;
    assert_eq!(kept(&config), []);
    let alone = async || {
        let seen = raft(&clients, "global").await.unwrap_or_default();
        (seen.consul.len(), seen.nomad.len()) == (1, 1)
    };
    until("the first server is alone", alone).await;
    assert!(clients.consul.leader().await.unwrap().is_some() && clients.nomad.leader().await.unwrap().is_some());
    is_the_client(&clients, &client).await;
    for left in ["disk/consul/raft", "disk/nomad/server"] {
        assert!(!machine.shared.join(left).exists(), "{left} would be a server's memory of long ago");
    }
    let is_client = async || {
        let members = clients.consul.members().await.unwrap_or_default();
        members.iter().any(|member| member.name == own && member.status == 1)
    };
    until("it is alive in gossip", is_client).await;
    let told = runs.told.lock().unwrap().join("; ");
    assert!(
        told.contains("is a server of the cluster") && told.contains("no server of the cluster any more"),
        "{told}"
    );
}
