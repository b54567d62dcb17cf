//! What opens the doors of a cluster, in one bundle: chosen all at once, kept before any of it is used.
//!
//! Consul and Nomad let a token's secret be chosen for the first token, Consul for every one. What was chosen and kept
//! beforehand needs no step between "made" and "known", in which a crash would lose a door's only key.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Secret;

use crate::pki::{Authority, CertificateError};

/// What the cluster's authority is called, before its mark.
pub(super) const AUTHORITY: &str = "Roost cluster CA";
const GOSSIP_KEY_BYTES: usize = 32;

/// The bundle.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// The authority's key, PEM: whoever has it can be a server.
    pub authority_key: Secret<String>,
    /// Encrypts Consul's gossip; nodes have it too.
    pub consul_gossip: Secret<String>,
    /// Encrypts Nomad's gossip; servers alone have it.
    pub nomad_gossip: Secret<String>,
    /// Consul's first token: may do everything, makes nodes' tokens.
    pub consul_management: Secret<String>,
    /// Nomad's first token: may do everything.
    pub nomad_management: Secret<String>,
    /// The server's own Consul agent.
    pub consul_agent: Secret<String>,
    /// The server's Nomad towards its Consul.
    pub nomad_consul: Secret<String>,
    /// The daemon towards Consul.
    pub consul_daemon: Secret<String>,
    /// The daemon towards Nomad; Nomad chooses it, so it is there once it was made.
    #[serde(default)]
    pub nomad_daemon: Option<Secret<String>>,
}

/// The keys of both gossips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GossipKeys {
    /// Consul's; nodes have it too.
    pub consul: Secret<String>,
    /// Nomad's; servers alone have it.
    pub nomad: Secret<String>,
}

impl GossipKeys {
    /// Chooses both.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn random() -> Result<Self, SecretsError> {
        Ok(Self { consul: gossip_key()?, nomad: gossip_key()? })
    }
}

/// The bundle could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The system.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// The authority.
    #[error("cannot make the cluster's authority")]
    Authority(#[source] CertificateError),
    /// What was kept is damaged. Where the reader stopped is not told: it might quote a secret.
    #[error("the kept secrets of the cluster are damaged (line {line}, column {column})")]
    Damaged {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
}

impl Secrets {
    /// Chooses all of them.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn random() -> Result<Self, SecretsError> {
        let authority = Authority::random(AUTHORITY).map_err(SecretsError::Authority)?;
        Ok(Self {
            authority_key: authority.key_pem(),
            consul_gossip: gossip_key()?,
            nomad_gossip: gossip_key()?,
            consul_management: token()?,
            nomad_management: token()?,
            consul_agent: token()?,
            nomad_consul: token()?,
            consul_daemon: token()?,
            nomad_daemon: None,
        })
    }

    /// As they are kept.
    #[must_use]
    pub fn to_json(&self) -> Secret<String> {
        let daemon = self.nomad_daemon.as_ref().map(Secret::expose);
        let bundle = json!({
            "authority_key": self.authority_key.expose(),
            "consul_gossip": self.consul_gossip.expose(),
            "nomad_gossip": self.nomad_gossip.expose(),
            "consul_management": self.consul_management.expose(),
            "nomad_management": self.nomad_management.expose(),
            "consul_agent": self.consul_agent.expose(),
            "nomad_consul": self.nomad_consul.expose(),
            "consul_daemon": self.consul_daemon.expose(),
            "nomad_daemon": daemon,
        });
        Secret::new(bundle.to_string())
    }

    /// What was kept.
    ///
    /// # Errors
    /// It is damaged.
    pub fn from_json(text: &Secret<String>) -> Result<Self, SecretsError> {
        serde_json::from_str(text.expose())
            .map_err(|error| SecretsError::Damaged { line: error.line(), column: error.column() })
    }

    pub(super) fn authority(&self) -> Result<Authority, CertificateError> {
        Authority::of_key(AUTHORITY, &self.authority_key)
    }
}

fn gossip_key() -> Result<Secret<String>, SecretsError> {
    let mut bytes = [0; GOSSIP_KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(SecretsError::Random)?;
    Ok(Secret::new(STANDARD.encode(bytes)))
}

/// As both agents want a secret to be: a UUID.
fn token() -> Result<Secret<String>, SecretsError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(SecretsError::Random)?;
    Ok(Secret::new(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_back_and_never_shown() {
        let secrets = Secrets { nomad_daemon: Some(token().unwrap()), ..Secrets::random().unwrap() };
        let kept = secrets.to_json();
        assert_eq!(Secrets::from_json(&kept).unwrap(), secrets);
        assert!(!format!("{secrets:?}").contains(secrets.consul_management.expose().as_str()));
        let cut = Secret::new(kept.expose()[..kept.expose().len() - 3].to_owned());
        let error = Secrets::from_json(&cut).unwrap_err();
        assert!(!format!("{error:?} {error}").contains(secrets.nomad_daemon.unwrap().expose().as_str()));
    }

    #[test]
    fn no_two_are_alike() {
        let (one, other) = (Secrets::random().unwrap(), Secrets::random().unwrap());
        assert_ne!(one.consul_gossip, one.nomad_gossip);
        assert_ne!(one.consul_management, one.nomad_management);
        assert_ne!(one, other);
        assert_eq!(STANDARD.decode(one.consul_gossip.expose()).unwrap().len(), GOSSIP_KEY_BYTES);
    }
}
