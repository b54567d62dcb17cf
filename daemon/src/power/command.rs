//! The operator's own command: `power.command = ["ipmitool", "-H", "bmc-{node}", "power", "{action}"]`.
//!
//! An argument vector, never a shell line, so that no value can become a second command; the values put into it are
//! Roost's own (node id, MAC, action) and the address that a lease gave.
//!
//! A program between off and on must not be ended by the end of the daemon, however that ends, as an Ansible run is not.
//! So it leads a process group of its own, says what it says into a file and not into a pipe that would break, and
//! `timeout` of coreutils keeps its time, with a daemon or without. The file is locked through the very descriptor that
//! the program has: as long as the program lives, the next daemon finds it locked ([`Power::settled`]), and there is no
//! moment in which a program runs that nobody knows of. Rejected: its process id on record, which is written too late; a
//! daemon that ends only after the program, with nobody to answer a DHCP client meanwhile.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _},
    os::unix::{
        fs::{DirBuilderExt as _, OpenOptionsExt as _},
        process::ExitStatusExt as _,
    },
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;
use vocabulary::{NodeId, quote_said};

use super::{Power, PowerAction, PowerError, Target};

/// Between the request to end and the end by force.
const GRACE: Duration = Duration::from_secs(2);
/// How `timeout` says that the time was up; where that takes force, it is killed with the rest of its group.
const OUT_OF_TIME: i32 = 124;
const BY_FORCE: i32 = 9;
/// How often the next daemon looks whether the program has ended.
const LOOK: Duration = Duration::from_millis(200);
/// How much of what a program said is read, from its end.
const SAID_BYTES_MAX: i64 = 4096;

/// Runs a command for each order.
pub struct CommandPower {
    /// Program and arguments; `{node}`, `{mac}`, `{address}` and `{action}` are replaced in each.
    pub argv: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
    /// Where what programs say lies while they run.
    pub folder: PathBuf,
}

#[async_trait::async_trait]
impl Power for CommandPower {
    async fn switch(&self, target: &Target, action: PowerAction) -> Result<(), PowerError> {
        let argv = fill(&self.argv, target, action)?;
        let program =
            argv.first().ok_or_else(|| PowerError::Unsupported("power.command is empty: name a program".into()))?;
        let failed = |message: String| PowerError::Command { program: program.clone(), message };
        let not_started = |error: io::Error| failed(error.to_string());
        let mut said = self.begin(&target.node).map_err(not_started)?;
        let mut child = self.spawn(&argv, &said).map_err(not_started)?;
        let status = child.wait().await.map_err(not_started)?;
        if status.success() {
            return Ok(());
        }
        if status.code() == Some(OUT_OF_TIME) || status.signal() == Some(BY_FORCE) {
            return Err(failed(format!("no answer within {:?}", self.limit)));
        }
        let said = last_line(&mut said).map_or_else(|| "it said nothing".to_owned(), |line| quote_said(&line));
        Err(failed(format!("{status}: {said}")))
    }

    async fn settled(&self, node: &NodeId) {
        let ended = async {
            while self.is_running(node) {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Something that the program left behind may hold the file for ever; the program itself cannot.
        if tokio::time::timeout(self.limit + 5 * GRACE, ended).await.is_err() {
            tracing::warn!(%node, "a power program of an earlier daemon left something behind that still runs");
        }
    }
}

impl CommandPower {
    /// A new file for what the program says, locked.
    fn begin(&self, node: &NodeId) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.said(node);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)?;
        file.try_lock()?;
        Ok(file)
    }

    fn spawn(&self, argv: &[String], said: &File) -> io::Result<tokio::process::Child> {
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        let mut command = Command::new("timeout");
        command.arg("--kill-after").arg(seconds(GRACE)).arg(seconds(self.limit)).args(argv);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?);
        command.process_group(0).kill_on_drop(false).spawn()
    }

    fn is_running(&self, node: &NodeId) -> bool {
        let file = File::open(self.said(node));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn said(&self, node: &NodeId) -> PathBuf {
        self.folder.join(format!("{node}.said"))
    }
}

fn last_line(said: &mut File) -> Option<String> {
    let length = i64::try_from(said.metadata().ok()?.len()).ok()?;
    said.seek(io::SeekFrom::End(-length.min(SAID_BYTES_MAX))).ok()?;
    let mut bytes = Vec::new();
    said.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().rfind(|line| !line.trim().is_empty()).map(str::to_owned)
}

fn fill(argv: &[String], target: &Target, action: PowerAction) -> Result<Vec<String>, PowerError> {
    let address = target.address.map(|address| address.to_string());
    argv.iter()
        .map(|word| {
            if word.contains("{address}") && address.is_none() {
                return Err(PowerError::Unsupported(format!(
                    "power.command needs {{address}}, and {} has none",
                    target.node
                )));
            }
            Ok(word
                .replace("{node}", &target.node.to_string())
                .replace("{mac}", &target.mac.to_string())
                .replace("{action}", action.name())
                .replace("{address}", address.as_deref().unwrap_or_default()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use vocabulary::{Mac, NodeId};

    use super::*;

    fn target() -> Target {
        let mac = Mac([0x52, 0x54, 0, 0, 0, 1]);
        Target { node: NodeId::of(mac), mac, address: None, host_keys: vec![] }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_are_filled_and_stay_words() {
        let filled = fill(&words(&["x", "{mac} {action}", "bmc-{node}"]), &target(), PowerAction::Cycle).unwrap();
        assert_eq!(filled, ["x", "52:54:00:00:00:01 cycle", "bmc-node-525400000001"]);
        assert!(fill(&words(&["x", "{address}"]), &target(), PowerAction::On).is_err());
    }

    /// Short for the one that is to be late alone: a busy host may take a while to start any other.
    fn patience(argv: &[&str]) -> Duration {
        if argv[0] == "sleep" { Duration::from_millis(200) } else { Duration::from_secs(20) }
    }

    #[tokio::test]
    async fn what_the_program_said_is_marked_as_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let argv = words(&["sh", "-c", "echo password=hunter2 >&2; exit 3"]);
        let command = CommandPower { argv, limit: Duration::from_secs(20), folder: folder.path().to_owned() };
        let error = command.switch(&target(), PowerAction::On).await;
        let cause = error.unwrap_err().to_string();
        assert!(cause.contains("hunter2"), "{cause}");
        let shown = vocabulary::leave_out_said(&cause);
        assert!(shown.starts_with("sh failed: exit status: 3: ") && !shown.contains("hunter2"), "{shown}");
    }

    #[tokio::test]
    async fn failure_and_silence_say_what_happened() {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("power");
        let command = |argv: &[&str]| CommandPower { argv: words(argv), limit: patience(argv), folder: said.clone() };
        command(&["true"]).switch(&target(), PowerAction::On).await.unwrap();
        for (argv, says) in [
            (&["sh", "-c", "echo no such outlet >&2; exit 3"][..], "no such outlet"),
            (&["sleep", "60"], "no answer"),
            (&["/nowhere/ipmi"], "No such file"),
        ] {
            let error = command(argv).switch(&target(), PowerAction::On).await.unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn a_program_that_ends_for_nothing_is_ended_by_force_also_when_nobody_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let argv = words(&["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"]);
        let command = CommandPower { argv, limit: Duration::from_secs(1), folder: folder.path().to_owned() };
        let target = target();
        let order = command.switch(&target, PowerAction::Cycle);
        assert!(tokio::time::timeout(Duration::from_millis(300), order).await.is_err(), "the daemon left");
        assert!(command.is_running(&target.node), "and took the program with it");
        command.settled(&target.node).await;
        assert!(!command.is_running(&target.node));
        let error = command.switch(&target, PowerAction::Cycle).await.unwrap_err().to_string();
        assert!(error.contains("no answer within 1s"), "{error}");
    }
}
