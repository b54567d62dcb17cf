//! Good times: a job's whole life, a task that fails again and again, services and checks.

use std::time::Duration;

use ::jobs::{
    Endpoint,
    consul::{Check, LocalAgent as _, Registration, Status, Verdict},
    nomad::{JobId, Over, Purge},
    watch::{Subject, Turn},
};
use serde_json::json;

use super::scene::Scene;
use crate::support::{script, shared, shared_consul, shared_nomad};

fn watched(agents: &[lab::agents::Agent]) -> Endpoint {
    Endpoint::plain(agents[0].url())
}

#[tokio::test]
async fn a_jobs_whole_life_is_seen() {
    let nomad = shared_nomad().await;
    let mut scene = Scene::open(&watched(shared().await.nomad()), None).await;
    let id = JobId::new("watched");
    nomad.register(&script("watched", "service", "sleep 600"), Over::Nothing).await.unwrap();
    let allocation = scene.hears_of_allocation("it runs", &id, |_, one| one.status == "running").await;
    scene
        .hears("its scheduling is complete", |subject| match subject {
            Subject::Evaluation(_, one) if one.job.id == id && one.status == "complete" => Some(()),
            _ => None,
        })
        .await;
    scene.hears_of_job("its job says so too", &id, |_, one| one.status == "running").await;
    let notes =
        scene.handle.read(|picture| picture.notes(&allocation).map(|note| note.kind.clone()).collect::<Vec<_>>());
    assert_eq!(notes, ["Received", "Task Setup", "Started"]);

    nomad.stop(&id, Purge::Keep).await.unwrap();
    scene.hears_of_job("it is stopped", &id, |_, one| one.stopped && one.status == "dead").await;
    scene.hears_of_allocation("and so is what it ran", &id, |_, one| one.status == "complete").await;
    nomad.stop(&id, Purge::Forget).await.unwrap();
    scene.hears_of_job("it is forgotten", &id, |turn, _| turn == Turn::Gone).await;
    scene.hears_of_allocation("with what it ran", &id, |turn, _| turn == Turn::Gone).await;
    assert_eq!(scene.handle.read(|picture| picture.notes(&allocation).count()), 0);
    let mut life = scene.heard.iter().filter_map(|change| match &change.subject {
        Subject::Job(turn, one) if one.key.id == id => Some((*turn, one.status.clone())),
        _ => None,
    });
    assert_eq!(life.next(), Some((Turn::Appeared, "pending".to_owned())));
    scene.close().await;
}

#[tokio::test]
async fn what_nomad_drops_of_a_failing_task_is_kept() {
    let nomad = shared_nomad().await;
    let mut scene = Scene::open(&watched(shared().await.nomad()), None).await;
    let mut job = script("fails-often", "batch", "sleep 0.3; exit 3");
    *job.at_mut("/TaskGroups/0/RestartPolicy").unwrap() =
        json!({"Attempts": 6, "Delay": 100_000_000, "Interval": 300_000_000_000_i64, "Mode": "fail"});
    nomad.register(&job, Over::Nothing).await.unwrap();
    let id = JobId::new("fails-often");
    let allocation = scene.hears_of_allocation("it has failed for good", &id, |_, one| one.status == "failed").await;
    let kept = scene.handle.read(|picture| picture.notes(&allocation).cloned().collect::<Vec<_>>());
    let ended = kept.iter().filter(|note| note.kind == "Terminated" && note.exit_code == 3);
    assert_eq!(ended.count(), 7, "{kept:#?}");
    assert!(kept.len() > 10 && kept.iter().any(|note| note.kind == "Not Restarting" && note.is_failure()));
    let told = scene.heard.iter().filter_map(|change| match &change.subject {
        Subject::Allocation(_, one, notes) if one.id == allocation => Some(notes.clone()),
        _ => None,
    });
    let told: Vec<_> = told.flatten().collect();
    assert_eq!(told, kept, "each is told once, in order");
    nomad.stop(&id, Purge::Forget).await.unwrap();
    scene.close().await;
}

#[tokio::test]
async fn services_and_checks_come_and_go() {
    let (agents, consul) = (shared().await, shared_consul().await);
    let mut scene = Scene::open(&watched(agents.nomad()), Some(&watched(agents.consul()))).await;
    let check = Check::Ttl { id: "watched-ttl".to_owned(), ttl: Duration::from_secs(600) };
    let service = Registration {
        id: "watched-1".to_owned(),
        name: "watched-service".to_owned(),
        port: Some(80),
        tags: vec!["b".to_owned(), "a".to_owned()],
        checks: vec![check],
        ..Registration::default()
    };
    consul.register(&service).await.unwrap();
    let of = |subject: &Subject, wanted: Status| match subject {
        Subject::Check(_, one) if one.key.id == "watched-ttl" && one.status == wanted => Some(one.service.clone()),
        _ => None,
    };
    scene.hears("it is there, and nobody vouched for it", |subject| of(subject, Status::Critical)).await;
    consul.report("watched-ttl", Verdict::Pass, "well").await.unwrap();
    let name = scene.hears("it is well", |subject| of(subject, Status::Passing)).await;
    assert_eq!(name.as_deref(), Some("watched-service"));
    let tags = scene
        .hears("it is listed", |subject| match subject {
            Subject::ConsulService(Turn::Appeared, one) if one.key.id == "watched-service" => Some(one.tags.clone()),
            _ => None,
        })
        .await;
    assert_eq!(tags, ["a", "b"]);
    consul.deregister("watched-1").await.unwrap();
    for what in ["watched-ttl", "watched-service"] {
        scene
            .hears("it is gone", |subject| match subject {
                Subject::Check(Turn::Gone, one) if one.key.id == what => Some(()),
                Subject::ConsulService(Turn::Gone, one) if one.key.id == what => Some(()),
                _ => None,
            })
            .await;
    }
    scene.close().await;
}
