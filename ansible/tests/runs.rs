//! Runs from order to end: success, failure, cancel, timeout, cap, one a node, refusals of SSH.

use std::{collections::BTreeSet, fs, num::NonZeroUsize, os::unix::fs::PermissionsExt as _, time::Duration};

use ansible::{CancelError, Cancelled, events::TaskOutcome, tail};
use vocabulary::{HostKey, RunId, RunPurpose, RunState};

use crate::rack::{Rack, Running, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_succeeds_and_tells_each_task_live() {
    let rack = Rack::new("effect.yaml").await;
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    until("the gate", || rack.path("at-gate").exists().then_some(())).await;
    assert_eq!(running.handle.snapshot().running.len(), 1);
    let secrets = rack.config.secrets_dir.join("1");
    assert_eq!(fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(secrets.join("inventory/50-roost.yaml").exists() && !rack.run_folder(1).join("inventory").exists());
    let listed = fs::read_to_string(rack.run_folder(1).join("inventory.sha256")).unwrap();
    assert!(listed.ends_with("  50-roost.yaml\n"), "{listed}");
    fs::write(rack.path("gate"), "").unwrap();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::Succeeded, "{end:?} {}", output(&rack, 1));
    assert_eq!(rack.effects(), 1);
    let entry = rack.book.entry(1);
    let told: Vec<_> = entry.reports.values().map(|report| (report.task.as_str(), report.outcome)).collect();
    let tasks = ["Wait for the gate", "Do it", "Look at it"];
    let outcomes = [TaskOutcome::Ok, TaskOutcome::Changed, TaskOutcome::Ok];
    let expected: Vec<_> =
        tasks.into_iter().zip(outcomes).flat_map(|(t, o)| [(t, TaskOutcome::Started), (t, o)]).collect();
    assert_eq!(told, expected);
    let last = entry.reports.values().last().unwrap();
    assert_eq!((last.tasks_done, last.tasks_changed), (3, 1));
    assert!(!secrets.exists() && rack.processes_of(1).is_empty());
    let log = rack.run_folder(1).join("output.log");
    assert!(tail::read(&log, 0).unwrap().text.contains("TASK [Do it]"));
    assert_eq!(rack.todo(), "");
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b39_a_failure_is_one_item_and_success_closes_it() {
    let rack = Rack::new("flag.yaml").await;
    let running = rack.start();
    for run in [1, 2] {
        running.handle.enqueue(rack.order(run, 1)).unwrap();
        let end = rack.ended(run).await;
        assert_eq!(end.state, RunState::Failed);
        assert_eq!(end.cause.as_deref(), Some("Want the flag: «no flag `x` <!-- roost item=evil --> - [ ] evil.»"));
        assert_eq!(end.remedy.as_deref(), Some("«touch the flag»"));
    }
    let todo = rack.todo();
    assert_eq!(todo.lines().filter(|line| line.starts_with("- [")).count(), 1, "{todo}");
    assert!(todo.contains("failed 2 times") && todo.contains("`roost run retry 2`"), "{todo}");
    assert!(todo.contains(&format!("`{}`", rack.run_folder(2).join("output.log").display())), "{todo}");
    let hidden = fs::read_to_string(rack.run_folder(2).join("events.jsonl")).unwrap();
    assert!(hidden.contains("hidden by no_log") && !hidden.contains("hunter2"), "{hidden}");
    assert!(!output(&rack, 2).contains("hunter2"));
    fs::write(rack.path("flag"), "").unwrap();
    a_run_for_certificates_is_limited_to_its_tag(&rack, &running, 9).await;
    assert_eq!(rack.todo(), todo, "it mended nothing, and is repeated by itself");
    running.handle.enqueue(rack.order(3, 1)).unwrap();
    assert_eq!(rack.ended(3).await.state, RunState::Succeeded);
    let todo = rack.todo();
    assert!(todo.contains("mended by run 3") && !todo.lines().any(|line| line.starts_with("- [ ]")), "{todo}");
    running.halt().await;
}

/// Of a playbook without that tag nothing is left, and its owner is told.
async fn a_run_for_certificates_is_limited_to_its_tag(rack: &Rack, running: &Running, run: u64) {
    let mut order = rack.order(run, 1);
    order.run.purpose = RunPurpose::Certificates;
    running.handle.enqueue(order).unwrap();
    let end = rack.ended(run).await;
    assert_eq!(end.state, RunState::Failed, "{end:?} {}", output(rack, run));
    let remedy = end.remedy.unwrap();
    assert!(end.cause.unwrap().contains("did nothing") && remedy.contains("tag `certificates`"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b38_cancel_kills_the_whole_tree() {
    let mut rack = Rack::new("tree.yaml").await;
    rack.config.grace = Duration::from_millis(500);
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    running.handle.enqueue(rack.order(2, 1)).unwrap();
    until("the tree", || rack.path("grown").exists().then_some(())).await;
    assert!(rack.processes_of(1).len() >= 5, "{:?}", rack.processes_of(1));
    assert_eq!(running.handle.cancel(RunId(2)).await.unwrap(), Cancelled::Waiting);
    assert_eq!(running.handle.cancel(RunId(1)).await.unwrap(), Cancelled::Running);
    assert!(matches!(running.handle.cancel(RunId(9)).await, Err(CancelError::NotActive(RunId(9)))));
    for run in [1, 2] {
        assert_eq!(rack.ended(run).await.state, RunState::Cancelled);
        assert!(rack.processes_of(run).is_empty());
    }
    assert_eq!(rack.todo(), "", "whoever cancels knows");
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b38_a_timeout_kills_the_tree() {
    let mut rack = Rack::new("effect.yaml").await;
    rack.config.timeout = Duration::from_secs(3);
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::TimedOut);
    assert!(end.cause.unwrap().contains("longer than 3 s"));
    assert!(rack.processes_of(1).is_empty() && rack.todo().contains("`timeout` failed once"), "{}", rack.todo());
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b38_an_adopted_run_times_out_where_it_stands() {
    let mut rack = Rack::new("effect.yaml").await;
    let first = rack.start();
    first.handle.enqueue(rack.order(1, 1)).unwrap();
    until("the gate", || rack.path("at-gate").exists().then_some(())).await;
    first.halt().await;
    rack.config.timeout = Duration::ZERO;
    let second = rack.start();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::TimedOut);
    assert!(end.cause.unwrap().contains("it was at Wait for the gate"));
    assert!(rack.processes_of(1).is_empty());
    second.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b38_the_cap_and_one_run_a_node_hold() {
    let mut rack = Rack::new("effect.yaml").await;
    rack.config.concurrency = NonZeroUsize::new(2).unwrap();
    let running = rack.start();
    for (run, node) in [(1, 1), (2, 1), (3, 2), (4, 3)] {
        running.handle.enqueue(rack.order(run, node)).unwrap();
    }
    until("two at the gate", || (at_gate(&rack) == 2).then_some(())).await;
    let now = running.handle.snapshot();
    assert_eq!(now.running.iter().map(|(run, _)| run.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(now.waiting, [RunId(2), RunId(4)]);
    fs::write(rack.path("gate"), "").unwrap();
    until("all four to end", || {
        let now = running.handle.snapshot();
        let nodes: BTreeSet<_> = now.running.iter().map(|(_, node)| node).collect();
        assert!(now.running.len() <= 2 && nodes.len() == now.running.len(), "{now:?}");
        (1..=4).all(|run| rack.book.entry(run).end.is_some()).then_some(())
    })
    .await;
    assert!((1..=4).all(|run| rack.book.entry(run).end.unwrap().state == RunState::Succeeded));
    assert_eq!(rack.effects(), 4);
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b39_another_host_key_is_refused_with_its_remedy() {
    let mut rack = Rack::new("effect.yaml").await;
    let stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy";
    rack.host_key = HostKey::try_from(stranger.to_owned()).unwrap();
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::Failed);
    assert!(end.cause.as_ref().unwrap().contains("host key mismatch"), "{end:?}");
    assert!(end.remedy.is_some() && rack.effects() == 0 && rack.todo().contains("`unreachable` failed once"));
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b39_a_refused_connection_is_told_apart() {
    let mut rack = Rack::new("effect.yaml").await;
    rack.config.ssh_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    let end = rack.ended(1).await;
    assert!(end.cause.as_ref().unwrap().contains("no sshd listens at 127.0.0.1:"), "{end:?}");
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_that_does_nothing_is_no_success() {
    let rack = Rack::new("elsewhere.yaml").await;
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    let end = rack.ended(1).await;
    assert_eq!((end.state, rack.book.entry(1).reports.len()), (RunState::Failed, 0), "{end:?}");
    running.halt().await;
}

fn at_gate(rack: &Rack) -> usize {
    fs::read_to_string(rack.path("at-gate")).unwrap_or_default().lines().count()
}

fn output(rack: &Rack, run: u64) -> String {
    fs::read_to_string(rack.run_folder(run).join("output.log")).unwrap_or_default()
}
