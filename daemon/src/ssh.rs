//! The fleet key and the one way Roost speaks to a node by itself: OpenSSH against a pinned host key.
//!
//! OpenSSH's own client rather than a library: Ansible needs it anyway, and its host-key checking is the one that
//! people audit. `ssh-keyscan` is not used to recognise a node, because it prints a key before the other side has
//! proved that it holds it; a login with strict checking proves it.

use std::{
    io,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;
use vocabulary::HostKey;

/// The key that opens every node of this rack.
#[derive(Debug, Clone)]
pub struct FleetKey {
    /// Where the private half lies: a systemd credential or a 0600 file.
    pub private: PathBuf,
    /// The public half, as `authorized_keys` wants it.
    pub public: HostKey,
    /// How the private half is kept, for the log and for `roost ssh show`.
    pub kept: Kept,
}

/// How a secret is kept at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Given by systemd as a credential.
    Credential,
    /// A file that only the daemon's user may read.
    File0600,
}

/// The fleet key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FleetKeyError {
    /// `ssh-keygen` is missing or failed.
    #[error("cannot make the fleet key {path}: {message} (is openssh-client installed?)")]
    Keygen {
        /// Where it should have come to lie.
        path: PathBuf,
        /// What ssh-keygen said.
        message: String,
    },
    /// A file of it cannot be read or written.
    #[error("cannot use the fleet key {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its public half is not what OpenSSH writes.
    #[error("{path} holds no ed25519 public key")]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

impl FleetKey {
    /// The key that systemd handed over, else the one under `data_dir/ssh`, made at the first start.
    ///
    /// # Errors
    /// Its files cannot be read or made.
    pub async fn ensure(data_dir: &Path, credential: Option<PathBuf>) -> Result<Self, FleetKeyError> {
        if let Some(private) = credential {
            let public = derive_public(&private).await?;
            return Ok(Self { private, public, kept: Kept::Credential });
        }
        let private = data_dir.join("ssh/fleet_ed25519");
        if !private.exists() {
            generate(&private).await?;
        }
        let public = derive_public(&private).await?;
        Ok(Self { private, public, kept: Kept::File0600 })
    }

    /// The base64 body alone: the form that fits on a kernel command line.
    #[must_use]
    pub fn public_body(&self) -> String {
        self.public.to_string().split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

async fn generate(private: &Path) -> Result<(), FleetKeyError> {
    let io_error = |source| FleetKeyError::Io { path: private.to_owned(), source };
    if let Some(folder) = private.parent() {
        std::fs::create_dir_all(folder).map_err(io_error)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(io_error)?;
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "roost", "-f"]).arg(private);
    keygen(command, private).await.map(drop)
}

async fn derive_public(private: &Path) -> Result<HostKey, FleetKeyError> {
    let mut command = Command::new("ssh-keygen");
    command.arg("-y").arg("-f").arg(private);
    let text = keygen(command, private).await?;
    HostKey::try_from(text.trim().to_owned()).map_err(|_| FleetKeyError::Malformed { path: private.to_owned() })
}

async fn keygen(mut command: Command, path: &Path) -> Result<String, FleetKeyError> {
    let failed = |message: String| FleetKeyError::Keygen { path: path.to_owned(), message };
    let output =
        command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// A machine to speak to, and the host keys that only it can answer with.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// Where it is said to be.
    pub address: Ipv4Addr,
    /// What it must prove to hold.
    pub host_keys: Vec<HostKey>,
}

/// A command could not be done on a node.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The known_hosts file of this call could not be written, or ssh not be started.
    #[error("cannot start ssh")]
    Start(#[source] io::Error),
    /// Nobody answered in time.
    #[error("{address} did not answer within {limit:?}")]
    TimedOut {
        /// Where.
        address: Ipv4Addr,
        /// The patience there was.
        limit: Duration,
    },
    /// ssh or the command said no.
    #[error("ssh to {address} failed: {message}")]
    Failed {
        /// Where.
        address: Ipv4Addr,
        /// The last line it said.
        message: String,
    },
}

/// Runs one command on a node, whose pinned host key must answer.
///
/// # Errors
/// Nobody answers, another key answers, or the command fails.
pub async fn run(key: &FleetKey, node: &Pinned, command: &str, limit: Duration) -> Result<String, SshError> {
    let known_hosts = tempfile::NamedTempFile::new().map_err(SshError::Start)?;
    let lines: String = node.host_keys.iter().map(|host_key| format!("{} {host_key}\n", node.address)).collect();
    std::fs::write(known_hosts.path(), lines).map_err(SshError::Start)?;
    let mut ssh = Command::new("ssh");
    ssh.args(options(limit)).arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.path().display()));
    ssh.arg("-i").arg(&key.private).arg(format!("root@{}", node.address)).arg("--").arg(command);
    ssh.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(limit, ssh.output())
        .await
        .map_err(|_| SshError::TimedOut { address: node.address, limit })?
        .map_err(SshError::Start)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let message = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").to_owned();
    Err(SshError::Failed { address: node.address, message })
}

fn options(limit: Duration) -> Vec<String> {
    let connect = format!("ConnectTimeout={}", limit.as_secs().max(1));
    let fixed = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "ForwardAgent=no",
        "ClearAllForwardings=yes",
        "LogLevel=ERROR",
        &connect,
    ];
    ["-F", "/dev/null", "-T"]
        .into_iter()
        .map(str::to_owned)
        .chain(fixed.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fleet_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = FleetKey::ensure(folder.path(), None).await.unwrap();
        let again = FleetKey::ensure(folder.path(), None).await.unwrap();
        assert_eq!(made.public, again.public);
        assert_eq!(std::fs::metadata(&made.private).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(made.public_body().starts_with("AAAAC3NzaC1lZDI1NTE5"));
        let credential = FleetKey::ensure(folder.path(), Some(made.private.clone())).await.unwrap();
        assert_eq!((credential.public, credential.kept), (made.public, Kept::Credential));
    }

    #[test]
    fn nothing_is_forwarded_and_no_host_is_trusted_on_first_use() {
        let options = options(Duration::from_secs(3)).join(" ");
        for option in ["ForwardAgent=no", "ClearAllForwardings=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"]
        {
            assert!(options.contains(option), "{option}");
        }
    }
}
