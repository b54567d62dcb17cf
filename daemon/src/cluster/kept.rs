//! What is kept of a cluster of Roost's own: `data_dir/cluster/`, 0700.
//!
//! ```text
//!  cluster.json          what everybody may know, and how far `roost cluster init` came
//!  secrets.json          what opens its doors, 0600, only where systemd has no key to seal it with
//!  consul/  nomad/       the first server's files; systemd hands them to its agents
//!  renewed               changes when those were renewed
//!  gossip.json, rotation.json   see `rotation`
//!  servers.json          nodes that are servers too, and how far each is on its way
//! ```
//!
//! Files are written beside and renamed, and synced before anything that rests on them is done. Written by root they
//! belong to the owner of the data directory, whose daemon reads them.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use jobs::bootstrap::{Cluster, ClusterError, Facts, Secrets, SecretsError, ServerFiles, ServerPlaces, agents::Place};
use serde::{Deserialize, Serialize};
use systemd::{SealError, unit::CLUSTER_CREDENTIAL};
use vocabulary::{Secret, Timestamp};

use super::servers::{Phase, Server};
use crate::whole;

const STATE: &str = "cluster.json";
const SECRETS: &str = "secrets.json";
const RENEWED: &str = "renewed";
const SERVERS: &str = "servers.json";

/// What everybody may know of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its names, addresses and ports.
    pub facts: Facts,
    /// The first server's name.
    pub server: String,
    /// Who starts the agents, and so where their files are.
    pub started_by: StartedBy,
    /// Whether everything is bootstrapped.
    pub is_closed: bool,
    /// When the first server's certificates end; none were made yet.
    pub certificates_expire_at: Option<Timestamp>,
}

/// Who starts the first server's agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// Units that `roost cluster init` wrote.
    Systemd,
    /// Somebody who was shown the two commands.
    Hand,
}

/// How the secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sealing {
    /// By systemd.
    Credential,
    /// In a file that its owner alone can read.
    OwnerFile,
}

/// Something of it cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// A file.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What everybody may know is damaged.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where.
        #[source]
        source: serde_json::Error,
    },
    /// The secrets.
    #[error("cannot use the cluster's secrets")]
    Secrets(#[source] SecretsError),
    /// They are sealed and can't be opened.
    #[error("cannot open the cluster's sealed secrets")]
    Sealed(#[source] SealError),
    /// They are nowhere.
    #[error(
        "the cluster's secrets are neither sealed nor in {}; without them it is made anew (docs/operations/cluster.md)",
        path.display()
    )]
    Lost {
        /// Where they would lie.
        path: PathBuf,
    },
    /// The certificates.
    #[error("cannot make the first server's certificates")]
    Certificates(#[source] ClusterError),
}

/// The folder of a cluster.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
    state: State,
}

impl Kept {
    /// What is there; none when nobody began to make a cluster.
    ///
    /// # Errors
    /// It is damaged, or not readable.
    pub fn open(data_dir: &Path) -> Result<Option<Self>, KeptError> {
        let folder = data_dir.join("cluster");
        let path = folder.join(STATE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeptError::File { path, source }),
        };
        let state = serde_json::from_slice(&text).map_err(|source| KeptError::Damaged { path, source })?;
        Ok(Some(Self { folder, state }))
    }

    /// Begins a cluster: its secrets first, so that nothing is ever begun that could not be gone on with.
    ///
    /// # Errors
    /// Something cannot be written.
    pub fn begin(data_dir: &Path, state: State) -> Result<(Self, Secrets), KeptError> {
        let folder = data_dir.join("cluster");
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.and_then(|()| belong(&folder)).map_err(|source| KeptError::File { path: folder.clone(), source })?;
        let kept = Self { folder, state };
        let secrets = match kept.secrets() {
            Ok(secrets) => secrets,
            Err(KeptError::Lost { .. }) => {
                let secrets = Secrets::random().map_err(KeptError::Secrets)?;
                kept.keep_secrets(&secrets)?;
                secrets
            }
            Err(error) => return Err(error),
        };
        kept.write_state()?;
        Ok((kept, secrets))
    }

    /// What everybody may know.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Nodes that are servers too, become one or stop being one, in the order in which that was ordered.
    ///
    /// # Errors
    /// Their file is damaged, or not readable.
    pub fn servers(&self) -> Result<Vec<Server>, KeptError> {
        Ok(self.read_json(SERVERS)?.unwrap_or_default())
    }

    /// Keeps them; they are on disk when it returns.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn keep_servers(&self, servers: &[Server]) -> Result<(), KeptError> {
        self.write_json(SERVERS, &servers)
    }

    /// The facts with these servers, as far as they vote.
    #[must_use]
    pub fn facts_with(&self, servers: &[Server]) -> Facts {
        let serving = servers.iter().filter(|server| server.phase == Phase::Serving);
        Facts { others: serving.map(|server| server.address.into()).collect(), ..self.state.facts.clone() }
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes what everybody may know.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn change(&mut self, change: impl FnOnce(&mut State)) -> Result<(), KeptError> {
        change(&mut self.state);
        self.write_state()
    }

    /// What opens its doors: handed over by systemd, unsealed by root, or in its file.
    ///
    /// # Errors
    /// It is nowhere, damaged, or can't be opened.
    pub fn secrets(&self) -> Result<Secrets, KeptError> {
        let path = self.folder.join(SECRETS);
        let read = |path: PathBuf| fs::read(&path).map_err(|source| KeptError::File { path, source });
        let bytes = if let Some(handed) = systemd::credential_path(CLUSTER_CREDENTIAL) {
            read(handed)?
        } else if path.exists() {
            read(path)?
        } else if systemd::is_booted() && systemd::sealed_path(CLUSTER_CREDENTIAL).exists() {
            systemd::unseal(CLUSTER_CREDENTIAL).map_err(KeptError::Sealed)?
        } else {
            return Err(KeptError::Lost { path });
        };
        let text = Secret::new(String::from_utf8_lossy(&bytes).into_owned());
        self.with_newer_gossip(Secrets::from_json(&text).map_err(KeptError::Secrets)?)
    }

    /// Keeps them, sealed where systemd runs and has a key to seal with.
    ///
    /// # Errors
    /// They can't be written.
    pub fn keep_secrets(&self, secrets: &Secrets) -> Result<Sealing, KeptError> {
        let text = secrets.to_json();
        let path = self.folder.join(SECRETS);
        // Who began with a file goes on with it: two copies would drift.
        if systemd::is_booted() && !path.exists() {
            match systemd::seal(CLUSTER_CREDENTIAL, text.expose().as_bytes()) {
                Ok(_) => {
                    self.forget_newer_gossip()?;
                    return Ok(Sealing::Credential);
                }
                Err(error) => tracing::warn!(error = tasks::chain(&error), "the cluster's secrets are not sealed"),
            }
        }
        Self::write(&path, text.expose())?;
        Ok(Sealing::OwnerFile)
    }

    /// How they are kept.
    #[must_use]
    pub fn sealing(&self) -> Sealing {
        if self.has_secrets_file() { Sealing::OwnerFile } else { Sealing::Credential }
    }

    /// Writes the first server's files, with certificates that were made now.
    ///
    /// # Errors
    /// They can't be made or written.
    pub fn write_server(&mut self, cluster: &Cluster, now: Timestamp) -> Result<Timestamp, KeptError> {
        let files = cluster.server_files(now, &self.places()).map_err(KeptError::Certificates)?;
        let ServerFiles { consul, nomad, expires_at } = files;
        self.write_files("consul", consul)?;
        self.write_files("nomad", nomad)?;
        self.change(|state| state.certificates_expire_at = Some(expires_at))?;
        Self::write(&self.folder.join(RENEWED), &format!("{now}\n"))?;
        Ok(expires_at)
    }

    /// Writes the files of the first server's agents as the cluster is now, and leaves its certificates alone: no agent is
    /// started anew for it.
    ///
    /// # Errors
    /// They can't be written.
    pub fn write_agents(&self, cluster: &Cluster) -> Result<(), KeptError> {
        let [consul, nomad] = cluster.agent_files(&self.places());
        self.write_files("consul", vec![consul])?;
        self.write_files("nomad", vec![nomad])
    }

    fn write_files(&self, agent: &str, files: Vec<(&'static str, Secret<String>)>) -> Result<(), KeptError> {
        let folder = self.folder.join(agent);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.and_then(|()| belong(&folder)).map_err(|source| KeptError::File { path: folder.clone(), source })?;
        files.into_iter().try_for_each(|(name, text)| Self::write(&folder.join(name), text.expose()))
    }

    /// Where the agents find their files and keep their state.
    #[must_use]
    pub fn places(&self) -> ServerPlaces {
        let place = |agent: &str| match self.state.started_by {
            StartedBy::Systemd => Place {
                name: self.state.server.clone(),
                certificates: systemd::agents::credentials_of(agent).into(),
                data: format!("/var/lib/{agent}").into(),
            },
            StartedBy::Hand => Place {
                name: self.state.server.clone(),
                certificates: self.folder.join(agent),
                data: self.folder.join(agent).join("data"),
            },
        };
        ServerPlaces { consul: place("consul"), nomad: place("nomad") }
    }

    pub(super) fn has_secrets_file(&self) -> bool {
        self.folder.join(SECRETS).exists()
    }

    fn write_state(&self) -> Result<(), KeptError> {
        self.write_json(STATE, &self.state)
    }

    pub(super) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), KeptError> {
        let path = self.folder.join(name);
        let text = serde_json::to_string_pretty(value);
        let text = text.map_err(|source| KeptError::Damaged { path: path.clone(), source })?;
        Self::write(&path, &format!("{text}\n"))
    }

    /// What a file says; none where there is no such file.
    pub(super) fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, KeptError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|source| KeptError::Damaged { path, source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeptError::File { path, source }),
        }
    }

    fn write(path: &Path, text: &str) -> Result<(), KeptError> {
        whole::put(path, text.as_bytes(), 0o600).map_err(|source| KeptError::File { path: path.to_owned(), source })
    }
}

/// Gives what root made to the owner of the folder that it lies in.
fn belong(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| whole::give(&fs::File::open(path)?, folder))
}
