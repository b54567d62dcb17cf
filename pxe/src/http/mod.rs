//! HTTP for booting machines: scripts, kernels, images, programs, the operator's public files. Plain, since loaders have no TLS
//! worth the name; what comes this way vouches for itself by digest, and holds no secret but a boot's token.
//!
//! GET and HEAD, exact lengths, ranges, keep-alive, no redirect anywhere (UEFI follows none), no listing, and
//! `503` with `Retry-After` as back-pressure, which iPXE obeys by itself. The two POSTs of a boot (call-home and
//! progress) are composed in by the daemon as a router. Nothing else of the API is reachable here.

mod answer;
mod counter;
mod delivery;
mod range;
mod route;
mod serve;

use std::{
    io,
    net::{SocketAddrV4, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    response::Response,
};
use futures_util::future::join_all;
use tasks::{Clock, Stop};
use tokio::sync::Semaphore;
use tower_http::limit::RequestBodyLimitLayer;

pub use counter::Ends;

use self::{counter::Counter, serve::Hall};
use crate::{
    assets::{Assets, PublicFiles},
    dhcp::AddressBook,
    ipxe::{BootDesk, ScriptError, Scripts},
    witness::Witness,
};

/// Where to listen and what to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// `boot.listen`. Port 0 takes a free one, for tests.
    pub listen: Vec<SocketAddrV4>,
    /// The address that scripts name, where it is not the one that the machine reached (behind a forwarder).
    pub advertise: Option<SocketAddrV4>,
    /// The operator's own files (`boot.files`).
    pub files: Option<PathBuf>,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds of the boot listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections in all; beyond, the kernel's backlog waits.
    pub connections: usize,
    /// Connections of one address; beyond, they are closed.
    pub connections_per_peer: u32,
    /// Bodies of kernels, initrds, images and files at a time; beyond, `503` and `Retry-After`.
    pub transfers: usize,
    /// Bytes of a POST's body. The routes that are composed in may set a lower one.
    pub body_bytes: usize,
    /// For a request's head, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// Until an answer begins.
    pub request_timeout: Duration,
    /// How long a peer may leave sent bytes unacknowledged or unread.
    pub stall_timeout: Duration,
    /// How often a waiting machine asks again.
    pub wait_refresh_s: u32,
    /// What `Retry-After` says.
    pub retry_after_s: u32,
}

/// What the boot listener needs from others.
pub struct Deps {
    /// Decides about each machine.
    pub desk: Arc<dyn BootDesk>,
    /// Where kernels and images are.
    pub assets: Assets,
    /// Told about each file that was sent.
    pub witness: Arc<dyn Witness>,
    /// Which MAC leased an address; for timelines only.
    pub addresses: Arc<dyn AddressBook>,
    /// Measures answers.
    pub clock: Arc<dyn Clock>,
    /// The daemon's own routes on this listener. Each request carries [`Ends`] and axum's `ConnectInfo<SocketAddr>`.
    pub routes: Router,
}

/// The boot listener, bound and not yet running.
pub struct BootHttp {
    listeners: Vec<(SocketAddrV4, TcpListener)>,
    hall: Arc<Hall>,
}

/// The boot listener cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address is in use, not ours, or needs a privilege.
    #[error("the boot listener cannot listen on {address}")]
    Bind {
        /// Which one.
        address: SocketAddrV4,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A template does not compile.
    #[error("the boot scripts cannot be used")]
    Scripts(#[source] ScriptError),
}

/// The boot listener stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("the boot listener cannot use its socket")]
pub struct RunError(#[source] io::Error);

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_peer: 32,
            transfers: 64,
            body_bytes: 64 * 1024,
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            wait_refresh_s: 10,
            retry_after_s: 5,
        }
    }
}

impl BootHttp {
    /// Binds every address and compiles the scripts; starts nothing.
    ///
    /// # Errors
    /// An address cannot be bound, or a template is wrong.
    pub fn build(config: Config, deps: Deps) -> Result<Self, BuildError> {
        let listeners = config.listen.iter().map(|address| bind(*address)).collect::<Result<_, _>>()?;
        let limits = config.limits;
        let counter = Counter {
            scripts: Scripts::new().map_err(BuildError::Scripts)?,
            files: PublicFiles::new(config.files.clone()),
            desk: deps.desk,
            assets: deps.assets,
            witness: deps.witness,
            addresses: deps.addresses,
            clock: deps.clock,
            transfers: Arc::new(Semaphore::new(limits.transfers)),
            config,
        };
        let hall = Hall::new(router(Arc::new(counter), deps.routes, limits), limits);
        Ok(Self { listeners, hall: Arc::new(hall) })
    }

    /// Where it listens, with real ports.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddrV4> {
        self.listeners.iter().map(|(address, _)| *address).collect()
    }

    /// Serves until told to stop, then lets answers in flight end for a few seconds.
    ///
    /// # Errors
    /// A bound socket cannot be used.
    pub async fn run(self, stop: Stop) -> Result<(), RunError> {
        let adopt = |(_, listener)| tokio::net::TcpListener::from_std(listener).map_err(RunError);
        let listeners = self.listeners.into_iter().map(adopt).collect::<Result<Vec<_>, _>>()?;
        join_all(listeners.into_iter().map(|listener| Arc::clone(&self.hall).accept(listener, stop.clone()))).await;
        stop.cancelled().await;
        Ok(())
    }
}

/// The daemon's routes, and boot files for everything else.
fn router(counter: Arc<Counter>, routes: Router, limits: Limits) -> Router {
    routes
        .fallback(boot_file)
        .layer(Extension(counter))
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(RequestBodyLimitLayer::new(limits.body_bytes))
}

async fn boot_file(Extension(counter): Extension<Arc<Counter>>, request: Request) -> Response {
    match request.extensions().get::<Ends>().copied() {
        Some(ends) => counter.answer(ends, &request.into_parts().0).await,
        None => answer::text(StatusCode::INTERNAL_SERVER_ERROR, "this request came from no connection"),
    }
}

fn bind(address: SocketAddrV4) -> Result<(SocketAddrV4, TcpListener), BuildError> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok((serve::bound(&listener)?, listener))
    };
    listen().map_err(|source| BuildError::Bind { address, source })
}
