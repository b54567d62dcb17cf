//! Machines that really boot: firmware, iPXE, Linux, Debian, Ansible, `ready`; BIOS and UEFI, the daemon killed on the
//! way. One rack, one pair of boots for everything that needs a booted machine, because a boot is what costs minutes.

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use lab::{Firmware, Machine, MachineSpec, accel};
use vocabulary::{NodeId, NodeState, Step};

use crate::bench::{Bench, Setup};

/// Under emulation on two busy cores.
const BOOT: Duration = Duration::from_secs(600);
const RUN: Duration = Duration::from_secs(600);

/// Where setup has put loaders, image and Ansible.
fn prepared() -> PathBuf {
    let cache = PathBuf::from(std::env::var_os("ROOST_CACHE").unwrap_or_else(|| "/var/cache/roost".into()));
    let (assets, config) = (cache.join("assets"), cache.join("boot-tests.toml"));
    std::fs::create_dir_all(&assets).unwrap();
    let data = cache.join("boot-tests");
    let text = format!("data_dir = \"{}\"\n[assets]\ndir = \"{}\"\n", data.display(), assets.display());
    std::fs::write(&config, text).unwrap();
    for verb in [["assets", "fetch"], ["image", "build"], ["ansible", "setup"]] {
        let done = Command::new(env!("CARGO_BIN_EXE_roost")).arg("--config").arg(&config).args(verb).status().unwrap();
        assert!(done.success(), "roost {}", verb.join(" "));
    }
    assets
}

async fn machine(bench: &Bench, name: &str, firmware: Firmware, accel: &accel::Accel) -> Arc<Machine> {
    let spec = MachineSpec { accel: accel.clone(), cpus: 2, ..MachineSpec::new(name.parse().unwrap(), firmware) };
    bench.rack.add(spec).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots machines"]
async fn boot_bios_and_uefi_to_ready_while_the_daemon_is_killed_three_times() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let playbook = root.canonicalize().unwrap().join("ansible/playbook.yaml");
    let mut bench = Bench::up(Setup { playbook, assets: Some(prepared()), ..Setup::small() }).await;
    let accel = accel::probe(&accel::default_cache_dir()).await.accel;
    let bios = machine(&bench, "bios", Firmware::Bios, &accel).await;
    let uefi = machine(&bench, "uefi", Firmware::Uefi, &accel).await;
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
    let succeeded = bench.runs().await.iter().filter(|run| run.state.name() == "succeeded").count();
    assert_eq!(succeeded, 2);
    a_second_run_changes_nothing(&bench, &uefi).await;
    bench.daemon.stop(Duration::from_secs(20)).await.unwrap();
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
