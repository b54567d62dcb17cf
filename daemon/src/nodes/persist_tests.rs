//! What a daemon that is killed finds again: the token that counts, and the approval that stands open.

use vocabulary::{CallHome, HostKey, NodeState};

use super::*;
use crate::nodes::{
    lifecycle::Enroll,
    requests::{
        Approval, TurnedDown,
        tests::{at, booting, by_ann, call, call_home, discover, mac},
    },
};

async fn reopened(store: &Store, ledger: &Ledger, writes: Vec<Writes>) -> Ledger {
    for writes in writes {
        commit(store, writes, at(0)).await.unwrap();
    }
    load(store, ledger.rules.clone(), at(0)).await.unwrap()
}

/// From the first packet to the script, written turn by turn.
async fn booted(store: &Store) -> (Ledger, CallHome) {
    let (model, token) = booting(Enroll::Auto);
    let mut writes = Writes::default();
    for tracked in model.machines() {
        writes.nodes.insert(tracked.node.id.clone(), (0, tracked.node.clone()));
        writes.boots.extend(tracked.boots().map(|boot| (boot.id, (tracked.node.id.clone(), boot.clone()))));
    }
    (reopened(store, &model, vec![writes]).await, call(1, token))
}

#[tokio::test]
async fn a_token_that_a_discover_came_after_counts_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let (mut ledger, honest) = booted(&store).await;
    let writes = discover(&mut ledger, 5, 1);
    let mut ledger = reopened(&store, &ledger, vec![writes]).await;
    let (run, writes) = call_home(&mut ledger, 10, &honest);
    assert!(run.is_ok(), "{run:?}");
    let again = discover(&mut ledger, 20, 1);
    let mut ledger = reopened(&store, &ledger, vec![writes, again]).await;
    assert_eq!(call_home(&mut ledger, 30, &honest).0, run, "the same 202");
    let mut cloner = honest.clone();
    cloner.ssh_host_keys = vec![HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap()];
    assert!(matches!(call_home(&mut ledger, 31, &cloner).0, Err(TurnedDown::Parked(_))));
}

#[tokio::test]
async fn an_approval_of_a_suspect_ends_after_a_restart_too_and_its_used_token_stays_worthless() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let (mut ledger, honest) = booted(&store).await;
    let (_, called) = call_home(&mut ledger, 10, &honest);
    let mut cloner = honest.clone();
    cloner.ssh_host_keys = vec![HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap()];
    let (_, parked) = call_home(&mut ledger, 11, &cloner);
    let mut approved = Writes::default();
    ledger.approve(at(20), by_ann(Approval::Nodes(vec![NodeId::of(mac(1))])), &mut approved).unwrap();
    let mut ledger = reopened(&store, &ledger, vec![called, parked, approved]).await;
    assert!(matches!(call_home(&mut ledger, 30, &honest).0, Err(TurnedDown::Refused(_))));
    let mut writes = Writes::default();
    ledger.tick(at(20 + 3601), &mut writes);
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Suspect);
    let mut ledger = reopened(&store, &ledger, vec![writes]).await;
    assert!(ledger.launchables().is_empty());
    let mut later = Writes::default();
    ledger.tick(at(1_000_000), &mut later);
    assert!(later.is_empty(), "{later:?}");
}
