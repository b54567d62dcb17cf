//! What a booted machine posts about itself: call-home and progress.
//!
//! Every field is a claim of a stranger. Types bound what they can hold; the intake in `ansible` bounds sizes and
//! counts; nothing here may reach a template, a path or a log line without passing through one of these types.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Firmware, HostKey, Mac, MachineId, SmbiosUuid, Token};

/// The body of `POST /api/provision/call-home`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallHome {
    /// The single-use token of this boot's script.
    pub token: Token,
    /// What the machine calls itself: kept for people, never used as a name.
    pub hostname: String,
    /// The addresses it sees on itself, link-local ones left out.
    pub addresses: Vec<IpAddr>,
    /// The interface it booted from.
    pub mac: Mac,
    /// From SMBIOS, absent where the board has none.
    #[serde(default)]
    pub smbios_uuid: Option<SmbiosUuid>,
    /// Of the running system.
    pub machine_id: MachineId,
    /// Public host keys of its sshd.
    pub ssh_host_keys: Vec<HostKey>,
    /// What is in the box.
    pub hardware: Hardware,
    /// What became of its data disk; absent where it found none.
    #[serde(default)]
    pub data: Option<DataDisk>,
}

/// What a live machine says of the disk that is labelled `ROOST_DATA`. Proves nothing: the host keys do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataDisk {
    /// How far it got with it.
    pub state: DataState,
    /// Of its file system; absent where it could not be told.
    #[serde(default)]
    pub uuid: Option<uuid::Uuid>,
    /// For people, at most 256 bytes: why no more came of it.
    #[serde(default)]
    pub detail: String,
}

/// How far a machine got with its data disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataState {
    /// It is mounted, and the machine has its host keys and machine id from it.
    Mounted,
    /// Host keys and machine id came from it; the data lie in RAM in this boot.
    IdentityOnly,
    /// It is there, and nothing came of it.
    Unusable,
    /// Two or more carry the label; none was touched.
    Ambiguous,
}

impl DataState {
    /// Whether host keys and machine id are the ones that a disk keeps.
    #[must_use]
    pub const fn keeps_identity(self) -> bool {
        matches!(self, Self::Mounted | Self::IdentityOnly)
    }
}

/// A summary of the machine, for people and for placement; proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hardware {
    /// SMBIOS manufacturer.
    pub vendor: String,
    /// SMBIOS product name.
    pub product: String,
    /// `x86_64` or `aarch64`.
    pub architecture: String,
    /// How it booted.
    pub firmware: Option<Firmware>,
    /// Logical processors.
    pub cpus: u32,
    /// Main memory in MiB.
    pub memory_mib: u64,
    /// Block devices without partitions, loops and ramdisks.
    pub disks: Vec<Disk>,
}

/// One block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Kernel name: `vda`.
    pub name: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// The body of `POST /api/provision/progress`: adds one line to the node's timeline and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The token of this boot's script.
    pub token: Token,
    /// A station a machine may report itself: `kernel_up`, `image_fetched`, `image_verified`, `root_up`, `note`, `failed`.
    pub step: String,
    /// For people, at most 512 bytes.
    #[serde(default)]
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scripts_on_a_machine_say_of_its_disk_keeps_its_name() {
        for (name, state) in [
            ("mounted", DataState::Mounted),
            ("identity_only", DataState::IdentityOnly),
            ("unusable", DataState::Unusable),
            ("ambiguous", DataState::Ambiguous),
        ] {
            let said: DataDisk = serde_json::from_value(serde_json::json!({ "state": name })).unwrap();
            assert_eq!((said.state, said.uuid, said.detail.as_str()), (state, None, ""));
        }
        assert!(DataState::Mounted.keeps_identity() && DataState::IdentityOnly.keeps_identity());
        assert!(!DataState::Unusable.keeps_identity() && !DataState::Ambiguous.keeps_identity());
    }

    #[test]
    fn what_a_machine_posts_shows_no_token_when_it_is_logged() {
        let token = Token::from_random([7; 32]);
        let progress = Progress { token: token.clone(), step: "note".to_owned(), detail: String::new() };
        let shown = format!("{progress:?}");
        assert!(shown.contains("<token>") && !shown.contains(token.expose()), "{shown}");
    }
}
