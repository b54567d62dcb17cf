//! The real `roost` binary against a running API: what it prints and how it ends.

use std::{path::Path, process::Output};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::process::Command;
use vocabulary::EventKind;

use super::api::{Running, node_id};

/// Runs `roost` with nothing of the caller's environment.
pub(crate) async fn roost_with(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    command.env_clear().envs(environment.iter().copied()).args(arguments).kill_on_drop(true);
    let output = tokio::time::timeout(std::time::Duration::from_secs(30), command.output()).await;
    output.expect("roost ends").unwrap()
}

async fn roost(socket: &Path, arguments: &[&str]) -> Output {
    roost_with(&[("ROOST_SOCKET", socket.to_str().unwrap())], arguments).await
}

pub(crate) fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn failed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}{}", String::from_utf8_lossy(&output.stdout), stderr(output));
    stderr(output)
}

#[tokio::test]
async fn listings_are_tables_for_people_and_json_for_programs() {
    let api = Running::new().await;
    let table = stdout(&roost(&api.socket, &["node", "list"]).await);
    assert!(table.contains("NODE") && table.contains("node-525400123456") && table.contains("waiting"), "{table}");
    for arguments in [
        &["node", "list", "--json"][..],
        &["node", "show", "52:54:00:12:34:56", "--json"],
        &["node", "timeline", "node-525400123456", "--json"],
        &["explain", "52-54-00-12-34-56", "--json"],
        &["run", "list", "--json"],
        &["run", "show", "1", "--json"],
        &["lease", "list", "--json"],
        &["key", "list", "--json"],
        &["status", "--json"],
    ] {
        let text = stdout(&roost(&api.socket, arguments).await);
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{arguments:?}: {text}");
        let plain = &arguments[..arguments.len() - 1];
        assert!(!stdout(&roost(&api.socket, plain).await).is_empty(), "{plain:?}");
    }
    api.stop().await;
}

#[tokio::test]
async fn a_rehearsal_shows_what_an_order_does() {
    let api = Running::new().await;
    let order = ["node", "approve", "node-525400123456"];
    let rehearsed = stdout(&roost(&api.socket, &[&order[..], &["--dry-run"]].concat()).await);
    assert!(api.desk.orders.lock().unwrap().is_empty());
    let done = stdout(&roost(&api.socket, &order).await);
    assert_eq!(rehearsed, format!("would: {done}"));
    assert_eq!(done, "node-525400123456: waiting -> approved\n");
    let forget = ["node", "forget", "52:54:00:12:34:56"];
    let rehearsed = stdout(&roost(&api.socket, &[&forget[..], &["--dry-run"]].concat()).await);
    assert_eq!(rehearsed, "would: node-525400123456: waiting -> forgotten\n");
    assert_eq!(stdout(&roost(&api.socket, &forget).await), "node-525400123456: waiting -> forgotten\n");
    let window = stdout(&roost(&api.socket, &["node", "approve", "--next", "3", "--for", "10m"]).await);
    assert_eq!(window, "window: 3 may enter\n");
    assert!(stdout(&roost(&api.socket, &["run", "retry", "1"]).await).contains("roost run logs -f 2"));
    api.stop().await;
}

/// The files of the machine that asks say nothing: a sealed key is none of them.
#[tokio::test]
async fn the_fleet_key_is_shown_as_the_daemon_has_it() {
    let api = Running::new().await;
    let shown = stdout(&roost(&api.socket, &["ssh", "show"]).await);
    assert!(
        shown.starts_with("ssh-ed25519 AAAA\n# private half: /run/credentials/key (a systemd credential)\n"),
        "{shown}"
    );
    assert!(shown.contains("/data/ssh/fleet_ed25519 is a key in plain text"), "{shown}");
    assert!(shown.contains("yet to hear of it: node-525400123456"), "{shown}");
    let told: Value = serde_json::from_str(&stdout(&roost(&api.socket, &["ssh", "show", "--json"]).await)).unwrap();
    assert_eq!(told["next"]["private"], "/data/ssh/next_ed25519");
    let socket = api.socket.clone();
    api.stop().await;
    failed(&roost(&socket, &["ssh", "show"]).await, 3);
}

#[tokio::test]
async fn failures_have_a_cause_a_hint_and_an_exit_code() {
    let api = Running::new().await;
    let unknown = failed(&roost(&api.socket, &["node", "show", "node-000000000001"]).await, 5);
    assert_eq!(unknown, "error: no node is called node-000000000001\nhint: roost node list shows every node\n");
    failed(&roost(&api.socket, &["node", "power", "node-525400123456", "on"]).await, 6);
    failed(&roost(&api.socket, &["run", "cancel", "1"]).await, 6);
    failed(&roost(&api.socket, &["node", "show", "localhost"]).await, 2);
    failed(&roost(&api.socket, &["node", "approve"]).await, 2);
    let url = format!("http://{}", api.address);
    failed(&roost_with(&[("ROOST_URL", &url)], &["node", "list"]).await, 4);
    let with_key = [("ROOST_URL", url.as_str()), ("ROOST_API_KEY", "all")];
    stdout(&roost_with(&with_key, &["node", "list"]).await);
    let socket = api.socket.clone();
    api.stop().await;
    let gone = failed(&roost(&socket, &["status"]).await, 3);
    assert!(gone.starts_with("error: the daemon cannot be reached") && gone.contains("hint: "), "{gone}");
}

#[tokio::test]
async fn a_key_is_printed_once_and_works() {
    let api = Running::new().await;
    let key = stdout(&roost(&api.socket, &["key", "create", "ci", "--scopes", "read+operate"]).await);
    let response = api.bare(reqwest::Method::GET, "/api/nodes").bearer_auth(key.trim()).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!stdout(&roost(&api.socket, &["key", "list"]).await).contains(key.trim()));
    stdout(&roost(&api.socket, &["key", "revoke", "ci"]).await);
    failed(&roost(&api.socket, &["key", "revoke", "nobody"]).await, 5);
    api.stop().await;
}

#[tokio::test]
async fn following_a_run_prints_its_log_and_says_how_it_ended() {
    let api = Running::new().await;
    *api.desk.log.lock().unwrap() = (b"PLAY [all]\nok\n".to_vec(), true);
    assert_eq!(stdout(&roost(&api.socket, &["run", "logs", "1"]).await), "PLAY [all]\nok\n");
    let output = roost(&api.socket, &["run", "logs", "-f", "1"]).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "PLAY [all]\nok\n");
    assert!(failed(&output, 1).contains("run 1 running"), "the store still says running");
    api.stop().await;
}

#[tokio::test]
async fn events_are_printed_as_they_happen() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let api = Running::new().await;
    api.happen(EventKind::Alarm, json!({ "cause": "two machines, one MAC" })).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_roost"));
    command.env_clear().env("ROOST_SOCKET", &api.socket).args(["event", "follow", "--since", "0"]).kill_on_drop(true);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    assert!(line.contains("alarm") && line.contains(&node_id().to_string()), "{line}");
    child.kill().await.unwrap();
    api.stop().await;
}

#[tokio::test]
async fn what_needs_no_daemon_works_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let here = [("ROOST_DATA_DIR", data_dir.to_str().unwrap())];
    let example = stdout(&roost_with(&here, &["config", "example"]).await);
    let file = folder.path().join("roost.toml");
    std::fs::write(&file, example).unwrap();
    let file = file.to_str().unwrap();
    stdout(&roost_with(&here, &["--config", file, "config", "check"]).await);
    std::fs::write(file, "[dhcp]\nmode = \"loud\"\n[htpp]\n").unwrap();
    let output = roost_with(&here, &["--config", file, "config", "check", "--json"]).await;
    assert_eq!(output.status.code(), Some(7));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["mistakes"].as_array().unwrap().len(), 2, "{report}");
    assert!(stdout(&roost_with(&here, &["completions", "bash"]).await).contains("_roost"));
    assert!(stdout(&roost_with(&here, &["config", "docs"]).await).contains("data_dir"));
    assert!(!data_dir.exists(), "looking makes nothing");
    assert!(stdout(&roost_with(&here, &["--help"]).await).contains("Exit codes:"));
}

#[tokio::test]
async fn a_backup_is_plain_or_refused_and_comes_back() {
    let api = Running::new().await;
    let data_dir = api.folder.path().to_str().unwrap().to_owned();
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy.db");
    let (here, copy) = ([("ROOST_DATA_DIR", data_dir.as_str())], copy.to_str().unwrap());
    let refused = failed(&roost_with(&here, &["backup", copy]).await, 2);
    assert!(refused.contains("--plain"), "{refused}");
    stdout(&roost_with(&here, &["backup", "--plain", copy]).await);
    failed(&roost_with(&here, &["backup", "--plain", copy]).await, 6);
    let held = failed(&roost_with(&here, &["restore", copy]).await, 6);
    assert!(held.contains(&std::process::id().to_string()), "the holder is named: {held}");
    let other = copies.path().join("other");
    let there = [("ROOST_DATA_DIR", other.to_str().unwrap())];
    stdout(&roost_with(&there, &["restore", copy]).await);
    let restored = store::Store::open(&other, super::api::start()).await.unwrap();
    assert_eq!(restored.nodes().await.unwrap(), api.store.nodes().await.unwrap());
    restored.close().await;
    api.stop().await;
}

#[tokio::test]
async fn a_port_in_use_names_its_holder_and_the_key_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let (tcp, udp) =
        (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let (tcp, udp) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    let taken = [("http", tcp, "http.listen"), ("boot", tcp, "boot.listen"), ("tftp", udp, "tftp.listen")];
    for (section, address, key) in taken {
        let data = folder.path().join(section);
        let config = folder.path().join(format!("{section}.toml"));
        let api = if section == "http" { "" } else { "[http]\nlisten = []\n" };
        let text = format!("data_dir = \"{}\"\n{api}[{section}]\nlisten = [\"{address}\"]\n", data.display());
        std::fs::write(&config, text).unwrap();
        let said = failed(&roost_with(&[], &["--config", config.to_str().unwrap(), "serve"]).await, 1);
        let holder = format!("(pid {})", std::process::id());
        assert!(said.contains(&holder) && said.contains(key), "{said}");
    }
}
