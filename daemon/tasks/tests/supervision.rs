//! Supervision, on paused time.

use std::{
    error::Error as _,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tasks::{ManualClock, OnError, Stop, Supervisor, TaskFailed, TaskState};

type Log = Arc<Mutex<Vec<&'static str>>>;

fn supervisor() -> Supervisor {
    Supervisor::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
}

fn part(supervisor: &mut Supervisor, log: &Log, name: &'static str) {
    let log = Arc::clone(log);
    supervisor.spawn(name, OnError::Stop, async move |stop: Stop| {
        stop.cancelled().await;
        log.lock().unwrap().push(name);
        Ok::<(), std::io::Error>(())
    });
}

fn states(supervisor: &tasks::Statuses) -> Vec<(String, TaskState)> {
    supervisor.snapshot().into_iter().map(|task| (task.name, task.state)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_started_stops_first() {
    let (mut all, log, stop) = (supervisor(), Log::default(), Stop::new());
    for name in ["store", "runner", "http"] {
        part(&mut all, &log, name);
    }
    let statuses = all.handle();
    stop.cancel();
    all.run(stop).await.unwrap();
    assert_eq!(*log.lock().unwrap(), ["http", "runner", "store"]);
    assert!(statuses.snapshot().iter().all(|task| task.state == TaskState::Ended && task.last_error.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_matters_stops_all_and_keeps_its_cause() {
    let (mut all, log) = (supervisor(), Log::default());
    part(&mut all, &log, "store");
    all.spawn("dhcp", OnError::Stop, async |_| Err(std::io::Error::other("port 67 is taken")));
    let statuses = all.handle();
    let failed = all.run(Stop::new()).await.unwrap_err();
    assert_eq!(failed.to_string(), "dhcp failed");
    assert_eq!(failed.source().unwrap().to_string(), "port 67 is taken");
    assert_eq!(*log.lock().unwrap(), ["store"]);
    assert_eq!(statuses.snapshot()[1].last_error.as_deref(), Some("port 67 is taken"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_one_that_does_not_matter_is_shown_and_survived() {
    let (mut all, log, stop) = (supervisor(), Log::default(), Stop::new());
    part(&mut all, &log, "store");
    all.spawn("metrics", OnError::Log, async |_| -> Result<(), std::io::Error> { panic!("index {}", 3) });
    let mut statuses = all.handle();
    let told = stop.clone();
    let running = all.run(stop);
    let watching = async {
        while statuses.snapshot()[1].state != TaskState::Failed {
            assert!(statuses.changed().await);
        }
        assert_eq!(states(&statuses)[0].1, TaskState::Running);
        told.cancel();
    };
    let (result, ()) = tokio::join!(running, watching);
    result.unwrap();
    assert_eq!(statuses.snapshot()[1].last_error.as_deref(), Some("panicked: index 3"));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_hangs_is_named_and_those_before_it_are_still_asked() {
    let (all, log, stop) = (supervisor(), Log::default(), Stop::new());
    let mut all = all.drain_limit(Duration::from_secs(8));
    part(&mut all, &log, "store");
    all.spawn("deaf", OnError::Stop, async |_| pending::<Result<(), std::io::Error>>().await);
    part(&mut all, &log, "http");
    let statuses = all.handle();
    stop.cancel();
    let began = tokio::time::Instant::now();
    let failed = all.run(stop).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 8);
    assert_eq!(failed.to_string(), "did not stop within 8s: deaf");
    assert!(matches!(failed, TaskFailed::NotStopped { .. }));
    assert_eq!(*log.lock().unwrap(), ["http", "store"]);
    assert_eq!(states(&statuses)[1], ("deaf".to_owned(), TaskState::Abandoned));
}

#[tokio::test(start_paused = true)]
async fn the_pulse_beats_while_running_and_while_draining_and_not_after() {
    let (all, stop) = (supervisor(), Stop::new());
    let mut all = all.drain_limit(Duration::from_secs(4));
    let pulse = all.pulse();
    all.spawn("deaf", OnError::Stop, async |_| pending::<Result<(), std::io::Error>>().await);
    let told = stop.clone();
    let beating = async {
        assert!(pulse.beat().await);
        told.cancel();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(pulse.beat().await);
    };
    let (result, ()) = tokio::join!(all.run(stop), beating);
    assert!(result.is_err());
    assert!(!pulse.beat().await);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_done_ends_the_supervisor() {
    let mut all = supervisor();
    all.spawn("once", OnError::Stop, async |_| Ok::<(), std::io::Error>(()));
    all.run(Stop::new()).await.unwrap();
    supervisor().run(Stop::new()).await.unwrap();
}
