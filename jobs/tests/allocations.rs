//! Allocations: restarted, signalled, stopped; their files and figures.

use ::jobs::{
    CallError,
    nomad::{AllocationId, JobId, Purge, Which},
};

use crate::support::{allocation_in, eventually, now_query, run_until, script, shared_nomad};

#[tokio::test]
async fn an_allocation_is_signalled_restarted_and_replaced() {
    let nomad = shared_nomad().await;
    let told = "trap 'echo told' USR1; echo up; while :; do sleep 0.1; done";
    let job = script("restarted", "service", told);
    let allocation = run_until(&nomad, &job, "running").await;
    let id = AllocationId::new(allocation.id.clone());
    let written =
        async || String::from_utf8_lossy(&nomad.file(&id, "alloc/logs/main.stdout.0").await.unwrap()).into_owned();
    eventually("it is up", async || written().await.contains("up").then_some(())).await;
    nomad.signal_allocation(&id, "SIGUSR1", &Which::Task("main".to_owned())).await.unwrap();
    eventually("it was told", async || written().await.contains("told").then_some(())).await;

    nomad.restart_allocation(&id, &Which::Running).await.unwrap();
    eventually("it was restarted", async || {
        let states = nomad.allocation(&id, &now_query()).await.unwrap().value.task_states?;
        (states["main"].restarts == 1 && states["main"].state == "running").then_some(())
    })
    .await;
    let error = nomad.file(&id, "alloc/no-such-file").await.unwrap_err();
    assert!(matches!(&error, CallError::NotFound { said, .. } if said.contains("no-such-file")), "{error:?}");
    let files = nomad.files(&id, "alloc/logs").await.unwrap();
    assert!(files.iter().any(|file| file.name == "main.stdout.0" && file.size > 0), "{files:?}");
    assert!(nomad.allocation_stats(&id).await.unwrap().contains_key("ResourceUsage"));
    assert!(nomad.allocation_checks(&id).await.unwrap().is_empty());

    nomad.stop_allocation(&id).await.unwrap();
    let job_id = JobId::new("restarted");
    eventually("it is replaced", async || {
        let all = nomad.job_allocations(&job_id, &now_query()).await.unwrap().value;
        all.iter().any(|found| found.id != allocation.id && found.client_status == "running").then_some(())
    })
    .await;
    nomad.stop(&job_id, Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn an_allocation_that_is_not_there_is_named_so() {
    let nomad = shared_nomad().await;
    let none = AllocationId::new("00000000-0000-0000-0000-000000000000");
    let error = nomad.allocation(&none, &now_query()).await.unwrap_err();
    assert!(matches!(error, CallError::NotFound { .. }), "{error:?}");
    assert!(!error.is_transient() && !error.may_have_happened());
    let error = nomad.file(&none, "x").await.unwrap_err();
    assert!(matches!(error, CallError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn what_ended_is_found_by_the_beginning_of_its_id() {
    let nomad = shared_nomad().await;
    let allocation = run_until(&nomad, &script("searched", "batch", "true"), "complete").await;
    let found = nomad.search(&allocation.id[..8], "allocs").await.unwrap();
    assert_eq!(found["allocs"], std::slice::from_ref(&allocation.id));
    let again = allocation_in(&nomad, &JobId::new("searched"), "complete").await;
    assert_eq!(again.id, allocation.id);
    let evaluation = ::jobs::nomad::EvaluationId::new(allocation.eval_id);
    assert_eq!(nomad.evaluation_allocations(&evaluation).await.unwrap().len(), 1);
}
