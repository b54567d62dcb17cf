//! Certificates: an authority that is nothing but a key, and what it issues.
//!
//! The authority's own certificate is made from its key alone (its name is the key's digest), so issuing needs no
//! certificate parsed back from a file, and the key is all that must be kept. Used for the cluster's agents and for the
//! API's own listener.
//!
//! A certificate is renewed once a third of its lifetime has passed: two more attempts follow before anybody notices.
//! Each is valid since the day before, so that a machine whose clock is a little behind does not refuse it.

use std::{net::IpAddr, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData as _, SanType,
};
use sha2::{Digest as _, Sha256};
use vocabulary::{Secret, Timestamp};

const DAY: Duration = Duration::from_secs(86_400);
/// An authority outlives the machines that trust it.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(3650 * 86_400);

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The key is damaged.
    #[error("the authority's key is no private key in PEM")]
    Key(#[source] rcgen::Error),
    /// A name is none, or there was no randomness.
    #[error("cannot make a certificate for {name}")]
    Make {
        /// For whom.
        name: String,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
}

/// Who vouches.
pub struct Authority {
    /// What its name begins with, so that two authorities of Roost are told apart.
    label: &'static str,
    key: KeyPair,
}

/// What a certificate is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its common name, for people; nobody checks it.
    pub name: String,
    /// The names that it proves.
    pub names: Vec<String>,
    /// The addresses that it proves.
    pub addresses: Vec<IpAddr>,
    /// Which side of a connection it is for.
    pub side: Side,
    /// How long it lives.
    pub lifetime: Duration,
}

/// Which side of a connection a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who is called.
    Server,
    /// Who calls.
    Client,
    /// Agents call each other.
    Both,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PKCS #8 PEM.
    pub key: Secret<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn random(label: &'static str) -> Result<Self, CertificateError> {
        let key = KeyPair::generate().map_err(|source| CertificateError::Make { name: label.to_owned(), source })?;
        Ok(Self { label, key })
    }

    /// The one whose key was kept.
    ///
    /// # Errors
    /// It is no key.
    pub fn of_key(label: &'static str, pem: &Secret<String>) -> Result<Self, CertificateError> {
        Ok(Self { label, key: KeyPair::from_pem(pem.expose()).map_err(CertificateError::Key)? })
    }

    /// What must be kept.
    #[must_use]
    pub fn key_pem(&self) -> Secret<String> {
        Secret::new(self.key.serialize_pem())
    }

    /// Its own certificate, PEM: what others must have to believe it. Made anew it differs in its dates alone, and
    /// what was issued is believed with each of them.
    ///
    /// # Errors
    /// The library refuses.
    pub fn certificate(&self, now: Timestamp) -> Result<String, CertificateError> {
        let certificate = self.params(now).self_signed(&self.key);
        Ok(certificate.map_err(|source| CertificateError::Make { name: self.name(), source })?.pem())
    }

    /// A certificate with a key of its own.
    ///
    /// # Errors
    /// A name is none.
    pub fn issue(&self, wanted: &Wanted, now: Timestamp) -> Result<Issued, CertificateError> {
        self.try_issue(wanted, now).map_err(|source| CertificateError::Make { name: wanted.name.clone(), source })
    }

    fn try_issue(&self, wanted: &Wanted, now: Timestamp) -> Result<Issued, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(wanted.names.clone())?;
        params.subject_alt_names.extend(wanted.addresses.iter().copied().map(SanType::IpAddress));
        params.distinguished_name = named(wanted.name.clone());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = wanted.side.usages();
        let expires_at = lasting(&mut params, now, wanted.lifetime);
        let certificate = params.signed_by(&key, &Issuer::from_params(&self.params(now), &self.key))?;
        Ok(Issued { certificate: certificate.pem(), key: Secret::new(key.serialize_pem()), expires_at })
    }

    fn params(&self, now: Timestamp) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(self.name());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        lasting(&mut params, now, AUTHORITY_LIFETIME);
        params
    }

    fn name(&self) -> String {
        let mark = hex::encode(&Sha256::digest(self.key.subject_public_key_info())[..4]);
        format!("{} {mark}", self.label)
    }
}

impl Side {
    fn usages(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Self::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Self::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Self::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        }
    }
}

/// When a certificate that ends then, and lives so long, is to be renewed.
#[must_use]
pub fn renew_at(expires_at: Timestamp, lifetime: Duration) -> Timestamp {
    expires_at.saturating_sub(lifetime - lifetime / 3).unwrap_or(expires_at)
}

fn named(common_name: String) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Sets its dates, in whole seconds as a certificate has them; the answer is its end.
fn lasting(params: &mut CertificateParams, now: Timestamp, lifetime: Duration) -> Timestamp {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |at: Timestamp| epoch + Duration::from_secs(at.as_second().try_into().unwrap_or_default());
    let until = now.saturating_add(lifetime).unwrap_or(now);
    let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
    params.not_before = at(now.saturating_sub(DAY).unwrap_or(now));
    params.not_after = at(until);
    until
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    #[test]
    fn an_authority_is_its_key() {
        let made = Authority::random("Roost test CA").unwrap();
        let again = Authority::of_key("Roost test CA", &made.key_pem()).unwrap();
        assert_eq!(made.name(), again.name());
        assert_ne!(made.name(), Authority::random("Roost test CA").unwrap().name());
        assert!(!made.certificate(now()).unwrap().contains("PRIVATE"));
        let damaged = Authority::of_key("Roost test CA", &Secret::new("none".to_owned()));
        assert!(matches!(damaged, Err(CertificateError::Key(_))));
    }

    #[test]
    fn a_certificate_is_renewed_once_a_third_of_its_life_has_passed() {
        let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
        let expires = now().saturating_add(hour).unwrap();
        assert_eq!(renew_at(expires, hour), now().saturating_add(20 * minute).unwrap());
    }
}
