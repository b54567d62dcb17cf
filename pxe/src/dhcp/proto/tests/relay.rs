//! Requests that come through a relay.

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType::{Ack, Nak};
use vocabulary::Step;

use super::link::{Ask, Link, SERVER, config, ip, mac};
use crate::dhcp::{
    Config, Pool, Subnet,
    proto::{Arrival, Destination, DropReason},
};

fn two_networks() -> Config {
    let mut two = config();
    let far = Subnet {
        cidr: "10.99.0.0/24".parse().unwrap(),
        pools: vec![Pool { first: ip("10.99.0.10"), last: ip("10.99.0.19") }],
        router: Some(ip("10.99.0.1")),
        ..two.subnets[0].clone()
    };
    two.subnets.push(far);
    two
}

fn relayed(ask: Ask, giaddr: Ipv4Addr) -> Ask {
    Ask { giaddr, arrival: Arrival::Unicast, ..ask }
}

#[test]
fn b06_a_relay_chooses_the_network_and_gets_the_answer() {
    let mut link = Link::new(two_networks());
    let relay = ip("10.99.0.1");
    let offer = link.send(&relayed(Ask::discover(mac(1)), relay)).unwrap();
    assert_eq!((offer.address(), offer.destination), (ip("10.99.0.10"), Destination::Relay(relay)));
    assert_eq!((offer.message.giaddr(), offer.option(3)), (relay, Some(vec![10, 99, 0, 1])));
    let ack = link.send(&relayed(Ask::select(mac(1), SERVER, offer.address()), relay)).unwrap();
    assert_eq!((ack.kind(), ack.destination), (Ack, Destination::Relay(relay)));
    let renewed = link.send(&Ask::renew(mac(1), offer.address())).unwrap();
    assert_eq!((renewed.kind(), renewed.destination), (Ack, Destination::Client(offer.address())));
}

#[test]
fn b06_link_selection_chooses_the_network() {
    let mut link = Link::new(two_networks());
    let ask = relayed(Ask::discover(mac(1)), ip("172.16.0.1")).with(82, [5, 4, 10, 99, 0, 0]);
    let offer = link.send(&ask).unwrap();
    assert_eq!((offer.address(), offer.destination), (ip("10.99.0.10"), Destination::Relay(ip("172.16.0.1"))));
    let not_relayed = Ask::discover(mac(2)).with(82, [5, 4, 10, 99, 0, 0]);
    assert_eq!(link.send(&not_relayed).unwrap().address(), ip("10.77.0.10"), "only a relay may choose");
}

#[test]
fn b06_a_relay_of_an_unknown_network_gets_no_offer() {
    let mut link = Link::new(two_networks());
    assert!(link.send(&relayed(Ask::discover(mac(1)), ip("172.16.0.1"))).is_none());
    assert_eq!((link.dropped(), link.steps()), (Some(DropReason::NoSubnet), vec![Step::Refused]));
    assert_eq!(link.last.sightings[0].detail, "no network is configured for requests from 172.16.0.1");
}

#[test]
fn b06_a_nak_through_a_relay_asks_it_to_broadcast() {
    let mut link = Link::new(two_networks());
    let nak = link.send(&relayed(Ask::reboot(mac(1), ip("10.77.0.10")), ip("10.99.0.1"))).unwrap();
    assert_eq!((nak.kind(), nak.destination), (Nak, Destination::Relay(ip("10.99.0.1"))));
    assert!(nak.message.flags().broadcast());
}

#[test]
fn b06_a_relay_may_stand_in_for_the_server() {
    let mut link = Link::new(two_networks());
    let (relay, option) = (ip("10.99.0.1"), [11, 4, 10, 99, 0, 1]);
    let offer = link.send(&relayed(Ask::discover(mac(1)), relay).with(82, option)).unwrap();
    assert_eq!(offer.option(54), Some(vec![10, 99, 0, 1]));
    let select = relayed(Ask::select(mac(1), relay, offer.address()), relay).with(82, option);
    assert_eq!(link.send(&select).unwrap().kind(), Ack);
}

#[test]
fn b02_option_82_comes_back_byte_for_byte_and_last() {
    let odd: Vec<u8> = (0..=255).cycle().take(400).collect();
    for option in [&b"\x01\x04eth1\x02\x06\0\x01\x02\x03\x04\x05"[..], b"\x01\xffcut", b"\0", b"", &odd] {
        let mut link = Link::new(two_networks());
        let mut ask = relayed(Ask::discover(mac(1)).firmware(7), ip("10.99.0.1")).with(82, option);
        if option.is_empty() {
            let mut bytes = relayed(Ask::discover(mac(1)), ip("10.99.0.1")).bytes();
            bytes.pop();
            bytes.extend([82, 0, 255]);
            let offer = link.send_bytes(&bytes, Arrival::Unicast).unwrap();
            assert_eq!(offer.options().last(), Some(&(82, vec![])));
            continue;
        }
        ask.options.push((12, b"after-82".to_vec()));
        let offer = link.send(&ask).unwrap();
        assert_eq!(offer.option(82).as_deref(), Some(option));
        assert_eq!(offer.options().last().unwrap().0, 82);
        let nak = link.send(&relayed(Ask::reboot(mac(1), ip("1.2.3.4")), ip("10.99.0.1")).with(82, option)).unwrap();
        assert_eq!((nak.kind(), nak.option(82).as_deref()), (Nak, Some(option)));
    }
}
