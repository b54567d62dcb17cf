//! What a run is given so that its node can join: what `jobs` mints for the node, and the programs of the asset store.

use std::{
    net::{IpAddr, SocketAddrV4},
    sync::Arc,
};

use ansible::{Kit, Kits, RunOrder};
use async_trait::async_trait;
use jobs::bootstrap::{Clients, NodeKit, Role};
use pxe::assets::{Assets, PROGRAMS, Program};
use serde_json::{Map, Value, json};
use tasks::Clock;
use vocabulary::Reason;

use crate::cluster::Door;

/// The file of a kit that servers ask of a client that they do not know.
const INTRODUCTION: &str = "nomad-intro-token";

/// Kits for nodes of a cluster of Roost's own.
pub struct ClusterKits {
    /// Mints certificates, tokens and introductions, and has clients of the servers.
    pub door: Door,
    /// Holds the programs.
    pub assets: Assets,
    /// Where nodes fetch them; the first that answers counts.
    pub listen: Vec<SocketAddrV4>,
    /// The time, for certificates.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Kits for ClusterKits {
    async fn kit(&self, order: &RunOrder) -> Result<Kit, Reason> {
        let programs = programs(&self.assets, &self.listen)?;
        let node = &order.run.node;
        let Some(cluster) = self.door.own() else { return Ok(Kit::default()) };
        let failed =
            |cause| Reason { cause, remedy: format!("roost cluster status; then roost run retry {}", order.run.id) };
        let role = match self.door.role(node) {
            // An address is leased: a server is reached where it is in this boot.
            Role::Server(known) if known != IpAddr::V4(order.host.address) => {
                let moved = self.door.change_servers(self.clock.now(), |servers| {
                    for server in servers.iter_mut().filter(|server| server.node == *node) {
                        server.address = order.host.address;
                    }
                });
                moved.await.map_err(|error| failed(tasks::chain(&error)))?;
                Role::Server(order.host.address.into())
            }
            role => role,
        };
        let minted = cluster.mint_as(self.clock.now(), node, role).await;
        let minted = minted.map_err(|error| failed(tasks::chain(&error)))?;
        Ok(joined(minted, programs))
    }

    async fn ready(&self) -> Result<(), Reason> {
        programs(&self.assets, &self.listen)?;
        let remedy = "nothing, it is tried again; roost cluster status shows what is missing";
        let not_yet = |cause: String| Reason { cause, remedy: remedy.to_owned() };
        let Clients { consul, nomad, .. } = self.door.agents().map_err(|away| not_yet(away.to_string()))?;
        let (consul, nomad) = tokio::join!(consul.leader(), nomad.leader());
        for (name, leader) in [("Consul", consul), ("Nomad", nomad)] {
            if leader.map_err(|error| not_yet(tasks::chain(&error)))?.is_none() {
                return Err(not_yet(format!("{name} has no leader yet")));
            }
        }
        Ok(())
    }
}

/// What was minted, with the programs and with what the roles must know of its files.
fn joined(minted: NodeKit, programs: Map<String, Value>) -> Kit {
    let is_introduced = minted.files.iter().any(|(name, _)| *name == INTRODUCTION);
    let mut variables = minted.variables;
    variables.extend(programs);
    variables.insert("nomad_introduced".to_owned(), is_introduced.into());
    Kit { variables, files: minted.files }
}

/// `consul_program` and `nomad_program`, as roles `consul` and `nomad` take them: their digests reach a node this way
/// alone.
fn programs(assets: &Assets, listen: &[SocketAddrV4]) -> Result<Map<String, Value>, Reason> {
    let one = |name: &str| match assets.program(name) {
        Ok(Some(program)) => Ok((format!("{name}_program"), described(&program, listen))),
        Ok(None) => Err(Reason {
            cause: format!("there is no {name} to give to nodes"),
            remedy: "on the control node: roost assets adopt; then retry the run".to_owned(),
        }),
        Err(error) => {
            Err(Reason { cause: tasks::chain(&error), remedy: "on the control node: roost assets verify".to_owned() })
        }
    };
    PROGRAMS.into_iter().map(one).collect()
}

fn described(program: &Program, listen: &[SocketAddrV4]) -> Value {
    let Program { name, version, program, packed } = program;
    let url = |address: &SocketAddrV4| format!("http://{address}/programs/{}/{name}.zst", packed.sha256);
    let urls: Vec<String> = listen.iter().map(url).collect();
    json!({ "version": version, "sha256": program.sha256, "packed": packed.sha256, "urls": urls })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use vocabulary::{Mac, NodeId, Secret};

    use super::*;

    fn minted(files: &[&'static str]) -> NodeKit {
        let files = files.iter().map(|name| (*name, Secret::new("secret".to_owned()))).collect();
        let variables = json!({"consul_config": {"a": 1}}).as_object().unwrap().clone();
        NodeKit { node: NodeId::of(Mac([2; 6])), variables, files }
    }

    #[test]
    fn a_kit_says_whether_it_introduces_and_no_variable_holds_a_secret() {
        for (files, is_introduced) in [(vec!["ca.pem"], false), (vec!["ca.pem", "nomad-intro-token"], true)] {
            let kit = joined(minted(&files), Map::new());
            assert_eq!(kit.variables["nomad_introduced"], is_introduced);
            assert_eq!(kit.files.len(), files.len());
            assert!(!Value::Object(kit.variables).to_string().contains("secret"));
        }
    }

    #[tokio::test]
    async fn a_node_is_told_both_digests_and_every_place_and_what_is_missing_is_named() {
        let data = tempfile::tempdir().unwrap();
        let assets = Assets::open(pxe::assets::Config::new(data.path().join("assets"))).unwrap();
        let listen = ["10.77.0.1:80".parse().unwrap(), "10.78.0.1:80".parse().unwrap()];
        let reason = programs(&assets, &listen).unwrap_err();
        assert!(reason.cause.contains("no consul") && reason.remedy.contains("roost assets adopt"), "{reason:?}");
        for (name, says) in [("consul", "Consul v1.2.3"), ("nomad", "Nomad v4.5.6")] {
            let path = data.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\necho {says}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            assets.adopt(name, &path).await.unwrap();
        }
        let told = programs(&assets, &listen).unwrap();
        let nomad = assets.program("nomad").unwrap().unwrap();
        let url = |host: &str| format!("http://{host}:80/programs/{}/nomad.zst", nomad.packed.sha256);
        let expected = json!({"version": "4.5.6", "sha256": nomad.program.sha256, "packed": nomad.packed.sha256,
            "urls": [url("10.77.0.1"), url("10.78.0.1")]});
        assert_eq!(told["nomad_program"], expected);
        assert_eq!(told["consul_program"]["version"], "1.2.3");
    }
}
