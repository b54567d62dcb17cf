//! A cluster of Roost's own, with real agents: TLS, gossip keys and access control all on at once.

use std::time::Duration;

use ::jobs::{
    CallError,
    bootstrap::{As, BootstrapError, Cluster, NodeKit, Secrets, Step, Vouched},
};
use tasks::{Clock as _, SystemClock};

use crate::closed::{Rack, SERVER, node, rack};

#[tokio::test]
async fn a_cluster_is_closed_by_steps_that_may_be_repeated_after_a_crash_at_any_point() {
    let rack = Rack::start().await;
    let now = SystemClock.now();
    let mut kept = Vec::new();
    let mut cluster = rack.cluster();
    // A crash between the making of a secret and its keeping: the next attempt starts from what was kept before.
    let cut = cluster.bootstrap(now, SERVER, |_| Err("the disk is full".into()), drop).await.unwrap_err();
    assert!(matches!(cut, BootstrapError::Keep(_)), "{cut:?}");
    let mut cluster = rack.cluster();
    let mut steps = Vec::new();
    let keep = |kept: &mut Vec<Secrets>, secrets: &Secrets| {
        kept.push(secrets.clone());
        Ok(())
    };
    let done = cluster.bootstrap(now, SERVER, |secrets| keep(&mut kept, secrets), |step| steps.push(step)).await;
    done.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    let all = [Step::ConsulFirstToken, Step::ConsulTokens, Step::NomadFirstToken, Step::NomadTokens, Step::Workloads];
    assert_eq!(steps, all);
    let [secrets] = &kept[..] else { panic!("kept {} times", kept.len()) };
    assert!(secrets.nomad_daemon.is_some());

    // Again, with what was kept: nothing is made anew.
    let mut cluster = Cluster::new(rack.facts().clone(), secrets.clone()).unwrap();
    let mut grown = 0;
    cluster
        .bootstrap(
            now,
            SERVER,
            |_| {
                grown += 1;
                Ok(())
            },
            drop,
        )
        .await
        .unwrap();
    assert_eq!(grown, 0);
    let all = cluster.clients(As::Management, now).unwrap();
    assert_eq!(cluster.vouch(&all).await.unwrap(), Vouched::Already);
    assert_eq!(all.nomad.tokens().await.unwrap().len(), 2, "the first and the daemon's, and none that a crash left");
    assert_eq!(all.consul.binding_rules("roost-nomad-workloads").await.unwrap().len(), 2);

    // The daemon does its daily work, and is not the master.
    let daemon = cluster.clients(As::Daemon, now).unwrap();
    daemon.nomad.nodes(&Default::default()).await.unwrap();
    assert!(matches!(daemon.nomad.tokens().await, Err(CallError::Denied { .. })));
    assert!(daemon.consul.tokens().await.is_err_and(|error| matches!(error, CallError::Denied { .. })));

    // Somebody else's secrets, though of the same authority, find it taken.
    let other = Secrets { authority_key: secrets.authority_key.clone(), ..Secrets::random().unwrap() };
    let mut other = Cluster::new(rack.facts().clone(), other).unwrap();
    let error = other.bootstrap(now, SERVER, |_| Ok(()), drop).await.unwrap_err();
    assert!(matches!(error, BootstrapError::Taken { service: "Consul" }), "{error:?}");
}

#[tokio::test]
async fn without_a_certificate_neither_agent_says_a_word() {
    let rack = rack().await;
    for url in [rack.facts().consul_url(), rack.facts().nomad_url()] {
        for path in ["/v1/status/leader", "/v1/agent/self", "/.well-known/jwks.json", "/ui/"] {
            let said = rack.stranger().curl(&format!("{url}{path}"), &[]).await;
            assert_eq!((said.status, said.body.as_str()), (None, ""), "{url}{path}");
        }
    }
    let ports = rack.facts().ports;
    for port in [ports.consul_server, ports.nomad_rpc] {
        // In plain: the byte for ordinary RPC, then a request. Either answers nothing and hangs up.
        assert_eq!(rack.plain_rpc(port).await, b"", "{port}");
        let error = rack.tls_rpc(port).await.unwrap_err();
        assert!(error.contains("ertificate"), "{port}: {error}");
    }
    // Gossip: an agent of the same datacenter without the key is not let in.
    let before = rack.members().await;
    let stranger = rack.stranger_agent("stranger");
    stranger.until_logged("failed", Duration::from_secs(60)).await;
    assert_eq!(rack.members().await, before);
}

#[tokio::test]
async fn a_kit_holds_all_that_a_node_needs_and_minted_again_shuts_nobody_out() {
    let rack = rack().await;
    let (cluster, node) = (rack.shared(), node(1));
    let mint = async || cluster.mint(SystemClock.now(), &node).await.unwrap();
    let (kit, again) = (mint().await, mint().await);
    let names: Vec<_> = kit.files.iter().map(|(name, _)| *name).collect();
    let all = [
        "ca.pem",
        "consul.pem",
        "consul-key.pem",
        "nomad.pem",
        "nomad-key.pem",
        "consul-gossip",
        "consul-agent-token",
        "nomad-consul-token",
        "nomad-intro-token",
    ];
    assert_eq!(names, all);
    let file = |kit: &NodeKit, name| kit.files.iter().find(|(file, _)| *file == name).unwrap().1.clone();
    for (name, same) in [("consul-agent-token", true), ("nomad-consul-token", true), ("consul-key.pem", false)] {
        assert_eq!(file(&kit, name) == file(&again, name), same, "{name}");
    }
    let told = serde_json::to_string(&kit.variables).unwrap();
    for (name, secret) in &kit.files {
        assert!(!told.contains(secret.expose().as_str()), "{name}");
    }
    // Retired and admitted again it is given others.
    let all = cluster.clients(As::Management, SystemClock.now()).unwrap();
    cluster.revoke(&all, &node).await.unwrap();
    cluster.revoke(&all, &node).await.unwrap();
    assert_ne!(file(&mint().await, "consul-agent-token"), file(&kit, "consul-agent-token"));
}
