//! `roost node power`: real orders, a real magic packet on the rack's bridge, and a machine whose next DISCOVER is the
//! only success. Firmware need not come further than that, so these boots take seconds and need no image.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, process::Output, sync::Arc, time::Duration};

use lab::{Firmware, Keeper, Machine, MachineSpec, Synthetic, SyntheticSpec, synthetic::Stage};
use tasks::Stop;
use tokio::task::JoinSet;
use vocabulary::{Mac, NodeId, NodeState, Step};

use crate::bench::{Bench, Setup};

/// From power to DISCOVER, emulated on busy cores.
const FIRMWARE: Duration = Duration::from_secs(180);
/// For what the daemon does by itself.
const SOON: Duration = Duration::from_secs(60);

/// A rack whose machines wake on their packet, as `roost lab up` keeps one.
struct Kept {
    bench: Bench,
    plain: String,
    stop: Stop,
    keeper: JoinSet<()>,
}

impl Kept {
    async fn up() -> Self {
        let bench = Bench::up(Setup { enroll: "approve", ..Setup::small() }).await;
        let keeper = Keeper::build(Arc::clone(&bench.rack)).unwrap();
        let (stop, mut tasks) = (Stop::new(), JoinSet::new());
        let told = stop.clone();
        tasks.spawn(async move { keeper.run(told).await.unwrap() });
        let plain = bench.daemon.spec().config.clone();
        Self { bench, plain, stop, keeper: tasks }
    }

    /// Restarts the daemon with sections added to its configuration.
    async fn configure(&mut self, sections: &str) {
        self.bench.daemon.set_config(format!("{}\n{sections}", self.plain));
        self.bench.daemon.restart().await.unwrap();
    }

    /// `roost node power NODE ACTION`, as a person types it.
    fn order(&self, mac: Mac, action: &str) -> Output {
        self.ordering(mac, action).output().unwrap()
    }

    fn ordering(&self, mac: Mac, action: &str) -> std::process::Command {
        let mut roost = self.bench.rack.command(env!("CARGO_BIN_EXE_roost"));
        roost.env("ROOST_SOCKET", self.bench.daemon.api().socket());
        roost.args(["node", "power", &NodeId::of(mac).to_string(), action]);
        roost
    }

    /// A machine without hardware that Roost has seen once and that a person has admitted.
    async fn admitted(&self, name: &str) -> Mac {
        let synthetic = SyntheticSpec::new(name.parse().unwrap(), vocabulary::Firmware::Bios);
        let machine = Synthetic::plug_in(&self.bench.rack, synthetic).unwrap();
        let mac = machine.mac();
        machine.dhcp(Stage::Ipxe).await.unwrap();
        let approve = format!("/api/nodes/{}/approve", NodeId::of(mac));
        self.bench.reached(mac, Step::Waiting, SOON).await;
        assert_eq!(self.bench.daemon.api().post(&approve, &serde_json::json!({})).await.unwrap().status, 200);
        mac
    }

    fn obeyed(&self, mac: Mac, action: &str) {
        let output = self.order(mac, action);
        assert!(output.status.success(), "power {action}: {}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let proof = if action == "off" { "its switch's word" } else { "success is its next DISCOVER" };
        assert!(said.contains(proof), "{said}");
    }

    /// How many orders this machine has answered with a DISCOVER.
    async fn answers(&self, mac: Mac) -> usize {
        let lines = self.bench.steps(mac).await;
        lines.iter().filter(|line| line.step == Step::Note && line.detail.starts_with("answered power on")).count()
    }

    async fn answered(&self, mac: Mac, times: usize) {
        let what = format!("{mac} to have answered {times} orders with a DISCOVER");
        self.bench.until(FIRMWARE, &what, async || self.answers(mac).await >= times).await;
        assert_eq!(self.answers(mac).await, times);
    }

    async fn is(&self, machine: &Arc<Machine>, on: bool) {
        let what = format!("{} to be switched {}", machine.name(), if on { "on" } else { "off" });
        self.bench.until(SOON, &what, async || machine.status().await.unwrap().on == on).await;
    }

    async fn down(mut self) {
        self.bench.daemon.stop(Duration::from_secs(20)).await.unwrap();
        self.stop.cancel();
        while let Some(ended) = self.keeper.join_next().await {
            ended.unwrap();
        }
    }
}

impl Drop for Kept {
    /// Also in a panic: the listener for packets is a thread that the runtime would wait for.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A machine that Roost has seen once and that is off now.
async fn seen_and_off(kept: &Kept) -> Arc<Machine> {
    let spec = MachineSpec { memory_mib: 256, ..MachineSpec::new("sleeper".parse().unwrap(), Firmware::Bios) };
    let machine = kept.bench.rack.add(spec).unwrap();
    machine.power_on().await.unwrap();
    kept.bench.reached(machine.mac(), Step::Waiting, FIRMWARE).await;
    machine.power_off().await.unwrap();
    machine
}

/// The operator's own program; it writes down what it was told and lets `roost lab` do the work.
fn outlet(kept: &Kept, machine: &Machine) -> PathBuf {
    let path = kept.bench.data.path().join("outlet");
    let (run_dir, rack) = (kept.bench.rack.dir().parent().unwrap(), kept.bench.rack.state().name);
    let script = format!(
        "#!/bin/sh\necho \"$1 $2 $3\" >>{}/outlet.log\nexec {} lab --run-dir {} power --name {rack} {} \"$3\"\n",
        kept.bench.data.path().display(),
        env!("CARGO_BIN_EXE_roost"),
        run_dir.display(),
        machine.name(),
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "boots machines"]
async fn boot_power_orders_are_answered_by_a_discover_whatever_switches_the_machine() {
    let mut kept = Kept::up().await;
    let machine = seen_and_off(&kept).await;
    let mac = machine.mac();

    // Wake-on-LAN: the packet crosses the bridge; the daemon that sent it dies before the answer.
    kept.obeyed(mac, "on");
    kept.bench.crash().await;
    kept.is(&machine, true).await;
    kept.answered(mac, 1).await;
    let refused = kept.order(mac, "off");
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("wake-on-LAN can only switch"), "{why}");
    assert!(machine.status().await.unwrap().on, "a refused order changed something");

    let program = outlet(&kept, &machine);
    let command = format!("command = [\"{}\", \"{{node}}\", \"{{mac}}\", \"{{action}}\"]", program.display());
    kept.configure(&format!("[power]\nmethod = \"command\"\n{command}\n")).await;
    kept.obeyed(mac, "off");
    kept.is(&machine, false).await;
    kept.obeyed(mac, "on");
    kept.answered(mac, 2).await;
    let told = std::fs::read_to_string(kept.bench.data.path().join("outlet.log")).unwrap();
    assert_eq!(told, format!("{0} {mac} off\n{0} {mac} on\n", NodeId::of(mac)));

    kept.configure(&format!("[power]\nmethod = \"lab\"\nlab = \"{}\"\n", kept.bench.rack.dir().display())).await;
    kept.obeyed(mac, "cycle");
    kept.answered(mac, 3).await;
    kept.obeyed(mac, "off");
    kept.is(&machine, false).await;
    kept.obeyed(mac, "on");
    kept.answered(mac, 4).await;
    assert_eq!(kept.bench.node(mac).await.unwrap().state, NodeState::Waiting, "power admits nobody");
    kept.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_never_answers_a_power_order_fails_with_its_reason_also_after_a_crash() {
    let mut kept = Kept::up().await;
    let mac = kept.admitted("deaf").await;
    kept.configure("[nodes.sla]\npower_on = \"3s\"\n").await;
    kept.obeyed(mac, "on");
    let reason = kept.bench.node(mac).await.unwrap().reason.unwrap();
    assert!(reason.cause.starts_with("switched on by"), "{reason:?}");
    kept.bench.crash().await;
    kept.bench.in_state(mac, NodeState::Failed, SOON).await;
    let reason = kept.bench.node(mac).await.unwrap().reason.unwrap();
    assert!(reason.cause.contains("no DISCOVER within 3s of power on"), "{reason:?}");
    assert!(reason.remedy.contains(&format!("roost node power {} cycle", NodeId::of(mac))), "{reason:?}");
    assert_eq!(kept.answers(mac).await, 0);
    kept.bench.crash().await;
    assert_eq!(kept.bench.count(mac, Step::Failed).await, 1, "one order failed twice");
    kept.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_off_that_a_kill_cuts_short_is_found_out_by_the_next_daemon() {
    let mut kept = Kept::up().await;
    let mac = kept.admitted("cut").await;
    let dir = kept.bench.data.path().to_owned();
    let script = format!(
        "echo {{action}} >>{0}/began; until read -r how 2>/dev/null <{0}/go; do sleep 0.1; done; exit $how",
        dir.display()
    );
    kept.configure(&format!("[power]\nmethod = \"command\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\n")).await;
    let failed = "power order failed: sh failed: exit status: 1: it said nothing";
    for (how, told) in [("1", failed), ("0", "switched off")] {
        let mut client = kept.ordering(mac, "off").spawn().unwrap();
        kept.bench.until(SOON, "the program to begin", async || dir.join("began").exists()).await;
        kept.bench.crash().await;
        std::fs::write(dir.join("go"), format!("{how}\n")).unwrap();
        assert!(!client.wait().unwrap().success(), "nobody knew how it ended");
        let ended = async || kept.bench.steps(mac).await.iter().any(|line| line.detail == told);
        kept.bench.until(SOON, told, ended).await;
        let off =
            kept.bench.node(mac).await.unwrap().reason.is_some_and(|why| why.cause.starts_with("switched off by"));
        assert_eq!(off, how == "0", "its program ended with {how}");
        assert_eq!(std::fs::read_to_string(dir.join("began")).unwrap(), "off\n", "the order was given again");
        for file in ["began", "go"] {
            std::fs::remove_file(dir.join(file)).unwrap();
        }
    }
    std::fs::write(dir.join("go"), "0\n").unwrap();
    kept.obeyed(mac, "on");
    kept.down().await;
}
