//! Roost installed on a booted machine where systemd is PID 1: `scripts/install`, the unit with its capabilities, its
//! watchdog and its credentials, and the playbook on a control node.
//!
//! The machine is one that another test has booted and will switch off; its own boot network is a veth pair. Everything
//! goes over one SSH connection that stays open, because on an emulated machine a new one costs a second.
//! Rejected: a container with systemd in it, whose cgroups, credentials and capabilities are the host's in part.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use lab::Namespace;
use systemd::unit::{CAPABILITIES, SSH_KEY_CREDENTIAL};

const CONFIG: &str = r#"# edited by a person
[boot]
listen = ["10.88.0.1:7601"]
[dhcp]
mode = "full"
interfaces = ["boot0"]
[[dhcp.subnet]]
cidr = "10.88.0.0/24"
pools = ["10.88.0.100-10.88.0.200"]
[tftp]
listen = ["10.88.0.1:69"]
"#;

/// The machine's own boot network: boot0 is the daemon's, boot1 a client's in a namespace.
const NETWORK: &str = "ip netns add client && ip link add boot0 type veth peer name boot1 netns client && \
                       ip addr add 10.88.0.1/24 dev boot0 && ip link set boot0 up && ip -n client link set boot1 up";

/// Prints what is offered to a machine without an address.
const DISCOVER: &str = r#"
import socket, struct, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"boot1")
sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
sock.settimeout(2)
sock.bind(("", 68))
head = struct.pack("!BBBBIHH16x16s192x", 1, 1, 6, 0, 7, 0, 0x8000, bytes.fromhex("525400880001"))
for _ in range(15):
    sock.sendto((head + bytes.fromhex("63825363350101ff")).ljust(300, b"\0"), ("255.255.255.255", 67))
    try:
        answer = sock.recv(1500)
    except TimeoutError:
        continue
    sys.exit(print(socket.inet_ntoa(answer[16:20])))
sys.exit("nobody answered")
"#;

/// The kernel's number of CAP_NET_BIND_SERVICE.
const NET_BIND_SERVICE: u32 = 10;
const DROP_IN: &str = "/run/systemd/system/roost.service.d/test.conf";
const INSTALL: &str = "ROOST_BINARY=/root/checkout/roost /root/checkout/scripts/install";
/// Everything that an installation makes, with what would show a change.
const INSTALLED: &str = "find /usr/local /etc/roost /etc/systemd/system/roost.service /var/lib/roost /var/cache/roost \
                         -printf '%p %i %m %u:%g %T@ %C@\n' | sort";

/// What root runs and reads, and the daemon's user or everybody could change.
const IN_OTHER_HANDS: &str = "find /usr/local /etc/roost /etc/systemd/system/roost.service /var/cache/roost ! -type l \
                              \\( ! -user root -o -perm /002 -o -group roost -perm /020 \\)";

/// Root's shell on a booted machine.
pub(crate) struct Shell {
    /// From where it is reached.
    pub(crate) namespace: Namespace,
    /// The fleet's private key.
    pub(crate) key: PathBuf,
    /// The machine.
    pub(crate) address: Ipv4Addr,
    /// For the connection's socket and what is sent.
    pub(crate) folder: tempfile::TempDir,
}

impl Shell {
    /// Runs every proof; `venv` is where ansible-playbook is.
    pub(crate) fn prove(&self, venv: &Path) {
        self.installs_and_a_second_time_changes_nothing();
        self.starts_as_an_ordinary_user_and_stops_clean();
        self.says_which_capability_it_needs();
        self.is_active_only_once_it_says_so();
        self.seals_its_key_and_hands_the_next_one_over();
        self.takes_the_sealed_key_and_is_restarted_when_it_hangs();
        self.drop_in("");
        self.is_made_the_first_server();
        // The last one: it gives the machine another name.
        self.is_configured_by_the_playbook(venv);
    }

    fn installs_and_a_second_time_changes_nothing(&self) {
        self.send(&self.parcel(), "mkdir /root/checkout && tar -xz -C /root/checkout");
        let said = self.run(INSTALL);
        assert!(said.contains("systemctl enable --now roost"), "{said}");
        self.send_text(CONFIG, "cat >/etc/roost/roost.toml");
        let before = self.run(INSTALLED);
        let said = self.run(INSTALL);
        assert!(said.contains("kept /etc/roost/roost.toml") && said.contains("nothing was changed"), "{said}");
        assert_eq!(self.run(INSTALLED), before);
        self.run("roost config check");
        assert_eq!(self.run("systemd-analyze verify roost.service 2>&1"), "");
        // Exposure at most 2.5 of 10.
        self.run("systemd-analyze security --no-pager --threshold=25 roost.service");
    }

    /// What `scripts/install` needs of a checkout, and the binary without its debugging information.
    fn parcel(&self) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let (binary, parcel) = (self.folder.path().join("roost"), self.folder.path().join("parcel"));
        done(Command::new("strip").arg("-o").arg(&binary).arg(env!("CARGO_BIN_EXE_roost")));
        let mut tar = Command::new("tar");
        // The wire is short and the machine slow: little compression.
        tar.args(["-c", "--use-compress-program=gzip -1", "--owner=0", "--group=0", "-f"])
            .arg(&parcel)
            .arg("-C")
            .arg(root);
        tar.args(["scripts/install", "scripts/common.sh", "ansible/playbook.yaml", "ansible/roles"]);
        tar.args(["jobs/hello.nomad.hcl", "jobs/web.nomad.hcl"]);
        tar.args(["config.example.toml", "systemd/roost.service", "-C"]).arg(self.folder.path()).arg("roost");
        done(&mut tar);
        parcel
    }

    fn starts_as_an_ordinary_user_and_stops_clean(&self) {
        self.run(&format!("{NETWORK} && systemctl start roost"));
        let unit = self.unit();
        assert_eq!((&*unit["Type"], &*unit["SubState"], &*unit["NRestarts"]), ("notify", "running", "0"), "{unit:?}");
        assert_eq!(unit["StatusText"], "every part has started");
        self.runs_as_roost_with_one_capability(&unit["MainPID"]);
        // What the daemon sees: its temporary files can be written, the system cannot, not even by root.
        let inside = format!("nsenter --target {} --mount --", unit["MainPID"]);
        self.run(&format!("{inside} mktemp --tmpdir=/tmp && {inside} mktemp --tmpdir=/var/tmp"));
        for folder in ["/etc", "/usr"] {
            assert!(
                !self.ask(&format!("{inside} mktemp --tmpdir={folder}")).status.success(),
                "{folder} can be written"
            );
        }
        let sockets = self.run("ss -Hltun");
        for socket in ["0.0.0.0%boot0:67", "10.88.0.1:69", "10.88.0.1:7601", "127.0.0.1:7600"] {
            assert!(sockets.contains(&format!(" {socket} ")), "{socket}: {sockets}");
        }
        let offered = self.send_text(DISCOVER, "ip netns exec client python3 -I -");
        assert!(offered.starts_with("10.88.0.1"), "{offered}");
        assert!(self.run("roost status").contains("is ready"));
        assert_eq!(self.run("stat -c '%a %U' /var/lib/roost /var/lib/roost/ssh/fleet_ed25519"), "700 roost\n600 roost");
        assert!(self.journal().contains("not sealed: a file that only its owner can read"), "{}", self.journal());
        // On a diskless machine the root's own layers lie beside it.
        assert_eq!(self.run("stat -c '%a %U' /run/roost /run/roost/secrets"), "755 root\n700 roost");
        self.run("systemctl stop roost");
        let unit = self.unit();
        assert_eq!((&*unit["ActiveState"], &*unit["Result"], &*unit["ExecMainStatus"]), ("inactive", "success", "0"));
        // After a start, since systemd gives folders away; also one that an earlier version left to the daemon's user.
        assert_eq!(self.run(IN_OTHER_HANDS), "");
        self.run("chown roost /var/cache/roost && mkdir /var/cache/roost/venv && chown roost /var/cache/roost/venv");
        let said = self.run(INSTALL);
        assert!(said.contains("took /var/cache/roost back"), "{said}");
        assert_eq!(self.run(&format!("{IN_OTHER_HANDS}; ls /var/cache/roost")), "");
    }

    fn runs_as_roost_with_one_capability(&self, pid: &str) {
        assert_eq!(CAPABILITIES, ["CAP_NET_BIND_SERVICE"]);
        let status = self.run(&format!("cat /proc/{pid}/status"));
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t")).unwrap();
        let user = self.run("id -u roost");
        assert!(field("Uid").split('\t').all(|id| id == user && id != "0"), "{status}");
        for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(u64::from_str_radix(field(set), 16).unwrap(), 1 << NET_BIND_SERVICE, "{set}");
        }
        assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1", "2"));
    }

    fn says_which_capability_it_needs(&self) {
        self.drop_in("AmbientCapabilities=\nCapabilityBoundingSet=\nRestart=no\n");
        assert!(!self.ask("systemctl start roost").status.success());
        assert_eq!(self.unit()["Result"], "exit-code");
        let said = self.journal();
        assert!(
            said.contains("0.0.0.0:67/udp: Permission denied") && said.contains("need CAP_NET_BIND_SERVICE"),
            "{said}"
        );
    }

    fn is_active_only_once_it_says_so(&self) {
        self.drop_in("UnsetEnvironment=NOTIFY_SOCKET\n");
        self.run("systemctl start --no-block roost");
        self.until("roost status");
        assert_eq!(self.unit()["ActiveState"], "activating");
        self.run("systemctl stop roost");
    }

    /// As the documents say it.
    fn seals_its_key_and_hands_the_next_one_over(&self) {
        let made = "/var/lib/roost/ssh/fleet_ed25519";
        self.drop_in("");
        self.run("mkdir -p -m 700 /etc/credstore.encrypted");
        self.seal(made);
        self.run("systemctl start roost");
        let shown = self.run("roost ssh show");
        assert!(shown.contains("(a systemd credential)") && shown.contains(&format!("{made} is a key in plain text")));
        self.run(&format!("rm {made}"));
        let sealed = self.uses_the_sealed_key();
        let said = self.run("roost ssh rotate");
        let next = "/var/lib/roost/ssh/next_ed25519";
        assert!(said.contains(&format!("runuser -u roost -- cat {next} | systemd-creds encrypt")), "{said}");
        let shown = self.run("roost ssh show");
        assert!(shown.starts_with(&sealed) && shown.contains(next) && shown.contains("takes both"), "{shown}");
        self.seal(next);
        self.run("systemctl restart roost");
        assert_ne!(self.uses_the_sealed_key(), sealed);
        self.until(&format!("! test -e {next}"));
        self.run("systemctl stop roost");
    }

    fn seal(&self, file: &str) {
        let sealed = format!("/etc/credstore.encrypted/{SSH_KEY_CREDENTIAL}");
        let seal = format!("systemd-creds encrypt --with-key=host --name={SSH_KEY_CREDENTIAL} - {sealed}");
        self.run(&format!("set -o pipefail; runuser -u roost -- cat {file} | {seal}"));
    }

    fn takes_the_sealed_key_and_is_restarted_when_it_hangs(&self) {
        self.drop_in("WatchdogSec=3s\nRestartSec=100ms\n");
        self.run("systemctl start roost");
        let first = self.unit();
        self.uses_the_sealed_key();
        let keys = self.run("roost key list --json");

        self.run(&format!("kill -STOP {}", first["MainPID"]));
        self.until("test $(systemctl show -P NRestarts roost) = 1 && systemctl is-active -q roost");
        let second = self.unit();
        assert_ne!(second["MainPID"], first["MainPID"]);
        assert!(self.run("journalctl -u roost -o cat").contains("Watchdog timeout"));
        let holder = self.run("cat /var/lib/roost/roost.lock");
        assert!(holder.starts_with(&format!("{} ", second["MainPID"])), "{holder}");
        assert_eq!(self.run("roost key list --json"), keys);
        self.uses_the_sealed_key();
        self.run("systemctl stop roost");
        let check =
            "import sqlite3; print(*sqlite3.connect('/var/lib/roost/roost.db').execute('PRAGMA integrity_check'))";
        assert_eq!(self.send_text(check, "python3 -I -"), "('ok',)");
    }

    /// The public half, as the daemon says it.
    fn uses_the_sealed_key(&self) -> String {
        let (said, shown) = (self.journal(), self.run("roost ssh show"));
        let public = shown.lines().next().unwrap().to_owned();
        let body = public.split(' ').nth(1).unwrap();
        assert!(said.contains("a systemd credential") && said.contains(body), "{public}: {said}");
        assert!(!shown.contains("plain text"), "{shown}");
        assert!(!self.ask("test -e /var/lib/roost/ssh/fleet_ed25519").status.success(), "a key beside the sealed one");
        public
    }

    /// As an operator would: what differs on the control node stands in an inventory of root's.
    fn is_configured_by_the_playbook(&self, venv: &Path) {
        let inventory = self.folder.path().join("control.yaml");
        let host =
            format!("control:\n  hosts:\n    roost-control: {{ansible_host: {}, ansible_user: root}}\n", self.address);
        let wanted = "  vars: {common_hostname: roost-control, common_sysctl: {vm.max_map_count: 300000}}\nnodes: {}\n";
        std::fs::write(&inventory, host + wanted).unwrap();
        let first = self.playbook(venv, &inventory);
        assert!(first.contains(" failed=0 ") && !first.contains(" changed=0 "), "{first}");
        assert_eq!(self.run("hostname && cat /proc/sys/vm/max_map_count"), "roost-control\n300000");
        let second = self.playbook(venv, &inventory);
        assert!(second.contains(" failed=0 ") && second.contains(" changed=0 "), "{second}");
    }

    fn playbook(&self, venv: &Path, inventory: &Path) -> String {
        let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("ansible/playbook.yaml");
        let mut command = self.namespace.command(venv.join("bin/ansible-playbook"));
        command.arg("--inventory").arg(inventory).args(["--limit", "control"]).arg(playbook);
        command.env("ANSIBLE_HOME", self.folder.path()).env("LC_ALL", "C.UTF-8").env("ANSIBLE_PIPELINING", "True");
        command.env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3").env("ANSIBLE_SSH_ARGS", self.options().join(" "));
        text(&done(&mut command))
    }

    // === the unit ===

    pub(crate) fn drop_in(&self, lines: &str) {
        let put = format!("mkdir -p $(dirname {DROP_IN}) && cat >{DROP_IN} && systemctl daemon-reload");
        self.send_text(&format!("[Service]\n{lines}"), &put);
    }

    fn unit(&self) -> HashMap<String, String> {
        let wanted = "Type,ActiveState,SubState,Result,StatusText,MainPID,ExecMainStatus,NRestarts";
        let said = self.run(&format!("systemctl show roost -p {wanted}"));
        said.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// What the unit said since it was started last.
    pub(crate) fn journal(&self) -> String {
        self.run("journalctl --sync; journalctl -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID roost)")
    }

    // === the connection ===

    fn options(&self) -> Vec<String> {
        let inside = |name: &str| self.folder.path().join(name).display().to_string();
        let fixed = ["IdentitiesOnly=yes", "StrictHostKeyChecking=accept-new", "ControlMaster=auto", "LogLevel=ERROR"];
        let known = format!("UserKnownHostsFile={}", inside("known_hosts"));
        let options = fixed.map(str::to_owned).into_iter();
        let options = options.chain([known, format!("ControlPath={}", inside("mux")), "ControlPersist=60".to_owned()]);
        let identity = ["-F".to_owned(), "/dev/null".to_owned(), "-i".to_owned(), self.key.display().to_string()];
        identity.into_iter().chain(options.flat_map(|option| ["-o".to_owned(), option])).collect()
    }

    fn ssh(&self, script: &str) -> Command {
        let mut command = self.namespace.command("ssh");
        command.args(self.options()).arg(format!("root@{}", self.address)).arg("--").arg(script);
        command
    }

    fn ask(&self, script: &str) -> Output {
        self.ssh(script).stdin(Stdio::null()).output().unwrap()
    }

    pub(crate) fn run(&self, script: &str) -> String {
        text(&done(self.ssh(script).stdin(Stdio::null())))
    }

    pub(crate) fn send(&self, file: &Path, script: &str) -> String {
        text(&done(self.ssh(script).stdin(File::open(file).unwrap())))
    }

    pub(crate) fn send_text(&self, input: &str, script: &str) -> String {
        let mut file = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        file.write_all(input.as_bytes()).unwrap();
        self.send(file.path(), script)
    }

    /// Waits on the machine itself until a command succeeds there.
    pub(crate) fn until(&self, condition: &str) {
        self.run(&format!("timeout 120 sh -c 'until {condition}; do sleep 0.1; done' >/dev/null 2>&1"));
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let mut end = self.namespace.command("ssh");
        end.args(self.options()).args(["-O", "exit"]).arg(format!("root@{}", self.address));
        // A connection that is gone already is as good.
        let _ = end.stderr(Stdio::null()).status();
    }
}

pub(crate) fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said =
        || format!("{command:?}: {}\n{}{}", output.status, text(&output), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}", said());
    output
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
