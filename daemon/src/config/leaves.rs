//! What each part is configured with, out of the operator's file: one function a part.
//!
//! Parts know nothing of the file; their `Config` is a plain struct. What only the running daemon knows (a key from a
//! credential, its own variables) comes in as an argument.

use std::{net::SocketAddrV4, num::NonZeroUsize, path::PathBuf, time::Duration};

use sha2::{Digest as _, Sha256};

use super::{Boot, Config, DhcpMode, Enroll, Nodes, Subnet, Tpm, UefiLoader};
use crate::nodes::lifecycle;

/// How long a run waits for somebody who edits the inventory, before it says who holds the lock.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// Says that there is no archive of security updates.
pub(super) const NO_ARCHIVE: &str = "none";
const SSH_PORT: u16 = 22;

impl Config {
    /// DHCP: modes, networks, and where machines of each network find their boot files.
    #[must_use]
    pub fn dhcp(&self) -> pxe::dhcp::Config {
        pxe::dhcp::Config {
            mode: match self.dhcp.mode {
                DhcpMode::Full => pxe::dhcp::Mode::Full,
                DhcpMode::Off => pxe::dhcp::Mode::Off,
            },
            interfaces: self.dhcp.interfaces.clone(),
            subnets: self.dhcp.subnet.iter().map(|subnet| self.dhcp_subnet(subnet)).collect(),
        }
    }

    fn dhcp_subnet(&self, subnet: &Subnet) -> pxe::dhcp::Subnet {
        let reservation = |kept: &super::Reservation| pxe::dhcp::Reservation {
            mac: kept.mac,
            address: kept.address,
            hostname: kept.hostname.clone(),
        };
        pxe::dhcp::Subnet {
            cidr: subnet.cidr,
            pools: subnet.pools.iter().map(|pool| pxe::dhcp::Pool { first: pool.first, last: pool.last }).collect(),
            router: subnet.router,
            dns: subnet.dns.clone(),
            domain: subnet.domain.clone(),
            ntp: subnet.ntp.clone(),
            lease: subnet.lease,
            reservations: subnet.reservation.iter().map(reservation).collect(),
            boot: self.boot_files(subnet),
        }
    }

    /// The listeners that the machines of this network are sent to; none where nothing listens.
    fn boot_files(&self, subnet: &Subnet) -> Option<pxe::dhcp::BootFiles> {
        let uefi_x64 = match self.dhcp.uefi_loader {
            UefiLoader::Ipxe => "ipxe-amd64.efi",
            UefiLoader::Snponly => "snponly.efi",
        };
        let loaders = pxe::dhcp::Loaders { uefi_x64: uefi_x64.to_owned(), ..pxe::dhcp::Loaders::default() };
        Some(pxe::dhcp::BootFiles {
            tftp: *nearest(&self.tftp.listen, subnet)?.ip(),
            http: self.boot.advertise.or_else(|| nearest(&self.boot.listen, subnet))?,
            http_loaders: pxe::dhcp::HttpLoaders {
                x64: format!("/loaders/{}", loaders.uefi_x64),
                arm64: format!("/loaders/{}", loaders.uefi_arm64),
            },
            loaders,
        })
    }

    /// TFTP: listeners and the operator's files; the bounds are its own.
    #[must_use]
    pub fn tftp(&self) -> pxe::tftp::Config {
        pxe::tftp::Config {
            listen: self.tftp.listen.clone(),
            files: self.boot.files.clone(),
            limits: pxe::tftp::Limits::default(),
        }
    }

    /// The boot listener.
    #[must_use]
    pub fn boot_http(&self) -> pxe::http::Config {
        let Boot { listen, advertise, files } = self.boot.clone();
        let limits = pxe::http::Limits {
            connections: usize::try_from(self.limits.boot_connections.get()).unwrap_or(usize::MAX),
            wait_refresh_s: u32::try_from(self.nodes.refresh.as_secs()).unwrap_or(u32::MAX).max(1),
            ..pxe::http::Limits::default()
        };
        pxe::http::Config { listen, advertise, files, limits }
    }

    /// The store of loaders and images.
    #[must_use]
    pub fn assets(&self) -> pxe::assets::Config {
        let assets = self.assets.clone();
        // `rules.rs` has parsed it already.
        let mirror = assets.mirror.parse().unwrap_or_default();
        pxe::assets::Config { dir: assets.dir, mirror, keyring: assets.keyring }
    }

    /// The node image's builder.
    #[must_use]
    pub fn image(&self) -> pxe::image::Config {
        let image = self.image.clone();
        pxe::image::Config {
            cache: image.cache,
            mirror: image.mirror.parse().unwrap_or_default(),
            security: image.security.parse().ok().filter(|_| image.security != NO_ARCHIVE),
            packages: image.packages.into_iter().filter_map(|name| name.try_into().ok()).collect(),
            keyring: image.keyring,
        }
    }

    /// The runner. `ssh_key` is the key in use, wherever it came from; `variables` is what only the daemon knows.
    #[must_use]
    pub fn runner(&self, ssh_key: PathBuf, variables: serde_json::Map<String, serde_json::Value>) -> ansible::Config {
        let ansible = &self.ansible;
        ansible::Config {
            data_dir: self.data_dir.clone(),
            inventory_dir: ansible.inventory.clone(),
            playbook: ansible.playbook.clone(),
            venv: ansible.venv.clone(),
            ssh_key,
            ssh_port: SSH_PORT,
            secrets_dir: ansible::Config::secrets_below(&self.data_dir).join(self.place()),
            variables,
            concurrency: NonZeroUsize::try_from(ansible.concurrency).unwrap_or(NonZeroUsize::MIN),
            timeout: ansible.timeout,
            grace: ansible.grace,
            lock_patience: LOCK_PATIENCE,
            todo_file: ansible.todo_file.clone(),
        }
    }

    /// What is kept of ended runs.
    #[must_use]
    pub const fn keep(&self) -> ansible::Keep {
        ansible::Keep { per_node: self.runs.keep, age: self.runs.keep_for }
    }

    /// A name for this data directory: a second daemon on the host, with another one, must not clear away this one's
    /// secrets when it starts.
    fn place(&self) -> String {
        use std::os::unix::ffi::OsStrExt as _;
        hex::encode(&Sha256::digest(self.data_dir.as_os_str().as_bytes())[..4])
    }

    /// What the node lifecycle decides by.
    #[must_use]
    pub fn node_rules(&self) -> lifecycle::Rules {
        let Nodes { enroll, tpm, token_ttl, max_runs, sla, .. } = &self.nodes;
        lifecycle::Rules {
            enroll: match enroll {
                Enroll::Approve => lifecycle::Enroll::Approve,
                Enroll::Auto => lifecycle::Enroll::Auto,
                Enroll::Deny => lifecycle::Enroll::Deny,
            },
            tpm: match tpm {
                Tpm::Prove => lifecycle::TpmRule::Prove,
                Tpm::Ignore => lifecycle::TpmRule::Ignore,
            },
            token_ttl: *token_ttl,
            sla: lifecycle::Slas {
                power_on: sla.power_on,
                readmitted: sla.readmitted,
                booting: sla.booting,
                called_home: sla.called_home,
                configuring: sla.configuring,
                verifying: sla.verifying,
                joining: sla.joining,
                absent: sla.absent,
                retiring: sla.retiring,
            },
            membership: lifecycle::Membership::NotAsked,
            certificate_lifetime: self.cluster.certificate_lifetime,
            max_runs: max_runs.get(),
            max_strangers: usize::try_from(self.limits.strangers.get()).unwrap_or(usize::MAX),
        }
    }
}

/// The listener within the network, else the first one: a relayed network has none of its own.
fn nearest(listen: &[SocketAddrV4], subnet: &Subnet) -> Option<SocketAddrV4> {
    listen.iter().find(|address| subnet.cidr.contains(address.ip())).or_else(|| listen.first()).copied()
}
