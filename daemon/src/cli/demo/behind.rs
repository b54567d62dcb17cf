//! `roost demo --keep`: the rack stays when the command ends.
//!
//! The command starts itself once more as the process that stays behind (the hidden flag `--behind`): that one puts
//! the rack up, is its keeper as `roost lab up` leaves one, and ends with `roost lab down`. What it prints passes
//! through a pipe until the table is there; how it went passes through another, as one line of JSON. Rejected: a rack
//! handed from one process to another, since QEMU's parent must be the one that reaps it.

use std::{
    io::{self, Write as _},
    path::Path,
    process::Stdio,
    time::Duration,
};

use lab::keeper::Keeper;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tasks::Stop;
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, Command},
};

use super::{interrupted, own_binary};
use crate::cli::exit::{Exit, Failure};

/// How long the process behind may take to take everything away.
const AWAY: Duration = Duration::from_secs(60);

/// How it went, as the process behind tells the one in front.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Every machine is ready, and the rack stays.
    Ready,
    /// Not so.
    Failed { cause: String, hint: Option<String> },
}

/// In front: starts the process behind, shows what it prints, and returns once it needs no watching.
pub(super) async fn start(stop: &Stop) -> Result<(), Failure> {
    let mut command = Command::new(own_binary()?);
    command.args(std::env::args_os().skip(1)).arg("--behind").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let Some(told) = stop.run_until_cancelled(listen(&mut child)).await else {
        let ended = end(child, AWAY).await?;
        return Err(if ended { interrupted() } else { lingers() });
    };
    judged(&told?)
}

async fn listen(child: &mut Child) -> Result<String, Failure> {
    let (mut said, mut told) = (child.stdout.take(), child.stderr.take());
    let show = async {
        let mut chunk = [0; 4096];
        while let Some(said) = &mut said {
            let length = said.read(&mut chunk).await?;
            if length == 0 {
                break;
            }
            let mut out = io::stdout().lock();
            out.write_all(&chunk[..length]).and_then(|()| out.flush())?;
        }
        Ok::<_, io::Error>(())
    };
    let hear = async {
        let mut text = String::new();
        match &mut told {
            Some(told) => told.read_to_string(&mut text).await.map(|_| text),
            None => Ok(text),
        }
    };
    let (shown, heard) = tokio::join!(show, hear);
    shown?;
    Ok(heard?)
}

fn judged(told: &str) -> Result<(), Failure> {
    match told.lines().find_map(|line| serde_json::from_str(line).ok()) {
        Some(Outcome::Ready) => Ok(()),
        Some(Outcome::Failed { cause, hint }) => {
            Err(Failure { exit: Exit::Failed, cause: anyhow::Error::msg(cause), hint })
        }
        None => Err(Failure::words(
            Exit::Failed,
            format!("the process that was to keep the rack ended early: {}", told.trim()),
            format!("{} lab down --all; then again", own_name()),
        )),
    }
}

/// Asks the process behind to take everything away; whether it ended in time.
async fn end(mut child: Child, patience: Duration) -> Result<bool, Failure> {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        kill_process(pid, Signal::TERM)?;
    }
    Ok(tokio::time::timeout(patience, child.wait()).await.ok().transpose()?.is_some())
}

/// As it was called, since the demo installs nothing.
fn own_name() -> String {
    own_binary().map_or_else(|_| "roost".to_owned(), |path| path.display().to_string())
}

fn lingers() -> Failure {
    Failure::words(
        Exit::Failed,
        format!("interrupted; the rack was not taken away within {} s and may still be up", AWAY.as_secs()),
        format!("{0} lab list; {0} lab down --all", own_name()),
    )
}

/// Behind: tells the one in front how it went.
pub(super) fn report(result: Result<(), &Failure>) -> Result<(), Failure> {
    let outcome = match result {
        Ok(()) => Outcome::Ready,
        Err(failure) => Outcome::Failed { cause: format!("{:#}", failure.cause), hint: failure.hint.clone() },
    };
    let line = serde_json::to_string(&outcome)?;
    Ok(io::stderr().write_all(format!("{line}\n").as_bytes())?)
}

/// Behind: lets go of the one in front, and serves power and wake-on-LAN until told to stop.
pub(super) async fn stay(keeper: Keeper, dir: &Path, stop: Stop) -> Result<(), Failure> {
    let log = std::fs::File::create(dir.join("keeper.log"))?;
    nix::unistd::dup2_stdout(&log)?;
    nix::unistd::dup2_stderr(&log)?;
    Ok(keeper.run(stop).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rack_is_called_taken_away_only_once_its_keeper_ended() {
        let keeper = |ignores: &str| {
            // Says that it is up once the signal would be met as told.
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("trap '{ignores}' TERM; echo up; while :; do sleep 0.05; done")]);
            shell.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap()
        };
        for (answer, ends) in [("exit 0", true), ("", false)] {
            let mut child = keeper(answer);
            child.stdout.take().unwrap().read_exact(&mut [0; 3]).await.unwrap();
            let patience = if ends { AWAY } else { Duration::from_millis(300) };
            assert_eq!(end(child, patience).await.unwrap(), ends);
        }
        assert!(lingers().to_string().contains("may still be up"));
    }

    #[test]
    fn the_one_in_front_hears_how_it_went() {
        assert!(judged("{\"failed\":{\"cause\":\"no power\",\"hint\":\"plug it in\"}}\n").is_err());
        assert!(judged("a line of another kind\n\"ready\"\n").is_ok());
        let early = judged("thread panicked\n").unwrap_err().to_string();
        assert!(early.contains("thread panicked"), "{early}");
    }
}
