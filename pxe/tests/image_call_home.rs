//! The call-home program against a machine of files and a control node of sockets: what it sends is what
//! `vocabulary::CallHome` reads, and it gives up, waits and repeats as it should.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    thread,
};

use vocabulary::{CallHome, DataState, Firmware, Token};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n{\"run_id\":7}";

fn token() -> String {
    Token::from_random([7; 32]).expose().to_owned()
}

/// A root folder as a booted node has it, with a loop device, an empty drive and a terminal escape in it.
fn machine() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("etc/hostname", "node-020000aabbcc\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/ssh/ssh_host_ed25519_key.pub", &format!("{KEY} root@node\n")),
        ("etc/ssh/ssh_host_ed25519_key", "private\n"),
        ("sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8054-B4C04F564433\n"),
        ("sys/class/dmi/id/sys_vendor", "Ro\u{1b}ost\n"),
        ("sys/class/dmi/id/product_name", "Lab\n"),
        ("sys/firmware/efi/runtime", ""),
        ("sys/block/vda/size", "2048\n"),
        ("sys/block/loop0/size", "999\n"),
        ("sys/block/sr0/size", "0\n"),
        ("sys/block/nvme0c0n1/size", "2048\n"),
        ("sys/block/nvme0c0n1/hidden", "1\n"),
        ("sys/class/tty/console/active", "ttyS0\n"),
        ("dev/ttyS0", ""),
        ("proc/meminfo", "MemTotal:        3145728 kB\nMemFree: 1 kB\n"),
        ("proc/net/if_inet6", IF_INET6),
        ("proc/net/fib_trie", FIB_TRIE),
    ];
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

const IF_INET6: &str = "\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000000000fffeaabbcc 02 40 20 80   enp1s0
fd000000000000000000000000000007 02 40 00 80   enp1s0
";
const FIB_TRIE: &str = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.77.0.0
        /16 link UNICAST
     |-- 10.77.1.75
        /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 169.254.3.4
        /32 host LOCAL
     |-- 10.77.255.255
        /32 link BROADCAST
";

/// Runs the program against the answers, one a connection; returns what it posted and how it ended.
fn call(machine: &Path, answers: &'static [&'static str]) -> (Vec<String>, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        answers.iter().map(|answer| serve(&listener.accept().unwrap().0, answer)).collect::<Vec<_>>()
    });
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/root/usr/lib/roost/call-home");
    let reboot = format!("/usr/bin/touch {}", machine.join("rebooted").display());
    let output = Command::new("python3")
        .args(["-I", "-S", "-B"])
        .arg(program)
        .env("ROOST_ROOT", machine)
        .env("ROOST_REBOOT", reboot)
        .envs([("ROOST_URL", url.as_str()), ("ROOST_TOKEN", token().as_str()), ("ROOST_MAC", "02:00:00:aa:bb:cc")])
        .output()
        .unwrap();
    (server.join().unwrap(), output)
}

fn serve(stream: &TcpStream, answer: &str) -> String {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut length = 0;
    let mut head = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
        line.clear();
    }
    assert!(head.starts_with("POST /api/provision/call-home HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Content-Type: application/json\r\n"), "{head}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut writer = stream;
    writer.write_all(answer.as_bytes()).unwrap();
    String::from_utf8(body).unwrap()
}

fn console(machine: &Path) -> String {
    fs::read_to_string(machine.join("dev/ttyS0")).unwrap()
}

#[test]
fn what_it_sends_is_a_call_home() {
    let machine = machine();
    let (bodies, output) = call(machine.path(), &[ACCEPTED]);
    assert!(output.status.success(), "{output:?}");
    let call: CallHome = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(call.token.expose(), token());
    assert_eq!(call.hostname, "node-020000aabbcc");
    assert_eq!(call.addresses, ["10.77.1.75".parse::<std::net::IpAddr>().unwrap(), "fd00::7".parse().unwrap()]);
    assert_eq!(call.mac.to_string(), "02:00:00:aa:bb:cc");
    assert_eq!(call.smbios_uuid.unwrap().to_string(), "4c4c4544-0042-3510-8054-b4c04f564433");
    assert_eq!(call.machine_id.to_string(), "0123456789abcdef0123456789abcdef");
    assert_eq!(call.ssh_host_keys.iter().map(ToString::to_string).collect::<Vec<_>>(), [KEY]);
    assert!(!bodies[0].contains("root@node"), "the comment of a key stays on the machine");
    let hardware = call.hardware;
    assert_eq!((hardware.vendor.as_str(), hardware.product.as_str()), ("Roost", "Lab"));
    assert_eq!((hardware.memory_mib, hardware.disks.len()), (3072, 1));
    assert_eq!((hardware.disks[0].name.as_str(), hardware.disks[0].size_bytes), ("vda", 1_048_576));
    assert!(hardware.cpus > 0 && hardware.architecture == std::env::consts::ARCH);
    if std::env::consts::ARCH == "x86_64" {
        assert_eq!(hardware.firmware, Some(Firmware::UefiX64));
    }
    assert!(console(machine.path()).contains("called home; run 7"));
    let shown = format!("{}{}", console(machine.path()), String::from_utf8_lossy(&output.stderr));
    assert!(!shown.contains(&token()), "{shown}");
}

#[test]
fn what_became_of_a_data_disk_is_sent_along_where_there_is_one() {
    let machine = machine();
    let sent = |machine: &tempfile::TempDir| {
        let (bodies, _) = call(machine.path(), &[ACCEPTED]);
        serde_json::from_str::<CallHome>(&bodies[0]).unwrap().data
    };
    assert_eq!(sent(&machine), None);
    fs::create_dir_all(machine.path().join("run/roost")).unwrap();
    let said = machine.path().join("run/roost/data-disk");
    fs::write(&said, "mounted\n0b9a5bd2-1111-4222-8333-444455556666\n/dev/vda1\n").unwrap();
    let data = sent(&machine).unwrap();
    assert_eq!((data.state, data.detail.as_str()), (DataState::Mounted, "/dev/vda1"));
    assert_eq!(data.uuid.unwrap().to_string(), "0b9a5bd2-1111-4222-8333-444455556666");
    fs::write(&said, "ambiguous\n\n/dev/vda1 /dev/vdb1 are labelled\n").unwrap();
    let data = sent(&machine).unwrap();
    assert_eq!((data.state, data.uuid), (DataState::Ambiguous, None));
}

#[test]
fn a_machine_without_smbios_sends_none() {
    let machine = machine();
    fs::remove_dir_all(machine.path().join("sys/class/dmi")).unwrap();
    let (bodies, _) = call(machine.path(), &[ACCEPTED]);
    assert_eq!(serde_json::from_str::<CallHome>(&bodies[0]).unwrap().smbios_uuid, None);
}

#[test]
fn a_refusal_is_final_and_its_reason_is_on_the_console() {
    const REFUSED: &str = "HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n{\"error\":{\"code\":\"conflict\",\
        \"message\":\"another machine has\\u001b[2J this MAC\",\"hint\":\"roost node approve\",\"request_id\":\"r\"}}";
    let machine = machine();
    let (bodies, output) = call(machine.path(), &[REFUSED]);
    assert_eq!((bodies.len(), output.status.code()), (1, Some(1)));
    let shown = console(machine.path());
    assert!(shown.contains("REFUSED: HTTP 409: another machine has [2J this MAC; roost node approve"), "{shown:?}");
    assert!(!shown.contains('\u{1b}'), "a message must not steer the terminal");
}

#[test]
fn a_token_that_expired_lets_the_machine_boot_again_and_a_superseded_one_does_not() {
    const EXPIRED: &str = "HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n{\"error\":{\"code\":\"token_expired\",\"message\":\"too late\"}}";
    const SUPERSEDED: &str = "HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n{\"error\":{\"code\":\"token_superseded\",\"message\":\"newer\"}}";
    let machine = machine();
    let (_, output) = call(machine.path(), &[SUPERSEDED]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!machine.path().join("rebooted").exists());
    call(machine.path(), &[EXPIRED]);
    assert!(machine.path().join("rebooted").exists());
    assert!(console(machine.path()).contains("boots again"));
}

#[test]
fn everything_else_is_waited_out() {
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
    const SLOW_DOWN: &str = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    const GARBAGE: &str = "HELLO\r\n\r\n";
    let machine = machine();
    let (bodies, output) = call(machine.path(), &[BUSY, SLOW_DOWN, GARBAGE, ACCEPTED]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "a repeat is the same call");
    assert!(console(machine.path()).contains("call-home waits: HTTP 503"));
}

#[test]
fn a_refused_connection_is_waited_out() {
    let machine = machine();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/root/usr/lib/roost/call-home");
    let mut child = Command::new("python3")
        .args(["-I", "-S", "-B"])
        .arg(program)
        .env("ROOST_ROOT", machine.path())
        .envs([
            ("ROOST_URL", format!("http://{address}").as_str()),
            ("ROOST_TOKEN", token().as_str()),
            ("ROOST_MAC", "02:00:00:aa:bb:cc"),
        ])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("call-home waits: ") && line.contains("refused"), "{line}");
    let listener = TcpListener::bind(address).unwrap();
    serve(&listener.accept().unwrap().0, ACCEPTED);
    said.read_line(&mut line).unwrap();
    assert!(child.wait().unwrap().success(), "{line}");
}
