//! What the runner is configured with, and what of it must fit into other programs' files.

use std::{
    fs, io,
    num::NonZeroUsize,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::secrets;

/// A control socket's path: the kernel takes 107 bytes, ssh appends 17 while it binds, we `/<run>/mux`.
const SECRETS_PATH_LIMIT_BYTES: usize = 64;

/// How playbooks are run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Runs are kept in `runs/<id>/` below it.
    pub data_dir: PathBuf,
    /// The folder that Ansible reads.
    pub inventory_dir: PathBuf,
    /// What is run.
    pub playbook: PathBuf,
    /// The Python environment that holds `bin/ansible-playbook`.
    pub venv: PathBuf,
    /// The private key that nodes admit; copied into each run's secrets, since a credential ends with its service.
    pub ssh_key: PathBuf,
    /// Where nodes' sshd listens.
    pub ssh_port: u16,
    /// Holds each run's key and control socket; [`Config::secrets_below`] names the best place.
    pub secrets_dir: PathBuf,
    /// Handed to the playbook as extra variables: what only the daemon knows, such as its own address.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// Runs at a time.
    pub concurrency: NonZeroUsize,
    /// Longest time a run may take.
    pub timeout: Duration,
    /// From TERM to KILL.
    pub grace: Duration,
    /// Longest wait for the lock on the inventory or on TODO.md.
    pub lock_patience: Duration,
    /// The person's list.
    pub todo_file: PathBuf,
}

/// The runner cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A folder cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A path that ansible.cfg or ssh_config would misread.
    #[error("the path {} holds a character that Ansible's or ssh's configuration cannot", path.display())]
    AwkwardPath {
        /// Which.
        path: PathBuf,
    },
    /// A relative path would mean another file in the run's folder.
    #[error("the path {} is not absolute", path.display())]
    Relative {
        /// Which.
        path: PathBuf,
    },
    /// ssh could not bind its control socket there.
    #[error("the secrets folder {} is longer than {SECRETS_PATH_LIMIT_BYTES} bytes", path.display())]
    LongSecretsPath {
        /// Which.
        path: PathBuf,
    },
}

impl Config {
    /// The defaults, with everything below one data folder.
    #[must_use]
    pub fn below(data_dir: &Path) -> Self {
        Self {
            inventory_dir: data_dir.join("inventory"),
            playbook: PathBuf::from("/usr/share/roost/ansible/playbook.yaml"),
            venv: data_dir.join("venv"),
            ssh_key: data_dir.join("ssh/id_ed25519"),
            ssh_port: 22,
            secrets_dir: Self::secrets_below(data_dir),
            variables: serde_json::Map::new(),
            concurrency: NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN),
            timeout: Duration::from_secs(30 * 60),
            grace: Duration::from_secs(10),
            lock_patience: Duration::from_secs(10),
            todo_file: data_dir.join("TODO.md"),
            data_dir: data_dir.to_owned(),
        }
    }

    /// `/run/roost/secrets` or `/dev/shm/roost-secrets` where that is RAM, else `secrets` in the data folder.
    #[must_use]
    pub fn secrets_below(data_dir: &Path) -> PathBuf {
        secrets::best_folder(data_dir)
    }

    pub(super) fn ansible_playbook(&self) -> PathBuf {
        self.venv.join("bin/ansible-playbook")
    }

    pub(super) fn check(&self) -> Result<(), BuildError> {
        for path in [&self.data_dir, &self.inventory_dir, &self.playbook, &self.venv, &self.ssh_key, &self.secrets_dir]
        {
            fits_configuration(path)?;
        }
        if self.secrets_dir.as_os_str().len() > SECRETS_PATH_LIMIT_BYTES {
            return Err(BuildError::LongSecretsPath { path: self.secrets_dir.clone() });
        }
        let runs = self.data_dir.join("runs");
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&runs);
        made.map_err(|source| BuildError::Folder { path: runs, source })?;
        secrets::claim(&self.secrets_dir)
            .map_err(|source| BuildError::Folder { path: self.secrets_dir.clone(), source })
    }
}

/// ansible.cfg knows `;` comments, `%` and templates, ssh_config `%` and quotes, both split at white space.
fn fits_configuration(path: &Path) -> Result<(), BuildError> {
    if !path.is_absolute() {
        return Err(BuildError::Relative { path: path.to_owned() });
    }
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | '@' | '=');
    match path.to_str() {
        Some(text) if text.chars().all(fits) => Ok(()),
        _ => Err(BuildError::AwkwardPath { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_would_be_misread_are_refused() {
        for path in ["/a b", "/a;b", "/a%h", "/a{{b}}", "/a\nb", "/a\"b", "/a#b", "/a:b"] {
            assert!(matches!(fits_configuration(Path::new(path)), Err(BuildError::AwkwardPath { .. })), "{path}");
        }
        assert!(matches!(fits_configuration(Path::new("a")), Err(BuildError::Relative { .. })));
        assert!(fits_configuration(Path::new("/var/lib/roost-1.0/x_y")).is_ok());
    }
}
