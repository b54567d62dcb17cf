//! What tasks reported of themselves, copied as it comes: Nomad keeps ten reports a task and drops the oldest, among
//! them the one that says why a task failed first.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::nomad::TaskState;

/// Reports that are kept a task; one that restarts for ever must not fill the memory.
const KEPT: usize = 64;
/// A report is a sentence; a driver's may be a page.
const SAID_CHARS_MAX: usize = 1000;

/// One report of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskNote {
    /// Of which task.
    pub task: String,
    /// When, in nanoseconds since 1970, by the clock of its node.
    pub at_ns: i64,
    /// What happened, in Nomad's word: `Started`, `Terminated`, `Driver Failure`.
    pub kind: String,
    /// In Nomad's sentence.
    pub said: String,
    /// How its process ended, where it did.
    pub exit_code: i64,
    /// By which signal, where by one.
    pub signal: i64,
    /// The kernel killed something of it for want of memory. This decides, not the exit code.
    pub out_of_memory: bool,
    /// Nomad takes the task as failed because of it.
    pub fails_task: bool,
}

/// The reports of one allocation, by task, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Notes(BTreeMap<String, Vec<TaskNote>>);

impl TaskNote {
    /// Whether it tells of something that went wrong, as opposed to the ordinary course.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        let ended_badly = self.kind == "Terminated" && (self.exit_code != 0 || self.signal != 0);
        let named = ["Driver Failure", "Setup Failure", "Failed Validation", "Failed Artifact Download"];
        let named = named.contains(&&*self.kind) || ["Not Restarting", "Alloc Unhealthy"].contains(&&*self.kind);
        self.fails_task || self.out_of_memory || ended_badly || named
    }
}

impl Notes {
    /// Those that are there when the picture begins.
    pub(super) fn of(reported: Vec<TaskNote>) -> Self {
        let mut notes = Self::default();
        notes.copy(reported);
        notes
    }

    /// Copies what is not known yet and gives it.
    pub(super) fn copy(&mut self, reported: Vec<TaskNote>) -> Vec<TaskNote> {
        let mut new = Vec::new();
        for note in reported {
            let known = self.0.entry(note.task.clone()).or_default();
            let latest = known.last().map_or(i64::MIN, |last| last.at_ns);
            let known_already = || known.iter().rev().take_while(|one| one.at_ns == latest).any(|one| *one == note);
            if note.at_ns < latest || (note.at_ns == latest && known_already()) {
                continue;
            }
            if known.len() == KEPT {
                known.remove(0);
            }
            known.push(note.clone());
            new.push(note);
        }
        new
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &TaskNote> {
        self.0.values().flatten()
    }
}

/// What the tasks of an allocation reported, as Nomad has it.
pub(super) fn reported<'a>(tasks: impl Iterator<Item = (&'a String, &'a TaskState)>) -> Vec<TaskNote> {
    let mut notes: Vec<TaskNote> = tasks
        .flat_map(|(task, state)| state.events.iter().flatten().map(move |event| (task, event)))
        .map(|(task, event)| {
            let detail = |name: &str| event.details.as_ref().and_then(|details| details.get(name));
            let said = if event.display_message.is_empty() { &event.message } else { &event.display_message };
            TaskNote {
                task: task.clone(),
                at_ns: event.time,
                kind: event.type_.clone(),
                said: said.chars().take(SAID_CHARS_MAX).collect(),
                exit_code: event.exit_code,
                signal: event.signal,
                out_of_memory: detail("oom_killed").is_some_and(|word| word == "true"),
                fails_task: event.fails_task,
            }
        })
        .collect();
    notes.sort_by(|one, other| (one.at_ns, &one.task).cmp(&(other.at_ns, &other.task)));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(at_ns: i64, kind: &str) -> TaskNote {
        let (task, kind, said) = ("main".to_owned(), kind.to_owned(), String::new());
        TaskNote { task, at_ns, kind, said, exit_code: 0, signal: 0, out_of_memory: false, fails_task: false }
    }

    #[test]
    fn what_nomad_drops_is_kept_and_nothing_is_copied_twice() {
        let mut notes = Notes::default();
        let all: Vec<TaskNote> = (0..30).map(|at| note(at, "Restarting")).collect();
        let mut copied = Vec::new();
        // Nomad shows the last ten at each time; now and then somebody looks, once twice at the same.
        for end in [4, 4, 12, 20, 30] {
            copied.extend(notes.copy(all[end.max(10) - 10..end].to_vec()));
        }
        assert_eq!(copied, all);
        assert_eq!(notes.all().cloned().collect::<Vec<_>>(), all);
    }

    #[test]
    fn two_reports_of_one_moment_are_two() {
        let mut notes = Notes::default();
        assert_eq!(notes.copy(vec![note(7, "Terminated"), note(7, "Not Restarting")]).len(), 2);
        assert_eq!(notes.copy(vec![note(7, "Terminated"), note(7, "Not Restarting")]).len(), 0);
        assert_eq!(notes.copy(vec![note(6, "Started")]).len(), 0, "what is older was seen or dropped");
    }

    #[test]
    fn a_task_that_restarts_for_ever_fills_no_memory() {
        let mut notes = Notes::default();
        for at in 0..1000 {
            notes.copy(vec![note(at, "Restarting")]);
        }
        assert_eq!(notes.all().count(), KEPT);
        assert_eq!(notes.all().last().map(|last| last.at_ns), Some(999));
    }

    #[test]
    fn failures_are_told_from_the_ordinary_course() {
        assert!(!note(1, "Started").is_failure() && !note(1, "Terminated").is_failure());
        assert!(note(1, "Driver Failure").is_failure() && note(1, "Not Restarting").is_failure());
        assert!(TaskNote { exit_code: 1, ..note(1, "Terminated") }.is_failure());
        assert!(TaskNote { out_of_memory: true, ..note(1, "Terminated") }.is_failure());
    }
}
