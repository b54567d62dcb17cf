//! What a later process says to a rack's keeper: one JSON line there, one back, over a Unix socket in the run directory.
//!
//! Only what needs the keeper goes this way (it alone is QEMU's parent and holds its monitor); listing and consoles are
//! read from `state.json` and the console files, also when nobody answers.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use vocabulary::Mac;

use crate::{
    machine::Status,
    names::MachineName,
    state::{RackState, StateError},
};

/// A request to the keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Change or ask the power of a machine.
    Power {
        /// Which.
        machine: MachineName,
        /// How.
        action: PowerAction,
    },
}

/// What may be done with a machine's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// Switch on; nothing happens when it is on.
    On,
    /// Pull the plug; nothing happens when it is off.
    Off,
    /// Pull the plug and switch on.
    Cycle,
    /// Press the reset button.
    Reset,
    /// Press the power button and let the system switch itself off.
    ShutDown,
    /// Change nothing.
    Status,
}

/// The keeper's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Done; so is the machine now.
    Done {
        /// After the request.
        status: Status,
    },
    /// Not done.
    Refused {
        /// Why, with causes.
        because: String,
    },
}

/// The keeper could not be asked, or refused.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody answers.
    #[error("no keeper answers on {} (is the rack up? roost lab list)", path.display())]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The answer is not one.
    #[error("the keeper's answer is not understood")]
    Json(#[from] serde_json::Error),
    /// No machine of the rack has this address.
    #[error("no machine with address {mac} in the rack of {} (roost lab list)", dir.display())]
    Stranger {
        /// The address.
        mac: Mac,
        /// The rack's run directory.
        dir: PathBuf,
    },
    /// The rack can't be looked at.
    #[error("cannot look at the rack")]
    State(#[from] StateError),
    /// It refused.
    #[error("{because}")]
    Refused {
        /// Its reason.
        because: String,
    },
}

/// The keeper's socket in a rack's run directory.
#[must_use]
pub fn socket(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// Asks the keeper of the rack with this run directory to change or show a machine's power.
pub async fn power(dir: &Path, machine: &MachineName, action: PowerAction) -> Result<Status, ControlError> {
    let path = socket(dir);
    let request = serde_json::to_string(&Request::Power { machine: machine.clone(), action })?;
    let line = exchange(&path, &request).await.map_err(|source| ControlError::Unreachable { path, source })?;
    match serde_json::from_str(&line)? {
        Answer::Done { status } => Ok(status),
        Answer::Refused { because } => Err(ControlError::Refused { because }),
    }
}

/// The same by the address of its first NIC, which is how a daemon knows its machines.
pub async fn power_by_mac(dir: &Path, mac: Mac, action: PowerAction) -> Result<Status, ControlError> {
    let state = RackState::load(dir)?;
    let named = state.machines.iter().find(|(_, machine)| machine.mac == mac);
    let (name, _) = named.ok_or_else(|| ControlError::Stranger { mac, dir: dir.to_owned() })?;
    power(dir, name, action).await
}

async fn exchange(path: &Path, request: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(format!("{request}\n").as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
}
