//! Who holds which address of one network.
//!
//! Everything is found in a map or at the front of an ordered set: a rack that powers on at once costs the same per
//! packet as one machine. An entry is never removed, only given to somebody else, so that a machine which comes back
//! after months finds its address unless it was needed. New machines get addresses that nobody had yet, then the one
//! that has been free for longest.

use std::{
    collections::{BTreeSet, HashMap},
    net::Ipv4Addr,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use vocabulary::Mac;

use super::super::{
    config::{Pool, Reservation, Subnet},
    lease::{Client, Lease, LeaseState},
};

/// How long an offered address waits for its request. Longer than the retries of any firmware.
const OFFER_HOLD: Duration = Duration::from_secs(60);
/// How long nobody gets an address that its client found in use.
const PROBATION: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Offered,
    Kept(LeaseState),
}

#[derive(Debug)]
struct Entry {
    client: Client,
    hold: Hold,
    /// From then on another client may have the address.
    until: Timestamp,
}

/// How full the pools of a network are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolUse {
    /// Which network.
    pub subnet: ipnet::Ipv4Net,
    /// Addresses that any machine could get.
    pub size: usize,
    /// Those of them that nobody holds now.
    pub free: usize,
}

#[derive(Debug)]
pub(super) struct Table {
    subnet: Subnet,
    /// Addresses of servers and routers.
    taken: BTreeSet<Ipv4Addr>,
    reserved: HashMap<Ipv4Addr, Mac>,
    reservations: HashMap<Mac, Ipv4Addr>,
    entries: HashMap<Ipv4Addr, Entry>,
    /// What each client was given last.
    by_client: HashMap<Client, Ipv4Addr>,
    /// What each client was offered last, beside the address that it may still be using.
    offers: HashMap<Client, Ipv4Addr>,
    /// The entries that any client may get once they end, by their end.
    ends: BTreeSet<(Timestamp, Ipv4Addr)>,
    /// No address of the pools before this one is fresh.
    fresh_from: (usize, u32),
}

impl Table {
    pub(super) fn new(subnet: Subnet, own: &BTreeSet<Ipv4Addr>) -> Self {
        let mut taken: BTreeSet<_> = own.iter().chain(&subnet.router).chain(&subnet.dns).copied().collect();
        taken.extend([subnet.cidr.network(), subnet.cidr.broadcast()]);
        let reservations: HashMap<_, _> = subnet.reservations.iter().map(|kept| (kept.mac, kept.address)).collect();
        Self {
            taken,
            reserved: reservations.iter().map(|(mac, address)| (*address, *mac)).collect(),
            reservations,
            entries: HashMap::new(),
            by_client: HashMap::new(),
            offers: HashMap::new(),
            ends: BTreeSet::new(),
            fresh_from: (0, subnet.pools.first().map_or(0, |pool| pool.first.to_bits())),
            subnet,
        }
    }

    pub(super) const fn subnet(&self) -> &Subnet {
        &self.subnet
    }

    pub(super) fn restore(&mut self, lease: Lease) {
        let entry = Entry { client: lease.client, hold: Hold::Kept(lease.state), until: lease.expires };
        self.put(lease.address, entry);
    }

    /// The address that this client has or had here.
    pub(super) fn record(&self, client: &Client) -> Option<Ipv4Addr> {
        self.by_client.get(client).copied()
    }

    /// Who was given the address last, if an ACK said so.
    pub(super) fn holder(&self, address: Ipv4Addr) -> Option<&Client> {
        let entry = self.entries.get(&address)?;
        matches!(entry.hold, Hold::Kept(LeaseState::Bound | LeaseState::Released)).then_some(&entry.client)
    }

    /// When the address may go to another client; long ago where nobody has it.
    pub(super) fn until(&self, address: Ipv4Addr) -> Timestamp {
        self.entries.get(&address).map_or(Timestamp::MIN, |entry| entry.until)
    }

    /// Every address that this client may be using, and since when or until when it has it: given to it and to nobody else
    /// since, whether it gave them back or found them taken. A word that is sent in its name takes no address off it, so
    /// each of them counts for as long as a lease lasts.
    pub(super) fn in_use(&self, now: Timestamp, client: &Client) -> impl Iterator<Item = (Timestamp, Ipv4Addr)> {
        let may_have =
            move |entry: &Entry| matches!(entry.hold, Hold::Kept(_)) && after(entry.until, self.subnet.lease) > now;
        let its = self.entries.iter().filter(move |(_, entry)| entry.client == *client && may_have(entry));
        its.map(|(address, entry)| (entry.until, *address))
    }

    pub(super) fn hostname(&self, client: &Client) -> Option<&str> {
        let is_its = |kept: &&Reservation| Some(kept.mac) == client.mac();
        self.subnet.reservations.iter().find(is_its)?.hostname.as_deref()
    }

    /// Whether this client may have this address now.
    pub(super) fn may_take(&self, now: Timestamp, client: &Client, address: Ipv4Addr) -> bool {
        let kept_for = self.reserved.get(&address).copied();
        let offered_here = match kept_for {
            Some(mac) => client.mac() == Some(mac),
            None => self.in_pool(address),
        };
        let free = self.entries.get(&address).is_none_or(|entry| {
            let its_own = entry.client == *client && entry.hold != Hold::Kept(LeaseState::Declined);
            its_own || entry.until <= now
        });
        offered_here && free && !self.taken.contains(&address)
    }

    /// The best address for this client, and holds it for a while.
    pub(super) fn offer(&mut self, now: Timestamp, client: &Client, wanted: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let reserved = client.mac().and_then(|mac| self.reservations.get(&mac)).copied();
        let known = [reserved, self.record(client), self.offers.get(client).copied(), wanted];
        let known = known.into_iter().flatten().find(|address| self.may_take(now, client, *address));
        let address = known.or_else(|| self.fresh()).or_else(|| self.longest_free(now))?;
        let bound = |entry: &Entry| entry.hold == Hold::Kept(LeaseState::Bound) && entry.until > now;
        if !self.entries.get(&address).is_some_and(bound) {
            let entry = Entry { client: client.clone(), hold: Hold::Offered, until: after(now, OFFER_HOLD) };
            self.put(address, entry);
        }
        Some(address)
    }

    /// Frees what was offered to a client that has chosen another server.
    pub(super) fn withdraw(&mut self, now: Timestamp, client: &Client) {
        let Some(address) = self.offers.get(client).copied() else { return };
        if self.entries.get(&address).is_some_and(|entry| entry.hold == Hold::Offered) {
            self.put(address, Entry { client: client.clone(), hold: Hold::Offered, until: now });
        }
    }

    /// Gives the address to the client and frees the one that it had instead. The caller asked `may_take`.
    pub(super) fn bind(&mut self, now: Timestamp, client: &Client, address: Ipv4Addr) -> Vec<Lease> {
        let before = self.record(client).filter(|before| *before != address && self.holder(*before) == Some(client));
        let before = before.map(|before| self.keep(now, client, before, LeaseState::Released, now));
        let expires = after(now, self.subnet.lease);
        let lease = self.keep(now, client, address, LeaseState::Bound, expires);
        before.into_iter().chain([lease]).collect()
    }

    /// Takes back an address from the client that holds it.
    pub(super) fn release(&mut self, now: Timestamp, client: &Client, address: Ipv4Addr) -> Option<Lease> {
        let holds = self
            .entries
            .get(&address)
            .is_some_and(|entry| entry.client == *client && entry.hold == Hold::Kept(LeaseState::Bound));
        holds.then(|| self.keep(now, client, address, LeaseState::Released, now))
    }

    /// Gives the address to nobody for a while, since this client found somebody on it.
    pub(super) fn decline(&mut self, now: Timestamp, client: &Client, address: Ipv4Addr) -> Option<Lease> {
        let had = self
            .entries
            .get(&address)
            .is_some_and(|entry| entry.client == *client && entry.hold != Hold::Kept(LeaseState::Declined));
        had.then(|| self.keep(now, client, address, LeaseState::Declined, after(now, PROBATION)))
    }

    pub(super) fn pool_use(&self, now: Timestamp) -> PoolUse {
        let addresses =
            self.subnet.pools.iter().map(|pool| pool.last.to_bits() - pool.first.to_bits() + 1).sum::<u32>();
        let special: BTreeSet<_> = self.taken.iter().chain(self.reserved.keys()).collect();
        let special = special.into_iter().filter(|address| self.in_pool(**address)).count();
        let held = self.ends.iter().rev().take_while(|(until, _)| *until > now).count();
        let size = usize::try_from(addresses).unwrap_or(usize::MAX).saturating_sub(special);
        PoolUse { subnet: self.subnet.cidr, size, free: size.saturating_sub(held) }
    }

    fn keep(
        &mut self,
        now: Timestamp,
        client: &Client,
        address: Ipv4Addr,
        state: LeaseState,
        expires: Timestamp,
    ) -> Lease {
        self.put(address, Entry { client: client.clone(), hold: Hold::Kept(state), until: expires });
        Lease { address, client: client.clone(), state, since: now, expires }
    }

    fn put(&mut self, address: Ipv4Addr, entry: Entry) {
        if let Some(old) = self.entries.get(&address) {
            self.ends.remove(&(old.until, address));
            for known in [&mut self.by_client, &mut self.offers] {
                if known.get(&old.client) == Some(&address) {
                    known.remove(&old.client);
                }
            }
        }
        if self.is_for_anybody(address) {
            self.ends.insert((entry.until, address));
        }
        match entry.hold {
            Hold::Offered => drop(self.offers.insert(entry.client.clone(), address)),
            Hold::Kept(LeaseState::Declined) => {}
            Hold::Kept(_) => drop(self.by_client.insert(entry.client.clone(), address)),
        }
        self.entries.insert(address, entry);
    }

    fn in_pool(&self, address: Ipv4Addr) -> bool {
        self.subnet.pools.iter().any(|pool| pool.contains(address))
    }

    fn is_for_anybody(&self, address: Ipv4Addr) -> bool {
        self.in_pool(address) && !self.reserved.contains_key(&address) && !self.taken.contains(&address)
    }

    /// The first address of the pools that nobody ever had.
    fn fresh(&mut self) -> Option<Ipv4Addr> {
        let (first_pool, mut next) = self.fresh_from;
        for (index, Pool { first, last }) in self.subnet.pools.iter().enumerate().skip(first_pool) {
            let from = next.max(first.to_bits());
            for bits in from..=last.to_bits() {
                let address = Ipv4Addr::from_bits(bits);
                if self.is_for_anybody(address) && !self.entries.contains_key(&address) {
                    self.fresh_from = (index, bits);
                    return Some(address);
                }
            }
            next = 0;
        }
        self.fresh_from = (self.subnet.pools.len(), 0);
        None
    }

    fn longest_free(&self, now: Timestamp) -> Option<Ipv4Addr> {
        self.ends.first().filter(|(until, _)| *until <= now).map(|(_, address)| *address)
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
