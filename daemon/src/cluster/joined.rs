//! A cluster that somebody else runs: clients by roost.toml, else by the variables that Consul and Nomad have for it.
//!
//! A token is sent over TLS alone, or over loopback: the agents' own tools would send it in the open wherever an address
//! lacks its scheme. Not taken from the environment: `*_HTTP_AUTH` and `*_CAPATH`, which nothing here could honour.

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use jobs::{BuildError, ClientCertificate, Endpoint, Tls, bootstrap::Clients, consul, nomad};
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
    /// A certificate without its key, or a key alone.
    #[error("{certificate} and {key} belong together, and one of them is not set")]
    HalfAPair {
        /// In the environment.
        certificate: &'static str,
        /// In the environment.
        key: &'static str,
    },
    /// Whoever listens would have the token.
    #[error("the token of {key} would be sent unencrypted to {address}")]
    PlainToken {
        /// In roost.toml.
        key: &'static str,
        /// Where.
        address: String,
    },
    /// The client.
    #[error("cannot make a client")]
    Client(#[source] BuildError),
}

/// A variable of the environment, if it is set.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// One agent's keys and variables.
struct Names {
    key: &'static str,
    address: &'static str,
    /// `true` where an address without a scheme means TLS.
    encrypted: Option<&'static str>,
    token: &'static str,
    token_file: Option<&'static str>,
    authority: &'static str,
    certificate: &'static str,
    certificate_key: &'static str,
    server_name: &'static str,
}

const CONSUL: Names = Names {
    key: "cluster.consul",
    address: "CONSUL_HTTP_ADDR",
    encrypted: Some("CONSUL_HTTP_SSL"),
    token: "CONSUL_HTTP_TOKEN",
    token_file: Some("CONSUL_HTTP_TOKEN_FILE"),
    authority: "CONSUL_CACERT",
    certificate: "CONSUL_CLIENT_CERT",
    certificate_key: "CONSUL_CLIENT_KEY",
    server_name: "CONSUL_TLS_SERVER_NAME",
};
const NOMAD: Names = Names {
    key: "cluster.nomad",
    address: "NOMAD_ADDR",
    encrypted: None,
    token: "NOMAD_TOKEN",
    token_file: None,
    authority: "NOMAD_CACERT",
    certificate: "NOMAD_CLIENT_CERT",
    certificate_key: "NOMAD_CLIENT_KEY",
    server_name: "NOMAD_TLS_SERVER_NAME",
};

/// Clients of both agents.
///
/// # Errors
/// An address is missing, a file can't be used, or a token would be sent in the open.
pub fn clients(cluster: &config::Cluster, environment: Environment<'_>) -> Result<Clients, JoinedError> {
    let of = |names, address: &Option<String>, token: &Option<PathBuf>| {
        Agent { cluster, names, environment }.endpoint(address.clone(), token.as_deref())
    };
    let consul = of(&CONSUL, &cluster.consul, &cluster.consul_token)?;
    let nomad = of(&NOMAD, &cluster.nomad, &cluster.nomad_token)?;
    Ok(Clients {
        consul: consul::Client::build(&consul).map_err(JoinedError::Client)?,
        nomad: nomad::Client::build(&nomad).map_err(JoinedError::Client)?,
        expires_at: None,
    })
}

/// One agent, as two places describe it.
struct Agent<'e> {
    cluster: &'e config::Cluster,
    names: &'static Names,
    environment: Environment<'e>,
}

impl Agent<'_> {
    fn endpoint(&self, address: Option<String>, token: Option<&Path>) -> Result<Endpoint, JoinedError> {
        let Names { key, address: variable, .. } = *self.names;
        let address = address.or_else(|| self.variable(variable)).ok_or(JoinedError::Missing { key, variable })?;
        let address = self.with_scheme(address);
        let token = self.token(token)?;
        if token.is_some() && !is_safe(&address) {
            return Err(JoinedError::PlainToken { key, address });
        }
        Ok(Endpoint { token, tls: self.tls()?, ..Endpoint::plain(address) })
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|text| !text.is_empty())
    }

    /// Consul's own variable may lack it.
    fn with_scheme(&self, address: String) -> String {
        if address.contains("://") {
            return address;
        }
        let says = self.names.encrypted.and_then(|name| self.variable(name)).unwrap_or_default();
        let scheme = if matches!(says.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True") { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    fn token(&self, file: Option<&Path>) -> Result<Option<Secret<String>>, JoinedError> {
        let named = self.names.token_file.and_then(|name| self.variable(name)).map(PathBuf::from);
        let spoken = || self.variable(self.names.token).map(Secret::new);
        // Said in roost.toml, else in words, else the file that the environment names.
        let file = match (file, spoken()) {
            (Some(file), _) => file.to_owned(),
            (None, Some(token)) => return Ok(Some(token)),
            (None, None) => match named {
                Some(file) => file,
                None => return Ok(None),
            },
        };
        Ok(Some(Secret::new(read(&file)?.trim().to_owned())))
    }

    fn tls(&self) -> Result<Option<Tls>, JoinedError> {
        let named = || self.variable(self.names.authority).map(PathBuf::from);
        let Some(authority) = self.cluster.ca.clone().or_else(named) else { return Ok(None) };
        let server_name = self.variable(self.names.server_name);
        Ok(Some(Tls { authority: read(&authority)?, client: self.certificate()?, server_name }))
    }

    fn certificate(&self) -> Result<Option<ClientCertificate>, JoinedError> {
        let Names { certificate, certificate_key: key, .. } = *self.names;
        let named = |name| self.variable(name).map(PathBuf::from);
        let pair = match (&self.cluster.cert, &self.cluster.key) {
            (Some(chain), Some(key)) => (Some(chain.clone()), Some(key.clone())),
            _ => (named(certificate), named(key)),
        };
        match pair {
            (Some(chain), Some(key)) => {
                Ok(Some(ClientCertificate { chain: read(&chain)?, key: Secret::new(read(&key)?) }))
            }
            (None, None) => Ok(None),
            _ => Err(JoinedError::HalfAPair { certificate, key }),
        }
    }
}

/// Whether what is sent there stays on this host, or is encrypted.
fn is_safe(address: &str) -> bool {
    let Some(plain) = address.strip_prefix("http://") else { return true };
    let host = plain.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read(path: &Path) -> Result<String, JoinedError> {
    fs::read_to_string(path).map_err(|source| JoinedError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &'static Names, variables: &[(&str, &str)]) -> Result<Endpoint, JoinedError> {
        let cluster = config::parse("", &|_| None).unwrap().cluster;
        let environment =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Agent { cluster: &cluster, names, environment: &environment }.endpoint(None, None)
    }

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_host() {
        let consul = |address, encrypted| {
            let all = [("CONSUL_HTTP_ADDR", address), ("CONSUL_HTTP_TOKEN", "x"), ("CONSUL_HTTP_SSL", encrypted)];
            asked(&CONSUL, &all).map(|endpoint| endpoint.address)
        };
        for (address, encrypted, used) in [
            ("10.0.0.5:8501", "true", "https://10.0.0.5:8501"),
            ("https://10.0.0.5:8501", "", "https://10.0.0.5:8501"),
            ("127.0.0.1:8500", "", "http://127.0.0.1:8500"),
            ("http://[::1]:8500", "true", "http://[::1]:8500"),
            ("localhost:8500", "", "http://localhost:8500"),
        ] {
            assert_eq!(consul(address, encrypted).unwrap(), used);
        }
        for address in ["10.0.0.5:8500", "http://10.0.0.5", "http://127.0.0.1.evil.example:8500", "consul:8500"] {
            assert!(matches!(consul(address, ""), Err(JoinedError::PlainToken { .. })), "{address}");
        }
        assert!(asked(&CONSUL, &[("CONSUL_HTTP_ADDR", "10.0.0.5:8500")]).is_ok(), "no token, nothing to lose");
    }

    #[test]
    fn what_the_agents_own_tools_read_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, format!("{name}\n")).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (token, ca, cert, key) = (file("token"), file("ca"), file("cert"), file("key"));
        let consul = [
            ("CONSUL_HTTP_ADDR", "https://10.0.0.5:8501"),
            ("CONSUL_HTTP_TOKEN_FILE", &*token),
            ("CONSUL_CACERT", &*ca),
            ("CONSUL_CLIENT_CERT", &*cert),
            ("CONSUL_CLIENT_KEY", &*key),
            ("CONSUL_TLS_SERVER_NAME", "server.dc1.consul"),
        ];
        let endpoint = asked(&CONSUL, &consul).unwrap();
        assert_eq!(endpoint.token.unwrap().expose(), "token");
        let tls = endpoint.tls.unwrap();
        assert_eq!((&*tls.authority, tls.server_name.as_deref()), ("ca\n", Some("server.dc1.consul")));
        assert_eq!(tls.client.unwrap().chain, "cert\n");
        let half = [("NOMAD_ADDR", "https://10.0.0.5:4646"), ("NOMAD_CACERT", &*ca), ("NOMAD_CLIENT_KEY", &*key)];
        assert!(matches!(asked(&NOMAD, &half), Err(JoinedError::HalfAPair { .. })));
        assert!(matches!(asked(&NOMAD, &[]), Err(JoinedError::Missing { variable: "NOMAD_ADDR", .. })));
    }
}
