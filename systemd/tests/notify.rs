//! What the manager hears. The environment decides whom to tell, so each case is a process of its own.

use std::{
    os::unix::net::UnixDatagram,
    process::{Command, ExitStatus},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{again, role};

/// Not a test of its own: what the children do.
#[tokio::test(start_paused = true)]
async fn child_role() {
    let notify = systemd::Notify::new();
    match role().as_deref() {
        Some("life") => {
            notify.ready("2 machines ready\nMAINPID=1");
            notify.status("3 machines ready");
            notify.stopping("told to");
            assert!(notify.watchdog().is_none());
        }
        Some("watchdog") => {
            let watchdog = notify.watchdog().unwrap();
            assert_eq!(watchdog.interval(), Duration::from_secs(10));
            let (stop, mut beats) = (CancellationToken::new(), [true, true, false, true].into_iter());
            let told = stop.clone();
            let beat = async move || match beats.next() {
                Some(alive) => alive,
                None => {
                    told.cancel();
                    std::future::pending().await
                }
            };
            let mut tasks = tokio::task::JoinSet::new();
            tasks.spawn(watchdog.run(stop, beat));
            assert_eq!(tasks.join_all().await, [Ok(())]);
        }
        _ => {}
    }
}

fn heard(role: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    again(&mut command, "notify::child_role", role);
    let status = command.env("NOTIFY_SOCKET", &path).envs(variables.iter().copied()).status().unwrap();
    assert!(ExitStatus::success(&status));
    socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    let received = std::iter::from_fn(|| Some(socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())));
    received.map_while(|bytes| bytes.map(|bytes| String::from_utf8(bytes).unwrap())).collect()
}

#[test]
fn ready_status_and_stopping_are_told_and_a_status_sets_nothing_else() {
    let told = heard("life", &[]);
    let expected =
        ["READY=1\nSTATUS=2 machines ready MAINPID=1\n", "STATUS=3 machines ready\n", "STOPPING=1\nSTATUS=told to\n"];
    assert_eq!(told, expected);
}

#[test]
fn the_watchdog_hears_every_sign_of_life_and_no_other() {
    assert_eq!(heard("watchdog", &[("WATCHDOG_USEC", "30000000")]), ["WATCHDOG=1\n"; 3]);
}

#[test]
fn another_process_s_watchdog_is_none_of_ours() {
    assert_eq!(heard("life", &[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")]).len(), 3);
}

#[test]
fn without_a_manager_nothing_happens() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    again(&mut command, "notify::child_role", "life");
    assert!(command.env_remove("NOTIFY_SOCKET").status().unwrap().success());
}
