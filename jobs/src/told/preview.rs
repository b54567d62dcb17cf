//! What registering a job would do: the answer to a plan in words.

use serde::{Deserialize, Serialize};

use super::{
    diff::{self, Line},
    one_line,
    shortfall::{self, Shortfall},
};
use crate::{
    blocking::Index,
    nomad::{DesiredUpdates, Job, Over, Plan},
};

/// What a registration would bring about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// In general.
    pub effect: Effect,
    /// Over which version it was planned: what a registration must name.
    pub over: Over,
    /// By group, in the job's order.
    pub groups: Vec<GroupPreview>,
    /// What would find no place.
    pub shortfalls: Vec<Shortfall>,
    /// The fields that change.
    pub diff: Vec<Line>,
    /// What Nomad warns of.
    pub warnings: Option<String>,
    /// When a periodic job starts next, as Nomad writes it.
    pub next_launch: Option<String>,
}

/// What a registration would do to the job itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// There is none yet.
    Creates,
    /// It changes.
    Changes,
    /// It is the same already.
    Nothing,
}

/// What would happen to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPreview {
    /// Its name.
    pub name: String,
    /// How many are wanted.
    pub count: i64,
    /// What happens to how many: `("place", 2)`.
    pub changes: Vec<(String, u64)>,
}

impl Preview {
    /// The answer to a plan of this job.
    #[must_use]
    pub fn of(job: &Job, plan: &Plan) -> Self {
        let diff = plan.diff.as_ref();
        let kind = diff.and_then(|diff| diff.get("Type")).and_then(serde_json::Value::as_str);
        let effect = match (plan.job_modify_index, kind) {
            (0, _) => Effect::Creates,
            (_, Some("None")) => Effect::Nothing,
            _ => Effect::Changes,
        };
        let updates = plan.annotations.as_ref().and_then(|annotations| annotations.desired_tg_updates.as_ref());
        let group = |name: &str| GroupPreview {
            name: name.to_owned(),
            count: job.count(name).unwrap_or(1),
            changes: updates.and_then(|updates| updates.get(name)).map(changes).unwrap_or_default(),
        };
        Self {
            effect,
            over: over(Index(plan.job_modify_index)),
            groups: job.groups().into_iter().map(group).collect(),
            shortfalls: plan.failed_tg_allocs.as_ref().map(shortfall::shortfalls).unwrap_or_default(),
            diff: diff.map(diff::lines).unwrap_or_default(),
            warnings: Some(one_line(&plan.warnings)).filter(|warnings| !warnings.is_empty()),
            next_launch: plan.next_periodic_launch.clone().filter(|launch| !launch.starts_with("0001-")),
        }
    }
}

/// The version that a check-index names; 0 says that there must be none.
#[must_use]
pub const fn over(index: Index) -> Over {
    match index {
        Index(0) => Over::Nothing,
        index => Over::Version(index),
    }
}

fn changes(updates: &DesiredUpdates) -> Vec<(String, u64)> {
    let all = [
        ("place", updates.place),
        ("replace", updates.destructive_update),
        ("update in place", updates.in_place_update),
        ("canary", updates.canary),
        ("migrate", updates.migrate),
        ("stop", updates.stop),
        ("reschedule", updates.reschedule_now + updates.reschedule_later),
        ("evict others", updates.preemptions),
        ("leave as is", updates.ignore),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| (what.to_owned(), count)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn previewed(plan: serde_json::Value) -> Preview {
        let job = json!({"ID": "a", "TaskGroups": [{"Name": "web", "Count": 3}, {"Name": "db"}]});
        Preview::of(&Job::from_json(job).unwrap(), &serde_json::from_value(plan).unwrap())
    }

    #[test]
    fn a_plan_is_told_by_group_in_the_jobs_order() {
        let preview = previewed(json!({
            "JobModifyIndex": 7, "Diff": {"Type": "Edited", "Fields": [{"Name": "Priority", "Type": "Edited", "Old": "50", "New": "60"}]},
            "Annotations": {"DesiredTGUpdates": {"db": {"Place": 1}, "web": {"InPlaceUpdate": 2, "Place": 1}}},
            "FailedTGAllocs": {"web": {"NodesEvaluated": 1, "DimensionExhausted": {"cpu": 1}}},
            "Warnings": "1 warning:\n\n* old\n", "NextPeriodicLaunch": "0001-01-01T00:00:00Z",
        }));
        assert_eq!((preview.effect, preview.over), (Effect::Changes, Over::Version(Index(7))));
        let web = &preview.groups[0];
        assert_eq!((web.name.as_str(), web.count), ("web", 3));
        assert_eq!(web.changes, [("place".to_owned(), 1), ("update in place".to_owned(), 2)]);
        assert_eq!(preview.groups[1].count, 1, "a count that is not said is one");
        assert_eq!((preview.shortfalls.len(), preview.diff.len()), (1, 1));
        assert_eq!((preview.warnings.as_deref(), preview.next_launch), (Some("1 warning: * old"), None));
    }

    #[test]
    fn what_is_new_and_what_is_the_same_are_told_apart() {
        let new = previewed(json!({"JobModifyIndex": 0, "Diff": {"Type": "Added"}}));
        assert_eq!((new.effect, new.over), (Effect::Creates, Over::Nothing));
        assert_eq!(previewed(json!({"JobModifyIndex": 3, "Diff": {"Type": "None"}})).effect, Effect::Nothing);
    }
}
