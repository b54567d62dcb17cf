//! The command line of QEMU, as a pure function of a machine's plan.
//!
//! Nothing of the user's configuration and no default device: the same machine everywhere. `q35` for both firmwares;
//! `graphics=off` makes SeaBIOS and iPXE speak on the serial line. `virtio-rng` because EDK2's network stack refuses
//! to start without a source of randomness. OVMF's IPv6 client is off: it would wait a minute after every failure.

use std::path::{Path, PathBuf};

use vocabulary::{Mac, SmbiosUuid};

use super::spec::{Capture, DiskBus, Firmware, NicModel, TpmModel};
use crate::{accel::Accel, names::MachineName, tpm};

/// The emulator.
pub const QEMU: &str = "qemu-system-x86_64";
/// OVMF's code, the same path on Debian 12 and 13.
pub const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// OVMF's empty variable store, copied for each machine.
pub const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// Everything about a machine that its command line says.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: MachineName,
    pub(crate) firmware: Firmware,
    pub(crate) accel: Accel,
    pub(crate) memory_mib: u32,
    pub(crate) cpus: u8,
    pub(crate) uuid: SmbiosUuid,
    pub(crate) serial: String,
    pub(crate) nics: Vec<Nic>,
    pub(crate) nic_model: NicModel,
    pub(crate) disk: Option<PathBuf>,
    pub(crate) disk_bus: DiskBus,
    pub(crate) tpm: Option<TpmModel>,
    pub(crate) captures: Vec<Capture>,
    pub(crate) dir: PathBuf,
}

/// One network interface and its cable.
#[derive(Debug, Clone)]
pub(crate) struct Nic {
    pub(crate) mac: Mac,
    pub(crate) tap: String,
}

impl Plan {
    pub(crate) fn vars(&self) -> PathBuf {
        self.dir.join("vars.fd")
    }

    pub(crate) fn qmp(&self) -> PathBuf {
        self.dir.join("qmp.sock")
    }

    pub(crate) fn tpm_dir(&self) -> PathBuf {
        self.dir.join("tpm")
    }

    pub(crate) fn pcap(&self) -> Option<PathBuf> {
        self.captures.contains(&Capture::Pcap).then(|| self.dir.join("net0.pcap"))
    }
}

/// The arguments that start this machine; with `incoming`, from a saved state instead of its firmware.
pub(crate) fn arguments(plan: &Plan, incoming: Option<&Path>) -> Vec<String> {
    let mut args = Args(Vec::new());
    args.flag("-nodefaults").flag("-no-user-config");
    args.pair("-name", format!("guest={}", plan.name));
    args.pair("-machine", "q35,graphics=off").pair("-accel", plan.accel.accel()).pair("-cpu", plan.accel.cpu());
    args.pair("-m", plan.memory_mib.to_string()).pair("-smp", plan.cpus.to_string());
    args.pair("-uuid", plan.uuid.to_string());
    args.pair("-smbios", format!("type=1,manufacturer=Roost,product=Lab,serial={}", escaped(&plan.serial)));
    args.pair("-display", "none").pair("-boot", "menu=off").pair("-rtc", "base=utc");
    args.pair("-chardev", "stdio,id=console,signal=off").pair("-serial", "chardev:console");
    args.pair("-chardev", format!("socket,id=qmp,server=off,path={}", file(&plan.qmp())));
    args.pair("-mon", "chardev=qmp,mode=control");
    args.pair("-device", "virtio-rng-pci");
    firmware(&mut args, plan);
    devices(&mut args, plan);
    captures(&mut args, plan);
    if let Some(path) = incoming {
        args.pair("-incoming", format!("file:{}", path.display()));
    }
    args.0
}

fn firmware(args: &mut Args, plan: &Plan) {
    if plan.firmware == Firmware::Uefi {
        args.pair("-drive", format!("if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}"));
        args.pair("-drive", format!("if=pflash,format=raw,unit=1,file={}", file(&plan.vars())));
        args.pair("-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n");
    }
}

fn devices(args: &mut Args, plan: &Plan) {
    // OVMF drives virtio itself, as most real firmware drives its card; for the others the card's own ROM must.
    let own_driver = plan.firmware == Firmware::Uefi && plan.nic_model == NicModel::Virtio;
    let (model, rom) = (plan.nic_model.device(), if own_driver { ",romfile=" } else { "" });
    for (index, nic) in plan.nics.iter().enumerate() {
        args.pair("-netdev", format!("tap,id=nic{index},ifname={},script=no,downscript=no", nic.tap));
        args.pair("-device", format!("{model},netdev=nic{index},mac={},bootindex={index}{rom}", nic.mac));
    }
    if let Some(disk) = &plan.disk {
        args.pair("-drive", format!("if=none,id=disk0,format=qcow2,discard=unmap,file={}", file(disk)));
        let device = match plan.disk_bus {
            DiskBus::Virtio => "virtio-blk-pci,serial=roost-disk0",
            DiskBus::Sata => "ide-hd,bus=ide.0,serial=roost-disk0",
            DiskBus::Nvme => "nvme,serial=roost-disk0",
        };
        args.pair("-device", format!("{device},drive=disk0,bootindex={}", plan.nics.len()));
    }
    if let Some(model) = plan.tpm {
        let device = match model {
            TpmModel::Crb => "tpm-crb",
            TpmModel::Tis => "tpm-tis",
        };
        let socket = tpm::control_socket(&plan.tpm_dir());
        args.pair("-chardev", format!("socket,id=tpm0,path={}", file(&socket)));
        args.pair("-tpmdev", "emulator,id=tpm0,chardev=tpm0").pair("-device", format!("{device},tpmdev=tpm0"));
    }
}

fn captures(args: &mut Args, plan: &Plan) {
    if plan.captures.contains(&Capture::Debugcon) {
        args.pair("-chardev", format!("file,id=debugcon,path={}", file(&plan.dir.join("debugcon.log"))));
        args.pair("-device", "isa-debugcon,iobase=0x402,chardev=debugcon");
    }
    if let Some(path) = plan.pcap() {
        args.pair("-object", format!("filter-dump,id=dump0,netdev=nic0,maxlen=2048,file={}", file(&path)));
    }
}

struct Args(Vec<String>);

impl Args {
    fn flag(&mut self, flag: &str) -> &mut Self {
        self.0.push(flag.into());
        self
    }

    fn pair(&mut self, flag: &str, value: impl Into<String>) -> &mut Self {
        self.0.extend([flag.into(), value.into()]);
        self
    }
}

fn file(path: &Path) -> String {
    escaped(&path.display().to_string())
}

/// A comma ends a QEMU option's value; a doubled one is a comma.
fn escaped(value: &str) -> String {
    value.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::uuid_for;

    fn plan(firmware: Firmware) -> Plan {
        let mac = Mac([0x52, 0x54, 0, 1, 2, 3]);
        Plan {
            name: "m".parse().unwrap(),
            firmware,
            accel: Accel::Tcg,
            memory_mib: 512,
            cpus: 2,
            uuid: uuid_for(mac),
            serial: "a,b".into(),
            nics: vec![Nic { mac, tap: "tap1n0".into() }],
            nic_model: NicModel::Virtio,
            disk: None,
            disk_bus: DiskBus::Virtio,
            tpm: None,
            captures: vec![Capture::Pcap],
            dir: "/run/x".into(),
        }
    }

    #[test]
    fn boots_from_the_network_first() {
        let bios = arguments(&plan(Firmware::Bios), None).join(" ");
        assert!(bios.contains("-accel tcg,thread=multi -cpu max"), "{bios}");
        assert!(bios.contains("virtio-net-pci,netdev=nic0,mac=52:54:00:01:02:03,bootindex=0"), "{bios}");
        assert!(bios.contains("serial=a,,b"), "a comma can't add an option: {bios}");
        assert!(!bios.contains("pflash") && !bios.contains("romfile"), "{bios}");
    }

    #[test]
    fn a_card_that_the_firmware_cannot_drive_keeps_its_rom() {
        let with = |nic_model, disk_bus| {
            let plan = Plan { nic_model, disk_bus, disk: Some("/d.qcow2".into()), ..plan(Firmware::Uefi) };
            arguments(&plan, None).join(" ")
        };
        let old = with(NicModel::E1000, DiskBus::Sata);
        assert!(old.contains("-device e1000,netdev=nic0") && !old.contains("romfile"), "{old}");
        assert!(old.contains("-device ide-hd,bus=ide.0,serial=roost-disk0,drive=disk0,bootindex=1"), "{old}");
        assert!(with(NicModel::Virtio, DiskBus::Nvme).contains("-device nvme,serial=roost-disk0,drive=disk0"));
    }

    #[test]
    fn uefi_has_a_private_variable_store_and_no_rom() {
        let uefi = arguments(&plan(Firmware::Uefi), Some(Path::new("/s/memory"))).join(" ");
        assert!(uefi.contains("unit=1,file=/run/x/vars.fd"), "{uefi}");
        assert!(uefi.contains("bootindex=0,romfile="), "{uefi}");
        assert!(uefi.ends_with("-incoming file:/s/memory"), "{uefi}");
    }

    #[test]
    fn a_tpm_is_the_one_of_the_machine_s_own_directory() {
        for (model, device) in [(TpmModel::Crb, "tpm-crb,tpmdev=tpm0"), (TpmModel::Tis, "tpm-tis,tpmdev=tpm0")] {
            let with = arguments(&Plan { tpm: Some(model), ..plan(Firmware::Uefi) }, None).join(" ");
            assert!(with.contains("socket,id=tpm0,path=/run/x/tpm/control.sock"), "{with}");
            assert!(with.contains(device), "{with}");
        }
        assert!(!arguments(&plan(Firmware::Uefi), None).join(" ").contains("tpm"));
    }
}
