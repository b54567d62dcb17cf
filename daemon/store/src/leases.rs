//! DHCP leases, as the DHCP part writes them before it acknowledges.
//!
//! The address is the key, not the client: one that declined an address has the note on it and, beside that, the
//! lease of its next one.

use std::net::Ipv4Addr;

use rusqlite::{Connection, Result, Row};
use vocabulary::{Mac, Timestamp};

use crate::{
    WriteError,
    sql::{At, Text},
};

/// What holds for one address. The DHCP part gives the words their meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// The address, which no other row has.
    pub address: Ipv4Addr,
    /// Who has it, as the DHCP part tells clients apart.
    pub client: String,
    /// The Ethernet address, where the client is known by one.
    pub mac: Option<Mac>,
    /// What the machine calls itself.
    pub hostname: Option<String>,
    /// `bound`, `released`, `declined`.
    pub state: String,
    /// When that was decided.
    pub since: Timestamp,
    /// Until when it holds.
    pub expires: Timestamp,
}

/// Replaces what held for the address: the server's memory has decided already.
const REPLACE: &str = "INSERT OR REPLACE INTO leases (address, client, mac, hostname, state, since, expires)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) fn write(connection: &Connection, lease: &LeaseRow) -> std::result::Result<(), WriteError> {
    let LeaseRow { address, client, mac, hostname, state, since, expires } = lease;
    let row = (Text(address), client, mac.map(Text), hostname, state, At(*since), At(*expires));
    connection.prepare_cached(REPLACE)?.execute(row)?;
    Ok(())
}

pub(crate) fn remove(connection: &Connection, address: Ipv4Addr) -> std::result::Result<(), WriteError> {
    connection.prepare_cached("DELETE FROM leases WHERE address = ?1")?.execute([Text(address)])?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<LeaseRow>> {
    connection.prepare_cached("SELECT * FROM leases ORDER BY address")?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<LeaseRow> {
    Ok(LeaseRow {
        address: row.get::<_, Text<_>>("address")?.0,
        client: row.get("client")?,
        mac: row.get::<_, Option<Text<_>>>("mac")?.map(|text| text.0),
        hostname: row.get("hostname")?,
        state: row.get("state")?,
        since: row.get::<_, At>("since")?.0,
        expires: row.get::<_, At>("expires")?.0,
    })
}
