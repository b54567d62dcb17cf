//! Roost's lines in a node's `authorized_keys`, replaced as one.
//!
//! Every line of Roost's ends with the word `roost`; all others are somebody else's and stay. The new file is written
//! beside the old one and takes its place only when it is whole, has the key that Roost will come back with, and is
//! on disk: a node whose disk is full keeps what it has, and says so. Rejected: one command to add a line and another
//! to remove one, which between them can remove the last.

use super::FleetKey;

/// The command that leaves these keys of Roost's on a node and no other. The first is the one that must be there.
pub(super) fn exactly(keys: &[&FleetKey]) -> String {
    // A key's body is base64 and cannot end a quoted word.
    let lines: Vec<String> = keys.iter().map(|key| format!("'ssh-ed25519 {} roost'", key.public_body())).collect();
    let first = lines.first().map(String::as_str).unwrap_or_default();
    format!(
        "set -e; umask 077; f=${{ROOST_KEYS:-$HOME/.ssh/authorized_keys}}; n=$f.roost; \
         {{ grep -v ' roost$' \"$f\" || [ $? = 1 ]; printf '%s\\n' {}; }} >\"$n\"; \
         grep -qxF {first} \"$n\"; sync \"$n\"; mv -f \"$n\" \"$f\"",
        lines.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;

    fn apply(file: &Path, keys: &[&FleetKey]) -> bool {
        Command::new("sh").arg("-c").arg(exactly(keys)).env("ROOST_KEYS", file).status().unwrap().success()
    }

    async fn keys(folder: &Path) -> (FleetKey, FleetKey) {
        (FleetKey::ensure(&folder.join("a")).await.unwrap(), FleetKey::ensure(&folder.join("b")).await.unwrap())
    }

    #[tokio::test]
    async fn roosts_lines_are_replaced_and_all_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = keys(folder.path()).await;
        let file = folder.path().join("authorized_keys");
        fs::write(&file, "# mine\nssh-ed25519 AAAA me@desk\nssh-ed25519 CCCC roost\n").unwrap();
        assert!(apply(&file, &[&old, &new]));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# mine\nssh-ed25519 AAAA me@desk\n"), "{text}");
        assert!(text.contains(&old.public_body()) && text.contains(&new.public_body()) && !text.contains("CCCC"));
        assert!(apply(&file, &[&new]));
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&old.public_body()) && text.contains(&new.public_body()), "{text}");
        assert_eq!(text.lines().count(), 3);
        assert!(apply(&file, &[&new]), "the second time too");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }

    #[tokio::test]
    async fn a_file_of_roosts_lines_alone_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = keys(folder.path()).await;
        let file = folder.path().join("authorized_keys");
        fs::write(&file, format!("ssh-ed25519 {} roost\n", old.public_body())).unwrap();
        assert!(apply(&file, &[&new]));
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("ssh-ed25519 {} roost\n", new.public_body()));
    }

    #[tokio::test]
    async fn a_full_disk_or_a_missing_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = keys(folder.path()).await;
        assert!(!apply(&folder.path().join("none"), &[&new]));
        let file = folder.path().join("authorized_keys");
        let before = format!("ssh-ed25519 {} roost\n", old.public_body());
        fs::write(&file, &before).unwrap();
        // What is written to /dev/full does not arrive.
        std::os::unix::fs::symlink("/dev/full", folder.path().join("authorized_keys.roost")).unwrap();
        assert!(!apply(&file, &[&new]));
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }
}
