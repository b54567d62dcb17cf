//! Machines that really boot: firmware, iPXE, Linux, Debian, Ansible, `ready`; BIOS and UEFI, the daemon killed on the
//! way, one machine as a control node, one with a data disk, and the whole rack without power at the end. One rack, one pair of boots for
//! everything that needs a booted machine, because a boot is what costs minutes.

use std::{
    path::PathBuf,
    process::Command,
    sync::{Arc, LazyLock},
    time::Duration,
};

use lab::{Firmware, Machine, MachineSpec, TpmModel, accel};
use vocabulary::{NodeId, NodeState, Step};

use crate::{
    bench::{Bench, Setup},
    control_node::Shell,
    kept, power_cut,
};

/// Under emulation on two busy cores.
const BOOT: Duration = Duration::from_secs(900);
const RUN: Duration = Duration::from_secs(900);

/// Where `roost ansible setup` puts Ansible unless told otherwise.
const VENV: &str = "/var/cache/roost/venv";

/// Where setup has put loaders, image and Ansible: once for all tests, since two at a time would be in each other's way.
pub(crate) fn prepared() -> PathBuf {
    static PREPARED: LazyLock<PathBuf> = LazyLock::new(prepare);
    PREPARED.clone()
}

fn prepare() -> PathBuf {
    let cache = PathBuf::from(std::env::var_os("ROOST_CACHE").unwrap_or_else(|| "/var/cache/roost".into()));
    let (assets, config) = (cache.join("assets"), cache.join("boot-tests.toml"));
    std::fs::create_dir_all(&assets).unwrap();
    let data = cache.join("boot-tests");
    let image = cache.join("image");
    let text = format!(
        "data_dir = \"{}\"\n[assets]\ndir = \"{}\"\n[image]\ncache = \"{}\"\n",
        data.display(),
        assets.display(),
        image.display()
    );
    std::fs::write(&config, text).unwrap();
    for verb in [["assets", "fetch"], ["image", "build"], ["ansible", "setup"]] {
        let done = Command::new(env!("CARGO_BIN_EXE_roost")).arg("--config").arg(&config).args(verb).status().unwrap();
        assert!(done.success(), "roost {}", verb.join(" "));
    }
    assets
}

/// A daemon with everything that a machine needs on its way to ready.
pub(crate) fn setup(enroll: &'static str) -> Setup {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let playbook = root.canonicalize().unwrap().join("ansible/playbook.yaml");
    Setup { enroll, playbook, assets: Some(prepared()), ..Setup::small() }
}

/// UEFI machines have a TPM, BIOS machines an empty disk: both ways to an identity that is more than a MAC are walked.
pub(crate) fn machine(bench: &Bench, name: &str, firmware: Firmware, accel: &accel::Accel) -> Arc<Machine> {
    let tpm = (firmware == Firmware::Uefi).then_some(TpmModel::Crb);
    let disk_gib = (firmware == Firmware::Bios).then_some(3);
    let spec = MachineSpec {
        accel: accel.clone(),
        cpus: 2,
        tpm,
        disk_gib,
        ..MachineSpec::new(name.parse().unwrap(), firmware)
    };
    bench.rack.add(spec).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots machines"]
async fn boot_bios_and_uefi_to_ready_while_the_daemon_is_killed_three_times() {
    let mut bench = Bench::up(setup("approve")).await;
    approve_the_next_two(&bench).await;
    let accel = accel::probe(&accel::default_cache_dir()).await.accel;
    let bios = machine(&bench, "bios", Firmware::Bios, &accel);
    let uefi = machine(&bench, "uefi", Firmware::Uefi, &accel);
    bios.power_on().await.unwrap();
    uefi.power_on().await.unwrap();

    bench.reached(bios.mac(), Step::Initrd, BOOT).await;
    bench.crash().await;
    bench.reached(uefi.mac(), Step::CalledHome, BOOT).await;
    bench.crash().await;
    bench.reached(bios.mac(), Step::RunStarted, BOOT).await;
    bench.crash().await;
    for machine in [&bios, &uefi] {
        bench.in_state(machine.mac(), NodeState::Ready, RUN).await;
        for step in [Step::CalledHome, Step::Ready] {
            assert_eq!(bench.count(machine.mac(), step).await, 1, "{step}: {}", bench.story(machine.mac()).await);
        }
        let console = machine.console().text().unwrap();
        assert!(!console.contains("rt_"), "a token on the console");
    }
    let proven = [bench.count(bios.mac(), Step::TpmProven).await, bench.count(uefi.mac(), Step::TpmProven).await];
    assert_eq!(proven, [0, 1], "{}", bench.story(uefi.mac()).await);
    let succeeded = bench.runs().await.iter().filter(|run| run.state.name() == "succeeded").count();
    assert_eq!(succeeded, 2);
    a_second_run_changes_nothing(&bench, &uefi).await;
    it_can_be_a_control_node(&bench, &uefi).await;
    let before = kept::it_is_given_a_disk(&bench, &bios).await;
    power_cut::the_rack_comes_back_and_nobody_touches_it(&mut bench, &[&bios, &uefi]).await;
    assert_eq!(bench.count(uefi.mac(), Step::TpmProven).await, 2, "the same chip after the power cut");
    kept::it_came_back_with_what_it_had(&bench, &bios, &before).await;
    bench.daemon.stop(Duration::from_secs(20)).await.unwrap();
}

/// The only word that a person says in this test.
async fn approve_the_next_two(bench: &Bench) {
    let mut roost = bench.rack.command(env!("CARGO_BIN_EXE_roost"));
    roost.env("ROOST_SOCKET", bench.daemon.api().socket());
    let done = roost.args(["node", "approve", "--next", "2", "--for", "1h"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn a_second_run_changes_nothing(bench: &Bench, machine: &Machine) {
    let node = NodeId::of(machine.mac());
    let last = bench.node(machine.mac()).await.unwrap().run.unwrap();
    let retried = bench.daemon.api().post(&format!("/api/runs/{last}/retry"), &serde_json::json!({})).await.unwrap();
    assert!(retried.status < 300, "{}", retried.text());
    bench.in_state(machine.mac(), NodeState::Ready, RUN).await;
    let runs = bench.runs().await;
    let second = runs.iter().filter(|run| run.node == node).max_by_key(|run| run.id).unwrap();
    assert!(second.id > last, "{runs:?}");
    assert_eq!(second.tasks_changed, 0, "{second:?}");
}

/// What it does to the machine ends with the machine's power.
async fn it_can_be_a_control_node(bench: &Bench, machine: &Machine) {
    let shell = Shell {
        namespace: bench.rack.namespace().clone(),
        key: bench.data.path().join("ssh/fleet_ed25519"),
        address: bench.node(machine.mac()).await.unwrap().address.unwrap(),
        folder: tempfile::tempdir().unwrap(),
    };
    tokio::task::block_in_place(|| shell.prove(VENV.as_ref()));
}
