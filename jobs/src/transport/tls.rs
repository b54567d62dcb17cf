//! Whom to trust and who we are: our own authority alone, never the web's.
//!
//! The name in an agent's certificate is its role (`server.global.nomad`), not its address, so the name to check may be
//! given beside the address. One rustls configuration serves both HTTP libraries that the clients use.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    client::WantsClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use vocabulary::Secret;

/// TLS towards an agent, all as PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The authorities that may vouch for the agent; nobody else may.
    pub authority: String,
    /// What we show, where the agent asks.
    pub client: Option<ClientCertificate>,
    /// The name that the agent's certificate must carry, where it is not the host of the address.
    pub server_name: Option<String>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, and those between it and the authority.
    pub chain: String,
    /// Its key.
    pub key: Secret<String>,
}

/// Certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The authority.
    #[error("the authority's certificate is no PEM")]
    Authority(#[source] rustls::pki_types::pem::Error),
    /// There is none in it.
    #[error("the authority's file holds no certificate")]
    Empty,
    /// Our certificate.
    #[error("the client's certificate is no PEM")]
    Chain(#[source] rustls::pki_types::pem::Error),
    /// Our key.
    #[error("the client's key is no PEM")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// They don't fit together, or are of an unknown kind.
    #[error("the certificates are refused")]
    Refused(#[source] rustls::Error),
    /// The name is none.
    #[error("`{name}` is no name that a certificate may carry")]
    Name {
        /// What was given.
        name: String,
    },
}

impl Tls {
    /// As rustls wants it.
    pub(super) fn config(&self) -> Result<ClientConfig, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.authority.as_bytes()) {
            roots.add(certificate.map_err(TlsError::Authority)?).map_err(TlsError::Refused)?;
        }
        if roots.is_empty() {
            return Err(TlsError::Empty);
        }
        let builder = trusting(roots)?;
        let Some(client) = &self.client else { return Ok(builder.with_no_client_auth()) };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(client.chain.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(client.key.expose().as_bytes()).map_err(TlsError::Key)?;
        builder.with_client_auth_cert(chain.map_err(TlsError::Chain)?, key).map_err(TlsError::Refused)
    }
}

/// For addresses without TLS: both libraries want a configuration even there.
pub(super) fn trust_nobody() -> Result<ClientConfig, TlsError> {
    Ok(trusting(RootCertStore::empty())?.with_no_client_auth())
}

/// The provider by name: a process-wide default may not be set.
fn trusting(roots: RootCertStore) -> Result<rustls::ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(TlsError::Refused)?.with_root_certificates(roots))
}
