//! Real agents started from the very files that Roost writes, on the address of this process.

use std::{
    fs::{self, OpenOptions},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use ::jobs::bootstrap::{
    As, Cluster, Facts, Ports, Secrets, ServerPlaces,
    agents::{self, Place},
};
use lab::agents::{Kind, Owner, address, find_binary};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};
use tasks::{Clock as _, SystemClock};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::OnceCell,
};
use tokio_rustls::TlsConnector;
use vocabulary::{Mac, NodeId};

use crate::support::eventually;

/// The first server's name.
pub(crate) const SERVER: &str = "control";

/// A server of each kind, as Roost starts it.
pub(crate) struct Rack {
    cluster: Cluster,
    secrets: Secrets,
    agents: [Running; 2],
    owner: Owner,
}

/// An agent that ends with its owner.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

/// What somebody shows who asks by HTTP.
pub(crate) struct Caller {
    pub(crate) folder: PathBuf,
    pub(crate) certificate: Option<&'static str>,
}

/// An HTTP answer; no status: nothing was answered.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<u16>,
    pub(crate) body: String,
}

/// The rack that nobody breaks, bootstrapped.
pub(crate) async fn rack() -> &'static Rack {
    static SHARED: OnceCell<Rack> = OnceCell::const_new();
    let start = || async {
        let mut rack = Rack::start().await;
        rack.bootstrap().await;
        rack
    };
    SHARED.get_or_init(start).await
}

pub(crate) fn node(last: u8) -> NodeId {
    NodeId::of(Mac([0x52, 0x54, 0, 0x12, 0x34, last]))
}

fn port() -> u16 {
    port_at(address())
}

fn port_at(address: Ipv4Addr) -> u16 {
    TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
}

pub(crate) fn ports() -> Ports {
    Ports {
        consul_https: port(),
        consul_server: port(),
        consul_serf: port(),
        nomad_http: port(),
        nomad_rpc: port(),
        nomad_serf: port(),
    }
}

pub(crate) fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

impl Rack {
    /// Servers with a leader, open to whoever bootstraps them.
    pub(crate) async fn start() -> Self {
        let host = IpAddr::V4(address());
        let facts = Facts {
            datacenter: "dc1".parse().unwrap(),
            region: "global".parse().unwrap(),
            advertise: host,
            http: host,
            others: Vec::new(),
            certificate_lifetime: Duration::from_secs(86_400),
            ports: ports(),
        };
        let secrets = Secrets::random().unwrap();
        let cluster = Cluster::new(facts, secrets.clone()).unwrap();
        let owner = Owner::of_new_directory().unwrap();
        let dir = owner.dir().join("server");
        let place = |name: &str| Place { name: SERVER.into(), certificates: dir.clone(), data: dir.join(name) };
        let places = ServerPlaces { consul: place("consul"), nomad: place("nomad") };
        let files = cluster.server_files(SystemClock.now(), &places).unwrap();
        for (name, text) in files.consul.iter().chain(&files.nomad) {
            written(&dir, name, text.expose());
        }
        let agents = [(Kind::Consul, "consul"), (Kind::Nomad, "nomad")]
            .map(|(kind, name)| Running::start(kind, &dir, &[dir.join(format!("{name}.json"))]));
        let rack = Self { cluster, secrets, agents, owner };
        let nobody = rack.cluster.clients(As::Nobody, SystemClock.now()).unwrap();
        eventually("Consul has a leader", async || nobody.consul.leader().await.ok().flatten()).await;
        eventually("Nomad has a leader", async || nobody.nomad.leader().await.ok().flatten()).await;
        let keys = async || nobody.nomad.signing_keys().await.ok().filter(|keys| !keys.is_empty());
        eventually("Nomad has keys", keys).await;
        rack
    }

    /// The server's Consul.
    pub(crate) fn consul_agent(&self) -> &Running {
        &self.agents[0]
    }

    /// Both of the server's agents lose their power.
    pub(crate) fn kill_server(&mut self) {
        for agent in &mut self.agents {
            agent.kill();
        }
    }

    pub(crate) async fn bootstrap(&mut self) {
        let closed = self.cluster.bootstrap(SystemClock.now(), SERVER, |_| Ok(()), drop).await;
        closed.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.cluster.facts()
    }

    /// As it was before anything was bootstrapped.
    pub(crate) fn cluster(&self) -> Cluster {
        Cluster::new(self.facts().clone(), self.secrets.clone()).unwrap()
    }

    pub(crate) fn shared(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn dir(&self) -> &Path {
        self.owner.dir()
    }

    /// Names in Consul's gossip.
    pub(crate) async fn members(&self) -> Vec<String> {
        let all = self.cluster.clients(As::Management, SystemClock.now()).unwrap();
        all.consul.members().await.unwrap().into_iter().map(|member| member.name).collect()
    }

    /// Knows where everything is and has nothing to show.
    pub(crate) fn stranger(&self) -> Caller {
        Caller { folder: self.dir().join("server"), certificate: None }
    }

    /// What comes back for a request in plain.
    pub(crate) async fn plain_rpc(&self, port: u16) -> Vec<u8> {
        let mut stream = TcpStream::connect(SocketAddr::new(self.facts().advertise, port)).await.unwrap();
        stream.write_all(&[0x01, 0x82, 0xa3]).await.unwrap();
        let mut said = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said)).await;
        drop(read.expect("it hangs up"));
        said
    }

    /// Through TLS without a certificate: first the byte that asks for it.
    pub(crate) async fn tls_rpc(&self, port: u16) -> Result<Vec<u8>, String> {
        let (ask, role) = match port {
            port if port == self.facts().ports.nomad_rpc => (0x04, self.facts().nomad_server()),
            _ => (0x03, self.facts().consul_server()),
        };
        let mut roots = RootCertStore::empty();
        let authority = self.cluster.authority_pem(SystemClock.now()).unwrap();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let mut stream = TcpStream::connect(SocketAddr::new(self.facts().advertise, port)).await.unwrap();
        stream.write_all(&[ask]).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let told = |error: std::io::Error| error.to_string();
        let mut stream = connector.connect(ServerName::try_from(role).unwrap(), stream).await.map_err(told)?;
        let mut said = Vec::new();
        stream.write_all(&[0x01, 0x82]).await.map_err(told)?;
        stream.read_to_end(&mut said).await.map_err(told)?;
        Ok(said)
    }

    /// A Consul agent of the same datacenter that has no key and no certificate.
    pub(crate) fn stranger_agent(&self, name: &str) -> Running {
        let dir = self.dir().join(name);
        let mut file = agents::consul_client(
            self.facts(),
            &Place { name: name.into(), certificates: dir.clone(), data: dir.join("data") },
        );
        self.beside(&mut file);
        let fields = file.as_object_mut().unwrap();
        for secret in ["tls", "acl", "encrypt_verify_incoming", "encrypt_verify_outgoing"] {
            fields.remove(secret);
        }
        file["ports"]["https"] = json!(-1);
        Running::start(Kind::Consul, &dir, &[written(&dir, "consul.json", &file.to_string())])
    }

    /// Ports of its own, since all of a test's agents share one address.
    pub(crate) fn beside(&self, file: &mut Value) {
        let (own, host) = (ports(), self.facts().advertise);
        // Its certificate is good for where a node's own Nomad asks it.
        file["ports"]["https"] = json!(port_at(Ipv4Addr::LOCALHOST));
        file["ports"]["server"] = json!(own.consul_server);
        file["ports"]["serf_lan"] = json!(own.consul_serf);
        file["bind_addr"] = json!(host);
        file["advertise_addr"] = json!(host);
    }

    /// The same for Nomad, beside this Consul.
    pub(crate) fn beside_nomad(&self, file: &mut Value, consul: &Value) {
        let (own, host) = (ports(), self.facts().advertise);
        file["ports"] = json!({"http": own.nomad_http, "rpc": own.nomad_rpc, "serf": own.nomad_serf});
        file["bind_addr"] = json!(host);
        file["addresses"] = json!({"http": host});
        let at = |port| SocketAddr::new(host, port);
        file["advertise"] = json!({"http": at(own.nomad_http), "rpc": at(own.nomad_rpc), "serf": at(own.nomad_serf)});
        file["client"]["network_interface"] = json!("lo");
        file["consul"]["address"] = json!(format!("127.0.0.1:{}", consul["ports"]["https"]));
    }
}

impl Caller {
    /// By curl, with whatever there is to show.
    pub(crate) async fn curl(&self, url: &str, more: &[&str]) -> Said {
        let mut command = tokio::process::Command::new("curl");
        command.args(["--silent", "--max-time", "20", "--write-out", "\n%{http_code}"]).args(more);
        // Roles and not addresses are in the certificates of nodes; who is asked is not what is tested here.
        command.arg("--insecure");
        if let Some(name) = self.certificate {
            let file = |name: String| self.folder.join(name);
            command.arg("--cert").arg(file(format!("{name}.pem"))).arg("--key").arg(file(format!("{name}-key.pem")));
        }
        let output = command.arg(url).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = said.rsplit_once('\n').unwrap();
        let status = status.parse().ok().filter(|status| *status != 0);
        Said { status, body: body.to_owned() }
    }
}

impl Running {
    /// With these files, which it merges.
    pub(crate) fn start(kind: Kind, dir: &Path, files: &[PathBuf]) -> Self {
        let log = files[0].with_extension("log");
        let out = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(find_binary(kind).unwrap());
        let option = if kind == Kind::Consul { "-config-file" } else { "-config" };
        command.arg("agent").args(files.iter().map(|file| format!("{option}={}", file.display()))).current_dir(dir);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        Self { child: command.spawn().unwrap(), log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Until its log has this, in small letters.
    pub(crate) async fn until_logged(&self, words: &str, limit: Duration) {
        let found = async {
            while !self.log().to_lowercase().contains(words) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let found = tokio::time::timeout(limit, found).await;
        assert!(found.is_ok(), "no {words:?} within {limit:?}:\n{}", self.log());
    }
}

impl Running {
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
