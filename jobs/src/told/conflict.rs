//! Both sides of a conflict: what somebody else made of a job since it was planned, and what was to be registered.
//!
//! Nomad says only that the index moved. Its versions say the rest: those after the planned one are the other side, each
//! with its difference to the one before; a plan of our job over what is there now is ours.

use serde::{Deserialize, Serialize};

use super::{
    diff::{self, Line},
    preview::Preview,
};
use crate::{
    blocking::Index,
    nomad::{Job, Over, Versions},
};

/// How many lines of a side are told in words; the rest is counted.
const LINES_MAX: usize = 20;

/// What stands against each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Over what was planned.
    pub planned: Index,
    /// Where the job is now; none if it is gone.
    pub now: Option<Index>,
    /// What others did since, oldest first.
    pub theirs: Vec<Theirs>,
    /// What our job would change in what is there now.
    pub ours: Vec<Line>,
}

/// One version that somebody else registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theirs {
    /// Its number.
    pub version: u64,
    /// Whether it stopped the job.
    pub stopped: bool,
    /// What changed with it; empty where Nomad keeps no version before it.
    pub lines: Vec<Line>,
}

impl Conflict {
    /// From what Nomad keeps of the job, and a plan of ours over it.
    #[must_use]
    pub fn of(planned: Over, versions: Option<&Versions>, ours: Option<&Preview>) -> Self {
        let planned = match planned {
            Over::Version(index) => index,
            Over::Nothing | Over::Whatever => Index(0),
        };
        let newest = versions.and_then(|versions| versions.jobs.iter().max_by_key(|job| job.version()));
        Self {
            planned,
            now: newest.map(Job::job_modify_index),
            theirs: versions.map(|versions| theirs(planned, versions)).unwrap_or_default(),
            ours: ours.map(|preview| preview.diff.clone()).unwrap_or_default(),
        }
    }

    /// Both sides in words, a line each.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut told = vec![match (self.now, self.planned) {
            (None, planned) => format!("planned over index {planned}, and the job is gone"),
            (Some(now), Index(0)) => format!("planned as a new job, and it exists by now (index {now})"),
            (Some(now), planned) => format!("planned over index {planned}, and the job is at index {now}"),
        }];
        for theirs in &self.theirs {
            let stopped = if theirs.stopped { ", which stopped the job" } else { "" };
            told.push(format!("somebody registered version {}{stopped}:", theirs.version));
            told.extend(shown(&theirs.lines));
        }
        if !self.ours.is_empty() {
            told.push("yours would change in what is there now:".to_owned());
            told.extend(shown(&self.ours));
        }
        told.join("\n")
    }
}

fn theirs(planned: Index, versions: &Versions) -> Vec<Theirs> {
    // Nomad gives the difference to the one before beside each version but the oldest.
    let with_diffs = versions.jobs.iter().enumerate().map(|(at, job)| (job, versions.diffs.get(at)));
    let mut newer: Vec<Theirs> = with_diffs
        .filter(|(job, _)| job.job_modify_index() > planned)
        .map(|(job, diff)| Theirs {
            version: job.version(),
            stopped: job.is_stopped(),
            lines: diff.map(diff::lines).unwrap_or_default(),
        })
        .collect();
    newer.sort_by_key(|theirs| theirs.version);
    newer
}

fn shown(lines: &[Line]) -> Vec<String> {
    let mut told: Vec<String> = lines.iter().take(LINES_MAX).map(|line| format!("  {}", line.in_words())).collect();
    if lines.len() > LINES_MAX {
        told.push(format!("  and {} more", lines.len() - LINES_MAX));
    }
    if told.is_empty() {
        told.push("  nothing that is kept".to_owned());
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn versions() -> Versions {
        let job = |version: u64, index: u64| {
            Job::from_json(json!({"ID": "a", "Version": version, "JobModifyIndex": index, "Stop": version == 2}))
                .unwrap()
        };
        let edit = |old: &str, new: &str| {
            let field = json!({"Name": "Priority", "Type": "Edited", "Old": old, "New": new});
            json!({"Type": "Edited", "Fields": [field]}).as_object().unwrap().clone()
        };
        Versions { jobs: vec![job(2, 30), job(1, 20), job(0, 10)], diffs: vec![edit("60", "70"), edit("50", "60")] }
    }

    #[test]
    fn both_sides_are_told_and_none_that_was_known_when_it_was_planned() {
        let line = Line {
            mark: diff::Mark::Changed,
            path: "Count".to_owned(),
            old: "1".to_owned(),
            new: "2".to_owned(),
            notes: vec![],
        };
        let ours = Preview {
            effect: super::super::Effect::Changes,
            over: Over::Version(Index(30)),
            groups: Vec::new(),
            shortfalls: Vec::new(),
            diff: vec![line],
            warnings: None,
            next_launch: None,
        };
        let conflict = Conflict::of(Over::Version(Index(10)), Some(&versions()), Some(&ours));
        assert_eq!((conflict.now, conflict.theirs.len()), (Some(Index(30)), 2));
        let told = conflict.in_words();
        let at = |words: &str| told.find(words).unwrap_or_else(|| panic!("{words}: {told}"));
        assert!(at("\"50\" -> \"60\"") < at("\"60\" -> \"70\"") && at("\"60\" -> \"70\"") < at("yours would change"));
        assert!(told.contains("version 2, which stopped the job") && told.contains("~ Count"), "{told}");
        assert_eq!(Conflict::of(Over::Version(Index(20)), Some(&versions()), None).theirs.len(), 1);
    }

    #[test]
    fn a_job_that_appeared_and_one_that_went_say_so() {
        assert!(Conflict::of(Over::Nothing, Some(&versions()), None).in_words().starts_with("planned as a new job"));
        assert!(Conflict::of(Over::Version(Index(3)), None, None).in_words().contains("the job is gone"));
    }

    #[test]
    fn a_long_side_is_cut_and_counted() {
        let line = Line {
            mark: diff::Mark::Added,
            path: "x".to_owned(),
            old: String::new(),
            new: "1".to_owned(),
            notes: vec![],
        };
        let conflict = Conflict { planned: Index(1), now: Some(Index(2)), theirs: Vec::new(), ours: vec![line; 50] };
        assert!(conflict.in_words().ends_with("and 30 more"), "{}", conflict.in_words());
    }
}
