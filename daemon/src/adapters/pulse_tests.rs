//! What counts as a node that is up, with the real client and a real sshd.

use store::{Batch, NodeWrite, Store};
use tasks::{ManualClock, Stop};
use tokio::task::JoinSet;
use vocabulary::{Identity, Node, NodeState, Timestamp};

use super::*;
use crate::{
    nodes::{NodesPart, lifecycle::Tracked, requests::tests::ledger},
    ssh::sshd::Sshd,
};

const MAC: Mac = Mac([2, 0, 0, 0, 0, 9]);

/// A node that is up or was, and the leases under its MAC.
struct House {
    nodes: Nodes,
    keys: Arc<Keyring>,
    clock: ManualClock,
    _parts: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl House {
    async fn of(address: [u8; 4], host_keys: Vec<HostKey>) -> Self {
        let (folder, at) = (tempfile::tempdir().unwrap(), Timestamp::UNIX_EPOCH);
        let store = Store::open(folder.path(), at).await.unwrap();
        let identity = Identity {
            mac: MAC,
            smbios_uuid: None,
            machine_id: None,
            host_keys,
            answered: None,
            tpm: None,
            kept: None,
        };
        let node = Node {
            generation: 1,
            approved: true,
            state: NodeState::Ready,
            address: Some(address.into()),
            identity: Some(identity),
            ..Tracked::new(at, MAC).node
        };
        let nodes = vec![NodeWrite { node, from: 0 }];
        store.commit(Batch { nodes, ..Batch::default() }).await.unwrap();
        let rules = ledger(crate::nodes::lifecycle::Enroll::Approve).rules;
        let clock = ManualClock::new(at);
        let (part, nodes) = NodesPart::build(rules, store, Arc::new(clock.clone()), Arc::default()).await.unwrap();
        let mut parts = JoinSet::new();
        parts.spawn(async move { part.run(Stop::new()).await.unwrap() });
        let key = FleetKey::ensure(folder.path()).await.unwrap();
        let keys = Arc::new(Keyring::open_ring(key, folder.path().to_owned()).await.unwrap());
        Self { nodes, keys, clock, _parts: parts, _folder: folder }
    }

    fn pulse(&self, leases: &[[u8; 4]]) -> Pulse {
        let book = Book(leases.iter().copied().map(Ipv4Addr::from).collect());
        Pulse::new(self.nodes.clone(), Arc::clone(&self.keys), Arc::new(book), Arc::new(self.clock.clone()))
    }

    /// What two looks find that are far enough apart.
    async fn found(&self, pulse: &Pulse) -> Living {
        match pulse.of(MAC).await.unwrap() {
            Living::SilentOnce => {}
            other => return other,
        }
        self.clock.advance(APART);
        pulse.of(MAC).await.unwrap()
    }

    async fn node(&self) -> Node {
        self.nodes.ask(|ledger, _, _| ledger.machine(MAC).unwrap().node.clone()).await.unwrap()
    }
}

/// What was leased under the MAC.
struct Book(Vec<Ipv4Addr>);

impl AddressBook for Book {
    fn mac_of(&self, _: Ipv4Addr) -> Option<Mac> {
        None
    }

    fn address_of(&self, _: Mac) -> Option<Ipv4Addr> {
        self.0.first().copied()
    }

    fn addresses_of(&self, _: Mac) -> Vec<Ipv4Addr> {
        self.0.clone()
    }
}

/// A packet in its name can move a node's lease, and it goes there with its next renewal.
#[tokio::test]
async fn a_node_whose_lease_moved_is_alive_at_its_new_address_and_known_there_from_then_on() {
    let sshd = Sshd::at([127, 22, 1, 1], "", "");
    let house = House::of([127, 22, 1, 9], sshd.pinned().host_keys).await;
    assert_eq!(house.found(&house.pulse(&[])).await, Living::Silent, "nobody is where it was");
    assert_eq!(house.node().await.address, Some([127, 22, 1, 9].into()));
    let pulse = house.pulse(&[[127, 22, 1, 8], [127, 22, 1, 1]]);
    assert_eq!(house.found(&pulse).await, Living::Answers);
    let node = house.node().await;
    assert_eq!(node.address, Some([127, 22, 1, 1].into()));
    assert!(node.identity.unwrap().answered.is_some(), "the address is the one of who answered there last");
    drop(sshd);
    assert_eq!(house.found(&pulse).await, Living::Silent, "a machine that is off is, wherever it was");
}

#[tokio::test]
async fn a_lease_of_whoever_boots_under_a_nodes_mac_moves_nobody() {
    let (own, other) = (Sshd::at([127, 22, 1, 2], "", ""), Sshd::at([127, 22, 1, 3], "", ""));
    let house = House::of([127, 22, 1, 2], own.pinned().host_keys).await;
    let pulse = house.pulse(&[[127, 22, 1, 3], [127, 22, 1, 2]]);
    assert_eq!(house.found(&pulse).await, Living::Answers);
    drop(own);
    assert_eq!(house.found(&pulse).await, Living::Silent, "another key is nobody");
    assert_eq!(house.node().await.address, Some([127, 22, 1, 2].into()));
    drop(other);
}

#[tokio::test]
async fn where_a_mac_was_given_more_addresses_than_are_looked_at_nobody_is_taken_for_silent() {
    let house = House::of([127, 22, 1, 9], vec![HostKey::try_from(FOREIGN.to_owned()).unwrap()]).await;
    let leases: Vec<[u8; 4]> = (10..14).map(|last| [127, 22, 1, last]).collect();
    assert_eq!(house.found(&house.pulse(&leases[..3])).await, Living::Silent);
    assert_eq!(house.found(&house.pulse(&leases)).await, Living::Unknown);
}

/// While an sshd is restarted, its port refuses connections as one does where nobody is.
#[tokio::test]
async fn a_node_whose_sshd_is_being_restarted_is_not_silent() {
    let sshd = Sshd::at([127, 22, 1, 4], "", "");
    let pinned = sshd.pinned();
    let house = House::of([127, 22, 1, 4], pinned.host_keys).await;
    let pulse = house.pulse(&[]);
    drop(sshd);
    for _ in 0..3 {
        assert_eq!(pulse.of(MAC).await, Some(Living::SilentOnce), "however often somebody asks meanwhile");
    }
    house.clock.advance(APART);
    assert_eq!(pulse.of(MAC).await, Some(Living::Silent));
}

#[test]
fn only_two_looks_that_are_apart_and_near_make_silence() {
    use Living::{Answers, Silent, SilentOnce, Unknown};
    let second = Duration::from_secs;
    for (looks, last) in [
        (&[(0, 1, Silent)][..], SilentOnce),
        (&[(0, 1, Silent), (4, 5, Silent)], SilentOnce),
        (&[(0, 1, Silent), (5, 6, Silent)], Silent),
        (&[(0, 1, Silent), (2, 3, Answers), (5, 6, Silent)], SilentOnce),
        (&[(0, 1, Silent), (2, 3, Unknown), (5, 6, Silent)], SilentOnce),
        (&[(0, 1, Silent), (2, 9, Silent)], SilentOnce),
        (&[(0, 1, Silent), (40, 41, Silent)], SilentOnce),
        (&[(0, 1, Silent), (40, 41, Silent), (45, 46, Silent)], Silent),
    ] {
        let mut doubts = Doubts::default();
        let found = looks.iter().map(|(from, to, found)| doubts.weigh(MAC, second(*from)..second(*to), *found));
        assert_eq!(found.last(), Some(last), "{looks:?}");
    }
}

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
    assert_eq!(judged(&Err(SshError::TimedOut { address, limit: PATIENCE.whole })), Living::Unknown, "a slow login");
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
