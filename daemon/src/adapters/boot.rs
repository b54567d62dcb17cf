//! What the boot services see and ask, passed on to the lifecycle.

use std::sync::Arc;

use pxe::{
    dhcp::AddressBook,
    ipxe::{BootDesk, FleetKey as PublicKey, LiveBoot, ScriptAnswer, ScriptAsk},
    witness::{Sighting, Witness},
};
use vocabulary::{Mac, Reason, Token};

use super::pulse::{APART, Pulse};
use crate::{
    nodes::{
        Nodes,
        ledger::{Asked, Seen},
        requests::{Answer, Living, Outside},
    },
    ssh::Keyring,
};

/// Tells the lifecycle what the boot services see.
pub struct Lookout(pub Nodes);

impl Witness for Lookout {
    fn saw(&self, sighting: Sighting) {
        let Sighting { mac: Some(mac), address, step, detail, firmware, .. } = sighting else { return };
        self.0.saw(Seen { mac, address, step, detail, firmware });
    }
}

/// The lifecycle as machines that ask for a script know it.
pub struct BootRoom {
    /// Who decides.
    pub nodes: Nodes,
    /// The key that goes into boot scripts.
    pub keys: Arc<Keyring>,
    /// Who can ask a node whether it is up.
    pub pulse: Pulse,
}

impl BootRoom {
    fn boot(&self, token: Token) -> ScriptAnswer {
        match PublicKey::try_from(&self.keys.for_boots().public) {
            Ok(ssh_key) => ScriptAnswer::Boot(LiveBoot { token, ssh_key }),
            Err(error) => wait("the fleet key does not fit on a kernel command line", error),
        }
    }
}

#[async_trait::async_trait]
impl BootDesk for BootRoom {
    async fn script(&self, ask: ScriptAsk) -> ScriptAnswer {
        let mut random = [0; 32];
        if let Err(error) = getrandom::fill(&mut random) {
            return wait("no randomness for a token", error.to_string());
        }
        // Of a machine that nothing is pinned of, nobody can be up.
        let living = self.pulse.of(ask.mac).await.unwrap_or(Living::Silent);
        let asked = Asked { mac: ask.mac, uuid: ask.uuid, firmware: ask.firmware, peer: ask.peer };
        let outside = Outside { random, living, image: ask.blocked.map_or(Ok(()), Err) };
        match self.nodes.ask(move |ledger, now, writes| ledger.script(now, asked, outside, writes)).await {
            Ok(Answer::Boot(token)) => self.boot(token),
            Ok(Answer::Wait(reason)) => {
                ScriptAnswer::Wait { reason, again: (living == Living::SilentOnce).then_some(APART) }
            }
            Ok(Answer::Refuse(reason)) => ScriptAnswer::Refuse { reason },
            Err(error) => wait("this boot could not be written down", error.to_string()),
        }
    }
}

fn wait(cause: &str, because: impl std::fmt::Display) -> ScriptAnswer {
    let cause = format!("{cause}: {because}");
    ScriptAnswer::Wait {
        reason: Reason { cause, remedy: "nothing, it asks again; roost status says more".to_owned() },
        again: None,
    }
}

/// The address book of a rack whose addresses come from another server: it knows none.
pub struct NoLeases;

impl AddressBook for NoLeases {
    fn mac_of(&self, _address: std::net::Ipv4Addr) -> Option<Mac> {
        None
    }

    fn address_of(&self, _mac: Mac) -> Option<std::net::Ipv4Addr> {
        None
    }
}
