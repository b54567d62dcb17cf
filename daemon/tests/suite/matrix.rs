//! Firmware, network cards and disks of many kinds, each to its call-home: that a driver is in the ROM, in the loader,
//! in the initrd and in the image. Pairs are chosen so that each card and each disk meets both firmwares or each other;
//! `boot.rs` has the pair virtio and no disk. Run by `scripts/test-long matrix`.

use std::{sync::Arc, time::Duration};

use lab::{DiskBus, Firmware, Machine, MachineSpec, NicModel, accel};
use tasks::{Clock as _, SystemClock};
use vocabulary::{NodeId, Step};

use crate::{bench::Bench, boot};

/// From power to call-home, emulated, two at a time on busy cores.
const BOOT: Duration = Duration::from_secs(900);
const DISK_GIB: u32 = 3;

/// A machine of the matrix and what the kernel calls its disk.
struct Make {
    firmware: Firmware,
    nic_model: NicModel,
    disk_bus: DiskBus,
}

impl Make {
    const fn disk(&self) -> &'static str {
        match self.disk_bus {
            DiskBus::Virtio => "vda",
            DiskBus::Sata => "sda",
            DiskBus::Nvme => "nvme0n1",
        }
    }
}

async fn to_call_home(makes: [Make; 2]) {
    let bench = Bench::up(boot::setup("auto")).await;
    let accel = accel::probe(&accel::default_cache_dir()).await.accel;
    let mut machines: Vec<Arc<Machine>> = Vec::new();
    for (name, make) in ["first", "second"].into_iter().zip(&makes) {
        let spec = MachineSpec {
            accel: accel.clone(),
            cpus: 2,
            nic_model: make.nic_model,
            disk_gib: Some(DISK_GIB),
            disk_bus: make.disk_bus,
            ..MachineSpec::new(name.parse().unwrap(), make.firmware)
        };
        machines.push(bench.rack.add(spec).unwrap());
    }
    for machine in &machines {
        machine.power_on().await.unwrap();
    }
    for machine in &machines {
        bench.reached(machine.mac(), Step::CalledHome, BOOT).await;
    }
    let Bench { mut daemon, data, .. } = bench;
    daemon.stop(Duration::from_secs(20)).await.unwrap();
    let store = store::Store::open(data.path(), SystemClock.now()).await.unwrap();
    for (machine, make) in machines.iter().zip(&makes) {
        let hardware = store.claims(NodeId::of(machine.mac())).await.unwrap().unwrap().hardware;
        let disks: Vec<_> = hardware.disks.iter().map(|disk| (disk.name.as_str(), disk.size_bytes >> 30)).collect();
        assert_eq!(disks, [(make.disk(), u64::from(DISK_GIB))], "{hardware:?}");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long matrix"]
async fn matrix_bios_e1000_virtio_disk_and_uefi_virtio_sata_disk() {
    let old = Make { firmware: Firmware::Bios, nic_model: NicModel::E1000, disk_bus: DiskBus::Virtio };
    let new = Make { firmware: Firmware::Uefi, nic_model: NicModel::Virtio, disk_bus: DiskBus::Sata };
    to_call_home([old, new]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long matrix"]
async fn matrix_bios_e1000e_sata_disk_and_uefi_e1000_nvme_disk() {
    let old = Make { firmware: Firmware::Bios, nic_model: NicModel::E1000e, disk_bus: DiskBus::Sata };
    let new = Make { firmware: Firmware::Uefi, nic_model: NicModel::E1000, disk_bus: DiskBus::Nvme };
    to_call_home([old, new]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long matrix"]
async fn matrix_bios_rtl8139_nvme_disk_and_uefi_e1000e_virtio_disk() {
    let old = Make { firmware: Firmware::Bios, nic_model: NicModel::Rtl8139, disk_bus: DiskBus::Nvme };
    let new = Make { firmware: Firmware::Uefi, nic_model: NicModel::E1000e, disk_bus: DiskBus::Virtio };
    to_call_home([old, new]).await;
}
