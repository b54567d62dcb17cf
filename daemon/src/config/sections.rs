//! Every key of the configuration: name, type, default, explanation. This file is the one to edit; the example and
//! the reference follow from it (`config.example.toml`, `docs/configuration.md`; the tests say how to renew them).
//!
//! A key exists for a decision that an operator makes. What has one right answer is a constant beside the code that
//! uses it. What looks at several keys at once is in `rules.rs`.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use ipnet::Ipv4Net;
use store::Recipient;
use vocabulary::Mac;

mod cluster;

pub use cluster::{Cluster, ClusterMode};

use super::{
    schema::{choice, section},
    values::{Bytes, CommandTemplate, KeyHash, PoolRange},
};

section! {
    /// Roost reads one TOML file: `--config FILE`, else the file that `ROOST_CONFIG` names, else
    /// `/etc/roost/roost.toml` where it exists, else the defaults: the API on loopback, DHCP off.
    /// `roost config check` reports every mistake with its key and line; unknown keys are mistakes.
    /// A relative path lies under `data_dir`.
    Config {
        /// What Roost remembers: database, inventory, runs, keys. One daemon a directory. `ROOST_DATA_DIR` goes first.
        data_dir: PathBuf = default r#""/var/lib/roost""#;
        /// The API for people and programs.
        http: Http = table;
        /// HTTP for booting machines: boot files and call-home, nothing else of the API.
        boot: Boot = table;
        /// Addresses for machines that boot, and where they find their loader.
        dhcp: Dhcp = table;
        /// Loaders for firmware that speaks no HTTP.
        tftp: Tftp = table;
        /// What happens to machines.
        nodes: Nodes = table;
        /// How machines are configured.
        ansible: Ansible = table;
        /// What is kept of Ansible runs.
        runs: Runs = table;
        /// The diskless Debian that machines boot.
        image: Image = table;
        /// Loaders and what else comes from Debian's packages, by `roost assets fetch`.
        assets: Assets = table;
        /// How Roost switches machines on and off.
        power: Power = table;
        /// Nomad and Consul: none, a cluster of Roost's own, or one that is there.
        cluster: Cluster = table;
        /// Who can read copies of the database.
        backup: Backup = table;
        /// What the daemon says.
        log: Log = table;
        /// Bounds that keep one client from hurting the others.
        limits: Limits = table;
    }
}

section! {
    /// The API for people and programs. Beyond loopback it needs TLS, or `plaintext = true` by an operator who knows why.
    Http {
        /// Addresses of the API.
        listen: Vec<SocketAddr> = default r#"["127.0.0.1:7600"]"#;
        /// The local CLI's way in: a Unix socket whose peer's user id is the credential.
        socket: PathBuf = default r#""roost.sock""#;
        /// Allows listeners beyond loopback without TLS: keys then cross the network readable.
        plaintext: bool = default "false";
        /// TLS of the API's listeners.
        tls: Tls = table;
        /// Keys beside those of `roost key create`.
        keys: Vec<ApiKey> = tables;
    }
}

section! {
    /// TLS of the API's listeners, by certificates of Roost's own authority or by yours.
    Tls {
        /// Where the certificate comes from.
        source: TlsSource = default r#""off""#;
        /// `files`: the certificate with its chain, in PEM.
        cert: Option<PathBuf> = optional r#""/etc/roost/tls/cert.pem""#;
        /// `files`: the certificate's private key, in PEM.
        key: Option<PathBuf> = optional r#""/etc/roost/tls/key.pem""#;
        /// `roost`: names and addresses in the certificate; those of `http.listen` are always in it.
        names: Vec<String> = default "[]";
    }
}

choice! {
    /// Where the API's certificate comes from.
    TlsSource {
        /// No TLS.
        Off = "off",
        /// A certificate of Roost's own authority, made at first start and renewed.
        Roost = "roost",
        /// The operator's own certificate.
        Files = "files",
    }
}

section! {
    /// One API key, beside those of `roost key create`: for control nodes that other tools set up.
    /// `ROOST_HTTP_KEYS` adds more: `name:sha256:scope+scope`, separated by spaces.
    ApiKey {
        /// As the audit shows it.
        name: String = required r#""monitoring""#;
        /// SHA-256 of the key; the key itself stands nowhere.
        sha256: KeyHash = required r#""2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae""#;
        /// What it may do.
        scopes: Vec<Scope> = required r#"["read"]"#;
    }
}

choice! {
    /// What an API key may do.
    Scope {
        /// Look at everything but evidence and logs.
        Read = "read",
        /// Evidence and logs; runs and power.
        Operate = "operate",
        /// Admit machines and approve changes.
        Approve = "approve",
        /// Call models.
        Models = "models",
        /// Manage keys, backups and the daemon.
        Admin = "admin",
    }
}

section! {
    /// HTTP for booting machines: boot files and call-home, nothing else of the API. Plain by nature, since firmware has
    /// no certificates; nothing secret is served here.
    Boot {
        /// Addresses on the boot network. The first one of a subnet is written into its boot scripts, so each must
        /// be a real IPv4 address of this machine.
        listen: Vec<SocketAddrV4> = default "[]";
        /// The address in boot scripts, where it is not the listener's own: behind a forwarder.
        advertise: Option<SocketAddrV4> = optional r#""10.77.0.1:80""#;
        /// Public files of your own, read-only, over TFTP and under `/files/` over HTTP.
        files: Option<PathBuf> = optional r#""/srv/boot""#;
    }
}

section! {
    /// DHCP on the boot network.
    Dhcp {
        /// Who gives addresses: Roost (`full`), or somebody else (`off`; `proxy` beside a foreign server).
        mode: DhcpMode = default r#""off""#;
        /// Network interfaces to answer on, and on no other.
        interfaces: Vec<String> = default "[]";
        /// The loader for UEFI on x86-64.
        uefi_loader: UefiLoader = default r#""ipxe""#;
        /// The networks, one section each.
        subnet: Vec<Subnet> = tables;
    }
}

choice! {
    /// Who gives addresses.
    DhcpMode {
        /// Roost alone.
        Full = "full",
        /// Somebody else; Roost answers no DHCP packet.
        Off = "off",
    } not built yet { "proxy" }
}

choice! {
    /// Which of iPXE's builds UEFI on x86-64 gets.
    UefiLoader {
        /// With iPXE's own network drivers: the fastest.
        Ipxe = "ipxe",
        /// With the firmware's network driver: for cards that iPXE has no driver for.
        Snponly = "snponly",
    }
}

section! {
    /// One network that gets addresses from Roost; machines behind a relay get theirs from the relay's network.
    Subnet {
        /// The network.
        cidr: Ipv4Net = required r#""10.77.0.0/16""#;
        /// Addresses that are given to any machine.
        pools: Vec<PoolRange> = default "[]";
        /// The way out of the network, if there is one.
        router: Option<Ipv4Addr> = optional r#""10.77.0.1""#;
        /// Name servers.
        dns: Vec<Ipv4Addr> = default "[]";
        /// Time servers.
        ntp: Vec<Ipv4Addr> = default "[]";
        /// The domain of host names.
        domain: Option<String> = optional r#""rack.example""#;
        /// How long an address is lent.
        lease: Duration = default r#""1h""#;
        /// Addresses kept for one machine each.
        reservation: Vec<Reservation> = tables;
    }
}

section! {
    /// An address kept for one machine.
    Reservation {
        /// Its boot interface.
        mac: Mac = required r#""52:54:00:12:34:56""#;
        /// Its address, within the subnet.
        address: Ipv4Addr = required r#""10.77.0.20""#;
        /// The host name that DHCP tells it; its name in Roost is always `node-` and its MAC.
        hostname: Option<String> = optional r#""rack1-slot4""#;
    }
}

section! {
    /// TFTP: reads only, confined to the loaders and `boot.files`.
    Tftp {
        /// Addresses on the boot network, one server each, so that answers leave from the address that was asked.
        listen: Vec<SocketAddrV4> = default "[]";
    }
}

section! {
    /// The way of a machine from its first packet to `ready`.
    Nodes {
        /// What happens to a machine never seen before.
        enroll: Enroll = default r#""approve""#;
        /// Says that whoever can plug into the boot network may join: `enroll = "auto"` needs it.
        trust_boot_network: bool = default "false";
        /// How a machine gets its operating system.
        method: Method = default r#""live""#;
        /// What a machine's TPM is for.
        tpm: Tpm = default r#""prove""#;
        /// How long the call-home token of one boot may be used: longer than this control node may be away, since a
        /// machine that comes too late must be started again. A newer boot of the machine ends it in any case.
        token_ttl: Duration = default r#""12h""#;
        /// Runs that one boot may get without a person, the first included.
        max_runs: NonZeroU32 = default "3";
        /// How often a machine that waits for approval asks again.
        refresh: Duration = default r#""10s""#;
        /// How long a node may stay in a state before it is `failed`, with the state as the cause.
        sla: Sla = table;
    }
}

choice! {
    /// What happens to a machine never seen before.
    Enroll {
        /// It shows its MAC and waits for `roost node approve`.
        Approve = "approve",
        /// It goes on. Only where the boot network can be trusted.
        Auto = "auto",
        /// It is refused.
        Deny = "deny",
    }
}

choice! {
    /// What a machine's TPM is for.
    Tpm {
        /// A machine that has a TPM 2.0 proves its endorsement key before its first run; the same key is demanded at every
        /// boot from then on.
        Prove = "prove",
        /// For racks whose TPMs cannot be used: none is asked. A machine that proved one before is still held to it.
        Ignore = "ignore",
    }
}

choice! {
    /// How a machine gets its operating system.
    Method {
        /// Diskless: the image runs from memory.
        Live = "live",
    } not built yet { "image", "preseed" }
}

section! {
    /// How long a node may stay in a state before it is `failed`. Waiting for a person has no limit.
    Sla {
        /// From power-on by Roost to the first DHCP packet.
        power_on: Duration = default r#""5m""#;
        /// From the approval of a suspect to its call-home: so long it may come with another identity, then it is
        /// `suspect` again.
        readmitted: Duration = default r#""1h""#;
        /// From the boot script to the call-home.
        booting: Duration = default r#""20m""#;
        /// From the call-home to the start of the run: the queue.
        called_home: Duration = default r#""2h""#;
        /// The run.
        configuring: Duration = default r#""1h""#;
        /// Looking at what the roles promise.
        verifying: Duration = default r#""10m""#;
        /// From the end of the run to the word of Consul's and Nomad's servers, where there is a cluster.
        joining: Duration = default r#""10m""#;
        /// How long Consul's or Nomad's servers may miss a ready node, or keep work from it, before it is `lapsed`. They
        /// take some 10 and 30 seconds to notice; this comes on top. It is ready again as soon as both find it well.
        absent: Duration = default r#""30s""#;
        /// How long each stage of a node's retirement may take before an alarm; it goes on all the same. The deadline of its
        /// work comes on top.
        retiring: Duration = default r#""10m""#;
    }
}

section! {
    /// Ansible, from a virtual environment of Roost's own, over SSH.
    Ansible {
        /// The playbook; roles are looked for beside it.
        playbook: PathBuf = default r#""/usr/local/share/roost/ansible/playbook.yaml""#;
        /// The virtual environment with ansible-core.
        venv: PathBuf = default r#""/var/cache/roost/venv""#;
        /// The inventory directory: Roost writes one file of its own in it and touches no other.
        inventory: PathBuf = default r#""inventory""#;
        /// The fleet's private SSH key. Absent: the systemd credential `roost-ssh-key`, else a key made under
        /// `data_dir` with mode 0600.
        ssh_key: Option<PathBuf> = optional r#""/etc/roost/ssh/id_ed25519""#;
        /// Runs at the same time; one a node in any case.
        concurrency: NonZeroU32 = default "4";
        /// The longest that a run may take.
        timeout: Duration = default r#""45m""#;
        /// Between the polite and the hard end of a run that is cancelled or late.
        grace: Duration = default r#""10s""#;
        /// Where failures are written down for a person, one item each, closed by the next success.
        todo_file: PathBuf = default r#""TODO.md""#;
    }
}

section! {
    /// What is kept of Ansible runs that ended: their folders, each with the output, the events and a snapshot of the
    /// inventory. A run that has not ended is never touched, and the last one of each node stays however old it is.
    Runs {
        /// Folders of each node, the newest.
        keep: NonZeroU32 = default "20";
        /// How long each of them, since the run's end.
        keep_for: Duration = default r#""90d""#;
    }
}

section! {
    /// `roost image build`: runs as root, outside the daemon; nodes then need no package source of their own.
    Image {
        /// Built images, by content.
        cache: PathBuf = default r#""/var/cache/roost/image""#;
        /// The Debian archive to build from.
        mirror: String = default r#""http://deb.debian.org/debian""#;
        /// Where security updates come from; `none` where the mirror carries no such archive.
        security: String = default r#""http://deb.debian.org/debian-security""#;
        /// Whose signatures on the archive count.
        keyring: PathBuf = default r#""/usr/share/keyrings/debian-archive-keyring.gpg""#;
        /// Packages that your own roles need beside those of Roost.
        packages: Vec<String> = default "[]";
    }
}

section! {
    /// `roost assets fetch`: loaders out of Debian's packages, checked and kept by content.
    Assets {
        /// Fetched files, by content.
        dir: PathBuf = default r#""assets""#;
        /// The Debian archive to fetch from.
        mirror: String = default r#""http://deb.debian.org/debian""#;
        /// Whose signatures count.
        keyring: PathBuf = default r#""/usr/share/keyrings/debian-archive-keyring.gpg""#;
    }
}

section! {
    /// How Roost switches machines on and off. Success is the machine's next DHCP packet, whatever the method said.
    Power {
        /// How.
        method: PowerMethod = default r#""wol""#;
        /// `wol`: where the magic packet goes. Empty: port 9 of the broadcast address of each `dhcp.subnet`.
        wake: Vec<SocketAddrV4> = default "[]";
        /// `lab`: the directory of the rack that `roost lab up` made.
        lab: PathBuf = default r#""/run/roost-lab/lab""#;
        /// `command`: a program of your own (Redfish, IPMI, a switched outlet) and its arguments, a list of words and
        /// never a shell line. `{action}` is `on`, `off` or `cycle`.
        command: Option<CommandTemplate> = optional r#"["ipmitool", "-H", "bmc-{node}", "chassis", "power", "{action}"]"#;
        /// `command`: the longest that it may take.
        timeout: Duration = default r#""20s""#;
    }
}

choice! {
    /// How machines are switched.
    PowerMethod {
        /// Wake-on-LAN: can switch on, and nothing else.
        Wol = "wol",
        /// The virtual machines of `roost lab`.
        Lab = "lab",
        /// Programs of the operator.
        Command = "command",
    }
}

section! {
    /// `roost backup`: who can read the copies that it makes.
    Backup {
        /// Recipients of age, whose identities open a copy; each of them can. `roost backup --new-identity FILE` makes
        /// one. `--to` on the command line goes first.
        recipients: Vec<Recipient> = default "[]";
    }
}

section! {
    /// The daemon's log, on standard error.
    Log {
        /// The least that is worth a line.
        level: LogLevel = default r#""info""#;
        /// For people or for programs.
        format: LogFormat = default r#""text""#;
    }
}

choice! {
    /// The least that is worth a line.
    LogLevel {
        /// Something is lost or stands still.
        Error = "error",
        /// Something is not as it should be.
        Warn = "warn",
        /// What happened.
        Info = "info",
        /// Why it happened.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

choice! {
    /// How a line of the log looks.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

section! {
    /// Bounds that keep one client from hurting the others. Beyond them a client is told to wait (429, 503 with Retry-After), never dropped silently.
    Limits {
        /// API requests a second, per key.
        requests_per_second: NonZeroU32 = default "50";
        /// API requests that a key may make at once before its rate counts.
        burst: NonZeroU32 = default "200";
        /// Machines that nobody approved which are remembered; a flood of made-up MACs stops here.
        strangers: NonZeroU32 = default "4096";
        /// The largest body of an API request.
        body: Bytes = default r#""1MiB""#;
        /// Connections to the API at the same time.
        connections: NonZeroU32 = default "1024";
        /// Connections of booting machines at the same time.
        boot_connections: NonZeroU32 = default "2048";
        /// How long a connection may take to send its request.
        request_timeout: Duration = default r#""30s""#;
    }
}

impl Http {
    /// The listeners that other machines can reach.
    pub fn beyond_loopback(&self) -> impl Iterator<Item = &SocketAddr> {
        self.listen.iter().filter(|address| !is_loopback(address.ip()))
    }
}

/// `::ffff:127.0.0.1` is loopback too.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
