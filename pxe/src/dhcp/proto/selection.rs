//! REQUEST in its four meanings (RFC 2131, 4.3.2 and table 4).
//!
//! | server id | option 50 | ciaddr | meaning                                            |
//! |-----------|-----------|--------|----------------------------------------------------|
//! | yes       | yes       | 0      | takes an offer, ours or another's                  |
//! | no        | yes       | 0      | was off, wants its address back                    |
//! | no        | no        | set    | renews (unicast to us) or rebinds (to any server)  |

use std::net::Ipv4Addr;

use vocabulary::Step;

use super::{Arrival, DropReason, Outputs, Tell, Turn, at, sighting};

impl Turn<'_> {
    pub(super) fn request(&mut self, arrival: Arrival) -> Outputs {
        let request = self.request;
        match (request.server_id(), request.wanted()) {
            (Some(server), _) if !self.is_ours() => self.lost_to(server),
            (Some(_), Some(wanted)) => self.selected(wanted),
            (Some(_), None) => self.selected(request.ciaddr),
            (None, Some(wanted)) if request.ciaddr.is_unspecified() => self.rebooted(wanted),
            (None, _) if !request.ciaddr.is_unspecified() => self.extended(request.ciaddr, arrival),
            (None, _) => self.refuse("the request names no address"),
        }
    }

    fn lost_to(&mut self, server: Ipv4Addr) -> Outputs {
        let (now, request) = (self.now, self.request);
        self.table().withdraw(now, &request.client);
        let told = sighting(request, Step::Note, format!("took the offer of another DHCP server, {server}"));
        Outputs { sightings: vec![told], ..Outputs::drop(DropReason::OtherServer) }
    }

    /// An offer of ours; perhaps made before a restart, so what counts is whether the address may be its now.
    fn selected(&mut self, wanted: Ipv4Addr) -> Outputs {
        let (now, request) = (self.now, self.request);
        if self.table().may_take(now, &request.client, wanted) {
            return self.acknowledge(wanted, Tell::Lease);
        }
        self.refuse(&format!("{wanted} is not on offer to this machine"))
    }

    fn rebooted(&mut self, wanted: Ipv4Addr) -> Outputs {
        let (now, request) = (self.now, self.request);
        let cidr = self.table().subnet().cidr;
        if !cidr.contains(&wanted) {
            return self.refuse(&format!("{wanted} is not of this network, {cidr}"));
        }
        match self.table().record(&request.client) {
            Some(known) if known == wanted && self.table().may_take(now, &request.client, wanted) => {
                self.acknowledge(wanted, Tell::Lease)
            }
            Some(_) => self.refuse(&format!("{wanted} is not this machine's address any more")),
            None => Outputs::drop(DropReason::UnknownLease),
        }
    }

    /// A unicast renewal was meant for us: an address that is free in our pools is its again even where we know
    /// nothing of it, so that the loss of the lease file takes no running machine off the network.
    fn extended(&mut self, address: Ipv4Addr, arrival: Arrival) -> Outputs {
        let (now, request) = (self.now, self.request);
        let cidr = self.table().subnet().cidr;
        if !cidr.contains(&address) {
            return self.refuse(&format!("{address} is not of this network, {cidr}"));
        }
        let known = self.table().record(&request.client).is_some();
        if !self.table().may_take(now, &request.client, address) {
            return self.refuse(&format!("{address} belongs to another machine or to none"));
        }
        match (known, arrival) {
            (false, Arrival::Broadcast) => Outputs::drop(DropReason::UnknownLease),
            _ => {
                let mut outputs = self.acknowledge(address, Tell::Nothing);
                if !known {
                    let why = format!("{address} was renewed without a record of its lease");
                    outputs.sightings.push(at(sighting(request, Step::Note, why), address));
                }
                outputs
            }
        }
    }
}
