//! A booted machine gets a data disk, loses its power and comes back as who it was, with what it had.
//!
//! A part of the test in `boot.rs`, around the power cut that is there anyway: it costs seconds and no boot.

use std::{process::Command, time::Duration};

use lab::Machine;
use vocabulary::NodeId;

use crate::bench::Bench;

/// A partition table, a file system, four folders.
const DISK: Duration = Duration::from_secs(180);

/// What must be the same after the power cut.
pub(crate) struct Before {
    host_keys: Vec<String>,
    machine_id: Option<String>,
}

/// `roost node disk` on a machine with one empty disk, whose folders are on it from then on.
pub(crate) async fn it_is_given_a_disk(bench: &Bench, machine: &Machine) -> Before {
    let node = NodeId::of(machine.mac()).to_string();
    ssh(bench, machine, "mkdir -p /var/lib/consul && echo early >/var/lib/consul/early").await;
    // On a busy host it takes longer than the verb waits; asked again, it says how it went and changes nothing.
    let is_mounted = async || {
        let mut roost = bench.rack.command(env!("CARGO_BIN_EXE_roost"));
        roost.env("ROOST_SOCKET", bench.daemon.api().socket()).args(["node", "disk", &node, "--yes"]);
        let done = tokio::task::block_in_place(|| roost.output().unwrap());
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{done:?}\n{}", bench.story(machine.mac()).await);
        said.contains("mounted") && said.contains("serial roost-disk0")
    };
    bench.until(DISK, "the disk to be made", is_mounted).await;
    let late = "cat /var/lib/consul/early && echo late >/var/lib/nomad/late && sync";
    assert_eq!(ssh(bench, machine, late).await, "early");
    let identity = bench.node(machine.mac()).await.unwrap().identity.unwrap();
    assert!(identity.kept.is_some(), "{identity:?}");
    Before { host_keys: identity.host_keys, machine_id: identity.machine_id }
}

/// After the power cut: the same keys and id, proven by SSH with the pinned key; the files; and a journal to read.
pub(crate) async fn it_came_back_with_what_it_had(bench: &Bench, machine: &Machine, before: &Before) {
    let identity = bench.node(machine.mac()).await.unwrap().identity.unwrap();
    let story = bench.story(machine.mac()).await;
    assert_eq!((&identity.host_keys, &identity.machine_id), (&before.host_keys, &before.machine_id), "{story}");
    assert!(identity.kept.is_some() && story.contains("its data disk is mounted"), "{story}");
    let look = "cat /var/lib/consul/early /var/lib/nomad/late /etc/machine-id; \
                findmnt -n -o FSTYPE /var/lib/docker; systemctl is-active var-lib-docker.mount; \
                journalctl -q -o cat -u ssh.service | grep -c 'Server listening'";
    let said = ssh(bench, machine, look).await;
    let lines: Vec<&str> = said.lines().collect();
    let machine_id = before.machine_id.as_deref().unwrap();
    assert_eq!(lines[..5], ["early", "late", machine_id, "ext4", "active"], "{said}");
    assert!(lines[5].parse::<u32>().unwrap() > 0, "the journal of this boot is not found: {said}");
}

/// Root's word on the machine, whose pinned host key must answer.
async fn ssh(bench: &Bench, machine: &Machine, command: &str) -> String {
    let node = bench.node(machine.mac()).await.unwrap();
    let address = node.address.unwrap();
    let known_hosts = tempfile::NamedTempFile::new().unwrap();
    let lines: Vec<String> = node.identity.unwrap().host_keys.iter().map(|key| format!("{address} {key}\n")).collect();
    std::fs::write(known_hosts.path(), lines.concat()).unwrap();
    let mut ssh: Command = bench.rack.command("ssh");
    ssh.args(["-F", "/dev/null", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o"]);
    ssh.arg(format!("UserKnownHostsFile={}", known_hosts.path().display()));
    ssh.arg("-i").arg(bench.data.path().join("ssh/fleet_ed25519")).arg(format!("root@{address}")).arg(command);
    let output = tokio::task::block_in_place(|| ssh.output().unwrap());
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}
