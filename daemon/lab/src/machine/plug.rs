//! Plugging a machine into its rack: directory, disk, variable store, cables, record.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use super::{
    power::Machine,
    qemu::{Nic, OVMF_VARS, Plan},
    spec::{AddError, Firmware, MachineSpec},
};
use crate::{
    names,
    rack::private_dir,
    state::{MachineState, StateFile},
};

impl Machine {
    /// Checks the spec, makes its files and cables, and records it; switched off.
    pub(crate) fn plug_in(
        spec: MachineSpec,
        place: u8,
        rack_dir: &Path,
        state: Arc<StateFile>,
    ) -> Result<Self, AddError> {
        let plan = plan(spec, place, rack_dir, &state);
        let mac = plan.nics[0].mac;
        let taken = state.get().machines.into_iter().find(|(_, machine)| machine.mac == mac);
        if let Some((other, _)) = taken {
            return Err(AddError::SameMac { name: plan.name, mac, other });
        }
        make_files(&plan)?;
        lay_cables(&plan, &state)?;
        let namespace = state.get().namespace();
        let record =
            MachineState { firmware: plan.firmware, mac, uuid: plan.uuid, console: plan.dir.join("console.log") };
        state.change(|rack| drop(rack.machines.insert(plan.name.clone(), record)))?;
        Ok(Self::assemble(plan, namespace, state))
    }
}

fn plan(spec: MachineSpec, place: u8, rack_dir: &Path, state: &StateFile) -> Plan {
    let rack = state.get().name;
    let first = spec.mac.unwrap_or_else(|| names::mac_for(&rack, place, 0));
    let dir = rack_dir.join("machines").join(spec.name.as_str());
    let nic = |index| Nic {
        mac: if index == 0 { first } else { names::mac_for(&rack, place, index) },
        tap: format!("tap{place}n{index}"),
    };
    Plan {
        firmware: spec.firmware,
        accel: spec.accel,
        memory_mib: spec.memory_mib,
        cpus: spec.cpus,
        uuid: spec.uuid.unwrap_or_else(|| names::uuid_for(first)),
        serial: spec.serial.unwrap_or_else(|| names::serial_for(first)),
        nics: (0..spec.nics.max(1)).map(nic).collect(),
        nic_model: spec.nic_model,
        disk: spec.disk_gib.map(|gib| disk_path(&dir, gib)),
        disk_bus: spec.disk_bus,
        tpm: spec.tpm,
        captures: spec.captures,
        name: spec.name,
        dir,
    }
}

/// The size is in the name, so that the plan alone says what to make.
fn disk_path(dir: &Path, gib: u32) -> PathBuf {
    dir.join(format!("disk-{gib}G.qcow2"))
}

fn make_files(plan: &Plan) -> Result<(), AddError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| AddError::File { path, source }
    };
    private_dir(&plan.dir).map_err(at(&plan.dir))?;
    let console = plan.dir.join("console.log");
    fs::write(&console, "").map_err(at(&console))?;
    if plan.firmware == Firmware::Uefi {
        fs::copy(OVMF_VARS, plan.vars()).map_err(at(Path::new(OVMF_VARS)))?;
    }
    plan.disk.as_deref().map_or(Ok(()), make_disk)
}

fn make_disk(path: &Path) -> Result<(), AddError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let size = stem.trim_start_matches("disk-");
    let failed = |said: String| AddError::Disk { path: path.to_owned(), said };
    let output = Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(path).arg(size).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

fn lay_cables(plan: &Plan, state: &StateFile) -> Result<(), AddError> {
    let rack = state.get();
    let namespace = rack.namespace();
    for nic in &plan.nics {
        for line in
            [format!("tuntap add {} mode tap", nic.tap), format!("link set {} master {} up", nic.tap, rack.bridge)]
        {
            namespace.ip(&line).map_err(|source| AddError::Cable { name: plan.name.clone(), source })?;
        }
    }
    Ok(())
}
