//! What must hold for any packet; shared by the fuzz target and the test that replays the seeds.

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc, time::Duration};

use dhcproto::{
    Decodable as _,
    v4::{Message, Opcode},
};
use jiff::Timestamp;
use pxe::dhcp::{
    BootFiles, Config, HttpLoaders, Loaders, Mode, Pool, Quirks, Subnet, VendorOptions,
    proto::{Arrival, Ingress, Outputs, Server},
};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const POOL: Pool = Pool { first: Ipv4Addr::new(10, 77, 0, 10), last: Ipv4Addr::new(10, 77, 0, 19) };

/// Every way the packet could arrive, twice, so that the second meets what the first left behind.
pub(crate) fn packet(bytes: &[u8]) {
    for vendor_options in [VendorOptions::Bypass, VendorOptions::BypassWithMenu] {
        let mut server = server(vendor_options);
        for arrival in [Arrival::Broadcast, Arrival::Unicast, Arrival::Broadcast] {
            let outputs = server.handle(Timestamp::UNIX_EPOCH, Ingress { local: SERVER, arrival, bytes });
            check(&outputs, bytes.len());
        }
    }
}

fn server(vendor_options: VendorOptions) -> Server {
    let subnet = Subnet {
        cidr: "10.77.0.0/24".parse().unwrap(),
        pools: vec![POOL],
        router: Some(SERVER),
        dns: vec![SERVER],
        domain: Some("rack.example".into()),
        ntp: vec![SERVER],
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
    let quirks = Arc::new(move |_| Quirks { loader: None, vendor_options });
    Server::new(&config, BTreeSet::from([SERVER]), vec![], quirks)
}

/// At most what every client takes, and the option 82 that the packet itself brought.
fn check(outputs: &Outputs, request_bytes: usize) {
    for lease in &outputs.leases {
        assert!(POOL.contains(lease.address), "{lease:?} is of no pool");
    }
    for sighting in &outputs.sightings {
        assert!(sighting.detail.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{sighting:?}");
    }
    let Some(reply) = &outputs.reply else { return };
    assert!(outputs.dropped.is_none(), "dropped and answered");
    assert!((300..=1472 + request_bytes).contains(&reply.bytes.len()), "{} bytes", reply.bytes.len());
    let message = Message::from_bytes(&reply.bytes).expect("a reply that cannot be read");
    assert_eq!(message.opcode(), Opcode::BootReply);
    assert!(message.opts().msg_type().is_some());
}
