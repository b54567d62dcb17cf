//! What the boot services see of a machine, told to whoever keeps the timelines.
//!
//! One narrow trait instead of a channel or the event bus: DHCP, TFTP and HTTP say what happened and know nothing of
//! nodes, stores or screens. Rejected: an async trait; a service that waits for a listener delays every machine.

use std::net::Ipv4Addr;

use vocabulary::{Firmware, Mac, SmbiosUuid, Step};

/// Takes sightings. Called on the packet path: an implementation never blocks and never panics.
pub trait Witness: Send + Sync + 'static {
    /// Something was seen.
    fn saw(&self, sighting: Sighting);
}

/// One thing that was seen. It proves nothing about who sent it: on a boot network every field can be forged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Whose boot interface; absent where only an address is known.
    pub mac: Option<Mac>,
    /// The address in play: leased, asked for, or the peer's.
    pub address: Option<Ipv4Addr>,
    /// Which station of the way.
    pub step: Step,
    /// For people, in Roost's own words; never holds a token or raw bytes from the wire.
    pub detail: String,
    /// What asked. Firmware and iPXE have one; an installed system's DHCP client has none.
    pub firmware: Option<Firmware>,
    /// As the machine tells it, a vendor's default included (`SmbiosUuid::identifying` sorts those out).
    pub uuid: Option<SmbiosUuid>,
}
