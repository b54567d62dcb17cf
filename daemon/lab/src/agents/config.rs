//! What is to run, and the files that tell the agents so.

use std::{
    fmt::Write as _,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{AgentError, ports};

/// A set of agents.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Servers of each kind: one or three.
    pub servers: u8,
    /// Whether there is a Consul at all.
    pub consul: Consul,
    /// Whether anything can run.
    pub client: Client,
    /// How long a client may be silent beyond its turn before its node counts as down.
    pub heartbeat_grace: Duration,
    /// 32 bytes in base64: gossip is encrypted with it.
    pub gossip_key: Option<String>,
    /// Certificates for Nomad and Consul: TLS on every interface, and only who shows one is served.
    pub tls: Option<Identity>,
    /// Access control with default deny; whoever starts the agents bootstraps it.
    pub acl: Acl,
    /// A token that may read `/v1/nodes` and the like, for the wait until they are ready.
    pub token: Option<String>,
    /// Added to the client's block in the file of the Nomad agent that is one.
    pub client_extra: String,
    /// Added to every Nomad agent's file.
    pub nomad_extra: String,
    /// Added to every Consul agent's file.
    pub consul_extra: String,
}

/// Whether there is a Consul.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consul {
    /// As many servers as Nomad has, each Nomad agent with its own.
    Yes,
    /// None, and Nomad knows of none.
    No,
}

/// Whether Nomad has a client: in a process of its own, so that it can be frozen or killed without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// One, which runs anything as root: for a laboratory alone.
    Yes,
    /// None: nothing will be placed.
    No,
}

/// Whether the agents control access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acl {
    /// They do, and deny by default.
    On,
    /// Everybody may do everything.
    Off,
}

/// Files of one certificate, good for every agent and for whoever asks them.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The authority.
    pub authority: PathBuf,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// One agent that is to run.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) dir: PathBuf,
    pub(super) file: PathBuf,
    pub(super) address: Ipv4Addr,
    pub(super) http: u16,
    pub(super) is_server: bool,
    text: String,
}

/// All of them.
pub(super) struct Plan {
    pub(super) consul: Vec<Planned>,
    pub(super) nomad: Vec<Planned>,
}

struct Ports {
    http: u16,
    rpc: u16,
    serf: u16,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            servers: 1,
            consul: Consul::Yes,
            client: Client::Yes,
            heartbeat_grace: Duration::from_secs(20),
            gossip_key: None,
            tls: None,
            acl: Acl::Off,
            token: None,
            client_extra: String::new(),
            nomad_extra: String::new(),
            consul_extra: String::new(),
        }
    }
}

impl Plan {
    /// Chooses ports and writes the files.
    pub(super) fn make(spec: &Spec, dir: &Path) -> Result<Self, AgentError> {
        let address = ports::address();
        let choose = |count: u8| (0..count).map(|_| Ports::choose(address)).collect::<io::Result<Vec<_>>>();
        let consul_ports =
            choose(if spec.consul == Consul::Yes { spec.servers } else { 0 }).map_err(AgentError::Ports)?;
        let own_client = u8::from(spec.client == Client::Yes);
        let nomad_ports = choose(spec.servers + own_client).map_err(AgentError::Ports)?;
        let consul: Vec<_> = (0..consul_ports.len()).map(|at| consul(spec, dir, address, &consul_ports, at)).collect();
        let nomad: Vec<_> =
            (0..nomad_ports.len()).map(|at| nomad(spec, dir, address, &nomad_ports, &consul_ports, at)).collect();
        for planned in consul.iter().chain(&nomad) {
            let error = |source| AgentError::Directory { path: planned.file.clone(), source };
            fs::create_dir_all(&planned.dir).map_err(error)?;
            fs::write(&planned.file, &planned.text).map_err(error)?;
        }
        Ok(Self { consul, nomad })
    }
}

impl Ports {
    fn choose(address: Ipv4Addr) -> io::Result<Self> {
        Ok(Self { http: ports::free(address)?, rpc: ports::free(address)?, serf: ports::free(address)? })
    }
}

impl Planned {
    fn new(kind: &str, at: usize, dir: &Path, address: Ipv4Addr, http: u16) -> Self {
        let name = format!("{kind}-{at}");
        let (dir, file) = (dir.join(&name), dir.join(format!("{name}.hcl")));
        Self { name, dir, file, address, http, is_server: true, text: String::new() }
    }
}

/// A block of HCL; nested blocks need lines of their own.
fn block(name: &str, body: &str) -> String {
    let mut text = format!("{name} {{\n");
    for line in body.lines() {
        let _ = writeln!(text, "  {line}");
    }
    text + "}\n"
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.map(|item| format!("{item:?}")).collect::<Vec<_>>().join(", "))
}

fn consul(spec: &Spec, dir: &Path, address: Ipv4Addr, all: &[Ports], at: usize) -> Planned {
    let Ports { http, rpc, serf } = all[at];
    let planned = Planned::new("consul", at, dir, address, http);
    let others = list(all.iter().map(|ports| format!("{address}:{}", ports.serf)));
    let (plain, tls) = if spec.tls.is_some() { (-1, i32::from(http)) } else { (i32::from(http), -1) };
    let mut text = format!(
        "node_name = {:?}\nserver = true\nbootstrap_expect = {}\ndata_dir = {:?}\nbind_addr = \"{address}\"\n\
         client_addr = \"{address}\"\nretry_join = {others}\nretry_interval = \"1s\"\nlog_level = \"INFO\"\n\
         disable_update_check = true\nskip_leave_on_interrupt = true\nleave_on_terminate = false\n",
        planned.name, spec.servers, planned.dir
    );
    text += &block(
        "ports",
        &format!(
            "http = {plain}\nhttps = {tls}\nserver = {rpc}\nserf_lan = {serf}\nserf_wan = -1\ndns = -1\ngrpc = -1\ngrpc_tls = -1"
        ),
    );
    // The measure of time in Raft and gossip: as on a good network, not as on a busy cloud.
    text += &block("performance", "raft_multiplier = 1");
    text += &block("connect", "enabled = true");
    if let Some(key) = &spec.gossip_key {
        let _ = writeln!(text, "encrypt = {key:?}");
    }
    if let Some(Identity { authority, certificate, key }) = &spec.tls {
        let defaults = format!(
            "ca_file = {authority:?}\ncert_file = {certificate:?}\nkey_file = {key:?}\nverify_incoming = true\nverify_outgoing = true"
        );
        text +=
            &block("tls", &(block("defaults", &defaults) + &block("internal_rpc", "verify_server_hostname = true")));
    }
    if spec.acl == Acl::On {
        text += &block("acl", "enabled = true\ndefault_policy = \"deny\"\nenable_token_persistence = true");
    }
    Planned { text: text + &spec.consul_extra, ..planned }
}

fn nomad(spec: &Spec, dir: &Path, address: Ipv4Addr, all: &[Ports], consul: &[Ports], at: usize) -> Planned {
    let Ports { http, rpc, serf } = all[at];
    let servers = &all[..usize::from(spec.servers)];
    let is_server = at < servers.len();
    let planned = Planned { is_server, ..Planned::new("nomad", at, dir, address, http) };
    let mut text = format!(
        "name = {:?}\ndata_dir = {:?}\nbind_addr = \"{address}\"\nlog_level = \"INFO\"\ndisable_update_check = true\n",
        planned.name, planned.dir
    );
    text += &block("ports", &format!("http = {http}\nrpc = {rpc}\nserf = {serf}"));
    text += &block(
        "advertise",
        &format!("http = \"{address}:{http}\"\nrpc = \"{address}:{rpc}\"\nserf = \"{address}:{serf}\""),
    );
    text += &if is_server { nomad_server(spec, address, servers) } else { nomad_client(spec, address, servers) };
    text += &match consul.get(at).or(consul.first()) {
        Some(consul) => nomads_consul(spec, address, consul),
        None => block("consul", "auto_advertise = false\nserver_auto_join = false\nclient_auto_join = false"),
    };
    if let Some(Identity { authority, certificate, key }) = &spec.tls {
        text += &block(
            "tls",
            &format!(
                "http = true\nrpc = true\nca_file = {authority:?}\ncert_file = {certificate:?}\nkey_file = {key:?}\n\
                 verify_server_hostname = true\nverify_https_client = true"
            ),
        );
    }
    if spec.acl == Acl::On {
        text += &block("acl", "enabled = true");
    }
    Planned { text: text + &spec.nomad_extra, ..planned }
}

fn nomads_consul(spec: &Spec, address: Ipv4Addr, consul: &Ports) -> String {
    let mut body = format!("address = \"{address}:{}\"\n", consul.http);
    if let Some(Identity { authority, certificate, key }) = &spec.tls {
        let _ = write!(body, "ssl = true\nca_file = {authority:?}\ncert_file = {certificate:?}\nkey_file = {key:?}\n");
    }
    block("consul", &body)
}

fn nomad_server(spec: &Spec, address: Ipv4Addr, servers: &[Ports]) -> String {
    let others = list(servers.iter().map(|ports| format!("{address}:{}", ports.serf)));
    let mut body = format!(
        "enabled = true\nbootstrap_expect = {}\nraft_multiplier = 1\nmin_heartbeat_ttl = \"5s\"\nheartbeat_grace = \"{}s\"\n\
         failover_heartbeat_ttl = \"20s\"\n",
        servers.len(),
        spec.heartbeat_grace.as_secs()
    );
    if let Some(key) = &spec.gossip_key {
        let _ = writeln!(body, "encrypt = {key:?}");
    }
    body += &block("server_join", &format!("retry_join = {others}\nretry_interval = \"1s\""));
    block("server", &body)
}

/// A full disk of the host is no reason to clear away what a test is about to read.
const KEEP: &str = "gc_disk_usage_threshold = 100\ngc_inode_usage_threshold = 100\ngc_max_allocs = 10000";

fn nomad_client(spec: &Spec, address: Ipv4Addr, servers: &[Ports]) -> String {
    let rpc = list(servers.iter().map(|ports| format!("{address}:{}", ports.rpc)));
    let extra = &spec.client_extra;
    let client =
        block("client", &format!("enabled = true\nservers = {rpc}\nnetwork_interface = \"lo\"\n{KEEP}\n{extra}"));
    client + &block("plugin \"raw_exec\"", &block("config", "enabled = true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_blocks_have_their_own_lines() {
        let text = block("plugin \"raw_exec\"", &block("config", "enabled = true"));
        assert_eq!(text, "plugin \"raw_exec\" {\n  config {\n    enabled = true\n  }\n}\n");
    }

    #[test]
    fn three_servers_know_each_other_and_one_client_knows_them() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::make(&Spec { servers: 3, ..Spec::default() }, dir.path()).unwrap();
        assert_eq!((plan.consul.len(), plan.nomad.len()), (3, 4));
        let servers: Vec<_> = plan.nomad.iter().map(|planned| planned.is_server).collect();
        assert_eq!(servers, [true, true, true, false]);
        assert!(
            plan.nomad[1].text.contains("bootstrap_expect = 3") && !plan.nomad[3].text.contains("bootstrap_expect")
        );
        assert!(plan.nomad[3].text.contains("raw_exec") && !plan.nomad[0].text.contains("raw_exec"));
    }
}
