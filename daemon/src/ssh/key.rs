//! The fleet key: made at the first start, or handed over by systemd; where it lies and how it is replaced on disk.

use std::{
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use jiff::SignedDuration;
use tokio::process::Command;
use vocabulary::{HostKey, Timestamp};

use crate::whole;

/// Where a key that nobody gave lies, below the data directory.
const MADE: &str = "ssh/fleet_ed25519";
/// Where the key that is to come lies, below the data directory.
const NEXT: &str = "ssh/next_ed25519";
/// Where the rotated-out key lies.
const PREVIOUS: &str = "ssh/previous_ed25519";

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
    /// A file of the operator's, named in the configuration.
    Configured,
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
    /// ssh offers the public key that it finds beside a private one, whether or not they belong together.
    #[error("{path} is another key's public half, and ssh would offer that: remove it")]
    Disagrees {
        /// Which file.
        path: PathBuf,
    },
    /// Its public half is not what OpenSSH writes.
    #[error("{path} holds no ed25519 public key")]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
}

impl FleetKey {
    /// The key under `data_dir/ssh`, made at the first start.
    ///
    /// # Errors
    /// Its files cannot be read or made.
    pub async fn ensure(data_dir: &Path) -> Result<Self, FleetKeyError> {
        Self::made(data_dir.join(MADE)).await
    }

    /// Where a key that Roost made lies in plain text though this one, which was given, is in use.
    #[must_use]
    pub fn left_behind(&self, data_dir: &Path) -> Option<PathBuf> {
        Some(data_dir.join(MADE)).filter(|made| self.kept != Kept::File0600 && *made != self.private && made.exists())
    }

    /// A key that systemd handed over or the operator named.
    ///
    /// # Errors
    /// It cannot be read, or another key's public half lies beside it.
    pub async fn given(private: PathBuf, kept: Kept) -> Result<Self, FleetKeyError> {
        let public = derive_public(&private).await?;
        agrees(&private, &public)?;
        Ok(Self { private, public, kept })
    }

    /// The key that a rotation is about to introduce, made if an earlier attempt did not leave one.
    ///
    /// # Errors
    /// Its files cannot be read or made.
    pub async fn next(data_dir: &Path, current: &Self) -> Result<Self, FleetKeyError> {
        let next = Self::made(data_dir.join(NEXT)).await?;
        if next.public != current.public {
            return Ok(next);
        }
        // Left from a rotation whose key has been put in place since.
        next.remove()?;
        Self::made(data_dir.join(NEXT)).await
    }

    /// The key that a rotation has introduced and that was not put in place by Roost, if there is one.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub async fn waiting(data_dir: &Path) -> Result<Option<Self>, FleetKeyError> {
        Self::found(data_dir.join(NEXT)).await
    }

    /// Puts this key in the place of `current`, in one rename: whoever opens the path finds one or the other whole.
    /// Synced before it returns, since the old key is taken away from the nodes next.
    ///
    /// # Errors
    /// The file system says no; the current key is untouched then.
    pub fn replace(self, current: &Self) -> Result<Self, FleetKeyError> {
        let path = current.private.clone();
        whole::take_place(&self.private, &path).map_err(|source| FleetKeyError::Io { path: path.clone(), source })?;
        Ok(Self { private: path, ..self })
    }

    /// The key that the last rotation replaced, if it is still there.
    ///
    /// # Errors
    /// Its file cannot be read.
    pub async fn previous(data_dir: &Path) -> Result<Option<Self>, FleetKeyError> {
        Self::found(data_dir.join(PREVIOUS)).await
    }

    async fn found(private: PathBuf) -> Result<Option<Self>, FleetKeyError> {
        if !private.exists() {
            return Ok(None);
        }
        let public = derive_public(&private).await?;
        Ok(Some(Self { private, public, kept: Kept::File0600 }))
    }

    /// Copies this key to where [`FleetKey::previous`] finds it, before another takes its place.
    ///
    /// # Errors
    /// The file system says no.
    pub fn keep_as_previous(&self, data_dir: &Path) -> Result<Self, FleetKeyError> {
        let private = data_dir.join(PREVIOUS);
        let put = std::fs::read(&self.private).and_then(|key| put_whole(&private, &key));
        put.map_err(|source| FleetKeyError::Io { path: private.clone(), source })?;
        Ok(Self { private, ..self.clone() })
    }

    /// Whether its file was written longer ago than `age`; one whose age cannot be told counts as old.
    #[must_use]
    pub fn is_older(&self, now: Timestamp, age: Duration) -> bool {
        let written = std::fs::metadata(&self.private).and_then(|metadata| metadata.modified());
        let written = written.ok().and_then(|written| Timestamp::try_from(written).ok());
        written.is_none_or(|written| now.duration_since(written) > SignedDuration::try_from(age).unwrap_or_default())
    }

    /// Removes its private half; one that is gone already is no error.
    ///
    /// # Errors
    /// The file system says no.
    pub fn remove(self) -> Result<(), FleetKeyError> {
        match std::fs::remove_file(&self.private) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(FleetKeyError::Io { path: self.private, source })
            }
            _ => Ok(()),
        }
    }

    async fn made(private: PathBuf) -> Result<Self, FleetKeyError> {
        if !private.exists() {
            generate(&private).await?;
        }
        Self::given(private, Kept::File0600).await
    }

    /// The base64 body alone: the form that fits on a kernel command line.
    #[must_use]
    pub fn public_body(&self) -> String {
        self.public.to_string().split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

/// Puts a file for its owner alone where nobody ever finds half of it; synced before it returns. Where every key was
/// given, it is the first in its folder.
pub(super) fn put_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    make_folder_of(path)?;
    whole::put(path, content, 0o600)
}

fn make_folder_of(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// On disk before it returns: nodes are told of it next, and half a key opens none. The public half is derived whenever
/// it is needed; a second file could only disagree.
async fn generate(private: &Path) -> Result<(), FleetKeyError> {
    let io_error = |source| FleetKeyError::Io { path: private.to_owned(), source };
    make_folder_of(private).map_err(io_error)?;
    let work = tempfile::tempdir_in(private.parent().unwrap_or_else(|| Path::new("."))).map_err(io_error)?;
    let draft = work.path().join("key");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "roost", "-f"]).arg(&draft);
    keygen(command, private).await?;
    whole::take_place(&draft, private).map_err(io_error)
}

async fn derive_public(private: &Path) -> Result<HostKey, FleetKeyError> {
    let mut command = Command::new("ssh-keygen");
    command.arg("-y").arg("-f").arg(private);
    let text = keygen(command, private).await?;
    HostKey::try_from(text.trim().to_owned()).map_err(|_| FleetKeyError::Malformed { path: private.to_owned() })
}

/// A private key that took another's place, beside what `ssh-keygen` left of that one.
fn agrees(private: &Path, public: &HostKey) -> Result<(), FleetKeyError> {
    let mut path = private.as_os_str().to_owned();
    path.push(".pub");
    let Ok(beside) = std::fs::read_to_string(&path) else { return Ok(()) };
    let words = |text: &str| text.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    if words(&beside) == words(&public.to_string()) {
        return Ok(());
    }
    Err(FleetKeyError::Disagrees { path: path.into() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fleet_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = FleetKey::ensure(folder.path()).await.unwrap();
        let again = FleetKey::ensure(folder.path()).await.unwrap();
        assert_eq!(made.public, again.public);
        assert_eq!(std::fs::metadata(&made.private).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(made.public_body().starts_with("AAAAC3NzaC1lZDI1NTE5"));
        let credential = FleetKey::given(made.private.clone(), Kept::Credential).await.unwrap();
        assert_eq!((credential.public, credential.kept), (made.public, Kept::Credential));
    }

    #[tokio::test]
    async fn a_key_is_made_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let current = FleetKey::ensure(folder.path()).await.unwrap();
        FleetKey::next(folder.path(), &current).await.unwrap();
        let ssh = std::fs::read_dir(folder.path().join("ssh")).unwrap();
        let mut names: Vec<_> = ssh.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["fleet_ed25519", "next_ed25519"]);
    }

    #[tokio::test]
    async fn a_damaged_key_that_is_to_come_keeps_no_daemon_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let current = FleetKey::ensure(folder.path()).await.unwrap();
        std::fs::write(folder.path().join(NEXT), "").unwrap();
        let ring = super::super::keyring::Keyring::open_ring(current.clone(), folder.path().to_owned()).await.unwrap();
        assert_eq!((ring.next().is_none(), ring.current().public), (true, current.public));
    }

    #[tokio::test]
    async fn a_key_beside_another_ones_public_half_is_refused_since_ssh_would_offer_that() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["a", "b"].map(|name| folder.path().join(name));
        let (one, other) = (FleetKey::ensure(&one).await.unwrap(), FleetKey::ensure(&other).await.unwrap());
        let beside = one.private.with_extension("pub");
        std::fs::write(&beside, format!("{} ann@desk\n", one.public)).unwrap();
        FleetKey::given(one.private.clone(), Kept::Configured).await.unwrap();
        std::fs::write(&beside, format!("{} ann@desk\n", other.public)).unwrap();
        let refused = FleetKey::given(one.private, Kept::Configured).await.unwrap_err();
        assert!(matches!(refused, FleetKeyError::Disagrees { path } if path == beside));
    }
}
