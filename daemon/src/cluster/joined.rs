//! A cluster that somebody else runs: clients by roost.toml, else by the variables that Consul and Nomad have for it.

use std::{env, fs, io, path::PathBuf};

use jobs::{BuildError, ClientCertificate, Endpoint, Limits, Tls, bootstrap::Clients, consul, nomad};
use vocabulary::Secret;

use crate::config;

/// The clients can't be made.
#[derive(Debug, thiserror::Error)]
pub enum JoinedError {
    /// Nobody says where it is.
    #[error("{key} is not set, and neither is {variable}")]
    Missing {
        /// In roost.toml.
        key: &'static str,
        /// In the environment.
        variable: &'static str,
    },
    /// A file.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The client.
    #[error("cannot make a client")]
    Client(#[source] BuildError),
}

/// One agent's keys and variables.
struct Names {
    key: &'static str,
    address: &'static str,
    token: &'static str,
    authority: &'static str,
}

const CONSUL: Names = Names {
    key: "cluster.consul",
    address: "CONSUL_HTTP_ADDR",
    token: "CONSUL_HTTP_TOKEN",
    authority: "CONSUL_CACERT",
};
const NOMAD: Names =
    Names { key: "cluster.nomad", address: "NOMAD_ADDR", token: "NOMAD_TOKEN", authority: "NOMAD_CACERT" };

/// Clients of both agents.
///
/// # Errors
/// An address is missing, or a file can't be used.
pub fn clients(cluster: &config::Cluster) -> Result<Clients, JoinedError> {
    let consul = endpoint(cluster, &CONSUL, cluster.consul.as_ref(), cluster.consul_token.as_ref())?;
    let nomad = endpoint(cluster, &NOMAD, cluster.nomad.as_ref(), cluster.nomad_token.as_ref())?;
    Ok(Clients {
        consul: consul::Client::build(&consul).map_err(JoinedError::Client)?,
        nomad: nomad::Client::build(&nomad).map_err(JoinedError::Client)?,
        expires_at: None,
    })
}

fn endpoint(
    cluster: &config::Cluster,
    names: &Names,
    address: Option<&String>,
    token: Option<&PathBuf>,
) -> Result<Endpoint, JoinedError> {
    let variable = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
    let address = address.cloned().or_else(|| variable(names.address));
    let address = address.ok_or(JoinedError::Missing { key: names.key, variable: names.address })?;
    // Consul's own variable may lack the scheme.
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    let token = match token {
        Some(path) => Some(Secret::new(read(path)?.trim().to_owned())),
        None => variable(names.token).map(Secret::new),
    };
    let authority = cluster.ca.clone().or_else(|| variable(names.authority).map(PathBuf::from));
    let tls = match authority {
        Some(path) => Some(Tls { authority: read(&path)?, client: certificate(cluster)?, server_name: None }),
        None => None,
    };
    Ok(Endpoint { address, token, tls, limits: Limits::default() })
}

fn certificate(cluster: &config::Cluster) -> Result<Option<ClientCertificate>, JoinedError> {
    match (&cluster.cert, &cluster.key) {
        (Some(chain), Some(key)) => Ok(Some(ClientCertificate { chain: read(chain)?, key: Secret::new(read(key)?) })),
        _ => Ok(None),
    }
}

fn read(path: &PathBuf) -> Result<String, JoinedError> {
    fs::read_to_string(path).map_err(|source| JoinedError::File { path: path.clone(), source })
}
