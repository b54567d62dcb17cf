//! Listeners: plain TCP, TLS and the Unix socket, one loop for all three.
//!
//! A loop of ours over hyper instead of `axum::serve`, because we need what it does not have: a deadline for the
//! request head, a cap on connections, the peer's user id, TLS, and an end that waits for open requests but not for
//! ever. HTTP/1.1 alone: every client of ours speaks it, and WebSocket upgrades need it.

use std::{
    io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tasks::{Clock, Stop};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::{
    auth::Peer,
    tls::{Tls, TlsError, TlsSource},
};
use crate::holder::{self, Protocol};

/// How long open requests may take to end after the daemon was told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait when the kernel has no more file descriptors for us.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(200);

/// Where to listen.
#[derive(Debug, Clone)]
pub struct ListenConfig {
    /// Addresses; port 0 takes a free one.
    pub addresses: Vec<SocketAddr>,
    /// The Unix socket, if any.
    pub socket: Option<PathBuf>,
    /// TLS on the addresses; the Unix socket needs none.
    pub tls: Option<TlsSource>,
    /// Connections at the same time, per listener.
    pub connections: usize,
    /// How long a client may take to send the head of a request, and to stay idle between two.
    pub head_timeout: Duration,
}

/// The listeners could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An address is taken or not ours.
    #[error("cannot listen on {address}{}", held(.holder.as_deref()))]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Who has it, where that can be seen.
        holder: Option<String>,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The Unix socket cannot be made.
    #[error("cannot listen on {path}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] TlsError),
}

fn held(holder: Option<&str>) -> String {
    holder.map(|holder| format!(": held by {holder}")).unwrap_or_default()
}

/// The listeners, bound and not yet serving.
pub struct Server {
    network: Vec<(TcpListener, SocketAddr)>,
    socket: Option<(UnixListener, PathBuf)>,
    tls: Option<(Tls, TlsAcceptor)>,
    router: Router,
    connections: usize,
    head_timeout: Duration,
}

impl Server {
    /// Binds everything; serves nothing yet.
    ///
    /// # Errors
    /// An address is taken, or TLS cannot be set up.
    pub async fn build(config: ListenConfig, router: Router, clock: Arc<dyn Clock>) -> Result<Self, BuildError> {
        let tls = match config.tls {
            Some(source) => {
                let tls = Tls::build(source, clock)?;
                let acceptor = tls.acceptor()?;
                Some((tls, acceptor))
            }
            None => None,
        };
        let mut network = Vec::new();
        for address in config.addresses {
            network.push(bind(address).await?);
        }
        let socket = config.socket.map(|path| bind_socket(&path).map(|listener| (listener, path))).transpose()?;
        let (connections, head_timeout) = (config.connections, config.head_timeout);
        Ok(Self { network, socket, tls, router, connections, head_timeout })
    }

    /// The bound addresses, with the ports that were free.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.network.iter().map(|(_, address)| *address).collect()
    }

    /// Serves until told to stop, then lets open requests end.
    pub async fn run(self, stop: Stop) {
        let mut loops = JoinSet::new();
        let shared =
            Shared { router: self.router, connections: self.connections, head_timeout: self.head_timeout, stop };
        let (tls, acceptor) = self.tls.unzip();
        if let Some(tls) = tls {
            loops.spawn(tls.keep_fresh(shared.stop.clone()));
        }
        for (listener, _) in self.network {
            loops.spawn(shared.clone().accept(Listener::Network(listener, acceptor.clone())));
        }
        let socket_path = self.socket.map(|(listener, path)| {
            loops.spawn(shared.clone().accept(Listener::Local(listener)));
            path
        });
        while loops.join_next().await.is_some() {}
        if let Some(path) = socket_path
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "the socket could not be removed");
        }
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BuildError> {
    let failed = |source: io::Error| BuildError::Bind {
        address,
        holder: holder::for_error(Protocol::Tcp, address.port(), &source),
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// A socket file that nobody answers on is what an earlier daemon left; one that answers is in use.
fn bind_socket(path: &Path) -> Result<UnixListener, BuildError> {
    let failed = |source| BuildError::Socket { path: path.to_owned(), source };
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(io::Error::new(io::ErrorKind::AddrInUse, "another process answers there")));
        }
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// One listener.
enum Listener {
    Network(TcpListener, Option<TlsAcceptor>),
    Local(UnixListener),
}

/// One connection, before TLS.
enum Stream {
    Plain(TcpStream),
    Tls(TcpStream, TlsAcceptor),
    Local(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Network(listener, acceptor) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let stream = match acceptor.clone() {
                    Some(acceptor) => Stream::Tls(stream, acceptor),
                    None => Stream::Plain(stream),
                };
                Ok((stream, Peer::Network(address)))
            }
            Self::Local(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok((Stream::Local(stream), Peer::Local { uid }))
            }
        }
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Shared {
    router: Router,
    connections: usize,
    head_timeout: Duration,
    stop: Stop,
}

impl Shared {
    /// Takes connections while there are places, then waits for those that are open.
    async fn accept(self, listener: Listener) {
        let places = Arc::new(Semaphore::new(self.connections));
        let mut open = JoinSet::new();
        while let Some(Ok(place)) = self.stop.run_until_cancelled(places.clone().acquire_owned()).await {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = open.join_next(), if !open.is_empty() => report(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = self.clone().connection(stream, peer);
                        open.spawn(async move {
                            connection.await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                    }
                },
            }
        }
        drop(listener);
        let drained = tokio::time::timeout(GRACE, async {
            while let Some(ended) = open.join_next().await {
                report(ended);
            }
        });
        if drained.await.is_err() {
            open.shutdown().await;
        }
    }

    async fn connection(self, stream: Stream, peer: Peer) {
        match stream {
            Stream::Plain(stream) => self.serve(stream, peer).await,
            Stream::Local(stream) => self.serve(stream, peer).await,
            Stream::Tls(stream, acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream, peer).await,
                Ok(Err(error)) => tracing::debug!(?peer, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(?peer, "a TLS handshake took too long"),
            },
        }
    }

    async fn serve<I: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, io: I, peer: Peer) {
        let router = self.router;
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            if let Peer::Network(address) = peer {
                request.extensions_mut().insert(ConnectInfo(address));
            }
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(?peer, %error, "a connection ended early");
        }
    }
}

/// A handler that panicked took its own connection down and nothing else; the log must say so.
fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a request handler panicked");
    }
}
