//! What a run is given of its own: it reaches the node and stays nowhere else.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use vocabulary::{Reason, RunState};

use crate::rack::{Outfit, Rack, until};

const SECRET: &str = "canary-of-a-kit-2f6d90c1b7";

/// Every file below a folder that holds the secret.
fn holders(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            holders(&path, found);
        } else if kind.is_file() && contains(&fs::read(&path).unwrap_or_default()) {
            found.push(path.display().to_string());
        }
    }
}

fn contains(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

/// Every process of this host whose command line or environment shows the secret.
fn shown_by_processes() -> Vec<String> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let shows = |pid: &String| {
        ["cmdline", "environ"]
            .iter()
            .any(|file| fs::read(format!("/proc/{pid}/{file}")).is_ok_and(|said| contains(&said)))
    };
    pids.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(shows).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runs_own_secrets_reach_the_node_and_stay_nowhere_else() {
    let mut rack = Rack::new("kit.yaml").await;
    rack.outfit = Outfit(Ok((serde_json::json!({"datacenter": "dc7"}), vec![("token", SECRET)])));
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    until("the gate", || rack.path("at-gate").exists().then_some(())).await;
    let kit = rack.config.secrets_dir.join("1/kit");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&kit), mode(&kit.join("token"))), (0o700, 0o600));
    assert_eq!(shown_by_processes(), [""; 0], "a process shows it while the node has it in its hands");
    fs::write(rack.path("gate"), "").unwrap();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::Succeeded, "{end:?}");
    assert_eq!(fs::read_to_string(rack.path("handed")).unwrap(), format!("dc7 {SECRET}"));
    assert!(!kit.exists());
    let variables = fs::read_to_string(rack.run_folder(1).join("variables.json")).unwrap();
    assert!(variables.contains("dc7") && variables.contains(&kit.display().to_string()), "{variables}");
    assert!(fs::read_to_string(rack.run_folder(1).join("events.jsonl")).unwrap().contains("Hand the secret over"));
    let mut found = Vec::new();
    holders(rack.folder.path(), &mut found);
    assert_eq!(found, [rack.path("handed").display().to_string()], "the node's own file alone has it");
    running.halt().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kit_that_cannot_be_made_is_the_runs_cause_and_remedy() {
    let mut rack = Rack::new("kit.yaml").await;
    let reason = Reason { cause: "Consul has no leader".to_owned(), remedy: "roost cluster status".to_owned() };
    rack.outfit = Outfit(Err(reason));
    let running = rack.start();
    running.handle.enqueue(rack.order(1, 1)).unwrap();
    let end = rack.ended(1).await;
    assert_eq!(end.state, RunState::Failed);
    assert!(end.cause.unwrap().contains("Consul has no leader"));
    assert_eq!(end.remedy.as_deref(), Some("roost cluster status"));
    assert!(!rack.config.secrets_dir.join("1").exists());
    running.halt().await;
}
