//! A cluster that Roost made: its facts and secrets in hand, so that its agents can be certified and its nodes let in.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};
use vocabulary::{NodeId, Secret, Timestamp};

use super::{
    agents::{self, Place},
    facts::Facts,
    kit::{self, MintError, NodeKit, Role, file},
    secrets::Secrets,
    tokens,
};
use crate::{
    BuildError, CallError, ClientCertificate, Endpoint, Limits, Tls, Turn,
    consul::{self, AclTokenRequest, NodeIdentity},
    nomad,
    pki::{Authority, CertificateError, Issued},
};

/// A cluster of Roost's own.
pub struct Cluster {
    facts: Facts,
    secrets: Secrets,
    authority: Authority,
    /// Which of the servers is asked now, by whoever asks.
    consul: Turn,
    nomad: Turn,
}

/// The cluster's own keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The authority or a certificate of it.
    #[error("cannot use the cluster's authority")]
    Certificate(#[source] CertificateError),
    /// A client.
    #[error("cannot speak to the cluster's agents")]
    Client(#[source] BuildError),
}

/// As whom the agents are spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// With no token: before there are any.
    Nobody,
    /// As who may do everything: to bootstrap, and to make nodes' tokens.
    Management,
    /// As the daemon, which may do what it does every day.
    Daemon,
}

/// Clients of both agents.
#[derive(Debug, Clone)]
pub struct Clients {
    /// Consul's.
    pub consul: consul::Client,
    /// Nomad's.
    pub nomad: nomad::Client,
    /// When the certificate that they show ends; none shows none.
    pub expires_at: Option<Timestamp>,
}

/// Where the first server's agents live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerPlaces {
    /// Consul.
    pub consul: Place,
    /// Nomad.
    pub nomad: Place,
}

/// What the first server's agents are started with.
#[derive(Debug, Clone)]
pub struct ServerFiles {
    /// Consul's files by name.
    pub consul: Vec<(&'static str, Secret<String>)>,
    /// Nomad's files by name.
    pub nomad: Vec<(&'static str, Secret<String>)>,
    /// When the certificates end.
    pub expires_at: Timestamp,
}

impl Cluster {
    /// The cluster of these facts and secrets.
    ///
    /// # Errors
    /// The authority's key is damaged.
    pub fn new(facts: Facts, secrets: Secrets) -> Result<Self, ClusterError> {
        let authority = secrets.authority().map_err(ClusterError::Certificate)?;
        Ok(Self { facts, secrets, authority, consul: Turn::default(), nomad: Turn::default() })
    }

    /// What everybody may know of it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What opens its doors.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(super) fn secrets_mut(&mut self) -> &mut Secrets {
        &mut self.secrets
    }

    /// What all agents and callers trust, PEM.
    ///
    /// # Errors
    /// The authority can't certify itself.
    pub fn authority_pem(&self, now: Timestamp) -> Result<String, ClusterError> {
        self.authority.certificate(now).map_err(ClusterError::Certificate)
    }

    /// Certificates of the first server: Consul's and Nomad's.
    ///
    /// # Errors
    /// They can't be made.
    pub fn server_certificates(&self, now: Timestamp) -> Result<(Issued, Issued), ClusterError> {
        let issue = |wanted| self.authority.issue(&wanted, now).map_err(ClusterError::Certificate);
        Ok((issue(self.facts.wants_consul_server())?, issue(self.facts.wants_nomad_server())?))
    }

    /// The first server's files, for Consul and for Nomad, by their names: certificates, and the agent's own file, which
    /// expects them where its place says.
    ///
    /// # Errors
    /// The certificates can't be made.
    pub fn server_files(&self, now: Timestamp, places: &ServerPlaces) -> Result<ServerFiles, ClusterError> {
        let authority = Secret::new(self.authority_pem(now)?);
        let (consul, nomad) = self.server_certificates(now)?;
        let expires_at = consul.expires_at;
        let [consul_file, nomad_file] = self.agent_files(places);
        let consul = vec![
            (file::AUTHORITY, authority.clone()),
            (file::CONSUL_CERTIFICATE, Secret::new(consul.certificate)),
            (file::CONSUL_KEY, consul.key),
            consul_file,
        ];
        let nomad = vec![
            (file::AUTHORITY, authority),
            (file::NOMAD_CERTIFICATE, Secret::new(nomad.certificate)),
            (file::NOMAD_KEY, nomad.key),
            nomad_file,
        ];
        Ok(ServerFiles { consul, nomad, expires_at })
    }

    /// Of these the agents' own files, Consul's and Nomad's: all of them that gossip keys and tokens stand in.
    #[must_use]
    pub fn agent_files(&self, places: &ServerPlaces) -> [(&'static str, Secret<String>); 2] {
        [
            (agents::CONSUL_FILE, agents::consul_server(&self.facts, &self.secrets, &places.consul)),
            (agents::NOMAD_FILE, agents::nomad_server(&self.facts, &self.secrets, &places.nomad)),
        ]
    }

    /// Clients of the servers' agents, with a certificate that was made for them now: of the first server's as long as they
    /// answer, else of the next one's.
    ///
    /// # Errors
    /// They can't be made.
    pub fn clients(&self, who: As, now: Timestamp) -> Result<Clients, ClusterError> {
        let caller = self.authority.issue(&self.facts.wants_caller(), now).map_err(ClusterError::Certificate)?;
        let authority = self.authority_pem(now)?;
        let endpoint = |address, others, turn: &Turn, role, token: Option<Secret<String>>| {
            let client = ClientCertificate { chain: caller.certificate.clone(), key: caller.key.clone() };
            let tls = Tls { authority: authority.clone(), client: Some(client), server_name: Some(role) };
            Endpoint { address, token, tls: Some(tls), limits: Limits::default(), others, turn: turn.clone() }
        };
        let secrets = &self.secrets;
        let (consul_token, nomad_token) = match who {
            As::Nobody => (None, None),
            As::Management => (Some(secrets.consul_management.clone()), Some(secrets.nomad_management.clone())),
            As::Daemon => (Some(secrets.consul_daemon.clone()), secrets.nomad_daemon.clone()),
        };
        let facts = &self.facts;
        let others = (facts.other_consul_urls(), facts.other_nomad_urls());
        let consul = endpoint(facts.consul_url(), others.0, &self.consul, facts.consul_server(), consul_token);
        let nomad = endpoint(facts.nomad_url(), others.1, &self.nomad, facts.nomad_server(), nomad_token);
        Ok(Clients {
            consul: consul::Client::build(&consul).map_err(ClusterError::Client)?,
            nomad: nomad::Client::build(&nomad).map_err(ClusterError::Client)?,
            expires_at: Some(caller.expires_at),
        })
    }

    /// All that this node needs to join. Minted again it has new certificates and a new introduction; its Consul tokens
    /// stay the same until it is retired, so that an agent that runs meanwhile is not shut out.
    ///
    /// # Errors
    /// The servers do not make its tokens.
    pub async fn mint(&self, now: Timestamp, node: &NodeId) -> Result<NodeKit, MintError> {
        self.mint_as(now, node, Role::Client).await
    }

    /// All that this node needs to be that; the rest as [`Cluster::mint`]. Its Consul tokens are the same whatever it is: a
    /// server is one by its certificates and, in Nomad, by the key of the servers' gossip.
    ///
    /// # Errors
    /// The servers do not make its tokens.
    pub async fn mint_as(&self, now: Timestamp, node: &NodeId, role: Role) -> Result<NodeKit, MintError> {
        let mut files = self.certificates(now, node, role)?;
        let clients = self.clients(As::Management, now).map_err(|error| match error {
            ClusterError::Certificate(source) => MintError::Certificate { node: node.clone(), source },
            ClusterError::Client(source) => MintError::Client(source),
        })?;
        let refused = |what| move |source| MintError::Token { what, node: node.clone(), source };
        let (agent, nomad) = self.node_tokens(node);
        if clients.consul.policy(&tokens::node_policy_name(node)).await.map_err(refused("Consul policy"))?.is_none() {
            let nothing = tokens::node_policy(node, &BTreeSet::new());
            clients.consul.write_policy(&nothing).await.map_err(refused("Consul policy"))?;
        }
        let agent = known_or_made(&clients.consul, &agent).await.map_err(refused("Consul token"))?;
        let nomad = known_or_made(&clients.consul, &nomad).await.map_err(refused("Consul token for Nomad"))?;
        let intro = clients.nomad.introduce(&node.to_string()).await.map_err(refused("introduction to Nomad"))?;
        files.extend([
            (file::CONSUL_AGENT_TOKEN, agent),
            (file::NOMAD_CONSUL_TOKEN, nomad),
            (file::NOMAD_INTRO_TOKEN, intro),
        ]);
        Ok(NodeKit { node: node.clone(), variables: kit::variables(&self.facts, node, role), files })
    }

    /// Revokes what the node was given, with the policy that was made for it alone; what was never given, or is gone, is no
    /// error. The answer: the public names of the tokens that were there.
    ///
    /// # Errors
    /// Consul does not answer or refuses.
    pub async fn revoke(&self, clients: &Clients, node: &NodeId) -> Result<Vec<String>, CallError> {
        let (agent, nomad) = self.node_tokens(node);
        let mut revoked = Vec::new();
        for accessor in [agent, nomad].into_iter().filter_map(|token| token.accessor) {
            if clients.consul.token(&accessor).await?.is_some() {
                found(clients.consul.revoke_token(&accessor).await)?;
                revoked.push(accessor);
            }
        }
        if let Some(policy) = clients.consul.policy(&tokens::node_policy_name(node)).await? {
            found(clients.consul.delete_policy(&policy.id).await)?;
        }
        Ok(revoked)
    }

    fn certificates(
        &self,
        now: Timestamp,
        node: &NodeId,
        role: Role,
    ) -> Result<Vec<(&'static str, Secret<String>)>, MintError> {
        let failed = |source| MintError::Certificate { node: node.clone(), source };
        let authority = self.authority.certificate(now).map_err(failed)?;
        let facts = &self.facts;
        let (consul, nomad) = match role {
            Role::Server(at) => (facts.wants_consul_server_on(node, at), facts.wants_nomad_server_on(node, at)),
            Role::Client | Role::FormerServer => (facts.wants_consul_client(node), facts.wants_nomad_client(node)),
        };
        let consul = self.authority.issue(&consul, now).map_err(failed)?;
        let nomad = self.authority.issue(&nomad, now).map_err(failed)?;
        let mut files = vec![
            (file::AUTHORITY, Secret::new(authority)),
            (file::CONSUL_CERTIFICATE, Secret::new(consul.certificate)),
            (file::CONSUL_KEY, consul.key),
            (file::NOMAD_CERTIFICATE, Secret::new(nomad.certificate)),
            (file::NOMAD_KEY, nomad.key),
            (file::CONSUL_GOSSIP, self.secrets.consul_gossip.clone()),
        ];
        if matches!(role, Role::Server(_)) {
            files.push((file::NOMAD_GOSSIP, self.secrets.nomad_gossip.clone()));
        }
        Ok(files)
    }

    /// The node's agent, which may write the node and what runs on it, and its Nomad, which may look alone.
    fn node_tokens(&self, node: &NodeId) -> (AclTokenRequest, AclTokenRequest) {
        let identity = NodeIdentity { node_name: node.to_string(), datacenter: self.facts.datacenter.to_string() };
        let agent = AclTokenRequest {
            accessor: Some(accessor(&node.to_string(), "consul")),
            description: format!("{node}: its Consul agent"),
            node: Some(identity),
            ..AclTokenRequest::default()
        };
        let nomad = AclTokenRequest {
            accessor: Some(accessor(&node.to_string(), "nomad")),
            description: format!("{node}: its Nomad agent"),
            policies: vec![tokens::NOMAD_AGENT.to_owned(), tokens::node_policy_name(node)],
            ..AclTokenRequest::default()
        };
        (agent, nomad)
    }
}

/// A token's public name, derived: whoever retires a node needs no record of what it was given.
pub(super) fn accessor(node: &str, what: &str) -> String {
    let digest = Sha256::digest(format!("roost {node} {what}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// What is gone already is no error.
fn found(done: Result<(), CallError>) -> Result<(), CallError> {
    match done {
        Err(CallError::NotFound { .. }) => Ok(()),
        done => done,
    }
}

/// Consul keeps the secrets of tokens, so one that was made before is asked for and not remembered here.
async fn known_or_made(consul: &consul::Client, wanted: &AclTokenRequest) -> Result<Secret<String>, CallError> {
    let accessor = wanted.accessor.as_deref().unwrap_or_default();
    match consul.token(accessor).await? {
        Some(token) => Ok(token.secret),
        None => Ok(consul.create_token(wanted).await?.secret),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    };
    use vocabulary::Mac;

    use super::*;
    use crate::bootstrap::facts::tests::facts;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn cluster() -> Cluster {
        Cluster::new(facts(), Secrets::random().unwrap()).unwrap()
    }

    /// Whether whoever shows this is believed to be who is called so.
    fn proves(cluster: &Cluster, certificate: &str, name: &str, at: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        let authority = cluster.authority_pem(now()).unwrap();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
        let provider = rustls::crypto::ring::default_provider().into();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(std::sync::Arc::new(roots), provider).build().unwrap();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().unsigned_abs()));
        verifier.verify_server_cert(&certificate, &[], &name, &[], at).is_ok()
    }

    #[test]
    fn a_nodes_certificate_can_never_serve() {
        let cluster = cluster();
        let node = NodeId::of(Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        let files = cluster.certificates(now(), &node, Role::Client).unwrap();
        let of = |name: &str| files.iter().find(|(file, _)| *file == name).unwrap().1.expose();
        let (consul, nomad) = (of("consul.pem"), of("nomad.pem"));
        for certificate in [consul, nomad] {
            for role in ["server.dc1.consul", "server.global.nomad", "10.77.0.1", "node-525400123457"] {
                assert!(!proves(&cluster, certificate, role, now()), "{role}");
            }
            for own in ["localhost", "127.0.0.1", "node-525400123456"] {
                assert!(proves(&cluster, certificate, own, now()), "{own}");
            }
        }
        assert!(proves(&cluster, consul, "client.dc1.consul", now()));
        assert!(!proves(&cluster, consul, "client.global.nomad", now()));
        assert!(!proves(&super::tests::cluster(), consul, "localhost", now()), "another authority");
    }

    #[test]
    fn a_node_that_serves_proves_it_and_gets_the_servers_gossip_key() {
        let cluster = cluster();
        let node = NodeId::of(Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        let of = |role, name: &str| {
            let files = cluster.certificates(now(), &node, role).unwrap();
            files.into_iter().find(|(file, _)| *file == name).map(|(_, text)| text.expose().clone())
        };
        let server = Role::Server([10, 77, 0, 2].into());
        assert!(proves(&cluster, &of(server, "consul.pem").unwrap(), "server.dc1.consul", now()));
        assert!(proves(&cluster, &of(server, "nomad.pem").unwrap(), "server.global.nomad", now()));
        assert!(of(server, "nomad-gossip").is_some());
        for role in [Role::Client, Role::FormerServer] {
            assert!(!proves(&cluster, &of(role, "nomad.pem").unwrap(), "server.global.nomad", now()));
            assert!(of(role, "nomad-gossip").is_none(), "{role:?}");
        }
    }

    #[test]
    fn a_server_proves_its_role_and_where_it_is_reached_and_no_other_role() {
        let cluster = cluster();
        let (consul, nomad) = cluster.server_certificates(now()).unwrap();
        for name in ["server.dc1.consul", "localhost", "127.0.0.1", "10.77.0.1"] {
            assert!(proves(&cluster, &consul.certificate, name, now()), "{name}");
        }
        assert!(!proves(&cluster, &consul.certificate, "server.global.nomad", now()));
        assert!(proves(&cluster, &nomad.certificate, "server.global.nomad", now()));
    }

    #[test]
    fn certificates_end_when_they_say_and_a_third_of_it_is_when_they_are_renewed() {
        let cluster = cluster();
        let (consul, _) = cluster.server_certificates(now()).unwrap();
        let after = |hours: u64| now().saturating_add(Duration::from_secs(hours * 3600)).unwrap();
        assert_eq!(consul.expires_at, after(30 * 24));
        assert!(proves(&cluster, &consul.certificate, "localhost", after(30 * 24 - 1)));
        assert!(!proves(&cluster, &consul.certificate, "localhost", after(30 * 24 + 1)));
        let lifetime = cluster.facts().certificate_lifetime;
        assert_eq!(crate::pki::renew_at(consul.expires_at, lifetime), after(10 * 24));
        let (renewed, _) = cluster.server_certificates(after(10 * 24)).unwrap();
        assert!(proves(&cluster, &renewed.certificate, "server.dc1.consul", after(40 * 24 - 1)));
    }

    #[test]
    fn a_clock_that_is_hours_off_believes_a_new_certificate() {
        let cluster = cluster();
        let (consul, _) = cluster.server_certificates(now()).unwrap();
        let hour = Duration::from_secs(3600);
        let behind = |hours| now().saturating_sub(hour * hours).unwrap();
        for (at, is_believed) in
            [(behind(25), false), (behind(23), true), (now(), true), (now().saturating_add(23 * hour).unwrap(), true)]
        {
            assert_eq!(proves(&cluster, &consul.certificate, "localhost", at), is_believed, "{at}");
        }
    }

    #[test]
    fn a_nodes_tokens_have_public_names_of_their_own() {
        let cluster = cluster();
        let node = |last| NodeId::of(Mac([0x52, 0x54, 0, 0x12, 0x34, last]));
        let (agent, nomad) = cluster.node_tokens(&node(1));
        assert_ne!(agent.accessor, nomad.accessor);
        assert_ne!(agent.accessor, cluster.node_tokens(&node(2)).0.accessor);
        assert_eq!(agent, cluster.node_tokens(&node(1)).0);
    }
}
