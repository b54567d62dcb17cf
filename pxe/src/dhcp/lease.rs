//! A lease as it is kept: who may use which address until when.
//!
//! The key is the hardware address, not the client id of option 61: ROM, iPXE and the installed system of one machine
//! send three different ids and must get one address. The address is unique among kept leases, so a later lease of
//! the same address replaces the earlier one.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use jiff::Timestamp;
use vocabulary::Mac;

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Client {
    /// Any machine on Ethernet.
    Mac(Mac),
    /// Hardware without a six-byte address (IP over InfiniBand, RFC 4390): its client id.
    Id(Vec<u8>),
}

impl Client {
    /// The Ethernet address, where there is one.
    #[must_use]
    pub const fn mac(&self) -> Option<Mac> {
        match self {
            Self::Mac(mac) => Some(*mac),
            Self::Id(_) => None,
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => fmt::Display::fmt(mac, f),
            Self::Id(id) => write!(f, "id:{}", hex::encode(id)),
        }
    }
}

/// The text is no client of a lease.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a DHCP client (expected a MAC address, or id: and hex digits)")]
pub struct ParseClientError {
    /// What was given, shortened.
    pub text: String,
}

impl FromStr for Client {
    type Err = ParseClientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let client = match text.strip_prefix("id:") {
            Some(digits) => hex::decode(digits).ok().map(Self::Id),
            None => text.parse().ok().map(Self::Mac),
        };
        client.ok_or_else(|| ParseClientError { text: text.chars().take(64).collect() })
    }
}

/// What a kept lease says about its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// Acknowledged to its client.
    Bound,
    /// Given back; its client gets it again as long as nobody else needs it.
    Released,
    /// Its client found somebody else on it: given to nobody until it expires.
    Declined,
}

impl LeaseState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Bound, Self::Released, Self::Declined];

    /// The name in SQL and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Released => "released",
            Self::Declined => "declined",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One kept lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address: the key, one lease an address.
    pub address: Ipv4Addr,
    /// Who holds it, held it last, or declined it.
    pub client: Client,
    /// What holds for the address until `expires`.
    pub state: LeaseState,
    /// When this was decided.
    pub since: Timestamp,
    /// From then on the address may go to another client.
    pub expires: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_read_back_as_it_was_written() {
        for client in [Client::Mac(Mac([2, 0, 0, 0, 0, 9])), Client::Id(vec![0xff, 0, 1]), Client::Id(vec![])] {
            assert_eq!(client.to_string().parse(), Ok(client));
        }
        assert!("id:0".parse::<Client>().is_err());
        assert!("x".parse::<Client>().is_err());
    }
}
