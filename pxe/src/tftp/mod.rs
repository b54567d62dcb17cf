//! TFTP: loaders for firmware that speaks nothing else. Read-only; everything bigger goes over HTTP.
//!
//! The protocol is async-tftp's, one server a listen address. What it leaves to others is done here: names are looked
//! up in our own `library.rs`, transfers are admitted at a door (`admission.rs`), counted in the reader (`transfer.rs`).
//! Its defects, as of 0.4.2:
//!
//! - A client's ERROR is not read, so a size probe that is aborted leaves a transfer that resends into silence. It
//!   is bounded: 1 s, 5 retries, the client's own `timeout` option ignored, a few places a client. Until then
//!   another request from the same client *port* goes unanswered; ROMs take a new port.
//! - `blksize` and `windowsize` have no limit of their own: 1468 and 16 here. Larger blocks fragment and are lost.
//! - A server on the wildcard address answers from whichever address the route prefers, which ROMs drop: a wildcard
//!   is refused in the configuration.
//! - Its handler stands behind one lock, so opening must be quick: loaders are in memory, files on a local disk.
//! - A packet from a stranger's port is dropped, where RFC 1350 would have it answered with ERROR 5.
//! - `netascii` is answered as `octet`. No ROM asks for it.
//! - It tells nobody how a transfer ended; see `transfer.rs`.
//!
//! All transfers share one task: a few hundred clients at loader sizes are a second's work.

mod admission;
mod library;
mod transfer;

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV4, UdpSocket},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_tftp::{packet, server::TftpServerBuilder};
use futures_util::future::try_join_all;
use tasks::{Clock, Stop};
use vocabulary::Step;

pub use admission::{Busy, Limits};

use self::{
    admission::Admission,
    library::{Library, NotSent},
    transfer::{Desk, Transfer},
};
use crate::{
    assets::{Assets, PublicFiles, RefusedFile},
    dhcp::AddressBook,
    witness::Witness,
};

/// The largest block that fits one Ethernet frame: 1500 - 20 (IP) - 8 (UDP) - 4 (TFTP).
const BLOCK_LIMIT_BYTES: u16 = 1468;
/// Blocks in flight; beyond 16 small receive buffers overrun.
const WINDOW_LIMIT: u16 = 16;
const TIMEOUT: Duration = Duration::from_secs(1);
const RETRIES: u32 = 5;

/// Where to listen and what to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// One server each; no wildcard. Port 0 takes a free one, for tests.
    pub listen: Vec<SocketAddrV4>,
    /// The operator's own files (`boot.files`).
    pub files: Option<PathBuf>,
    /// Who may start a transfer.
    pub limits: Limits,
}

/// What TFTP needs from others.
pub struct Deps {
    /// Where the loaders are.
    pub assets: Assets,
    /// Told about each loader that was sent.
    pub witness: Arc<dyn Witness>,
    /// Which MAC leased an address; for timelines only.
    pub addresses: Arc<dyn AddressBook>,
    /// Measures transfers.
    pub clock: Arc<dyn Clock>,
}

/// The TFTP service, bound and not yet running.
pub struct Tftp {
    sockets: Vec<(SocketAddrV4, UdpSocket)>,
    handler: Handler,
}

/// The service cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A wildcard address.
    #[error("tftp cannot listen on {0}: name the address of each interface, or answers leave from another one")]
    Wildcard(SocketAddrV4),
    /// The address is in use, not ours, or needs a privilege.
    #[error("tftp cannot listen on {address}")]
    Bind {
        /// Which one.
        address: SocketAddrV4,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// The service stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("tftp failed")]
pub struct RunError(#[source] async_tftp::Error);

impl Tftp {
    /// Binds every address; starts nothing.
    ///
    /// # Errors
    /// An address cannot be bound.
    pub fn build(config: Config, deps: Deps) -> Result<Self, BuildError> {
        let sockets = config.listen.iter().map(|address| bind(*address)).collect::<Result<_, _>>()?;
        let desk = Desk {
            clock: deps.clock,
            witness: deps.witness,
            addresses: deps.addresses,
            admission: Mutex::new(Admission::new(config.limits)),
        };
        let library = Library { assets: deps.assets, files: PublicFiles::new(config.files) };
        Ok(Self { sockets, handler: Handler { library, desk: Arc::new(desk) } })
    }

    /// Where it listens, with real ports.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddrV4> {
        self.sockets.iter().map(|(address, _)| *address).collect()
    }

    /// Serves until told to stop; transfers in flight then end, and their clients ask again.
    ///
    /// # Errors
    /// A socket failed.
    pub async fn run(self, stop: Stop) -> Result<(), RunError> {
        let Self { sockets, handler } = self;
        let servers = sockets.into_iter().map(|(_, socket)| serve(socket, handler.clone()));
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = try_join_all(servers) => {
                ended.map_err(RunError)?;
                // Without a listen address there is nothing to serve, and nothing to report either.
                stop.cancelled().await;
                Ok(())
            }
        }
    }
}

fn bind(address: SocketAddrV4) -> Result<(SocketAddrV4, UdpSocket), BuildError> {
    if address.ip().is_unspecified() {
        return Err(BuildError::Wildcard(address));
    }
    let failed = |source| BuildError::Bind { address, source };
    let socket = UdpSocket::bind(address).map_err(failed)?;
    match socket.local_addr().map_err(failed)? {
        SocketAddr::V4(bound) => Ok((bound, socket)),
        SocketAddr::V6(_) => Err(failed(io::ErrorKind::Unsupported.into())),
    }
}

async fn serve(socket: UdpSocket, handler: Handler) -> async_tftp::Result<()> {
    TftpServerBuilder::with_handler(handler)
        .std_socket(socket)?
        .timeout(TIMEOUT)
        .max_send_retries(RETRIES)
        .block_size_limit(BLOCK_LIMIT_BYTES)
        .window_size_limit(WINDOW_LIMIT)
        .ignore_client_timeout()
        .build()
        .await?
        .serve()
        .await
}

/// Our side of async-tftp.
#[derive(Clone)]
struct Handler {
    library: Library,
    desk: Arc<Desk>,
}

impl Handler {
    fn open(&self, peer: IpAddr, path: &Path) -> Result<(Transfer, u64), packet::Error> {
        let name = path.to_str().unwrap_or_default();
        let place = self.desk.admit(peer).map_err(|busy| refuse(peer, name, &busy))?;
        match self.library.find(name) {
            Ok(item) => {
                let bytes = item.bytes;
                Ok((Transfer::new(place, item), bytes))
            }
            Err(not_sent) => {
                let error = refuse(peer, name, &not_sent);
                if is_news(&not_sent) {
                    self.desk.saw(peer, Step::Refused, format!("TFTP {}: {not_sent}", printable(name)));
                }
                Err(error)
            }
        }
    }
}

impl async_tftp::server::Handler for Handler {
    type Reader = Transfer;
    type Writer = futures_util::io::Sink;

    async fn read_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
    ) -> Result<(Self::Reader, Option<u64>), packet::Error> {
        self.open(client.ip(), path).map(|(transfer, bytes)| (transfer, Some(bytes)))
    }

    async fn write_req_open(
        &mut self,
        client: &SocketAddr,
        path: &Path,
        _: Option<u64>,
    ) -> Result<Self::Writer, packet::Error> {
        let name = path.to_str().unwrap_or_default();
        Err(refuse(client.ip(), name, &"this server only sends files, it takes none"))
    }
}

/// The reason in full: a ROM prints the text of the ERROR packet and nothing else.
fn refuse(peer: IpAddr, name: &str, reason: &dyn std::fmt::Display) -> packet::Error {
    tracing::info!(%peer, file = printable(name), %reason, "tftp request refused");
    packet::Error::Msg(format!("{}: {reason}", printable(name)))
}

/// A miss is usual (ROMs guess names); what stands on a timeline is what a person can mend.
fn is_news(not_sent: &NotSent) -> bool {
    !matches!(not_sent, NotSent::File(RefusedFile::Absent | RefusedFile::NoFolder))
}

/// A name from the wire as a log line and an ERROR packet can bear it.
fn printable(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
