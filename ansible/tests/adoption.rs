//! A daemon dies by `kill -9` at each step of a run; the next one makes the truth of it.
//!
//! The daemon to be killed is this test binary again, told by its environment to run [`daemon`] alone.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::Ordering},
};

use ansible::{Cancelled, Config, Deps, RunError, Runner};
use tasks::{Stop, SystemClock};
use vocabulary::{RunId, RunState};

use crate::rack::{Book, Hang, Rack, until};

const FOLDER: &str = "ROOST_TEST_FOLDER";
const HANG: &str = "ROOST_TEST_HANG";

/// The daemon that is killed; a test only in name.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the tests of this module"]
async fn daemon() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let hang = match std::env::var(HANG).unwrap_or_default().as_str() {
        "before" => Hang::BeforeStarted,
        "after" => Hang::AfterStarted,
        _ => Hang::Nowhere,
    };
    let book = Arc::new(Book::at(folder.join("book.json"), hang));
    let config = read_config(&folder);
    let deps = Deps { book, kits: Arc::new(ansible::NoKits), clock: Arc::new(SystemClock) };
    let (runner, _handle) = Runner::build(config, deps).unwrap();
    runner.run(Stop::new()).await.unwrap();
}

/// The few values that differ from the defaults, as lines.
fn write_config(rack: &Rack) {
    let config = &rack.config;
    let lines = [
        config.playbook.display().to_string(),
        config.venv.display().to_string(),
        config.ssh_port.to_string(),
        config.ssh_key.display().to_string(),
        config.secrets_dir.display().to_string(),
    ];
    fs::write(rack.path("config"), lines.join("\n")).unwrap();
}

fn read_config(folder: &Path) -> Config {
    let text = fs::read_to_string(folder.join("config")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut config = Config::below(&folder.join("data"));
    config.playbook = lines[0].into();
    config.venv = lines[1].into();
    config.ssh_port = lines[2].parse().unwrap();
    config.ssh_key = lines[3].into();
    config.secrets_dir = lines[4].into();
    config.variables.insert("folder".to_owned(), folder.display().to_string().into());
    config
}

fn start_daemon(rack: &Rack, hang: &str) -> Child {
    write_config(rack);
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "adoption::daemon", "--nocapture"])
        .env(FOLDER, rack.folder.path())
        .env(HANG, hang)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(rack.path("daemon.log")).unwrap())
        .spawn()
        .unwrap()
}

/// Until the condition holds, then the power cut.
async fn kill_when(mut daemon: Child, what: &str, mut look: impl FnMut() -> bool) {
    until(what, || look().then_some(())).await;
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// A run whose daemon was killed while the playbook stood at its gate.
async fn orphaned_at_the_gate(playbook: &str, sign: &str) -> Rack {
    let rack = Rack::new(playbook).await;
    rack.order(1, 1);
    let daemon = start_daemon(&rack, "");
    kill_when(daemon, "the playbook at its gate", || rack.path(sign).exists()).await;
    rack.book.reload();
    assert_eq!(rack.book.entry(1).run.state, RunState::Running);
    rack
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_running_playbook_is_adopted() {
    let rack = orphaned_at_the_gate("effect.yaml", "at-gate").await;
    assert!(!rack.processes_of(1).is_empty(), "the playbook outlives its daemon");
    let copied = rack.config.secrets_dir.join("1/inventory/50-roost.yaml");
    let (orphan, ended) = (rack.config.secrets_dir.join("7"), rack.run_folder(7).join("inventory"));
    fs::create_dir(&orphan).unwrap();
    fs::create_dir_all(&ended).unwrap();
    let running = rack.start();
    until("the adoption", || (running.handle.snapshot().running.len() == 1).then_some(())).await;
    assert!(copied.exists(), "an adopted run keeps its inventory");
    assert!(!orphan.exists() && !ended.exists(), "a copy stays that nobody follows any more");
    fs::write(rack.path("gate"), "").unwrap();
    let end = rack.ended(1).await;
    assert_eq!((end.state, rack.effects()), (RunState::Succeeded, 1), "{end:?}");
    let entry = rack.book.entry(1);
    assert_eq!((entry.processes.len(), entry.reports.len()), (1, 6), "{:?}", entry.reports);
    assert!(rack.processes_of(1).is_empty() && !rack.config.secrets_dir.join("1").exists());
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_run_that_ended_meanwhile_is_read() {
    let rack = orphaned_at_the_gate("effect.yaml", "at-gate").await;
    fs::write(rack.path("gate"), "").unwrap();
    until("the status file", || rack.run_folder(1).join("status").exists().then_some(())).await;
    let running = rack.start();
    assert_eq!(rack.ended(1).await.state, RunState::Succeeded);
    assert_eq!((rack.effects(), rack.book.entry(1).reports.len()), (1, 6));
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_run_without_process_or_status_is_lost() {
    let rack = orphaned_at_the_gate("effect.yaml", "at-gate").await;
    for pid in rack.processes_of(1) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
    }
    until("the end of its processes", || rack.processes_of(1).is_empty().then_some(())).await;
    let running = rack.start();
    let end = rack.ended(1).await;
    assert_eq!((end.state, rack.effects()), (RunState::Lost, 0));
    assert!(end.remedy.is_some() && rack.todo().contains("`lost` failed once"), "{}", rack.todo());
    assert!(!rack.config.secrets_dir.join("1").exists());
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_an_adopted_run_can_be_cancelled() {
    let mut rack = orphaned_at_the_gate("tree.yaml", "grown").await;
    rack.config.grace = std::time::Duration::from_millis(500);
    let running = rack.start();
    until("the adoption", || (running.handle.snapshot().running.len() == 1).then_some(())).await;
    assert_eq!(running.handle.cancel(RunId(1)).await.unwrap(), Cancelled::Running);
    assert_eq!(rack.ended(1).await.state, RunState::Cancelled);
    assert!(rack.processes_of(1).is_empty());
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_cancel_is_finished_by_the_next_daemon() {
    let rack = orphaned_at_the_gate("effect.yaml", "at-gate").await;
    fs::write(rack.run_folder(1).join("ending"), "cancelled\n").unwrap();
    let running = rack.start();
    assert_eq!(rack.ended(1).await.state, RunState::Cancelled);
    assert!(rack.processes_of(1).is_empty() && rack.effects() == 0);
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_process_that_nobody_recorded_does_nothing() {
    let rack = Rack::new("effect.yaml").await;
    fs::write(rack.path("gate"), "").unwrap();
    rack.order(1, 1);
    let daemon = start_daemon(&rack, "before");
    kill_when(daemon, "the waiting launcher", || !rack.processes_of(1).is_empty()).await;
    until("the launcher's end", || rack.processes_of(1).is_empty().then_some(())).await;
    assert!(!rack.run_folder(1).join("began").exists());
    rack.book.reload();
    let running = rack.start();
    assert_eq!(rack.ended(1).await.state, RunState::Succeeded);
    assert_eq!(rack.effects(), 1);
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_recorded_process_that_was_never_told_to_go_is_started_again() {
    let rack = Rack::new("effect.yaml").await;
    fs::write(rack.path("gate"), "").unwrap();
    rack.order(1, 1);
    let daemon = start_daemon(&rack, "after");
    kill_when(daemon, "the record", || fs::read_to_string(rack.path("book.json")).unwrap().contains("\"running\""))
        .await;
    rack.book.reload();
    let running = rack.start();
    assert_eq!(rack.ended(1).await.state, RunState::Succeeded);
    assert_eq!((rack.effects(), rack.book.entry(1).processes.len()), (1, 2));
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_daemon_that_stops_leaves_its_playbooks_to_the_next() {
    let rack = Rack::new("effect.yaml").await;
    let first = rack.start();
    first.handle.enqueue(rack.order(1, 1)).unwrap();
    until("the gate", || rack.path("at-gate").exists().then_some(())).await;
    first.halt().await;
    assert_eq!(rack.book.entry(1).run.state, RunState::Running);
    let second = rack.start();
    fs::write(rack.path("gate"), "").unwrap();
    assert_eq!(rack.ended(1).await.state, RunState::Succeeded);
    assert_eq!(rack.effects(), 1);
    second.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b38_a_run_that_was_cancelled_while_it_waited_does_nothing() {
    let rack = Rack::new("effect.yaml").await;
    fs::write(rack.path("gate"), "").unwrap();
    rack.book.unwanted.store(1, Ordering::SeqCst);
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    until("the process to be on record", || (!rack.book.entry(1).processes.is_empty()).then_some(())).await;
    until("the runner to be free", || running.handle.snapshot().running.is_empty().then_some(())).await;
    assert_eq!(rack.effects(), 0);
    assert!(rack.processes_of(1).is_empty());
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b37_a_book_that_fails_stops_the_runner_and_kills_no_playbook() {
    let rack = Rack::new("effect.yaml").await;
    let first = rack.start();
    first.handle.enqueue(rack.order(1, 1)).unwrap();
    until("the first at its gate", || rack.path("at-gate").exists().then_some(())).await;
    rack.book.refuses.store(2, Ordering::SeqCst);
    first.handle.enqueue(rack.order(2, 2)).unwrap();
    let error = first.failure().await.unwrap_err();
    assert!(matches!(error, RunError::Book { action: "task", .. }), "{error:?}");
    assert!(!rack.processes_of(1).is_empty());
    rack.book.refuses.store(0, Ordering::SeqCst);
    let second = rack.start();
    fs::write(rack.path("gate"), "").unwrap();
    for run in [1, 2] {
        assert_eq!(rack.ended(run).await.state, RunState::Succeeded);
    }
    assert_eq!(rack.effects(), 2);
    second.halt().await;
}
