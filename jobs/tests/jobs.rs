//! Jobs: parsed, planned, registered, changed, scaled, reverted, dispatched, stopped.

use std::{collections::BTreeMap, time::Duration};

use ::jobs::{
    CallError, Cursor, Index, Query,
    nomad::{Job, JobId, Over, ParseError, Purge, RegisterError, ScaleTo},
};
use serde_json::json;

use crate::support::{allocation_in, eventually, now_query, run_until, script, shared_nomad};

const HCL: &str = r#"
job "parsed" {
  type = "batch"
  meta {
    colour = "${var.colour}"
  }
  group "main" {
    task "main" {
      driver = "raw_exec"
      config {
        command = "/bin/true"
      }
    }
  }
}
variable "colour" {
  default = "red"
}
"#;

#[tokio::test]
async fn hcl_is_parsed_by_nomad_with_variables() {
    let nomad = shared_nomad().await;
    let job = nomad.parse(HCL, Some("colour = \"green\"")).await.unwrap();
    assert_eq!((job.id(), job.kind()), (Some(JobId::new("parsed")), Some("batch")));
    assert_eq!(job.at("/Meta/colour"), Some(&json!("green")));
    assert_eq!(job.groups(), ["main"]);
}

#[tokio::test]
async fn invalid_hcl_is_refused_with_its_line() {
    let nomad = shared_nomad().await;
    let error = nomad.parse("job \"x\" {\n  groop \"y\" {}\n}\n", None).await.unwrap_err();
    let ParseError::Invalid { said } = &error else { panic!("{error:?}") };
    assert!(said.contains("groop") && said.contains(":2"), "{said}");
    let error = nomad.parse("job {", None).await.unwrap_err();
    assert!(matches!(error, ParseError::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn a_job_is_registered_over_the_version_that_was_planned_and_no_other() {
    let nomad = shared_nomad().await;
    let mut job = script("planned", "batch", "true");
    let plan = nomad.plan(&job).await.unwrap();
    assert_eq!(plan.job_modify_index, 0, "there is none yet");
    assert!(plan.failed_tg_allocs.unwrap_or_default().is_empty());
    let first = nomad.register(&job, Over::Nothing).await.unwrap();
    assert!(first.evaluation.is_some() && first.job_modify_index > Index(0));

    let error = nomad.register(&job, Over::Nothing).await.unwrap_err();
    assert!(matches!(&error, RegisterError::Conflict { .. }), "{error:?}");
    job.set("Priority", 60);
    let second = nomad.register(&job, Over::Version(first.job_modify_index)).await.unwrap();
    assert!(second.job_modify_index > first.job_modify_index);
    let error = nomad.register(&job, Over::Version(first.job_modify_index)).await.unwrap_err();
    let RegisterError::Conflict { said } = &error else { panic!("{error:?}") };
    assert!(said.contains(&second.job_modify_index.to_string()), "it says where the job is now: {said}");
    assert_eq!(
        nomad.job(&JobId::new("planned"), &now_query()).await.unwrap().value.version(),
        1,
        "nothing was doubled"
    );
}

#[tokio::test]
async fn a_plan_says_why_nothing_can_be_placed() {
    let nomad = shared_nomad().await;
    let mut job = script("too-big", "batch", "true");
    *job.at_mut("/TaskGroups/0/Tasks/0/Resources/MemoryMB").unwrap() = 9_000_000.into();
    let failed = nomad.plan(&job).await.unwrap().failed_tg_allocs.unwrap_or_default();
    let exhausted = failed["main"].dimension_exhausted.clone().unwrap_or_default();
    assert!(exhausted.contains_key("memory"), "{failed:?}");
}

#[tokio::test]
async fn a_wrong_job_is_refused_in_words() {
    let nomad = shared_nomad().await;
    let mut job = script("wrong", "batch", "true");
    job.set("TaskGroups", json!([]));
    let validation = nomad.validate(&job).await.unwrap();
    assert!(validation.error.contains("task group"), "{validation:?}");
    let error = nomad.register(&job, Over::Nothing).await.unwrap_err();
    assert!(matches!(&error, RegisterError::Invalid { said } if said.contains("task group")), "{error:?}");
    let error = nomad.register(&Job::from_json(json!({})).unwrap(), Over::Nothing).await.unwrap_err();
    assert!(matches!(&error, RegisterError::Invalid { .. }), "{error:?}");
}

#[tokio::test]
async fn a_job_that_is_read_and_registered_again_has_lost_nothing() {
    let nomad = shared_nomad().await;
    let mut job = script("lossless", "service", "sleep 600");
    // Fields that no listing shows and few clients know.
    job.set("Meta", json!({"a": "1"}));
    job.set("Spreads", json!([{"Attribute": "${node.datacenter}", "Weight": 70}]));
    *job.at_mut("/TaskGroups/0").unwrap() = {
        let mut group = job.at("/TaskGroups/0").unwrap().clone();
        group["Disconnect"] = json!({"LostAfter": 60_000_000_000_i64, "Replace": false, "Reconcile": "best_score"});
        group["Tasks"][0]["Templates"] = json!([{"EmbeddedTmpl": "x", "DestPath": "local/x", "ErrMissingKey": true}]);
        group
    };
    nomad.register(&job, Over::Nothing).await.unwrap();
    let id = JobId::new("lossless");
    let before = nomad.job(&id, &now_query()).await.unwrap().value;
    assert_eq!(before.at("/TaskGroups/0/Disconnect/Reconcile"), Some(&json!("best_score")));
    let plan = nomad.plan(&before).await.unwrap();
    assert_eq!(plan.diff.unwrap()["Type"], "None", "registering it again would change nothing");
    nomad.register(&before, Over::Version(before.job_modify_index())).await.unwrap();
    let after = nomad.job(&id, &now_query()).await.unwrap().value;
    let moving = ["Status", "JobModifyIndex", "ModifyIndex", "SubmitTime", "Stable", "Version"];
    for (field, value) in before.as_map().iter().filter(|(field, _)| !moving.contains(&field.as_str())) {
        assert_eq!(after.as_map().get(field), Some(value), "{field}");
    }
    nomad.stop(&id, Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn a_parameterised_job_is_dispatched_once_per_key() {
    let nomad = shared_nomad().await;
    let mut job = script("dispatched", "batch", "cat local/input; echo \"/$NOMAD_META_WHO\"");
    job.set("ParameterizedJob", json!({"Payload": "required", "MetaRequired": ["WHO"]}));
    *job.at_mut("/TaskGroups/0/Tasks/0").unwrap() = {
        let mut task = job.at("/TaskGroups/0/Tasks/0").unwrap().clone();
        task["DispatchPayload"] = json!({"File": "input"});
        task
    };
    nomad.register(&job, Over::Nothing).await.unwrap();
    let id = JobId::new("dispatched");
    let meta = BTreeMap::from([("WHO".to_owned(), "me".to_owned())]);
    let error = nomad.dispatch(&id, b"", BTreeMap::new(), None).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("payload"), "{error:?}");
    let first = nomad.dispatch(&id, b"hello \xff", meta.clone(), Some("k1")).await.unwrap();
    let again = nomad.dispatch(&id, b"hello \xff", meta, Some("k1")).await.unwrap();
    assert_eq!(first.dispatched_job_id, again.dispatched_job_id, "the same key starts nothing a second time");
    // The id holds a slash, which must reach Nomad as part of the name.
    let child = JobId::new(first.dispatched_job_id);
    assert!(child.as_str().starts_with("dispatched/dispatch-"), "{child}");
    let allocation = allocation_in(&nomad, &child, "complete").await;
    let path = "alloc/logs/main.stdout.0";
    let written = nomad.file(&::jobs::nomad::AllocationId::new(allocation.id), path).await.unwrap();
    assert_eq!(&written[..], b"hello \xff/me\n");
}

#[tokio::test]
async fn a_job_is_scaled_and_reverted_and_its_versions_are_kept() {
    let nomad = shared_nomad().await;
    let mut job = script("scaled", "service", "sleep 600");
    // Without deployments, which forbid scaling while they run.
    job.set("Update", json!({"MaxParallel": 0}));
    let id = JobId::new("scaled");
    let first = nomad.register(&job, Over::Nothing).await.unwrap();
    let to = |count, over| ScaleTo { group: "main".to_owned(), count, message: "a test".to_owned(), over };
    let second = nomad.scale(&id, &to(2, Over::Version(first.job_modify_index))).await.unwrap();
    let error = nomad.scale(&id, &to(3, Over::Version(first.job_modify_index))).await.unwrap_err();
    assert!(matches!(error, RegisterError::Conflict { .. }), "{error:?}");
    let status = nomad.scale_status(&id, &now_query()).await.unwrap().value;
    assert_eq!(status.task_groups.unwrap()["main"].desired, 2);

    let versions = nomad.versions(&id).await.unwrap();
    assert_eq!(
        versions.jobs.iter().map(|job| (job.version(), job.count("main"))).collect::<Vec<_>>(),
        [(1, Some(2)), (0, Some(1))]
    );
    assert_eq!(versions.diffs.len(), 1);
    let error = nomad.revert(&id, 0, Some(7)).await.unwrap_err();
    assert!(matches!(error, RegisterError::Conflict { .. }), "{error:?}");
    let third = nomad.revert(&id, 0, Some(1)).await.unwrap();
    assert!(third.job_modify_index > second.job_modify_index);
    let now = nomad.job(&id, &now_query()).await.unwrap().value;
    assert_eq!((now.version(), now.count("main")), (2, Some(1)));
    let error = nomad.revert(&id, 99, None).await.unwrap_err();
    assert!(matches!(&error, RegisterError::Invalid { said } if said.contains("99")), "{error:?}");

    let stopped = nomad.stop(&id, Purge::Keep).await.unwrap();
    let evaluation = stopped.evaluation.unwrap();
    let over = eventually("the evaluation is over", async || {
        let found = nomad.evaluation(&evaluation, &now_query()).await.unwrap().value;
        found.is_over().then_some(found)
    });
    assert_eq!(over.await.triggered_by, "job-deregister");
    assert!(nomad.job(&id, &now_query()).await.unwrap().value.is_stopped());
    nomad.stop(&id, Purge::Forget).await.unwrap();
    let error = nomad.job(&id, &now_query()).await.unwrap_err();
    assert!(matches!(&error, CallError::NotFound { said, .. } if said.contains("job not found")), "{error:?}");
}

#[tokio::test]
async fn a_deployment_is_followed_to_its_end() {
    let nomad = shared_nomad().await;
    let mut job = script("deployed", "service", "sleep 600");
    let update = json!({"MaxParallel": 1, "HealthCheck": "task_states", "MinHealthyTime": 500_000_000_i64, "HealthyDeadline": 30_000_000_000_i64, "ProgressDeadline": 60_000_000_000_i64});
    job.set("Update", update);
    let id = JobId::new("deployed");
    nomad.register(&job, Over::Nothing).await.unwrap();
    let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
    let follow = async {
        loop {
            let listing = nomad.latest_deployment(&id, &cursor.query(Duration::from_secs(20))).await.unwrap();
            cursor.advance(listing.index);
            let Some(deployment) = listing.value else { continue };
            seen.push(deployment.status.clone());
            if deployment.is_over() {
                return deployment;
            }
        }
    };
    let deployment = tokio::time::timeout(Duration::from_secs(60), follow).await.unwrap();
    assert_eq!(deployment.status, "successful", "{seen:?}");
    assert_eq!(deployment.task_groups.unwrap()["main"].healthy_allocs, 1);
    let all = nomad.deployments(&Query::default().starting_with(&deployment.id[..8])).await.unwrap().value;
    assert_eq!(all.len(), 1);
    assert!(nomad.job(&id, &now_query()).await.unwrap().value.is_stable(), "a success makes its version stable");
    nomad.stop(&id, Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn a_listing_without_entries_is_empty_and_not_an_error() {
    let nomad = shared_nomad().await;
    let none = JobId::new("no-such-job");
    assert_eq!(nomad.job_allocations(&none, &now_query()).await.unwrap().value, []);
    assert_eq!(nomad.job_deployments(&none, &now_query()).await.unwrap().value, []);
    assert_eq!(nomad.latest_deployment(&none, &now_query()).await.unwrap().value, None);
    assert_eq!(nomad.jobs(&Query::default().starting_with("no-such")).await.unwrap().value, []);
    assert_eq!(nomad.in_namespace("nowhere").jobs(&now_query()).await.unwrap().value, []);
    assert_eq!(nomad.submission(&none, 0).await.unwrap(), None);
}

#[tokio::test]
async fn a_blocking_query_wakes_when_its_job_changes_and_not_before() {
    let nomad = shared_nomad().await;
    let query = Query::default().starting_with("woken");
    let listing = nomad.jobs(&query).await.unwrap();
    let before = nomad.requests();
    let waiting = nomad.clone();
    let newer = Query { index: Some(listing.index), wait: Some(Duration::from_secs(30)), ..query.clone() };
    let watch = async { waiting.jobs(&newer).await.unwrap() };
    let act = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        nomad.register(&script("woken", "batch", "true"), Over::Nothing).await.unwrap();
        tokio::time::Instant::now()
    };
    let woken = async {
        // Other tests' jobs move the table's index; only ours is in the answer.
        let mut found = watch.await;
        let mut cursor = Cursor::default();
        while found.value.is_empty() {
            cursor.advance(found.index);
            found = waiting.jobs(&Query { index: Some(found.index), wait: newer.wait, ..query.clone() }).await.unwrap();
        }
        (found.value, tokio::time::Instant::now())
    };
    let ((jobs, seen), done) = tokio::join!(woken, act);
    assert_eq!(jobs[0].id, "woken");
    let late = seen.saturating_duration_since(done);
    assert!(late < Duration::from_secs(2), "seen {late:?} after it was registered");
    assert!(nomad.requests() - before < 60, "it waits and does not spin");
}

#[tokio::test]
async fn a_listing_comes_in_pages() {
    let nomad = shared_nomad().await;
    for number in 0..3 {
        nomad.register(&script(&format!("paged-{number}"), "batch", "true"), Over::Whatever).await.unwrap();
    }
    let (mut from, mut found) = (None, Vec::new());
    loop {
        let page = ::jobs::blocking::Page { size: 2, from };
        let query = Query { page: Some(page), ..Query::default().starting_with("paged-") };
        let listing = nomad.jobs(&query).await.unwrap();
        found.extend(listing.value.into_iter().map(|job| job.id));
        from = listing.next;
        if from.is_none() {
            break;
        }
    }
    found.sort();
    assert_eq!(found, ["paged-0", "paged-1", "paged-2"]);
    let filtered = nomad.jobs(&Query::default().matching("Name == \"paged-1\" and Type == \"batch\"")).await.unwrap();
    assert_eq!(filtered.value.len(), 1);
}

#[tokio::test]
async fn a_failed_job_says_how_it_failed() {
    let nomad = shared_nomad().await;
    let allocation = run_until(&nomad, &script("fails", "batch", "exit 3"), "failed").await;
    let states = allocation.task_states.unwrap();
    let events = states["main"].events.clone().unwrap_or_default();
    let terminated = events.iter().find(|event| event.type_ == "Terminated").unwrap();
    assert_eq!(terminated.details.clone().unwrap_or_default()["exit_code"], "3");
    let statuses = nomad.job_statuses(&Query::default().matching("ID == \"fails\"")).await.unwrap().value;
    assert_eq!(statuses.len(), 1);
}
