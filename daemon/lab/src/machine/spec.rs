//! What a machine is to be, with defaults that suit a first look, and the checks before it is plugged in.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};
use vocabulary::{Mac, SmbiosUuid};

use crate::{accel::Accel, ip::IpError, names::MachineName, state::StateError};

/// Enough for a diskless Debian with its root image in memory and Ansible's modules beside it.
const MEMORY_MIB: u32 = 2048;

/// How a machine boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// `SeaBIOS`; the NIC's ROM is iPXE, as QEMU ships it, and asks for its script at once.
    Bios,
    /// OVMF; its own PXE client (the NIC has no ROM) loads the loader over TFTP, as most real firmware does.
    Uefi,
}

/// Which network card a machine has. All of them have drivers in Debian's kernel and a boot ROM in Debian's iPXE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NicModel {
    /// Paravirtual: the fastest, and the only one that OVMF has a driver for.
    #[default]
    Virtio,
    /// Intel's card of 2000, in millions of old servers.
    E1000,
    /// Its PCI Express successor.
    E1000e,
    /// Realtek's cheap card. BIOS alone: its ROM for UEFI is not to be relied on.
    Rtl8139,
}

impl NicModel {
    /// QEMU's name of the device.
    #[must_use]
    pub const fn device(self) -> &'static str {
        match self {
            Self::Virtio => "virtio-net-pci",
            Self::E1000 => "e1000",
            Self::E1000e => "e1000e",
            Self::Rtl8139 => "rtl8139",
        }
    }
}

/// What a machine's disk hangs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskBus {
    /// Paravirtual: `vda`.
    #[default]
    Virtio,
    /// The chipset's AHCI: `sda`.
    Sata,
    /// PCI Express: `nvme0n1`.
    Nvme,
}

/// What is written down besides the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    /// The firmware's debug port (0x402) into `debugcon.log`.
    Debugcon,
    /// The first NIC's frames into `net0.pcap`, cut at 2 KiB each. Raw while the machine runs, readable by root alone;
    /// call-home tokens are overwritten in place when it is switched off (checksums then no longer match).
    Pcap,
}

/// How the machine's processor reaches its TPM 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TpmModel {
    /// Command Response Buffer: TPMs in the firmware of newer boards.
    Crb,
    /// TPM Interface Specification: chips of their own, and older boards.
    Tis,
}

/// How a machine is to be.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// Its name in the rack.
    pub name: MachineName,
    /// How it boots.
    pub firmware: Firmware,
    /// How its processor is emulated.
    pub accel: Accel,
    /// Main memory.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u8,
    /// Network interfaces, all on the bridge; the machine boots from the first.
    pub nics: u8,
    /// What those are.
    pub nic_model: NicModel,
    /// An empty disk of this size.
    pub disk_gib: Option<u32>,
    /// What it hangs on.
    pub disk_bus: DiskBus,
    /// A TPM 2.0 of its own; its seed lies in the machine's directory and outlives every power cycle.
    pub tpm: Option<TpmModel>,
    /// The first NIC's address, where not the derived one.
    pub mac: Option<Mac>,
    /// The SMBIOS UUID, where not the derived one.
    pub uuid: Option<SmbiosUuid>,
    /// The SMBIOS serial number, where not the derived one.
    pub serial: Option<String>,
    /// What else is written down.
    pub captures: Vec<Capture>,
}

impl MachineSpec {
    /// One processor, 2 GiB, one NIC, no disk, no TPM, emulated in software.
    #[must_use]
    pub fn new(name: MachineName, firmware: Firmware) -> Self {
        Self {
            name,
            firmware,
            accel: Accel::Tcg,
            memory_mib: MEMORY_MIB,
            cpus: 1,
            nics: 1,
            nic_model: NicModel::default(),
            disk_gib: None,
            disk_bus: DiskBus::default(),
            tpm: None,
            mac: None,
            uuid: None,
            serial: None,
            captures: Vec::new(),
        }
    }
}

/// A machine could not be plugged in.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The rack has one of that name.
    #[error("the rack already has a machine {name}")]
    Duplicate {
        /// The name.
        name: MachineName,
    },
    /// Another machine has the address.
    #[error("machine {name} would have the address {mac} of machine {other}")]
    SameMac {
        /// The new one.
        name: MachineName,
        /// The address.
        mac: Mac,
        /// Who has it.
        other: MachineName,
    },
    /// No room.
    #[error("a rack holds at most 255 machines")]
    Full,
    /// A file could not be made.
    #[error("cannot prepare {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// qemu-img failed.
    #[error("cannot make the disk {}: {said} (apt install qemu-utils)", path.display())]
    Disk {
        /// Which.
        path: PathBuf,
        /// What qemu-img said.
        said: String,
    },
    /// The cable could not be laid.
    #[error("cannot plug machine {name} into the bridge")]
    Cable {
        /// Which.
        name: MachineName,
        /// The refusal.
        #[source]
        source: IpError,
    },
    /// The state could not be written.
    #[error("cannot record the machine")]
    State(#[from] StateError),
}
