//! What an operator may say about DHCP, as checked types, and every mistake in it at once.
//!
//! The daemon reads the file; this module knows what makes sense. Paths in a [`Problem`] are relative to `[dhcp]`.

use std::{net::Ipv4Addr, time::Duration};

use ipnet::Ipv4Net;
use vocabulary::Mac;

use super::boot::BootFiles;

mod check;

/// Whether Roost gives addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Somebody else does: no socket is opened.
    Off,
    /// Roost alone does.
    Full,
}

/// DHCP on the boot network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Who gives addresses.
    pub mode: Mode,
    /// Interfaces to answer on; on no other is anything received.
    pub interfaces: Vec<String>,
    /// The networks that get addresses.
    pub subnets: Vec<Subnet>,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Its addresses; a packet belongs to the network of the interface or relay it came through.
    pub cidr: Ipv4Net,
    /// Addresses for any machine.
    pub pools: Vec<Pool>,
    /// The way out, if there is one.
    pub router: Option<Ipv4Addr>,
    /// Name servers.
    pub dns: Vec<Ipv4Addr>,
    /// Domain of host names.
    pub domain: Option<String>,
    /// Time servers.
    pub ntp: Vec<Ipv4Addr>,
    /// How long an address is lent.
    pub lease: Duration,
    /// Addresses for one machine each, in a pool or beside the pools.
    pub reservations: Vec<Reservation>,
    /// Where machines of this network find their boot files; without it they get addresses only.
    pub boot: Option<BootFiles>,
}

/// A range of addresses, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// The first address.
    pub first: Ipv4Addr,
    /// The last address.
    pub last: Ipv4Addr,
}

/// An address kept for one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its boot interface.
    pub mac: Mac,
    /// Its address.
    pub address: Ipv4Addr,
    /// The host name it is told; never a node's name in Roost.
    pub hostname: Option<String>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, relative to `[dhcp]`: `subnet[0].pools[1]`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Config {
    /// Every mistake, in the order of the file; empty when the configuration may be used.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        check::all(self)
    }
}

impl Pool {
    /// Whether the address is in the range.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }
}
