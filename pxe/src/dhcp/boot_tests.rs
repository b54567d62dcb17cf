//! The decision as a table.

use super::*;

const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

fn files() -> BootFiles {
    BootFiles {
        tftp: Ipv4Addr::new(10, 77, 0, 1),
        http: "10.77.0.1:7601".parse().unwrap(),
        loaders: Loaders::default(),
        http_loaders: HttpLoaders {
            x64: "/assets/aa/ipxe-amd64.efi".into(),
            arm64: "/assets/bb/ipxe-arm64.efi".into(),
        },
    }
}

fn choose(asker: Asker) -> BootFile {
    files().choose(asker, MAC, &Quirks::default())
}

#[test]
fn b01_every_architecture_gets_its_own_loader() {
    let tftp = |name: &str| BootFile::Tftp(name.into());
    let url = |path: &str| BootFile::Url(format!("http://10.77.0.1:7601{path}"));
    let table = [
        (Asker::Pxe(Some(0)), tftp("undionly.kpxe")),
        (Asker::Pxe(Some(7)), tftp("ipxe-amd64.efi")),
        (Asker::Pxe(Some(9)), tftp("ipxe-amd64.efi")),
        (Asker::Pxe(Some(11)), tftp("ipxe-arm64.efi")),
        (Asker::Http(Some(15)), url("/assets/aa/ipxe-amd64.efi")),
        (Asker::Http(Some(16)), url("/assets/aa/ipxe-amd64.efi")),
        (Asker::Http(Some(19)), url("/assets/bb/ipxe-arm64.efi")),
        (Asker::Plain, BootFile::Nothing(None)),
    ];
    for (asker, expected) in table {
        assert_eq!(choose(asker), expected, "{asker:?}");
    }
}

#[test]
fn b01_an_unknown_architecture_gets_a_reason_and_never_a_loader() {
    for number in (0..=0x29).filter(|number| firmware_of(*number).is_none()) {
        for asker in [Asker::Pxe(Some(number)), Asker::Http(Some(number)), Asker::IpxeWithoutHttp(Some(number))] {
            let BootFile::Nothing(Some(reason)) = choose(asker) else { panic!("{asker:?} got a file") };
            assert!(reason.contains(&number.to_string()), "{reason}");
        }
    }
    for asker in [Asker::Pxe(None), Asker::Http(None), Asker::Http(Some(0))] {
        assert!(matches!(choose(asker), BootFile::Nothing(Some(_))), "{asker:?}");
    }
}

#[test]
fn b16_ipxe_gets_its_script_whatever_its_architecture() {
    let script =
        "http://10.77.0.1:7601/boot/52-54-00-12-34-56.ipxe?uuid=${uuid}&arch=${buildarch}&platform=${platform}";
    for arch in [None, Some(0), Some(7), Some(33)] {
        assert_eq!(choose(Asker::Ipxe(arch)), BootFile::Url(script.into()));
    }
    let quirks = Quirks { loader: Some("snponly.efi".into()), ..Quirks::default() };
    assert_eq!(files().choose(Asker::Ipxe(Some(7)), MAC, &quirks), BootFile::Url(script.into()));
    assert_eq!(choose(Asker::IpxeWithoutHttp(Some(0))), BootFile::Tftp("undionly.kpxe".into()));
}

#[test]
fn a_quirk_names_another_loader() {
    let quirks = Quirks { loader: Some("snponly.efi".into()), ..Quirks::default() };
    assert_eq!(files().choose(Asker::Pxe(Some(7)), MAC, &quirks), BootFile::Tftp("snponly.efi".into()));
    assert!(matches!(files().choose(Asker::Pxe(Some(33)), MAC, &quirks), BootFile::Nothing(Some(_))));
}
