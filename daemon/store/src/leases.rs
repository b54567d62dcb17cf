//! DHCP leases, as the DHCP part writes them before it acknowledges.

use std::net::Ipv4Addr;

use rusqlite::{Connection, Result, Row};
use vocabulary::{Mac, Timestamp};

use crate::{
    WriteError,
    sql::{At, Text},
};

/// One lease. The DHCP part gives the words their meaning; the store only keeps one row a client and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// How the DHCP part tells clients apart: the MAC, written out.
    pub client: String,
    /// The address, which no other row has.
    pub address: Ipv4Addr,
    /// The Ethernet address, where the client has one.
    pub mac: Option<Mac>,
    /// Option 61 as it was sent.
    pub client_id: Option<Vec<u8>>,
    /// What the machine calls itself.
    pub hostname: Option<String>,
    /// `bound`, `released`, `declined`...
    pub state: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// Replaces every row that has the client or the address: the server's memory has decided already.
const REPLACE: &str = "INSERT OR REPLACE INTO leases (client, address, mac, client_id, hostname, state, expires)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) fn write(connection: &Connection, lease: &LeaseRow) -> std::result::Result<(), WriteError> {
    let LeaseRow { client, address, mac, client_id, hostname, state, expires } = lease;
    let row = (client, Text(address), mac.map(Text), client_id, hostname, state, At(*expires));
    connection.prepare_cached(REPLACE)?.execute(row)?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, client: &str) -> std::result::Result<(), WriteError> {
    connection.prepare_cached("DELETE FROM leases WHERE client = ?1")?.execute([client])?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<LeaseRow>> {
    connection.prepare_cached("SELECT * FROM leases ORDER BY client")?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<LeaseRow> {
    Ok(LeaseRow {
        client: row.get("client")?,
        address: row.get::<_, Text<_>>("address")?.0,
        mac: row.get::<_, Option<Text<_>>>("mac")?.map(|text| text.0),
        client_id: row.get("client_id")?,
        hostname: row.get("hostname")?,
        state: row.get("state")?,
        expires: row.get::<_, At>("expires")?.0,
    })
}
