//! Units of the cluster's first server, which `roost cluster init` writes.
//!
//! The agents' files, certificates and tokens lie with the daemon, which renews them; systemd hands them to each agent
//! as credentials, so neither agent may read the daemon's folder and the daemon needs no right over either. A renewal
//! is a file that changes; a path unit sees it and restarts both, since a credential is read when a service starts.
//! What the servers know outlives that, and jobs on the nodes go on.

/// A unit's name and its text.
pub type Unit = (&'static str, String);

const HARDENED: &str = "\
DynamicUser=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
";

/// Where systemd shows an agent its files.
#[must_use]
pub fn credentials_of(agent: &str) -> String {
    format!("/run/credentials/{agent}.service")
}

/// The units of both agents, given where the programs are and where the daemon keeps the files: `FILES/consul/`,
/// `FILES/nomad/`, and `FILES/renewed`, which changes with a renewal.
#[must_use]
pub fn units(consul: &str, nomad: &str, files: &str) -> [Unit; 4] {
    [
        ("consul.service", agent("consul", consul, files, "")),
        ("nomad.service", agent("nomad", nomad, files, "After=consul.service\nWants=consul.service\n")),
        (
            "roost-agents.path",
            format!(
                "# Made by `roost cluster init`: sees that Roost renewed the agents' certificates.\n[Unit]\n\
                 Description=Roost renewed the certificates of Consul and Nomad\n\n[Path]\n\
                 PathModified={files}/renewed\n\n[Install]\nWantedBy=multi-user.target\n"
            ),
        ),
        (
            "roost-agents.service",
            "# Made by `roost cluster init`: hands renewed certificates to the agents.\n[Unit]\n\
             Description=Hand renewed certificates to Consul and Nomad\n\n[Service]\nType=oneshot\n\
             ExecStart=systemctl try-restart consul.service nomad.service\n"
                .to_owned(),
        ),
    ]
}

fn agent(name: &str, program: &str, files: &str, after: &str) -> String {
    let credentials = ["ca.pem".to_owned(), format!("{name}.pem"), format!("{name}-key.pem"), format!("{name}.json")]
        .map(|file| format!("LoadCredential={file}:{files}/{name}/{file}\n"))
        .concat();
    let file = credentials_of(name);
    format!(
        "# Made by `roost cluster init`: the cluster's first server. Changed by hand it is written anew by the next.\n\
         [Unit]\nDescription={name}, a server of Roost's cluster\nWants=network-online.target\n\
         After=network-online.target\n{after}StartLimitIntervalSec=0\n\n\
         [Service]\nType=exec\nExecStart={program} agent -config={file}/{name}.json\n\
         Restart=on-failure\nRestartSec=2s\nTimeoutStopSec=30s\nLimitNOFILE=65536\nOOMScoreAdjust=-500\n\
         StateDirectory={name}\nStateDirectoryMode=0700\n{credentials}{HARDENED}\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
    .replace("consul agent -config=", "consul agent -config-file=")
}
