//! What happened to a job, in order: its evaluations, deployments, allocations and their tasks' events as one list.
//!
//! Made of listings, which are the truth, and not of the event stream, which forgets: whoever asks late is told the same
//! as whoever watched. Each happening has a key, so that a follower shows each once. What a task or a driver said is
//! marked as another program's words ([`vocabulary::quote_said`]).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use vocabulary::{Timestamp, quote_said};

use super::{one_line, shortfall};
use crate::nomad::{AllocationStub, Deployment, Evaluation, TaskEvent, TaskState};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Tells it from every other.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// To what: `evaluation 34da05e4`, `web.main[0] (9bd98ad5) task main`.
    pub subject: String,
    /// What.
    pub what: String,
}

/// What a history is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The job's allocations.
    pub allocations: &'a [AllocationStub],
    /// Its evaluations.
    pub evaluations: &'a [Evaluation],
    /// Its deployments.
    pub deployments: &'a [Deployment],
}

/// Everything that is still known, oldest first.
#[must_use]
pub fn history(sources: Sources<'_>) -> Vec<Happening> {
    let mut all: Vec<Happening> = sources.evaluations.iter().map(evaluated).collect();
    all.extend(sources.deployments.iter().map(deployed));
    for allocation in sources.allocations {
        all.push(placed(allocation));
        all.extend(ended(allocation));
        all.extend(task_events(allocation));
    }
    all.sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
    all.dedup_by(|one, other| one.key == other.key);
    all
}

/// The event that says best why a task is as it is, in words with the task's name.
#[must_use]
pub fn telling(states: Option<&HashMap<String, TaskState>>) -> Option<String> {
    let mut tasks: Vec<_> = states?.iter().collect();
    tasks.sort_by(|(one, a), (other, b)| (!a.failed, one).cmp(&(!b.failed, other)));
    let of_task = |(name, state): (&String, &TaskState)| {
        let events = state.events.as_deref().unwrap_or_default();
        let event = events.iter().rev().find(|event| explains(event)).or_else(|| events.last())?;
        Some(format!("task {}: {}", one_line(name), event_in_words(event)))
    };
    tasks.into_iter().find_map(of_task)
}

/// The first characters of an id, as people write it.
#[must_use]
pub fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

fn explains(event: &TaskEvent) -> bool {
    match event.type_.as_str() {
        "Terminated" => event.exit_code != 0 || event.signal != 0 || detail(event, "oom_killed") == Some("true"),
        kind => matches!(
            kind,
            "Driver Failure"
                | "Setup Failure"
                | "Failed Validation"
                | "Failed Artifact Download"
                | "Hook Failure"
                | "Alloc Unhealthy"
        ),
    }
}

fn detail<'a>(event: &'a TaskEvent, name: &str) -> Option<&'a str> {
    event.details.as_ref()?.get(name).map(String::as_str)
}

fn event_in_words(event: &TaskEvent) -> String {
    let out_of_memory = if detail(event, "oom_killed") == Some("true") { ", killed for want of memory" } else { "" };
    let said = one_line(&event.display_message);
    let said = if said.is_empty() { String::new() } else { format!(": {}", quote_said(&said)) };
    format!("{}{out_of_memory}{said}", one_line(&event.type_))
}

fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

fn evaluated(evaluation: &Evaluation) -> Happening {
    let failed = evaluation.failed_tg_allocs.as_ref().map(shortfall::shortfalls).unwrap_or_default();
    let mut what = format!("{} ({})", one_line(&evaluation.status), one_line(&evaluation.triggered_by));
    for short in failed {
        what = format!("{what}; {}", short.in_words());
    }
    Happening {
        key: format!("{}/{}", evaluation.id, evaluation.status),
        at: at(evaluation.modify_time),
        subject: format!("evaluation {}", short(&evaluation.id)),
        what,
    }
}

fn deployed(deployment: &Deployment) -> Happening {
    let version = deployment.job_version;
    let when = if deployment.modify_time > 0 { deployment.modify_time } else { deployment.create_time };
    Happening {
        key: format!("{}/{}", deployment.id, deployment.status),
        at: at(when),
        subject: format!("deployment {} of version {version}", short(&deployment.id)),
        what: format!("{}: {}", one_line(&deployment.status), one_line(&deployment.status_description)),
    }
}

fn placed(allocation: &AllocationStub) -> Happening {
    let AllocationStub { id, create_time, job_version, node_name, .. } = allocation;
    Happening {
        key: format!("{id}/placed"),
        at: at(*create_time),
        subject: named(allocation),
        what: format!("placed on {} as version {job_version}", one_line(node_name)),
    }
}

fn ended(allocation: &AllocationStub) -> Option<Happening> {
    let status = allocation.client_status.as_str();
    let is_over = matches!(status, "complete" | "failed" | "lost" | "unknown");
    let why = one_line(&allocation.client_description);
    is_over.then(|| Happening {
        key: format!("{}/{status}", allocation.id),
        at: at(allocation.modify_time),
        subject: named(allocation),
        what: if why.is_empty() { status.to_owned() } else { format!("{status}: {why}") },
    })
}

fn task_events(allocation: &AllocationStub) -> Vec<Happening> {
    let states = allocation.task_states.iter().flatten();
    let of_task = |(task, state): (&String, &TaskState)| {
        let happened = |event: &TaskEvent| Happening {
            key: format!("{}/{task}/{}/{}", allocation.id, event.time, event.type_),
            at: at(event.time),
            subject: format!("{} task {}", named(allocation), one_line(task)),
            what: event_in_words(event),
        };
        state.events.iter().flatten().map(happened).collect::<Vec<_>>()
    };
    states.flat_map(of_task).collect()
}

fn named(allocation: &AllocationStub) -> String {
    format!("{} ({})", one_line(&allocation.name), short(&allocation.id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vocabulary::leave_out_said;

    use super::*;

    fn allocation() -> AllocationStub {
        let event = |time: i64, kind: &str, said: &str, code: i64| json!({"Time": time, "Type": kind, "DisplayMessage": said, "ExitCode": code, "Details": {}});
        let events = [
            event(2_000, "Started", "Task started by client", 0),
            event(3_000, "Terminated", "Exit Code: 3\nboom", 3),
            event(3_500, "Not Restarting", "Policy", 0),
        ];
        serde_json::from_value(json!({
            "ID": "9bd98ad5-dd4a-ead7-438c-de94c8ad4019", "Name": "crash.main[0]", "NodeName": "vm", "CreateTime": 1_000, "ModifyTime": 4_000,
            "ClientStatus": "failed", "ClientDescription": "Failed tasks", "TaskStates": {"main": {"State": "dead", "Failed": true, "Events": events}},
        }))
        .unwrap()
    }

    #[test]
    fn everything_is_told_in_order_and_what_a_task_said_is_marked() {
        let evaluation = serde_json::from_value(json!({
            "ID": "34da05e4-9fd2", "Status": "blocked", "TriggeredBy": "queued-allocs", "ModifyTime": 500,
            "FailedTGAllocs": {"main": {"NodesEvaluated": 1, "DimensionExhausted": {"memory": 1}}},
        }))
        .unwrap();
        let deployment = serde_json::from_value(json!({
            "ID": "8ffd4dd3-d0a2", "JobVersion": 2, "Status": "failed", "StatusDescription": "Failed due to progress deadline", "CreateTime": 900, "ModifyTime": 0,
        }))
        .unwrap();
        let (allocations, evaluations, deployments) = ([allocation()], [evaluation], [deployment]);
        let sources = Sources { allocations: &allocations, evaluations: &evaluations, deployments: &deployments };
        let told: Vec<_> = history(sources).into_iter().map(|it| format!("{}: {}", it.subject, it.what)).collect();
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(
            told[0].starts_with("evaluation 34da05e4: blocked (queued-allocs); group main: 1 without a place"),
            "{told:?}"
        );
        assert!(told[1].contains("of version 2: failed: Failed due to progress deadline"), "{told:?}");
        assert_eq!(told[2], "crash.main[0] (9bd98ad5): placed on vm as version 0");
        assert_eq!(told[4], "crash.main[0] (9bd98ad5) task main: Terminated: «Exit Code: 3 boom»");
        assert!(!leave_out_said(&told[4]).contains("boom"));
        assert_eq!(told[6], "crash.main[0] (9bd98ad5): failed: Failed tasks");
    }

    #[test]
    fn a_follower_that_asks_again_finds_the_same_keys() {
        let allocations = [allocation(), allocation()];
        let sources = Sources { allocations: &allocations, ..Sources::default() };
        let (first, again) = (history(sources), history(sources));
        assert_eq!((first.len(), &first), (5, &again), "and nothing twice");
    }

    #[test]
    fn the_event_that_explains_is_found_among_those_that_do_not() {
        let states = allocation().task_states;
        assert_eq!(telling(states.as_ref()).as_deref(), Some("task main: Terminated: «Exit Code: 3 boom»"));
        assert_eq!(telling(None), None);
    }
}
