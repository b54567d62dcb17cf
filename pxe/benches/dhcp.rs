//! What the state machine costs without sockets and disk: the part that a faster disk cannot help.
//!
//! `cargo bench -p pxe --bench dhcp`. `dora` counts whole exchanges of four packets; `b15_storm` is a rack that
//! powers on at once: its slowest OFFER is the time of the whole storm.
#![expect(clippy::unwrap_used, reason = "constants that parse")]

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc, time::Duration};

use divan::{Bencher, counter::ItemsCount};
use jiff::Timestamp;
use pxe::dhcp::{
    BootFiles, Config, HttpLoaders, Loaders, Mode, Pool, Quirks, Subnet,
    proto::{Arrival, Ingress, Outputs, Server},
};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn main() {
    divan::main();
}

fn server() -> Server {
    let subnet = Subnet {
        cidr: "10.77.0.0/16".parse().unwrap(),
        pools: vec![Pool { first: Ipv4Addr::new(10, 77, 1, 0), last: Ipv4Addr::new(10, 77, 255, 250) }],
        router: Some(SERVER),
        dns: vec![SERVER],
        domain: Some("rack.example".into()),
        ntp: vec![],
        lease: Duration::from_secs(3600),
        reservations: vec![],
        boot: Some(BootFiles {
            tftp: SERVER,
            http: "10.77.0.1:7601".parse().unwrap(),
            loaders: Loaders::default(),
            http_loaders: HttpLoaders { x64: "/x64".into(), arm64: "/arm64".into() },
        }),
    };
    let config = Config { mode: Mode::Full, interfaces: vec!["rack0".into()], subnets: vec![subnet] };
    Server::new(&config, BTreeSet::from([SERVER]), vec![], Arc::new(|_| Quirks::default()))
}

/// As UEFI firmware asks.
fn packet(kind: u8, client: u32, options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0];
    bytes.extend(client.to_be_bytes());
    bytes.resize(28, 0);
    bytes.extend([2, 0]);
    bytes.extend(client.to_be_bytes());
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, kind, 93, 2, 0, 7, 60, 9]);
    bytes.extend(b"PXEClient");
    bytes.extend(options);
    bytes.push(255);
    bytes
}

fn send(server: &mut Server, bytes: &[u8]) -> Outputs {
    server.handle(Timestamp::UNIX_EPOCH, Ingress { local: SERVER, arrival: Arrival::Broadcast, bytes })
}

fn exchange(server: &mut Server, client: u32) -> usize {
    let offer = send(server, &packet(1, client, &[])).reply.map(|reply| reply.bytes).unwrap_or_default();
    let select = [&[54, 4][..], &SERVER.octets(), &[50, 4], &offer[16..20]].concat();
    send(server, &packet(3, client, &select)).leases.len()
}

#[divan::bench(args = [1, 1000, 20_000])]
fn dora(bencher: Bencher<'_, '_>, clients: u32) {
    bencher
        .counter(ItemsCount::new(clients))
        .with_inputs(server)
        .bench_local_values(|mut server| (0..clients).map(|client| exchange(&mut server, client)).sum::<usize>());
}

#[divan::bench]
fn b15_storm(bencher: Bencher<'_, '_>) {
    let storm: Vec<_> = (0..1000).map(|client| packet(1, client, &[])).collect();
    bencher
        .counter(ItemsCount::new(storm.len()))
        .with_inputs(server)
        .bench_local_values(|mut server| storm.iter().filter(|bytes| send(&mut server, bytes).reply.is_some()).count());
}

#[divan::bench]
fn renewal_in_a_full_network(bencher: Bencher<'_, '_>) {
    let mut server = server();
    for client in 0..60_000 {
        exchange(&mut server, client);
    }
    let select = [&[54, 4][..], &SERVER.octets(), &[50, 4, 10, 77, 1, 0]].concat();
    let ask = packet(3, 0, &select);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| send(&mut server, &ask));
}
