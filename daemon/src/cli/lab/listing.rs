//! What racks there are, as a table and as JSON, read from their state: also when no keeper answers any more.

use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use lab::{Firmware, KeptBy, MachineName, RackName, RackState};
use serde::Serialize;

use super::super::{
    exit::Failure,
    screen::{self, Output},
};

/// A rack in the listing.
#[derive(Debug, Serialize)]
struct RackView {
    name: RackName,
    /// `up`, or `stale` when its maker is gone.
    state: &'static str,
    kept_by: KeptBy,
    pid: u32,
    namespace: String,
    bridge: String,
    address: Ipv4Net,
    dir: PathBuf,
    machines: Vec<MachineView>,
}

/// A machine in the listing.
#[derive(Debug, Serialize)]
struct MachineView {
    name: MachineName,
    firmware: Firmware,
    on: bool,
    mac: String,
    uuid: String,
    console: PathBuf,
}

pub(super) fn list(root: &Path, output: Output) -> Result<(), Failure> {
    let racks: Vec<_> = lab::racks(root).iter().map(|state| view(root, state)).collect();
    if output.json {
        return screen::json(&racks);
    }
    let mut rows = Vec::new();
    for rack in racks {
        let head = [rack.name.to_string(), rack.state.to_owned()];
        if rack.machines.is_empty() {
            rows.push([&head[..], &[const { String::new() }; 4]].concat());
        }
        for machine in rack.machines {
            let power = if machine.on { "on" } else { "off" }.to_owned();
            let cells = [machine.name.to_string(), format!("{:?}", machine.firmware), power, machine.mac];
            rows.push([&head[..], &cells].concat());
        }
    }
    let rows = rows.into_iter().filter_map(|row| <[String; 6]>::try_from(row).ok()).collect();
    screen::table(["rack", "state", "machine", "firmware", "power", "mac"], rows, "no rack is up: roost lab up")
}

fn view(root: &Path, state: &RackState) -> RackView {
    let machines = state.machines.iter().map(|(name, machine)| MachineView {
        name: name.clone(),
        firmware: machine.firmware,
        on: state.is_on(name),
        mac: machine.mac.to_string(),
        uuid: machine.uuid.to_string(),
        console: machine.console.clone(),
    });
    RackView {
        state: if lab::process::alive(&state.maker) { "up" } else { "stale" },
        kept_by: state.kept_by,
        pid: state.maker.pid,
        namespace: state.name.namespace(),
        bridge: state.bridge.clone(),
        address: state.address,
        dir: root.join(state.name.as_str()),
        machines: machines.collect(),
        name: state.name.clone(),
    }
}

pub(super) fn machine_rows(state: &RackState) -> Vec<[String; 5]> {
    let row = |(name, machine): (&MachineName, &lab::MachineState)| {
        let power = if state.is_on(name) { "on" } else { "off" }.to_owned();
        let console = machine.console.display().to_string();
        [name.to_string(), format!("{:?}", machine.firmware), power, machine.mac.to_string(), console]
    };
    state.machines.iter().map(row).collect()
}
