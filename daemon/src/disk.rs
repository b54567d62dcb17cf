//! A node's data disk, made on an operator's order: looked at and made over pinned SSH by `node.sh` on the node.
//!
//! The order names the file system's UUID before anything is written ([`Target`]), so a disk that an interrupted order left
//! half made is known by it and gone on with; the label `ROOST_DATA` is put on last, so no boot ever mounts half of one.
//! [`choose`](survey::choose) is pure and decides which disk may be made into one; `node.sh` looks once more, in the moment
//! before it writes. What an order means for the node is in `nodes/disks.rs`.
//!
//! Rejected: a playbook for it. A run is repeated without being asked for, and this order destroys what it meets.

pub mod survey;

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vocabulary::NodeId;

use crate::ssh::{self, FleetKey, Pinned, SshError};
use survey::{Found, Survey};

/// How long the look at a node's disks may take: one that is dying answers late.
const LOOK: Duration = Duration::from_secs(20);
/// How long a disk may take to be made: a large old one writes its groups for minutes.
const MAKE: Duration = Duration::from_secs(15 * 60);

/// The node's half, a POSIX shell script over util-linux, fdisk and e2fsprogs.
const SCRIPT: &str = include_str!("disk/node.sh");

/// The kernel's name of a disk: `vda`, `nvme0n1`, `cciss!c0d0`. Safe as a word of a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

/// A text that names no disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no disk (expected vda, nvme0n1 or /dev/vda)")]
pub struct DeviceNameError(String);

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for DeviceName {
    type Error = DeviceNameError;

    /// With or without `/dev/`.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.strip_prefix("/dev/").unwrap_or(&text).replace('/', "!");
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'!'));
        if fits && (1..=32).contains(&name.len()) && !name.starts_with('-') {
            return Ok(Self(name));
        }
        Err(DeviceNameError(text.chars().take(64).collect()))
    }
}

impl std::str::FromStr for DeviceName {
    type Err = DeviceNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

/// A person's order to make a disk of a node its data disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiskOrder {
    /// Which node.
    pub node: NodeId,
    /// Which disk; the only empty one where it is not said.
    pub device: Option<DeviceName>,
    /// The serial number of a disk whose content may be destroyed.
    pub wipe: Option<String>,
}

/// What is to be made of which disk: complete before anything is written, and the same when it is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The kernel's name for it in this boot.
    pub device: DeviceName,
    /// Its serial number as it was seen; empty where it has none.
    pub serial: String,
    /// Its size as it was seen.
    pub size_bytes: u64,
    /// Of the partition table and the file system that are made.
    pub uuid: Uuid,
    /// What may become of what is on it.
    pub content: Content,
}

/// What may become of what is on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// It is empty, and stays as it is if it is not.
    Keep,
    /// A person gave it up by the disk's serial number.
    Destroy,
}

/// How the node's half ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// The disk is what it was to be; what came of mounting it at once.
    Done(String),
    /// The disk is not, or no longer, as it was when the order was given. Nothing was written.
    Refused(String),
    /// A step failed.
    Failed(String),
}

/// A node's disks could not be looked at, or the node did not say how it ended.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// No answer.
    #[error("the node cannot be asked")]
    Ssh(#[from] SshError),
    /// It lacks a program.
    #[error("the node has no {0}")]
    Lacks(String),
    /// An answer that no script of ours gives, or one that was cut off.
    #[error("the node's answer cannot be understood: {0}")]
    Unclear(&'static str),
}

impl DiskError {
    /// What a person can do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Ssh(_) => "is the node up? roost node show says where it is and how it is known",
            Self::Lacks(_) => "its image is of an older Roost: roost image build, then start the node again",
            Self::Unclear(_) => "give the order again; if it stays so: roost image build, then start the node again",
        }
    }
}

/// What disks a node has and what is on them. Changes nothing.
///
/// # Errors
/// The node does not answer, or its image is too old.
pub async fn look(key: &FleetKey, node: &Pinned) -> Result<Vec<Found>, DiskError> {
    let mut survey = Survey::default();
    let said = talk(key, node, format!("verb=survey\n{SCRIPT}"), LOOK, |line| survey.hear(line)).await;
    match survey.end() {
        Err(DiskError::Unclear(_)) if said.is_err() => {
            Err(said.err().map_or(DiskError::Unclear("nothing"), Into::into))
        }
        result => result,
    }
}

/// Makes the disk, or goes on with what an interrupted order left.
///
/// # Errors
/// It is not known how it ended: to be asked again, which does nothing twice.
pub async fn make(key: &FleetKey, node: &Pinned, target: &Target) -> Result<Made, DiskError> {
    let mut made = None;
    let said = talk(key, node, command(target), MAKE, |line| made = survey::verdict(line).or(made.take())).await;
    match (made, said) {
        (Some(made), _) => Ok(made),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => Err(DiskError::Unclear("it did not say how it ended")),
    }
}

async fn talk(
    key: &FleetKey,
    node: &Pinned,
    command: String,
    limit: Duration,
    mut hear: impl FnMut(&str),
) -> Result<(), SshError> {
    ssh::converse(key, node, &command, limit, |line| {
        hear(line);
        ssh::Turn::Listen
    })
    .await
}

/// Every value is a word of letters, digits and what base64 has.
fn command(target: &Target) -> String {
    let Target { device, serial, size_bytes, uuid, content } = target;
    let wipe = if *content == Content::Destroy { "yes" } else { "no" };
    let serial = if serial.is_empty() { "-".to_owned() } else { STANDARD.encode(serial) };
    format!("verb=make device='{device}' serial={serial} size={size_bytes} uuid={uuid} wipe={wipe}\n{SCRIPT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_one_word_of_a_shell() {
        for (text, name) in [("vda", "vda"), ("/dev/nvme0n1", "nvme0n1"), ("/dev/cciss/c0d0", "cciss!c0d0")] {
            assert_eq!(text.parse::<DeviceName>().unwrap().to_string(), name);
        }
        for bad in ["", "/dev/", "vda;reboot", "a b", "$(x)", "-x", "..", "a'b", &"a".repeat(33)] {
            assert!(bad.parse::<DeviceName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn whatever_a_disk_calls_itself_stays_one_word_of_the_command() {
        let target = Target {
            device: "vdb".parse().unwrap(),
            serial: "'; reboot #".to_owned(),
            size_bytes: 7,
            uuid: Uuid::nil(),
            content: Content::Keep,
        };
        let command = command(&target);
        let (first, _) = command.split_once('\n').unwrap();
        assert_eq!(
            first,
            "verb=make device='vdb' serial=JzsgcmVib290ICM= size=7 uuid=00000000-0000-0000-0000-000000000000 wipe=no"
        );
    }
}
