//! What TFTP does not send, and the reasons that a console shows.

use std::{net::SocketAddrV4, os::unix::fs::symlink, time::Duration};

use pxe::tftp::{BuildError, Limits};
use vocabulary::Step;

use crate::{
    boot_rig::{LOADER, Rig},
    tftp_client::{Get, fetch, open_socket, request, text},
};

const PLAIN: Limits = Limits { per_client: 64, total: 512, burst: 1000, per_second: 1000 };

/// The text of the ERROR that answers a request.
async fn refusal(server: SocketAddrV4, opcode: u16, name: &str) -> String {
    let packet = request(opcode, name.as_bytes(), Get::default());
    tokio::task::spawn_blocking(move || {
        let socket = open_socket();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.send_to(&packet, server).unwrap();
        let mut buffer = [0; 2000];
        let (count, _) = crate::patience::recv_from(&socket, &mut buffer).unwrap();
        assert_eq!(buffer[1], 5, "an ERROR, not {:?}", &buffer[..count]);
        text(&buffer[4..count])
    })
    .await
    .unwrap()
}

async fn got(server: SocketAddrV4, name: &'static str) -> Vec<u8> {
    tokio::task::spawn_blocking(move || fetch(server, name, Get::default())).await.unwrap().unwrap().bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_no_name_leads_out_and_nothing_is_taken() {
    let mut rig = Rig::with_loader(1000);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret-free"), "outside").unwrap();
    rig.put("debian/linux", "inside");
    symlink(outside.path().join("secret-free"), rig.files.path().join("out")).unwrap();
    symlink(outside.path(), rig.files.path().join("outdir")).unwrap();
    symlink("debian", rig.files.path().join("stable")).unwrap();
    let server = rig.tftp(PLAIN);

    for name in ["debian/linux", "/debian/linux", "//debian//linux", "stable/linux"] {
        assert_eq!(got(server, name).await, b"inside", "{name}");
    }
    let table = [
        ("../etc/hostname", "leads out of the served folder"),
        ("debian/../../etc/hostname", "leads out of the served folder"),
        ("/etc/hostname", "no such file"),
        ("..\\..\\etc\\hostname", "backslash"),
        ("out", "outside of the served folder"),
        ("outdir/secret-free", "looks like a secret"),
        ("debian", "not a regular file"),
        ("DEBIAN/LINUX", "no such file"),
        ("debian/linux\u{1}", "control character"),
        ("", "no file name given"),
    ];
    for (name, reason) in table {
        let said = refusal(server, 1, name).await;
        assert!(said.contains(reason), "{name:?}: {said}");
    }
    assert!(refusal(server, 2, "debian/new").await.contains("only sends files"));
    assert!(!rig.files.path().join("debian/new").exists());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_the_error_says_why_and_what_to_do() {
    let mut rig = Rig::with_loader(1000);
    rig.put("keys/fleet.key", "x");
    let server = rig.tftp(PLAIN);
    assert!(
        refusal(server, 1, "keys/fleet.key").await.contains("looks like a secret, and what is served here is public")
    );
    assert!(refusal(server, 1, "undionly.kpxe").await.contains("roost assets fetch"));
    assert!(refusal(server, 1, "pxelinux.0").await.contains("no such file"));

    let object = rig.folder().join("objects");
    for file in std::fs::read_dir(object).unwrap() {
        std::fs::write(file.unwrap().path(), "damaged").unwrap();
    }
    assert!(refusal(server, 1, LOADER).await.contains("roost assets fetch"), "damaged bytes are never sent");
    let told = rig.seen.wait_for(Step::Refused, 3).await;
    assert_eq!(told.len(), 3, "a missing file is no news, the others are: {told:?}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn autoexec_is_there_and_empty_wherever_it_is_looked_for() {
    let mut rig = Rig::with_loader(1000);
    let server = rig.tftp(PLAIN);
    for name in ["autoexec.ipxe", "/autoexec.ipxe", "boot/autoexec.ipxe"] {
        assert_eq!(got(server, name).await, b"", "{name}");
    }
    rig.put("autoexec.ipxe", "#!ipxe\n");
    assert_eq!(got(server, "autoexec.ipxe").await, b"#!ipxe\n", "an operator's own goes first");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_client_is_told_to_wait() {
    let mut rig = Rig::with_loader(1000);
    let server = rig.tftp(Limits { per_client: 2, total: 10, burst: 4, per_second: 1 });
    let stay = move |_| {
        let socket = open_socket();
        socket.send_to(&request(1, LOADER.as_bytes(), Get::default()), server).unwrap();
        let mut buffer = [0; 2000];
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (count, _) = crate::patience::recv_from(&socket, &mut buffer).unwrap();
        (buffer[1], text(&buffer[4..count]), socket)
    };
    let stays: Vec<_> = tokio::task::spawn_blocking(move || (0..5).map(stay).collect()).await.unwrap();
    let answers: Vec<_> = stays.iter().map(|(opcode, ..)| *opcode).collect();
    assert_eq!(answers, [3, 3, 5, 5, 5]);
    assert!(stays[2].1.contains("too many transfers"), "{}", stays[2].1);
    assert!(stays[4].1.contains("too many requests"), "{}", stays[4].1);
    rig.stop().await;
}

#[test]
fn a_wildcard_or_a_taken_address_is_an_error_that_names_it() {
    let rig = Rig::empty();
    let build = |listen: &str| {
        let config = pxe::tftp::Config { listen: vec![listen.parse().unwrap()], files: None, limits: PLAIN };
        pxe::tftp::Tftp::build(config, rig.tftp_deps()).map(|service| service.addresses()[0])
    };
    assert!(matches!(build("0.0.0.0:0"), Err(BuildError::Wildcard(_))));
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let error = build(&taken.local_addr().unwrap().to_string()).unwrap_err();
    assert!(error.to_string().contains(&taken.local_addr().unwrap().to_string()), "{error}");
}
