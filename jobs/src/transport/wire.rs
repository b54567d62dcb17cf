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

use super::{BuildError, Endpoint, Limits, Pace, TlsError, tls::trust_nobody};

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
    clock: Arc<dyn Clock>,
}

/// Everything that a client is made of.
pub(crate) struct Connected {
    pub(crate) http: reqwest::Client,
    /// The address with the name that certificates are checked against.
    pub(crate) base: String,
    pub(crate) wire: Wire,
    /// For an HTTP library of someone else.
    pub(crate) tls: ClientConfig,
}

/// Prepares everything; connects to nobody yet.
pub(crate) fn connect(service: Service, endpoint: &Endpoint) -> Result<Connected, BuildError> {
    let address = endpoint.address.trim_end_matches('/').to_owned();
    let bad = || BuildError::Address { address: address.clone() };
    let url = Url::parse(&address).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad());
    }
    let client_error = |source| BuildError::Client { address: address.clone(), source };
    let builder = reqwest::Client::builder()
        .connect_timeout(endpoint.limits.connect)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_keepalive(Duration::from_secs(15));
    let tls_error = |source| BuildError::Tls { address: address.clone(), source };
    let (builder, base, tls) = match (&endpoint.tls, url.scheme()) {
        (Some(tls), "https") => {
            let config = tls.config().map_err(tls_error)?;
            let (builder, base) = named(builder, &url, tls.server_name.as_deref()).map_err(tls_error)?;
            (builder, base, config)
        }
        (None, "https") => return Err(BuildError::NoAuthority { address }),
        _ => (builder, address.clone(), trust_nobody().map_err(tls_error)?),
    };
    // Always given: without, the library looks for a process-wide provider and panics where there is none.
    let http = builder.tls_backend_preconfigured(tls.clone()).build().map_err(client_error)?;
    let wire = Wire::new(service, address, endpoint)?;
    Ok(Connected { http, base, wire, tls })
}

/// Lets the certificate be checked against its own name, while the address stays where the connection goes.
fn named(
    builder: reqwest::ClientBuilder,
    url: &Url,
    name: Option<&str>,
) -> Result<(reqwest::ClientBuilder, String), TlsError> {
    let plain = url.as_str().trim_end_matches('/').to_owned();
    let Some(name) = name else { return Ok((builder, plain)) };
    let unusable = || TlsError::Name { name: name.to_owned() };
    // Only an address can stand behind another name: a host name would have to be looked up by us.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let host = host.parse().map_err(|_| unusable())?;
    let port = url.port_or_known_default().unwrap_or(443);
    let mut renamed = url.clone();
    renamed.set_host(Some(name)).map_err(|_| unusable())?;
    let base = renamed.as_str().trim_end_matches('/').to_owned();
    Ok((builder.resolve(name, SocketAddr::new(host, port)), base))
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
    fn new(service: Service, address: String, endpoint: &Endpoint) -> Result<Self, BuildError> {
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
            clock: Arc::new(SystemClock),
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

    /// Waits for this request's turn.
    pub(crate) async fn turn(&self) {
        let wait = self.pace.take(self.clock.uptime());
        if !wait.is_zero() {
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
