//! Consul as Roost speaks to it.
//!
//! [`Client`] implements one narrow trait a need ([`Catalog`], [`KeyValue`], [`Locks`], [`LocalAgent`]), so that whoever
//! wants a service's addresses is not handed the keys. Keys and values go through rs-consul (`kv.rs` says how its traps
//! are worked round), the rest through the client that is generated from consul/openapi.yaml.

mod access;
mod agent;
mod catalog;
#[rustfmt::skip]
#[expect(missing_docs, unreachable_pub, dead_code, clippy::allow_attributes, clippy::unwrap_used, reason = "written by the generator")]
mod generated;
mod kv;
mod locks;
mod txn;

pub use crate::bootstrap::AclBootstrap;
pub use access::{AclToken, AclTokenRequest, NodeIdentity};
pub use agent::{Check, LocalAgent, Registration, Verdict};
pub use catalog::{Catalog, Instance, Only, Status};
use generated::types::KvEntry;
pub use generated::types::{
    AclAuthMethod, AclBindingRule, AclLink, AclPolicy, AclPolicyRequest, AclTokenStub, AgentMember, AgentSelf,
    AgentService, AutopilotHealth, CatalogNode, ConnectCaRoots, HealthCheck,
};
pub use kv::{Cas, Entry, KeyValue, KvError};
pub use locks::{Locks, Session, SessionId, SessionSpec};
pub use txn::{Operation, TxnError};

use std::{fmt, sync::Arc};

use progenitor_client::{ByteStream, ClientHooks, ClientInfo, Error, OperationInfo, ResponseValue};

use crate::{
    blocking::Listing,
    transport::{BuildError, CallError, Endpoint, Service, Wire, call, connect, health},
};

/// A client of one Consul agent.
#[derive(Clone)]
pub struct Client {
    api: generated::Client,
    /// One a server.
    kv: Arc<[rs_consul::Consul]>,
}

impl Client {
    /// Prepares a client; connects when it is first asked something.
    pub fn build(endpoint: &Endpoint) -> Result<Self, BuildError> {
        let connected = connect(Service::Consul, endpoint)?;
        let kv = connected.addresses.iter().map(|address| kv::client(endpoint, address, &connected));
        let kv = kv.collect::<Result<_, _>>()?;
        Ok(Self { api: generated::Client::new_with_client(&connected.base, connected.http, connected.wire), kv })
    }

    /// Requests so far, of this client and all its clones.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.wire().requests()
    }

    /// Address of the leading server; none while there is no leader.
    pub async fn leader(&self) -> Result<Option<String>, CallError> {
        match self.ask(Box::pin(self.api.leader())).await {
            Ok(address) => Ok(Some(address).filter(|address| !address.is_empty())),
            Err(CallError::NoLeader { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Addresses of the voting servers.
    pub async fn peers(&self) -> Result<Vec<String>, CallError> {
        Ok(self.ask(Box::pin(self.api.peers())).await?.unwrap_or_default())
    }

    /// The servers, and whether they would survive losing one.
    pub async fn autopilot_health(&self) -> Result<AutopilotHealth, CallError> {
        health(self.wire(), self.api.autopilot_health()).await
    }

    /// Root certificates of the mesh's own authority.
    pub async fn connect_roots(&self) -> Result<ConnectCaRoots, CallError> {
        self.ask(Box::pin(self.api.connect_ca_roots(None, None, None))).await
    }

    /// A key that is not there is an answer with an index too, though Consul says 404.
    async fn look_even_absent(
        &self,
        answer: Answer<'_, Option<Vec<KvEntry>>>,
    ) -> Result<Listing<Vec<KvEntry>>, CallError> {
        match answer.await {
            Err(Error::ErrorResponse(absent)) if absent.status() == reqwest::StatusCode::NOT_FOUND => {
                Ok(Listing::new(Vec::new(), absent.headers(), "consul"))
            }
            answer => self.list(Box::pin(std::future::ready(answer))).await,
        }
    }

    fn wire(&self) -> &Wire {
        &self.api.inner
    }

    async fn ask<T>(&self, answer: Answer<'_, T>) -> Result<T, CallError> {
        Ok(call(self.wire(), answer).await?.into_inner())
    }

    async fn look<T>(&self, answer: Answer<'_, T>) -> Result<Listing<T>, CallError> {
        let answer = call(self.wire(), answer).await?;
        let headers = answer.headers().clone();
        Ok(Listing::new(answer.into_inner(), &headers, "consul"))
    }

    async fn list<T>(&self, answer: Answer<'_, Option<Vec<T>>>) -> Result<Listing<Vec<T>>, CallError> {
        Ok(self.look(answer).await?.map(Option::unwrap_or_default))
    }
}

/// rs-consul's own `Debug` shows the token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("consul::Client").field(self.wire()).finish()
    }
}

/// What a generated call gives.
type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<ResponseValue<T>, Error<ByteStream>>> + Send + 'a>>;

impl ClientHooks<Wire> for generated::Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>> {
        self.inner().prepare(request, info.operation_id).await
    }

    async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        self.inner().send(request).await
    }
}
