//! The question that the boot listener asks for each script, and the answers it understands.
//!
//! Whether a machine may boot is the node lifecycle's decision, which this package must not know; what an answer
//! looks like on a machine's console is this package's, which the lifecycle must not know. This trait is the seam.
//! Rejected: a script made by the lifecycle as text, because then its values are text too and every caller would
//! have to know how iPXE expands, splits and continues lines.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use vocabulary::{Firmware, HostKey, Mac, Reason, SmbiosUuid, Token};

/// Decides about each machine that asks for a script. Implemented by the daemon over the node lifecycle.
#[async_trait]
pub trait BootDesk: Send + Sync + 'static {
    /// Decides, and makes durable what it decided before it answers: a token in an answer is already a boot attempt.
    async fn script(&self, ask: ScriptAsk) -> ScriptAnswer;
}

/// Who asks. Nothing in here is proven: on a boot network everyone may say anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptAsk {
    /// From the path of the URL that DHCP handed out.
    pub mac: Mac,
    /// As iPXE read it from SMBIOS; a vendor's default is passed on as it is.
    pub uuid: Option<SmbiosUuid>,
    /// From iPXE's `${platform}` and `${buildarch}`.
    pub firmware: Option<Firmware>,
    /// For the log and for limits, never for identity.
    pub peer: IpAddr,
    /// Why a live boot cannot be served just now (no node image). A desk that reads it mints no token and opens no
    /// attempt; if it answers `Boot` all the same, the machine is shown this reason and waits.
    pub blocked: Option<Reason>,
}

/// What the machine is told.
#[derive(Debug, Clone)]
pub enum ScriptAnswer {
    /// Start the live image.
    Boot(LiveBoot),
    /// Show MAC, node id and reason, and ask again by itself.
    Wait {
        /// Shown on the console.
        reason: Reason,
        /// When to ask again, where that is sooner than machines do that wait for a person.
        again: Option<Duration>,
    },
    /// Say no, then let the firmware go on to its next boot entry.
    Refuse {
        /// Shown on the console.
        reason: Reason,
    },
    /// Start what is on the machine's own disk.
    BootLocal {
        /// Shown on the console.
        reason: Reason,
    },
}

/// What one live boot needs beyond the image, which the listener takes from the asset store.
#[derive(Debug, Clone)]
pub struct LiveBoot {
    /// Minted for this boot alone; goes into the script and nowhere else.
    pub token: Token,
    /// The key that Roost will log in with.
    pub ssh_key: FleetKey,
}

/// The fleet's public SSH key in the form that fits on a kernel command line: the base64 body alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetKey(String);

/// The key cannot go on a kernel command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fleet's SSH key must be ssh-ed25519, not {algorithm}")]
pub struct FleetKeyError {
    /// What was given.
    pub algorithm: String,
}

impl FleetKey {
    /// The base64 body of the public key: no algorithm, no comment.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&HostKey> for FleetKey {
    type Error = FleetKeyError;

    /// Ed25519 alone: the node puts the algorithm's name back, and an RSA key would not fit into 2 KiB of arguments.
    fn try_from(key: &HostKey) -> Result<Self, Self::Error> {
        let line = key.to_string();
        let (algorithm, body) = line.split_once(' ').unwrap_or((&line, ""));
        let is_key = algorithm == "ssh-ed25519" && STANDARD.decode(body).is_ok();
        if is_key { Ok(Self(body.to_owned())) } else { Err(FleetKeyError { algorithm: algorithm.to_owned() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ed25519_key_fits_on_a_command_line() {
        let body = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy";
        let key = HostKey::try_from(format!("ssh-ed25519 {body} roost@control")).unwrap();
        assert_eq!(FleetKey::try_from(&key).unwrap().body(), body);
        let rsa = HostKey::try_from(format!("ssh-rsa {body}")).unwrap();
        assert_eq!(FleetKey::try_from(&rsa).unwrap_err().algorithm, "ssh-rsa");
    }
}
