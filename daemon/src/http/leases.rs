//! `/api/leases`: addresses that are lent.

use std::net::Ipv4Addr;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use store::LeaseRow;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vocabulary::{Mac, Timestamp};

use super::{
    auth::{Allowed, Read},
    error::{ApiError, ErrorBody},
    state::Api,
};

/// The routes of this module.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaseView {
    /// The address.
    #[schema(value_type = String, format = Ipv4)]
    pub address: Ipv4Addr,
    /// Who has it, where the client has an Ethernet address.
    #[schema(value_type = Option<String>, example = "52:54:00:12:34:56")]
    pub mac: Option<Mac>,
    /// How the DHCP part tells the client from others.
    pub client: String,
    /// What the machine calls itself.
    pub hostname: Option<String>,
    /// bound, released, declined...
    pub state: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

impl From<LeaseRow> for LeaseView {
    fn from(row: LeaseRow) -> Self {
        Self {
            address: row.address,
            mac: row.mac,
            client: row.client,
            hostname: row.hostname,
            state: row.state,
            expires: row.expires,
        }
    }
}

/// Lists every lease, by address.
#[utoipa::path(
    get, path = "/api/leases", tag = "network",
    responses((status = 200, body = [LeaseView]), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)),
    security(("bearer" = ["read"])),
)]
async fn list(_: Allowed<Read>, State(api): State<Api>) -> Result<Json<Vec<LeaseView>>, ApiError> {
    let mut leases = api.store().leases().await?;
    leases.sort_by_key(|lease| lease.address);
    Ok(Json(leases.into_iter().map(LeaseView::from).collect()))
}
