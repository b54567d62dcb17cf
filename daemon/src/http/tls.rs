//! TLS of the API's listeners: the operator's own certificate, or one of Roost's authority.
//!
//! Whichever it is, it is looked at again every hour: a certificate of ours is issued anew in time, the operator's
//! files are read again, so that certbot and its like need no restart of the daemon. A bad new file is logged and
//! the old certificate goes on: an expired certificate is better than no API to say so.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tasks::{Clock, Stop};
use tokio_rustls::TlsAcceptor;
use vocabulary::Timestamp;

use super::ca::{CaError, CertificateAuthority, SERVER_LIFETIME};

/// How often the certificate is looked at.
const LOOK: Duration = Duration::from_secs(3600);

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsSource {
    /// The operator's files, PEM.
    Files {
        /// The certificate with its chain.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// Roost's own authority under `data_dir/ca`.
    Roost {
        /// Where the authority is kept.
        data_dir: PathBuf,
        /// Names and addresses under which the API answers.
        names: Vec<String>,
    },
}

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file is missing or holds something else.
    #[error("cannot read {path}")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not fit together, or the key is of no usable kind.
    #[error("the certificate cannot be used")]
    Certificate(#[source] rustls::Error),
    /// Roost's own authority failed.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// No cryptography was installed: the first line of `main` does it.
    #[error("no TLS provider is installed in this process")]
    NoProvider,
}

/// TLS, built: hands out acceptors and keeps the certificate fresh.
pub struct Tls {
    source: TlsSource,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
    clock: Arc<dyn Clock>,
}

impl Tls {
    /// Reads or issues the certificate.
    ///
    /// # Errors
    /// There is none that can be used.
    pub fn build(source: TlsSource, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let provider = CryptoProvider::get_default().ok_or(TlsError::NoProvider)?.clone();
        let key = certified(&source, &provider, clock.now())?;
        Ok(Self { source, provider, current: Arc::new(Current(RwLock::new(Arc::new(key)))), clock })
    }

    /// For the listeners.
    ///
    /// # Errors
    /// The provider knows no protocol version that is safe.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Certificate)?
            .with_no_client_auth()
            .with_cert_resolver(self.current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Looks at the certificate every hour until told to stop.
    pub async fn keep_fresh(self, stop: Stop) {
        let mut issued = self.clock.now();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            self.look(&mut issued);
        }
    }

    fn look(&self, issued: &mut Timestamp) {
        let now = self.clock.now();
        if !due(&self.source, *issued, now) {
            return;
        }
        match certified(&self.source, &self.provider, now) {
            Ok(key) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                *issued = now;
            }
            Err(error) => tracing::error!(
                error = %error,
                cause = ?std::error::Error::source(&error),
                "the API's certificate could not be renewed; the old one goes on"
            ),
        }
    }
}

/// The operator's files are read at every look; ours is issued anew when a third of its life is left.
fn due(source: &TlsSource, issued: Timestamp, now: Timestamp) -> bool {
    match source {
        TlsSource::Files { .. } => true,
        TlsSource::Roost { .. } => issued.checked_add(SERVER_LIFETIME * 2 / 3).is_ok_and(|due| now >= due),
    }
}

fn certified(source: &TlsSource, provider: &CryptoProvider, now: Timestamp) -> Result<CertifiedKey, TlsError> {
    let (chain, key) = match source {
        TlsSource::Files { certificate, key } => read(certificate, key)?,
        TlsSource::Roost { data_dir, names } => {
            let issued = CertificateAuthority::ensure(data_dir, now)?.issue(names.clone(), now)?;
            (vec![CertificateDer::from(issued.certificate)], PrivateKeyDer::Pkcs8(issued.key.into()))
        }
    };
    CertifiedKey::from_der(chain, key, provider).map_err(TlsError::Certificate)
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<Pair, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|source| TlsError::Pem { path: certificate.clone(), source })?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem { path: key.clone(), source })?;
    Ok((chain, key))
}

/// The certificate that new connections get.
struct Current(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_certificate_is_issued_anew_in_time() {
        let source = TlsSource::Roost { data_dir: PathBuf::new(), names: Vec::new() };
        let issued = Timestamp::from_second(0).unwrap();
        let days = |days: i64| Timestamp::from_second(days * 86_400).unwrap();
        assert!(!due(&source, issued, days(59)));
        assert!(due(&source, issued, days(60)));
    }
}
