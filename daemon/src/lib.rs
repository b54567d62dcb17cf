//! Roost's daemon, its whole life in reading order: [`Daemon::build`] opens the store and binds every socket,
//! [`Daemon::run`] starts the parts, says `READY`, and ends them in reverse.
//!
//! ```text
//! config -> store -> ssh key -> node lifecycle -> DHCP, TFTP, boot HTTP -> inventory, runner, launcher -> API
//! ```
//!
//! A part that fails or panics stops the daemon, with its name and cause, and systemd starts it anew; there is no
//! restart inside the process, so there is no half-alive daemon to reason about. Parts that do not know each other
//! are joined in `adapters`.

pub mod adapters;
pub mod build;
pub mod bus;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod disk;
pub mod holder;
pub mod http;
pub mod keys;
pub mod nodes;
pub mod policy;
pub mod power;
pub mod retention;
pub mod ssh;
pub mod tpm;
pub mod whole;
pub mod workload;

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use tasks::{BoxError, Clock, OnError, Stop, Supervisor, SystemClock};
use tokio::sync::Notify;

use adapters::{cluster::Servers, following::Follower, retirement::Retirer, runs::Pad, watching};
use config::Config;
use nodes::{NodesPart, joiner::Joiner, launcher::Launcher, renewer::Renewer};

/// Every part, built and bound, none running.
pub struct Daemon {
    supervisor: Supervisor,
    store: store::Store,
    nodes: NodesPart,
    past: retention::Past,
    dhcp: Option<pxe::dhcp::Dhcp>,
    tftp: pxe::tftp::Tftp,
    boot: pxe::http::BootHttp,
    runner: ansible::Runner,
    launcher: Launcher<Pad>,
    follower: Follower,
    /// Absent where no cluster of Roost's own is made.
    keeper: Option<cluster::keeper::Keeper>,
    /// Absent where nodes join none.
    joiner: Option<Joiner<Servers>>,
    retirer: Retirer,
    /// Absent where no cluster of Roost's own is made.
    renewer: Option<Renewer>,
    /// Absent where there is no cluster, or none yet.
    watchers: Option<watching::Watchers>,
    api: build::ApiParts,
    closing: Stop,
}

impl Daemon {
    /// Opens the store, makes what a first start needs, binds every socket. Starts nothing.
    ///
    /// # Errors
    /// The first thing that is in the way, with its cause.
    pub async fn build(config: &Config) -> Result<Self, BoxError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let supervisor = Supervisor::new(Arc::clone(&clock));
        let store = store::Store::open(&config.data_dir, clock.now()).await?;
        let keys = build::keyring(config).await?;

        let nudge = Arc::new(Notify::new());
        let door = cluster::Door::open(config, &*clock)?;
        let rules = build::rules(config, &door);
        let (part, nodes) = NodesPart::build(rules, store.clone(), Arc::clone(&clock), Arc::clone(&nudge)).await?;

        let boot_services = build::boot_services(config, &store, &nodes, &keys, &clock).await?;
        let keeper = door.own().map(|_| cluster::keeper::Keeper::new(&door, Arc::clone(&clock)));
        let kits = build::kits(config, &door, &clock)?;
        let joiner = build::joiner(&nodes, &door);
        let retirer = build::retirer(&nodes, &door, &keys, &store, &clock);
        let renewer = build::renewer(&nodes, &keys, &kits, &door);
        let (runner, handle) = build::runner(config, &nodes, &keys, Arc::clone(&kits), &clock)?;
        let watchers = watching::watchers(&door, &store, &clock);
        let watched = watchers.as_ref().map(|watchers| watchers.handle.clone());
        let roster = build::roster(config, &nodes);
        let launcher = build::launcher(&nodes, &keys, &handle, &roster, kits, nudge);

        let follower = build::follower(&nodes, &keys, &boot_services.addresses, &clock);
        let past = build::past(config, &store, &clock);
        let closing = Stop::new();
        let statuses = supervisor.handle();
        let build::BootServices { dhcp, tftp, http: boot, addresses } = boot_services;
        let upkeep = keeper.as_ref().map(cluster::keeper::Keeper::failing);
        let common =
            build::Common { store: store.clone(), nodes, keys, roster, watched, upkeep, door, addresses, clock };
        let api = build::api(config, common, handle, statuses, closing.clone()).await?;
        let nodes = part;
        Ok(Self {
            supervisor,
            store,
            nodes,
            past,
            dhcp,
            tftp,
            boot,
            runner,
            launcher,
            follower,
            keeper,
            joiner,
            retirer,
            renewer,
            watchers,
            api,
            closing,
        })
    }

    /// Where the API listens, with real ports.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.api.server.addresses()
    }

    /// Starts every part, tells systemd, and runs until told to stop or until a part fails.
    ///
    /// # Errors
    /// The part that failed, and why.
    pub async fn run(self, stop: Stop) -> Result<(), BoxError> {
        let Self { mut supervisor, store, nodes, past, dhcp, tftp, boot, .. } = self;
        let Self { runner, launcher, follower, keeper, joiner, retirer, renewer, watchers, closing, .. } = self;
        let build::ApiParts { api, server, clerk, rotator, gossip_rotator, switcher, disk_maker, promoter } = self.api;
        supervisor.spawn("nodes", OnError::Stop, |stop| nodes.run(stop));
        supervisor.spawn("store/retention", OnError::Log, |stop| past.run(stop));
        if let Some(dhcp) = dhcp {
            supervisor.spawn("pxe/dhcp", OnError::Stop, |stop| dhcp.run(stop));
        }
        supervisor.spawn("pxe/tftp", OnError::Stop, |stop| tftp.run(stop));
        supervisor.spawn("pxe/http", OnError::Stop, |stop| boot.run(stop));
        supervisor.spawn("ansible/runner", OnError::Stop, |stop| runner.run(stop));
        supervisor.spawn("ansible/launcher", OnError::Stop, |stop| launcher.run(stop));
        if let Some(keeper) = keeper {
            supervisor.spawn("cluster/keeper", OnError::Stop, |stop| keeper.run(stop));
        }
        if let Some(promoter) = promoter {
            supervisor.spawn("cluster/servers", OnError::Stop, |stop| promoter.run(stop));
        }
        if let Some(joiner) = joiner {
            supervisor.spawn("nodes/joiner", OnError::Stop, |stop| joiner.run(stop));
        }
        supervisor.spawn("nodes/retirement", OnError::Stop, |stop| retirer.run(stop));
        supervisor.spawn("cluster/gossip", OnError::Stop, |stop| gossip_rotator.run(stop));
        if let Some(renewer) = renewer {
            supervisor.spawn("nodes/renewer", OnError::Stop, |stop| renewer.run(stop));
        }
        if let Some(watching::Watchers { watch, teller, .. }) = watchers {
            supervisor.spawn("cluster/watch", OnError::Stop, |stop| watch.run(stop));
            supervisor.spawn("cluster/teller", OnError::Stop, |stop| teller.run(stop));
        }
        supervisor.spawn("nodes/addresses", OnError::Stop, |stop| follower.run(stop));
        supervisor.spawn("nodes/power", OnError::Stop, |stop| switcher.run(stop));
        supervisor.spawn("nodes/disks", OnError::Stop, |stop| disk_maker.run(stop));
        supervisor.spawn("ssh/rotation", OnError::Stop, |stop| rotator.run(stop));
        supervisor.spawn("http/keys", OnError::Stop, |stop| clerk.run(stop));
        supervisor.spawn("http/books", OnError::Log, |stop| async {
            api.keep_books(stop).await;
            Ok::<(), Infallible>(())
        });
        supervisor.spawn("http/api", OnError::Stop, |stop| async move {
            let end_streams = async {
                stop.cancelled().await;
                closing.cancel();
            };
            tokio::join!(server.run(stop.clone()), end_streams);
            Ok::<(), Infallible>(())
        });
        let notify = systemd::Notify::new();
        if let Some(watchdog) = notify.watchdog() {
            let pulse = supervisor.pulse();
            supervisor
                .spawn("systemd/watchdog", OnError::Stop, |stop| watchdog.run(stop, async move || pulse.beat().await));
        }
        notify.ready("every part has started");
        let result = supervisor.run(stop).await;
        notify.stopping("closing the store");
        store.close().await;
        Ok(result?)
    }
}
