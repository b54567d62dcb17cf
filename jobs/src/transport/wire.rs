//! What every request carries, waits for and is counted by.
//!
//! The generated clients call [`Wire`] before each request (progenitor's hooks), so one HTTP client with one pool
//! serves ordinary calls, blocking queries and streams, each with the timeout that it needs. Rejected: a second client
//! for long polls, which would double the connections and still give every long poll the same timeout.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use progenitor_client::Error;
use reqwest::{
    Request, Url,
    header::{HeaderName, HeaderValue},
};
use rustls::ClientConfig;
use tasks::{Clock, SystemClock};
use tokio::sync::Mutex;

use super::{
    BuildError, Endpoint, Limits, Pace, TlsError,
    tls::trust_nobody,
    ways::{Way, Ways},
};

/// Whose API it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Nomad,
    Consul,
}

/// What a client adds to each request of one agent.
#[derive(Clone)]
pub struct Wire {
    service: Service,
    address: Arc<str>,
    token: Option<HeaderValue>,
    /// Parameters of every request: region, namespace, datacenter.
    params: Vec<(&'static str, String)>,
    limits: Limits,
    pace: Arc<Pace>,
    /// Who waits for a turn, in order; who gives up leaves it.
    queue: Arc<Mutex<()>>,
    clock: Arc<dyn Clock>,
    ways: Arc<Ways>,
}

/// Everything that a client is made of.
pub(crate) struct Connected {
    pub(crate) http: reqwest::Client,
    /// The address with the name that certificates are checked against.
    pub(crate) base: String,
    /// Where each of the servers is, by its address alone.
    pub(crate) addresses: Vec<String>,
    pub(crate) wire: Wire,
    /// For an HTTP library of someone else.
    pub(crate) tls: ClientConfig,
}

/// Prepares everything; connects to nobody yet.
pub(crate) fn connect(service: Service, endpoint: &Endpoint) -> Result<Connected, BuildError> {
    let address = endpoint.address.trim_end_matches('/').to_owned();
    let tls_error = |source| BuildError::Tls { address: address.clone(), source };
    let tls = match &endpoint.tls {
        Some(tls) => tls.config().map_err(tls_error)?,
        None => trust_nobody().map_err(tls_error)?,
    };
    let others = endpoint.others.iter().map(|other| other.trim_end_matches('/').to_owned());
    let addresses: Vec<String> = std::iter::once(address).chain(others).collect();
    let first = way(endpoint, &addresses[0], &tls)?;
    let others = addresses[1..].iter().map(|other| way(endpoint, other, &tls)).collect::<Result<_, _>>()?;
    let (http, base) = (first.http.clone(), first.base.as_str().trim_end_matches('/').to_owned());
    let wire = Wire::new(service, &addresses, endpoint, Ways { first, others, turn: endpoint.turn.clone() })?;
    Ok(Connected { http, base, addresses, wire, tls })
}

fn way(endpoint: &Endpoint, address: &str, tls: &ClientConfig) -> Result<Way, BuildError> {
    let bad = || BuildError::Address { address: address.to_owned() };
    let url = Url::parse(address).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad());
    }
    let builder = reqwest::Client::builder()
        .connect_timeout(endpoint.limits.connect)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_keepalive(Duration::from_secs(15));
    let tls_error = |source| BuildError::Tls { address: address.to_owned(), source };
    let (builder, base) = match (&endpoint.tls, url.scheme()) {
        (Some(tls), "https") => named(builder, &url, tls.server_name.as_deref()).map_err(tls_error)?,
        (None, "https") => return Err(BuildError::NoAuthority { address: address.to_owned() }),
        _ => (builder, url),
    };
    // Always given: without, the library looks for a process-wide provider and panics where there is none.
    let http = builder.tls_backend_preconfigured(tls.clone()).build();
    let http = http.map_err(|source| BuildError::Client { address: address.to_owned(), source })?;
    Ok(Way { http, base })
}

/// Lets the certificate be checked against its own name, while the address stays where the connection goes.
fn named(
    builder: reqwest::ClientBuilder,
    url: &Url,
    name: Option<&str>,
) -> Result<(reqwest::ClientBuilder, Url), TlsError> {
    let Some(name) = name else { return Ok((builder, url.clone())) };
    let unusable = || TlsError::Name { name: name.to_owned() };
    // Only an address can stand behind another name: a host name would have to be looked up by us.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let host = host.parse().map_err(|_| unusable())?;
    let port = url.port_or_known_default().unwrap_or(443);
    let mut renamed = url.clone();
    renamed.set_host(Some(name)).map_err(|_| unusable())?;
    Ok((builder.resolve(name, SocketAddr::new(host, port)), renamed))
}

impl Service {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nomad => "Nomad",
            Self::Consul => "Consul",
        }
    }

    const fn token_header(self) -> &'static str {
        match self {
            Self::Nomad => "x-nomad-token",
            Self::Consul => "x-consul-token",
        }
    }

    /// Operations whose answer does not end.
    fn streams(self, operation: &str) -> bool {
        self == Self::Nomad && matches!(operation, "event_stream" | "log_stream" | "file_stream")
    }
}

impl Wire {
    fn new(service: Service, addresses: &[String], endpoint: &Endpoint, ways: Ways) -> Result<Self, BuildError> {
        let address = addresses.join(" or ");
        let token = match &endpoint.token {
            Some(token) => {
                let value = HeaderValue::from_str(token.expose());
                let mut value = value.map_err(|_| BuildError::Token { address: address.clone() })?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Self {
            service,
            address: address.into(),
            token,
            params: Vec::new(),
            limits: endpoint.limits,
            pace: Arc::new(Pace::new(endpoint.limits.per_second, endpoint.limits.burst)),
            queue: Arc::default(),
            clock: Arc::new(SystemClock),
            ways: Arc::new(ways),
        })
    }

    pub(crate) const fn service(&self) -> Service {
        self.service
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends a request to a server that answers.
    pub(crate) async fn send(&self, request: Request) -> reqwest::Result<reqwest::Response> {
        self.ways.send(request).await
    }

    /// Which of the servers is asked now.
    pub(crate) fn way(&self) -> usize {
        self.ways.at()
    }

    /// That server did not answer: another is asked next.
    pub(crate) fn gave_up(&self, way: usize) {
        self.ways.past(way);
    }

    /// Requests so far, of all clones together.
    pub(crate) fn requests(&self) -> u64 {
        self.pace.count()
    }

    /// The same wire with one more parameter on every request, or another value of it.
    pub(crate) fn with_param(mut self, name: &'static str, value: String) -> Self {
        self.params.retain(|(known, _)| *known != name);
        self.params.push((name, value));
        self
    }

    /// The value of a parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Waits for this request's turn. Who is cancelled meanwhile takes none.
    pub(crate) async fn turn(&self) {
        let _first_in_line = self.queue.lock().await;
        while let Err(wait) = self.pace.take(self.clock.uptime()) {
            tracing::debug!(service = self.service.name(), ?wait, "too many requests: waiting");
            tokio::time::sleep(wait).await;
        }
    }

    /// Prepares a generated client's request: its turn, the token, common parameters, its timeout.
    pub(crate) async fn prepare<E>(&self, request: &mut Request, operation: &str) -> Result<(), Error<E>> {
        for (name, value) in &self.params {
            if !request.url().query_pairs().any(|(known, _)| known == *name) {
                request.url_mut().query_pairs_mut().append_pair(name, value);
            }
        }
        // The generator's version header is nobody's business.
        request.headers_mut().remove("api-version");
        if let Some(token) = &self.token {
            request.headers_mut().insert(HeaderName::from_static(self.service.token_header()), token.clone());
        }
        *request.timeout_mut() = self.timeout(request.url(), operation);
        self.turn().await;
        Ok(())
    }

    /// The agents wait up to a sixteenth longer than asked, so that not all watchers wake at once. A stream has no limit
    /// here: whoever reads it limits its beginning and its silence.
    fn timeout(&self, url: &Url, operation: &str) -> Option<Duration> {
        if self.service.streams(operation) {
            return None;
        }
        let millis = |text: &str| text.strip_suffix("ms")?.parse().ok().map(Duration::from_millis);
        let wait = url.query_pairs().find(|(name, _)| name == "wait").and_then(|(_, text)| millis(&text));
        Some(self.limits.answer + wait.map_or(Duration::ZERO, |wait| wait + wait / 16))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("address", &self.address).field("params", &self.params).finish_non_exhaustive()
    }
}
