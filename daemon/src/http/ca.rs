//! Roost's own certificate authority, for racks without one: made at first start, kept under `data_dir/ca`.
//!
//! Only the authority is kept. The server's own certificate lives in memory and is issued anew at every start and
//! before it expires; clients trust the authority, so a new one is no event, and a copied backup holds no server key.
//! How certificates are made is the cluster's own way (`jobs::pki`).

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jobs::pki::{Authority, CertificateError, Issued, Side, Wanted};
use vocabulary::{Secret, Timestamp};

/// What the authority is called, before its mark.
const LABEL: &str = "Roost CA";
/// How long a server certificate lives; it is issued anew when a third of that is left.
pub const SERVER_LIFETIME: Duration = Duration::from_secs(90 * DAY_S);
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
        source: CertificateError,
    },
}

/// The authority.
pub struct CertificateAuthority {
    authority: Authority,
    key_path: PathBuf,
    certificate_pem: String,
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
        let failed = |source| CaError::Certificate { path: key_path.clone(), source };
        let authority = Authority::of_key(LABEL, &Secret::new(text)).map_err(failed)?;
        let certificate_path = certificate_path(data_dir);
        if !certificate_path.exists() {
            let pem = authority.certificate(now).map_err(failed)?;
            write(&certificate_path, &pem, 0o644)?;
        }
        let certificate_pem = fs::read_to_string(&certificate_path)
            .map_err(|source| CaError::Io { path: certificate_path.clone(), source })?;
        Ok(Self { authority, key_path, certificate_pem })
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
        let wanted = Wanted {
            name: "Roost API".to_owned(),
            names,
            addresses: Vec::new(),
            side: Side::Server,
            lifetime: SERVER_LIFETIME,
        };
        let failed = |source| CaError::Certificate { path: self.key_path.clone(), source };
        self.authority.issue(&wanted, now).map_err(failed)
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
    let authority =
        Authority::random(LABEL).map_err(|source| CaError::Certificate { path: key_path.to_owned(), source })?;
    write(key_path, authority.key_pem().expose(), 0o600)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CaError> {
    let io_error = |source| CaError::Io { path: path.to_owned(), source };
    let partial = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&partial).map_err(io_error)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io_error)?;
    fs::rename(&partial, path).map_err(io_error)
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
