//! How a run ended and why, from what it left: pure, so that every ending has a table test.
//!
//! Exit status 0 is not enough: a play that matched no host also exits 0, and a promise may be found broken.

use std::time::Duration;

use vocabulary::{RunState, quote_said};

use super::{RunEnd, folder::Ending, follow::Tally};
use crate::events::{Promise, TaskReport, tidy};

const CAUSE_LIMIT_CHARS: usize = 600;
/// Parts cause and remedy in the message of a role's check.
const REMEDY_MARK: &str = "Remedy:";

/// What a run left.
pub(super) struct Traces<'a> {
    /// Why Roost ended it, if it did.
    pub(super) ending: Option<Ending>,
    /// Its exit status, where one is known.
    pub(super) status: Option<i32>,
    pub(super) tally: &'a Tally,
    /// The last of its output.
    pub(super) output: &'a str,
    pub(super) timeout: Duration,
    /// Where the node was said to be.
    pub(super) address: String,
}

/// The end, and the task that TODO.md names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) end: RunEnd,
    pub(super) task: String,
}

pub(super) fn judge(traces: &Traces<'_>) -> Verdict {
    match (traces.ending, traces.status) {
        (Some(Ending::Cancelled), _) => cancelled(),
        (Some(Ending::TimedOut), _) => timed_out(traces),
        (None, None) => lost(),
        (None, Some(0)) => ended_well(traces.tally),
        (None, Some(status)) => failed(status, traces),
    }
}

pub(super) fn cancelled() -> Verdict {
    verdict(RunState::Cancelled, "cancelled", "cancelled by a person", None)
}

/// A run that never got as far as a process.
pub(super) fn not_started(cause: &str, remedy: &str) -> Verdict {
    verdict(RunState::Failed, "start of the run", cause, Some(remedy))
}

fn lost() -> Verdict {
    let cause = "its process was gone when the daemon came back, and it left no exit status";
    verdict(RunState::Lost, "lost", cause, Some("read its log, then retry: the roles change nothing twice"))
}

fn timed_out(traces: &Traces<'_>) -> Verdict {
    let at = traces.tally.last.as_ref().map_or_else(|| "its start".to_owned(), TaskReport::full_name);
    let seconds = traces.timeout.as_secs();
    let cause = format!("took longer than {seconds} s; it was at {at}");
    verdict(RunState::TimedOut, "timeout", &cause, Some("see what that task waits for, or raise ansible.timeout"))
}

fn ended_well(tally: &Tally) -> Verdict {
    if tally.done == 0 {
        let remedy = "the playbook's `hosts:` must name the group `nodes`; a run for certificates needs roles with the tag \
                      `certificates` too, as in the playbook that comes with Roost";
        return verdict(RunState::Failed, "no task", "the playbook did nothing on this node", Some(remedy));
    }
    let broken: Vec<&Promise> = tally.promises.iter().filter(|promise| !promise.kept).collect();
    if let Some(first) = broken.first() {
        let cause = format!("promise not kept: {}: {}", first.name, quote_said(&first.detail));
        return Verdict {
            end: RunEnd { promises: tally.promises.clone(), ..end(&cause, None) },
            task: first.name.clone(),
        };
    }
    let promises = tally.promises.clone();
    Verdict { end: RunEnd { state: RunState::Succeeded, cause: None, remedy: None, promises }, task: String::new() }
}

fn failed(status: i32, traces: &Traces<'_>) -> Verdict {
    let tally = traces.tally;
    let mut verdict = if let Some(report) = &tally.unreachable {
        unreachable(report, &traces.address)
    } else if let Some(report) = &tally.failed {
        failed_task(report)
    } else {
        let said = last_error(traces.output).unwrap_or_else(|| "it said nothing".to_owned());
        let cause = format!("ansible-playbook ended with status {status}: {}", quote_said(&said));
        self::verdict(RunState::Failed, "ansible-playbook", &cause, Some("see the run's log"))
    };
    verdict.end.promises.clone_from(&tally.promises);
    verdict
}

fn failed_task(report: &TaskReport) -> Verdict {
    let message = report.message.as_deref().unwrap_or("no message");
    let (said, remedy) = message.split_once(REMEDY_MARK).unwrap_or((message, ""));
    let cause = format!("{}: {}", report.full_name(), quote_said(said.trim()));
    // A module's message is followed by what it printed, so the remedy is another's words as much as the rest.
    let remedy = Some(remedy.trim()).filter(|remedy| !remedy.is_empty()).map(quote_said);
    verdict(RunState::Failed, &report.full_name(), &cause, remedy.as_deref())
}

/// What ssh says, what it means, what to do.
const SSH_COMPLAINTS: [(&[&str], &str, &str); 4] = [
    (
        &["REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed", "host key is known for"],
        "SSH host key mismatch: who answers is not the machine that called home",
        "if the machine was booted anew, let it call home again and retry; if not, find out who has its address",
    ),
    (
        &["Permission denied"],
        "SSH refused Roost's key",
        "the node knows another fleet key: its boot script brought the one of that time; boot the node again, and its \
         call-home starts a run",
    ),
    (
        &["Connection refused"],
        "SSH refused: no sshd listens",
        "look at the node's console: `systemctl status ssh`; then retry",
    ),
    (
        &[
            "timed out",
            "No route to host",
            "Network is unreachable",
            "Connection reset",
            "Connection closed",
            "Broken pipe",
        ],
        "no SSH connection",
        "is the machine on and its cable in? `roost node show` tells when it was last heard of; then retry",
    ),
];

fn unreachable(report: &TaskReport, address: &str) -> Verdict {
    let message = report.message.as_deref().unwrap_or_default();
    let said = quote_said(message);
    let known = SSH_COMPLAINTS.iter().find(|(signs, ..)| signs.iter().any(|sign| message.contains(sign)));
    match known {
        Some((_, meaning, remedy)) => {
            let cause = format!("{meaning} at {address} ({said})");
            verdict(RunState::Failed, "unreachable", &cause, Some(remedy))
        }
        None => verdict(RunState::Failed, "unreachable", &format!("not reached at {address}: {said}"), None),
    }
}

/// The last line in which Ansible speaks of an error.
fn last_error(output: &str) -> Option<String> {
    let signs = ["[ERROR]", "ERROR!", "error:", "Error:", "not found"];
    let spoken = output.lines().rev().find(|line| signs.iter().any(|sign| line.contains(sign)));
    let line = spoken.or_else(|| output.lines().rev().find(|line| !line.trim().is_empty()))?;
    Some(tidy(line, CAUSE_LIMIT_CHARS))
}

fn verdict(state: RunState, task: &str, cause: &str, remedy: Option<&str>) -> Verdict {
    Verdict { end: RunEnd { state, ..end(cause, remedy) }, task: task.to_owned() }
}

fn end(cause: &str, remedy: Option<&str>) -> RunEnd {
    let cause = Some(tidy(cause, CAUSE_LIMIT_CHARS));
    RunEnd { state: RunState::Failed, cause, remedy: remedy.map(str::to_owned), promises: Vec::new() }
}

#[cfg(test)]
mod tests {
    use vocabulary::Timestamp;

    use super::*;
    use crate::events::TaskOutcome;

    fn report(outcome: TaskOutcome, message: &str) -> TaskReport {
        TaskReport {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            host: "node-525400000001".to_owned(),
            task: "Check the disk".to_owned(),
            role: Some("preflight".to_owned()),
            outcome,
            took_ms: None,
            message: Some(message.to_owned()),
            tasks_done: 1,
            tasks_changed: 0,
        }
    }

    fn judged(ending: Option<Ending>, status: Option<i32>, tally: &Tally, output: &str) -> Verdict {
        let timeout = Duration::from_secs(90);
        judge(&Traces { ending, status, tally, output, timeout, address: "10.77.1.2:22".to_owned() })
    }

    fn with(edit: impl FnOnce(&mut Tally)) -> Tally {
        let mut tally = Tally { done: 3, ..Tally::default() };
        edit(&mut tally);
        tally
    }

    #[test]
    fn each_ending_has_its_state() {
        let tally = with(|_| ());
        for (ending, status, state) in [
            (None, Some(0), RunState::Succeeded),
            (None, Some(2), RunState::Failed),
            (None, None, RunState::Lost),
            (Some(Ending::Cancelled), Some(0), RunState::Cancelled),
            (Some(Ending::TimedOut), None, RunState::TimedOut),
        ] {
            assert_eq!(judged(ending, status, &tally, "").end.state, state);
        }
        assert_eq!(judged(None, Some(0), &Tally::default(), "").end.state, RunState::Failed, "nothing ran");
    }

    #[test]
    fn a_roles_check_brings_its_own_remedy() {
        let tally = with(|t| t.failed = Some(report(TaskOutcome::Failed, "2 MiB free on /. Remedy: add memory")));
        let verdict = judged(None, Some(2), &tally, "");
        assert_eq!(verdict.task, "preflight : Check the disk");
        assert_eq!(verdict.end.cause.as_deref(), Some("preflight : Check the disk: «2 MiB free on /.»"));
        assert_eq!(verdict.end.remedy.as_deref(), Some("«add memory»"));
    }

    /// The callback joins a module's message with what it printed, and what it printed may hold the word too.
    #[test]
    fn what_a_module_printed_is_no_remedy_of_roosts() {
        for message in
            ["no disk. Remedy: add one | password=hunter2", "no disk | x Remedy: password=hunter2", "password=hunter2"]
        {
            let tally = with(|t| t.failed = Some(report(TaskOutcome::Failed, message)));
            let RunEnd { cause, remedy, .. } = judged(None, Some(2), &tally, "").end;
            let told = format!("{} ({})", cause.unwrap(), remedy.unwrap_or_default());
            assert!(told.contains("hunter2"), "{told}");
            let shown = vocabulary::leave_out_said(&told);
            assert!(shown.starts_with("preflight : Check the disk: ") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn ssh_complaints_are_told_apart() {
        for (message, words) in [
            ("@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@", "host key mismatch"),
            ("root@10.77.1.2: Permission denied (publickey).", "refused Roost's key"),
            ("ssh: connect to host 10.77.1.2 port 22: Connection refused", "no sshd listens"),
            ("ssh: connect to host 10.77.1.2 port 22: No route to host", "no SSH connection"),
        ] {
            let tally = with(|t| t.unreachable = Some(report(TaskOutcome::Unreachable, message)));
            let verdict = judged(None, Some(4), &tally, "");
            assert!(verdict.end.cause.as_ref().unwrap().contains(words), "{verdict:?}");
            let remedy = verdict.end.remedy.unwrap();
            assert!(verdict.task == "unreachable" && !remedy.contains("image"), "no image holds a key: {remedy}");
        }
    }

    #[test]
    fn a_broken_promise_is_a_failure() {
        let (name, detail) = ("docker".to_owned(), "not active".to_owned());
        let broken = Promise { name, kept: false, detail, nomad: None, certificates: None };
        let verdict = judged(None, Some(0), &with(|t| t.promises = vec![broken]), "");
        assert_eq!((verdict.end.state, verdict.task.as_str()), (RunState::Failed, "docker"));
        assert_eq!(verdict.end.promises.len(), 1);
    }

    #[test]
    fn an_error_without_a_task_quotes_the_output() {
        let verdict =
            judged(None, Some(1), &Tally::default(), "hi\n[ERROR]: the playbook: x.yaml could not be found\n\n");
        assert!(verdict.end.cause.unwrap().contains("x.yaml could not be found"));
    }
}
