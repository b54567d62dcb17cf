//! The order of system calls: the log is synced before the acknowledgement leaves, and a crowd shares its syncs.

use std::{collections::BTreeSet, fs, process::Command};

use store::{Batch, Store};
use tokio::task::JoinSet;

use crate::{
    again, role,
    samples::{at, event},
    say, skip,
};

const ALONE: usize = 20;
const CROWD: usize = 100;

/// Not a test of its own: what runs under strace.
#[tokio::test]
async fn child_role() {
    let Some((role, folder)) = role() else { return };
    assert_eq!(role, "traced");
    let store = Store::open(&folder, at(0)).await.unwrap();
    let commit =
        async |store: Store| store.commit(Batch { events: vec![event("x")], ..Batch::default() }).await.unwrap();
    say("begin");
    for _ in 0..ALONE {
        commit(store.clone()).await;
        say("ack");
    }
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        crowd.spawn(commit(store.clone()));
    }
    crowd.join_all().await;
    say("crowd");
}

#[test]
fn the_log_is_synced_before_each_acknowledgement_and_a_crowd_shares_syncs() {
    if let Err(why) = ptrace_works() {
        skip(&why);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o"]).arg(&trace);
    command.arg(std::env::current_exe().unwrap());
    again(&mut command, "syncs::child_role", "traced", &folder.path().join("data"));
    assert!(command.stdout(std::process::Stdio::null()).status().unwrap().success());
    judge(&fs::read_to_string(trace).unwrap());
}

fn ptrace_works() -> Result<(), String> {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("ptrace is forbidden here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => panic!("strace does not run ({error}): apt-get install strace"),
    }
}

fn judge(trace: &str) {
    let (mut syncs, mut acknowledged, mut begun, mut crowd) = (0, 0, false, 0);
    for call in calls(trace) {
        match call {
            Call::Said("begin") => (begun, syncs) = (true, 0),
            Call::Said("ack") => {
                assert!(begun && syncs > 0, "acknowledged without a sync after acknowledgement {acknowledged}");
                (acknowledged, syncs) = (acknowledged + 1, 0);
            }
            Call::Said("crowd") => crowd = syncs,
            Call::Said(_) => {}
            Call::LogSynced => syncs += 1,
        }
    }
    assert_eq!(acknowledged, ALONE);
    assert!(crowd > 0 && crowd < CROWD / 2, "{crowd} syncs for {CROWD} commits at once");
}

enum Call<'a> {
    Said(&'a str),
    LogSynced,
}

/// In the order in which they were finished; a call that was interrupted by another thread's is told in two parts.
fn calls(trace: &str) -> impl Iterator<Item = Call<'_>> {
    let mut syncing = BTreeSet::new();
    trace.lines().filter_map(move |line| {
        let (thread, call) = line.split_once(' ')?;
        let call = call.trim_start();
        if let Some(said) = call.strip_prefix("write(1<") {
            return Some(Call::Said(said.split('"').nth(1)?.strip_suffix("\\n")?));
        }
        let is_sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
        if is_sync && call.contains("/roost.db-wal>") {
            if call.ends_with("<unfinished ...>") {
                syncing.insert(thread.to_owned());
                return None;
            }
            return call.ends_with("= 0").then_some(Call::LogSynced);
        }
        let resumed = call.starts_with("<... fsync resumed>") || call.starts_with("<... fdatasync resumed>");
        (resumed && call.ends_with("= 0") && syncing.remove(thread)).then_some(Call::LogSynced)
    })
}
