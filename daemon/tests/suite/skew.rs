//! A clock that is outside a certificate's validity: what the node's own look says, and what `roost cluster status` does.
//!
//! No clock is set for it: a certificate that begins the day after tomorrow is to a clock that is right what one of today
//! is to a clock that is two days behind.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use daemon::cluster::status;
use jobs::bootstrap::{As, Cluster, Facts, Ports, Secrets, ServerPlaces, agents::Place};
use lab::agents::{Kind, Owner, address, find_binary};
use serde_json::{Value, json};
use tasks::{Clock as _, SystemClock};
use vocabulary::Timestamp;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const PATIENCE: Duration = Duration::from_secs(60);

/// A Consul agent that ends with it.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn port() -> u16 {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port()
}

fn cluster() -> Cluster {
    let [consul_https, consul_server, consul_serf] = [port(), port(), port()];
    let [nomad_http, nomad_rpc, nomad_serf] = [port(), port(), port()];
    let facts = Facts {
        datacenter: "dc1".parse().unwrap(),
        region: "global".parse().unwrap(),
        advertise: IpAddr::V4(address()),
        http: IpAddr::V4(Ipv4Addr::LOCALHOST),
        others: Vec::new(),
        certificate_lifetime: HOUR,
        ports: Ports { consul_https, consul_server, consul_serf, nomad_http, nomad_rpc, nomad_serf },
    };
    Cluster::new(facts, Secrets::random().unwrap()).unwrap()
}

/// Starts it with certificates that were made then.
async fn start(cluster: &Cluster, dir: &Path, made: Timestamp) -> Agent {
    let place = |name: &str| Place { name: "control".into(), certificates: dir.into(), data: dir.join(name) };
    let places = ServerPlaces { consul: place("consul"), nomad: place("nomad") };
    for (name, text) in cluster.server_files(made, &places).unwrap().consul {
        fs::write(dir.join(name), text.expose()).unwrap();
    }
    let log = fs::File::create(dir.join("consul.log")).unwrap();
    let mut command = Command::new(find_binary(Kind::Consul).unwrap());
    command.arg("agent").arg(format!("-config-file={}", dir.join("consul.json").display()));
    command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
    let agent = Agent(command.spawn().unwrap());
    let port = cluster.facts().ports.consul_https;
    let listens = async {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let log = || fs::read_to_string(dir.join("consul.log")).unwrap_or_default();
    assert!(tokio::time::timeout(PATIENCE, listens).await.is_ok(), "{}", log());
    agent
}

/// As role `bootstrap_agent` looks at it: what is said of Consul.
fn looked_at(cluster: &Cluster, dir: &Path) -> Value {
    let look = include_str!("../../../ansible/roles/bootstrap_agent/files/verify.py");
    fs::write(dir.join("secrets.json"), json!({"acl": {"tokens": {"agent": "none"}}}).to_string()).unwrap();
    let file = |name: &str| dir.join(name);
    let files = json!({"ca_file": file("ca.pem"), "cert_file": file("consul.pem"), "key_file": file("consul-key.pem")});
    let consul = json!({"node_name": "control", "ports": {"https": cluster.facts().ports.consul_https},
        "tls": {"defaults": files}});
    let wanted = json!({"hostname": "", "sysctl": {}, "docker": false, "consul": consul, "nomad": {}, "join_s": 0,
        "clock_s": 60, "now": SystemClock.now().as_second()});
    let output = Command::new("python3").args(["-I", "-c", look]).arg(wanted.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let promises: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    promises.into_iter().find(|promise| promise["name"] == "Consul is a member of the cluster").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_out_of_time_is_told_with_the_clock_that_says_so() {
    crate::api::provider();
    let now = SystemClock.now();
    let (later, earlier) = (now.saturating_add(2 * DAY).unwrap(), now.saturating_sub(2 * HOUR).unwrap());
    for (made, on_the_node, to_the_daemon) in
        [(later, "certificate is not yet valid", "not valid yet"), (earlier, "certificate has expired", "expired")]
    {
        let owner = Owner::of_new_directory().unwrap();
        let cluster = cluster();
        let _agent = start(&cluster, owner.dir(), made).await;
        let promise = looked_at(&cluster, owner.dir());
        let detail = promise["detail"].as_str().unwrap();
        assert_eq!(promise["kept"], false, "{detail}");
        assert!(detail.contains(on_the_node) && detail.contains("This machine's clock says 20"), "{detail}");

        let clients = cluster.clients(As::Nobody, now).unwrap();
        let report = status::consul(&clients, "systemctl status consul").await;
        let [problem] = &report.problems[..] else { panic!("{report:?}") };
        assert!(problem.cause.to_lowercase().contains(to_the_daemon), "{}", problem.cause);
        assert!(problem.next.contains("clock") && problem.next.contains("systemctl status consul"), "{}", problem.next);
    }
}
