//! Backup while the daemon writes, restore while none runs.

use std::{
    error::Error as _,
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
};

use store::{
    BackupError, Batch, Identity, OpenError, Protection, RestoreError, Store, UnsealError, backup, inspect, restore,
};
use vocabulary::Seq;

use crate::samples::{at, event, text};

/// The number of a user who is not root.
const SOMEBODY: u32 = 12_345;

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

    let refused = restore(&copy, vec![], folder.path(), at(5)).await.unwrap_err();
    assert!(matches!(&refused, RestoreError::Folder(OpenError::Held { .. })), "{refused}");
    assert!(refused.source().unwrap().to_string().contains("process id"));
    store.close().await;

    let restored = restore(&copy, vec![], folder.path(), at(5)).await.unwrap();
    let kept = restored.kept.unwrap();
    assert!(kept.file_name().unwrap().to_str().unwrap().starts_with("roost.db.before-2027"), "{}", kept.display());
    let now = words(folder.path()).await;
    assert!(now.starts_with(&["before".to_owned()]) && !now.contains(&"after".to_owned()), "{now:?}");

    restore(&kept, vec![], folder.path(), at(6)).await.unwrap();
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
    assert_eq!(restore(&copy, vec![], &fresh, at(1)).await.unwrap().kept, None);
    assert_eq!(words(&fresh).await, ["kept"]);
}

#[tokio::test]
async fn a_plain_copy_takes_the_explicit_word_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    let to = folder.path().join("copy");
    let refused = store.backup(&to, Protection::Encrypted(vec![])).await.unwrap_err();
    assert!(matches!(refused, BackupError::NoRecipient), "{refused}");
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
        let refused = restore(&copy, vec![], folder.path(), at(1)).await.unwrap_err();
        assert!(matches!(refused, RestoreError::Copy(_)), "{refused}");
    }
    assert!(matches!(
        restore(&elsewhere.path().join("none"), vec![], folder.path(), at(1)).await,
        Err(RestoreError::Copy(_))
    ));
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
    let kept = restore(&copy, vec![], folder.path(), at(1)).await.unwrap().kept.unwrap();
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
    restore(&copy, vec![], folder.path(), at(1)).await.unwrap();
    assert_eq!(words(folder.path()).await, ["good"]);
}

/// A database whose last write stands in its log alone, as one whose daemon was killed; and a copy of it.
async fn killed_with_a_log(copy: &Path) -> tempfile::TempDir {
    let (living, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(living.path(), at(0)).await.unwrap();
    add(&store, "in the log alone").await;
    store.backup(copy, Protection::Plain).await.unwrap();
    for name in ["roost.db", "roost.db-wal", "roost.db-shm"] {
        fs::copy(living.path().join(name), folder.path().join(name)).unwrap();
    }
    store.close().await;
    folder
}

#[tokio::test]
async fn a_restore_that_cannot_move_the_log_leaves_every_acknowledged_write() {
    for stuck in ["-wal", "-shm"] {
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("copy");
        let folder = killed_with_a_log(&copy).await;
        let obstacle = folder.path().join(format!("roost.db.before-{}{stuck}", at(1).strftime("%Y%m%dT%H%M%SZ")));
        fs::create_dir_all(obstacle.join("full")).unwrap();
        let refused = restore(&copy, vec![], folder.path(), at(1)).await.unwrap_err();
        assert!(matches!(refused, RestoreError::Write { .. }), "{stuck}: {refused}");
        assert!(!names(folder.path()).iter().any(|name| name.ends_with("Z")), "{:?}", names(folder.path()));
        assert_eq!(words(folder.path()).await, ["in the log alone"], "{stuck}");
        restore(&copy, vec![], folder.path(), at(2)).await.unwrap();
        assert_eq!(words(folder.path()).await, ["in the log alone"], "{stuck}");
    }
}

#[tokio::test]
async fn a_second_restore_that_fails_does_not_declare_the_first_one_whole() {
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy");
    let folder = killed_with_a_log(&copy).await;
    // Cut off after the log was moved: what a power cut leaves.
    fs::write(folder.path().join("roost.db.restoring"), "half").unwrap();
    fs::rename(folder.path().join("roost.db-wal"), elsewhere.path().join("moved")).unwrap();
    fs::create_dir(folder.path().join(format!("roost.db.before-{}", at(1).strftime("%Y%m%dT%H%M%SZ")))).unwrap();
    restore(&copy, vec![], folder.path(), at(1)).await.unwrap_err();
    let refused = Store::open(folder.path(), at(2)).await.unwrap_err();
    assert!(matches!(refused, OpenError::HalfRestored { .. }), "{refused}");
    restore(&copy, vec![], folder.path(), at(3)).await.unwrap();
    assert_eq!(words(folder.path()).await, ["in the log alone"]);
}

#[tokio::test]
async fn of_many_backups_to_one_name_one_is_made_and_nobodys_file_is_touched() {
    let (fresh, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (to, guessed) = (elsewhere.path().join("copy"), elsewhere.path().join("copy.partial"));
    fs::write(&guessed, "somebody's").unwrap();
    // Of one folder one copy at a time is made, so each is of its own.
    let folders: Vec<_> = (0..8).map(|_| tempfile::tempdir().unwrap()).collect();
    for folder in &folders {
        let store = Store::open(folder.path(), at(0)).await.unwrap();
        add(&store, "kept").await;
        store.close().await;
    }
    let each = folders.iter().map(|folder| backup(folder.path(), &to, Protection::Plain));
    let ended = futures_util::future::join_all(each).await;
    let refused = |done: &Result<(), BackupError>| matches!(done, Err(BackupError::Exists { .. }));
    assert_eq!(ended.iter().filter(|done| refused(done)).count(), 7, "{ended:?}");
    assert!(ended.iter().any(Result::is_ok), "{ended:?}");
    assert_eq!(names(elsewhere.path()), ["copy", "copy.partial"]);
    assert_eq!(fs::read(&guessed).unwrap(), b"somebody's");
    restore(&to, vec![], fresh.path(), at(1)).await.unwrap();
    assert_eq!(words(fresh.path()).await, ["kept"]);
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_encrypted_copy_is_read_by_each_of_its_recipients_and_by_nobody_else() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.age");
    let (mine, spare, stranger) = (Identity::generate(), Identity::generate(), Identity::generate());
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "a word that can be searched for").await;
    let before = names(folder.path());
    let readers = Protection::Encrypted(vec![mine.recipient(), spare.recipient()]);
    store.backup(&copy, readers).await.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(elsewhere.path()), ["copy.age"], "nothing beside it");
    assert_eq!(names(folder.path()), before, "no readable copy stays");
    let bytes = fs::read(&copy).unwrap();
    for clear in [&b"SQLite format 3"[..], b"a word that can be searched for"] {
        assert!(!bytes.windows(clear.len()).any(|window| window == clear), "{clear:?}");
    }

    let looked = inspect(&copy, vec![spare.clone()], folder.path()).await.unwrap();
    assert!(looked.version > 0 && matches!(looked.held, Some(OpenError::Held { .. })), "{looked:?}");
    let refused = restore(&copy, vec![mine.clone()], folder.path(), at(1)).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Folder(OpenError::Held { .. })), "{refused}");
    add(&store, "later").await;
    store.close().await;
    let before = names(folder.path());
    assert!(inspect(&copy, vec![mine.clone()], folder.path()).await.unwrap().held.is_none());

    let refused = restore(&copy, vec![stranger.clone()], folder.path(), at(1)).await.unwrap_err();
    assert!(matches!(&refused, RestoreError::Unseal { source: UnsealError::AnotherRecipient, .. }), "{refused}");
    let refused = restore(&copy, vec![], folder.path(), at(1)).await.unwrap_err();
    assert!(matches!(&refused, RestoreError::Sealed { .. }), "{refused}");
    assert_eq!(names(folder.path()), before, "neither replaced anything nor left anything");

    for (identities, folder) in [(vec![stranger, spare], folder.path()), (vec![mine], &elsewhere.path().join("new"))] {
        restore(&copy, identities, folder, at(2)).await.unwrap();
        assert_eq!(words(folder).await, ["a word that can be searched for"]);
        assert!(!names(folder).iter().any(|name| name.contains("readable")), "{:?}", names(folder));
    }
}

#[tokio::test]
async fn an_encrypted_copy_that_was_changed_or_cut_off_anywhere_replaces_nothing() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.age");
    let identity = Identity::generate();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "mine").await;
    store.backup(&copy, Protection::Encrypted(vec![identity.recipient()])).await.unwrap();
    store.close().await;
    let before = names(folder.path());
    let whole = fs::read(&copy).unwrap();
    let end = whole.len();
    let head = whole.windows(4).position(|window| window == b"\n---").unwrap();
    let cut = [23, head, head + 10, end / 2, 65_536 + head + 80, end - 1].map(|length| whole[..length].to_vec());
    let changed = [30, head - 3, head + 8, head + 60, end / 2, end - 1].map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    });
    let longer = [whole.clone(), vec![0; 10]].concat();
    for (number, bytes) in cut.into_iter().chain(changed).chain([longer]).enumerate() {
        fs::write(&copy, bytes).unwrap();
        let refused = restore(&copy, vec![identity.clone()], folder.path(), at(1)).await.unwrap_err();
        // A changed stanza may read as one for somebody else.
        let told = matches!(
            &refused,
            RestoreError::Unseal { source: UnsealError::Damaged | UnsealError::AnotherRecipient, .. }
        );
        assert!(told, "{number}: {refused:?}");
        assert_eq!(names(folder.path()), before, "{number}");
    }
    assert_eq!(words(folder.path()).await, ["mine"]);
}

#[tokio::test]
async fn something_else_that_was_encrypted_is_no_backup() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = elsewhere.path().join("copy.age");
    let identity = Identity::generate();
    let letter =
        age::encrypt(&identity.recipient().to_string().parse::<age::x25519::Recipient>().unwrap(), b"a letter");
    fs::write(&copy, letter.unwrap()).unwrap();
    let fresh = folder.path().join("fresh");
    let refused = inspect(&copy, vec![identity.clone()], &fresh).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Copy(_)), "{refused}");
    assert!(!fresh.exists(), "looking leaves nothing behind");
    let refused = restore(&copy, vec![identity], folder.path(), at(1)).await.unwrap_err();
    assert!(matches!(refused, RestoreError::Copy(_)), "{refused}");
    assert!(!folder.path().join("roost.db").exists());
}

/// A folder of another user's, as the daemon's is to root, with what is beside it; nothing where nobody can give it away.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn of_somebody_else() -> Option<(tempfile::TempDir, PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can give files away");
        return None;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), Permissions::from_mode(0o755)).unwrap();
    let theirs = elsewhere.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    chown(&theirs, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    Some((elsewhere, theirs))
}

/// A file that is root's alone, and a name for it in a folder of somebody else's.
fn link_to_roots(elsewhere: &Path, name: &Path) -> PathBuf {
    let precious = elsewhere.join("precious");
    fs::write(&precious, "root's").unwrap();
    fs::set_permissions(&precious, Permissions::from_mode(0o600)).unwrap();
    symlink(&precious, name).unwrap();
    precious
}

fn is_as_it_was(precious: &Path) {
    assert_eq!(fs::read_to_string(precious).unwrap(), "root's");
    assert_eq!(fs::metadata(precious).unwrap().uid(), 0, "given away");
}

async fn plain_copy(to: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), at(0)).await.unwrap();
    add(&store, "good").await;
    store.backup(to, Protection::Plain).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn what_root_restores_belongs_to_the_owner_of_the_folder() {
    let Some((elsewhere, theirs)) = of_somebody_else() else { return };
    // A copy that root alone can read, as `roost backup` makes it.
    let copy = elsewhere.path().join("copy");
    plain_copy(&copy).await;
    restore(&copy, vec![], &theirs, at(1)).await.unwrap();
    let kept = restore(&copy, vec![], &theirs, at(2)).await.unwrap().kept.unwrap();
    assert!(inspect(&kept, vec![], &theirs).await.unwrap().held.is_none());
    for name in names(&theirs) {
        assert_eq!(fs::metadata(theirs.join(&name)).unwrap().uid(), SOMEBODY, "{name}");
        assert!(!name.contains("readable"), "{name}");
    }
}

#[tokio::test]
async fn root_restores_and_backs_up_with_the_rights_of_the_folders_owner() {
    let links = ["roost.lock", "roost.db.restoring", "roost.db.readable", "roost.db.readable-wal", "roost.db-wal"];
    for name in links {
        let Some((elsewhere, theirs)) = of_somebody_else() else { return };
        let copy = elsewhere.path().join("copy");
        plain_copy(&copy).await;
        restore(&copy, vec![], &theirs, at(1)).await.unwrap();
        for stale in [name, "roost.lock"] {
            let _ = fs::remove_file(theirs.join(stale));
        }
        let precious = link_to_roots(elsewhere.path(), &theirs.join(name));
        // Whether it can be done at all is the owner's affair; that root's file is untouched is not.
        let _ = backup(&theirs, &elsewhere.path().join("another"), Protection::Plain).await;
        is_as_it_was(&precious);
        let _ = inspect(&copy, vec![], &theirs).await;
        is_as_it_was(&precious);
        let restored = restore(&copy, vec![], &theirs, at(2)).await;
        is_as_it_was(&precious);
        assert!(name != "roost.lock" || matches!(restored, Err(RestoreError::Folder(_))), "{restored:?}");
    }
}

#[tokio::test]
async fn a_link_that_is_named_as_a_copy_shows_its_owner_nothing_of_roots() {
    let Some((elsewhere, theirs)) = of_somebody_else() else { return };
    let named = theirs.join("copy");
    let precious = link_to_roots(elsewhere.path(), &named);
    let refused = restore(&named, vec![], &theirs, at(1)).await.unwrap_err();
    assert!(matches!(&refused, RestoreError::Copy(OpenError::Foreign { .. })), "{refused:?}");
    is_as_it_was(&precious);
}

#[tokio::test]
async fn a_copy_with_its_log_beside_it_comes_back_with_what_stands_in_the_log() {
    let (elsewhere, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = killed_with_a_log(&elsewhere.path().join("copy")).await;
    let whole = folder.path().join("roost.db");
    // Of an earlier restore that was killed: it belongs to no copy.
    fs::copy(folder.path().join("roost.db-wal"), fresh.path().join("roost.db.readable-wal")).unwrap();
    restore(&elsewhere.path().join("copy"), vec![], fresh.path(), at(1)).await.unwrap();
    restore(&whole, vec![], fresh.path(), at(2)).await.unwrap();
    assert_eq!(words(fresh.path()).await, ["in the log alone"]);
    assert!(!names(fresh.path()).iter().any(|name| name.contains("readable")), "{:?}", names(fresh.path()));
    assert!(whole.with_extension("db-wal").exists(), "the copy is as it was");
}
