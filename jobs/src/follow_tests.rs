//! The follower over what agents really said, and over what they might say.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const LATE: i64 = 10_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn job(kind: &str, version: u64, count: i64) -> Job {
    let groups = json!([{"Name": "main", "Count": count}]);
    let job = json!({"ID": "a", "Type": kind, "Version": version, "CreateIndex": 10, "JobModifyIndex": 20, "TaskGroups": groups});
    Job::from_json(job).unwrap()
}

fn deployment(version: u64, status: &str) -> Deployment {
    serde_json::from_value(json!({
        "ID": "d", "JobVersion": version, "JobCreateIndex": 10, "CreateIndex": 22, "Status": status, "StatusDescription": format!("it is {status}"),
    }))
    .unwrap()
}

fn allocation(version: u64, status: &str) -> AllocationStub {
    serde_json::from_value(json!({
        "ID": "9bd98ad5-dd4a", "Name": "a.main[0]", "NodeName": "vm", "TaskGroup": "main", "CreateIndex": 23, "JobVersion": version,
        "ClientStatus": status, "DesiredStatus": "run", "DeploymentStatus": {"Healthy": status == "running"},
    }))
    .unwrap()
}

fn evaluation(fields: &Value) -> Evaluation {
    let mut evaluation =
        json!({"ID": "e", "CreateIndex": 21, "ModifyIndex": 24, "Status": "complete", "TriggeredBy": "job-register"});
    for (name, value) in fields.as_object().unwrap() {
        evaluation[name] = value.clone();
    }
    serde_json::from_value(evaluation).unwrap()
}

fn without_room(status: &str) -> Evaluation {
    let metric =
        json!({"NodesEvaluated": 1, "NodesExhausted": 1, "CoalescedFailures": 7, "DimensionExhausted": {"memory": 1}});
    evaluation(&json!({"Status": status, "FailedTGAllocs": {"main": metric}}))
}

fn follow(job: &Job) -> Follower {
    Follower::new(job, Patience::default(), at(0))
}

#[test]
fn a_deployment_that_succeeds_is_done_once_all_of_it_runs() {
    let job = job("service", 0, 2);
    let mut follower = follow(&job);
    let one = [allocation(0, "running")];
    let two = [allocation(0, "running"), allocation(0, "running")];
    let (running, successful) = ([deployment(0, "running")], [deployment(0, "successful")]);
    let sight = Sight { job: Some(&job), deployments: &running, allocations: &one, ..Sight::default() };
    let step = follower.look(at(0), &sight);
    assert_eq!(step.verdict, None);
    assert_eq!(step.progress.unwrap().groups[0].running, 1);
    assert_eq!(follower.look(at(1), &sight).progress, None, "nothing is told twice");
    let step = follower.look(at(2), &Sight { deployments: &successful, ..sight });
    assert_eq!(step.verdict, None, "the listings may be of different moments");
    let step = follower.look(at(3), &Sight { deployments: &successful, allocations: &two, ..sight });
    assert_eq!(step.verdict, Some(Verdict::Done));
}

#[test]
fn a_deployment_that_placed_nothing_never_fails_and_is_told_as_short_with_the_reason() {
    let job = job("service", 0, 1);
    let mut follower = follow(&job);
    let (deployments, evaluations) = ([deployment(0, "running")], [without_room("blocked")]);
    let sight = Sight { job: Some(&job), deployments: &deployments, evaluations: &evaluations, ..Sight::default() };
    let first = follower.look(at(0), &sight).progress.unwrap();
    assert!(first.shortfalls[0].reasons[0].cause.contains("memory"), "{first:?}");
    assert_eq!(follower.look(at(19), &sight).verdict, None);
    assert_eq!(follower.look(at(20), &sight).verdict, Some(Verdict::Short { running: 0, wanted: 1 }));
}

#[test]
fn a_partly_placed_deployment_is_short_although_nomad_has_forgotten_it() {
    let job = job("service", 0, 20);
    let placed = vec![allocation(0, "running"); 12];
    let (evaluations, deployments) = ([without_room("canceled")], [deployment(0, "successful")]);
    let sight = Sight { job: Some(&job), deployments: &deployments, allocations: &placed, evaluations: &evaluations };
    let mut follower = follow(&job);
    assert_eq!(follower.look(at(0), &sight).progress.unwrap().shortfalls[0].unplaced, 8);
    assert_eq!(follower.look(at(4), &sight).verdict, Some(Verdict::Short { running: 12, wanted: 20 }));
    let failed = [deployment(0, "failed")];
    let verdict = follower.look(at(5), &Sight { deployments: &failed, ..sight }).verdict;
    assert_eq!(verdict, Some(Verdict::Failed { why: "it is failed".to_owned() }));
}

#[test]
fn a_deployment_that_nomad_reverted_is_told_as_failed_and_not_as_replaced() {
    let (ours, reverted) = (job("service", 1, 1), job("service", 2, 1));
    let deployments = [deployment(2, "running"), deployment(1, "failed")];
    let sight = Sight { job: Some(&reverted), deployments: &deployments, ..Sight::default() };
    assert!(matches!(follow(&ours).look(at(0), &sight).verdict, Some(Verdict::Failed { .. })));
}

#[test]
fn what_somebody_else_did_meanwhile_ends_it() {
    let ours = job("service", 1, 1);
    let mut stopped = job("service", 2, 1);
    stopped.set("Stop", true);
    let mut anew = job("service", 0, 1);
    anew.set("CreateIndex", 50);
    let cancelled = [deployment(1, "cancelled")];
    for (now, expected) in [
        (Some(&job("service", 2, 1)), Verdict::Replaced { by: 2 }),
        (Some(&stopped), Verdict::Stopped),
        (Some(&anew), Verdict::Replaced { by: 0 }),
        (None, Verdict::Gone),
    ] {
        let sight = Sight {
            job: now,
            deployments: if now.is_some_and(|it| it.version() == 2) { &cancelled } else { &[] },
            ..Sight::default()
        };
        assert_eq!(follow(&ours).look(at(0), &sight).verdict, Some(expected));
    }
    let older = job("service", 0, 1);
    let sight = Sight { job: Some(&older), ..Sight::default() };
    assert_eq!(follow(&ours).look(at(0), &sight).verdict, None, "a server that lags says nothing");
}

#[test]
fn a_batch_job_ends_with_its_tasks_and_a_failure_waits_for_the_next_try() {
    let job = job("batch", 0, 1);
    let (complete, failed) = ([allocation(0, "complete")], [allocation(0, "failed")]);
    let done = Sight { job: Some(&job), allocations: &complete, ..Sight::default() };
    assert_eq!(follow(&job).look(at(0), &done).verdict, Some(Verdict::Done));

    let again = [evaluation(&json!({"Status": "pending", "WaitUntil": "2030-01-01T00:00:00Z"}))];
    let mut follower = follow(&job);
    let sight = Sight { job: Some(&job), allocations: &failed, evaluations: &again, ..Sight::default() };
    let progress = follower.look(at(0), &sight).progress.unwrap();
    assert!(progress.failures[0].starts_with("a.main[0] (9bd98ad5) on vm"), "{progress:?}");
    assert_eq!(follower.look(at(10), &sight).verdict, None, "it will be tried again");
    let sight = Sight { evaluations: &[], ..sight };
    assert!(matches!(follower.look(at(11), &sight).verdict, Some(Verdict::Failed { .. })));
}

#[test]
fn a_job_that_starts_nothing_by_itself_is_done_when_it_is_registered() {
    let mut pattern = job("batch", 0, 1);
    pattern.set("ParameterizedJob", json!({"Payload": "required"}));
    let sight = Sight { job: Some(&pattern), ..Sight::default() };
    assert_eq!(follow(&pattern).look(at(0), &sight).verdict, Some(Verdict::Done));
}

#[test]
fn canaries_that_wait_for_a_person_say_so() {
    let job = job("service", 1, 1);
    let mut waiting = deployment(1, "running");
    let state = json!({"main": {"DesiredCanaries": 1, "HealthyAllocs": 1, "Promoted": false}});
    waiting.task_groups = serde_json::from_value(state).unwrap();
    let sight = Sight { job: Some(&job), deployments: &[waiting], ..Sight::default() };
    assert!(matches!(follow(&job).look(at(0), &sight).verdict, Some(Verdict::Waits { .. })));
}

#[test]
fn a_service_without_deployments_and_a_system_job_are_done_when_they_run() {
    let (service, system) = (job("service", 0, 1), job("system", 0, 1));
    let running = [allocation(0, "running")];
    for job in [&service, &system] {
        let mut follower = follow(job);
        let sight = Sight { job: Some(job), allocations: &running, ..Sight::default() };
        assert_eq!(follower.look(at(0), &sight).verdict, None);
        assert_eq!(follower.look(at(3), &sight).verdict, Some(Verdict::Done), "{:?}", job.kind());
    }
    let sight = Sight { job: Some(&system), ..Sight::default() };
    let mut follower = follow(&system);
    follower.look(at(0), &sight);
    assert!(matches!(follower.look(at(21), &sight).verdict, Some(Verdict::Short { .. })), "no node takes it");
}

fn statuses() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(
        prop::sample::select(vec!["pending", "running", "complete", "failed", "lost", "unknown"]),
        0..5,
    )
}

proptest! {
    #[test]
    fn it_always_ends_and_is_never_done_while_less_runs_than_is_wanted(
        kind in prop::sample::select(vec!["service", "batch", "system", "sysbatch"]),
        count in 0_i64..4,
        looks in prop::collection::vec((statuses(), prop::option::of(prop::sample::select(vec!["running", "successful", "failed", "paused"])), any::<bool>()), 1..8),
    ) {
        let job = job(kind, 0, count);
        let mut follower = follow(&job);
        let mut ended = false;
        for (second, (allocations, status, room)) in looks.iter().enumerate() {
            let allocations: Vec<_> = allocations.iter().map(|status| allocation(0, status)).collect();
            let deployments: Vec<_> = status.iter().map(|status| deployment(0, status)).collect();
            let evaluations: Vec<_> = (!room).then(|| without_room("blocked")).into_iter().collect();
            let sight = Sight { job: Some(&job), deployments: &deployments, allocations: &allocations, evaluations: &evaluations };
            let last = second + 1 == looks.len();
            let now = if last { at(LATE) } else { at(i64::try_from(second).unwrap()) };
            let step = follower.look(now, &sight);
            if step.verdict == Some(Verdict::Done) {
                let good = allocations.iter().filter(|it| matches!(it.client_status.as_str(), "running" | "complete")).count();
                prop_assert!(good >= usize::try_from(count).unwrap() || kind.starts_with("sys"), "{kind} {count} {good}");
            }
            ended |= step.verdict.is_some();
        }
        prop_assert!(ended);
    }
}
