//! Whatever arrives: no panic, no address given twice, and what a relay sent comes back.

use proptest::prelude::*;

use super::link::{Ask, Link, SERVER, config, ip, mac};
use crate::dhcp::{
    Pool,
    proto::{Arrival, DropReason, Malformed},
};

fn small_pool() -> Link {
    let mut small = config();
    small.subnets[0].pools = vec![Pool { first: ip("10.77.0.10"), last: ip("10.77.0.12") }];
    Link::new(small)
}

#[test]
fn b13_each_malformed_packet_has_its_reason() {
    let good = Ask::discover(mac(1)).bytes();
    let spoiled = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    let nobody = Ask { hardware: vec![], ..Ask::discover(mac(1)) };
    let table = [
        (good[..239].to_vec(), Malformed::Short),
        (vec![], Malformed::Short),
        (spoiled(0, 2), Malformed::NotARequest),
        (spoiled(236, 0), Malformed::NoCookie),
        (spoiled(2, 17), Malformed::HardwareLength),
        (spoiled(2, 255), Malformed::HardwareLength),
        (nobody.bytes(), Malformed::NoClient),
        (Ask { hardware: vec![0; 6], ..nobody }.bytes(), Malformed::NoClient),
        (spoiled(242, 2), Malformed::NoMessageType),
        (spoiled(242, 99), Malformed::NoMessageType),
        (good[..240].to_vec(), Malformed::NoMessageType),
    ];
    let mut link = Link::new(config());
    for (bytes, why) in table {
        assert!(link.send_bytes(&bytes, Arrival::Broadcast).is_none());
        assert_eq!(link.dropped(), Some(DropReason::Malformed(why)));
        assert_eq!(link.last.sightings, []);
    }
    let counted = link.state().snapshot(link.now).counters.dropped;
    assert_eq!(counted.values().sum::<u64>(), 11);
}

#[test]
fn options_are_found_behind_broken_ones_and_in_borrowed_fields() {
    let mut link = Link::new(config());
    let ask = Ask::discover(mac(1)).with(12, b"\xff\xfe").with(81, b"").with(50, [1, 2]).firmware(7);
    assert_eq!(link.send(&ask).unwrap().file(), "ipxe-amd64.efi");
    let mut bytes = Ask::discover(mac(2)).with(52, [3]).bytes();
    bytes[108..114].copy_from_slice(&[93, 2, 0, 11, 255, 0]);
    bytes[44..56].copy_from_slice(b"\x3c\x09PXEClient\xff");
    assert_eq!(link.send_bytes(&bytes, Arrival::Broadcast).unwrap().file(), "ipxe-arm64.efi");
}

#[derive(Debug, Clone)]
enum Act {
    Discover { client: u8, wanted: u8 },
    Select { client: u8, address: u8, other_server: bool },
    Reboot { client: u8, address: u8 },
    Renew { client: u8, address: u8 },
    Rebind { client: u8, address: u8 },
    Decline { client: u8, address: u8 },
    Release { client: u8, address: u8 },
    Wait { seconds: u16 },
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let pair = || (1_u8..6, 9_u8..14);
    prop_oneof![
        4 => pair().prop_map(|(client, wanted)| Act::Discover { client, wanted }),
        6 => (pair(), prop::bool::weighted(0.1))
            .prop_map(|((client, address), other_server)| Act::Select { client, address, other_server }),
        1 => pair().prop_map(|(client, address)| Act::Reboot { client, address }),
        1 => pair().prop_map(|(client, address)| Act::Renew { client, address }),
        1 => pair().prop_map(|(client, address)| Act::Rebind { client, address }),
        1 => pair().prop_map(|(client, address)| Act::Decline { client, address }),
        1 => pair().prop_map(|(client, address)| Act::Release { client, address }),
        2 => (0_u16..4000).prop_map(|seconds| Act::Wait { seconds }),
        1 => Just(Act::Restart),
    ]
}

fn perform(link: &mut Link, act: &Act) {
    let at = |last: u8| ip(&format!("10.77.0.{last}"));
    let ask = match *act {
        Act::Discover { client, wanted } => Ask::discover(mac(client)).with(50, at(wanted).octets()),
        Act::Select { client, address, other_server } => {
            let server = if other_server { ip("10.77.0.2") } else { SERVER };
            Ask::select(mac(client), server, at(address))
        }
        Act::Reboot { client, address } => Ask::reboot(mac(client), at(address)),
        Act::Renew { client, address } => Ask::renew(mac(client), at(address)),
        Act::Rebind { client, address } => Ask::rebind(mac(client), at(address)),
        Act::Decline { client, address } => Ask::decline(mac(client), at(address)),
        Act::Release { client, address } => Ask::release(mac(client), at(address)),
        Act::Wait { seconds } => return link.jump(i64::from(seconds)),
        Act::Restart => return link.restart(),
    };
    let Some(answer) = link.send(&ask) else { return };
    if !answer.address().is_unspecified() {
        assert!((10..=12).contains(&answer.address().octets()[3]), "{} is of no pool", answer.address());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// `Link::keep` asserts it at every lease; the free count must agree with what is kept.
    #[test]
    fn b12_no_two_clients_ever_hold_one_address(acts in prop::collection::vec(act(), 1..80)) {
        let mut link = small_pool();
        for act in &acts {
            perform(&mut link, act);
        }
        let held = link.kept.values().filter(|lease| lease.expires > link.now).count();
        prop_assert!(link.free() <= 3 - held);
    }

    #[test]
    fn b13_no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..1600)) {
        Link::new(config()).send_bytes(&bytes, Arrival::Broadcast);
    }

    #[test]
    fn b13_no_options_panic(options in prop::collection::vec(any::<u8>(), 0..800), kind in 0_u8..10, hops in 0_u8..20) {
        let mut bytes = Ask { kind, ..Ask::discover(mac(1)) }.bytes();
        bytes.pop();
        bytes[2] = hops;
        bytes.extend(options);
        Link::new(config()).send_bytes(&bytes, Arrival::Unicast);
    }

    #[test]
    fn b13_no_mutated_packet_panics(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        keep_whole: bool,
    ) {
        let mut bytes = Ask::select(mac(1), SERVER, ip("10.77.0.10")).ipxe(7).with(97, [0; 17]).with(82, [5, 4, 1, 2, 3, 4]).bytes();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !keep_whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        Link::new(config()).send_bytes(&bytes, Arrival::Broadcast);
    }

    #[test]
    fn b02_any_option_82_comes_back(option in prop::collection::vec(any::<u8>(), 1..500)) {
        let mut link = Link::new(config());
        let ask = Ask { giaddr: ip("10.77.0.1"), ..Ask::discover(mac(1)).with(82, &option) };
        if let Some(offer) = link.send(&ask) {
            prop_assert_eq!(offer.option(82), Some(option));
            prop_assert_eq!(offer.options().last().unwrap().0, 82);
        }
    }
}
