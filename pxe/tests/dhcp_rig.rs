//! Two network namespaces joined by a cable: the real server in one, clients in the other. Made for one test, gone
//! with it, so that no packet leaves this process and no DHCP server of the host is met.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nix::sched::{CloneFlags, setns};
use pxe::{
    dhcp::{AddressBook as _, Config, Deps, Dhcp, DhcpHandle, Lease, LeaseLog, Mode, Pool, Subnet},
    witness::{Sighting, Witness},
};
use socket2::{Domain, Protocol, Socket, Type};
use tasks::{BoxError, Stop, SystemClock};
use tokio::sync::{oneshot, watch};

pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

static RIGS: AtomicU32 = AtomicU32::new(0);

/// The namespaces; deleted on drop.
pub(crate) struct Rig {
    server: String,
    pub(crate) clients: String,
}

impl Rig {
    /// The rig, or nothing and a line that says what is missing.
    pub(crate) fn new() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: network namespaces need root");
            return None;
        }
        let number = RIGS.fetch_add(1, Ordering::Relaxed);
        let name = |role| format!("roost-{}-{number}-{role}", std::process::id());
        let rig = Self { server: name("s"), clients: name("c") };
        for namespace in [&rig.server, &rig.clients] {
            ip(&["netns", "add", namespace]);
            ip_in(namespace, &["link", "set", "lo", "up"]);
        }
        let (server, clients) = (rig.server.as_str(), rig.clients.as_str());
        ip_in(server, &["link", "add", "s0", "type", "veth", "peer", "name", "c0", "netns", clients]);
        ip_in(server, &["addr", "add", "10.77.0.1/24", "dev", "s0"]);
        ip_in(server, &["link", "set", "s0", "up"]);
        ip_in(clients, &["link", "set", "c0", "up"]);
        Some(rig)
    }

    /// A client's socket: no address, port 68, hears broadcasts.
    pub(crate) fn client(&self) -> UdpSocket {
        self.socket(68)
    }

    pub(crate) fn socket(&self, port: u16) -> UdpSocket {
        let namespace = self.clients.clone();
        let socket = inside(namespace, move || {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
            socket.bind_device(Some(b"c0")).unwrap();
            socket.set_broadcast(true).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into()).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            UdpSocket::from(socket)
        });
        socket.join().unwrap()
    }

    /// Runs `ip` in the clients' namespace.
    pub(crate) fn client_ip(&self, arguments: &[&str]) {
        ip_in(&self.clients, arguments);
    }

    /// A program in the clients' namespace.
    pub(crate) fn client_program(&self, program: &str) -> Command {
        entering(&self.clients, program)
    }

    /// The server, from reading its leases to its last ACK.
    pub(crate) fn serve(&self, config: Config, disk: &Disk) -> Running {
        let (ready, started) = mpsc::channel();
        let (kill, killed) = oneshot::channel::<()>();
        let (stop, log, eyes) = (Stop::new(), disk.clone(), Eyes::default());
        let (its_stop, its_eyes) = (stop.clone(), eyes.clone());
        let thread = inside(self.server.clone(), move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let deps = Deps {
                    log: Arc::new(log),
                    witness: Arc::new(its_eyes),
                    clock: Arc::new(SystemClock),
                    quirks: Arc::new(|_| pxe::dhcp::Quirks::default()),
                };
                let dhcp = match Dhcp::build(&config, deps).await {
                    Ok(dhcp) => dhcp,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                ready.send(Ok(dhcp.handle())).unwrap();
                tokio::select! {
                    ended = dhcp.run(its_stop) => ended.unwrap(),
                    _ = killed => {}
                }
            });
        });
        let handle = started.recv().unwrap().unwrap();
        Running { handle, eyes, stop, kill: Some(kill), thread: Some(thread) }
    }

    /// Why the server cannot be built.
    pub(crate) fn build_error(&self, config: Config) -> String {
        inside(self.server.clone(), move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let deps = Deps {
                log: Arc::new(Disk::default()),
                witness: Arc::new(Eyes::default()),
                clock: Arc::new(SystemClock),
                quirks: Arc::new(|_| pxe::dhcp::Quirks::default()),
            };
            runtime.block_on(async { Dhcp::build(&config, deps).await.err().unwrap().to_string() })
        })
        .join()
        .unwrap()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for namespace in [&self.clients, &self.server] {
            // Nothing to be done where it fails: the test has its result.
            let _ = Command::new("ip").args(["netns", "del", namespace]).status();
        }
    }
}

/// `ip` inside a namespace. Not by `ip -n`, which remounts `/` and so fails where that is no mount, as in a chroot.
fn ip_in(namespace: &str, arguments: &[&str]) {
    checked(entering(namespace, "ip").args(arguments), arguments);
}

fn entering(namespace: &str, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/run/netns/{namespace}")).arg("--").arg(program);
    command
}

fn ip(arguments: &[&str]) {
    checked(Command::new("ip").args(arguments), arguments);
}

fn checked(command: &mut Command, arguments: &[&str]) {
    let output = command.output().expect("ip is missing: apt install iproute2");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "ip {}: {complaint}", arguments.join(" "));
}

fn inside<T: Send + 'static>(namespace: String, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn(move || {
        let file = File::open(format!("/run/netns/{namespace}")).unwrap();
        setns(file, CloneFlags::CLONE_NEWNET).unwrap();
        work()
    })
}

/// A server that runs; stopped on drop.
pub(crate) struct Running {
    pub(crate) handle: DhcpHandle,
    pub(crate) eyes: Eyes,
    stop: Stop,
    kill: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// As `kill -9` ends it: nothing is finished, nothing is written.
    pub(crate) fn kill(mut self) {
        let _ = self.kill.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }

    pub(crate) fn address_of(&self, mac: vocabulary::Mac) -> Option<Ipv4Addr> {
        self.handle.address_of(mac)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A disk in memory that outlives the server, and can be stuck.
#[derive(Clone)]
pub(crate) struct Disk {
    leases: Arc<Mutex<BTreeMap<Ipv4Addr, Lease>>>,
    commits: Arc<AtomicU32>,
    turns: Arc<watch::Sender<bool>>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { leases: Arc::default(), commits: Arc::default(), turns: Arc::new(watch::Sender::new(true)) }
    }
}

impl Disk {
    pub(crate) fn stick(&self) {
        self.turns.send_replace(false);
    }

    pub(crate) fn unstick(&self) {
        self.turns.send_replace(true);
    }

    pub(crate) fn kept(&self) -> Vec<Lease> {
        self.leases.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn commits(&self) -> u32 {
        self.commits.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl LeaseLog for Disk {
    async fn load(&self) -> Result<Vec<Lease>, BoxError> {
        Ok(self.kept())
    }

    async fn commit(&self, leases: Vec<Lease>) -> Result<(), BoxError> {
        self.turns.subscribe().wait_for(|turns| *turns).await?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.leases.lock().unwrap().extend(leases.into_iter().map(|lease| (lease.address, lease)));
        Ok(())
    }
}

/// Remembers every sighting.
#[derive(Clone, Default)]
pub(crate) struct Eyes(Arc<Mutex<Vec<Sighting>>>);

impl Eyes {
    pub(crate) fn seen(&self) -> Vec<Sighting> {
        self.0.lock().unwrap().clone()
    }
}

impl Witness for Eyes {
    fn saw(&self, sighting: Sighting) {
        self.0.lock().unwrap().push(sighting);
    }
}

/// 10.77.0.0/24 on `s0`, with this many addresses from .100 on.
pub(crate) fn config(addresses: u8) -> Config {
    let subnet = Subnet {
        cidr: "10.77.0.0/24".parse().unwrap(),
        pools: vec![Pool { first: Ipv4Addr::new(10, 77, 0, 100), last: Ipv4Addr::new(10, 77, 0, 99 + addresses) }],
        router: Some(SERVER),
        dns: vec![SERVER],
        domain: None,
        ntp: vec![],
        lease: Duration::from_secs(3600),
        reservations: vec![],
        boot: None,
    };
    Config { mode: Mode::Full, interfaces: vec!["s0".into()], subnets: vec![subnet] }
}

/// Receives until a packet fits, or the socket's patience ends.
pub(crate) fn receive(socket: &UdpSocket, fits: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut buffer = [0; 2048];
    loop {
        match crate::patience::recv_from(socket, &mut buffer) {
            Ok((length, _)) if fits(&buffer[..length]) => return Some(buffer[..length].to_vec()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return None,
            Err(error) => panic!("cannot receive: {error}"),
        }
    }
}
