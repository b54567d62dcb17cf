//! What is told of jobs, made of what real agents say: plans, conflicts, deployments followed to their end.

use std::time::Duration;

use ::jobs::{
    Index,
    follow::{Follower, Patience, Progress, Verdict},
    nomad::{Client, Job, JobId, Over, Purge, RegisterError},
    sights::{News, Sights},
    told::{Conflict, Effect, Preview, Sources, history},
};
use serde_json::json;
use tasks::{Clock as _, SystemClock};

use crate::support::{now_query, script, shared_nomad};

const LIMIT: Duration = Duration::from_secs(90);

/// A service whose deployment ends within seconds, one way or the other.
fn hasty(id: &str, words: &str, count: i64) -> Job {
    let mut job = script(id, "service", words);
    let second = 1_000_000_000_i64;
    let update = json!({"MaxParallel": 5, "HealthCheck": "task_states", "MinHealthyTime": second / 2, "HealthyDeadline": 30 * second, "ProgressDeadline": 40 * second});
    *job.at_mut("/TaskGroups/0").unwrap() = {
        let mut group = job.at("/TaskGroups/0").unwrap().clone();
        group["Count"] = count.into();
        group["Update"] = update;
        group
    };
    job
}

/// Registers it and follows it to its end.
async fn followed(nomad: &Client, job: &Job) -> (Verdict, Vec<Progress>) {
    nomad.register(job, Over::Whatever).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    let id = job.id().unwrap();
    let registered = nomad.job(&id, &now_query()).await.unwrap().value;
    let patience = Patience { place: Duration::from_secs(5), settle: Duration::from_secs(1), whole: LIMIT };
    let mut follower = Follower::new(&registered, patience, SystemClock.now());
    let (mut sights, mut seen) = (Sights::new(nomad.clone(), id), Vec::new());
    sights.first().await.unwrap();
    let before = nomad.requests();
    let begun = SystemClock.uptime();
    loop {
        let step = follower.look(SystemClock.now(), &sights.sight());
        seen.extend(step.progress);
        if let Some(verdict) = step.verdict {
            let (asked, took) = (nomad.requests() - before, SystemClock.uptime() - begun);
            assert!(u128::from(asked) <= 20 + took.as_millis() / 60, "{asked} requests in {took:?}");
            return (verdict, seen);
        }
        if let News::Lost(error) = sights.changed(Duration::from_millis(500)).await {
            panic!("{}", tasks::chain(&error));
        }
    }
}

#[tokio::test]
async fn a_deployment_that_succeeds_is_followed_to_done() {
    let nomad = shared_nomad().await;
    let (verdict, seen) = followed(&nomad, &hasty("told-done", "sleep 600", 2)).await;
    assert_eq!(verdict, Verdict::Done, "{seen:?}");
    assert_eq!(seen.last().unwrap().groups[0].running, 2);
    nomad.stop(&JobId::new("told-done"), Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn what_finds_no_place_is_short_with_its_reason_although_nomad_waits_for_ever() {
    let nomad = shared_nomad().await;
    let mut job = hasty("told-nowhere", "sleep 600", 1);
    *job.at_mut("/TaskGroups/0/Tasks/0/Resources/MemoryMB").unwrap() = 9_000_000.into();
    let preview = Preview::of(&job, &nomad.plan(&job).await.unwrap());
    assert_eq!((preview.effect, preview.over), (Effect::Creates, Over::Nothing));
    let cause = &preview.shortfalls[0].reasons[0].cause;
    assert!(cause.contains("too little memory free (9000000 MiB asked for)"), "{preview:?}");
    let (verdict, seen) = followed(&nomad, &job).await;
    assert_eq!(verdict, Verdict::Short { running: 0, wanted: 1 });
    assert_eq!(&seen.last().unwrap().shortfalls[0].reasons[0].cause, cause, "the plan told the truth");
    nomad.stop(&JobId::new("told-nowhere"), Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn what_is_placed_in_part_is_short_by_as_many_as_are_missing() {
    let nomad = shared_nomad().await;
    let mut job = hasty("told-part", "sleep 600", 2);
    job.set("Constraints", json!([{"Operand": "distinct_hosts", "RTarget": "true"}]));
    let (verdict, seen) = followed(&nomad, &job).await;
    assert_eq!(verdict, Verdict::Short { running: 1, wanted: 2 }, "{seen:?}");
    let last = seen.last().unwrap();
    assert!(last.shortfalls[0].unplaced == 1 && last.shortfalls[0].in_words().contains("no two may share"), "{last:?}");
    nomad.stop(&JobId::new("told-part"), Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn a_batch_job_that_fails_says_how_and_its_history_tells_it_in_order() {
    let nomad = shared_nomad().await;
    let job = script("told-fails", "batch", "exit 3");
    let (verdict, seen) = followed(&nomad, &job).await;
    assert!(matches!(verdict, Verdict::Failed { .. }), "{verdict:?}");
    assert!(seen.last().unwrap().failures[0].contains("Terminated: «Exit Code: 3»"), "{seen:?}");
    let mut sights = Sights::new(nomad, job.id().unwrap());
    sights.first().await.unwrap();
    let sight = sights.sight();
    let sources =
        Sources { allocations: sight.allocations, evaluations: sight.evaluations, deployments: sight.deployments };
    let told: Vec<String> = history::history(sources).into_iter().map(|it| it.what).collect();
    let at = |words: &str| told.iter().position(|it| it.contains(words)).unwrap_or_else(|| panic!("{words}: {told:?}"));
    assert!(at("placed on") < at("Started") && at("Started") < at("Exit Code: 3"), "{told:?}");
    let (verdict, _) = followed(&sights_client().await, &script("told-works", "batch", "true")).await;
    assert_eq!(verdict, Verdict::Done);
}

async fn sights_client() -> Client {
    shared_nomad().await
}

#[tokio::test]
async fn a_job_that_a_person_changed_since_the_plan_is_a_conflict_that_shows_both_sides() {
    let nomad = shared_nomad().await;
    let mut job = script("told-conflict", "service", "sleep 600");
    let first = nomad.register(&job, Over::Nothing).await.unwrap();
    *job.at_mut("/TaskGroups/0/Tasks/0/Resources/MemoryMB").unwrap() = 30.into();
    let planned = Preview::of(&job, &nomad.plan(&job).await.unwrap());
    assert_eq!((planned.effect, planned.over), (Effect::Changes, Over::Version(first.job_modify_index)));

    let mut theirs = script("told-conflict", "service", "sleep 600");
    theirs.set("Priority", 70);
    nomad.register(&theirs, Over::Version(first.job_modify_index)).await.unwrap();
    let error = nomad.register(&job, planned.over).await.unwrap_err();
    assert!(matches!(error, RegisterError::Conflict { .. }), "{error:?}");

    let versions = nomad.versions(&job.id().unwrap()).await.unwrap();
    let ours = Preview::of(&job, &nomad.plan(&job).await.unwrap());
    let conflict = Conflict::of(planned.over, Some(&versions), Some(&ours));
    assert!(conflict.now.unwrap() > first.job_modify_index && conflict.planned > Index(0));
    let told = conflict.in_words();
    assert!(told.contains(r#"~ Priority: "50" -> "70""#) && told.contains(r#"MemoryMB: "20" -> "30""#), "{told}");
    nomad.stop(&job.id().unwrap(), Purge::Forget).await.unwrap();
}
