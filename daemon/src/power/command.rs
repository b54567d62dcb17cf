//! The operator's own command: `power.command = ["ipmitool", "-H", "bmc-{node}", "power", "{action}"]`.
//!
//! An argument vector, never a shell line, so that no value can become a second command; the values put into it are
//! Roost's own (node id, MAC, action) and the address that a lease gave.
//!
//! A program between off and on must not be ended by the end of the daemon, however that ends, as an Ansible run is not.
//! So it leads a process group of its own, says what it says into a file and not into a pipe that would break, and
//! `timeout` of coreutils keeps its time, with a daemon or without. The file is locked through the very descriptor that
//! the program has: as long as the program lives, the next daemon finds it locked ([`Power::settled`]), and there is no
//! moment in which a program runs that nobody knows of. It is named after its order and on disk before the program begins,
//! so that where there is none nothing was begun; and beside it a shell keeps the program's exit status, so that the next
//! daemon knows how the order ended. Rejected: its process id on record, which is written too late; a daemon that ends only
//! after the program, with nobody to answer a DHCP client meanwhile.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::process::Command;
use vocabulary::{NodeId, Timestamp, quote_said};

use super::{Power, PowerAction, PowerError, Target, Trace};

/// Between the request to end and the end by force.
const GRACE: Duration = Duration::from_secs(2);
/// How `timeout` says that the time was up.
const OUT_OF_TIME: i32 = 124;
/// What a shell says of it where the end took force: it was killed itself, with the rest of its group.
const BY_FORCE: i32 = 128 + 9;
/// Runs the program that the rest of its words are, and keeps its exit status in the file that is its first.
const KEEPING_STATUS: &str =
    r#"kept=$1; shift; "$@"; status=$?; { echo "$status" >"$kept"; } 2>/dev/null; exit "$status""#;
/// How often the next daemon looks whether the program has ended.
const LOOK: Duration = Duration::from_millis(200);
/// How much of what a program said is read, from its end.
const SAID_BYTES_MAX: i64 = 4096;
/// The endings of an order's two files.
const SAID: &str = "said";
const ENDED: &str = "ended";

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
        if argv.is_empty() {
            return Err(PowerError::Unsupported("power.command is empty: name a program".into()));
        }
        let not_started = |error: io::Error| self.failed(error.to_string());
        let mut said = self.begin(target).map_err(not_started)?;
        let mut child = self.spawn(&argv, target, &said).map_err(not_started)?;
        let status = child.wait().await.map_err(not_started)?;
        self.judge(status.code().ok_or(status), &mut said)
    }

    async fn settled(&self, node: &NodeId, ordered: Timestamp) -> Trace {
        let said = self.file(node, ordered, SAID);
        if matches!(said.try_exists(), Ok(false)) {
            return Trace::NotBegun;
        }
        let ended = async {
            while is_locked(&said) {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Something that the program left behind may hold the file for ever; the program itself cannot.
        if tokio::time::timeout(self.limit + 5 * GRACE, ended).await.is_err() {
            tracing::warn!(%node, "a power program of an earlier daemon left something behind that still runs");
        }
        self.trace(node, ordered)
    }
}

impl CommandPower {
    /// What the program left behind.
    fn trace(&self, node: &NodeId, ordered: Timestamp) -> Trace {
        let kept = fs::read_to_string(self.file(node, ordered, ENDED)).unwrap_or_default();
        let said = File::open(self.file(node, ordered, SAID));
        match (kept.trim().parse(), said) {
            (Ok(code), Ok(mut said)) => match self.judge(Ok(code), &mut said) {
                Ok(()) => Trace::Done,
                Err(error) => Trace::Failed(error.to_string()),
            },
            _ => Trace::Unknown,
        }
    }

    /// What an exit status means; a shell that was killed has none.
    fn judge(&self, status: Result<i32, ExitStatus>, said: &mut File) -> Result<(), PowerError> {
        let how = match status {
            Ok(0) => return Ok(()),
            Ok(OUT_OF_TIME) => return Err(self.failed(format!("no answer within {:?}", self.limit))),
            Ok(BY_FORCE) => return Err(self.failed(format!("no answer within {:?}, or it was killed", self.limit))),
            Ok(code) => format!("exit status: {code}"),
            Err(status) => status.to_string(),
        };
        let said = last_line(said).map_or_else(|| "it said nothing".to_owned(), |line| quote_said(&line));
        Err(self.failed(format!("{how}: {said}")))
    }

    fn failed(&self, message: String) -> PowerError {
        PowerError::Command { program: self.argv.first().cloned().unwrap_or_default(), message }
    }

    /// A new file for what the program says, locked and on disk; those of this machine's earlier orders go.
    fn begin(&self, target: &Target) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let own = format!("{}.", target.node);
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&own) {
                fs::remove_file(entry.path())?;
            }
        }
        let path = self.file(&target.node, target.ordered, SAID);
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path)?;
        file.try_lock()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(file)
    }

    fn spawn(&self, argv: &[String], target: &Target, said: &File) -> io::Result<tokio::process::Child> {
        let seconds = |time: Duration| time.as_secs_f64().to_string();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPING_STATUS, "sh"]).arg(self.file(&target.node, target.ordered, ENDED));
        command.arg("timeout").arg("--kill-after").arg(seconds(GRACE)).arg(seconds(self.limit)).args(argv);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?);
        command.process_group(0).kill_on_drop(false).spawn()
    }

    fn file(&self, node: &NodeId, ordered: Timestamp, what: &str) -> PathBuf {
        self.folder.join(format!("{node}.{}.{what}", ordered.as_microsecond()))
    }
}

fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
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
        Target { node: NodeId::of(mac), mac, address: None, host_keys: vec![], ordered: Timestamp::UNIX_EPOCH }
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
        let said = command.file(&target.node, target.ordered, SAID);
        let order = command.switch(&target, PowerAction::Cycle);
        assert!(tokio::time::timeout(Duration::from_millis(300), order).await.is_err(), "the daemon left");
        assert!(is_locked(&said), "and took the program with it");
        let Trace::Failed(cause) = command.settled(&target.node, target.ordered).await else { panic!("it was ended") };
        assert!(cause.contains("no answer within 1s") && !is_locked(&said), "{cause}");
        let error = command.switch(&target, PowerAction::Cycle).await.unwrap_err().to_string();
        assert!(error.contains("no answer within 1s"), "{error}");
    }

    #[tokio::test]
    async fn the_next_daemon_finds_how_an_order_ended_or_that_it_never_began() {
        let folder = tempfile::tempdir().unwrap();
        let command = |script: &str| CommandPower {
            argv: words(&["sh", "-c", script]),
            limit: Duration::from_secs(20),
            folder: folder.path().join("power"),
        };
        let order = |second| Target { ordered: Timestamp::from_second(second).unwrap(), ..target() };
        let left = async |power: &CommandPower, order: &Target| power.settled(&order.node, order.ordered).await;
        assert_eq!(left(&command("true"), &order(1)).await, Trace::NotBegun);
        command("true").switch(&order(2), PowerAction::Off).await.unwrap();
        assert_eq!(left(&command("true"), &order(2)).await, Trace::Done);
        assert_eq!(left(&command("true"), &order(1)).await, Trace::NotBegun, "of another order");
        let failing = command("echo no such outlet >&2; exit 1");
        failing.switch(&order(3), PowerAction::Off).await.unwrap_err();
        let Trace::Failed(cause) = left(&failing, &order(3)).await else { panic!("it failed") };
        assert!(cause.contains("exit status: 1") && cause.contains("no such outlet"), "{cause}");
        assert_eq!(left(&failing, &order(2)).await, Trace::NotBegun, "its files went with the next order");
        // The shell that keeps the status is ended with the program.
        let cut = command("read -r _ _ _ up _ </proc/$PPID/stat; kill -9 $up $PPID");
        cut.switch(&order(4), PowerAction::Off).await.unwrap_err();
        assert_eq!(left(&cut, &order(4)).await, Trace::Unknown);
    }
}
