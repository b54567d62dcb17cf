//! The operator's own command: `power.command = ["ipmitool", "-H", "bmc-{node}", "power", "{action}"]`.
//!
//! An argument vector, never a shell line, so that no value can become a second command; the values put into it are
//! Roost's own (node id, MAC, action) and the address that a lease gave.

use std::{process::Stdio, time::Duration};

use tokio::process::Command;
use vocabulary::quote_said;

use super::{Power, PowerAction, PowerError, Target};

/// Runs a command for each order.
pub struct CommandPower {
    /// Program and arguments; `{node}`, `{mac}`, `{address}` and `{action}` are replaced in each.
    pub argv: Vec<String>,
    /// How long it may take.
    pub limit: Duration,
}

#[async_trait::async_trait]
impl Power for CommandPower {
    async fn switch(&self, target: &Target, action: PowerAction) -> Result<(), PowerError> {
        let argv = fill(&self.argv, target, action)?;
        let (program, arguments) = argv
            .split_first()
            .ok_or_else(|| PowerError::Unsupported("power.command is empty: name a program".into()))?;
        let failed = |message: String| PowerError::Command { program: program.clone(), message };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(self.limit, command.output())
            .await
            .map_err(|_| failed(format!("no answer within {:?}", self.limit)))?
            .map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().map_or_else(|| "it said nothing".to_owned(), quote_said);
        Err(failed(format!("{}: {said}", output.status)))
    }
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
        let argv = words(&["sh", "-c", "echo password=hunter2 >&2; exit 3"]);
        let error = CommandPower { argv, limit: Duration::from_secs(20) }.switch(&target(), PowerAction::On).await;
        let cause = error.unwrap_err().to_string();
        assert!(cause.contains("hunter2"), "{cause}");
        let shown = vocabulary::leave_out_said(&cause);
        assert!(shown.starts_with("sh failed: exit status: 3: ") && !shown.contains("hunter2"), "{shown}");
    }

    #[tokio::test]
    async fn failure_and_silence_say_what_happened() {
        let command = |argv: &[&str]| CommandPower { argv: words(argv), limit: patience(argv) };
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
}
