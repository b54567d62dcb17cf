//! SIGTERM once and twice, on this test binary started again as a child.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

const ROLE: &str = "ROOST_TEST_SIGNALS";

/// Not a test of its own: what the child does.
#[test]
fn child_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let stop = tasks::stop_on_signals().unwrap();
    say("ready");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(stop.cancelled());
    say("stopping");
    if role == "hang" {
        loop {
            std::thread::park();
        }
    }
}

#[test]
fn the_first_signal_stops_and_the_second_exits_at_once() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::INT, 2)] {
        let (mut child, mut lines) = start("hang");
        await_line(&mut lines, "ready");
        send(&child, signal);
        await_line(&mut lines, "stopping");
        send(&child, signal);
        assert_eq!(child.wait().unwrap().into_raw() >> 8, 128 + number);
    }
}

#[test]
fn one_signal_ends_in_peace() {
    let (mut child, mut lines) = start("end");
    await_line(&mut lines, "ready");
    send(&child, Signal::TERM);
    await_line(&mut lines, "stopping");
    assert!(child.wait().unwrap().success());
}

fn start(role: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "signals::child_role", "--nocapture"])
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    (child, lines)
}

fn say(word: &str) {
    std::io::stdout().write_all(format!("\n{word}\n").as_bytes()).unwrap();
}

fn await_line(lines: &mut impl Iterator<Item = String>, wanted: &str) {
    assert!(lines.any(|line| line == wanted), "the child never said {wanted}");
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}
