//! The sockets around `proto`, and the order that makes a lease durable.
//!
//! ```text
//!  interface -> receive -> proto --- nothing to keep: OFFER, NAK ------------------------> send
//!                            '------ lease to keep -> queue -> commit (all that wait) ---> send ACK
//! ```
//!
//! One task commits, and takes everything that waits at once: a thousand machines that ask in the same second share
//! a few syncs. Nothing else waits for the disk, so a stuck one delays ACKs and stalls no OFFER. Every queue has an
//! end: what does not fit is dropped and counted, and its client asks again.
//!
//! The server's lock is held for one packet at a time and never across an await.

mod complaints;
mod link;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{join, try_join_all};
use nix::ifaddrs::getifaddrs;
use tasks::{BoxError, Clock, Stop};
use tokio::sync::mpsc;
use tracing::{debug, info, warn};
use vocabulary::Mac;

use self::{
    complaints::Complaints,
    link::{Link, Packet},
};
use super::{
    AddressBook, Config, LeaseLog, Mode, Problem,
    proto::{DropReason, Ingress, Outputs, QuirkLookup, Server, Snapshot},
};
use crate::witness::Witness;

/// Packets read ahead of their answers; beyond that the oldest are dropped.
const READ_AHEAD: usize = 4096;
/// How many answers between two looks at the socket.
const ANSWERS_IN_A_ROW: usize = 32;
/// Leases that wait for the disk.
const WAITING_LEASES: usize = 8192;
/// Leases in one commit.
const LEASES_PER_COMMIT: usize = 1024;
/// How long the disk may take for the last commit once Roost stops.
const GRACE: Duration = Duration::from_secs(5);
/// Errors in a row after which an interface counts as lost, and the wait after each.
const ERRORS_IN_A_ROW: u32 = 10;
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// What DHCP needs of others.
pub struct Deps {
    /// Where leases are kept.
    pub log: Arc<dyn LeaseLog>,
    /// Who is told what was seen.
    pub witness: Arc<dyn Witness>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How single machines deviate.
    pub quirks: QuirkLookup,
}

/// Why DHCP cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration is wrong.
    #[error("the configuration has {} mistakes, the first at dhcp.{}: {}", .0.len(), .0[0].path, .0[0].message)]
    Config(Vec<Problem>),
    /// The host does not tell its addresses.
    #[error("cannot list the addresses of this host")]
    Addresses(#[source] io::Error),
    /// An interface cannot answer anybody.
    #[error("interface {interface} has no IPv4 address, or does not exist")]
    NoAddress {
        /// Which one.
        interface: String,
    },
    /// A socket cannot be had.
    #[error("cannot listen for DHCP on {interface}, 0.0.0.0:67/udp")]
    Listen {
        /// On which interface.
        interface: String,
        /// Why: somebody else listens there, or the right is missing.
        #[source]
        source: io::Error,
    },
    /// The kept leases cannot be read; to start without them would give their addresses to others.
    #[error("cannot read the kept leases")]
    Leases(#[source] BoxError),
}

/// Why DHCP ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An interface went away.
    #[error("cannot receive on {interface} any more")]
    Receive {
        /// Which one.
        interface: String,
        /// The last of several errors in a row.
        #[source]
        source: io::Error,
    },
}

/// The DHCP server, built and not yet running.
pub struct Dhcp {
    links: Vec<Arc<Link>>,
    shared: Arc<Shared>,
    log: Arc<dyn LeaseLog>,
}

/// Looks into a DHCP server, running or not.
#[derive(Clone)]
pub struct DhcpHandle(Arc<Shared>);

struct Shared {
    server: Mutex<Server>,
    complaints: Mutex<Complaints>,
    witness: Arc<dyn Witness>,
    clock: Arc<dyn Clock>,
}

/// An answer that waits for its lease to be kept.
struct Kept {
    link: Arc<Link>,
    local: Ipv4Addr,
    outputs: Outputs,
}

impl Dhcp {
    /// Reads the kept leases and opens the sockets. With mode `off` there are no sockets, and `run` only waits.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: &Config, deps: Deps) -> Result<Self, BuildError> {
        let problems = config.check();
        if !problems.is_empty() {
            return Err(BuildError::Config(problems));
        }
        let (mut links, mut own, mut leases) = (Vec::new(), BTreeSet::new(), Vec::new());
        if config.mode == Mode::Full {
            for interface in &config.interfaces {
                let (link, addresses) = open(interface)?;
                own.extend(addresses);
                links.push(Arc::new(link));
            }
            leases = deps.log.load().await.map_err(BuildError::Leases)?;
        }
        let server = Mutex::new(Server::new(config, own, leases, deps.quirks));
        let complaints = Mutex::default();
        let shared = Arc::new(Shared { server, complaints, witness: deps.witness, clock: deps.clock });
        Ok(Self { links, shared, log: deps.log })
    }

    /// A way to look into this server while it runs.
    #[must_use]
    pub fn handle(&self) -> DhcpHandle {
        DhcpHandle(Arc::clone(&self.shared))
    }

    /// Answers until told to stop.
    ///
    /// # Errors
    /// See [`RunError`].
    pub async fn run(self, stop: Stop) -> Result<(), RunError> {
        let Self { links, shared, log } = self;
        if links.is_empty() {
            stop.cancelled().await;
            return Ok(());
        }
        let (to_disk, waiting) = mpsc::channel(WAITING_LEASES);
        let receiving = links.iter().map(|link| receive(link, &shared, to_disk.clone(), &stop));
        let receiving = try_join_all(receiving.collect::<Vec<_>>());
        drop(to_disk);
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            (received, ()) = join(receiving, commit(waiting, &*log, &shared)) => received.map(drop),
            () = late => {
                warn!("stopped without the last leases: the disk took longer than {GRACE:?}; their ACKs did not leave");
                Ok(())
            }
        }
    }
}

impl DhcpHandle {
    /// Everything there is to measure.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = self.0.clock.now();
        self.0.server().snapshot(now)
    }
}

impl AddressBook for DhcpHandle {
    fn mac_of(&self, address: Ipv4Addr) -> Option<Mac> {
        self.0.server().mac_of(address)
    }

    fn address_of(&self, mac: Mac) -> Option<Ipv4Addr> {
        self.0.server().address_of(mac)
    }

    fn addresses_of(&self, mac: Mac) -> Vec<Ipv4Addr> {
        let now = self.0.clock.now();
        self.0.server().addresses_of(now, mac)
    }
}

impl Shared {
    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, packet: &Packet) -> Outputs {
        let Packet { local, arrival, bytes } = packet;
        self.server().handle(self.clock.now(), Ingress { local: *local, arrival: *arrival, bytes })
    }

    fn lost(&self, interface: &str, reason: DropReason, cause: &dyn std::fmt::Display) {
        self.server().count_drop(reason);
        self.complain(interface, reason, cause);
    }

    /// Says why there was no answer; what is somebody else's business goes to those who debug.
    fn complain(&self, interface: &str, reason: DropReason, cause: &dyn std::fmt::Display) {
        let reason_name = reason.name();
        if matches!(reason, DropReason::OtherServer | DropReason::UnknownLease | DropReason::NotHeld) {
            debug!(interface, reason = reason_name, "DHCP packet without an answer");
            return;
        }
        let admitted = self.complaints.lock().unwrap_or_else(PoisonError::into_inner).admit(self.clock.uptime());
        if let Some(left_out) = admitted {
            warn!(interface, reason = reason_name, left_out, %cause, "DHCP packet without an answer");
        }
    }

    async fn deliver(&self, link: &Link, local: Ipv4Addr, outputs: Outputs) {
        if let Some(reply) = &outputs.reply
            && let Err(error) = link.send(local, reply).await
        {
            self.lost(&link.interface, DropReason::SendFailed, &error);
        }
        for sighting in outputs.sightings {
            self.witness.saw(sighting);
        }
    }
}

fn open(interface: &str) -> Result<(Link, Vec<Ipv4Addr>), BuildError> {
    let addresses: Vec<_> = getifaddrs()
        .map_err(|errno| BuildError::Addresses(errno.into()))?
        .filter(|found| found.interface_name == interface)
        .filter_map(|found| Some(found.address?.as_sockaddr_in()?.ip()))
        .collect();
    let Some(primary) = addresses.first() else {
        return Err(BuildError::NoAddress { interface: interface.to_owned() });
    };
    let failed = |source| BuildError::Listen { interface: interface.to_owned(), source };
    let link = Link::open(interface, *primary).map_err(failed)?;
    info!(interface, address = %primary, "listens for DHCP on port 67");
    Ok((link, addresses))
}

async fn receive(link: &Arc<Link>, shared: &Shared, to_disk: mpsc::Sender<Kept>, stop: &Stop) -> Result<(), RunError> {
    let mut errors = 0;
    let mut read_ahead = VecDeque::new();
    loop {
        let received = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            received = link.receive() => received,
        };
        match received {
            Ok(packet) => {
                errors = 0;
                read_ahead.push_back(packet);
                answer_all(link, shared, &to_disk, &mut read_ahead).await;
            }
            Err(source) => {
                errors += 1;
                warn!(interface = link.interface, error = %source, "cannot receive");
                if errors == ERRORS_IN_A_ROW {
                    return Err(RunError::Receive { interface: link.interface.clone(), source });
                }
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// Answers what was read, and reads on between answers: the kernel drops the newest packets when its buffer is full,
/// and the newest are those that are still waited for.
async fn answer_all(
    link: &Arc<Link>,
    shared: &Shared,
    to_disk: &mpsc::Sender<Kept>,
    read_ahead: &mut VecDeque<Packet>,
) {
    loop {
        read_waiting(link, shared, read_ahead);
        for _ in 0..ANSWERS_IN_A_ROW {
            let Some(packet) = read_ahead.pop_front() else { return };
            answer(link, shared, to_disk, &packet).await;
        }
        tokio::task::yield_now().await;
    }
}

fn read_waiting(link: &Link, shared: &Shared, read_ahead: &mut VecDeque<Packet>) {
    for _ in 0..READ_AHEAD {
        let Some(packet) = link.waiting() else { return };
        if read_ahead.len() == READ_AHEAD {
            read_ahead.pop_front();
            shared.lost(&link.interface, DropReason::Overrun, &"received faster than answered");
        }
        read_ahead.push_back(packet);
    }
}

async fn answer(link: &Arc<Link>, shared: &Shared, to_disk: &mpsc::Sender<Kept>, packet: &Packet) {
    let outputs = shared.answer(packet);
    if let Some(reason) = outputs.dropped {
        shared.complain(&link.interface, reason, &reason.name());
    }
    if outputs.leases.is_empty() {
        return shared.deliver(link, packet.local, outputs).await;
    }
    let kept = Kept { link: Arc::clone(link), local: packet.local, outputs };
    if to_disk.try_send(kept).is_err() {
        shared.lost(&link.interface, DropReason::LogBusy, &"too many leases wait for the disk");
    }
}

/// Keeps leases until every receiver has ended, all that wait in one commit.
async fn commit(mut waiting: mpsc::Receiver<Kept>, log: &dyn LeaseLog, shared: &Shared) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, LEASES_PER_COMMIT).await > 0 {
        let leases = batch.iter().flat_map(|kept| kept.outputs.leases.iter().cloned()).collect();
        match log.commit(leases).await {
            Ok(()) => {
                for Kept { link, local, outputs } in batch.drain(..) {
                    shared.deliver(&link, local, outputs).await;
                }
            }
            Err(error) => {
                for kept in batch.drain(..) {
                    shared.lost(&kept.link.interface, DropReason::LogFailed, &error);
                }
            }
        }
    }
}
