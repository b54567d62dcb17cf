//! What everybody may know of a cluster. The same facts name its certificates, fill its agents' files and reach nodes.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use vocabulary::NodeId;

use crate::pki::{Side, Wanted};

/// A datacenter's or region's name; it stands in certificates, so it is one label of a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// The text is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name here: 1 to 63 of a-z, 0-9 and -, with no - at either end")]
pub struct LabelError(String);

/// What a cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Consul's datacenter, and the one in which Nomad's nodes are.
    pub datacenter: Label,
    /// Nomad's region.
    pub region: Label,
    /// Where servers and nodes reach the first server.
    pub advertise: IpAddr,
    /// Where the first server's HTTP interfaces answer. Loopback: nodes speak RPC, and Roost is on the same host.
    #[serde(default = "loopback")]
    pub http: IpAddr,
    /// Other servers, where there are any. Their HTTP interfaces answer there too, for who shows a certificate.
    #[serde(default)]
    pub others: Vec<IpAddr>,
    /// How long an agent's certificate lives.
    #[serde(with = "seconds")]
    pub certificate_lifetime: Duration,
    /// The agents' ports.
    #[serde(default)]
    pub ports: Ports,
}

/// The agents' ports. Others than the usual ones serve tests, which share a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// Consul's HTTPS.
    pub consul_https: u16,
    /// Consul's RPC between agents.
    pub consul_server: u16,
    /// Consul's gossip.
    pub consul_serf: u16,
    /// Nomad's HTTPS.
    pub nomad_http: u16,
    /// Nomad's RPC.
    pub nomad_rpc: u16,
    /// Nomad's gossip, among servers alone.
    pub nomad_serf: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            consul_https: 8501,
            consul_server: 8300,
            consul_serf: 8301,
            nomad_http: 4646,
            nomad_rpc: 4647,
            nomad_serf: 4648,
        }
    }
}

impl Label {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let well_formed = (1..=63).contains(&text.len())
            && text.bytes().all(inside)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if well_formed { Ok(Self(text.to_owned())) } else { Err(LabelError(text.chars().take(64).collect())) }
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl Facts {
    /// The name that a server of Consul proves.
    #[must_use]
    pub fn consul_server(&self) -> String {
        format!("server.{}.consul", self.datacenter)
    }

    /// The name that a server of Nomad proves.
    #[must_use]
    pub fn nomad_server(&self) -> String {
        format!("server.{}.nomad", self.region)
    }

    /// Consul's HTTPS on the first server.
    #[must_use]
    pub fn consul_url(&self) -> String {
        format!("https://{}", SocketAddr::new(self.http, self.ports.consul_https))
    }

    /// Nomad's HTTPS on the first server.
    #[must_use]
    pub fn nomad_url(&self) -> String {
        format!("https://{}", SocketAddr::new(self.http, self.ports.nomad_http))
    }

    /// Consul's HTTPS on the other servers.
    #[must_use]
    pub fn other_consul_urls(&self) -> Vec<String> {
        self.other_urls(self.ports.consul_https)
    }

    /// Nomad's HTTPS on the other servers.
    #[must_use]
    pub fn other_nomad_urls(&self) -> Vec<String> {
        self.other_urls(self.ports.nomad_http)
    }

    fn other_urls(&self, port: u16) -> Vec<String> {
        self.others.iter().map(|server| format!("https://{}", SocketAddr::new(*server, port))).collect()
    }

    /// Where servers join each other's gossip in Nomad.
    #[must_use]
    pub fn nomad_join(&self) -> Vec<String> {
        self.servers().map(|server| SocketAddr::new(server, self.ports.nomad_serf).to_string()).collect()
    }

    /// Where nodes join Consul's gossip.
    #[must_use]
    pub fn consul_join(&self) -> Vec<String> {
        self.servers().map(|server| SocketAddr::new(server, self.ports.consul_serf).to_string()).collect()
    }

    /// Where nodes reach Nomad's servers.
    #[must_use]
    pub fn nomad_servers(&self) -> Vec<String> {
        self.servers().map(|server| SocketAddr::new(server, self.ports.nomad_rpc).to_string()).collect()
    }

    /// Addresses of all servers.
    pub fn servers(&self) -> impl Iterator<Item = IpAddr> {
        std::iter::once(self.advertise).chain(self.others.iter().copied())
    }

    /// A server's certificate for its Consul.
    #[must_use]
    pub fn wants_consul_server(&self) -> Wanted {
        self.serving(self.consul_server())
    }

    /// A server's certificate for its Nomad.
    #[must_use]
    pub fn wants_nomad_server(&self) -> Wanted {
        self.serving(self.nomad_server())
    }

    /// A node's certificate for its Consul.
    #[must_use]
    pub fn wants_consul_client(&self, node: &NodeId) -> Wanted {
        self.local(node, format!("client.{}.consul", self.datacenter))
    }

    /// A node's certificate for its Nomad.
    #[must_use]
    pub fn wants_nomad_client(&self, node: &NodeId) -> Wanted {
        self.local(node, format!("client.{}.nomad", self.region))
    }

    /// The certificate of a node that is a server, for its Consul.
    #[must_use]
    pub fn wants_consul_server_on(&self, node: &NodeId, address: IpAddr) -> Wanted {
        reached(address, self.local(node, self.consul_server()))
    }

    /// The certificate of a node that is a server, for its Nomad.
    #[must_use]
    pub fn wants_nomad_server_on(&self, node: &NodeId, address: IpAddr) -> Wanted {
        reached(address, self.local(node, self.nomad_server()))
    }

    /// The daemon's own: it asks, and nobody is ever served with it.
    #[must_use]
    pub fn wants_caller(&self) -> Wanted {
        let name = format!("roost.{}.consul", self.datacenter);
        let names = vec![name.clone()];
        Wanted { name, names, addresses: Vec::new(), side: Side::Client, lifetime: self.certificate_lifetime }
    }

    fn serving(&self, role: String) -> Wanted {
        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), self.advertise, self.http];
        addresses.dedup();
        self.wanted(role, None, addresses)
    }

    fn local(&self, node: &NodeId, role: String) -> Wanted {
        self.wanted(role, Some(node.to_string()), vec![Ipv4Addr::LOCALHOST.into()])
    }

    fn wanted(&self, role: String, id: Option<String>, addresses: Vec<IpAddr>) -> Wanted {
        let name = id.as_ref().map_or_else(|| role.clone(), |id| format!("{id} {role}"));
        let names = [role, "localhost".to_owned()].into_iter().chain(id).collect();
        Wanted { name, names, addresses, side: Side::Both, lifetime: self.certificate_lifetime }
    }
}

/// Also there, for who comes from elsewhere.
fn reached(address: IpAddr, mut wanted: Wanted) -> Wanted {
    wanted.addresses.push(address);
    wanted
}

fn loopback() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

/// Durations as people read them in a file: whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn facts() -> Facts {
        Facts {
            datacenter: "dc1".parse().unwrap(),
            region: "global".parse().unwrap(),
            advertise: Ipv4Addr::new(10, 77, 0, 1).into(),
            http: loopback(),
            others: Vec::new(),
            certificate_lifetime: Duration::from_secs(30 * 86_400),
            ports: Ports::default(),
        }
    }

    #[test]
    fn names_are_one_label() {
        for text in ["", "-a", "a-", "a.b", "A", "dc 1", "dc_1", &"a".repeat(64)] {
            assert!(text.parse::<Label>().is_err(), "{text:?}");
        }
        assert_eq!("eu-west-1".parse::<Label>().unwrap().as_str(), "eu-west-1");
    }

    #[test]
    fn facts_are_read_back_as_they_were_written() {
        let text = serde_json::to_string(&facts()).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts());
        assert!(serde_json::from_str::<Facts>(&text.replace("dc1", "dc1.evil")).is_err());
    }

    #[test]
    fn every_server_is_named_to_nodes() {
        let facts = Facts { others: vec![Ipv4Addr::new(10, 77, 0, 2).into()], ..facts() };
        assert_eq!(facts.consul_join(), ["10.77.0.1:8301", "10.77.0.2:8301"]);
        assert_eq!(facts.nomad_servers(), ["10.77.0.1:4647", "10.77.0.2:4647"]);
        assert_eq!(facts.nomad_join(), ["10.77.0.1:4648", "10.77.0.2:4648"]);
        assert_eq!(facts.nomad_url(), "https://127.0.0.1:4646");
        assert_eq!(facts.other_consul_urls(), ["https://10.77.0.2:8501"]);
    }
}
