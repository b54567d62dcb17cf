//! What machines that boot are told, on the wire.

use vocabulary::{Firmware, Step};

use super::link::{Ask, Link, SERVER, config, mac};
use crate::dhcp::{BootFiles, Quirks, VendorOptions, proto::request::Request};

const SCRIPT: &str =
    "http://10.77.0.1:7601/boot/52-54-00-00-00-01.ipxe?uuid=${uuid}&arch=${buildarch}&platform=${platform}";

fn uuid_option() -> Vec<u8> {
    [&[0][..], &(1..=16).collect::<Vec<u8>>()].concat()
}

#[test]
fn b01_each_firmware_gets_its_loader_on_the_wire() {
    let table = [(0, "undionly.kpxe"), (7, "ipxe-amd64.efi"), (9, "ipxe-amd64.efi"), (11, "ipxe-arm64.efi")];
    for (architecture, loader) in table {
        let mut link = Link::new(config());
        let offer = link.send(&Ask::discover(mac(1)).firmware(architecture)).unwrap();
        assert_eq!((offer.file().as_str(), offer.text(67).as_deref()), (loader, Some(loader)));
        assert_eq!((offer.message.siaddr(), offer.text(66).as_deref()), (SERVER, Some("10.77.0.1")));
        assert_eq!(offer.message.sname(), Some(&b"10.77.0.1\0"[..]));
        assert_eq!(link.steps(), [Step::Discover, Step::Offer]);
        assert!(link.last.sightings[1].detail.contains(loader));
    }
}

#[test]
fn b01_http_boot_gets_a_url_and_its_class() {
    for (architecture, path) in
        [(16, "/assets/aa/ipxe-amd64.efi"), (15, "/assets/aa/ipxe-amd64.efi"), (19, "/assets/bb/arm.efi")]
    {
        let mut link = Link::new(config());
        let class = format!("HTTPClient:Arch:{architecture:05}:UNDI:003001");
        let ask = Ask::discover(mac(1)).with(60, class).with(93, u16::to_be_bytes(architecture));
        let offer = link.send(&ask).unwrap();
        assert_eq!(offer.text(67), Some(format!("http://10.77.0.1:7601{path}")));
        assert_eq!((offer.text(60).as_deref(), offer.option(43)), (Some("HTTPClient"), None));
    }
}

#[test]
fn b01_an_unknown_architecture_is_told_to_people_and_gets_an_address_alone() {
    let mut link = Link::new(config());
    let offer = link.send(&Ask::discover(mac(1)).firmware(6)).unwrap();
    assert_eq!((offer.file(), offer.option(67), offer.option(66)), (String::new(), None, None));
    assert!(!offer.address().is_unspecified());
    assert_eq!(link.steps(), [Step::Discover, Step::Offer, Step::Refused]);
    assert!(link.last.sightings[2].detail.starts_with("no loader for architecture 6"));
}

#[test]
fn b01_the_architecture_is_found_where_firmware_puts_it() {
    let class = |text: &str| Ask::discover(mac(1)).with(60, text);
    let table = [
        (class("PXEClient:Arch:00007:UNDI:003016"), Some(Firmware::UefiX64)),
        (class("PXEClient"), None),
        (class("PXEClient:Arch:00000").with(93, [0, 7]), Some(Firmware::UefiX64)),
        (class("PXEClient").with(93, [0, 33, 0, 11]), Some(Firmware::UefiArm64)),
        (class("PXEClient").with(93, [0]), None),
        (class("PXEClient:Arch:00009").with(93, []), Some(Firmware::UefiX64)),
        (class("udhcp 1.35").with(93, [0, 7]), None),
    ];
    for (ask, firmware) in table {
        assert_eq!(Request::parse(&ask.bytes()).unwrap().asker().firmware(), firmware, "{:?}", ask.options);
    }
}

#[test]
fn b02_class_and_uuid_come_back_where_they_are_valid() {
    let mut link = Link::new(config());
    let ask = |uuid: &[u8]| Ask::discover(mac(1)).firmware(7).with(97, uuid);
    let offer = link.send(&ask(&uuid_option())).unwrap();
    assert_eq!((offer.text(60).as_deref(), offer.option(97)), (Some("PXEClient"), Some(uuid_option())));
    let seen = link.last.sightings[0].uuid.unwrap().to_string();
    assert_eq!(seen, "04030201-0605-0807-090a-0b0c0d0e0f10");
    for bad in [&b""[..], &uuid_option()[..16], &[1; 17], &[0; 18]] {
        let offer = link.send(&ask(bad)).unwrap();
        assert_eq!(offer.option(97), None, "{bad:?}");
        assert_eq!(link.last.sightings[0].uuid, None);
    }
}

#[test]
fn option_43_follows_the_machines_quirk() {
    let table = [(VendorOptions::Bypass, Some(vec![6, 1, 8, 255])), (VendorOptions::Absent, None)];
    for (vendor_options, expected) in table {
        let mut link = Link::new(config());
        link.quirks = Quirks { loader: Some("snponly.efi".into()), vendor_options };
        link.restart();
        let offer = link.send(&Ask::discover(mac(1)).firmware(7)).unwrap();
        assert_eq!((offer.option(43), offer.file().as_str()), (expected, "snponly.efi"));
    }
}

#[test]
fn b14_a_url_longer_than_the_file_field_goes_into_option_67_alone() {
    let mut long = config();
    let path = format!("/assets/{}/ipxe-amd64.efi", "a".repeat(110));
    long.subnets[0].boot.as_mut().unwrap().http_loaders.x64.clone_from(&path);
    let mut link = Link::new(long);
    let ask = Ask::discover(mac(1)).with(60, "HTTPClient:Arch:00016").with(93, [0, 16]);
    let offer = link.send(&ask).unwrap();
    assert_eq!((offer.file(), offer.text(67)), (String::new(), Some(format!("http://10.77.0.1:7601{path}"))));
}

#[test]
fn b14_the_script_url_fits_the_file_field_at_its_longest() {
    let files =
        BootFiles { http: "255.255.255.255:65535".parse().unwrap(), ..config().subnets[0].boot.clone().unwrap() };
    assert!(files.script_url(mac(1)).len() <= 127);
}

#[test]
fn b14_a_small_client_gets_a_packet_that_it_can_take() {
    let mut wordy = config();
    let subnet = &mut wordy.subnets[0];
    subnet.domain = Some(["a".repeat(50), "b".repeat(49)].join("."));
    subnet.ntp = vec![SERVER; 4];
    subnet.boot.as_mut().unwrap().http_loaders.x64 = format!("/{}", "u".repeat(150));
    let mut link = Link::new(wordy);
    let ask = Ask::discover(mac(1)).with(60, "HTTPClient:Arch:00016").with(93, [0, 16]).with(97, uuid_option());
    let offer = link.send(&ask).unwrap();
    assert!(offer.raw.len() <= 548, "{}", offer.raw.len());
    assert!(offer.option(67).is_some() && offer.option(54).is_some());
    let roomy = link.send(&ask.with(57, 1500_u16.to_be_bytes())).unwrap();
    assert!(roomy.option(42).is_some() && roomy.option(15).is_some());
}

#[test]
fn b16_ipxe_gets_its_script_and_is_never_sent_round_again() {
    let mut link = Link::new(config());
    for architecture in [0, 7, 9, 11, 33] {
        let offer = link.send(&Ask::discover(mac(1)).ipxe(architecture)).unwrap();
        assert_eq!((offer.file().as_str(), offer.text(67).as_deref()), (SCRIPT, Some(SCRIPT)));
        assert_eq!((offer.option(60), offer.option(43)), (None, None), "they would start a search for proxies");
        assert_eq!(offer.option(175), Some(vec![0xb0, 1, 1]));
    }
}

#[test]
fn b16_ipxe_is_known_by_either_of_its_options() {
    let by_class = Ask::discover(mac(1)).firmware(0).with(77, "iPXE");
    let by_list = Ask::discover(mac(1)).firmware(0).with(77, b"\x04iPXE");
    let by_features = Ask::discover(mac(1)).firmware(0).with(175, [0x13, 1, 1]);
    for ask in [by_class, by_list, by_features] {
        assert_eq!(Link::new(config()).send(&ask).unwrap().file(), SCRIPT);
    }
}

#[test]
fn b16_an_ipxe_without_http_gets_ours_once() {
    let mut link = Link::new(config());
    let rom = Ask::discover(mac(1)).firmware(0).with(77, "iPXE").with(175, [0xb1, 1, 1]);
    assert_eq!(link.send(&rom).unwrap().file(), "undionly.kpxe");
    assert_eq!(link.send(&Ask::discover(mac(1)).ipxe(0)).unwrap().file(), SCRIPT);
}

#[test]
fn a_network_without_boot_files_gives_addresses_only() {
    let mut bare = config();
    bare.subnets[0].boot = None;
    let mut link = Link::new(bare);
    let offer = link.send(&Ask::discover(mac(1)).firmware(7)).unwrap();
    assert_eq!((offer.file(), offer.option(43)), (String::new(), None));
}
