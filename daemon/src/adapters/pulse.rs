//! Whether the node that owns a MAC is up: the pinned host key is asked wherever the node may be.
//!
//! It may be at the address of its last call-home, and at each that DHCP gave under its MAC since: a packet in its name can
//! decline its lease, and a changed pool takes it, and then a renewal moves it to another address. So only silence at all
//! of them is silence, and where its key answers is where the lifecycle looks for it from then on. Rejected: the last
//! address alone, which a packet moves; the last lease alone, which whoever boots under the MAC has.
//!
//! One look proves nothing either: an sshd that is being restarted refuses connections for a moment. Silence is what two
//! looks found that were some seconds apart, with none between them that found anything else.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use pxe::dhcp::AddressBook;
use tasks::Clock;
use vocabulary::{HostKey, Mac};

use super::looks::Looks;
use crate::{
    nodes::{Nodes, requests::Living},
    ssh::{self, FleetKey, Keyring, Limits, Pinned, SshError},
};

/// How long a machine that boots waits while the one that owns its MAC is asked whether it lives. A connection is there
/// at once or not at all; a login on an old machine takes its time, and one that is cut short proves nothing.
const PATIENCE: Limits = Limits { connect: Duration::from_secs(3), whole: Duration::from_secs(8) };
/// How many machines are asked at once, each by a few processes of ssh: a rack that comes back after a power cut, or a loop
/// of requests, must not take the control node down.
const AT_ONCE: usize = 16;
/// How long a request may wait until it is its machine's turn.
const A_PLACE: Duration = Duration::from_secs(5);
/// At how many addresses a node is looked for. Who sends packets in its name can give it more, and has nothing of it: where
/// one is left that nobody looked at, it is not known that the node is away.
const PLACES: usize = 4;

/// How long after a look that found nobody the next one counts: longer than an sshd takes to start anew.
pub const APART: Duration = Duration::from_secs(4);
/// For how long the first of them counts: a machine that asks for its script asks again sooner.
const COUNTS: Duration = Duration::from_secs(30);

/// Asks nodes whether they live.
#[derive(Clone)]
pub struct Pulse {
    nodes: Nodes,
    keys: Arc<Keyring>,
    addresses: Arc<dyn AddressBook>,
    clock: Arc<dyn Clock>,
    looks: Arc<Looks>,
    doubts: Arc<Mutex<Doubts>>,
}

/// Nodes that one look did not find, and when it ended.
#[derive(Debug, Default)]
struct Doubts(HashMap<Mac, Duration>);

/// The node that owns a MAC, as it was when it was looked for.
struct Sought {
    address: Option<Ipv4Addr>,
    host_keys: Vec<HostKey>,
}

impl Pulse {
    /// Looks at so many machines at once: each part has one of its own, so that what boots takes no place from what a
    /// person orders.
    #[must_use]
    pub fn new(nodes: Nodes, keys: Arc<Keyring>, addresses: Arc<dyn AddressBook>, clock: Arc<dyn Clock>) -> Self {
        let (looks, doubts) = (Arc::new(Looks::new(AT_ONCE, A_PLACE)), Arc::default());
        Self { nodes, keys, addresses, clock, looks, doubts }
    }

    /// As [`Self::of`], for who has the time to wait for the second look.
    pub async fn settled(&self, mac: Mac) -> Option<Living> {
        loop {
            match self.of(mac).await {
                Some(Living::SilentOnce) => tokio::time::sleep(APART).await,
                found => return found,
            }
        }
    }

    /// Whether the node that holds this MAC's pinned host key is up; whoever asks meanwhile gets the same answer. Of a
    /// machine that has no pinned key or no address, nothing can be asked.
    pub async fn of(&self, mac: Mac) -> Option<Living> {
        let sought = self.nodes.ask(move |ledger, _, _| {
            let node = &ledger.machine(mac)?.node;
            Some(Sought { address: node.address, host_keys: node.identity.as_ref()?.host_keys.clone() })
        });
        let sought = match sought.await {
            Ok(sought) => sought?,
            Err(_) => return Some(Living::Unknown),
        };
        let places = self.places(mac, sought.address);
        if places.is_empty() {
            return None;
        }
        let pulse = self.clone();
        let look = async move {
            let began = pulse.clock.uptime();
            let found = pulse.search(mac, sought, places).await;
            let mut doubts = pulse.doubts.lock().unwrap_or_else(PoisonError::into_inner);
            doubts.weigh(mac, began..pulse.clock.uptime(), found)
        };
        Some(self.looks.share(mac, look).await)
    }

    /// Where the node may be, the address that is known of it first.
    fn places(&self, mac: Mac, known: Option<Ipv4Addr>) -> Vec<Ipv4Addr> {
        let leased = self.addresses.addresses_of(mac).into_iter().filter(|address| Some(*address) != known);
        known.into_iter().chain(leased).collect()
    }

    async fn search(&self, mac: Mac, sought: Sought, places: Vec<Ipv4Addr>) -> Living {
        let key = self.keys.current();
        let asked = places.iter().take(PLACES).map(|address| {
            let pinned = Pinned { address: *address, host_keys: sought.host_keys.clone() };
            let key = &key;
            async move { (*address, look(mac, key, &pinned).await) }
        });
        let found = join_all(asked).await;
        if let Some((at, _)) = found.iter().find(|(_, living)| *living == Living::Answers) {
            self.is_at(mac, sought, *at).await;
            return Living::Answers;
        }
        if found.iter().any(|(_, living)| *living == Living::Unknown) {
            return Living::Unknown;
        }
        if places.len() > PLACES {
            tracing::warn!(%mac, addresses = places.len(), "too many addresses were given under this MAC to look at each");
            return Living::Unknown;
        }
        Living::Silent
    }

    /// The node is looked for there from now on.
    async fn is_at(&self, mac: Mac, sought: Sought, at: Ipv4Addr) {
        if sought.address == Some(at) {
            return;
        }
        let Sought { address: from, host_keys } = sought;
        let told = self.nodes.ask(move |ledger, now, writes| ledger.moved(now, mac, (from, &host_keys), at, writes));
        if let Err(error) = told.await {
            tracing::warn!(%mac, %at, %error, "a node answers at another address, and that is not written down yet");
        }
    }
}

impl Doubts {
    /// What a look found, in the light of the one before it.
    fn weigh(&mut self, mac: Mac, look: std::ops::Range<Duration>, found: Living) -> Living {
        self.0.retain(|_, first| look.end.saturating_sub(*first) <= COUNTS);
        if found != Living::Silent {
            self.0.remove(&mac);
            return found;
        }
        let first = *self.0.entry(mac).or_insert(look.end);
        if look.start >= first + APART { Living::Silent } else { Living::SilentOnce }
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

#[cfg(test)]
#[path = "pulse_tests.rs"]
mod tests;
