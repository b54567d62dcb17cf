//! What the boot services see and ask, passed on to the lifecycle.

use std::{sync::Arc, time::Duration};

use pxe::{
    dhcp::AddressBook,
    ipxe::{BootDesk, FleetKey as PublicKey, LiveBoot, ScriptAnswer, ScriptAsk},
    witness::{Sighting, Witness},
};
use vocabulary::{Mac, Reason, Token};

use super::looks::Looks;
use crate::{
    nodes::{
        Nodes,
        ledger::{Asked, Seen},
        requests::{Answer, Living, Outside},
    },
    ssh::{self, FleetKey, Keyring, Limits, Pinned, SshError},
};

/// How long a machine that boots waits while the one that owns its MAC is asked whether it lives. A connection is there
/// at once or not at all; a login on an old machine takes its time, and one that is cut short proves nothing.
const PATIENCE: Limits = Limits { connect: Duration::from_secs(3), whole: Duration::from_secs(8) };
/// How many machines are asked at once, each by a process of ssh: a rack that comes back after a power cut, or a loop of
/// requests, must not take the control node down.
const AT_ONCE: usize = 16;
/// How long a request may wait until it is its machine's turn.
const A_PLACE: Duration = Duration::from_secs(5);

/// The lifecycle as the boot services know it.
#[derive(Clone)]
pub struct BootRoom {
    nodes: Nodes,
    keys: Arc<Keyring>,
    looks: Arc<Looks>,
}

impl BootRoom {
    /// The lifecycle behind these answers, and the key that goes into boot scripts. Each room looks at so many machines at
    /// once: what boots takes no place from what a person orders.
    #[must_use]
    pub fn new(nodes: Nodes, keys: Arc<Keyring>) -> Self {
        Self { nodes, keys, looks: Arc::new(Looks::new(AT_ONCE, A_PLACE)) }
    }

    /// Whether the node that holds this MAC's pinned host key is up; whoever asks meanwhile gets the same answer.
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
        let key = self.keys.current();
        self.looks.share(mac, async move { look(mac, &key, &pinned).await }).await
    }
}

async fn look(mac: Mac, key: &FleetKey, pinned: &Pinned) -> Living {
    let answer = ssh::run(key, pinned, "true", PATIENCE).await;
    let living = judged(&answer);
    if let (Living::Unknown, Err(error)) = (living, &answer) {
        tracing::warn!(%mac, error = tasks::chain(error), "cannot find out whether the node that owns this MAC is up");
    }
    living
}

/// How ssh begins what it says of an address that took no connection.
const CONNECTING: &str = "ssh: connect to host ";

/// How that ends where nobody is. Anything else, as `Network is unreachable`, may be a fault of this control node, and a
/// fault here must not open a door there.
const NOBODY: [&str; 5] =
    ["Connection refused", "Connection timed out", "Operation timed out", "No route to host", "Host is down"];

/// What an attempt to log in says about the node. One that is away takes no connection, or another machine takes it and
/// has not the pinned key. Whoever takes it and then closes it, or is slow, may be the node: an sshd does so when
/// strangers hold its unauthenticated places. A login that was refused came after the proof of the host key.
fn judged(answer: &Result<String, SshError>) -> Living {
    let message = match answer {
        Ok(_) => return Living::Answers,
        Err(SshError::TimedOut { .. } | SshError::Start(_)) => return Living::Unknown,
        Err(SshError::Failed { message, .. }) => message,
    };
    if let Some(about) = message.strip_prefix(CONNECTING) {
        let nobody = NOBODY.iter().any(|end| about.trim_end().ends_with(end));
        return if nobody { Living::Silent } else { Living::Unknown };
    }
    if message.contains("Permission denied") {
        return Living::Answers;
    }
    if message.contains("Host key verification failed") { Living::Silent } else { Living::Unknown }
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
        assert_eq!(judged(&Ok(String::new())), Living::Answers);
        assert_eq!(failed("root@10.77.1.1: Permission denied (publickey)."), Living::Answers);
        for words in [
            "ssh: connect to host 10.77.1.1 port 22: Connection refused",
            "ssh: connect to host 10.77.1.1 port 22: No route to host",
            "ssh: connect to host 10.77.1.1 port 22: Host is down",
            "ssh: connect to host 10.77.1.1 port 22: Connection timed out",
            "Host key verification failed.",
        ] {
            assert_eq!(failed(words), Living::Silent, "{words}");
        }
        for error in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::NotFound, std::io::ErrorKind::OutOfMemory] {
            assert_eq!(judged(&Err(SshError::Start(error.into()))), Living::Unknown);
        }
        for words in [
            "Load key \"/var/lib/roost/ssh/fleet_ed25519\": error in libcrypto",
            "ssh: connect to host 10.77.1.1 port 22: Network is unreachable",
            "ssh: connect to host 10.77.1.1 port 22: Permission denied",
            "socket: Too many open files",
            "no message",
        ] {
            assert_eq!(failed(words), Living::Unknown, "{words}");
        }
    }

    /// Beyond `MaxStartups` an sshd closes what it has accepted, or leaves it waiting: anybody can bring a node there.
    #[test]
    fn a_machine_whose_sshd_somebody_loads_is_not_silent() {
        for words in [
            "kex_exchange_identification: Connection closed by remote host",
            "Connection closed by 10.77.1.1 port 22",
            "kex_exchange_identification: read: Connection reset by peer",
            "Connection reset by 10.77.1.1 port 22",
            "Connection timed out during banner exchange",
            "Connection to 10.77.1.1 port 22 timed out",
        ] {
            assert_eq!(failed(words), Living::Unknown, "{words}");
        }
        let address = [10, 77, 1, 1].into();
        assert_eq!(
            judged(&Err(SshError::TimedOut { address, limit: PATIENCE.whole })),
            Living::Unknown,
            "a slow login"
        );
    }

    /// A host key of nobody here.
    const FOREIGN: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJvb3N0cm9vc3Ryb29zdHJvb3N0cm9vc3Ryb29zdHJv";

    /// The same with the real client, before anything that could be an sshd and where nothing is.
    #[tokio::test]
    async fn only_an_address_that_takes_no_connection_is_silent_to_the_real_client() {
        let folder = tempfile::tempdir().unwrap();
        let key = FleetKey::ensure(folder.path()).await.unwrap();
        let look_at = async |last: u8| {
            let host_keys = vec![vocabulary::HostKey::try_from(FOREIGN.to_owned()).unwrap()];
            look(Mac([2; 6]), &key, &Pinned { address: [127, 22, 0, last].into(), host_keys }).await
        };
        assert_eq!(look_at(9).await, Living::Silent, "nothing listens there");
        for (last, greeting) in [(1, ""), (2, "Exceeded MaxStartups\r\n"), (3, "SSH-2.0-OpenSSH_9.2\r\n")] {
            for holds in [false, true] {
                let listener = tokio::net::TcpListener::bind((format!("127.22.0.{last}"), 22)).await;
                let listener = listener.expect("root may take port 22");
                let loaded = async {
                    let mut held = Vec::new();
                    loop {
                        let (mut taken, _) = listener.accept().await.unwrap();
                        tokio::io::AsyncWriteExt::write_all(&mut taken, greeting.as_bytes()).await.unwrap();
                        held.extend(holds.then_some(taken));
                    }
                };
                tokio::select! {
                    living = look_at(last) => assert_eq!(living, Living::Unknown, "{greeting:?}, held: {holds}"),
                    () = loaded => {}
                }
            }
        }
    }
}
