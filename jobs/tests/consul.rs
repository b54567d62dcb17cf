//! Consul: services and checks, keys and values, sessions, transactions.

use std::{collections::BTreeMap, time::Duration};

use ::jobs::{
    Index, Query,
    consul::{
        Cas, Catalog as _, Check, KeyValue as _, KvError, LocalAgent as _, Locks as _, Only, Operation, Registration,
        SessionSpec, Status, TxnError, Verdict,
    },
};
use tokio::time::Instant;

use crate::support::{eventually, shared_consul};

fn registration(name: &str) -> Registration {
    Registration {
        id: format!("{name}-1"),
        name: name.to_owned(),
        address: Some("10.1.2.3".to_owned()),
        port: Some(8080),
        tags: vec!["expert".to_owned()],
        meta: BTreeMap::from([("model".to_owned(), "small".to_owned())]),
        checks: vec![Check::Ttl { id: format!("{name}-alive"), ttl: Duration::from_secs(60) }],
    }
}

#[tokio::test]
async fn a_check_that_turns_critical_is_seen_within_a_second() {
    let consul = shared_consul().await;
    consul.register(&registration("seen")).await.unwrap();
    consul.report("seen-alive", Verdict::Pass, "well").await.unwrap();
    let listing = eventually("it passes", async || {
        let listing = consul.instances("seen", Only::Passing, &Query::default()).await.unwrap();
        (listing.value.len() == 1).then_some(listing)
    })
    .await;
    let instance = &listing.value[0];
    assert_eq!(
        (instance.address.as_str(), instance.port, instance.meta["model"].as_str()),
        ("10.1.2.3", 8080, "small")
    );
    assert_eq!((instance.status(), instance.tags.clone()), (Status::Passing, vec!["expert".to_owned()]));

    let newer = Query::newer_than(listing.index).waiting(Duration::from_secs(30));
    let watcher = consul.clone();
    let seen = async {
        let listing = watcher.instances("seen", Only::All, &newer).await.unwrap();
        (listing.value[0].status(), Instant::now())
    };
    let act = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        consul.report("seen-alive", Verdict::Fail, "ill").await.unwrap();
        Instant::now()
    };
    let ((status, seen), acted) = tokio::join!(seen, act);
    assert_eq!(status, Status::Critical);
    let late = seen.saturating_duration_since(acted);
    assert!(late < Duration::from_secs(1), "seen {late:?} after it was reported");

    assert_eq!(consul.services(&Query::default()).await.unwrap().value["seen"], ["expert"]);
    let critical = consul.checks(Some(Status::Critical), &Query::default()).await.unwrap().value;
    assert!(critical.iter().any(|check| check.check_id == "seen-alive" && check.output == "ill"), "{critical:?}");
    assert!(consul.instances("seen", Only::Passing, &Query::default()).await.unwrap().value.is_empty());
    consul.deregister("seen-1").await.unwrap();
    assert!(!consul.agent_services().await.unwrap().contains_key("seen-1"));
}

#[tokio::test]
async fn a_filter_with_spaces_finds_what_it_says() {
    let consul = shared_consul().await;
    consul.register(&registration("filtered")).await.unwrap();
    let query = Query::default().matching("Service.Meta.model == \"small\" and \"expert\" in Service.Tags");
    assert_eq!(consul.instances("filtered", Only::All, &query).await.unwrap().value.len(), 1);
    let query = Query::default().matching("Service.Meta.model == \"large\"");
    assert!(consul.instances("filtered", Only::All, &query).await.unwrap().value.is_empty());
    let nodes = consul.nodes(&Query::default()).await.unwrap().value;
    assert_eq!(nodes.len(), 1);
    let checks = consul.node_checks(&nodes[0].node, &Query::default()).await.unwrap().value;
    assert!(checks.iter().any(|check| check.check_id == "serfHealth" && check.status == "passing"), "{checks:?}");
    consul.deregister("filtered-1").await.unwrap();
}

#[tokio::test]
async fn a_key_is_written_over_the_version_that_was_read() {
    let consul = shared_consul().await;
    let key = "a folder/a key?&#%ä";
    assert_eq!(consul.read(key).await.unwrap(), None);
    consul.write(key, "one", Cas::Absent).await.unwrap();
    let error = consul.write(key, "two", Cas::Absent).await.unwrap_err();
    assert!(matches!(error, KvError::Conflict { .. }), "{error:?}");
    let there = consul.read(key).await.unwrap().unwrap();
    assert_eq!((there.key.as_str(), there.value.as_str()), (key, "one"));
    consul.write(key, "two", Cas::At(there.modify_index)).await.unwrap();
    let error = consul.write(key, "three", Cas::At(there.modify_index)).await.unwrap_err();
    assert!(matches!(error, KvError::Conflict { .. }), "{error:?}");
    let error = consul.delete(key, Cas::At(there.modify_index)).await.unwrap_err();
    assert!(matches!(error, KvError::Conflict { .. }), "{error:?}");
    let all = consul.read_all("a folder/").await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.value.as_str()).collect::<Vec<_>>(), ["two"]);
    consul.delete(key, Cas::At(all[0].modify_index)).await.unwrap();
    assert_eq!(consul.read(key).await.unwrap(), None);
}

#[tokio::test]
async fn a_key_is_waited_for_before_it_is_there() {
    let consul = shared_consul().await;
    let absent = consul.watch("waited/for", &Query::default()).await.unwrap();
    assert_eq!(absent.value, None);
    assert!(absent.index > Index(0), "an absent key has an index too");
    let newer = Query::newer_than(absent.index).waiting(Duration::from_secs(30));
    let watcher = consul.clone();
    let before = watcher.requests();
    let found = async {
        let mut listing = watcher.watch("waited/for", &newer).await.unwrap();
        while listing.value.is_none() {
            let newer = Query::newer_than(listing.index).waiting(Duration::from_secs(30));
            listing = watcher.watch("waited/for", &newer).await.unwrap();
        }
        listing.value.unwrap().value
    };
    let act = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        consul.write("waited/for", "here", Cas::Any).await.unwrap();
    };
    let (value, ()) = tokio::join!(found, act);
    assert_eq!(value, "here");
    assert!(watcher.requests() - before < 40, "it waits and does not spin");
}

#[tokio::test]
async fn one_session_holds_a_key_until_it_ends() {
    let consul = shared_consul().await;
    let spec =
        |name: &str| SessionSpec { name: name.to_owned(), ttl: Duration::from_secs(30), lock_delay: Duration::ZERO };
    let first = consul.open_session(&spec("first")).await.unwrap();
    let second = consul.open_session(&spec("second")).await.unwrap();
    assert!(consul.acquire("held", "by first", &first).await.unwrap());
    assert!(!consul.acquire("held", "by second", &second).await.unwrap());
    let held = consul.read("held").await.unwrap().unwrap();
    assert_eq!((held.value.as_str(), held.session.as_ref()), ("by first", Some(&first)));
    assert_eq!(consul.renew_session(&first).await.unwrap().unwrap().name, "first");
    consul.close_session(&first).await.unwrap();
    assert_eq!(consul.renew_session(&first).await.unwrap(), None, "what ended can't be renewed");
    let taken = eventually("the other gets it", async || {
        consul.acquire("held", "by second", &second).await.unwrap().then_some(())
    });
    taken.await;
    assert!(!consul.release("held", "", &first).await.unwrap());
    assert!(consul.release("held", "", &second).await.unwrap());
    consul.close_session(&second).await.unwrap();
    assert!(!consul.sessions().await.unwrap().iter().any(|session| session.id == second));
}

#[tokio::test]
async fn a_transaction_is_done_as_a_whole_or_not_at_all() {
    let consul = shared_consul().await;
    let set = |key: &str, value: &str| Operation::Set { key: key.to_owned(), value: value.to_owned() };
    let written = consul.transaction(&[set("txn/a", "1"), set("txn/b", "2")]).await.unwrap();
    assert_eq!(written.len(), 2);
    let stale = Operation::Require { key: "txn/a".to_owned(), index: Index(1) };
    let error = consul.transaction(&[set("txn/b", "3"), stale]).await.unwrap_err();
    assert!(matches!(&error, TxnError::RolledBack { at: 1, .. }), "{error:?}");
    assert_eq!(consul.read("txn/b").await.unwrap().unwrap().value, "2", "nothing of it was done");
    let delete = |key: &str| Operation::Delete { key: key.to_owned() };
    consul.transaction(&[delete("txn/a"), delete("txn/b")]).await.unwrap();
    assert!(consul.read_all("txn/").await.unwrap().is_empty());
    let error = consul.transaction(&vec![delete("x"); 129]).await.unwrap_err();
    assert!(matches!(error, TxnError::RolledBack { .. }), "{error:?}");
}

#[tokio::test]
async fn the_agent_and_its_cluster_are_known() {
    let consul = shared_consul().await;
    assert!(consul.leader().await.unwrap().is_some());
    assert_eq!(consul.peers().await.unwrap().len(), 1);
    assert_eq!(consul.members().await.unwrap()[0].status, 1);
    assert!(consul.agent_self().await.unwrap().config.unwrap()["Version"].as_str().unwrap().starts_with("1."));
    assert!(!consul.connect_roots().await.unwrap().roots.unwrap_or_default().is_empty());
    eventually("autopilot finds it healthy", async || consul.autopilot_health().await.ok()?.healthy.then_some(()))
        .await;
}
