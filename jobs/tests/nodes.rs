//! Nodes: listed, drained, made eligible or not. On agents of their own: a drained node serves no other test.

use std::time::Duration;

use ::jobs::nomad::{Drain, Eligibility, JobId, NodeId, SystemJobs};
use lab::agents::{Consul, Spec};

use crate::support::{allocation_in, eventually, nomad_at, now_query, run_until, script, shared_nomad, start};

#[tokio::test]
async fn the_cluster_and_its_node_are_known() {
    let nomad = shared_nomad().await;
    let nodes = nomad.nodes(&now_query()).await.unwrap().value;
    assert_eq!(nodes.len(), 1);
    assert_eq!((nodes[0].status.as_str(), nodes[0].scheduling_eligibility.as_str()), ("ready", "eligible"));
    assert!(nodes[0].drivers.clone().unwrap_or_default()["raw_exec"].healthy);
    let node = nomad.node(&NodeId::new(nodes[0].id.clone()), &now_query()).await.unwrap().value;
    assert!(node.attributes.unwrap().contains_key("nomad.version"));
    assert!(nomad.leader().await.unwrap().is_some());
    assert_eq!((nomad.peers().await.unwrap().len(), nomad.regions().await.unwrap()), (1, vec!["global".to_owned()]));
    assert!(nomad.agent_health().await.unwrap().server.unwrap().ok);
    assert_eq!(nomad.members().await.unwrap().members.unwrap_or_default().len(), 1);
    assert!(nomad.agent_self().await.unwrap().config.is_some());
    assert!(nomad.scheduler_configuration().await.unwrap().contains_key("SchedulerConfig"));
    assert!(nomad.metrics().await.unwrap().contains_key("Gauges"));
    assert!(nomad.node_stats(&NodeId::new(nodes[0].id.clone())).await.unwrap().contains_key("Memory"));
    assert!(nomad.node_pools().await.unwrap().iter().any(|pool| pool.name == "default"));
    assert!(nomad.namespaces().await.unwrap().iter().any(|namespace| namespace.name == "default"));
}

#[tokio::test]
async fn a_node_is_drained_and_comes_back() {
    let agents = start(Spec { consul: Consul::No, ..Spec::default() }).await;
    let nomad = nomad_at(&agents.nomad()[0].url());
    let node = NodeId::new(nomad.nodes(&now_query()).await.unwrap().value[0].id.clone());
    let job = script("moved", "service", "sleep 600");
    let allocation = run_until(&nomad, &job, "running").await;
    let eligibility = async || nomad.node(&node, &now_query()).await.unwrap().value.scheduling_eligibility;

    nomad.set_eligibility(&node, Eligibility::Ineligible).await.unwrap();
    assert_eq!(eligibility().await, "ineligible");
    nomad.set_eligibility(&node, Eligibility::Eligible).await.unwrap();
    let drain =
        Drain { deadline: Some(Duration::from_secs(2)), system_jobs: SystemJobs::Keep, reason: "a test".to_owned() };
    nomad.drain(&node, &drain).await.unwrap();
    eventually("what ran there is stopped", async || {
        let id = ::jobs::nomad::AllocationId::new(allocation.id.clone());
        (nomad.allocation(&id, &now_query()).await.unwrap().value.client_status == "complete").then_some(())
    })
    .await;
    eventually("the drain is over", async || {
        let node = nomad.node(&node, &now_query()).await.unwrap().value;
        (!node.drain && node.last_drain?.get("Status")? == "complete").then_some(())
    })
    .await;
    assert_eq!(eligibility().await, "ineligible", "a drained node stays away until it is let back");
    nomad.set_eligibility(&node, Eligibility::Eligible).await.unwrap();
    // The evaluation that was blocked may be given up meanwhile; whoever drains looks at the job again.
    assert!(nomad.evaluate(&JobId::new("moved")).await.unwrap().evaluation.is_some());
    let again = allocation_in(&nomad, &JobId::new("moved"), "running").await;
    assert_ne!(again.id, allocation.id);
    nomad.drain(&node, &Drain { deadline: None, ..drain }).await.unwrap();
    nomad.stop_drain(&node, Eligibility::Eligible).await.unwrap();
    assert_eq!(eligibility().await, "eligible");
}
