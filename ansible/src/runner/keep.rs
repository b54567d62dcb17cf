//! How long the folders of ended runs are kept: pure, so that the rule is a test and the removal has no opinion.
//!
//! What is left of a run whose folder is gone is its row: when it ran and how it ended. The last folder of a node is
//! never removed, however old: it says how the node became what it is, or why it did not.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroU32,
    time::Duration,
};

use vocabulary::{NodeId, Run, RunId, Timestamp};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Folders of each node, the newest.
    pub per_node: NonZeroU32,
    /// Since the run's end.
    pub age: Duration,
}

/// The folders that go. `runs` are all runs on record, read after `folders` was: a run is on record before it has a
/// folder, so a folder without a run is one whose run was forgotten.
#[must_use]
pub fn plan(now: Timestamp, keep: &Keep, folders: &[RunId], runs: &[Run]) -> Vec<RunId> {
    let runs: HashMap<RunId, &Run> = runs.iter().map(|run| (run.id, run)).collect();
    let mut newest_first: Vec<RunId> = folders.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    let mut places: HashMap<&NodeId, u32> = HashMap::new();
    let mut gone = Vec::new();
    for folder in newest_first {
        let Some(run) = runs.get(&folder) else {
            gone.push(folder);
            continue;
        };
        let Some(ended) = run.ended.filter(|_| run.state.ended()) else { continue };
        let place = places.entry(&run.node).or_default();
        let old = ended.checked_add(keep.age).is_ok_and(|until| until < now);
        if *place > 0 && (*place >= keep.per_node.get() || old) {
            gone.push(folder);
        }
        *place += 1;
    }
    gone
}

#[cfg(test)]
mod tests {
    use vocabulary::{Mac, RunState};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    fn run(id: u64, node: u8, ended: Option<i64>) -> Run {
        Run {
            id: RunId(id),
            node: NodeId::of(Mac([2, 0, 0, 0, 0, node])),
            boot: None,
            state: if ended.is_some() { RunState::Failed } else { RunState::Running },
            purpose: vocabulary::RunPurpose::Configure,
            retry_of: None,
            attempt: 0,
            asked_by: "call-home".to_owned(),
            cause: None,
            process: None,
            created: at(0),
            started: None,
            ended: ended.map(at),
            tasks_done: 0,
            tasks_changed: 0,
            task: None,
        }
    }

    fn gone(day: i64, per_node: u32, runs: &[Run]) -> Vec<u64> {
        let keep = Keep { per_node: NonZeroU32::new(per_node).unwrap(), age: 10 * DAY };
        let folders: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let mut gone: Vec<u64> = plan(at(day), &keep, &folders, runs).into_iter().map(|run| run.0).collect();
        gone.sort_unstable();
        gone
    }

    #[test]
    fn the_newest_of_each_node_stay() {
        let runs = [1, 2, 3, 4].map(|id| run(id, 1, Some(1)));
        let others = [5, 6].map(|id| run(id, 2, Some(1)));
        let all = [&runs[..], &others].concat();
        assert_eq!(gone(2, 2, &all), [1, 2]);
        assert_eq!(gone(2, 1, &all), [1, 2, 3, 5]);
        assert_eq!(gone(2, 9, &all), [0_u64; 0]);
    }

    #[test]
    fn old_ones_go_but_the_last_of_a_node_never_does() {
        let runs = [run(1, 1, Some(1)), run(2, 1, Some(5)), run(3, 1, Some(20)), run(4, 2, Some(1))];
        assert_eq!(gone(11, 9, &runs), [0_u64; 0], "ten days are not over on the tenth");
        assert_eq!(gone(12, 9, &runs), [1]);
        assert_eq!(gone(99, 9, &runs), [1, 2], "the last of each node stays");
    }

    #[test]
    fn what_runs_or_waits_stays_and_takes_nobodys_place() {
        let runs = [run(1, 1, Some(1)), run(2, 1, None), run(3, 1, None)];
        assert_eq!(gone(99, 1, &runs), [0_u64; 0]);
    }

    #[test]
    fn a_folder_without_a_run_goes() {
        let keep = Keep { per_node: NonZeroU32::MIN, age: DAY };
        assert_eq!(plan(at(0), &keep, &[RunId(7), RunId(7)], &[]), [RunId(7)]);
    }

    #[test]
    fn a_run_that_ended_without_a_time_is_left_alone() {
        let runs = [Run { ended: None, state: RunState::Lost, ..run(1, 1, None) }, run(2, 1, Some(1))];
        assert_eq!(gone(99, 1, &runs), [0_u64; 0]);
    }
}
