//! Roost's own certificate authority, for racks without one: made at first start, kept under `data_dir/ca`.
//!
//! Only the authority is kept. The server's own certificate lives in memory and is issued anew at every start and
//! before it expires; clients trust the authority, so a new one is no event, and a copied backup holds no server key.
//! The authority's certificate is made from its key alone, so that its name need not be parsed back from the file.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _,
};
use sha2::{Digest as _, Sha256};
use vocabulary::Timestamp;

use crate::whole;

/// How long a server certificate lives; it is issued anew when a third of that is left.
pub const SERVER_LIFETIME: Duration = Duration::from_secs(90 * DAY_S);
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(3650 * DAY_S);
const DAY_S: u64 = 86_400;

/// The authority could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file of it cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate from {path}")]
    Certificate {
        /// The authority's key.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
}

/// The authority.
pub struct CertificateAuthority {
    key: KeyPair,
    key_path: PathBuf,
    certificate_pem: String,
}

/// A server's certificate and key, in memory alone.
pub struct Issued {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its key, PKCS #8 DER.
    pub key: Vec<u8>,
}

impl CertificateAuthority {
    /// The authority under `data_dir/ca`, made where there is none.
    ///
    /// # Errors
    /// Its files cannot be read or written, or are damaged.
    pub fn ensure(data_dir: &Path, now: Timestamp) -> Result<Self, CaError> {
        let folder = data_dir.join("ca");
        let key_path = folder.join("key.pem");
        if !key_path.exists() {
            make(&folder, &key_path)?;
        }
        let text = fs::read_to_string(&key_path).map_err(|source| CaError::Io { path: key_path.clone(), source })?;
        let key = KeyPair::from_pem(&text).map_err(|source| CaError::Certificate { path: key_path.clone(), source })?;
        let certificate_path = certificate_path(data_dir);
        if !certificate_path.exists() {
            let pem =
                self_signed(&key, now).map_err(|source| CaError::Certificate { path: key_path.clone(), source })?;
            write(&certificate_path, &pem, 0o644)?;
        }
        let certificate_pem = fs::read_to_string(&certificate_path)
            .map_err(|source| CaError::Io { path: certificate_path.clone(), source })?;
        Ok(Self { key, key_path, certificate_pem })
    }

    /// The authority's certificate, for clients.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A certificate for a server that answers under these names and addresses.
    ///
    /// # Errors
    /// A name is none.
    pub fn issue(&self, names: Vec<String>, now: Timestamp) -> Result<Issued, CaError> {
        self.try_issue(names, now).map_err(|source| CaError::Certificate { path: self.key_path.clone(), source })
    }

    fn try_issue(&self, names: Vec<String>, now: Timestamp) -> Result<Issued, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = named("Roost API".to_owned());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        lasting(&mut params, now, SERVER_LIFETIME);
        let authority = authority_params(&self.key, now);
        let certificate = params.signed_by(&key, &Issuer::from_params(&authority, &self.key))?;
        Ok(Issued { certificate: certificate.der().to_vec(), key: key.serialize_der() })
    }
}

/// Where the authority's certificate lies.
#[must_use]
pub fn certificate_path(data_dir: &Path) -> PathBuf {
    data_dir.join("ca/cert.pem")
}

fn make(folder: &Path, key_path: &Path) -> Result<(), CaError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| CaError::Io { path: folder.to_owned(), source })?;
    let key = KeyPair::generate().map_err(|source| CaError::Certificate { path: key_path.to_owned(), source })?;
    write(key_path, &key.serialize_pem(), 0o600)
}

fn self_signed(key: &KeyPair, now: Timestamp) -> Result<String, rcgen::Error> {
    Ok(authority_params(key, now).self_signed(key)?.pem())
}

fn authority_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let mark = hex::encode(&Sha256::digest(key.subject_public_key_info())[..4]);
    let mut params = CertificateParams::default();
    params.distinguished_name = named(format!("Roost CA {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lasting(&mut params, now, AUTHORITY_LIFETIME);
    params
}

fn named(common_name: String) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Valid since the day before, so that a machine whose clock is a little behind does not refuse it.
fn lasting(params: &mut CertificateParams, now: Timestamp, lifetime: Duration) {
    let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let midnight =
        |at: Date| rcgen::date_time_ymd(at.year().into(), at.month().unsigned_abs(), at.day().unsigned_abs());
    params.not_before = midnight(date(now.saturating_sub(Duration::from_secs(DAY_S)).unwrap_or(now)));
    params.not_after = midnight(date(now.saturating_add(lifetime).unwrap_or(now)));
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CaError> {
    whole::put(path, text.as_bytes(), mode).map_err(|source| CaError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let made = CertificateAuthority::ensure(folder.path(), now).unwrap();
        let again = CertificateAuthority::ensure(folder.path(), now).unwrap();
        assert_eq!(made.certificate_pem(), again.certificate_pem());
        let mode = fs::metadata(folder.path().join("ca/key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!made.certificate_pem().contains("PRIVATE"));
    }
}
