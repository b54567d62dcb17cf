//! TFTP as firmware uses it: sizes, windows, a bad network, probes.

use std::{process::Command, time::Duration};

use pxe::tftp::Limits;
use vocabulary::Step;

use crate::{
    boot_rig::{LOADER, MAC, Rig, pattern},
    tftp_client::{Get, Got, fetch, open_socket, options, request},
};

const PLAIN: Limits = Limits { per_client: 64, total: 512, burst: 1000, per_second: 1000 };

/// Fetches on a thread of its own, as the client blocks.
async fn get(server: std::net::SocketAddrV4, name: &'static str, get: Get) -> Got {
    tokio::task::spawn_blocking(move || fetch(server, name, get)).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_client_fetches_a_loader() {
    let mut rig = Rig::with_loader(300_001);
    let server = rig.tftp(PLAIN);
    for block in ["512", "1428"] {
        let fetched = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "20", "--tftp-blksize", block])
            .arg(format!("tftp://{server}/{LOADER}"))
            .output();
        let fetched = fetched.expect("curl is installed");
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        assert!(fetched.stdout == pattern(300_001, 1), "blksize {block}: other bytes");
    }
    let seen = rig.seen.wait_for(Step::Loader, 2).await;
    assert_eq!(seen[0].mac, Some(MAC));
    assert!(seen[0].detail.starts_with("ipxe-amd64.efi over TFTP, 300001 bytes in "), "{}", seen[0].detail);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_a_size_probe_that_aborts_is_no_failure() {
    let mut rig = Rig::with_loader(5000);
    let server = rig.tftp(PLAIN);
    let probed = tokio::task::spawn_blocking(move || {
        let socket = open_socket();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let probe = Get { tsize: true, blksize: Some(1468), ..Get::default() };
        socket.send_to(&request(1, LOADER.as_bytes(), probe), server).unwrap();
        let mut buffer = [0; 2000];
        let (count, from) = crate::patience::recv_from(&socket, &mut buffer).unwrap();
        assert_eq!(buffer[1], 6, "an OACK");
        socket.send_to(b"\0\x05\0\0aborted\0", from).unwrap();
        options(&buffer[2..count])
    });
    assert_eq!(probed.await.unwrap()["tsize"], 5000);
    let got = get(server, LOADER, Get { blksize: Some(1468), ..Get::default() }).await;
    assert!(got.bytes == pattern(5000, 1));
    rig.seen.wait_for(Step::Loader, 1).await;
    let seen = rig.seen.all();
    assert_eq!(seen.len(), 1, "one loader was sent and nothing else happened: {seen:?}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_block_sizes_are_clamped_to_one_frame() {
    let mut rig = Rig::with_loader(100_000);
    let server = rig.tftp(PLAIN);
    for (asked, granted) in [(512, 512), (1024, 1024), (1432, 1432), (1468, 1468), (8192, 1468), (65464, 1468)] {
        let got = get(server, LOADER, Get { blksize: Some(asked), ..Get::default() }).await;
        assert_eq!(got.options, [("blksize".to_owned(), granted)].into(), "only what was asked for is acknowledged");
        assert!(got.bytes == pattern(100_000, 1), "blksize {asked}: other bytes");
        assert_eq!(got.blocks, 100_000 / granted + 1);
    }
    let got = get(server, LOADER, Get::default()).await;
    assert!(got.options.is_empty() && got.bytes.len() == 100_000);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_windows_survive_loss_doubling_and_disorder() {
    let mut rig = Rig::with_loader(60_000);
    let server = rig.tftp(PLAIN);
    let mut machines = tokio::task::JoinSet::new();
    for (windowsize, granted) in [(1, 1), (4, 4), (16, 16), (64, 16)] {
        for seed in 1..=3 {
            let windowsize = Some(windowsize);
            let bad = Get { blksize: Some(1024), windowsize, loss: 5, doubled: 5, late: 5, seed, ..Get::default() };
            machines.spawn_blocking(move || (seed, granted, fetch(server, LOADER, bad).unwrap()));
        }
    }
    while let Some(done) = machines.join_next().await {
        let (seed, granted, got) = done.unwrap();
        assert_eq!(got.options["windowsize"], granted);
        assert!(got.bytes == pattern(60_000, 1), "window {granted}, seed {seed}: other bytes");
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_doubled_ack_never_doubles_data() {
    let mut rig = Rig::with_loader(200_000);
    let server = rig.tftp(PLAIN);
    for windowsize in [None, Some(1), Some(8)] {
        let got = get(server, LOADER, Get { windowsize, doubled: 100, ..Get::default() }).await;
        assert_eq!(got.packets, got.blocks, "each block came once");
        assert!(got.bytes == pattern(200_000, 1));
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_block_numbers_wrap() {
    let mut rig = Rig::with_loader(70_000 * 16 + 3);
    let server = rig.tftp(PLAIN);
    let got = get(server, LOADER, Get { blksize: Some(16), windowsize: Some(16), ..Get::default() }).await;
    assert_eq!(got.blocks, 70_001);
    assert!(got.bytes == pattern(70_000 * 16 + 3, 1));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_and_a_stranger_leave_a_transfer_alone() {
    let mut rig = Rig::with_loader(2000);
    let server = rig.tftp(PLAIN);
    let blocks = tokio::task::spawn_blocking(move || {
        let socket = open_socket();
        socket.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        let packet = request(1, LOADER.as_bytes(), Get::default());
        socket.send_to(&packet, server).unwrap();
        socket.send_to(&packet, server).unwrap();
        let mut buffer = [0; 2000];
        let (_, from) = crate::patience::recv_from(&socket, &mut buffer).unwrap();
        assert!(
            crate::patience::recv_from(&socket, &mut buffer).is_err(),
            "the repeated request is not answered twice"
        );
        let stranger = open_socket();
        stranger.send_to(&[0, 4, 0, 1], from).unwrap();
        assert!(crate::patience::recv_from(&stranger, &mut buffer).is_err());
        let mut blocks = 1;
        while blocks < 4 {
            socket.send_to(&[0, 4, 0, blocks], from).unwrap();
            let (count, again) = crate::patience::recv_from(&socket, &mut buffer).unwrap();
            assert_eq!((again, buffer[3]), (from, blocks + 1));
            blocks += 1;
            if count < 516 {
                break;
            }
        }
        socket.send_to(&[0, 4, 0, blocks], from).unwrap();
        blocks
    });
    assert_eq!(blocks.await.unwrap(), 4);
    rig.seen.wait_for(Step::Loader, 1).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_machines_are_served_at_once() {
    let mut rig = Rig::with_loader(50_000);
    let server = rig.tftp(Limits { per_client: 200, ..PLAIN });
    let mut machines = tokio::task::JoinSet::new();
    for _ in 0..200 {
        machines.spawn_blocking(move || fetch(server, LOADER, Get { blksize: Some(1432), ..Get::default() }).unwrap());
    }
    while let Some(got) = machines.join_next().await {
        assert!(got.unwrap().bytes == pattern(50_000, 1));
    }
    rig.seen.wait_for(Step::Loader, 200).await;
    rig.stop().await;
}
