//! What the boot services see and ask, passed on to the lifecycle.

use std::{sync::Arc, time::Duration};

use pxe::{
    dhcp::AddressBook,
    ipxe::{BootDesk, FleetKey as PublicKey, LiveBoot, ScriptAnswer, ScriptAsk},
    witness::{Sighting, Witness},
};
use vocabulary::{Mac, Reason, Token};

use crate::{
    nodes::{
        Nodes,
        ledger::{Asked, Seen},
        requests::{Answer, Living, Outside},
    },
    ssh::{self, Keyring, Pinned, SshError},
};

/// How long a machine that boots waits while the one that owns its MAC is asked whether it lives.
const PATIENCE: Duration = Duration::from_secs(3);

/// The lifecycle as the boot services know it.
#[derive(Clone)]
pub struct BootRoom {
    nodes: Nodes,
    keys: Arc<Keyring>,
}

impl BootRoom {
    /// The lifecycle behind these answers, and the key that goes into boot scripts.
    #[must_use]
    pub const fn new(nodes: Nodes, keys: Arc<Keyring>) -> Self {
        Self { nodes, keys }
    }

    /// Whether the node that holds this MAC's pinned host key is up.
    pub async fn living(&self, mac: Mac) -> Living {
        let pinned = self.nodes.ask(move |ledger, _, _| {
            let machine = ledger.machine(mac)?;
            machine.boot.as_ref()?;
            let host_keys = machine.node.identity.as_ref()?.host_keys.clone();
            Some(Pinned { address: machine.node.address?, host_keys })
        });
        let Ok(Some(pinned)) = pinned.await else { return Living::Silent };
        match ssh::run(&self.keys.current(), &pinned, "true", PATIENCE).await {
            Ok(_) => Living::Answers,
            // The host key was proved before the login was refused.
            Err(SshError::Failed { message, .. }) if message.contains("Permission denied") => Living::Answers,
            Err(_) => Living::Silent,
        }
    }
}

impl Witness for BootRoom {
    fn saw(&self, sighting: Sighting) {
        let Sighting { mac: Some(mac), address, step, detail, firmware, .. } = sighting else { return };
        self.nodes.saw(Seen { mac, address, step, detail, firmware });
    }
}

impl BootRoom {
    fn boot(&self, token: Token) -> ScriptAnswer {
        match PublicKey::try_from(&self.keys.current().public) {
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
        let living = self.living(ask.mac).await;
        let asked = Asked { mac: ask.mac, uuid: ask.uuid, firmware: ask.firmware, peer: ask.peer };
        let outside = Outside { random, living, image: ask.blocked.map_or(Ok(()), Err) };
        match self.nodes.ask(move |ledger, now, writes| ledger.script(now, asked, outside, writes)).await {
            Ok(Answer::Boot(token)) => self.boot(token),
            Ok(Answer::Wait(reason)) => ScriptAnswer::Wait { reason },
            Ok(Answer::Refuse(reason)) => ScriptAnswer::Refuse { reason },
            Err(error) => wait("this boot could not be written down", error.to_string()),
        }
    }
}

fn wait(cause: &str, because: impl std::fmt::Display) -> ScriptAnswer {
    let cause = format!("{cause}: {because}");
    ScriptAnswer::Wait { reason: Reason { cause, remedy: "nothing, it asks again; roost status says more".to_owned() } }
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
