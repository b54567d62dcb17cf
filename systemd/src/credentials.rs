//! Secrets that systemd hands over, and how well a secret is kept.
//!
//! `LoadCredentialEncrypted=` decrypts with the TPM or the host's key and shows the result to this unit alone, in
//! memory. Without it a secret is a file of mode 0600, and whoever shows its state says so. The folder goes away
//! when the service stops, so a child that outlives the daemon needs a copy of its own.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

const FOLDER: &str = "CREDENTIALS_DIRECTORY";

/// Why a credential could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A name with a slash, or a special one.
    #[error("{name:?} is no name of a credential")]
    Name {
        /// As given.
        name: String,
    },
    /// It is there and not readable.
    #[error("could not read the credential {}", path.display())]
    Read {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// How a secret on this host is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// By systemd, for this unit alone.
    Credential,
    /// As a file that its owner alone can read.
    OwnerFile,
    /// As a file that others can read or write too.
    Exposed {
        /// The permission bits.
        mode: u32,
    },
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential => f.write_str("a systemd credential"),
            Self::OwnerFile => f.write_str("not sealed: a file that only its owner can read"),
            Self::Exposed { mode } => write!(f, "not sealed: a file of mode {mode:04o} that others can open"),
        }
    }
}

/// Where a credential of this unit lies, if systemd handed it over.
#[must_use]
pub fn credential_path(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    let path = checked(name).ok().map(|name| folder.join(name))?;
    path.is_file().then_some(path)
}

/// A credential's bytes, if systemd handed it over.
///
/// # Errors
/// The name is none, or the file is there and not readable.
pub fn credential(name: &str) -> Result<Option<Vec<u8>>, CredentialError> {
    checked(name)?;
    let Some(path) = credential_path(name) else { return Ok(None) };
    fs::read(&path).map(Some).map_err(|source| CredentialError::Read { path, source })
}

/// How the secret in this file is kept.
///
/// # Errors
/// There is no such file.
pub fn sealed(path: &Path) -> io::Result<Sealed> {
    if std::env::var_os(FOLDER).is_some_and(|folder| path.starts_with(folder)) {
        return Ok(Sealed::Credential);
    }
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    Ok(if mode & 0o077 == 0 { Sealed::OwnerFile } else { Sealed::Exposed { mode } })
}

fn checked(name: &str) -> Result<&str, CredentialError> {
    let bad = name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']);
    if bad { Err(CredentialError::Name { name: name.to_owned() }) } else { Ok(name) }
}
