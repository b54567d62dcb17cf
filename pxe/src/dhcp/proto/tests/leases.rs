//! The life of a lease: DORA, loss, renewal, reboot, release, decline, exhaustion, restart.

use dhcproto::v4::MessageType::{Ack, Nak, Offer};
use vocabulary::Step;

use super::link::{Ask, Link, SERVER, config, ip, mac};
use crate::dhcp::{
    Client, LeaseState, Pool, Reservation,
    proto::{Destination, DropReason},
};

#[test]
fn a_plain_client_gets_a_lease_and_no_boot_file() {
    let mut link = Link::new(config());
    let offer = link.send(&Ask::discover(mac(1))).unwrap();
    assert_eq!(offer.kind(), Offer);
    assert_eq!(link.last.leases, [], "an offer is not kept");
    let ack = link.send(&Ask::select(mac(1), SERVER, offer.address())).unwrap();
    assert_eq!(ack.address(), ip("10.77.0.10"));
    assert_eq!(ack.option(51), Some(3600_u32.to_be_bytes().to_vec()));
    assert_eq!(ack.option(58), Some(1800_u32.to_be_bytes().to_vec()));
    assert_eq!(ack.option(59), Some(3150_u32.to_be_bytes().to_vec()));
    assert_eq!(ack.option(1), Some(vec![255, 255, 255, 0]));
    assert_eq!(ack.option(28), Some(vec![10, 77, 0, 255]));
    assert_eq!(ack.option(3), Some(vec![10, 77, 0, 1]));
    assert_eq!(ack.option(6), Some(vec![10, 77, 0, 1]));
    assert_eq!(ack.option(54), Some(vec![10, 77, 0, 1]));
    assert_eq!(ack.text(15).as_deref(), Some("rack.example"));
    assert_eq!((ack.file(), ack.option(67), ack.option(43), ack.option(60)), (String::new(), None, None, None));
    assert_eq!(ack.destination, Destination::Unconfigured(ip("10.77.0.10")));
    assert_eq!(link.steps(), [Step::Ack], "a plain client's ACK is told, its DISCOVER is not");
    assert_eq!(link.last.sightings[0].firmware, None);
}

#[test]
fn a_lost_ack_is_answered_again_with_the_same_address() {
    let mut link = Link::new(config());
    let address = link.dora(mac(1));
    for _ in 0..3 {
        link.jump(2);
        let again = link.send(&Ask::select(mac(1), SERVER, address)).unwrap();
        assert_eq!((again.kind(), again.address()), (Ack, address));
    }
    assert_eq!(link.kept.len(), 1);
}

#[test]
fn b07_the_broadcast_flag_decides_how_an_address_less_client_is_reached() {
    let mut link = Link::new(config());
    let with_flag = Ask { flags: 0x8000, ..Ask::discover(mac(1)) };
    let offer = link.send(&with_flag).unwrap();
    assert_eq!(offer.destination, Destination::Broadcast);
    assert!(offer.message.flags().broadcast());
    let offer = link.send(&Ask::discover(mac(1))).unwrap();
    assert_eq!(offer.destination, Destination::Unconfigured(offer.address()));
    assert!(!offer.message.flags().broadcast());
    let address = link.dora(mac(1));
    let renewed = link.send(&Ask { flags: 0x8000, ..Ask::renew(mac(1), address) }).unwrap();
    assert_eq!(renewed.destination, Destination::Client(address));
}

#[test]
fn b08_a_request_to_another_server_is_ignored_and_frees_our_offer() {
    let mut link = Link::new(config());
    let offered = link.send(&Ask::discover(mac(1))).unwrap().address();
    assert_eq!(link.free(), 9);
    assert!(link.send(&Ask::select(mac(1), ip("10.77.0.2"), ip("10.77.0.200"))).is_none());
    assert_eq!(link.dropped(), Some(DropReason::OtherServer));
    assert_eq!(link.last.sightings[0].detail, "took the offer of another DHCP server, 10.77.0.2");
    assert_eq!(link.free(), 10);
    for number in 2..=10 {
        link.dora(mac(number));
    }
    assert_eq!(link.dora(mac(11)), offered, "somebody else may have it at once");
}

#[test]
fn b08_two_servers_on_one_link_give_one_lease() {
    let mut ours = Link::new(config());
    let mut other_config = config();
    other_config.subnets[0].pools = vec![Pool { first: ip("10.77.0.100"), last: ip("10.77.0.109") }];
    let mut other = Link::at(other_config, ip("10.77.0.2"));
    let discover = Ask::discover(mac(1));
    let (_, chosen) = (ours.send(&discover).unwrap(), other.send(&discover).unwrap());
    let select = Ask::select(mac(1), ip("10.77.0.2"), chosen.address());
    assert!(ours.send(&select).is_none());
    assert_eq!(other.send(&select).unwrap().kind(), Ack);
    assert_eq!((ours.kept.len(), other.kept.len()), (0, 1));
    let rebind = Ask::rebind(mac(1), chosen.address());
    assert!(ours.send(&rebind).is_none_or(|answer| answer.kind() == Nak));
}

#[test]
fn b09_renew_and_rebind_extend_the_lease() {
    let mut link = Link::new(config());
    let address = link.dora(mac(1));
    for ask in [Ask::renew(mac(1), address), Ask::rebind(mac(1), address)] {
        link.jump(1800);
        let ack = link.send(&ask).unwrap();
        assert_eq!((ack.kind(), ack.address(), ack.message.ciaddr()), (Ack, address, address));
        assert_eq!(ack.destination, Destination::Client(address));
        assert_eq!(link.kept[&address].expires - link.now, jiff::Span::new().seconds(3600).fieldwise());
        assert_eq!(link.steps(), [], "renewals are no news");
    }
}

#[test]
fn b09_a_machine_that_was_off_gets_its_address_back() {
    let mut link = Link::new(config());
    let address = link.dora(mac(1));
    link.jump(30 * 86400);
    let ack = link.send(&Ask::reboot(mac(1), address)).unwrap();
    assert_eq!((ack.kind(), ack.address()), (Ack, address));
}

#[test]
fn b09_a_nak_says_why_and_is_broadcast() {
    let mut link = Link::new(config());
    let (first, second) = (link.dora(mac(1)), link.dora(mac(2)));
    let table = [
        (Ask::reboot(mac(1), ip("192.168.0.7")), "192.168.0.7 is not of this network, 10.77.0.0/24"),
        (Ask::reboot(mac(1), second), "10.77.0.11 is not this machine's address any more"),
        (Ask::select(mac(2), SERVER, first), "10.77.0.10 is not on offer to this machine"),
        (Ask::select(mac(2), SERVER, ip("10.77.0.200")), "10.77.0.200 is not on offer to this machine"),
        (Ask::rebind(mac(2), first), "10.77.0.10 belongs to another machine or to none"),
        (Ask::rebind(mac(2), ip("192.168.0.7")), "192.168.0.7 is not of this network, 10.77.0.0/24"),
    ];
    for (ask, why) in table {
        let nak = link.send(&ask).unwrap();
        assert_eq!((nak.kind(), nak.text(56).as_deref()), (Nak, Some(why)));
        assert_eq!(nak.destination, Destination::Broadcast);
        assert_eq!(nak.address(), super::link::ZERO);
        assert_eq!((nak.option(51), nak.option(1)), (None, None));
        assert_eq!(link.steps(), [Step::Refused]);
        assert_eq!(link.last.leases, []);
    }
}

#[test]
fn b09_nothing_is_said_about_a_lease_that_nobody_knows() {
    let mut link = Link::new(config());
    for ask in [Ask::reboot(mac(1), ip("10.77.0.12")), Ask::rebind(mac(1), ip("10.77.0.12"))] {
        assert!(link.send(&ask).is_none());
        assert_eq!(link.dropped(), Some(DropReason::UnknownLease));
    }
    let ack = link.send(&Ask::renew(mac(1), ip("10.77.0.12"))).unwrap();
    assert_eq!(ack.kind(), Ack, "a unicast renewal was meant for us");
    assert_eq!(link.steps(), [Step::Note]);
}

#[test]
fn b09_inform_gets_everything_but_an_address() {
    let mut link = Link::new(config());
    let ack = link.send(&Ask::inform(mac(1), ip("10.77.0.200"))).unwrap();
    assert_eq!((ack.kind(), ack.address(), ack.option(51)), (Ack, super::link::ZERO, None));
    assert_eq!(ack.option(6), Some(vec![10, 77, 0, 1]));
    assert_eq!(ack.destination, Destination::Client(ip("10.77.0.200")));
    assert_eq!((link.last.leases.len(), link.free()), (0, 10));
    assert!(link.send(&Ask::inform(mac(1), super::link::ZERO)).is_none());
    assert_eq!(link.dropped(), Some(DropReason::NoAddress));
}

#[test]
fn b09_a_released_address_is_remembered_but_free() {
    let mut link = Link::new(config());
    let address = link.dora(mac(1));
    assert!(link.send(&Ask::release(mac(1), address)).is_none());
    assert_eq!(link.kept[&address].state, LeaseState::Released);
    assert_eq!((link.free(), link.dora(mac(1))), (10, address));
    assert!(link.send(&Ask::release(mac(2), address)).is_none());
    assert_eq!(link.dropped(), Some(DropReason::NotHeld), "nobody releases another's lease");
    assert_eq!(link.holder(address), Some(&Client::Mac(mac(1))));
}

#[test]
fn b10_one_machine_with_three_client_ids_has_one_address() {
    let mut link = Link::new(config());
    let first = link.dora(mac(1));
    for id in [&b"\x01\x52\x54\0\0\0\x01"[..], b"\0rom-uuid-0123456789", b"\xff\0\0\0\x01\0\x02systemd"] {
        let offer = link.send(&Ask::discover(mac(1)).with(61, id)).unwrap();
        assert_eq!(offer.address(), first);
        assert_eq!(offer.option(61).as_deref(), Some(id), "RFC 6842");
        let ack = link.send(&Ask::select(mac(1), SERVER, first).with(61, id)).unwrap();
        assert_eq!((ack.kind(), ack.address()), (Ack, first));
    }
    assert_eq!((link.kept.len(), link.free()), (1, 9));
}

#[test]
fn b11_a_full_pool_says_so_and_serves_again_when_a_lease_ends() {
    let mut link = Link::new(config());
    let first = link.dora(mac(1));
    link.jump(1);
    for number in 2..=10 {
        link.dora(mac(number));
    }
    assert!(link.send(&Ask::discover(mac(11)).firmware(7)).is_none());
    assert_eq!(link.dropped(), Some(DropReason::NoFreeAddress));
    let told = &link.last.sightings[1];
    assert_eq!(told.step, Step::Refused);
    assert_eq!(told.detail, "no free address in 10.77.0.0/24: every address of its pools is held");
    link.jump(3599);
    assert_eq!(link.dora(mac(11)), first, "the one that ended first");
}

#[test]
fn b11_a_declined_address_is_on_probation_also_after_a_restart() {
    let mut link = Link::new(config());
    let address = link.dora(mac(1));
    assert!(link.send(&Ask::decline(mac(2), address)).is_none());
    assert_eq!(link.dropped(), Some(DropReason::NotHeld), "nobody declines another's lease");
    assert!(link.send(&Ask::decline(mac(1), address)).is_none());
    assert_eq!(link.steps(), [Step::Alarm]);
    assert_ne!(link.dora(mac(1)), address);
    link.restart();
    for number in 2..=9 {
        assert_ne!(link.dora(mac(number)), address);
    }
    assert!(link.send(&Ask::discover(mac(10))).is_none());
    link.jump(3601);
    assert_eq!(link.dora(mac(10)), address);
}

#[test]
fn b11_an_offer_holds_its_address_for_a_minute() {
    let mut link = Link::new(config());
    let offered = link.send(&Ask::discover(mac(1))).unwrap().address();
    for number in 2..=10 {
        link.dora(mac(number));
    }
    assert!(link.send(&Ask::discover(mac(11))).is_none());
    link.jump(61);
    assert_eq!(link.dora(mac(11)), offered);
    let late = link.send(&Ask::select(mac(1), SERVER, offered)).unwrap();
    assert_eq!(late.kind(), Nak);
}

#[test]
fn b12_an_acknowledged_lease_survives_a_kill_and_is_given_to_nobody_else() {
    let mut link = Link::new(config());
    let address = link.dora(mac(1));
    link.restart();
    assert_ne!(link.dora(mac(2)), address);
    assert_eq!(link.dora(mac(1)), address);
    assert_eq!(link.state().mac_of(address), Some(mac(1)));
    assert_eq!(link.state().address_of(mac(1)), Some(address));
    assert_eq!(link.state().address_of(mac(9)), None);
}

/// A machine may be at any address that it was given, whatever was said in its name since.
#[test]
fn an_address_that_somebody_gives_back_or_declines_in_a_machines_name_may_still_be_its_own() {
    let mut link = Link::new(config());
    let first = link.dora(mac(1));
    link.send(&Ask::decline(mac(1), first));
    assert_eq!(link.addresses_of(mac(1)), [first], "declined in its name");
    let second = link.dora(mac(1));
    assert_ne!(first, second);
    link.send(&Ask::release(mac(1), second));
    let mut both = link.addresses_of(mac(1));
    both.sort_unstable();
    assert_eq!(both, [first, second], "given back in its name");
    assert_eq!(link.addresses_of(mac(9)), [] as [std::net::Ipv4Addr; 0]);
    link.restart();
    assert_eq!(link.addresses_of(mac(1)).len(), 2);
    link.jump(2 * 3600 + 1);
    assert_eq!(
        link.addresses_of(mac(1)),
        [] as [std::net::Ipv4Addr; 0],
        "no client goes on for so long without a word"
    );
}

#[test]
fn b12_an_offer_forgotten_by_a_restart_is_still_honoured() {
    let mut link = Link::new(config());
    let offered = link.send(&Ask::discover(mac(1))).unwrap().address();
    link.restart();
    let ack = link.send(&Ask::select(mac(1), SERVER, offered)).unwrap();
    assert_eq!((ack.kind(), ack.address()), (Ack, offered));
}

#[test]
fn a_reservation_is_kept_for_its_machine_and_moves_it() {
    let mut link = Link::new(config());
    let before = link.dora(mac(1));
    link.config.subnets[0].reservations = vec![
        Reservation { mac: mac(1), address: ip("10.77.0.12"), hostname: Some("slot4".into()) },
        Reservation { mac: mac(2), address: ip("10.77.0.200"), hostname: None },
    ];
    link.restart();
    assert_eq!(link.send(&Ask::renew(mac(1), before)).unwrap().kind(), Ack, "what it uses it may go on using");
    assert_eq!(link.dora(mac(1)), ip("10.77.0.12"));
    assert_eq!(link.kept[&before].state, LeaseState::Released);
    assert_eq!(link.dora(mac(2)), ip("10.77.0.200"));
    let asked = link.send(&Ask::discover(mac(3)).with(50, ip("10.77.0.12").octets())).unwrap();
    assert_ne!(asked.address(), ip("10.77.0.12"));
    let offer = link.send(&Ask::discover(mac(1))).unwrap();
    assert_eq!(offer.text(12).as_deref(), Some("slot4"));
    link.send(&Ask::decline(mac(1), ip("10.77.0.12")));
    assert_ne!(link.dora(mac(1)), ip("10.77.0.12"), "an address in use by somebody else is given to nobody");
}

#[test]
fn the_addresses_of_servers_are_given_to_nobody() {
    let mut spread = config();
    spread.subnets[0].pools = vec![Pool { first: ip("10.77.0.1"), last: ip("10.77.0.3") }];
    spread.subnets[0].dns = vec![ip("10.77.0.2")];
    let mut link = Link::new(spread);
    assert_eq!((link.free(), link.dora(mac(1)), link.free()), (1, ip("10.77.0.3"), 0));
    assert!(link.send(&Ask::discover(mac(2))).is_none());
}

#[test]
fn several_pools_are_used_one_after_the_other() {
    let mut two = config();
    two.subnets[0].pools = vec![
        Pool { first: ip("10.77.0.10"), last: ip("10.77.0.10") },
        Pool { first: ip("10.77.0.50"), last: ip("10.77.0.51") },
    ];
    let mut link = Link::new(two);
    let given: Vec<_> = (1..=3).map(|number| link.dora(mac(number))).collect();
    assert_eq!(given, [ip("10.77.0.10"), ip("10.77.0.50"), ip("10.77.0.51")]);
}

#[test]
fn a_wanted_address_is_given_where_it_is_free() {
    let mut link = Link::new(config());
    let offer = link.send(&Ask::discover(mac(1)).with(50, ip("10.77.0.15").octets())).unwrap();
    assert_eq!(offer.address(), ip("10.77.0.15"));
    let offer = link.send(&Ask::discover(mac(2)).with(50, ip("10.77.0.15").octets())).unwrap();
    assert_eq!(offer.address(), ip("10.77.0.10"));
}

#[test]
fn hardware_without_a_six_byte_address_is_known_by_its_client_id() {
    let mut link = Link::new(config());
    let ask = |id: &[u8]| Ask { hardware: vec![], flags: 0x8000, ..Ask::discover(mac(1)) }.with(61, id);
    let first = link.send(&ask(b"\xffib-one")).unwrap();
    assert_eq!((first.message.hlen(), first.destination), (0, Destination::Broadcast));
    let second = link.send(&ask(b"\xffib-two")).unwrap();
    assert_ne!(first.address(), second.address());
    let told = link.send(&ask(b"\xffib-one").firmware(7)).unwrap();
    assert_eq!((told.address(), told.file()), (first.address(), String::new()));
    assert!(link.last.sightings.last().unwrap().detail.contains("six-byte"));
}
