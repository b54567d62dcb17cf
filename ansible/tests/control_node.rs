//! The shipped playbook on the control node, which is this machine: it looks, verifies and changes nothing.

use std::{fs, path::Path, process::Command, time::Duration};

use ansible::{
    events::{self, RunEvent},
    inventory::Inventory,
};

use crate::rack::venv;

#[tokio::test(flavor = "multi_thread")]
async fn the_control_node_is_configured_by_the_same_playbook() {
    let folder = tempfile::tempdir().unwrap();
    let inventory = Inventory::new(folder.path().join("inventory"), Duration::from_secs(5));
    inventory.sync(&[]).unwrap();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let log = folder.path().join("events.jsonl");
    let said = Command::new(venv().await.join("bin/ansible-playbook"))
        .args(["--inventory".as_ref(), inventory.folder().as_os_str(), "--limit".as_ref(), "control".as_ref()])
        .arg(package.join("playbook.yaml"))
        .env("ANSIBLE_HOME", folder.path())
        .env("ANSIBLE_CALLBACK_PLUGINS", package.join("plugins/callback"))
        .env("ANSIBLE_CALLBACKS_ENABLED", "roost_events")
        .env("ANSIBLE_LOCALHOST_WARNING", "false")
        .env("LC_ALL", "C.UTF-8")
        .env("ROOST_EVENTS", &log)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("changed=0") && said.contains("failed=0"), "{said}");
    let lines = fs::read(&log).unwrap();
    let promises = lines.split(|byte| *byte == b'\n').find_map(|line| match events::parse(line, 1) {
        Ok(RunEvent::Promises(promises)) => Some(promises),
        _ => None,
    });
    let promises = promises.expect("the role hands its promises over");
    assert!(promises.iter().all(|promise| promise.kept) && promises[0].name == "clock is right", "{promises:?}");
}
