//! The scripts as a real iPXE runs them: QEMU's network card ROM, with QEMU's own user network to loopback.
//!
//! The kernel of this test is itself an iPXE script: iPXE "boots" it, so that kernel, initrd and start are gone
//! through without a Linux. Real kernels boot in the lab.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use pxe::{
    assets::ImageFiles,
    http::{self, BootHttp, Limits},
    ipxe::{Addressee, ScriptAnswer, Scripts},
};
use vocabulary::{Firmware, Step, Timestamp};

use crate::{
    boot_rig::{ANY, MAC, Rig, reason},
    http_files::get,
};

/// A machine that is switched off when the test ends, however it ends.
struct Machine(Child, tempfile::TempDir);

impl Machine {
    fn boot(url: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let serial = format!("file:{}", folder.path().join("serial").display());
        let mut command = Command::new("qemu-system-x86_64");
        command.args([
            "-accel",
            "tcg",
            "-m",
            "256",
            "-display",
            "none",
            "-machine",
            "pc,graphics=off",
            "-monitor",
            "none",
        ]);
        command.args(["-serial", &serial, "-netdev", &format!("user,id=n,bootfile={url}"), "-boot", "n"]);
        command.args(["-device", &format!("virtio-net-pci,netdev=n,mac={MAC}"), "-uuid", UUID]);
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Some(Self(child, folder)),
            Err(error) => {
                eprintln!("skipped: qemu-system-x86_64 does not start ({error}); apt-get install qemu-system-x86");
                None
            }
        }
    }

    fn console(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.1.path().join("serial")).unwrap_or_default()).into_owned()
    }

    async fn shows(&self, text: &str) {
        for _ in 0..1200 {
            if self.console().contains(text) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{text:?} is not on the console:\n{}", self.console());
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const UUID: &str = "4c4c4544-0042-3510-8054-b4c04f564433";

/// An image whose kernel says that it started and what its initrd is, and then fails.
fn add_speaking_image(rig: &Rig) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let kernel =
        "#!ipxe\necho The kernel started\nimgstat\nimgstat initrd.img && echo The initrd has its name ||\nexit 1\n";
    let files = ImageFiles {
        kernel: write("kernel", kernel),
        initrd: write("initrd", &"i".repeat(100_000)),
        root: write("root", "r"),
        built: Timestamp::UNIX_EPOCH,
        version: "speaking".into(),
    };
    rig.assets.add_image(&files).unwrap();
}

/// The boot listener of a rig, under the address that the machine knows the host's loopback by.
fn listen(rig: &Rig, limits: Limits) -> (BootHttp, std::net::SocketAddrV4) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let base = std::net::SocketAddrV4::new([10, 0, 2, 2].into(), port);
    let listen = vec![std::net::SocketAddrV4::new(*ANY.ip(), port)];
    let files = Some(rig.files.path().to_owned());
    let config = http::Config { listen, advertise: Some(base), files, limits };
    (BootHttp::build(config, rig.http_deps(axum::Router::new())).unwrap(), base)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_ipxe_says_what_it_could_not_fetch_and_tries_again() {
    let rig = Rig::empty();
    let (service, base) = listen(&rig, Limits::default());
    let elsewhere = Rig::empty();
    let gone = elsewhere.add_image(1, 1000);
    let ScriptAnswer::Boot(live) = rig.desk.answer.lock().unwrap().clone() else { unreachable!() };
    let script = Scripts::new().unwrap().boot_live(Addressee { mac: MAC, base }, &gone, &live).unwrap();
    rig.put("gone.ipxe", script.into_bytes());
    let stop = tasks::Stop::new();
    let mut running = tokio::task::JoinSet::new();
    running.spawn(service.run(stop.clone()));
    let Some(machine) = Machine::boot(&format!("http://{base}/files/gone.ipxe")) else { return };
    machine.shows("Roost: kernel not fetched (try 1 of 10), again in 3 s").await;
    machine.shows("(try 2 of 10), again in 3 s").await;
    drop(machine);
    stop.cancel();
    running.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_ipxe_waits_asks_again_and_then_boots() {
    let rig = Rig::empty();
    rig.answer(ScriptAnswer::Wait {
        reason: reason("never seen before: {{ x }} ${mac}; shell || poweroff"),
        again: None,
    });
    add_speaking_image(&rig);
    rig.put("big", vec![b'x'; 64 << 20]);
    let limits = Limits { wait_refresh_s: 1, retry_after_s: 1, transfers: 1, ..Limits::default() };
    let (service, base) = listen(&rig, limits);
    let stop = tasks::Stop::new();
    let mut running = tokio::task::JoinSet::new();
    running.spawn(service.run(stop.clone()));

    let query = "uuid=${uuid}&arch=${buildarch}&platform=${platform}";
    let url = format!("http://{base}/boot/{}.ipxe?{query}", MAC.hyphenated());
    let Some(machine) = Machine::boot(&url) else { return };
    machine.shows("Roost: this machine waits").await;
    machine.shows("Node: node-525400123456").await;
    machine.shows("Why: never seen before: ?? x ?? ??mac?, shell ?? poweroff").await;
    rig.seen.wait_for(Step::Waiting, 3).await;
    let asked = &rig.asked()[0];
    assert_eq!((asked.mac, asked.firmware), (MAC, Some(Firmware::Bios)));
    assert_eq!(asked.uuid.map(|uuid| uuid.to_string()).as_deref(), Some(UUID));

    // While another machine holds the only place, the kernel is refused with Retry-After, which iPXE obeys by itself.
    let local = std::net::SocketAddrV4::new(*ANY.ip(), base.port());
    let held = get(local, "/files/big").await;
    let admitted = Rig::empty();
    rig.answer(Arc::clone(&admitted.desk).answer.lock().unwrap().clone());
    machine.shows("Roost: node-525400123456 (52:54:00:12:34:56) starts the node image").await;
    machine.shows("/vmlinuz...").await;
    assert!(rig.seen.of(Step::Kernel).is_empty());
    drop(held);
    rig.seen.wait_for(Step::Kernel, 1).await;
    assert!(!machine.console().contains("not fetched"), "a busy server is no failure:\n{}", machine.console());
    rig.seen.wait_for(Step::Initrd, 1).await;
    machine.shows("The kernel started").await;
    machine.shows("The initrd has its name").await;
    machine.shows("the kernel was fetched but did not start").await;
    machine.shows("asking for a new script in 30 s").await;
    assert!(!machine.console().contains(rig.token.expose()), "the token is not on the console");
    drop(machine);
    stop.cancel();
    running.join_next().await.unwrap().unwrap().unwrap();
}
