//! The way to the daemon: its Unix socket on the control node, or its address with a key from elsewhere.
//!
//! The socket is the default because there the kernel vouches for the caller: root needs no key. Answers that are
//! errors become a [`Failure`] with the daemon's own words, its hint and an exit code.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use futures_util::{Stream, StreamExt as _};
use reqwest::{Method, RequestBuilder, Response};
use serde::{Serialize, de::DeserializeOwned};
use vocabulary::Secret;

use super::{
    Global,
    exit::{Exit, Failure},
    sse::{Parser, SseEvent},
};
use crate::http::error::ErrorBody;

/// How long an ordinary answer may take; streams have no such limit.
const PATIENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);

/// Speaks to one daemon.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<Secret<String>>,
    way: Way,
}

enum Way {
    Socket(PathBuf),
    Network,
}

impl Client {
    /// A client for the daemon that the command line, the environment or the configuration names.
    ///
    /// # Errors
    /// The configuration or the authority's certificate cannot be read.
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        let builder = reqwest::Client::builder().connect_timeout(CONNECT).no_proxy();
        let key = global.api_key.clone();
        let Some(url) = &global.url else {
            let path = socket(global)?;
            let http = builder.unix_socket(path.clone()).build().context("cannot make an HTTP client")?;
            return Ok(Self { http, base: "http://roost".to_owned(), key, way: Way::Socket(path) });
        };
        let builder = match &global.ca_cert {
            Some(path) => {
                let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                let certificates = reqwest::Certificate::from_pem_bundle(&pem).context("no PEM certificate")?;
                builder.tls_certs_only(certificates)
            }
            None => builder,
        };
        let http = builder.build().context("cannot make an HTTP client")?;
        Ok(Self { http, base: url.trim_end_matches('/').to_owned(), key, way: Way::Network })
    }

    /// Reads.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Failure> {
        self.answer(self.request(Method::GET, path).query(query).timeout(PATIENCE)).await
    }

    /// Orders, with a body.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.answer(self.request(Method::POST, path).query(query).json(body).timeout(PATIENCE)).await
    }

    /// Removes.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Failure> {
        self.answer(self.request(Method::DELETE, path).query(query).timeout(PATIENCE)).await
    }

    /// Reads text as it is.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let response = self.send(self.request(Method::GET, path).timeout(PATIENCE)).await?;
        response.text().await.map_err(|error| self.unreachable(error))
    }

    /// Follows a stream of server-sent events.
    ///
    /// # Errors
    /// The daemon cannot be reached, or refuses.
    pub(super) async fn stream<Q: Serialize>(
        &self,
        path: &str,
        query: &Q,
    ) -> Result<impl Stream<Item = Result<SseEvent, Failure>> + use<Q>, Failure> {
        let response = self.send(self.request(Method::GET, path).query(query)).await?;
        let mut parser = Parser::default();
        let pieces = response.bytes_stream().map(move |piece| match piece {
            Ok(bytes) => parser.feed(&bytes).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(Failure::new(Exit::Unreachable, error, "the daemon went away; try again"))],
        });
        Ok(pieces.flat_map(futures_util::stream::iter))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        }
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        Ok(response.json().await.context("the daemon's answer is not what this version of roost expects")?)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let hint = match &self.way {
            Way::Socket(path) => format!(
                "is the daemon running (systemctl status roost), and may you use {}? From elsewhere: --url and ROOST_API_KEY",
                path.display()
            ),
            Way::Network => "is the address right, and does the daemon listen there ([http] listen)?".to_owned(),
        };
        let error = anyhow::Error::from(error.without_url()).context("the daemon cannot be reached");
        Failure::new(Exit::Unreachable, error, hint)
    }
}

/// Where the daemon's socket is: as said, else as configured.
fn socket(global: &Global) -> Result<PathBuf, Failure> {
    match &global.socket {
        Some(path) => Ok(path.clone()),
        None => Ok(global.load_config()?.http.socket),
    }
}

async fn refusal(response: Response) -> Failure {
    let status = response.status();
    let exit = Exit::of_status(status.as_u16());
    match response.json::<ErrorBody>().await {
        Ok(ErrorBody { error }) if error.hint.is_empty() => {
            Failure { exit, cause: anyhow::Error::msg(error.message), hint: None }
        }
        Ok(ErrorBody { error }) => Failure::words(exit, error.message, error.hint),
        Err(_) => Failure::words(exit, format!("the answer was {status}"), "is there a Roost at this address?"),
    }
}
