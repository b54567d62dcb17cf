//! `kill -9` of the daemon at every station of a real machine's way, between stations, and for half a minute at a time.
//!
//! One boot meets many crashes: a station is a row in the store, so what was seen before a crash is known after it, and
//! the next station that shows up is the next place to crash at. Run by `scripts/test-long walk`; `boot.rs` has three
//! of these crashes for every day.

#![expect(clippy::print_stderr, reason = "a walk takes minutes: --nocapture shows where it is")]

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use lab::{Firmware, Machine, accel};
use vocabulary::{NodeState, RunState, Step};

use crate::{bench::Bench, boot};

/// From power to ready with a daemon that keeps dying, emulated on busy cores.
const WAY: Duration = Duration::from_secs(1000);
/// Between two looks at the timelines.
const LOOK: Duration = Duration::from_millis(40);
/// What lies between a station and the crash after it, in turn: from at once to well into the next piece of work.
const GAPS: [Duration; 4] =
    [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(7)];
/// How long a daemon stays away that is slow to come back.
const AWAY: Duration = Duration::from_secs(30);

/// Stations that every machine passes, each of them a row before the machine goes on.
const EVERYONE: [Step; 14] = [
    Step::Discover,
    Step::Ack,
    Step::Script,
    Step::Kernel,
    Step::Initrd,
    Step::KernelUp,
    Step::ImageFetched,
    Step::RootUp,
    Step::CalledHome,
    Step::RunQueued,
    Step::RunStarted,
    Step::RolesDone,
    Step::Verified,
    Step::Ready,
];
/// Where a machine can do without the daemon for a while: what it does next is tried until it works.
const PATIENT: [Step; 6] =
    [Step::Script, Step::Kernel, Step::KernelUp, Step::RootUp, Step::RunStarted, Step::RolesDone];

/// Machines on their way and the stations at which the daemon was killed.
struct Walk {
    bench: Bench,
    machines: Vec<Arc<Machine>>,
    /// Machine and station, or machine and verifying task, in words.
    marks: BTreeSet<(String, String)>,
}

impl Walk {
    async fn up(firmwares: &[Firmware]) -> Self {
        let bench = Bench::up(boot::setup("auto")).await;
        let accel = accel::probe(&accel::default_cache_dir()).await.accel;
        let mut machines = Vec::new();
        for firmware in firmwares {
            let name = if *firmware == Firmware::Bios { "bios" } else { "uefi" };
            machines.push(boot::machine(&bench, name, *firmware, &accel));
        }
        for machine in &machines {
            machine.power_on().await.unwrap();
        }
        Self { bench, machines, marks: BTreeSet::new() }
    }

    /// What is new since the last look.
    async fn fresh(&mut self) -> Vec<(String, String)> {
        let mut fresh = Vec::new();
        for machine in &self.machines {
            let name = machine.name().to_string();
            let steps = self.bench.steps(machine.mac()).await;
            fresh.extend(steps.iter().map(|line| (name.clone(), line.step.name().to_owned())));
            let Some(node) = self.bench.node(machine.mac()).await else { continue };
            assert_ne!(node.state, NodeState::Failed, "{}", self.bench.story(machine.mac()).await);
            if node.state == NodeState::Verifying {
                let runs = self.bench.runs().await;
                let task = runs.into_iter().find(|run| Some(run.id) == node.run).and_then(|run| run.task);
                fresh.extend(task.map(|task| (name, format!("verifying: {task}"))));
            }
        }
        fresh.retain(|mark| self.marks.insert(mark.clone()));
        fresh
    }

    async fn all_ready(&self) -> bool {
        for machine in &self.machines {
            if self.bench.node(machine.mac()).await.is_none_or(|node| node.state != NodeState::Ready) {
                return false;
            }
        }
        true
    }

    /// Lets `strike` loose on the daemon at each new station until all machines are ready; then nothing may have
    /// happened twice.
    async fn until_ready(&mut self, mut strike: impl AsyncFnMut(&mut Bench, &[(String, String)])) {
        let machines = self.machines.clone();
        let walking = async {
            while !self.all_ready().await {
                let fresh = self.fresh().await;
                if fresh.is_empty() {
                    tokio::time::sleep(LOOK).await;
                } else {
                    strike(&mut self.bench, &fresh).await;
                }
            }
        };
        if tokio::time::timeout(WAY, walking).await.is_err() {
            for machine in &machines {
                let console = machine.console().text().unwrap();
                let end: Vec<_> = console.lines().rev().take(30).collect();
                let end: Vec<_> = end.into_iter().rev().collect();
                eprintln!("console of {}:\n{}", machine.name(), end.join("\n"));
                eprintln!("{}", self.bench.story(machine.mac()).await);
            }
            panic!("not every machine was ready within {WAY:?}");
        }
        eprintln!("kill at the end, {:?}", self.fresh().await);
        self.bench.crash().await;
        self.nothing_twice().await;
        self.bench.daemon.stop(Duration::from_secs(20)).await.unwrap();
    }

    /// Every station stands once; only a script whose answer was lost is asked for, and minted, again.
    async fn nothing_twice(&self) {
        for machine in &self.machines {
            let mac = machine.mac();
            assert_eq!(self.bench.node(mac).await.unwrap().state, NodeState::Ready);
            let story = self.bench.story(mac).await;
            let may_repeat = [Step::Script, Step::Note];
            for step in Step::ALL.iter().filter(|step| !may_repeat.contains(step)) {
                let count = self.bench.count(mac, *step).await;
                assert!(count <= 1, "{} has {step} {count} times\n{story}", machine.name());
            }
            for step in EVERYONE {
                assert!(self.bench.count(mac, step).await >= 1, "{} has no {step}\n{story}", machine.name());
            }
            assert!(!machine.console().text().unwrap().contains("rt_"), "a token on the console");
        }
        let runs = self.bench.runs().await;
        assert_eq!(runs.len(), self.machines.len(), "{runs:#?}");
        assert!(runs.iter().all(|run| run.state == RunState::Succeeded), "{runs:#?}");
    }

    fn killed_at(&self, firmware: Firmware, step: Step) -> bool {
        let name = self.machines.iter().find(|machine| machine.firmware() == firmware).unwrap().name().to_string();
        self.marks.contains(&(name, step.name().to_owned()))
    }
}

async fn kill_at_each_station(firmware: Firmware) {
    let mut walk = Walk::up(&[firmware]).await;
    let mut crashes = 0;
    walk.until_ready(async |bench, fresh| {
        crashes += 1;
        eprintln!("kill {crashes} at {fresh:?}");
        bench.crash().await;
    })
    .await;
    for step in EVERYONE {
        assert!(walk.killed_at(firmware, step), "the daemon was not killed at {step}: {:?}", walk.marks);
    }
    assert!(walk.marks.iter().any(|(_, mark)| mark.starts_with("verifying")), "{:?}", walk.marks);
    assert!(crashes >= 10, "only {crashes} crashes");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long walk"]
async fn walk_a_bios_machine_becomes_ready_with_a_kill_at_each_station() {
    kill_at_each_station(Firmware::Bios).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long walk"]
async fn walk_a_uefi_machine_becomes_ready_with_a_kill_at_each_station() {
    kill_at_each_station(Firmware::Uefi).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long walk"]
async fn walk_bios_and_uefi_become_ready_with_kills_between_stations() {
    let mut walk = Walk::up(&[Firmware::Bios, Firmware::Uefi]).await;
    let mut gaps = GAPS.iter().cycle();
    let mut crashes = 0;
    walk.until_ready(async |bench, fresh| {
        crashes += 1;
        let gap = gaps.next().unwrap();
        eprintln!("kill {crashes}, {gap:?} after {fresh:?}");
        tokio::time::sleep(*gap).await;
        bench.crash().await;
    })
    .await;
    assert!(crashes >= GAPS.len(), "not every gap had a kill: only {crashes}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: boots machines for scripts/test-long walk"]
async fn walk_bios_and_uefi_become_ready_though_the_daemon_stays_away_for_half_a_minute() {
    let mut walk = Walk::up(&[Firmware::Bios, Firmware::Uefi]).await;
    let mut absences = Vec::new();
    walk.until_ready(async |bench, fresh| {
        let patient = |mark: &(String, String)| PATIENT.iter().any(|step| step.name() == mark.1);
        if fresh.iter().any(patient) {
            eprintln!("away for {AWAY:?} at {fresh:?}");
            bench.daemon.kill().await.unwrap();
            tokio::time::sleep(AWAY).await;
            bench.daemon.restart().await.unwrap();
            absences.extend_from_slice(fresh);
        }
    })
    .await;
    // All but the last: both runs may end while the daemon is away, and then it comes back to two ready machines.
    for step in PATIENT.iter().filter(|step| **step != Step::RolesDone) {
        assert!(absences.iter().any(|(_, mark)| mark == step.name()), "never away at {step}: {absences:?}");
    }
}
