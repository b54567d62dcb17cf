//! The playbooks by the eyes of those who write many: ansible-lint's strictest profile, also what it only warns of.

use std::{path::Path, process::Command};

#[test]
fn the_playbooks_are_clean_by_ansible_lints_production_profile() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/ansible-lint");
    let done = Command::new(script).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let passed = said.matches("Profile 'production' was required, and it passed").count();
    assert_eq!(passed, 2, "the playbook with its roles, and those of the daemon's tests: {said}");
}
