//! DHCPv4: addresses for every machine, and the way to its boot loader for those that boot from the network.
//!
//! `proto` is pure: one packet and the time go in; a reply, leases to keep and sightings come out. `serve` owns the
//! sockets and keeps the one promise that matters: no ACK leaves before its lease is synced to disk. `boot` decides
//! what a machine is told to load, `config` what an operator may write.
//!
//! Rejected: driving another DHCP server (its configuration and ours would drift, and it knows nothing of nodes), and
//! keeping leases in SQL for reads (a query for each DISCOVER of a rack that powers on at once).

pub mod boot;
mod config;
mod lease;
pub mod proto;
mod serve;

use std::net::Ipv4Addr;

use async_trait::async_trait;
use tasks::BoxError;
use vocabulary::Mac;

pub use self::{
    boot::{BootFiles, HttpLoaders, Loaders, Quirks, VendorOptions},
    config::{Config, Mode, Pool, Problem, Reservation, Subnet},
    lease::{Client, Lease, LeaseState, ParseClientError},
    serve::{BuildError, Deps, Dhcp, DhcpHandle, RunError},
};

/// Where leases are kept. Implemented by the daemon over its store.
#[async_trait]
pub trait LeaseLog: Send + Sync + 'static {
    /// Every kept lease, one an address; read once, before the first packet.
    async fn load(&self) -> Result<Vec<Lease>, BoxError>;

    /// Keeps these leases, in their order, each replacing what was kept for its address. Returns only after they
    /// are synced: the ACK leaves then.
    async fn commit(&self, leases: Vec<Lease>) -> Result<(), BoxError>;
}

/// Which machine uses which address, as leased. For timelines only: an address proves nobody's identity.
pub trait AddressBook: Send + Sync + 'static {
    /// The Ethernet address that this address is leased to.
    fn mac_of(&self, address: Ipv4Addr) -> Option<Mac>;

    /// The address last leased to this Ethernet address.
    fn address_of(&self, mac: Mac) -> Option<Ipv4Addr>;

    /// Every address that this Ethernet address may be using, the likeliest first. A packet in its name can give one
    /// back or decline it, and the machine goes on using it: whoever looks for the machine looks at each.
    fn addresses_of(&self, mac: Mac) -> Vec<Ipv4Addr> {
        self.address_of(mac).into_iter().collect()
    }
}
