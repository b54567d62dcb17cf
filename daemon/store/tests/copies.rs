//! Backup while the daemon writes, restore while none runs.

use std::{error::Error as _, fs, os::unix::fs::PermissionsExt as _, path::Path};

use store::{BackupError, Batch, OpenError, Protection, RestoreError, Store, backup, restore};
use vocabulary::Seq;

use crate::samples::{at, event, text};

async fn add(store: &Store, word: &str) {
    store.commit(Batch { events: vec![event(word)], ..Batch::default() }).await.unwrap();
}

async fn words(folder: &Path) -> Vec<String> {
    let store = Store::open(folder, at(0)).await.unwrap();
    let events = store.events_since(Seq(0), 1000).await.unwrap();
    store.close().await;
    events.iter().map(|event| text(event).to_owned()).collect()
}

#[tokio::test]
async fn a_copy_made_while_writing_is_restored_and_the_old_database_is_kept() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("roost.backup");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "before").await;
    let writing = async {
        for _ in 0..50 {
            add(&store, "while").await;
        }
    };
    let (copied, ()) = tokio::join!(store.backup(&copy, Protection::Plain), writing);
    copied.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "one file, nothing beside it");
    add(&store, "after").await;

    let refused = restore(&copy, folder.path(), at(5)).await.unwrap_err();
    assert!(matches!(&refused, RestoreError::Folder(OpenError::Held { .. })), "{refused}");
    assert!(refused.source().unwrap().to_string().contains("process id"));
    store.close().await;

    let restored = restore(&copy, folder.path(), at(5)).await.unwrap();
    let kept = restored.kept.unwrap();
    assert!(kept.file_name().unwrap().to_str().unwrap().starts_with("roost.db.before-2027"), "{}", kept.display());
    let now = words(folder.path()).await;
    assert!(now.starts_with(&["before".to_owned()]) && !now.contains(&"after".to_owned()), "{now:?}");

    restore(&kept, folder.path(), at(6)).await.unwrap();
    assert_eq!(words(folder.path()).await.last().unwrap(), "after");
}

#[tokio::test]
async fn a_machine_that_lost_its_disk_starts_from_the_copy() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "kept").await;
    store.close().await;
    // By the command line, with no daemon.
    backup(folder.path(), &copy, Protection::Plain).await.unwrap();
    let fresh = elsewhere.path().join("new");
    assert_eq!(restore(&copy, &fresh, at(1)).await.unwrap().kept, None);
    assert_eq!(words(&fresh).await, ["kept"]);
}

#[tokio::test]
async fn a_plain_copy_takes_the_explicit_word_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let to = folder.path().join("copy");
    let refused = store.backup(&to, Protection::Encrypted).await.unwrap_err();
    assert!(matches!(refused, BackupError::NotEncrypted));
    assert!(refused.to_string().contains("not built yet") && refused.to_string().contains("--plain"), "{refused}");
    assert!(!to.exists());
    fs::write(&to, "precious").unwrap();
    assert!(matches!(store.backup(&to, Protection::Plain).await, Err(BackupError::Exists { .. })));
    assert_eq!(fs::read(&to).unwrap(), b"precious");
    let nowhere = store.backup(Path::new("/nowhere/copy"), Protection::Plain).await.unwrap_err();
    assert_eq!(nowhere.to_string(), "could not write /nowhere/copy");
    let nothing = backup(&folder.path().join("empty"), &folder.path().join("c"), Protection::Plain).await;
    assert!(matches!(nothing, Err(BackupError::Source(OpenError::File { .. }))));
}

#[tokio::test]
async fn what_is_no_usable_copy_changes_nothing() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "mine").await;
    let copy = elsewhere.path().join("copy");
    store.backup(&copy, Protection::Plain).await.unwrap();
    store.close().await;
    let whole = fs::read(&copy).unwrap();

    let mut damaged = whole.clone();
    damaged[4096..].fill(0x5a);
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&999_u32.to_be_bytes());
    for bytes in [&b""[..], b"some text", &whole[..4096], &damaged, &newer] {
        fs::write(&copy, bytes).unwrap();
        let refused = restore(&copy, folder.path(), at(1)).await.unwrap_err();
        assert!(matches!(refused, RestoreError::Copy(_)), "{refused}");
    }
    assert!(matches!(restore(&elsewhere.path().join("none"), folder.path(), at(1)).await, Err(RestoreError::Copy(_))));
    assert_eq!(words(folder.path()).await, ["mine"]);
}

#[tokio::test]
async fn a_damaged_database_is_kept_with_its_log_and_replaced() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "good").await;
    store.backup(&copy, Protection::Plain).await.unwrap();
    store.close().await;
    fs::write(folder.path().join("roost.db"), "damage".repeat(2000)).unwrap();
    fs::write(folder.path().join("roost.db-wal"), "old log").unwrap();
    let kept = restore(&copy, folder.path(), at(1)).await.unwrap().kept.unwrap();
    assert_eq!(fs::read(&kept).unwrap(), "damage".repeat(2000).as_bytes());
    assert_eq!(fs::read(format!("{}-wal", kept.display())).unwrap(), b"old log");
    assert_eq!(words(folder.path()).await, ["good"]);
}

#[tokio::test]
async fn a_restore_that_was_cut_off_is_not_opened_over_and_can_be_said_again() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy");
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "good").await;
    store.backup(&copy, Protection::Plain).await.unwrap();
    store.close().await;
    fs::write(folder.path().join("roost.db.restoring"), "half").unwrap();
    let refused = Store::open(folder.path(), at(0)).await.unwrap_err();
    assert!(matches!(refused, OpenError::HalfRestored { .. }) && refused.remedy().contains("restore"), "{refused}");
    restore(&copy, folder.path(), at(1)).await.unwrap();
    assert_eq!(words(folder.path()).await, ["good"]);
}
