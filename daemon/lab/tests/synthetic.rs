//! Synthetic machines against a server of a few lines: what they send is judged by bytes, not by Roost's own reader.

use std::{
    net::{Ipv4Addr, UdpSocket},
    process::Command,
    thread,
    time::Duration,
};

use lab::{
    Rack, Synthetic, SyntheticSpec,
    synthetic::{DhcpError, Stage, StepError, TftpError},
};
use vocabulary::{Firmware, Step, Token};

use crate::support::{chain, machine_name, rack, spec, traces};

const LEASED: [u8; 4] = [10, 77, 1, 23];

/// Answers every DISCOVER and REQUEST on the bridge until the socket's patience ends; returns what it was sent.
fn serve_dhcp(rack: &Rack, messages: usize) -> thread::JoinHandle<Vec<Vec<u8>>> {
    let socket = rack.namespace().enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 67))).unwrap().unwrap();
    socket.set_broadcast(true).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    thread::spawn(move || {
        let mut seen = Vec::new();
        let mut buffer = [0; 2048];
        while seen.len() < messages {
            let Ok((count, _)) = socket.recv_from(&mut buffer) else { break };
            let asked = buffer[..count].to_vec();
            let kind = if asked[242] == 1 { 2 } else { 5 };
            let mut answer = asked[..240].to_vec();
            answer[0] = 2;
            answer[16..20].copy_from_slice(&LEASED);
            answer[20..24].copy_from_slice(&[10, 77, 0, 1]);
            let file = b"http://10.77.0.1:7601/boot/${mac:hexhyp}.ipxe";
            answer.extend([
                53,
                1,
                kind,
                54,
                4,
                10,
                77,
                0,
                1,
                1,
                4,
                255,
                255,
                0,
                0,
                67,
                u8::try_from(file.len()).unwrap(),
            ]);
            answer.extend(file);
            answer.push(255);
            socket.send_to(&answer, "10.77.255.255:68").unwrap();
            seen.push(asked);
        }
        seen
    })
}

fn option(message: &[u8], code: u8) -> Option<Vec<u8>> {
    let mut rest = &message[240..];
    while let [found, length, value @ ..] = rest {
        let (value, tail) = value.split_at(usize::from(*length).min(value.len()));
        if *found == code {
            return Some(value.to_vec());
        }
        rest = tail;
    }
    None
}

fn machine(rack: &Rack, firmware: Firmware) -> Synthetic {
    let spec = SyntheticSpec::new(machine_name("s1"), firmware);
    Synthetic::plug_in(rack, spec).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

#[tokio::test]
async fn firmware_and_ipxe_identify_themselves_and_take_the_lease() {
    let rack = rack();
    let machine = machine(&rack, Firmware::UefiX64);
    let server = serve_dhcp(&rack, 3);
    let lease = machine.dhcp(Stage::Firmware).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(lease.address, Ipv4Addr::from(LEASED));
    let offer = machine.discover(Stage::Ipxe).await.unwrap();
    assert!(offer.lease.boot_file.unwrap().starts_with("http://"));
    let seen = server.join().unwrap();
    assert_eq!(seen[0][28..34], machine.mac().0);
    assert_eq!(option(&seen[0], 93), Some(vec![0, 7]));
    assert!(option(&seen[0], 60).unwrap().starts_with(b"PXEClient:Arch:00007"));
    assert_eq!(option(&seen[0], 77), None);
    assert_eq!(option(&seen[1], 50), Some(LEASED.to_vec()), "the REQUEST names what was offered");
    assert_eq!(option(&seen[2], 77), Some(b"iPXE".to_vec()));
    let addresses = machine.namespace().command("ip").args(["-brief", "-4", "addr"]).output().unwrap();
    assert!(String::from_utf8_lossy(&addresses.stdout).contains("10.77.1.23/16"));
}

#[tokio::test]
async fn boot_files_come_over_tftp_and_http_and_progress_goes_back() {
    let rack = rack();
    let machine = machine(&rack, Firmware::Bios);
    let dhcp = serve_dhcp(&rack, 2);
    machine.dhcp(Stage::Ipxe).await.unwrap();
    dhcp.join().unwrap();

    let tftp = rack.namespace().enter(|| UdpSocket::bind("10.77.0.1:69")).unwrap().unwrap();
    let server = thread::spawn(move || serve_tftp(&tftp, &vec![7; 3000]));
    assert_eq!(machine.tftp(Ipv4Addr::new(10, 77, 0, 1), "undionly.kpxe").await.unwrap(), vec![7; 3000]);
    let asked = server.join().unwrap();
    assert!(asked.starts_with(b"\0\x01undionly.kpxe\0octet\0blksize\x001468\0"), "{asked:?}");

    let token = Token::from_random([5; 32]);
    let script = format!("#!ipxe\nkernel http://10.77.0.1:7601/k roost.token={}\nboot\n", token.expose());
    let http = rack.namespace().enter(|| std::net::TcpListener::bind("10.77.0.1:7601")).unwrap().unwrap();
    let server = thread::spawn(move || [answer_http(&http, 200, &script), answer_http(&http, 409, "no")]);
    let script = machine.script("http://10.77.0.1:7601/boot/${mac:hexhyp}.ipxe?platform=${platform}").await.unwrap();
    assert_eq!(script.token, Some(token.clone()));
    let answer = machine.progress("http://10.77.0.1:7601", &token, Step::KernelUp, "x").await.unwrap();
    assert_eq!(answer.status, 409);
    let [first, second] = server.join().unwrap();
    let path = format!("GET /boot/{}.ipxe?platform=pcbios HTTP/1.1", machine.mac().hyphenated());
    assert!(first.starts_with(&path), "{first}");
    assert!(
        second.starts_with("POST /api/provision/progress ") && second.contains(r#""step":"kernel_up""#),
        "{second}"
    );
}

#[tokio::test]
async fn a_silent_or_refusing_server_is_named() {
    let rack = rack();
    let machine = machine(&rack, Firmware::Bios);
    let tftp = rack.namespace().enter(|| UdpSocket::bind("10.77.0.1:69")).unwrap().unwrap();
    let server = thread::spawn(move || {
        let (_, peer) = tftp.recv_from(&mut [0; 600]).unwrap();
        tftp.send_to(b"\0\x05\0\x01no loader for this machine\0", peer).unwrap();
    });
    machine.namespace().command("ip").args(["addr", "add", "10.77.9.9/16", "dev", "eth0"]).status().unwrap();
    let error = machine.tftp(Ipv4Addr::new(10, 77, 0, 1), "x").await.unwrap_err();
    server.join().unwrap();
    assert!(matches!(&error, TftpError::Refused { code: 1, message, .. } if message.contains("no loader")), "{error}");
    let error = machine.fetch("http://boot.example/x").await.unwrap_err();
    assert!(matches!(error, StepError::Url { .. }), "{error}");
    let error = machine.discover(Stage::Firmware).await.unwrap_err();
    assert!(matches!(error, DhcpError::Silence { asked: "DISCOVER", .. }), "{error}");
}

#[tokio::test]
async fn its_system_takes_ssh_with_the_fleet_key_and_leaves_the_host_alone() {
    let spec = spec();
    let rack = Rack::up(&spec).unwrap();
    let machine = machine(&rack, Firmware::Bios);
    let dhcp = serve_dhcp(&rack, 2);
    machine.dhcp(Stage::System).await.unwrap();
    dhcp.join().unwrap();
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("fleet");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let system = machine.start_system(&public).await.unwrap_or_else(|error| panic!("{}", chain(&error)));

    let known = keys.path().join("known_hosts");
    std::fs::write(&known, format!("10.77.1.23 {}\n", system.host_key())).unwrap();
    let mut ssh = rack.command("ssh");
    ssh.args(["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-i"]).arg(&key);
    ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
    ssh.args(["root@10.77.1.23", "touch /etc/roost-lab-was-here; hostname; cat /etc/machine-id"]);
    let output = ssh.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), format!("node-{}\n{}", machine.mac().bare(), machine.machine_id()));
    assert!(!std::path::Path::new("/etc/roost-lab-was-here").exists());
    drop((system, machine, rack));
    assert_eq!(traces(&spec), Vec::<String>::new());
}

/// Serves one file with 1468-byte blocks and returns the request.
fn serve_tftp(socket: &UdpSocket, file: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 600];
    let (count, peer) = socket.recv_from(&mut buffer).unwrap();
    let request = buffer[..count].to_vec();
    socket.send_to(b"\0\x06blksize\x001468\0", peer).unwrap();
    for (block, data) in (1_u16..).zip(file.chunks(1468)) {
        socket.recv_from(&mut buffer).unwrap();
        socket.send_to(&[&[0, 3], &block.to_be_bytes()[..], data].concat(), peer).unwrap();
    }
    socket.recv_from(&mut buffer).unwrap();
    request
}

/// Answers one request and returns it.
fn answer_http(listener: &std::net::TcpListener, status: u16, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let (mut stream, _) = listener.accept().unwrap();
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).unwrap();
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}
