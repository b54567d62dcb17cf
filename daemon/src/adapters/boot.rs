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
            let node = &ledger.machine(mac)?.node;
            Some(Pinned { address: node.address?, host_keys: node.identity.as_ref()?.host_keys.clone() })
        });
        let pinned = match pinned.await {
            Ok(Some(pinned)) => pinned,
            Ok(None) => return Living::Silent,
            Err(_) => return Living::Unknown,
        };
        let answer = ssh::run(&self.keys.current(), &pinned, "true", PATIENCE).await;
        let living = judged(&answer);
        if let (Living::Unknown, Err(error)) = (living, &answer) {
            tracing::warn!(%mac, error = tasks::chain(error), "cannot find out whether the node that owns this MAC is up");
        }
        living
    }
}

/// What ssh says when nobody, or nobody with the pinned key, is at an address. Anything else may be a fault of this
/// control node, and a fault here must not open a door there.
const SILENCE: [&str; 8] = [
    "Connection refused",
    "Connection timed out",
    "No route to host",
    "Host is down",
    "Host key verification failed",
    "Connection closed by",
    "Connection reset by",
    "Operation timed out",
];

/// What an attempt to log in says about the node. A login that was refused came after the proof of the host key.
fn judged(answer: &Result<String, SshError>) -> Living {
    match answer {
        Ok(_) => Living::Answers,
        Err(SshError::TimedOut { .. }) => Living::Silent,
        Err(SshError::Failed { message, .. }) if message.contains("Permission denied") => Living::Answers,
        Err(SshError::Failed { message, .. }) if SILENCE.iter().any(|words| message.contains(words)) => Living::Silent,
        Err(SshError::Failed { .. } | SshError::Start(_)) => Living::Unknown,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(message: &str) -> Living {
        judged(&Err(SshError::Failed { address: [10, 77, 1, 1].into(), message: message.to_owned() }))
    }

    #[test]
    fn only_a_machine_that_is_away_counts_as_silent_and_no_fault_of_the_control_node() {
        let address = [10, 77, 1, 1].into();
        assert_eq!(judged(&Ok(String::new())), Living::Answers);
        assert_eq!(failed("root@10.77.1.1: Permission denied (publickey)."), Living::Answers);
        assert_eq!(judged(&Err(SshError::TimedOut { address, limit: PATIENCE })), Living::Silent);
        for words in [
            "ssh: connect to host 10.77.1.1 port 22: Connection refused",
            "ssh: connect to host 10.77.1.1 port 22: No route to host",
            "Host key verification failed.",
            "kex_exchange_identification: Connection closed by remote host",
        ] {
            assert_eq!(failed(words), Living::Silent, "{words}");
        }
        for error in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::NotFound, std::io::ErrorKind::OutOfMemory] {
            assert_eq!(judged(&Err(SshError::Start(error.into()))), Living::Unknown);
        }
        for words in [
            "Load key \"/var/lib/roost/ssh/fleet_ed25519\": error in libcrypto",
            "ssh: connect to host 10.77.1.1 port 22: Network is unreachable",
            "socket: Too many open files",
            "no message",
        ] {
            assert_eq!(failed(words), Living::Unknown, "{words}");
        }
    }
}
