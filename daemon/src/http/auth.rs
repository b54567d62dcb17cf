//! Who asks, and whether they may: the only place that mints a person's approval.
//!
//! A handler states its scope in its signature, `Allowed<Operate>` or `Watching<Read>`, so that a route without a
//! check does not compile by accident: without the extractor there is no caller to approve with, and
//! `daemon/tests/suite/http_auth.rs` walks the API document and asks every route without a key.
//!
//! Three ways in: a bearer key; the Unix socket, where the kernel says which user is at the other end; and, for
//! browsers, whose event streams cannot send headers, a ticket that opens one stream. Nothing here looks at source
//! addresses or forwarded headers.

use std::{
    marker::PhantomData,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request::Parts},
};
use serde::Serialize;
use tasks::Stop;
use vocabulary::{Approved, Authority};

use super::{error::ApiError, state::Api, tickets};
use crate::keys::{KeyDigest, Scope, Scopes};

/// Who is at the other end of a connection, as the kernel says; put there by the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Over the network.
    Network(SocketAddr),
    /// Over the Unix socket.
    Local {
        /// The user at the other end (SO_PEERCRED).
        uid: u32,
    },
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's name, `root`, or `uid:N`.
    pub name: String,
    /// What they may do.
    pub scopes: Scopes,
    /// When the key is revoked this is cancelled, and with it whatever the key opened and is still open.
    pub revoked: Stop,
}

/// Why a caller was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No credential was sent.
    #[error("this needs an API key")]
    Missing,
    /// A key that nobody knows.
    #[error("this API key is not known")]
    Unknown,
    /// A ticket that was used, has expired or never was.
    #[error("this ticket is not valid")]
    Ticket,
    /// A known key that may do other things.
    #[error("{name} may not do this: the scope {scope} is missing")]
    Lacks {
        /// Who.
        name: String,
        /// The missing scope.
        scope: Scope,
    },
    /// Another user of this host, over the Unix socket.
    #[error("user id {uid} may not use this socket")]
    Peer {
        /// Which user.
        uid: u32,
    },
    /// Faster than allowed.
    #[error("too many requests with this key")]
    TooMany {
        /// When the next one may come.
        retry_after: Duration,
    },
}

/// A scope as a type, for handlers' signatures.
pub trait Demand: Send + Sync + 'static {
    /// The scope.
    const SCOPE: Scope;
}

/// Scopes that may change something.
pub trait Change: Demand {}

macro_rules! demands {
    ($($(#[$doc:meta])* $name:ident $(: $change:ident)?;)+) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl Demand for $name {
            const SCOPE: Scope = Scope::$name;
        }

        $(impl $change for $name {})?
    )+ };
}

demands! {
    /// Demands [`Scope::Read`].
    Read;
    /// Demands [`Scope::Operate`].
    Operate: Change;
    /// Demands [`Scope::Approve`].
    Approve: Change;
    /// Demands [`Scope::Admin`].
    Admin: Change;
}

/// A caller who holds the scope, by key or over the Unix socket.
#[derive(Debug)]
pub(super) struct Allowed<S> {
    pub(super) caller: Caller,
    scope: PhantomData<S>,
}

/// Like [`Allowed`], for streams, which browsers open with a ticket.
#[derive(Debug)]
pub(super) struct Watching<S> {
    pub(super) caller: Caller,
    scope: PhantomData<S>,
}

impl<S: Change> Allowed<S> {
    /// Binds the caller's consent to exactly this value.
    pub(super) fn approve<T: Serialize>(&self, value: T) -> Result<Approved<T>, ApiError> {
        Approved::mint(value, Authority::Person { name: self.caller.name.clone() })
            .map_err(|error| ApiError::Internal(error.into()))
    }
}

impl<S: Demand> FromRequestParts<Api> for Allowed<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = identify(parts, api)?;
        admit::<S>(parts, api, caller).map(|caller| Self { caller, scope: PhantomData })
    }
}

impl<S: Demand> FromRequestParts<Api> for Watching<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = match tickets::in_query(parts.uri.query()) {
            Some(ticket) => api.tickets().redeem(&ticket, api.clock().now()).ok_or(AuthError::Ticket)?,
            None => identify(parts, api)?,
        };
        admit::<S>(parts, api, caller).map(|caller| Self { caller, scope: PhantomData })
    }
}

/// Where the outermost layer learns the caller's name, for the log.
#[derive(Debug, Clone, Default)]
pub(super) struct CallerSlot(pub(super) Arc<OnceLock<String>>);

fn identify(parts: &Parts, api: &Api) -> Result<Caller, AuthError> {
    if let Some(presented) = bearer(parts)? {
        return api.keys().find(&KeyDigest::of(presented), api.clock().now()).ok_or(AuthError::Unknown);
    }
    match parts.extensions.get::<Peer>() {
        Some(Peer::Local { uid }) => local(*uid, api.own_uid()),
        _ => Err(AuthError::Missing),
    }
}

fn bearer(parts: &Parts) -> Result<Option<&str>, AuthError> {
    let Some(header) = parts.headers.get(AUTHORIZATION) else { return Ok(None) };
    let text = header.to_str().map_err(|_| AuthError::Unknown)?;
    let (scheme, key) = text.split_once(' ').ok_or(AuthError::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(key.trim())) } else { Err(AuthError::Missing) }
}

/// Root and the daemon's own user are the operator; nobody else is anybody.
fn local(uid: u32, own: u32) -> Result<Caller, AuthError> {
    let name = match uid {
        0 => "root".to_owned(),
        uid if uid == own => format!("uid:{uid}"),
        uid => return Err(AuthError::Peer { uid }),
    };
    Ok(Caller { name, scopes: Scopes::all(), revoked: Stop::new() })
}

fn admit<S: Demand>(parts: &Parts, api: &Api, caller: Caller) -> Result<Caller, ApiError> {
    if let Some(slot) = parts.extensions.get::<CallerSlot>() {
        slot.0.get_or_init(|| caller.name.clone());
    }
    let local = matches!(parts.extensions.get(), Some(Peer::Local { .. }));
    if !local {
        api.limiter().check(&caller.name)?;
    }
    if caller.scopes.allow(S::SCOPE) {
        return Ok(caller);
    }
    Err(AuthError::Lacks { name: caller.name, scope: S::SCOPE }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_knows_root_and_the_daemon_alone() {
        assert_eq!(local(0, 990).unwrap().name, "root");
        assert_eq!(local(990, 990).unwrap().name, "uid:990");
        assert_eq!(local(1000, 990).unwrap_err(), AuthError::Peer { uid: 1000 });
        assert_eq!(local(0, 990).unwrap().scopes, Scopes::all());
    }

    #[test]
    fn only_a_bearer_key_is_a_key() {
        let parts = |value: &'static str| {
            axum::http::Request::builder().header(AUTHORIZATION, value).body(()).unwrap().into_parts().0
        };
        assert_eq!(bearer(&parts("Bearer abc")), Ok(Some("abc")));
        assert_eq!(bearer(&parts("bearer  abc ")), Ok(Some("abc")));
        assert_eq!(bearer(&parts("Basic abc")), Err(AuthError::Missing));
        assert_eq!(bearer(&parts("abc")), Err(AuthError::Missing));
    }
}
