//! The whole rack loses its power, the control node with it, and comes back by itself.
//!
//! A part of the test in `boot.rs`, which has machines that are ready: it costs one more parallel boot. It goes last,
//! because of a live machine nothing but a data disk outlives it (`kept.rs`).

use std::{sync::Arc, time::Duration};

use lab::Machine;
use vocabulary::{NodeState, RunId, Step};

use crate::bench::Bench;

/// Both machines from power to ready again, emulated on busy cores.
const BACK: Duration = Duration::from_secs(1200);

/// Cuts every machine off and kills the daemon; all become ready again with one new run each, and nobody approves.
pub(crate) async fn the_rack_comes_back_and_nobody_touches_it(bench: &mut Bench, machines: &[&Arc<Machine>]) {
    let runs_before = bench.runs().await.len();
    let mut last = Vec::new();
    for machine in machines {
        last.push(bench.node(machine.mac()).await.unwrap());
    }
    for machine in machines {
        machine.power_off().await.unwrap();
    }
    bench.daemon.kill().await.unwrap();

    bench.daemon.restart().await.unwrap_or_else(|error| panic!("{error}"));
    for machine in machines {
        machine.power_on().await.unwrap();
    }
    for (machine, before) in machines.iter().zip(&last) {
        ready_anew(bench, machine, before.run).await;
    }
    for (machine, before) in machines.iter().zip(&last) {
        let lines = bench.steps(machine.mac()).await;
        let boot: Vec<_> = lines.iter().filter(|line| line.boot > before.boot).map(|line| line.step).collect();
        for step in [Step::Discover, Step::CalledHome, Step::RunStarted, Step::Verified, Step::Ready] {
            let count = boot.iter().filter(|one| **one == step).count();
            assert_eq!(count, 1, "{step} of the boot after the cut: {}", bench.story(machine.mac()).await);
        }
        assert!(
            !boot.contains(&Step::Approved) && !boot.contains(&Step::Alarm),
            "{}",
            bench.story(machine.mac()).await
        );
        assert_eq!(bench.count(machine.mac(), Step::Approved).await, 1, "approved once, at the beginning");
    }
    assert_eq!(bench.runs().await.len(), runs_before + machines.len(), "one new run each");
}

async fn ready_anew(bench: &Bench, machine: &Machine, before: Option<RunId>) {
    let what = format!("{} to be ready after the power cut", machine.name());
    let there = async || {
        let node = bench.node(machine.mac()).await.unwrap();
        let story = async || format!("{:?}\n{}", node.reason, bench.story(machine.mac()).await);
        assert!(node.state != NodeState::Failed, "{what}, but it failed: {}", story().await);
        node.state == NodeState::Ready && node.run > before
    };
    bench.until(BACK, &what, there).await;
}
