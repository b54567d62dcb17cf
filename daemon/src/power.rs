//! Switching machines on and off: one trait, three ways.
//!
//! Success is never the answer of a switch or a BMC (they lie); it is the machine's next DISCOVER, which the
//! lifecycle waits for. Wake-on-LAN can only switch on; off and cycle go over pinned SSH there. The operator's own
//! command covers Redfish, IPMI and switched sockets without a client of ours for each; the lab's QEMU machines are
//! switched by `lab`, and wake on the real packet too.

mod command;
mod lab;
mod wol;

use std::{net::Ipv4Addr, sync::Arc};

use serde::{Deserialize, Serialize};
use vocabulary::{HostKey, Mac, NodeId, Timestamp};

pub use self::lab::LabPower;
pub use command::CommandPower;
pub use wol::{WakeOnLan, magic_packet};

/// What to do to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    /// Switch on.
    On,
    /// Switch off.
    Off,
    /// Off, then on.
    Cycle,
}

impl PowerAction {
    /// The word in commands and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Cycle => "cycle",
        }
    }
}

/// The machine to switch.
#[derive(Debug, Clone)]
pub struct Target {
    /// For the operator's command.
    pub node: NodeId,
    /// For the magic packet.
    pub mac: Mac,
    /// Where it answers over SSH, if it does.
    pub address: Option<Ipv4Addr>,
    /// What it answers with.
    pub host_keys: Vec<HostKey>,
    /// When the order was given: tells it from every other one for this machine.
    pub ordered: Timestamp,
}

/// What is left of an order that an earlier daemon was carrying out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// Nothing was begun, and nothing will be.
    NotBegun,
    /// Whoever switches said that it was done.
    Done,
    /// It was not, and why.
    Failed(String),
    /// Nobody wrote down how it ended.
    Unknown,
}

/// A machine could not be switched.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// This way cannot do that to this machine.
    #[error("{0}")]
    Unsupported(String),
    /// The packet did not leave.
    #[error("cannot send a wake-on-LAN packet to {destination}")]
    Send {
        /// Where to.
        destination: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The operator's command failed.
    #[error("{program} failed: {message}")]
    Command {
        /// Its first word.
        program: String,
        /// Its last line, or why it did not start.
        message: String,
    },
    /// The lab said no.
    #[error("the lab did not switch it")]
    Lab(#[source] ::lab::control::ControlError),
    /// The way over SSH failed.
    #[error("cannot reach the machine to switch it off")]
    Ssh(#[from] crate::ssh::SshError),
}

/// A way to switch machines.
#[async_trait::async_trait]
pub trait Power: Send + Sync {
    /// Does it; returning `Ok` says that the order left, not that the machine obeyed.
    async fn switch(&self, target: &Target, action: PowerAction) -> Result<(), PowerError>;

    /// Waits until nothing that an earlier daemon began of this order is under way any more, and says what is known of its
    /// end. Of what is sent in one go, or ends with its connection, nothing is.
    async fn settled(&self, _node: &NodeId, _ordered: Timestamp) -> Trace {
        Trace::Unknown
    }
}

/// The way that the configuration chose.
pub type AnyPower = Arc<dyn Power>;
