//! `roost cluster init` on a booted machine where systemd is PID 1: units, sealing, users, and certificates that are
//! renewed under agents that run.
//!
//! Without systemd the same verb is tested in `cluster.rs`; what is here can only be seen where credentials are sealed
//! and handed over by a systemd that really starts the agents.

use std::{path::PathBuf, process::Command};

use lab::agents::{Kind, find_binary};

use super::control_node::{Shell, done};

const CLUSTER: &str = "[cluster]\nmode = \"own\"\nadvertise = \"10.88.0.1\"\n";
const AGENTS: [&str; 2] = ["consul", "nomad"];
const PIDS: &str = "systemctl show -P MainPID consul nomad | xargs";
/// When the first server's certificates end, as `roost cluster status` has it.
const ENDS: &str = "/root/ends";
const ENDS_TEXT: &str = r#"#!/bin/sh
roost cluster status --json | python3 -Ic 'import json, sys; print(json.load(sys.stdin)["own"]["certificates_expire_at"])'
"#;
/// When the certificate ends with which Consul answers, in seconds since 1970. Whoever asks shows none of their own.
const SERVED: &str = "/root/served";
const SERVED_TEXT: &str = r#"#!/usr/bin/python3 -I
import ssl, tempfile
with tempfile.NamedTemporaryFile("w") as file:
    file.write(ssl.get_server_certificate(("127.0.0.1", 8501)))
    file.flush()
    print(ssl.cert_time_to_seconds(ssl._ssl._test_decode_cert(file.name)["notAfter"]))
"#;

impl Shell {
    /// Every step of it, as the documents tell a person.
    pub(crate) fn is_made_the_first_server(&self) {
        self.send(&self.programs(), "tar -xz --no-same-owner -C /usr/local/bin");
        self.send_text(CLUSTER, "cat >>/etc/roost/roost.toml && roost config check");
        self.rehearses_and_writes_nothing();
        self.seals_what_opens_the_doors();
        self.is_well_and_init_again_changes_nothing();
        self.renews_under_agents_that_run();
        self.run("systemctl stop roost nomad consul roost-agents.path");
    }

    /// Both programs; the wire is short and the machine slow: little compression.
    fn programs(&self) -> PathBuf {
        let parcel = self.folder.path().join("programs");
        let mut tar = Command::new("tar");
        tar.args(["-c", "--use-compress-program=gzip -1", "-f"]).arg(&parcel);
        for kind in [Kind::Consul, Kind::Nomad] {
            let program = find_binary(kind).unwrap();
            tar.arg("-C").arg(program.parent().unwrap()).arg(program.file_name().unwrap());
        }
        done(&mut tar);
        parcel
    }

    fn rehearses_and_writes_nothing(&self) {
        let told = self.run("roost cluster init --dry-run");
        assert!(told.contains("would write /etc/systemd/system/consul.service"), "{told}");
        self.run("! test -e /var/lib/roost/cluster && ! test -e /etc/systemd/system/consul.service");
    }

    fn seals_what_opens_the_doors(&self) {
        let told = self.run("roost cluster init");
        assert!(told.contains("its secrets: sealed, a systemd credential"), "{told}");
        self.run("test -s /etc/credstore.encrypted/roost-cluster && ! test -e /var/lib/roost/cluster/secrets.json");
        assert_eq!(self.run("stat -c %U /var/lib/roost/cluster/cluster.json"), "roost");
        for agent in AGENTS {
            assert_eq!(
                self.run(&format!("systemctl is-active {agent} && systemctl is-enabled {agent}")),
                "active\nenabled"
            );
            let user = self.run(&format!("ps -o user= -p $(systemctl show -P MainPID {agent})"));
            assert!(user != "root" && user != "roost", "{agent} runs as {user}");
            assert_eq!(self.run(&format!("systemd-analyze verify {agent}.service 2>&1")), "");
        }
    }

    fn is_well_and_init_again_changes_nothing(&self) {
        self.run("systemctl start roost");
        self.until("roost cluster status");
        // The watcher asks each source in its own time.
        self.until("roost status | grep -q \"is ready\"");
        let pids = self.run(PIDS);
        let told = self.run("roost cluster init");
        assert!(told.contains("the cluster is closed"), "{told}");
        assert_eq!(self.run(PIDS), pids, "agents that are well were started anew");
        // The daemon reads with its own token, as an ordinary user, what only the sealed secrets open.
        assert_eq!(self.run("roost job list --json"), "[]");
    }

    /// The shortest lifetime that is allowed; a third of it is waited for.
    fn renews_under_agents_that_run(&self) {
        self.run("sed -i '/^advertise/a certificate_lifetime = \"3m\"' /etc/roost/roost.toml && roost cluster init");
        self.run("systemctl restart roost");
        self.send_text(ENDS_TEXT, &format!("install -m 755 /dev/stdin {ENDS}"));
        self.send_text(SERVED_TEXT, &format!("install -m 755 /dev/stdin {SERVED}"));
        let (pids, ends) = (self.run(PIDS), self.run(ENDS));
        self.until(&format!("test \"$({ENDS})\" != \"{ends}\""));
        self.until(&format!("test \"$({PIDS})\" != \"{pids}\" && roost cluster status"));
        // What was renewed is what is served.
        self.until(&format!("test \"$(date -ud \"$({ENDS})\" +%s)\" = \"$({SERVED})\""));
    }
}
