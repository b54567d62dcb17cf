//! The real server behind real sockets, spoken to packet by packet: what leaves when, and from where.

use std::{
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    time::Duration,
};

use tasks::{Clock as _, SystemClock};
use vocabulary::Mac;

use crate::dhcp_rig::{Disk, Rig, SERVER, config, receive};

const TO_SERVERS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
const OFFER: u8 = 2;
const ACK: u8 = 5;

fn mac(number: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 1, number])
}

/// A request by hand; the MAC's last byte is its transaction.
fn request(kind: u8, from: Mac, giaddr: Ipv4Addr, options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0, 0, 0, 0, from.0[5], 0, 0, 0x80, 0];
    bytes.resize(24, 0);
    bytes.extend(giaddr.octets());
    bytes.extend(from.0);
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, kind]);
    bytes.extend(options);
    bytes.push(255);
    bytes
}

fn select(from: Mac, address: Ipv4Addr) -> Vec<u8> {
    let options = [&[54, 4][..], &SERVER.octets(), &[50, 4], &address.octets()].concat();
    request(3, from, Ipv4Addr::UNSPECIFIED, &options)
}

fn discover(from: Mac) -> Vec<u8> {
    request(1, from, Ipv4Addr::UNSPECIFIED, &[])
}

/// Asks until the answer comes, as clients do.
fn exchange(socket: &UdpSocket, ask: &[u8], answer: u8) -> Option<Vec<u8>> {
    for _ in 0..10 {
        socket.send_to(ask, TO_SERVERS).unwrap();
        if let Some(reply) = answer_to(socket, ask, answer) {
            return Some(reply);
        }
    }
    None
}

fn answer_to(socket: &UdpSocket, ask: &[u8], answer: u8) -> Option<Vec<u8>> {
    receive(socket, |bytes| bytes[4..8] == ask[4..8] && bytes[0] == 2 && option(bytes, 53) == Some(vec![answer]))
}

fn option(bytes: &[u8], wanted: u8) -> Option<Vec<u8>> {
    let mut rest = &bytes[240..];
    while let [code, length, tail @ ..] = rest {
        if *code == 255 {
            break;
        }
        let (value, after) = tail.split_at(usize::from(*length));
        if *code == wanted {
            return Some(value.to_vec());
        }
        rest = after;
    }
    None
}

fn offered(bytes: &[u8]) -> Ipv4Addr {
    Ipv4Addr::new(bytes[16], bytes[17], bytes[18], bytes[19])
}

fn dora(socket: &UdpSocket, from: Mac) -> Ipv4Addr {
    let address = offered(&exchange(socket, &discover(from), OFFER).expect("no OFFER"));
    assert_eq!(offered(&exchange(socket, &select(from, address), ACK).expect("no ACK")), address);
    address
}

#[test]
fn b12_no_ack_leaves_before_the_sync_and_offers_do_not_wait_for_it() {
    let Some(rig) = Rig::new() else { return };
    let disk = Disk::default();
    let server = rig.serve(config(20), &disk);
    let client = rig.client();
    disk.stick();
    let address = offered(&exchange(&client, &discover(mac(1)), OFFER).expect("an OFFER needs no disk"));
    let ask = select(mac(1), address);
    client.send_to(&ask, TO_SERVERS).unwrap();
    assert_eq!(answer_to(&client, &ask, ACK), None, "an ACK before its lease is synced");
    for number in 2..12 {
        exchange(&client, &discover(mac(number)), OFFER).expect("an OFFER while the disk is stuck");
    }
    assert_eq!((disk.kept(), server.eyes.seen()), (vec![], vec![]), "nothing is told before it is so");
    disk.unstick();
    assert!(answer_to(&client, &ask, ACK).is_some(), "the ACK leaves once the lease is synced");
    assert_eq!(disk.kept().len(), 1);
    assert_eq!(server.address_of(mac(1)), Some(address));
}

#[test]
fn many_leases_share_a_sync() {
    let Some(rig) = Rig::new() else { return };
    let disk = Disk::default();
    let server = rig.serve(config(60), &disk);
    let client = rig.client();
    let asks: Vec<_> = (0..50)
        .map(|number| select(mac(number), offered(&exchange(&client, &discover(mac(number)), OFFER).unwrap())))
        .collect();
    disk.stick();
    for ask in &asks {
        client.send_to(ask, TO_SERVERS).unwrap();
    }
    exchange(&client, &discover(mac(99)), OFFER).expect("the server has read everything before this");
    disk.unstick();
    for ask in &asks {
        exchange(&client, ask, ACK).expect("every lease is acknowledged");
    }
    assert_eq!(disk.kept().len(), 50);
    assert!(disk.commits() < 50, "{} syncs for 50 leases", disk.commits());
    let acks = server.handle.snapshot().counters.acks;
    assert!(acks >= 50, "{acks}");
}

#[test]
fn b12_a_killed_server_comes_back_with_every_acknowledged_lease() {
    let Some(rig) = Rig::new() else { return };
    let disk = Disk::default();
    let client = rig.client();
    let server = rig.serve(config(2), &disk);
    let first = dora(&client, mac(1));
    server.kill();
    let server = rig.serve(config(2), &disk);
    let second = dora(&client, mac(2));
    assert_ne!(first, second);
    assert_eq!(dora(&client, mac(1)), first);
    assert_eq!(exchange(&client, &discover(mac(3)), OFFER), None, "both addresses are held");
    let snapshot = server.handle.snapshot();
    assert_eq!((snapshot.pools[0].size, snapshot.pools[0].free), (2, 0));
    assert!(server.eyes.seen().iter().any(|sighting| sighting.detail.starts_with("no free address")));
}

#[test]
fn b06_a_relay_is_answered_on_its_server_port_from_the_asked_address() {
    let Some(rig) = Rig::new() else { return };
    rig.client_ip(&["addr", "add", "10.77.0.2/24", "dev", "c0"]);
    let _server = rig.serve(config(2), &Disk::default());
    let relay = rig.socket(67);
    let option_82 = [82, 6, 1, 4, b'e', b't', b'h', b'1'];
    let ask = request(1, mac(1), Ipv4Addr::new(10, 77, 0, 2), &option_82);
    let mut buffer = [0; 2048];
    let (length, from) = (0..10)
        .find_map(|_| {
            relay.send_to(&ask, SocketAddrV4::new(SERVER, 67)).unwrap();
            crate::patience::recv_from(&relay, &mut buffer).ok()
        })
        .expect("no answer to the relay");
    assert_eq!(from, SocketAddrV4::new(SERVER, 67).into());
    assert_eq!(option(&buffer[..length], 82).as_deref(), Some(&option_82[2..]));
    assert_eq!(option(&buffer[..length], 54).as_deref(), Some(&SERVER.octets()[..]));
}

#[test]
fn b13_ten_thousand_bad_packets_leave_the_server_answering() {
    let Some(rig) = Rig::new() else { return };
    let server = rig.serve(config(20), &Disk::default());
    let client = rig.client();
    let good = select(mac(1), SERVER);
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for round in 0..10_000_usize {
        let mut bytes = good.clone();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(seed >> 40).unwrap() % bytes.len();
            bytes[at] = seed.to_le_bytes()[4];
        }
        bytes.truncate(if round % 3 == 0 { round % bytes.len() } else { bytes.len() });
        // A full queue of the sender is no failure of the receiver.
        let _ = client.send_to(&bytes, TO_SERVERS);
    }
    exchange(&client, &discover(mac(9)), OFFER).expect("no OFFER after the flood");
    let counters = server.handle.snapshot().counters;
    assert!(counters.dropped.values().sum::<u64>() > 1000, "{counters:?}");
}

#[test]
fn a_second_server_on_the_interface_is_an_error_at_start() {
    let Some(rig) = Rig::new() else { return };
    let _first = rig.serve(config(2), &Disk::default());
    assert_eq!(rig.build_error(config(2)), "cannot listen for DHCP on s0, 0.0.0.0:67/udp");
    let mut absent = config(2);
    absent.interfaces = vec!["nowhere0".into()];
    assert_eq!(rig.build_error(absent), "interface nowhere0 has no IPv4 address, or does not exist");
}

#[test]
fn it_stops_when_told_to_though_the_disk_is_stuck() {
    let Some(rig) = Rig::new() else { return };
    let disk = Disk::default();
    let server = rig.serve(config(2), &disk);
    let client = rig.client();
    let address = offered(&exchange(&client, &discover(mac(1)), OFFER).unwrap());
    disk.stick();
    client.send_to(&select(mac(1), address), TO_SERVERS).unwrap();
    exchange(&client, &discover(mac(2)), OFFER).unwrap();
    let started = SystemClock.uptime();
    drop(server);
    assert!(SystemClock.uptime() - started < Duration::from_secs(15));
}
