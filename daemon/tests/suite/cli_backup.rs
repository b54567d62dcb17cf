//! `roost backup` and `roost restore` as a person says them, over a database of a store that is closed or open.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use daemon::cluster::kept::{Kept, StartedBy, State};
use store::{Batch, NewEvent, Store};
use vocabulary::{EventKind, Seq};

use super::{
    api::start,
    cli_client::{failed, roost_with, stdout},
};

/// A data directory and a place for copies.
struct Desk {
    data: tempfile::TempDir,
    copies: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let desk = Self { data: tempfile::tempdir().unwrap(), copies: tempfile::tempdir().unwrap() };
        let store = desk.open().await;
        note(&store, "first").await;
        store.close().await;
        desk
    }

    /// The newest event's place.
    async fn last(&self) -> Seq {
        let store = self.open().await;
        let last = store.last_seq().await.unwrap();
        store.close().await;
        last
    }

    async fn open(&self) -> Store {
        Store::open(self.data.path(), start()).await.unwrap()
    }

    fn copy(&self, name: &str) -> String {
        self.copies.path().join(name).to_str().unwrap().to_owned()
    }

    async fn roost(&self, words: &[&str]) -> std::process::Output {
        let config = self.copies.path().join("roost.toml");
        if !config.exists() {
            fs::write(&config, "").unwrap();
        }
        let environment = [("ROOST_DATA_DIR", self.data.path()), ("ROOST_CONFIG", &config)];
        roost_with(&environment.map(|(name, path)| (name, path.to_str().unwrap())), words).await
    }

    async fn identity(&self, name: &str) -> (String, String) {
        let path = self.copy(name);
        let recipient = stdout(&self.roost(&["backup", "--new-identity", &path]).await);
        (path, recipient.trim().to_owned())
    }
}

async fn note(store: &Store, word: &str) {
    let event = NewEvent { at: start(), kind: EventKind::Audit, node: None, run: None, data: word.into() };
    store.commit(Batch { events: vec![event], ..Batch::default() }).await.unwrap();
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_backup_is_encrypted_to_a_recipient_and_comes_back_by_its_identity() {
    let desk = Desk::new().await;
    let copy = desk.copy("copy.age");
    let refused = failed(&desk.roost(&["backup", &copy]).await, 2);
    assert!(refused.contains("no recipient") && refused.contains("--new-identity"), "{refused}");
    let (identity, recipient) = desk.identity("key").await;
    assert!(recipient.starts_with("age1") && mode(&identity) == 0o600, "{recipient}");
    failed(&desk.roost(&["backup", "--new-identity", &identity]).await, 1);

    let planned = stdout(&desk.roost(&["backup", &copy, "--to", &recipient, "--dry-run"]).await);
    assert!(planned.starts_with("would: ") && planned.contains(&recipient) && !Path::new(&copy).exists(), "{planned}");
    stdout(&desk.roost(&["backup", &copy, "--to", &recipient]).await);
    assert_eq!(mode(&copy), 0o600);
    failed(&desk.roost(&["backup", &copy, "--to", &recipient]).await, 6);

    let open = desk.open().await;
    let rehearsed = desk.roost(&["restore", &copy, "--identity", &identity, "--dry-run"]).await;
    let refused = failed(&rehearsed, 6);
    assert!(String::from_utf8_lossy(&rehearsed.stdout).contains("whole") && refused.contains("in use"), "{refused}");
    failed(&desk.roost(&["restore", &copy, "--identity", &identity]).await, 6);
    note(&open, "later").await;
    open.close().await;

    let planned = stdout(&desk.roost(&["restore", &copy, "-i", &identity, "--dry-run"]).await);
    assert!(planned.contains("would: replace"), "{planned}");
    assert_eq!(desk.last().await, Seq(2), "a rehearsal replaces nothing");
    let done = stdout(&desk.roost(&["restore", &copy, "-i", &identity]).await);
    assert!(done.contains("what was there is kept in"), "{done}");
    assert_eq!(desk.last().await, Seq(1));
}

#[tokio::test]
async fn the_wrong_key_and_a_damaged_copy_say_so_and_replace_nothing() {
    let desk = Desk::new().await;
    let copy = desk.copy("copy.age");
    let (identity, recipient) = desk.identity("key").await;
    let (other, _) = desk.identity("other").await;
    fs::write(desk.copy("roost.toml"), format!("[backup]\nrecipients = [\"{recipient}\"]\n")).unwrap();
    stdout(&desk.roost(&["backup", &copy]).await);
    let before = fs::read(desk.data.path().join("roost.db")).unwrap();

    let refused = failed(&desk.roost(&["restore", &copy]).await, 2);
    assert!(refused.contains("is encrypted") && refused.contains("--identity"), "{refused}");
    let refused = failed(&desk.roost(&["restore", &copy, "-i", &other]).await, 1);
    assert!(refused.contains("another recipient"), "{refused}");
    let refused = failed(&desk.roost(&["restore", &copy, "-i", &copy]).await, 1);
    assert!(refused.contains("hint: "), "{refused}");
    let mut bytes = fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, &bytes).unwrap();
    for length in [bytes.len(), middle] {
        fs::write(&copy, &bytes[..length]).unwrap();
        let refused = failed(&desk.roost(&["restore", &copy, "-i", &identity]).await, 1);
        assert!(refused.contains("damaged or cut off") && refused.contains("another copy"), "{refused}");
    }
    assert_eq!(fs::read(desk.data.path().join("roost.db")).unwrap(), before);
    let secret = fs::read_to_string(&identity).unwrap().lines().last().unwrap().to_owned();
    let refused = failed(&desk.roost(&["backup", &desk.copy("x"), "--to", &secret]).await, 2);
    assert!(refused.contains("secret half"), "{refused}");
}

#[tokio::test]
async fn a_backup_says_that_the_clusters_secrets_are_not_in_it_and_where_they_are() {
    let desk = Desk::new().await;
    let silent = stdout(&desk.roost(&["backup", &desk.copy("before"), "--plain"]).await);
    assert!(!silent.contains("cluster"), "{silent}");
    let facts = serde_json::json!({"datacenter": "dc1", "region": "global", "advertise": "10.77.0.1",
        "certificate_lifetime": 86_400});
    let state = State {
        facts: serde_json::from_value(facts).unwrap(),
        server: "control".to_owned(),
        started_by: StartedBy::Hand,
        is_closed: true,
        certificates_expire_at: None,
    };
    // Found in a file they stay there: nothing is sealed on the host that tests run on.
    let secrets = desk.data.path().join("cluster/secrets.json");
    fs::create_dir(secrets.parent().unwrap()).unwrap();
    fs::write(&secrets, jobs::bootstrap::Secrets::random().unwrap().to_json().expose()).unwrap();
    let (_, secrets) = Kept::begin(desk.data.path(), state).unwrap();
    let copy = desk.copy("after");
    let said = stdout(&desk.roost(&["backup", &copy, "--plain"]).await);
    assert!(said.contains("not in it") && said.contains("cluster/secrets.json"), "{said}");
    let copied = fs::read(&copy).unwrap();
    let secrets: serde_json::Map<String, serde_json::Value> = serde_json::from_str(secrets.to_json().expose()).unwrap();
    for secret in secrets.values().filter_map(|secret| secret.as_str()) {
        let secret = secret.as_bytes();
        assert!(!copied.windows(secret.len()).any(|part| part == secret), "a secret of the cluster in a backup");
    }
}
