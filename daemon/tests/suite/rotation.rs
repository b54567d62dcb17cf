//! The fleet key where the operator keeps it: Roost makes the next one, tells the nodes, and has it put in place by who
//! gave the old one, whenever that is. Machines boot before, meanwhile and across; none is locked out.
//!
//! A key of Roost's own is rotated in `walk.rs`.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use lab::{
    Synthetic,
    synthetic::{Script, Stage, System},
};
use serde_json::{Value, json};
use vocabulary::NodeState;

use crate::{
    bench::{BASE, Bench, Setup},
    walk::{machine, opens, token},
};

/// A step is several logins, each of which syncs a file.
const PATIENCE: Duration = Duration::from_secs(240);

/// A machine that has its script, with the key that stands in it.
struct Booting {
    machine: Synthetic,
    address: Ipv4Addr,
    script: Script,
}

impl Booting {
    async fn begins(bench: &Bench, name: &str) -> Self {
        let machine = machine(bench, name);
        let lease = machine.dhcp(Stage::Ipxe).await.unwrap();
        let script = machine.script(&lease.boot_file.unwrap()).await.unwrap();
        Self { machine, address: lease.address, script }
    }

    fn key(&self) -> String {
        format!("ssh-ed25519 {} roost", self.script.argument("roost.ssh").unwrap())
    }

    async fn comes_up(&self, bench: &Bench) -> System {
        let system = self.machine.start_system(&self.key()).await.unwrap_or_else(|error| panic!("{error:?}"));
        let claim = self.machine.claim(token(&self.script), self.address.into(), system.host_key().clone());
        assert_eq!(self.machine.call_home(BASE, &claim).await.unwrap().status, 202);
        bench.in_state(self.machine.mac(), NodeState::Ready, PATIENCE).await;
        system
    }
}

fn new_key(path: PathBuf) -> PathBuf {
    let mut keygen = Command::new("ssh-keygen");
    assert!(keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&path).status().unwrap().success());
    // Only the private half is put in place below, and ssh would offer this one.
    std::fs::remove_file(path.with_extension("pub")).unwrap();
    path
}

fn public(private: &Path) -> String {
    let output = Command::new("ssh-keygen").arg("-y").arg("-f").arg(private).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().trim().to_owned()
}

async fn rotate(bench: &Bench) -> String {
    let rotated = bench.daemon.api().post("/api/ssh/rotate", &json!({})).await.unwrap();
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    rotated.text()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_operator_keeps_is_rotated_and_locks_out_no_node_whenever_it_boots() {
    let safe = tempfile::tempdir().unwrap();
    let (given, old) = (new_key(safe.path().join("given")), safe.path().join("old"));
    std::fs::copy(&given, &old).unwrap();
    let ansible = format!("ssh_key = \"{}\"", given.display());
    let mut bench = Bench::up(Setup { ansible, ..Setup::small() }).await;
    let standing = Booting::begins(&bench, "m1").await;
    let mut systems = vec![standing.comes_up(&bench).await];
    let before = Booting::begins(&bench, "m2").await;
    let next = bench.data.path().join("ssh/next_ed25519");

    let said = rotate(&bench).await;
    assert!(said.contains(next.to_str().unwrap()) && said.contains("takes the new key too"), "{said}");
    let meanwhile = Booting::begins(&bench, "m3").await;
    assert!(before.key().contains(&public(&old)) && meanwhile.key().contains(&public(&next)));
    for booting in [&before, &meanwhile] {
        systems.push(booting.comes_up(&bench).await);
    }
    for node in [&standing, &before, &meanwhile] {
        assert!(opens(&bench, &old, node.address) && opens(&bench, &next, node.address), "{}", node.address);
    }
    let shown: Value = bench.get("/api/ssh").await.unwrap();
    assert_eq!((&shown["private"], &shown["next"]["private"]), (&json!(given), &json!(next)), "{shown}");
    let across = Booting::begins(&bench, "m4").await;

    std::fs::copy(&next, &given).unwrap();
    bench.crash().await;
    systems.push(across.comes_up(&bench).await);
    bench.until(PATIENCE, "the copy of the key to go", async || !next.exists()).await;
    for node in [&standing, &before, &meanwhile, &across] {
        assert!(opens(&bench, &given, node.address) && !opens(&bench, &old, node.address), "{}", node.address);
    }
    let shown: Value = bench.get("/api/ssh").await.unwrap();
    assert_eq!(shown["next"], Value::Null);
}
