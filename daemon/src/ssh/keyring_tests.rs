//! What a rotation leaves on disk, whatever interrupts it. With nodes it is in `tests/suite/walk.rs`.

use std::{os::unix::fs::PermissionsExt as _, path::Path};

use super::*;

async fn ring(folder: &Path) -> Keyring {
    Keyring::open_ring(FleetKey::ensure(folder).await.unwrap(), folder.to_owned()).await.unwrap()
}

fn at_rotation(key: &FleetKey) -> Timestamp {
    std::fs::metadata(&key.private).unwrap().modified().unwrap().try_into().unwrap()
}

#[tokio::test]
async fn a_rotation_without_nodes_replaces_the_file_and_the_key_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = ring(folder.path()).await;
    let old = keyring.current();
    assert_eq!(keyring.begin(vec![], Silent::Stop).await.unwrap(), Begun::Replaced);
    assert_ne!(keyring.current().public, old.public);
    assert_eq!(FleetKey::ensure(folder.path()).await.unwrap().public, keyring.current().public);
}

#[tokio::test]
async fn the_key_before_is_kept_for_a_day_and_longer_while_a_node_may_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = ring(folder.path()).await;
    let old = first.current();
    first.begin(vec![], Silent::Stop).await.unwrap();
    let keyring = ring(folder.path()).await;
    let kept = keyring.previous().unwrap();
    assert_eq!(kept.public, old.public);
    let rotated = at_rotation(&kept);
    let hours = |hours: u64| rotated + Duration::from_secs(hours * 3600);
    for (now, missing, forgotten) in [(23, 0, false), (25, 1, false), (24 * 7 + 1, 1, true)] {
        keyring.finish(hours(now), missing).await.unwrap();
        assert_eq!(!kept.private.exists(), forgotten, "after {now} h with {missing} missing");
        assert_eq!(keyring.unsettled(), !forgotten);
    }
    keyring.begin(vec![], Silent::Stop).await.unwrap();
    let again = keyring.previous().unwrap();
    keyring.finish(at_rotation(&again) + Duration::from_secs(25 * 3600), 0).await.unwrap();
    assert!(!keyring.unsettled() && !again.private.exists());
}

#[tokio::test]
async fn a_crash_between_the_copy_and_the_rename_leaves_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let current = ring(folder.path()).await.current();
    let copy = current.keep_as_previous(folder.path()).unwrap();
    let keyring = ring(folder.path()).await;
    assert!(keyring.previous().is_none() && !copy.private.exists());
    assert_eq!(keyring.current().public, current.public);
}

#[tokio::test]
async fn a_node_that_does_not_answer_stops_a_rotation_before_anything_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = ring(folder.path()).await;
    let old = keyring.current();
    let node = NodeId::of(vocabulary::Mac([2; 6]));
    let dead = Pinned { address: std::net::Ipv4Addr::LOCALHOST, host_keys: vec![] };
    let error = keyring.begin(vec![(node.clone(), dead)], Silent::Stop).await.unwrap_err();
    assert!(matches!(error, RotateError::Silent(silent) if silent == [node]));
    assert_eq!(keyring.current().public, old.public);
    assert!(!keyring.unsettled());
}

#[tokio::test]
async fn a_given_key_is_put_in_place_by_who_gave_it_and_then_the_rotation_goes_on() {
    for kept in [Kept::Credential, Kept::Configured] {
        let (folder, safe) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = FleetKey::ensure(safe.path()).await.unwrap();
        let given = FleetKey::given(made.private.clone(), kept).await.unwrap();
        let keyring = Keyring::open_ring(given, folder.path().to_owned()).await.unwrap();
        let begun = keyring.begin(vec![], Silent::Stop).await.unwrap();
        let Begun::HandOver { next, .. } = begun else { panic!("{begun:?}") };
        assert_eq!(keyring.current().public, made.public, "not Roost's to replace");
        let to_come = FleetKey::given(next.clone(), Kept::File0600).await.unwrap().public;
        assert_eq!(
            keyring.for_boots().public,
            to_come,
            "a machine that boots across the restart is opened before and after"
        );
        let again = FleetKey::given(made.private.clone(), kept).await.unwrap();
        let keyring = Keyring::open_ring(again, folder.path().to_owned()).await.unwrap();
        assert_eq!(keyring.for_boots().public, to_come, "forgotten by a restart");
        assert!(keyring.unsettled(), "nodes that were missed have yet to hear of it");
        keyring.finish(Timestamp::MAX, 0).await.unwrap();
        assert!(next.exists() && keyring.unsettled(), "nobody else has it yet");

        std::fs::copy(&next, &made.private).unwrap();
        let given = FleetKey::given(made.private, kept).await.unwrap();
        let keyring = Keyring::open_ring(given, folder.path().to_owned()).await.unwrap();
        assert!(keyring.unsettled(), "nodes still take the old one");
        assert_eq!(keyring.for_boots().public, to_come);
        keyring.finish(Timestamp::UNIX_EPOCH, 1).await.unwrap();
        assert!(next.exists() && keyring.unsettled());
        keyring.finish(Timestamp::UNIX_EPOCH, 0).await.unwrap();
        assert!(!next.exists() && !keyring.unsettled());
    }
}

#[tokio::test]
async fn an_order_is_noted_where_roost_made_no_key_of_its_own() {
    for kept in [Kept::Credential, Kept::Configured] {
        let (folder, safe) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let given = FleetKey::ensure(safe.path()).await.unwrap();
        let given = FleetKey::given(given.private, kept).await.unwrap();
        let order = RotationOrder { by: "ann".into(), silent: Silent::Stop, from: given.public.clone() };
        let keyring = Keyring::open_ring(given, folder.path().to_owned()).await.unwrap();
        keyring.note(&order).unwrap();
        assert_eq!(keyring.ordered().unwrap(), order);
        let mode = std::fs::metadata(folder.path().join("ssh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        keyring.cross_out().unwrap();
    }
}

#[tokio::test]
async fn a_key_that_was_put_in_place_does_not_lie_readable_for_ever_for_a_node_that_is_gone() {
    let (folder, safe) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = FleetKey::ensure(safe.path()).await.unwrap();
    let next = FleetKey::next(folder.path(), &made).await.unwrap();
    let given = FleetKey::given(next.private.clone(), Kept::Credential).await.unwrap();
    let keyring = Keyring::open_ring(given, folder.path().to_owned()).await.unwrap();
    let days = |days: u64| at_rotation(&next) + Duration::from_secs(days * 24 * 3600 + 1);
    keyring.finish(days(6), 1).await.unwrap();
    assert!(next.private.exists());
    keyring.finish(days(7), 1).await.unwrap();
    assert!(!next.private.exists() && !keyring.unsettled());
}

/// The operator was told to put the second key in place, and the first one is still waited for by a node.
#[tokio::test]
async fn a_second_rotation_keeps_the_key_that_it_told_the_operator_to_put_in_place() {
    let (folder, safe) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = FleetKey::ensure(safe.path()).await.unwrap();
    let opened = async || {
        let given = FleetKey::given(made.private.clone(), Kept::Credential).await.unwrap();
        Keyring::open_ring(given, folder.path().to_owned()).await.unwrap()
    };
    let next = folder.path().join("ssh/next_ed25519");
    opened().await.begin(vec![], Silent::Stop).await.unwrap();
    std::fs::copy(&next, &made.private).unwrap();
    let keyring = opened().await;
    keyring.begin(vec![], Silent::Stop).await.unwrap();
    let promised = std::fs::read(&next).unwrap();
    for missing in [1, 0] {
        keyring.finish(at_rotation(&made) + Duration::from_secs(30 * 24 * 3600), missing).await.unwrap();
        assert_eq!(std::fs::read(&next).unwrap(), promised, "nobody else has it");
    }
}
