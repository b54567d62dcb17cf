//! The HTTP API: for people, programs and browsers, over TCP, TLS and a Unix socket.
//!
//! | file | holds |
//! |---|---|
//! | `auth.rs` | who asks and whether they may; the only place that mints a person's approval |
//! | `error.rs` | every failure and the one match that says which status it is |
//! | `desks.rs` | what the API asks of the rest of the daemon |
//! | `request.rs` | around every request: id, deadline, error shape, log, metrics |
//! | `linger.rs` | the rest of a refused request, read so that its sender sees the answer |
//! | `nodes.rs`, `runs.rs`, `leases.rs`, `keys.rs`, `events.rs`, `status.rs` | the resources |
//! | `jobs/`, `secrets.rs`, `drain.rs`, `servers.rs` | those of the cluster |
//! | `wire.rs` | what answers look like |
//! | `sight.rs` | what of them a caller without `operate` does not see |
//! | `provision.rs` | the two POSTs of booting machines, for the boot listener alone |
//! | `serve.rs`, `tls.rs`, `ca.rs` | listeners and certificates |
//! | `docs.rs` | the API document and its page |
//!
//! To add a route: write the handler with `Allowed<Scope>` as its first argument and the same scope in its
//! `utoipa::path`, and name it in its module's `router`. The suite finds it in the document and tests its refusals.

pub mod auth;
pub mod ca;
mod ca_route;
pub mod desks;
mod disk;
mod docs;
pub mod drain;
pub mod error;
mod events;
pub mod first_key;
mod fleet;
pub mod input;
pub mod jobs;
pub mod keyring;
pub mod keys;
pub mod leases;
mod limit;
mod linger;
pub mod nodes;
pub mod prometheus;
pub mod provision;
pub mod request;
pub mod retire;
pub mod runs;
pub mod secrets;
pub mod serve;
pub mod servers;
mod sight;
pub mod state;
mod status;
mod tickets;
pub mod tls;
pub mod wire;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use error::ApiError;
use state::Api;

/// What the document says about the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Roost",
        description = "Bare machines in, a cluster out. Every change takes `?dry_run=true`. Errors have one shape. \
                       Event streams resume by sequence number."
    ),
    tags(
        (name = "nodes", description = "Machines and their way to ready"),
        (name = "runs", description = "Ansible runs"),
        (name = "jobs", description = "What runs on the cluster, and its secrets"),
        (name = "cluster", description = "The servers of Consul and Nomad"),
        (name = "events", description = "What happens, as it happens"),
        (name = "keys", description = "API keys"),
        (name = "network", description = "Addresses"),
        (name = "daemon", description = "The daemon itself"),
    )
)]
struct About;

/// The whole API, ready to be served.
///
/// # Errors
/// The API document has no JSON form.
pub fn router(api: Api) -> Result<Router, serde_json::Error> {
    let (routes, document) = documented();
    let docs = docs::router(&document)?;
    Ok(routes
        .merge(docs)
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::NoMethod)
        .layer(DefaultBodyLimit::max(api.config().body_limit_bytes))
        .layer(middleware::from_fn_with_state(api.rim(), request::around))
        .with_state(api))
}

/// The API document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    documented().1
}

fn documented() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = OpenApiRouter::with_openapi(About::openapi())
        .merge(status::router())
        .merge(nodes::router())
        .merge(disk::router())
        .merge(drain::router())
        .merge(runs::router())
        .merge(jobs::router())
        .merge(secrets::router())
        .merge(servers::router())
        .merge(events::router())
        .merge(leases::router())
        .merge(keys::router())
        .merge(ca_route::router())
        .merge(fleet::router())
        .merge(retire::router())
        .routes(routes!(prometheus::scrape))
        .split_for_parts();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key of `roost key create`. Scopes: read, operate, approve, models, admin."))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    (routes, document)
}
