//! Opening: one daemon a folder, private files, and clear words for what is not ours, newer or damaged.

use std::{error::Error as _, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use rusqlite::Connection;
use store::{Batch, OpenError, Store, WriteError};
use vocabulary::Identity;

use crate::samples::{at, event, id, node};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("roost.db")
}

/// A closed store with one event.
async fn written(folder: &Path) {
    let store = Store::open(folder, at(0)).await.unwrap();
    store.commit(Batch { events: vec![event("first")], ..Batch::default() }).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn everything_is_its_owners_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = Store::open(&folder, at(0)).await.unwrap();
    store.commit(Batch { events: vec![event("x")], ..Batch::default() }).await.unwrap();
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_told_who_was_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(7)).await.unwrap();
    let refused = Store::open(folder.path(), at(9)).await.unwrap_err();
    let OpenError::Held { pid, since, .. } = &refused else { panic!("{refused}") };
    assert_eq!((*pid, *since), (Some(std::process::id()), Some(at(7))));
    assert!(refused.to_string().contains(&format!("process id {}, since 2027-", std::process::id())), "{refused}");
    assert!(refused.remedy().contains("data_dir"));
    store.close().await;
    Store::open(folder.path(), at(9)).await.unwrap();
}

#[tokio::test]
async fn a_child_that_outlives_the_daemon_does_not_hold_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    store.close().await;
    let reopened = Store::open(folder.path(), at(0)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    reopened.unwrap();
}

#[tokio::test]
async fn what_was_closed_refuses_and_what_was_written_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let clone = store.clone();
    let first = store.commit(Batch { events: vec![event("first")], ..Batch::default() }).await.unwrap();
    store.close().await;
    let late = clone.commit(Batch { events: vec![event("late")], ..Batch::default() }).await;
    assert!(matches!(late, Err(WriteError::Closed)));
    assert!(clone.nodes().await.is_err());
    assert!(!folder.path().join("roost.db-wal").exists(), "the log was not folded in");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    assert_eq!(store.events_since(vocabulary::Seq(0), 9).await.unwrap(), first.events);
    assert_eq!(*store.commits().borrow(), vocabulary::Seq(1));
}

#[tokio::test]
async fn a_newer_schema_names_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path()).await;
    Connection::open(database(folder.path())).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let error = Store::open(folder.path(), at(0)).await.unwrap_err();
    let OpenError::Newer { found: 999, known, .. } = error else { panic!("{error}") };
    assert!(error.to_string().ends_with(&format!("has schema version 999, this roost knows versions up to {known}")));
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    Connection::open(database(folder.path())).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(database(folder.path())).unwrap();
    let error = Store::open(folder.path(), at(0)).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(database(folder.path())).unwrap().len(), before.len());
}

#[tokio::test]
async fn damage_is_called_damage_and_the_remedy_is_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path()).await;
    let mut bytes = fs::read(database(folder.path())).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0x5a);
    fs::write(database(folder.path()), &bytes).unwrap();
    let error = Store::open(folder.path(), at(0)).await.unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.remedy().contains("roost restore"));
    fs::write(database(folder.path()), "no database at all, but long enough to be taken for one".repeat(99)).unwrap();
    let error = Store::open(folder.path(), at(0)).await.unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let error = Store::open(Path::new("/proc/roost"), at(0)).await.unwrap_err();
    assert_eq!(error.to_string(), "could not open /proc/roost");
    assert!(error.source().is_some());
}

/// Makes the closed database one of an earlier schema, whose identities lacked this field.
fn rewind(folder: &Path, version: u32, field: &str) {
    let script = format!(
        "UPDATE nodes SET identity = json_remove(identity, '{field}'); ALTER TABLE nodes DROP COLUMN nomad;
         ALTER TABLE nodes DROP COLUMN certificates; ALTER TABLE runs DROP COLUMN purpose;
         PRAGMA user_version = {version};"
    );
    Connection::open(database(folder)).unwrap().execute_batch(&script).unwrap();
}

/// A database of the first schema, whose identities do not speak of TPMs.
#[tokio::test]
async fn a_node_of_before_tpms_were_asked_keeps_its_identity() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    store.commit(Batch { nodes: vec![node(1).into()], ..Batch::default() }).await.unwrap();
    store.close().await;
    rewind(folder.path(), 1, "$.tpm");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let identity = store.node(id(1)).await.unwrap().unwrap().identity.unwrap();
    assert_eq!(identity, Identity { tpm: None, answered: None, kept: None, ..node(1).identity.unwrap() });
}

/// A database of the second schema, whose identities do not say whether their key answered.
#[tokio::test]
async fn a_node_that_ansible_worked_on_before_it_was_written_down_that_it_answered_has_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let ready = vocabulary::Node { state: vocabulary::NodeState::Ready, since: at(50), ..node(2) };
    let nodes = vec![node(1).into(), ready.into()];
    store.commit(Batch { nodes, ..Batch::default() }).await.unwrap();
    store.close().await;
    rewind(folder.path(), 2, "$.answered");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    for (last, answered) in [(1, None), (2, Some(at(50)))] {
        assert_eq!(store.node(id(last)).await.unwrap().unwrap().identity.unwrap().answered, answered);
    }
}

/// A database of the third schema, whose identities do not say whether a disk keeps them.
#[tokio::test]
async fn a_node_of_before_disks_kept_anything_rests_on_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    store.commit(Batch { nodes: vec![node(1).into()], ..Batch::default() }).await.unwrap();
    store.close().await;
    rewind(folder.path(), 3, "$.kept");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let identity = store.node(id(1)).await.unwrap().unwrap().identity.unwrap();
    assert_eq!(identity, Identity { kept: None, ..node(1).identity.unwrap() });
}
