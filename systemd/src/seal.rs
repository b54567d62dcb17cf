//! Sealing a secret for a unit: `systemd-creds` encrypts it with the TPM or the host's key, and only the unit that names
//! it is shown the plain text.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where `LoadCredentialEncrypted=NAME` looks.
pub const CREDSTORE: &str = "/etc/credstore.encrypted";

/// A secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The program.
    #[error("cannot run systemd-creds")]
    Run(#[source] io::Error),
    /// It refused.
    #[error("systemd-creds refuses: {said}")]
    Refused {
        /// In its words.
        said: String,
    },
    /// The file.
    #[error("cannot write {}", path.display())]
    File {
        /// Where it should lie.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Whether systemd runs this host.
#[must_use]
pub fn is_booted() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Where the sealed secret of this name lies.
#[must_use]
pub fn sealed_path(name: &str) -> PathBuf {
    Path::new(CREDSTORE).join(name)
}

/// Seals a secret, in the place of one that was there.
///
/// # Errors
/// There is no `systemd-creds`, no key to seal with, or no place.
pub fn seal(name: &str, secret: &[u8]) -> Result<PathBuf, SealError> {
    let path = sealed_path(name);
    let file = |source| SealError::File { path: path.clone(), source };
    std::fs::create_dir_all(CREDSTORE).map_err(file)?;
    let new = path.with_extension("new");
    let name = format!("--name={name}");
    creds(&["encrypt", &name, "-", &new.to_string_lossy()], secret)?;
    let written = std::fs::File::open(&new).and_then(|file| file.sync_all());
    let placed = written.and_then(|()| std::fs::rename(&new, &path));
    placed.and_then(|()| std::fs::File::open(CREDSTORE)?.sync_all()).map_err(file)?;
    Ok(path)
}

/// Opens what was sealed on this host, as root.
///
/// # Errors
/// It is not there, or was sealed elsewhere.
pub fn unseal(name: &str) -> Result<Vec<u8>, SealError> {
    let path = sealed_path(name);
    creds(&["decrypt", &format!("--name={name}"), &path.to_string_lossy(), "-"], &[])
}

fn creds(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut command = Command::new("systemd-creds");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(SealError::Run)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input).map_err(SealError::Run)?;
    }
    let output = child.wait_with_output().map_err(SealError::Run)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(SealError::Refused { said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}
