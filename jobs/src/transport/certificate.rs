//! Why TLS came to nothing: whose certificate is not good, and what is wrong with it.
//!
//! The HTTP library says "error sending request" for a lost cable as for a certificate that ended, and the two have nothing
//! in common but that: one passes by itself, the other does not. The cause is deep in the error's sources, behind an I/O
//! error that hides it from `source()`.

use std::{error::Error, fmt, io};

use rustls::{AlertDescription, CertificateError};

/// A certificate that somebody does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadCertificate {
    /// Whose.
    pub whose: Whose,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Whose certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The agent's, which we do not take.
    Agents,
    /// Ours, which the agent does not take.
    Ours,
}

/// What is wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has ended, by the clock of whoever looks; agents say this of one that has not begun too.
    Expired,
    /// It has not begun, by the clock here.
    NotYetValid,
    /// Another authority issued it than the one that is trusted.
    UnknownAuthority,
    /// It is somebody else's.
    WrongName,
    /// There is none.
    Missing,
    /// Anything else.
    Other,
}

impl BadCertificate {
    /// What TLS says in an error's sources, where it says anything of a certificate.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref().and_then(Self::in_tls) {
                return Some(found);
            }
            // An I/O error gives the source of what it holds for its own, and so hides that itself.
            let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
        }
        None
    }

    fn in_tls(error: &rustls::Error) -> Option<Self> {
        let (whose, fault) = match error {
            rustls::Error::InvalidCertificate(why) => (Whose::Agents, Fault::of_theirs(why)),
            rustls::Error::AlertReceived(alert) => (Whose::Ours, Fault::of_ours(*alert)?),
            _ => return None,
        };
        Some(Self { whose, fault })
    }
}

impl Fault {
    const fn of_theirs(why: &CertificateError) -> Self {
        match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            // An authority of the same name with another key shows as a bad signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownAuthority,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
            _ => Self::Other,
        }
    }

    const fn of_ours(alert: AlertDescription) -> Option<Self> {
        match alert {
            AlertDescription::CertificateExpired => Some(Self::Expired),
            AlertDescription::UnknownCA => Some(Self::UnknownAuthority),
            AlertDescription::CertificateRequired => Some(Self::Missing),
            AlertDescription::BadCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate => Some(Self::Other),
            _ => None,
        }
    }
}

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.whose, self.fault) {
            (Whose::Agents, Fault::Expired) => "its certificate has expired, or the clock here is ahead",
            (Whose::Agents, Fault::NotYetValid) => "its certificate is not valid yet, or the clock here is behind",
            (Whose::Agents, Fault::UnknownAuthority) => "its certificate is of an authority that is not trusted here",
            (Whose::Agents, Fault::WrongName) => "its certificate is for another name",
            (Whose::Agents, Fault::Missing | Fault::Other) => "its certificate is not good",
            (Whose::Ours, Fault::Expired) => "it says that our certificate has expired or is not valid yet",
            (Whose::Ours, Fault::UnknownAuthority) => "it does not trust the authority of our certificate",
            (Whose::Ours, Fault::Missing) => "it wants a certificate from us",
            (Whose::Ours, Fault::NotYetValid | Fault::WrongName | Fault::Other) => "it refuses our certificate",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_found_behind_an_io_error_and_nothing_else_is_taken_for_one() {
        let hidden = |error: rustls::Error| io::Error::other(io::Error::new(io::ErrorKind::InvalidData, error));
        let expired = hidden(rustls::Error::InvalidCertificate(CertificateError::Expired));
        let found = BadCertificate::of(&expired).unwrap();
        assert_eq!(found, BadCertificate { whose: Whose::Agents, fault: Fault::Expired });
        let refused = hidden(rustls::Error::AlertReceived(AlertDescription::UnknownCA));
        assert_eq!(BadCertificate::of(&refused).unwrap().whose, Whose::Ours);
        assert_eq!(BadCertificate::of(&hidden(rustls::Error::AlertReceived(AlertDescription::InternalError))), None);
        assert_eq!(BadCertificate::of(&io::Error::from(io::ErrorKind::ConnectionRefused)), None);
    }
}
