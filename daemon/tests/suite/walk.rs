//! `kill -9` of the daemon between any two steps of a machine's way, and what strangers try, with a synthetic machine:
//! real packets, real requests, a real sshd, no firmware to wait for.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use lab::{
    Synthetic, SyntheticSpec,
    synthetic::{Script, Stage},
};
use vocabulary::{Firmware, HostKey, NodeState, Step, Token};

use crate::bench::{BASE, Bench, Setup};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn machine(bench: &Bench, name: &str) -> Synthetic {
    Synthetic::plug_in(&bench.rack, SyntheticSpec::new(name.parse().unwrap(), Firmware::Bios)).unwrap()
}

/// iPXE's DHCP and its script.
async fn script(machine: &Synthetic) -> Script {
    let lease = machine.dhcp(Stage::Ipxe).await.unwrap();
    machine.script(&lease.boot_file.unwrap()).await.unwrap()
}

pub(crate) fn token(script: &Script) -> Token {
    Token::try_from(script.argument("roost.token").expect("the script has a token")).unwrap()
}

/// What the script loads by name and digest: kernel and initrd.
fn boot_files(script: &Script) -> Vec<String> {
    let shown = script.shown();
    let words = shown.split_whitespace().map(|word| word.trim_matches('"').to_owned());
    let urls: Vec<String> = words.filter(|word| word.starts_with("http://") && word.contains("/assets/")).collect();
    assert!(urls.len() >= 2, "{shown}");
    urls
}

fn key(letter: char) -> HostKey {
    HostKey::try_from(format!("ssh-ed25519 {}", letter.to_string().repeat(64))).unwrap()
}

async fn fleet_key(bench: &Bench) -> String {
    let private = bench.data.path().join("ssh/fleet_ed25519");
    let output = std::process::Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_between_any_two_steps_brings_the_machine_to_ready_and_does_nothing_twice() {
    let mut bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    let mac = machine.mac();

    let offer = machine.discover(Stage::Ipxe).await.unwrap();
    bench.crash().await;
    // The offer was not kept, and need not be: the client that asks for it gets it all the same.
    let lease = match machine.request(&offer).await {
        Ok(lease) => lease,
        Err(_) => machine.dhcp(Stage::Ipxe).await.unwrap(),
    };
    bench.crash().await;
    assert_eq!(machine.dhcp(Stage::Ipxe).await.unwrap().address, lease.address, "a lease was lost");

    let script = machine.script(&lease.boot_file.clone().unwrap()).await.unwrap();
    bench.crash().await;
    for url in boot_files(&script) {
        assert!(!machine.fetch(&url).await.unwrap().body.is_empty());
        bench.crash().await;
    }
    let token = token(&script);
    assert_eq!(machine.progress(BASE, &token, Step::RootUp, "init").await.unwrap().status, 204);
    bench.crash().await;

    let system = machine.start_system(&fleet_key(&bench).await).await.unwrap_or_else(|error| panic!("{error:?}"));
    let claim = machine.claim(token, lease.address.into(), system.host_key().clone());
    let first = machine.call_home(BASE, &claim).await.unwrap();
    assert_eq!(first.status, 202, "{}", first.text());
    bench.crash().await;
    let again = machine.call_home(BASE, &claim).await.unwrap();
    assert_eq!((again.status, again.json()), (202, first.json()), "a repeat is the same run");

    bench.reached(mac, Step::RunStarted, PATIENCE).await;
    bench.crash().await;
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    bench.crash().await;
    assert_eq!(bench.node(mac).await.unwrap().state, NodeState::Ready);
    for step in [Step::CalledHome, Step::RunStarted, Step::Verified, Step::Ready] {
        assert_eq!(bench.count(mac, step).await, 1, "{step}: {}", bench.story(mac).await);
    }
    // A run whose process had not begun when the daemon died may be repeated, but only one succeeds.
    let runs = bench.runs().await;
    assert_eq!(runs.iter().filter(|run| run.state.name() == "succeeded").count(), 1, "{runs:?}");
    let old = a_rotated_key_opens_the_node_and_the_old_one_does_not(&bench, lease.address).await;
    a_node_that_booted_with_the_old_key_gets_the_new_one(&bench, mac, lease.address, &old).await;
}

async fn a_rotated_key_opens_the_node_and_the_old_one_does_not(bench: &Bench, address: Ipv4Addr) -> PathBuf {
    let private = bench.data.path().join("ssh/fleet_ed25519");
    let old = bench.data.path().join("old-key");
    std::fs::copy(&private, &old).unwrap();
    assert!(opens(bench, &old, address));
    let rotated = bench.daemon.api().post("/api/ssh/rotate", &serde_json::json!({})).await.unwrap();
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    assert!(rotated.text().contains("has the new key"), "{}", rotated.text());
    assert!(opens(bench, &private, address), "the new key does not open the node");
    assert!(!opens(bench, &old, address), "the old key still opens the node");
    old
}

/// As a machine comes up that got its script before the rotation: the old key is the only one it knows.
async fn a_node_that_booted_with_the_old_key_gets_the_new_one(
    bench: &Bench,
    mac: vocabulary::Mac,
    address: Ipv4Addr,
    old: &Path,
) {
    let private = bench.data.path().join("ssh/fleet_ed25519");
    let public = std::process::Command::new("ssh-keygen").arg("-y").arg("-f").arg(old).output().unwrap();
    let public = String::from_utf8(public.stdout).unwrap();
    assert!(ssh(bench, &private, address, &format!("echo '{}' > ~/.ssh/authorized_keys", public.trim())));
    assert!(opens(bench, old, address) && !opens(bench, &private, address));
    let last = bench.node(mac).await.unwrap().run.unwrap();
    let retried = bench.daemon.api().post(&format!("/api/runs/{last}/retry"), &serde_json::json!({})).await.unwrap();
    assert!(retried.status < 300, "{}", retried.text());
    bench.in_state(mac, NodeState::Ready, PATIENCE).await;
    assert!(opens(bench, &private, address) && !opens(bench, old, address));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_a_crash_cut_short_is_gone_on_with_once() {
    let mut bench = Bench::up(Setup::small()).await;
    let from = fleet_key(&bench).await;
    let order = serde_json::json!({"by": "a person", "silent": "stop", "from": from.trim()});
    let noted = bench.data.path().join("ssh/rotation.json");
    bench.daemon.kill().await.unwrap();
    std::fs::write(&noted, order.to_string()).unwrap();
    bench.daemon.restart().await.unwrap();
    bench.until(PATIENCE, "the order to end", async || !noted.exists()).await;
    let to = fleet_key(&bench).await;
    assert_ne!(to, from);

    bench.daemon.kill().await.unwrap();
    std::fs::write(&noted, order.to_string()).unwrap();
    bench.daemon.restart().await.unwrap();
    bench.until(PATIENCE, "the order to end", async || !noted.exists()).await;
    assert_eq!(fleet_key(&bench).await, to, "an order that was carried out is not carried out again");
}

pub(crate) fn opens(bench: &Bench, key: &Path, address: Ipv4Addr) -> bool {
    ssh(bench, key, address, "true")
}

fn ssh(bench: &Bench, key: &Path, address: Ipv4Addr, command: &str) -> bool {
    let options = ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
    let mut ssh = bench.rack.command("ssh");
    ssh.args(["-F", "/dev/null", "-i"]).arg(key).args(options.iter().flat_map(|option| ["-o", option]));
    ssh.arg(format!("root@{address}")).arg(command).output().unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_waits_until_a_person_approves_it_and_then_goes_on_by_itself() {
    let bench = Bench::up(Setup { enroll: "approve", ..Setup::small() }).await;
    let machine = machine(&bench, "m1");
    let waiting = script(&machine).await;
    assert_eq!(waiting.argument("roost.token"), None);
    assert!(waiting.shown().contains(&machine.mac().to_string()), "{}", waiting.shown());
    assert_eq!(bench.node(machine.mac()).await.unwrap().state, NodeState::Waiting);

    let path = format!("/api/nodes/{}/approve", vocabulary::NodeId::of(machine.mac()));
    assert_eq!(bench.daemon.api().post(&path, &serde_json::json!({})).await.unwrap().status, 200);
    token(&script(&machine).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_boot_script_holds_no_secret_but_the_token() {
    let bench = Bench::up(Setup::small()).await;
    let script = script(&machine(&bench, "m1")).await;
    let shown = script.shown();
    assert!(shown.contains("roost.token=<token>"), "{shown}");
    let private = std::fs::read_to_string(bench.data.path().join("ssh/fleet_ed25519")).unwrap();
    let first_key = std::fs::read_to_string(bench.data.path().join("first-key")).unwrap();
    for secret in private.lines().filter(|line| line.len() > 30 && !line.starts_with('-')).chain([first_key.trim()]) {
        assert!(!shown.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cloner_is_parked_and_the_alarm_is_raised() {
    let bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    let script = script(&machine).await;
    let honest = machine.claim(token(&script), "10.77.1.1".parse().unwrap(), key('A'));
    assert_eq!(machine.call_home(BASE, &honest).await.unwrap().status, 202);

    let mut cloner = honest.clone();
    cloner.ssh_host_keys = vec![key('B')];
    let answer = machine.call_home(BASE, &cloner).await.unwrap();
    assert_eq!(answer.status, 409, "{}", answer.text());
    let node = bench.node(machine.mac()).await.unwrap();
    assert_eq!(node.state, NodeState::Suspect);
    assert_eq!(bench.count(machine.mac(), Step::Alarm).await, 1);
    let inventory = std::fs::read_to_string(bench.data.path().join("inventory/50-roost.yaml")).unwrap_or_default();
    assert!(!inventory.contains(&machine.mac().bare()), "{inventory}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_machine_says_of_itself_reaches_no_inventory_and_no_log() {
    let bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    let script = script(&machine).await;
    for attack in ["x ansible_connection=local", "{{ lookup('pipe', 'id') }}", "a\nb", "localhost\u{0}"] {
        let mut claim = machine.claim(token(&script), "10.77.1.1".parse().unwrap(), key('A'));
        claim.hostname = attack.to_owned();
        assert_eq!(machine.call_home(BASE, &claim).await.unwrap().status, 400, "{attack:?}");
    }
    let forged = machine.claim(Token::from_random([9; 32]), "10.77.1.1".parse().unwrap(), key('A'));
    assert_eq!(machine.call_home(BASE, &forged).await.unwrap().status, 404);
    let log = bench.daemon.log();
    assert!(!log.contains("lookup(") && !log.contains(token(&script).expose()), "{log}");
    assert_eq!(bench.runs().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn explaining_changes_nothing() {
    let bench = Bench::up(Setup::small()).await;
    let machine = machine(&bench, "m1");
    script(&machine).await;
    let before = bench.steps(machine.mac()).await;
    let explained: serde_json::Value = bench.get(&format!("/api/explain/{}", machine.mac())).await.unwrap();
    assert!(explained["answers"].as_array().is_some_and(|answers| !answers.is_empty()), "{explained}");
    assert!(!explained.to_string().contains("rt_"), "{explained}");
    assert_eq!(bench.steps(machine.mac()).await, before);
}
