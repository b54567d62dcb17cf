//! The rim: accepts connections, bounds them, and lets hyper speak HTTP/1.1 on each.
//!
//! hyper directly rather than `axum::serve`, because the boot network is hostile and slow: a header that never ends,
//! a reader that never reads and one peer with a thousand connections must each cost the others nothing, and
//! `axum::serve` has a knob for none of them.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{Method, StatusCode, Uri},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tasks::Stop;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tower::ServiceExt as _;

use super::{Limits, answer::text, counter::Ends, route::without_doubled_slashes};

/// Bytes of one request's head; hyper's own minimum.
const HEAD_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;
/// How long answers in flight may take once the service is told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// After a failed accept (no file descriptors left) the next try waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What every connection shares.
pub(super) struct Hall {
    router: Router,
    limits: Limits,
    connections: Arc<Semaphore>,
    peers: Mutex<HashMap<Ipv4Addr, u32>>,
}

/// One accepted connection's places; given back when it is dropped.
struct Seat {
    hall: Arc<Hall>,
    peer: Ipv4Addr,
    _connection: OwnedSemaphorePermit,
}

impl Hall {
    pub(super) fn new(router: Router, limits: Limits) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections));
        Self { router, limits, connections, peers: Mutex::default() }
    }

    /// Accepts until told to stop, then lets answers in flight end.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener, stop: Stop) {
        let mut serving = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = serving.join_next(), if !serving.is_empty() => continue,
                accepted = self.next(&listener) => accepted,
            };
            if let Some((seat, stream, ends)) = accepted {
                serving.spawn(Arc::clone(&self).connection(seat, stream, ends, stop.clone()));
            }
        }
        drop(listener);
        let ended = async { while serving.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::info!("boot downloads were cut off; their machines ask again");
        }
    }

    /// The next connection that may stay. While all places are taken, the kernel's backlog waits.
    async fn next(self: &Arc<Self>, listener: &TcpListener) -> Option<(Seat, TcpStream, Ends)> {
        let connection = Arc::clone(&self.connections).acquire_owned().await.ok()?;
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a boot connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let (SocketAddr::V4(peer), Ok(SocketAddr::V4(reached))) = (peer, stream.local_addr()) else { return None };
        let seat = self.seat(*peer.ip(), connection)?;
        Some((seat, stream, Ends { peer, reached }))
    }

    fn seat(self: &Arc<Self>, peer: Ipv4Addr, connection: OwnedSemaphorePermit) -> Option<Seat> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let count = peers.entry(peer).or_insert(0);
        if *count >= self.limits.connections_per_peer {
            tracing::info!(%peer, "too many boot connections from one address");
            return None;
        }
        *count += 1;
        Some(Seat { hall: Arc::clone(self), peer, _connection: connection })
    }

    async fn connection(self: Arc<Self>, _seat: Seat, stream: TcpStream, ends: Ends, stop: Stop) {
        if let Err(error) = self.prepare(&stream) {
            tracing::debug!(peer = %ends.peer, %error, "a boot connection ended before it began");
            return;
        }
        let service = service_fn(|request: hyper::Request<Incoming>| self.answer(ends, request.map(Body::new)));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_headers(HEADERS)
            .max_buf_size(HEAD_BYTES)
            .keep_alive(true)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %ends.peer, %error, "a boot connection broke off");
        }
    }

    /// A peer that acknowledges nothing, or reads nothing, is cut off by the kernel.
    fn prepare(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = socket2::SockRef::from(stream);
        socket.set_keepalive(true)?;
        socket.set_tcp_user_timeout(Some(self.limits.stall_timeout))
    }

    /// One request through the router. The time limit holds until the answer begins, so a large file may take long.
    async fn answer(&self, ends: Ends, mut request: Request) -> Result<Response, Infallible> {
        request.extensions_mut().insert(ends);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::V4(ends.peer)));
        if request.method() == Method::POST {
            *request.uri_mut() = tidy(request.uri());
        }
        let answered = self.router.clone().oneshot(request);
        let answered = tokio::time::timeout(self.limits.request_timeout, answered).await;
        answered.unwrap_or_else(|_| Ok(text(StatusCode::REQUEST_TIMEOUT, "this request took too long")))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut peers = self.hall.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

/// Doubled slashes out of the path, for the composed-in routes.
fn tidy(uri: &Uri) -> Uri {
    let path = without_doubled_slashes(uri.path());
    let path = uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    path.parse().unwrap_or_else(|_| uri.clone())
}

/// Where a listener really is.
pub(super) fn bound(listener: &std::net::TcpListener) -> std::io::Result<SocketAddrV4> {
    match listener.local_addr()? {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(std::io::ErrorKind::Unsupported.into()),
    }
}
