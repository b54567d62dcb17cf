//! How each part is made from the configuration: one function a part, in the order of [`crate::Daemon::build`].

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use ansible::{Kits, NoKits, Runner, RunnerHandle, inventory::Inventory};
use pxe::{
    dhcp::{AddressBook, Dhcp},
    http::BootHttp,
    tftp::Tftp,
};
use store::Store;
use tasks::{BoxError, Clock, Statuses, Stop};
use tokio::sync::Notify;

use crate::{
    adapters::{
        boot::{BootRoom, Lookout, NoLeases},
        cluster::{Servers, connect},
        disks::{self, DiskMaker},
        fleet::{self, Rotator},
        following::Follower,
        gossip::{self, GossipRotator},
        intake::FrontDoor,
        kits::ClusterKits,
        leases::LeaseBook,
        orders::{Orders, Parts, RunOrders},
        pulse::Pulse,
        retirement::Retirer,
        roster::Roster,
        runs::{Book, Pad, Switch},
        servers::{self, Runs},
        switches::{self, Switcher},
    },
    bus::Bus,
    cluster::{Door, keeper::Failing, promoter::Promoter},
    config::{self, Config, DhcpMode, PowerMethod, TlsSource},
    http::{
        self,
        keyring::{KeyClerk, KeyRing},
        serve::{ListenConfig, Server},
        state::{Api, ApiConfig, Deps, Rim},
        tls,
    },
    keys::KnownKey,
    nodes::{
        Nodes,
        joiner::Joiner,
        launcher::Launcher,
        lifecycle::{Membership, Rules},
        renewer::Renewer,
    },
    power::{AnyPower, CommandPower, LabPower, WakeOnLan},
    retention::Past,
    ssh::{FleetKey, Kept, Keyring},
};

/// What most parts need.
#[derive(Clone)]
pub struct Common {
    /// What is remembered.
    pub store: Store,
    /// The lifecycle.
    pub nodes: Nodes,
    /// The fleet key.
    pub keys: Arc<Keyring>,
    /// The inventory file.
    pub roster: Arc<Roster>,
    /// The picture of the cluster, where there is one.
    pub watched: Option<jobs::watch::Handle>,
    /// What is not as it should be in a cluster of Roost's own.
    pub upkeep: Option<Failing>,
    /// The way to the cluster, where there is one.
    pub door: Door,
    /// Which machine was given which address.
    pub addresses: Arc<dyn AddressBook>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The fleet key: configured, handed over by systemd, or made under the data directory.
///
/// # Errors
/// It cannot be read or made.
pub async fn keyring(config: &Config) -> Result<Arc<Keyring>, BoxError> {
    let key = match (config.ansible.ssh_key.clone(), systemd::credential_path(systemd::unit::SSH_KEY_CREDENTIAL)) {
        (Some(path), _) => FleetKey::given(path, Kept::Configured).await?,
        (None, Some(path)) => FleetKey::given(path, Kept::Credential).await?,
        (None, None) => FleetKey::ensure(&config.data_dir).await?,
    };
    let kept = systemd::sealed(&key.private)?;
    tracing::info!(path = %key.private.display(), %kept, public = key.public_body(), "the fleet key opens every node");
    if let Some(path) = key.left_behind(&config.data_dir) {
        let path = path.display();
        tracing::warn!(%path, "a key that roost made before this one was given lies there in plain text: remove it");
    }
    Ok(Arc::new(Keyring::open_ring(key, config.data_dir.clone()).await?))
}

/// What machines boot from.
pub struct BootServices {
    /// Absent where somebody else gives addresses.
    pub dhcp: Option<Dhcp>,
    /// Loaders.
    pub tftp: Tftp,
    /// Scripts, kernels, images, and the two POSTs.
    pub http: BootHttp,
    /// Which machine was given which address.
    pub addresses: Arc<dyn AddressBook>,
}

/// DHCP, TFTP and the boot listener, which share the lease table, the assets and the witness.
///
/// # Errors
/// A socket cannot be bound, or leases or assets cannot be read.
pub async fn boot_services(
    config: &Config,
    store: &Store,
    nodes: &Nodes,
    keys: &Arc<Keyring>,
    clock: &Arc<dyn Clock>,
) -> Result<BootServices, BoxError> {
    let lookout = Arc::new(Lookout(nodes.clone()));
    let assets = pxe::assets::Assets::open(config.assets())?;
    let dhcp = match config.dhcp.mode {
        DhcpMode::Off => None,
        DhcpMode::Full => {
            let leases = Arc::new(LeaseBook(store.clone()));
            let quirks = Arc::new(|_| pxe::dhcp::Quirks::default());
            let deps = pxe::dhcp::Deps { log: leases, witness: lookout.clone(), clock: Arc::clone(clock), quirks };
            Some(Dhcp::build(&config.dhcp(), deps).await?)
        }
    };
    let addresses: Arc<dyn AddressBook> = match &dhcp {
        Some(dhcp) => Arc::new(dhcp.handle()),
        None => Arc::new(NoLeases),
    };
    let deps = pxe::tftp::Deps {
        assets: assets.clone(),
        witness: lookout.clone(),
        addresses: Arc::clone(&addresses),
        clock: Arc::clone(clock),
    };
    let tftp = Tftp::build(config.tftp(), deps)?;
    let door = Arc::new(FrontDoor { nodes: nodes.clone(), leases: Arc::clone(&addresses) });
    let rim = Rim { clock: Arc::clone(clock), deadline: config.limits.request_timeout };
    let pulse = Pulse::new(nodes.clone(), Arc::clone(keys), Arc::clone(&addresses), Arc::clone(clock));
    let deps = pxe::http::Deps {
        desk: Arc::new(BootRoom { nodes: nodes.clone(), keys: Arc::clone(keys), pulse }),
        assets,
        witness: lookout,
        addresses: Arc::clone(&addresses),
        clock: Arc::clone(clock),
        routes: http::provision::router(door, rim),
    };
    Ok(BootServices { dhcp, tftp, http: BootHttp::build(config.boot_http(), deps)?, addresses })
}

/// What follows nodes whose lease moved.
#[must_use]
pub fn follower(
    nodes: &Nodes,
    keys: &Arc<Keyring>,
    addresses: &Arc<dyn AddressBook>,
    clock: &Arc<dyn Clock>,
) -> Follower {
    let addresses = Arc::clone(addresses);
    let pulse = Pulse::new(nodes.clone(), Arc::clone(keys), Arc::clone(&addresses), Arc::clone(clock));
    Follower { nodes: nodes.clone(), addresses, pulse, clock: Arc::clone(clock) }
}

/// What the lifecycle decides by: where a cluster of Roost's own is made, its servers have the last word on a node.
#[must_use]
pub fn rules(config: &Config, door: &Door) -> Rules {
    let membership = if door.own().is_some() { Membership::Demanded } else { Membership::NotAsked };
    let rules = config.node_rules();
    // As they are minted, which is as the cluster was made.
    let made = door.own().map(|cluster| cluster.facts().certificate_lifetime);
    Rules { membership, certificate_lifetime: made.unwrap_or(rules.certificate_lifetime), ..rules }
}

/// What runs are given so that their nodes can join.
///
/// # Errors
/// The asset store cannot be opened.
pub fn kits(config: &Config, door: &Door, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Kits>, BoxError> {
    if door.own().is_none() {
        return Ok(Arc::new(NoKits));
    }
    let assets = pxe::assets::Assets::open(config.assets())?;
    let (door, listen) = (door.clone(), config.boot.listen.clone());
    Ok(Arc::new(ClusterKits { door, assets, listen, clock: Arc::clone(clock) }))
}

/// What asks the cluster about the nodes.
#[must_use]
pub fn joiner(nodes: &Nodes, door: &Door) -> Option<Joiner<Servers>> {
    door.own()?;
    Some(Joiner { nodes: nodes.clone(), cluster: Arc::new(Servers::new(connect(door.clone()))) })
}

/// What takes nodes out of the cluster.
#[must_use]
pub fn retirer(nodes: &Nodes, door: &Door, keys: &Arc<Keyring>, store: &Store, clock: &Arc<dyn Clock>) -> Retirer {
    let (nodes, door, keys) = (nodes.clone(), door.clone(), Arc::clone(keys));
    Retirer { nodes, door, keys, store: store.clone(), clock: Arc::clone(clock) }
}

/// What renews the certificates of the nodes' agents.
#[must_use]
pub fn renewer(nodes: &Nodes, keys: &Arc<Keyring>, kits: &Arc<dyn Kits>, door: &Door) -> Option<Renewer> {
    door.own()?;
    Some(Renewer { nodes: nodes.clone(), keys: Arc::clone(keys), kits: Arc::clone(kits) })
}

/// The runner, and the book that the lifecycle keeps for it.
///
/// # Errors
/// A folder cannot be made, or a path does not fit into Ansible's files.
pub fn runner(
    config: &Config,
    nodes: &Nodes,
    keys: &Arc<Keyring>,
    kits: Arc<dyn Kits>,
    clock: &Arc<dyn Clock>,
) -> Result<(Runner, RunnerHandle), BoxError> {
    // What every node must reach while it is configured: where it booted from.
    let reach: Vec<String> = config.boot.listen.iter().map(ToString::to_string).collect();
    let variables = serde_json::Map::from_iter([("roost_reach".to_owned(), serde_json::json!(reach))]);
    let deps = ansible::Deps { book: Arc::new(Book(nodes.clone())), kits, clock: Arc::clone(clock) };
    Ok(Runner::build(config.runner(keys.current().private, variables), deps)?)
}

/// What keeps the inventory file.
#[must_use]
pub fn roster(config: &Config, nodes: &Nodes) -> Arc<Roster> {
    let inventory = Inventory::new(config.ansible.inventory.clone(), config::LOCK_PATIENCE);
    Arc::new(Roster::new(nodes.clone(), inventory))
}

/// What brings queued runs to the runner.
#[must_use]
pub fn launcher(
    nodes: &Nodes,
    keys: &Arc<Keyring>,
    runner: &RunnerHandle,
    roster: &Arc<Roster>,
    kits: Arc<dyn Kits>,
    nudge: Arc<Notify>,
) -> Launcher<Pad> {
    let pad = Arc::new(Pad { roster: Arc::clone(roster), runner: runner.clone(), kits });
    Launcher { nodes: nodes.clone(), pad, keys: Arc::clone(keys), nudge }
}

/// What keeps the past within its bounds.
#[must_use]
pub fn past(config: &Config, store: &Store, clock: &Arc<dyn Clock>) -> Past {
    let (data_dir, keep) = (config.data_dir.clone(), config.keep());
    Past { store: store.clone(), data_dir, keep, clock: Arc::clone(clock) }
}

/// The API, its listeners, and the parts that carry out what it was asked for.
pub struct ApiParts {
    /// What every handler can reach.
    pub api: Api,
    /// Its listeners.
    pub server: Server,
    /// Changes API keys.
    pub clerk: KeyClerk,
    /// Replaces the fleet key.
    pub rotator: Rotator,
    /// Replaces the cluster's gossip keys.
    pub gossip_rotator: GossipRotator,
    /// Switches machines on and off.
    pub switcher: Switcher,
    /// Makes data disks.
    pub disk_maker: DiskMaker,
    /// Makes nodes servers of the cluster; absent where none of Roost's own is made.
    pub promoter: Option<Promoter<Runs>>,
}

/// The API and its listeners.
///
/// # Errors
/// An address is taken, a certificate cannot be had, or the first key cannot be made.
pub async fn api(
    config: &Config,
    common: Common,
    runner: RunnerHandle,
    statuses: Statuses,
    closing: Stop,
) -> Result<ApiParts, BoxError> {
    let Common { store, nodes, keys, roster, watched, upkeep, door, addresses, clock } = common;
    let configured = config.http.keys.iter().map(KnownKey::from).collect();
    let (ring, mut clerk) = KeyRing::open(configured, store.clone()).await?;
    http::first_key::ensure((&ring, &mut clerk), &store, &config.data_dir, clock.now()).await?;
    let power = power(config, &keys)?;
    let pulse = Pulse::new(nodes.clone(), Arc::clone(&keys), addresses, Arc::clone(&clock));
    // An answer comes before the request's deadline, whatever it is.
    let answer_within = config.limits.request_timeout * 2 / 3;
    let (switches, switcher) = switches::switches(nodes.clone(), power, pulse.clone(), answer_within);
    let (disks, disk_maker) = disks::disks(nodes.clone(), Arc::clone(&keys), answer_within);
    let (gossip, gossip_rotator) = gossip::gossip(nodes.clone(), door.clone(), Arc::clone(&clock), answer_within);
    let orders = Orders { nodes: nodes.clone(), switches, disks, pulse, roster, door: door.clone() };
    let switch = Switch { runner, data_dir: config.data_dir.clone() };
    let (desk, rotator) = fleet::fleet(nodes.clone(), keys, Arc::clone(&clock), answer_within);
    let (servers, promoter) = servers::servers(&door, &nodes, &store, &clock);
    let deps = Deps {
        bus: Bus::new(store.clone()),
        fleet: Arc::new(desk),
        gossip: Arc::new(gossip),
        cluster: Arc::new(door),
        servers: Arc::new(servers),
        picture: watched.clone(),
        nodes: Arc::new(orders),
        runs: Arc::new(RunOrders { nodes, runner: switch, store: store.clone() }),
        parts: Arc::new(Parts { tasks: statuses, watched, upkeep }),
        keys: ring,
        clock: Arc::clone(&clock),
        metrics: http::prometheus::install()?,
        store,
    };
    let api = Api::new(api_config(config), deps, closing);
    let router = http::router(api.clone())?;
    let server = Server::build(listen_config(config), router, clock).await?;
    Ok(ApiParts { api, server, clerk, rotator, gossip_rotator, switcher, disk_maker, promoter })
}

fn api_config(config: &Config) -> ApiConfig {
    let limits = &config.limits;
    ApiConfig {
        requests_per_second: limits.requests_per_second,
        burst: limits.burst,
        body_limit_bytes: usize::try_from(limits.body.0).unwrap_or(usize::MAX),
        request_timeout: limits.request_timeout,
        authority: (config.http.tls.source == TlsSource::Roost).then(|| config.data_dir.clone()),
    }
}

fn listen_config(config: &Config) -> ListenConfig {
    let http = &config.http;
    let tls = match http.tls.source {
        TlsSource::Off => None,
        TlsSource::Roost => Some(tls::TlsSource::Roost { data_dir: config.data_dir.clone(), names: names(config) }),
        TlsSource::Files => {
            let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
            Some(tls::TlsSource::Files { certificate: path(&http.tls.cert), key: path(&http.tls.key) })
        }
    };
    ListenConfig {
        addresses: http.listen.clone(),
        socket: Some(http.socket.clone()),
        tls,
        connections: usize::try_from(config.limits.connections.get()).unwrap_or(usize::MAX),
        head_timeout: config.limits.request_timeout,
    }
}

fn names(config: &Config) -> Vec<String> {
    let listening = config.http.listen.iter().map(|address| address.ip().to_string());
    config.http.tls.names.iter().cloned().chain(listening).collect()
}

fn power(config: &Config, keys: &Arc<Keyring>) -> Result<AnyPower, BoxError> {
    let power = &config.power;
    Ok(match power.method {
        PowerMethod::Wol => Arc::new(WakeOnLan { broadcasts: broadcasts(config), keys: Arc::clone(keys) }),
        PowerMethod::Lab => Arc::new(LabPower { rack: power.lab.clone() }),
        PowerMethod::Command => {
            let argv = power.command.clone().map(|template| template.0).unwrap_or_default();
            Arc::new(CommandPower { argv, limit: power.timeout, folder: config.data_dir.join("power") })
        }
    })
}

/// Where magic packets go: as configured, else to the broadcast address of each network.
fn broadcasts(config: &Config) -> Vec<SocketAddr> {
    const DISCARD: u16 = 9;
    if config.power.wake.is_empty() {
        return config.dhcp.subnet.iter().map(|subnet| (subnet.cidr.broadcast(), DISCARD).into()).collect();
    }
    config.power.wake.iter().copied().map(SocketAddr::from).collect()
}
