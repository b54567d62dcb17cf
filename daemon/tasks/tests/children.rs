//! Child groups against real processes.

use std::{os::unix::process::ExitStatusExt as _, path::Path, time::Duration};

use tasks::child::{Adopted, Group, Identity, Input, Output, SpawnError, Spec, alive, identify, watch_exit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::until;

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

fn shell(script: &str) -> Spec {
    Spec::new("/bin/sh").args(["-c", script])
}

/// The pid that a script wrote into a file, once it has.
async fn pid_in(path: &Path) -> Identity {
    until("a pid in a file", async || std::fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n'))).await;
    identify(std::fs::read_to_string(path).unwrap().trim().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn output_goes_to_pipe_and_file_and_the_status_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("err.log");
    std::fs::write(&log, "before\n").unwrap();
    let spec = Spec::new("/bin/sh")
        .args(["-c", "read line; echo \"$line $WORD $HOME $(pwd)\"; echo oops >&2; exit 3"])
        .clear_env()
        .env("WORD", "word")
        .cwd("/")
        .stdin(Input::Pipe)
        .stdout(Output::Pipe)
        .stderr(Output::Append(log.clone()));
    let mut child = Group::spawn(&spec).unwrap();
    child.take_stdin().unwrap().write_all(b"hello\n").await.unwrap();
    let mut text = String::new();
    child.take_stdout().unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello word  /\n");
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "before\noops\n");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let missing = Group::spawn(&Spec::new("/nowhere/ansible-playbook")).unwrap_err();
    assert_eq!(missing.to_string(), "/nowhere/ansible-playbook not found");
    let file = Group::spawn(&shell("true").stdout(Output::Append("/nowhere/log".into()))).unwrap_err();
    assert!(matches!(&file, SpawnError::File { path, .. } if path == Path::new("/nowhere/log")), "{file}");
    let denied = Group::spawn(&Spec::new("/etc/passwd")).unwrap_err();
    assert!(matches!(denied, SpawnError::Start { .. }), "{denied}");
}

#[tokio::test]
async fn terminate_reaches_the_grandchild_and_kills_what_will_not_listen() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("trap '' TERM; sh -c 'echo $$; exec sleep 1000' > {} & wait", pid_file.display());
    let mut child = Group::spawn(&shell(&script)).unwrap();
    let (leader, grandchild) = (child.id().clone(), pid_in(&pid_file).await);
    let status = child.terminate(SHORT).await.unwrap();
    assert_eq!(status.signal(), Some(9));
    assert!(!leader.alive() && !grandchild.alive());
}

#[tokio::test]
async fn a_group_that_listens_ends_by_term_without_waiting_for_the_grace() {
    let mut child = Group::spawn(&Spec::new("sleep").arg("1000")).unwrap();
    let status = tokio::time::timeout(LONG, child.terminate(LONG * 10)).await.unwrap().unwrap();
    assert_eq!(status.signal(), Some(15));
}

#[tokio::test]
async fn a_member_has_the_grace_even_if_its_leader_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, done) = (folder.path().join("ready"), folder.path().join("done"));
    let script = format!(
        "sh -c 'trap \"sleep 0.3; echo done > {}; exit\" TERM; echo $$ > {}; while :; do sleep 0.05; done' & wait",
        done.display(),
        ready.display()
    );
    let mut child = Group::spawn(&shell(&script)).unwrap();
    pid_in(&ready).await;
    child.terminate(LONG).await.unwrap();
    assert_eq!(std::fs::read_to_string(done).unwrap(), "done\n");
}

#[tokio::test]
async fn what_a_leader_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}", pid_file.display());
    let mut child = Group::spawn(&shell(&script)).unwrap();
    let left = pid_in(&pid_file).await;
    assert!(child.wait().await.unwrap().success());
    assert!(!left.alive());
}

#[tokio::test]
async fn dropping_kills_the_group_and_reaps_it() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let child = Group::spawn(&shell(&format!("sleep 1000 & echo $! > {}; wait", pid_file.display()))).unwrap();
    let (leader, member) = (child.id().clone(), pid_in(&pid_file).await);
    drop(child);
    until("the member's end", async || !member.alive()).await;
    until("the leader reaped", async || identify(leader.pid).map_or(true, |now| now != leader)).await;
}

#[tokio::test]
async fn what_is_left_alone_is_found_again_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("trap '' TERM; sleep 1000 & echo $! > {}; wait", pid_file.display());
    let identity = Group::spawn(&shell(&script)).unwrap().leave();
    let member = pid_in(&pid_file).await;
    assert!(alive(identity.pid, identity.start_ticks, &identity.host_boot));
    let stranger = Identity { start_ticks: identity.start_ticks + 1, ..identity.clone() };
    assert!(Adopted::of(stranger.clone()).unwrap().is_none());
    watch_exit(stranger.pid, stranger.start_ticks, &stranger.host_boot).await.unwrap();

    let adopted = Adopted::of(identity.clone()).unwrap().unwrap();
    assert_eq!(adopted.identity(), &identity);
    let exit = watch_exit(identity.pid, identity.start_ticks, &identity.host_boot);
    let (ended, seen) = tokio::join!(adopted.terminate(SHORT), exit);
    ended.unwrap();
    seen.unwrap();
    assert!(!identity.alive());
    until("the member's end", async || !member.alive()).await;
    assert!(Adopted::of(identity).unwrap().is_none());
}

#[tokio::test]
async fn waiting_can_be_cancelled_and_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let gate = folder.path().join("gate");
    let script = format!("while [ ! -e {} ]; do sleep 0.02; done; exit 7", gate.display());
    let mut child = Group::spawn(&shell(&script)).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(30), child.wait()).await.is_err());
    std::fs::write(gate, "").unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(7));
}
