//! The agents' files, as JSON: one function for each kind of agent.
//!
//! Both agents read JSON beside their own language, and merge a folder of files; so what is public of a node's file can
//! travel as a variable and what is secret as a second file. A server's file is written here as a whole, tokens and
//! gossip key included, and is a secret as such.
//!
//! Closed from the first second: TLS on every interface, the other side's role checked in both directions, access
//! denied by default, gossip encrypted, a node introduced before it may register. What a machine must never do for a
//! stranger is off: Consul's script checks and remote execution, Nomad's raw_exec and privileged containers.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde_json::{Value, json};
use vocabulary::Secret;

use super::{facts::Facts, kit::file, secrets::Secrets};

/// The name of Consul's file among a server's.
pub(super) const CONSUL_FILE: &str = "consul.json";
/// The name of Nomad's file among a server's.
pub(super) const NOMAD_FILE: &str = "nomad.json";

/// Where an agent lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name in the cluster.
    pub name: String,
    /// Where its certificates are, by the names that a kit has for them.
    pub certificates: PathBuf,
    /// Where it keeps its state.
    pub data: PathBuf,
}

impl Place {
    /// On a node: `/etc/consul.d` with `/var/lib/consul`, and the like for Nomad.
    #[must_use]
    pub fn of_node(name: &str, agent: &str) -> Self {
        Self {
            name: name.to_owned(),
            certificates: format!("/etc/{agent}.d").into(),
            data: format!("/var/lib/{agent}").into(),
        }
    }

    fn certificate(&self, name: &str) -> PathBuf {
        self.certificates.join(name)
    }
}

/// Consul's first server.
#[must_use]
pub fn consul_server(facts: &Facts, secrets: &Secrets, place: &Place) -> Secret<String> {
    let mut file = consul(facts, place);
    serve_consul(&mut file);
    begin(&mut file["bootstrap_expect"], facts);
    if !facts.others.is_empty() {
        file["retry_join"] = json!(facts.consul_join());
    }
    file["bind_addr"] = json!(facts.advertise);
    file["advertise_addr"] = json!(facts.advertise);
    file["addresses"] = json!({"https": facts.http});
    merge(&mut file, consul_secrets(secrets.consul_gossip.expose(), secrets.consul_agent.expose()));
    Secret::new(pretty(&file))
}

/// Consul on a node that is a server too; the rest as [`consul_client`]. It waits for a vote that the others give it: it
/// never begins a cluster of its own.
#[must_use]
pub fn consul_joiner(facts: &Facts, place: &Place, address: IpAddr) -> Value {
    let mut file = consul_client(facts, place);
    serve_consul(&mut file);
    file["addresses"] = json!({"https": both(address)});
    // Told to end, as when it becomes a client again, it gives its vote back; a restart asks by another signal.
    file["leave_on_terminate"] = json!(true);
    file
}

/// Consul on a node, but for [`consul_secrets`] and `advertise_addr`, which whoever writes the file knows.
#[must_use]
pub fn consul_client(facts: &Facts, place: &Place) -> Value {
    let mut file = consul(facts, place);
    file["server"] = json!(false);
    file["retry_join"] = json!(facts.consul_join());
    file["addresses"] = json!({"https": "127.0.0.1"});
    file
}

fn serve_consul(file: &mut Value) {
    file["server"] = json!(true);
    file["performance"] = json!({"raft_multiplier": 1});
}

/// A server that is the only one begins the cluster. One among others that lost its state asks them for it.
fn begin(expect: &mut Value, facts: &Facts) {
    if facts.others.is_empty() {
        *expect = json!(1);
    }
}

/// For the machine itself and for who comes from elsewhere.
fn both(address: IpAddr) -> String {
    let own = Ipv4Addr::LOCALHOST;
    if address == own { own.to_string() } else { format!("{own} {address}") }
}

/// What is merged into a Consul agent's file and must be secret.
#[must_use]
pub fn consul_secrets(gossip: &str, agent_token: &str) -> Value {
    json!({"encrypt": gossip, "acl": {"tokens": {"agent": agent_token}}})
}

/// Nomad's first server; it runs no jobs itself.
#[must_use]
pub fn nomad_server(facts: &Facts, secrets: &Secrets, place: &Place) -> Secret<String> {
    let mut file = nomad(facts, place, facts.http);
    file["bind_addr"] = json!(facts.advertise);
    file["addresses"] = json!({"http": facts.http});
    let at = |address, port| SocketAddr::new(address, port).to_string();
    file["advertise"] = json!({
        "http": at(facts.http, facts.ports.nomad_http),
        "rpc": at(facts.advertise, facts.ports.nomad_rpc),
        "serf": at(facts.advertise, facts.ports.nomad_serf),
    });
    file["server"] = serve_nomad();
    begin(&mut file["server"]["bootstrap_expect"], facts);
    if !facts.others.is_empty() {
        file["server"]["server_join"] = json!({"retry_join": facts.nomad_join()});
    }
    file["client"] = json!({"enabled": false});
    merge(&mut file, nomad_gossip(secrets.nomad_gossip.expose()));
    merge(&mut file, nomad_secrets(secrets.nomad_consul.expose()));
    Secret::new(pretty(&file))
}

/// Nomad on a node, but for [`nomad_secrets`] and the network interface. It waits for its introduction in
/// `intro_token.jwt` below its state.
#[must_use]
pub fn nomad_client(facts: &Facts, place: &Place) -> Value {
    let mut file = nomad(facts, place, Ipv4Addr::LOCALHOST.into());
    file["addresses"] = json!({"http": "127.0.0.1"});
    file["advertise"] = json!({"http": format!("127.0.0.1:{}", facts.ports.nomad_http)});
    file["server"] = json!({"enabled": false});
    file["client"] = json!({"enabled": true, "servers": facts.nomad_servers(), "chroot_env": chroot()});
    file["plugin"] = json!([
        {"raw_exec": {"config": {"enabled": false}}},
        {"docker": {"config": {"allow_privileged": false, "volumes": {"enabled": false}}}},
    ]);
    file
}

/// Nomad on a node that is a server too and runs jobs as before; the rest as [`nomad_client`].
#[must_use]
pub fn nomad_joiner(facts: &Facts, place: &Place, address: IpAddr) -> Value {
    let mut file = nomad_client(facts, place);
    file["addresses"] = json!({"http": both(address), "rpc": address, "serf": address});
    file["advertise"] = json!({"http": SocketAddr::new(address, facts.ports.nomad_http).to_string()});
    file["server"] = serve_nomad();
    file["server"]["server_join"] = json!({"retry_join": facts.nomad_join()});
    // As Consul's.
    file["leave_on_terminate"] = json!(true);
    file
}

fn serve_nomad() -> Value {
    json!({
        "enabled": true,
        "raft_multiplier": 1,
        // Without a word from us nobody registers: a certificate and gossip say "a node", not "this node".
        "client_introduction": {"enforcement": "strict", "default_identity_ttl": "30m", "max_identity_ttl": "30m"},
    })
}

/// What is merged into the file of a Nomad that serves and must be secret.
#[must_use]
pub fn nomad_gossip(gossip: &str) -> Value {
    json!({"server": {"encrypt": gossip}})
}

/// What a program that the driver exec starts finds in its root: a shell, busybox, Python, the libraries, names and
/// certificates. By default Nomad would copy all of /usr, with kernel modules, firmware and Docker, half a gigabyte,
/// which on a live machine is memory. What is not there is left out.
#[must_use]
pub fn chroot() -> BTreeMap<&'static str, &'static str> {
    const PATHS: [&str; 21] = [
        "/bin/busybox",
        "/bin/cat",
        "/bin/dash",
        "/bin/sh",
        "/bin/sleep",
        "/etc/group",
        "/etc/hosts",
        "/etc/ld.so.cache",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/etc/ssl/certs",
        "/lib/aarch64-linux-gnu",
        "/lib/x86_64-linux-gnu",
        "/lib64",
        "/usr/bin/env",
        "/usr/bin/python3",
        "/usr/bin/python3.11",
        "/usr/bin/python3.13",
        "/usr/lib/python3.11",
        "/usr/lib/python3.13",
        "/usr/share/ca-certificates",
    ];
    PATHS.into_iter().map(|path| (path, path)).collect()
}

/// What is merged into a Nomad agent's file and must be secret.
#[must_use]
pub fn nomad_secrets(consul_token: &str) -> Value {
    json!({"consul": {"token": consul_token}})
}

fn consul(facts: &Facts, place: &Place) -> Value {
    let ports = facts.ports;
    json!({
        "node_name": place.name,
        "datacenter": facts.datacenter,
        "data_dir": place.data,
        "ports": {
            "https": ports.consul_https,
            "server": ports.consul_server,
            "serf_lan": ports.consul_serf,
            "http": -1,
            "serf_wan": -1,
            "dns": -1,
            "grpc": -1,
            "grpc_tls": -1,
        },
        "tls": {
            "defaults": {
                "ca_file": place.certificate(file::AUTHORITY),
                "cert_file": place.certificate(file::CONSUL_CERTIFICATE),
                "key_file": place.certificate(file::CONSUL_KEY),
                "verify_incoming": true,
                "verify_outgoing": true,
                "tls_min_version": "TLSv1_2",
            },
            "internal_rpc": {"verify_server_hostname": true},
        },
        "acl": {
            "enabled": true,
            "default_policy": "deny",
            // While the servers are away a node goes on with what it may do already.
            "down_policy": "extend-cache",
            "enable_token_persistence": false,
        },
        "encrypt_verify_incoming": true,
        "encrypt_verify_outgoing": true,
        "enable_script_checks": false,
        "enable_local_script_checks": false,
        "disable_remote_exec": true,
        "disable_update_check": true,
        // A restart is no farewell.
        "leave_on_terminate": false,
        "skip_leave_on_interrupt": true,
        "rejoin_after_leave": true,
        "log_level": "INFO",
    })
}

fn nomad(facts: &Facts, place: &Place, consul: IpAddr) -> Value {
    let ports = facts.ports;
    let consul_at = SocketAddr::new(consul, ports.consul_https).to_string();
    json!({
        "name": place.name,
        "region": facts.region,
        "datacenter": facts.datacenter,
        "data_dir": place.data,
        "ports": {"http": ports.nomad_http, "rpc": ports.nomad_rpc, "serf": ports.nomad_serf},
        "tls": {
            "http": true,
            "rpc": true,
            "ca_file": place.certificate(file::AUTHORITY),
            "cert_file": place.certificate(file::NOMAD_CERTIFICATE),
            "key_file": place.certificate(file::NOMAD_KEY),
            "verify_server_hostname": true,
            "verify_https_client": true,
        },
        "acl": {"enabled": true},
        "consul": {
            "address": consul_at,
            "ssl": true,
            "ca_file": place.certificate(file::AUTHORITY),
            "cert_file": place.certificate(file::NOMAD_CERTIFICATE),
            "key_file": place.certificate(file::NOMAD_KEY),
            // Nobody looks Nomad up in Consul: a token that may not write `nomad` is one less to steal.
            "auto_advertise": false,
            "server_auto_join": false,
            "client_auto_join": false,
            // A job's service is registered by what the job is, not by what its node may do.
            "service_auth_method": super::WORKLOADS,
            "task_auth_method": super::WORKLOADS,
            "service_identity": {"aud": ["consul.io"], "ttl": "1h"},
            "task_identity": {"aud": ["consul.io"], "ttl": "1h"},
        },
        "disable_update_check": true,
        "leave_on_terminate": false,
        "leave_on_interrupt": false,
        "log_level": "INFO",
    })
}

/// Lays one object over another, as the agents themselves merge files.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

fn pretty(file: &Value) -> String {
    format!("{file:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::facts::tests::facts;

    fn place() -> Place {
        Place::of_node("node-525400123456", "consul")
    }

    #[test]
    fn a_server_is_closed_and_keeps_what_lay_beside_its_secrets() {
        let secrets = Secrets::random().unwrap();
        let file: Value = serde_json::from_str(consul_server(&facts(), &secrets, &place()).expose()).unwrap();
        assert_eq!(file["acl"]["tokens"]["agent"], secrets.consul_agent.expose().as_str());
        assert_eq!(file["acl"]["default_policy"], "deny");
        assert_eq!(file["tls"]["internal_rpc"]["verify_server_hostname"], true);
        assert_eq!((&file["ports"]["http"], &file["ports"]["https"]), (&json!(-1), &json!(8501)));
        let file: Value = serde_json::from_str(nomad_server(&facts(), &secrets, &place()).expose()).unwrap();
        assert_eq!(file["consul"]["token"], secrets.nomad_consul.expose().as_str());
        assert_eq!(file["consul"]["ssl"], true);
        assert_eq!(file["server"]["client_introduction"]["enforcement"], "strict");
    }

    #[test]
    fn a_server_among_others_begins_no_cluster_of_its_own() {
        let secrets = Secrets::random().unwrap();
        let (alone, other) = (facts(), IpAddr::from([10, 77, 0, 2]));
        let among = Facts { others: vec![other], ..facts() };
        let first = |facts: &Facts| -> [Value; 2] {
            let [consul, nomad] = [consul_server, nomad_server].map(|file| file(facts, &secrets, &place()));
            [consul, nomad].map(|text| serde_json::from_str(text.expose()).unwrap())
        };
        let [consul, nomad] = first(&alone);
        assert_eq!((&consul["bootstrap_expect"], &nomad["server"]["bootstrap_expect"]), (&json!(1), &json!(1)));
        let [consul, nomad] = first(&among);
        for file in [consul, consul_joiner(&among, &place(), other)] {
            assert!(file["bootstrap_expect"].is_null() && file["server"] == true, "{file}");
            assert_eq!(file["retry_join"], json!(["10.77.0.1:8301", "10.77.0.2:8301"]));
        }
        let joiner = nomad_joiner(&among, &place(), other);
        assert_eq!(
            (&joiner["client"]["enabled"], &joiner["addresses"]["http"]),
            (&json!(true), &json!("127.0.0.1 10.77.0.2"))
        );
        for file in [nomad, joiner] {
            assert!(file["server"]["bootstrap_expect"].is_null() && file["server"]["enabled"] == true, "{file}");
            assert_eq!(file["server"]["client_introduction"]["enforcement"], "strict");
            assert_eq!(file["server"]["server_join"]["retry_join"], json!(["10.77.0.1:4648", "10.77.0.2:4648"]));
        }
    }

    #[test]
    fn what_a_node_is_told_openly_holds_no_secret() {
        let secrets = Secrets::random().unwrap();
        let address = IpAddr::from([10, 77, 0, 2]);
        let (facts, place) = (facts(), place());
        let told = format!("{}{}", consul_client(&facts, &place), nomad_client(&facts, &place));
        let told =
            told + &format!("{}{}", consul_joiner(&facts, &place, address), nomad_joiner(&facts, &place, address));
        let kept: serde_json::Map<String, Value> = serde_json::from_str(secrets.to_json().expose()).unwrap();
        for (name, value) in kept.iter().filter(|(_, value)| value.is_string()) {
            assert!(!told.contains(value.as_str().unwrap()), "{name}");
        }
        assert!(told.contains("/etc/consul.d/consul-key.pem") && told.contains("\"allow_privileged\":false"));
    }
}
