//! The unit says what the code relies on, and systemd understands every word of it.

use std::{fs, process::Command, time::Duration};

use systemd::unit::{
    BINARY, CAPABILITIES, CLUSTER_CREDENTIAL, EXIT_CONFIGURATION, SSH_KEY_CREDENTIAL, TEXT, TYPE, WATCHDOG, values,
};

use crate::skip;

fn one(directive: &str) -> &str {
    let all: Vec<_> = values(TEXT, directive).collect();
    assert_eq!(all.len(), 1, "{directive}: {all:?}");
    all[0]
}

#[test]
fn the_unit_matches_the_code() {
    assert!(one("ExecStart").starts_with(&format!("{BINARY} serve ")), "{}", one("ExecStart"));
    assert_eq!((one("Type"), one("NotifyAccess")), (TYPE, "main"));
    let seconds = one("WatchdogSec").strip_suffix('s').unwrap().parse().unwrap();
    assert_eq!(Duration::from_secs(seconds), WATCHDOG);
    assert_eq!(one("AmbientCapabilities"), CAPABILITIES.join(" "));
    assert_eq!(one("CapabilityBoundingSet"), CAPABILITIES.join(" "));
    let sealed: Vec<_> = values(TEXT, "LoadCredentialEncrypted").collect();
    assert_eq!(sealed, [SSH_KEY_CREDENTIAL, CLUSTER_CREDENTIAL]);
    assert_eq!(one("RestartPreventExitStatus"), EXIT_CONFIGURATION.to_string());
}

#[test]
fn a_run_outlives_the_daemon_and_what_it_needs_does_too() {
    assert_eq!(one("KillMode"), "process");
    assert_eq!(one("RuntimeDirectoryPreserve"), "yes");
    assert_eq!((one("User"), one("OOMPolicy"), one("RemoveIPC")), ("roost", "continue", "no"));
    assert_eq!(one("ReadWritePaths"), "/tmp /var/tmp");
    for gone in ["PrivateTmp", "DynamicUser", "ProcSubset"] {
        assert_eq!(values(TEXT, gone).count(), 0, "{gone}");
    }
}

/// systemd gives such a folder to the unit's user, and root runs Ansible from there.
#[test]
fn no_folder_that_root_runs_programs_from_is_the_units() {
    assert_eq!(values(TEXT, "CacheDirectory").count(), 0);
    assert!(!one("ReadWritePaths").contains("cache") && one("ProtectSystem") == "strict");
}

/// Against a root that holds what the unit names, so that the verdict is about the unit alone.
#[test]
fn systemd_verifies_the_unit() {
    let version = Command::new("systemd-analyze").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        skip("systemd-analyze is missing (apt-get install systemd)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("roost.service");
    // The binary and the user come with `make install`; everything else is verified as it stands.
    fs::write(&unit, TEXT.replace(BINARY, "/bin/true").replace("=roost\nGroup=roost", "=root\nGroup=root")).unwrap();
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<_> = complaints.lines().filter(|line| line.contains("roost.service")).collect();
    assert!(output.status.success() && ours.is_empty(), "{complaints}");
}

#[test]
fn systemd_verifies_the_units_of_the_clusters_agents() {
    let version = Command::new("systemd-analyze").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        skip("systemd-analyze is missing (apt-get install systemd)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in systemd::agents::units("/bin/true", "/bin/true", "/var/lib/roost/cluster") {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for name in ["consul.service", "nomad.service", "roost-agents.path", "roost-agents.service"] {
        let unit = folder.path().join(name);
        let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        let ours: Vec<_> = complaints.lines().filter(|line| line.contains(name)).collect();
        assert!(output.status.success() && ours.is_empty(), "{name}: {complaints}");
    }
}
