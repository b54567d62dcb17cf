//! The server's side of RFC 2131 as a pure state machine: one packet and the time in, what to keep, send and tell out.
//!
//! ```text
//!            DISCOVER            REQUEST (ours)                    RELEASE, or its time is over
//!  free ----------------> offered ---------------> bound (kept) ----------------------------> free, but remembered
//!    ^                       |                       |   ^  REQUEST (renew, rebind, init-reboot)
//!    '-- 60 s, or REQUEST ---'                       |   '--'
//!        of another server                           '-- DECLINE --> nobody's for an hour
//! ```
//!
//! Whatever [`Outputs::leases`] holds must be synced before [`Outputs::reply`] leaves. The memory here runs ahead of
//! the disk by exactly the replies that have not left yet, so a crash loses nothing that a client was told.
//! Offers are never kept: a client that asks for an offer forgotten by a restart gets its address if it is free.

mod counters;
mod options;
mod reply;
mod request;
mod selection;
mod table;

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc};

use dhcproto::v4::MessageType;
use jiff::Timestamp;
use vocabulary::{Mac, Step};

pub use self::{
    counters::{Counters, DropReason, Snapshot},
    reply::{Destination, Reply},
    request::{Kind, Malformed},
    table::PoolUse,
};
use self::{
    reply::{Boot, Grant},
    request::Request,
    table::Table,
};
use super::{
    boot::{Asker, BootFile, Quirks},
    config::Config,
    lease::{Client, Lease},
};
use crate::witness::Sighting;

/// Finds the quirks of a machine; the default ones where it has none.
pub type QuirkLookup = Arc<dyn Fn(Mac) -> Quirks + Send + Sync>;

/// How a packet was addressed; a renewal is unicast, everything else on the link is broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// To an address of this host.
    Unicast,
    /// To every host on the link.
    Broadcast,
}

/// One packet as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Ingress<'a> {
    /// The address of this host on the interface that it came through: the reply's source and server id.
    pub local: Ipv4Addr,
    /// How it was addressed.
    pub arrival: Arrival,
    /// The UDP payload.
    pub bytes: &'a [u8],
}

/// What a packet leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outputs {
    /// To be synced, in this order, before the reply leaves and the sightings are told.
    pub leases: Vec<Lease>,
    /// The answer.
    pub reply: Option<Reply>,
    /// What to tell.
    pub sightings: Vec<Sighting>,
    /// Why there is no answer, where there should be a reason.
    pub dropped: Option<DropReason>,
}

/// All networks and their leases.
pub struct Server {
    tables: Vec<Table>,
    /// Addresses of this host: server ids that are ours, and never a client's.
    own: BTreeSet<Ipv4Addr>,
    quirks: QuirkLookup,
    counters: Counters,
}

impl Server {
    /// A server for a checked configuration with the leases kept so far; leases outside its networks are ignored.
    #[must_use]
    pub fn new(config: &Config, own: BTreeSet<Ipv4Addr>, mut leases: Vec<Lease>, quirks: QuirkLookup) -> Self {
        let tables = config.subnets.iter().map(|subnet| Table::new(subnet.clone(), &own)).collect();
        let mut server = Self { tables, own, quirks, counters: Counters::default() };
        leases.sort_by_key(|lease| lease.since);
        for lease in leases {
            if let Some(table) = server.tables.iter_mut().find(|table| table.subnet().cidr.contains(&lease.address)) {
                table.restore(lease);
            }
        }
        server
    }

    /// Answers one packet. Never panics, whatever the bytes.
    pub fn handle(&mut self, now: Timestamp, ingress: Ingress<'_>) -> Outputs {
        let outputs = self.answer(now, ingress);
        if let Some(reason) = outputs.dropped {
            self.counters.dropped(reason);
        }
        outputs
    }

    /// Counts a packet that the sockets' side dropped.
    pub fn count_drop(&mut self, reason: DropReason) {
        self.counters.dropped(reason);
    }

    /// Everything there is to measure.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        Snapshot {
            counters: self.counters.clone(),
            pools: self.tables.iter().map(|table| table.pool_use(now)).collect(),
        }
    }

    /// The Ethernet address that this address was leased to last.
    #[must_use]
    pub fn mac_of(&self, address: Ipv4Addr) -> Option<Mac> {
        self.tables.iter().find_map(|table| table.holder(address)).and_then(Client::mac)
    }

    /// The address that was leased last to this Ethernet address.
    #[must_use]
    pub fn address_of(&self, mac: Mac) -> Option<Ipv4Addr> {
        let client = Client::Mac(mac);
        let acknowledged = |table: &Table| {
            let address = table.record(&client)?;
            (table.holder(address) == Some(&client)).then_some((table.until(address), address))
        };
        self.tables.iter().filter_map(acknowledged).max().map(|(_, address)| address)
    }

    /// Every address that this Ethernet address may be using, the one that it may use for longest first: also those that
    /// somebody gave back or declined in its name.
    #[must_use]
    pub fn addresses_of(&self, now: Timestamp, mac: Mac) -> Vec<Ipv4Addr> {
        let client = Client::Mac(mac);
        let mut found: Vec<_> = self.tables.iter().flat_map(|table| table.in_use(now, &client)).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.into_iter().map(|(_, address)| address).collect()
    }

    fn answer(&mut self, now: Timestamp, ingress: Ingress<'_>) -> Outputs {
        let request = match Request::parse(ingress.bytes) {
            Ok(request) => request,
            Err(why) => return Outputs::drop(DropReason::Malformed(why)),
        };
        self.counters.received(request.kind);
        let Some(index) = self.network_of(&request, ingress) else {
            let link = request.relayed_link().unwrap_or(ingress.local);
            let told = sighting(&request, Step::Refused, format!("no network is configured for requests from {link}"));
            return Outputs { sightings: vec![told], ..Outputs::drop(DropReason::NoSubnet) };
        };
        let server = request.server_id_override().unwrap_or(ingress.local);
        let mut turn = Turn { server: self, index, now, id: server, request: &request };
        match request.kind {
            Kind::Discover => turn.discover(),
            Kind::Request => turn.request(ingress.arrival),
            Kind::Decline => turn.decline(),
            Kind::Release => turn.release(),
            Kind::Inform => turn.inform(),
        }
    }

    /// The network a client is on: its relay's word, else the address it renews, else the interface it came through.
    fn network_of(&self, request: &Request, ingress: Ingress<'_>) -> Option<usize> {
        let renews = ingress.arrival == Arrival::Unicast && !request.ciaddr.is_unspecified();
        let link = request.relayed_link().unwrap_or(if renews { request.ciaddr } else { ingress.local });
        self.tables.iter().position(|table| table.subnet().cidr.contains(&link))
    }
}

impl Outputs {
    fn drop(reason: DropReason) -> Self {
        Self { dropped: Some(reason), ..Self::default() }
    }
}

/// One request in its network.
struct Turn<'a> {
    server: &'a mut Server,
    index: usize,
    now: Timestamp,
    /// The server id of the reply.
    id: Ipv4Addr,
    request: &'a Request,
}

impl Turn<'_> {
    fn table(&mut self) -> &mut Table {
        &mut self.server.tables[self.index]
    }

    fn discover(&mut self) -> Outputs {
        let (now, request) = (self.now, self.request);
        let asker = request.asker();
        let mut sightings = Vec::new();
        if asker != Asker::Plain {
            sightings.push(sighting(request, Step::Discover, format!("{} asks for an address", asker.name())));
        }
        let Some(address) = self.table().offer(now, &request.client, request.wanted()) else {
            let cidr = self.table().subnet().cidr;
            let why = format!("no free address in {cidr}: every address of its pools is held");
            sightings.push(sighting(request, Step::Refused, why));
            return Outputs { sightings, ..Outputs::drop(DropReason::NoFreeAddress) };
        };
        let (reply, file) = self.grant(MessageType::Offer, Some(address));
        if asker != Asker::Plain {
            sightings.push(at(sighting(request, Step::Offer, describe_offer(address, &file)), address));
        }
        if let BootFile::Nothing(Some(why)) = file {
            sightings.push(at(sighting(request, Step::Refused, why), address));
        }
        self.server.counters.offers += 1;
        Outputs { reply: Some(reply), sightings, ..Outputs::default() }
    }

    /// Puts the address in use and acknowledges it.
    fn acknowledge(&mut self, address: Ipv4Addr, tell: Tell) -> Outputs {
        let (now, request) = (self.now, self.request);
        let leases = self.table().bind(now, &request.client, address);
        let (reply, _) = self.grant(MessageType::Ack, Some(address));
        self.server.counters.acks += 1;
        let detail = || format!("{address} is leased to this {}", request.asker().name());
        let told = matches!(tell, Tell::Lease).then(|| at(sighting(request, Step::Ack, detail()), address));
        Outputs { leases, reply: Some(reply), sightings: told.into_iter().collect(), dropped: None }
    }

    fn refuse(&mut self, why: &str) -> Outputs {
        self.server.counters.naks += 1;
        let told = sighting(self.request, Step::Refused, format!("DHCP: {why}"));
        let reply = reply::nak(self.request, self.id, why);
        Outputs { reply: Some(reply), sightings: vec![told], ..Outputs::default() }
    }

    fn decline(&mut self) -> Outputs {
        let (now, request) = (self.now, self.request);
        let Some(address) = request.wanted().filter(|_| self.is_ours()) else {
            return Outputs::drop(DropReason::NotHeld);
        };
        let Some(lease) = self.table().decline(now, &request.client, address) else {
            return Outputs::drop(DropReason::NotHeld);
        };
        let why = format!("{address} is used by somebody else on the link; it is not given out for an hour");
        let told = at(sighting(request, Step::Alarm, why), address);
        Outputs { leases: vec![lease], sightings: vec![told], ..Outputs::default() }
    }

    fn release(&mut self) -> Outputs {
        let (now, request) = (self.now, self.request);
        match self.table().release(now, &request.client, request.ciaddr) {
            Some(lease) => Outputs { leases: vec![lease], ..Outputs::default() },
            None => Outputs::drop(DropReason::NotHeld),
        }
    }

    fn inform(&mut self) -> Outputs {
        if self.request.ciaddr.is_unspecified() {
            return Outputs::drop(DropReason::NoAddress);
        }
        let (reply, _) = self.grant(MessageType::Ack, None);
        self.server.counters.acks += 1;
        Outputs { reply: Some(reply), ..Outputs::default() }
    }

    /// Whether the request names this server, or none.
    fn is_ours(&self) -> bool {
        self.request.server_id().is_none_or(|id| id == self.id || self.server.own.contains(&id))
    }

    fn grant(&self, kind: MessageType, address: Option<Ipv4Addr>) -> (Reply, BootFile) {
        let (request, table) = (self.request, &self.server.tables[self.index]);
        let subnet = table.subnet();
        let quirks = request.mac().map(|mac| (self.server.quirks)(mac)).unwrap_or_default();
        let asker = request.asker();
        let file = match (&subnet.boot, request.mac()) {
            (Some(files), Some(mac)) => files.choose(asker, mac, &quirks),
            (Some(_), None) if asker != Asker::Plain => {
                BootFile::Nothing(Some("machines without a six-byte hardware address cannot be booted".into()))
            }
            _ => BootFile::Nothing(None),
        };
        let grant = Grant {
            address: address.unwrap_or(request.ciaddr),
            lease: address.map(|_| subnet.lease),
            subnet,
            hostname: table.hostname(&request.client),
            boot: Boot { asker, files: subnet.boot.as_ref(), file: &file, vendor_options: quirks.vendor_options },
        };
        (reply::grant(request, self.id, kind, &grant), file)
    }
}

/// Whether an acknowledgement is worth a line on the timeline: the first is, the renewals are not.
#[derive(Clone, Copy)]
enum Tell {
    Lease,
    Nothing,
}

fn sighting(request: &Request, step: Step, detail: String) -> Sighting {
    let firmware = request.asker().firmware();
    Sighting { mac: request.mac(), address: None, step, detail, firmware, uuid: request.uuid() }
}

fn at(sighting: Sighting, address: Ipv4Addr) -> Sighting {
    Sighting { address: Some(address), ..sighting }
}

fn describe_offer(address: Ipv4Addr, file: &BootFile) -> String {
    match file {
        BootFile::Tftp(name) => format!("{address}, {name} by TFTP"),
        BootFile::Url(url) => format!("{address}, {}", url.split('?').next().unwrap_or(url)),
        BootFile::Nothing(_) => format!("{address}, no boot file"),
    }
}

#[cfg(test)]
mod tests;
