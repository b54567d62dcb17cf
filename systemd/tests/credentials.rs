//! Credentials, in a process whose environment names their folder.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use systemd::{CredentialError, Sealed, credential, credential_path, sealed};

use crate::{again, role};

/// Not a test of its own: what the child does.
#[test]
fn child_role() {
    if role().as_deref() != Some("credentials") {
        return;
    }
    let path = credential_path("key").unwrap();
    assert_eq!(credential("key").unwrap().unwrap(), b"sealed");
    assert_eq!(sealed(&path).unwrap(), Sealed::Credential);
    assert_eq!((credential_path("other"), credential("other").unwrap()), (None, None));
    for name in ["", ".", "..", "../key", "a/b"] {
        assert_eq!(credential_path(name), None, "{name:?}");
        assert!(matches!(credential(name), Err(CredentialError::Name { .. })), "{name:?}");
    }
}

#[test]
fn a_credential_is_read_by_its_name_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("credentials");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("key"), "sealed").unwrap();
    fs::write(folder.path().join("key"), "outside").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    again(&mut command, "credentials::child_role", "credentials");
    assert!(command.env("CREDENTIALS_DIRECTORY", inner).status().unwrap().success());
}

#[test]
fn a_file_says_whether_others_can_open_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let kept = |mode| {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        sealed(file.path()).unwrap()
    };
    assert_eq!(kept(0o600), Sealed::OwnerFile);
    assert_eq!(kept(0o640).to_string(), "not sealed: a file of mode 0640 that others can open");
    assert!(sealed(Path::new("/nowhere")).is_err());
}
