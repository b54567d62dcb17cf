//! The simulated link: packets are built byte by byte, replies are read by `dhcproto`'s owned decoder, and every lease
//! that a server wants kept is checked against all others before it counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

use dhcproto::{
    Decodable as _,
    v4::{Message, MessageType},
};
use jiff::Timestamp;
use vocabulary::{Mac, Step};

use crate::dhcp::{
    BootFiles, Client, Config, HttpLoaders, Lease, LeaseState, Loaders, Mode, Pool, Quirks, Subnet,
    proto::{Arrival, DropReason, Ingress, Outputs, Server},
};

pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
pub(super) const ZERO: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

pub(super) fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

pub(super) fn mac(number: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, number])
}

/// One network, 10.77.0.0/24 with the addresses .10 to .19.
pub(super) fn config() -> Config {
    let subnet = Subnet {
        cidr: "10.77.0.0/24".parse().unwrap(),
        pools: vec![Pool { first: ip("10.77.0.10"), last: ip("10.77.0.19") }],
        router: Some(ip("10.77.0.1")),
        dns: vec![ip("10.77.0.1")],
        domain: Some("rack.example".into()),
        ntp: vec![],
        lease: Duration::from_secs(3600),
        reservations: vec![],
        boot: Some(BootFiles {
            tftp: SERVER,
            http: "10.77.0.1:7601".parse().unwrap(),
            loaders: Loaders::default(),
            http_loaders: HttpLoaders { x64: "/assets/aa/ipxe-amd64.efi".into(), arm64: "/assets/bb/arm.efi".into() },
        }),
    };
    Config { mode: Mode::Full, interfaces: vec!["rack0".into()], subnets: vec![subnet] }
}

/// One packet of a client.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) kind: u8,
    pub(super) hardware: Vec<u8>,
    pub(super) flags: u16,
    pub(super) ciaddr: Ipv4Addr,
    pub(super) giaddr: Ipv4Addr,
    pub(super) options: Vec<(u8, Vec<u8>)>,
    pub(super) arrival: Arrival,
}

impl Ask {
    fn new(kind: u8, from: Mac) -> Self {
        let hardware = from.0.to_vec();
        Self { kind, hardware, flags: 0, ciaddr: ZERO, giaddr: ZERO, options: vec![], arrival: Arrival::Broadcast }
    }

    pub(super) fn discover(from: Mac) -> Self {
        Self::new(1, from)
    }

    pub(super) fn select(from: Mac, server: Ipv4Addr, address: Ipv4Addr) -> Self {
        Self::new(3, from).with(54, server.octets()).with(50, address.octets())
    }

    pub(super) fn reboot(from: Mac, address: Ipv4Addr) -> Self {
        Self::new(3, from).with(50, address.octets())
    }

    pub(super) fn renew(from: Mac, address: Ipv4Addr) -> Self {
        Self { ciaddr: address, arrival: Arrival::Unicast, ..Self::new(3, from) }
    }

    pub(super) fn rebind(from: Mac, address: Ipv4Addr) -> Self {
        Self { ciaddr: address, ..Self::new(3, from) }
    }

    pub(super) fn decline(from: Mac, address: Ipv4Addr) -> Self {
        Self::new(4, from).with(54, SERVER.octets()).with(50, address.octets())
    }

    pub(super) fn release(from: Mac, address: Ipv4Addr) -> Self {
        Self { ciaddr: address, arrival: Arrival::Unicast, ..Self::new(7, from) }.with(54, SERVER.octets())
    }

    pub(super) fn inform(from: Mac, address: Ipv4Addr) -> Self {
        Self { ciaddr: address, ..Self::new(8, from) }
    }

    pub(super) fn with(mut self, code: u8, value: impl AsRef<[u8]>) -> Self {
        self.options.push((code, value.as_ref().to_vec()));
        self
    }

    /// As PXE firmware of this architecture asks.
    pub(super) fn firmware(self, architecture: u16) -> Self {
        self.with(60, "PXEClient:Arch:00007:UNDI:003016").with(93, architecture.to_be_bytes()).with(94, [1, 3, 16])
    }

    /// As iPXE asks.
    pub(super) fn ipxe(self, architecture: u16) -> Self {
        self.firmware(architecture).with(77, "iPXE").with(175, [0xb1, 1, 1, 0x13, 1, 1, 0x12, 1, 1])
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, 1, u8::try_from(self.hardware.len()).unwrap(), 0, 1, 2, 3, 4, 0, 0];
        bytes.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, ZERO, ZERO, self.giaddr] {
            bytes.extend(address.octets());
        }
        bytes.extend(&self.hardware);
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99, 53, 1, self.kind]);
        for (code, value) in &self.options {
            for part in value.chunks(255) {
                bytes.extend([*code, u8::try_from(part.len()).unwrap()]);
                bytes.extend(part);
            }
        }
        bytes.push(255);
        bytes
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) message: Message,
    pub(super) raw: Vec<u8>,
    pub(super) destination: crate::dhcp::proto::Destination,
}

impl Answer {
    pub(super) fn kind(&self) -> MessageType {
        self.message.opts().msg_type().unwrap()
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.message.yiaddr()
    }

    /// The raw bytes of an option, its parts joined.
    pub(super) fn option(&self, wanted: u8) -> Option<Vec<u8>> {
        let parts: Vec<_> = self.options().into_iter().filter(|(code, _)| *code == wanted).collect();
        (!parts.is_empty()).then(|| parts.into_iter().flat_map(|(_, value)| value).collect())
    }

    /// Every option as it stands on the wire.
    pub(super) fn options(&self) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        let mut rest = &self.raw[240..];
        while let [code, length, tail @ ..] = rest {
            if *code == 255 {
                break;
            }
            let (value, after) = tail.split_at(usize::from(*length));
            found.push((*code, value.to_vec()));
            rest = after;
        }
        found
    }

    pub(super) fn text(&self, code: u8) -> Option<String> {
        self.option(code).map(|value| String::from_utf8(value).unwrap().trim_end_matches('\0').to_owned())
    }

    pub(super) fn file(&self) -> String {
        let name = self.message.fname().unwrap_or_default();
        String::from_utf8(name.to_vec()).unwrap().trim_end_matches('\0').to_owned()
    }
}

/// A server with everything around it.
pub(super) struct Link {
    pub(super) config: Config,
    pub(super) local: Ipv4Addr,
    pub(super) quirks: Quirks,
    server: Server,
    pub(super) now: Timestamp,
    /// The disk: what survives `restart`.
    pub(super) kept: BTreeMap<Ipv4Addr, Lease>,
    pub(super) last: Outputs,
}

impl Link {
    pub(super) fn new(config: Config) -> Self {
        Self::at(config, SERVER)
    }

    pub(super) fn at(config: Config, local: Ipv4Addr) -> Self {
        assert_eq!(config.check(), []);
        let server = Self::server(&config, local, vec![], Quirks::default());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (quirks, last) = (Quirks::default(), Outputs::default());
        Self { config, local, quirks, server, now, kept: BTreeMap::new(), last }
    }

    fn server(config: &Config, local: Ipv4Addr, leases: Vec<Lease>, quirks: Quirks) -> Server {
        Server::new(config, BTreeSet::from([local]), leases, Arc::new(move |_| quirks.clone()))
    }

    /// `kill -9` and a start with what the disk holds.
    pub(super) fn restart(&mut self) {
        let kept = self.kept.values().cloned().collect();
        self.server = Self::server(&self.config, self.local, kept, self.quirks.clone());
    }

    pub(super) fn jump(&mut self, seconds: i64) {
        self.now += jiff::SignedDuration::from_secs(seconds);
    }

    pub(super) fn send(&mut self, ask: &Ask) -> Option<Answer> {
        self.send_bytes(&ask.bytes(), ask.arrival)
    }

    pub(super) fn send_bytes(&mut self, bytes: &[u8], arrival: Arrival) -> Option<Answer> {
        self.last = self.server.handle(self.now, Ingress { local: self.local, arrival, bytes });
        for lease in self.last.leases.clone() {
            self.keep(lease);
        }
        let reply = self.last.reply.clone()?;
        assert!(reply.bytes.len() >= 300, "shorter than BOOTP");
        let message = Message::from_bytes(&reply.bytes).unwrap();
        Some(Answer { message, raw: reply.bytes, destination: reply.destination })
    }

    /// No address is ever given to a second client while a first one may use it.
    fn keep(&mut self, lease: Lease) {
        if let Some(before) = self.kept.get(&lease.address) {
            let in_use = before.state == LeaseState::Bound && before.expires > self.now;
            assert!(!in_use || before.client == lease.client, "{before:?} and {lease:?}");
            let banned = before.state == LeaseState::Declined && before.expires > self.now;
            assert!(!banned, "{before:?} and {lease:?}");
        }
        self.kept.insert(lease.address, lease);
    }

    pub(super) fn dropped(&self) -> Option<DropReason> {
        self.last.dropped
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        self.last.sightings.iter().map(|sighting| sighting.step).collect()
    }

    pub(super) fn free(&self) -> usize {
        self.server.snapshot(self.now).pools[0].free
    }

    pub(super) fn addresses_of(&self, mac: Mac) -> Vec<Ipv4Addr> {
        self.server.addresses_of(self.now, mac)
    }

    pub(super) fn state(&self) -> &Server {
        &self.server
    }

    /// DISCOVER to ACK.
    pub(super) fn dora(&mut self, from: Mac) -> Ipv4Addr {
        let offer = self.send(&Ask::discover(from)).unwrap();
        assert_eq!(offer.kind(), MessageType::Offer);
        let ack = self.send(&Ask::select(from, self.local, offer.address())).unwrap();
        assert_eq!((ack.kind(), ack.address()), (MessageType::Ack, offer.address()));
        ack.address()
    }

    pub(super) fn holder(&self, address: Ipv4Addr) -> Option<&Client> {
        let lease = self.kept.get(&address)?;
        (lease.state == LeaseState::Bound && lease.expires > self.now).then_some(&lease.client)
    }
}
