//! A node that is at another address than before, as its pinned host key proved.
//!
//! A lease proves nothing: whoever boots under a MAC gets one. So an address moves only where the pinned key answered there
//! and no longer where it was known, and with it go the inventory, the next run and what a person orders.

use std::net::Ipv4Addr;

use vocabulary::{HostKey, Mac, Step, Timestamp};

use super::{Ledger, Tracked, Writes};

impl Ledger {
    /// The node with these host keys answered there, and is still known as it was when it was looked for.
    pub fn moved(
        &mut self,
        now: Timestamp,
        mac: Mac,
        (from, host_keys): (Option<Ipv4Addr>, &[HostKey]),
        to: Ipv4Addr,
        writes: &mut Writes,
    ) {
        let is_it = |one: &Tracked| one.node.identity.as_ref().is_some_and(|known| known.host_keys == host_keys);
        if !self.machine(mac).is_some_and(|one| one.node.address == from && is_it(one)) {
            return;
        }
        let before = from.map_or_else(String::new, |from| format!(" and no longer at {from}"));
        self.turn(now, mac, writes, |tracked, _, turn, _| {
            tracked.node.address = Some(to);
            if let Some(identity) = &mut tracked.node.identity {
                // Of two nodes that had an address, it is of the one that answered there last.
                identity.answered = Some(now);
            }
            turn.repeats.push((Step::Note, format!("its pinned host key answers at {to}{before}")));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::{
        lifecycle::Enroll,
        requests::tests::{at, booting, call, call_home, mac},
    };

    #[test]
    fn an_address_moves_only_with_the_key_and_the_address_that_were_looked_for() {
        let (mut ledger, token) = booting(Enroll::Auto);
        let call = call(1, token);
        call_home(&mut ledger, 60, &call).0.unwrap();
        let (from, to): (Option<Ipv4Addr>, Ipv4Addr) = (Some([10, 77, 1, 5].into()), [10, 77, 1, 99].into());
        let mut writes = Writes::default();
        let other = [HostKey::try_from(format!("ssh-ed25519 {}", "B".repeat(64))).unwrap()];
        ledger.moved(at(70), mac(1), (from, &other), to, &mut writes);
        ledger.moved(at(70), mac(1), (Some(to), &call.ssh_host_keys), to, &mut writes);
        ledger.moved(at(70), mac(2), (from, &call.ssh_host_keys), to, &mut writes);
        assert!(writes.is_empty(), "{writes:?}");
        ledger.moved(at(70), mac(1), (from, &call.ssh_host_keys), to, &mut writes);
        let inventory = ledger.inventory();
        assert_eq!(inventory[0].address, to, "with it goes the inventory");
        assert_eq!(ledger.launchables()[0].host.address, to, "and the run that waits");
        assert!(writes.steps[0].detail.contains("answers at 10.77.1.99 and no longer at 10.77.1.5"), "{writes:?}");
    }
}
