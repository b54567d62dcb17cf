//! API keys: their digests, never the keys.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};
use vocabulary::{KeyId, Timestamp};

use crate::{
    WriteError,
    error::is_duplicate,
    sql::{At, Json},
};

/// One key, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Names it in listings and in the audit.
    pub id: KeyId,
    /// What a person called it.
    pub name: String,
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Since when it no longer counts.
    pub revoked: Option<Timestamp>,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
}

const INSERT: &str = "INSERT INTO keys (id, name, sha256, scopes, created, revoked, last_used)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) fn write(connection: &Connection, key: &KeyRow) -> std::result::Result<(), WriteError> {
    let KeyRow { id, name, sha256, scopes, created, revoked, last_used } = key;
    let row = (&id.0, name, sha256, Json(scopes), At(*created), revoked.map(At), last_used.map(At));
    match connection.prepare_cached(INSERT)?.execute(row) {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(WriteError::DuplicateKey { id: id.clone() }),
        Err(error) => Err(error.into()),
    }
}

/// A key that is revoked already keeps its first date.
pub(crate) fn revoke(connection: &Connection, id: &KeyId, at: Timestamp) -> std::result::Result<(), WriteError> {
    let sql = "UPDATE keys SET revoked = coalesce(revoked, ?2) WHERE id = ?1";
    match connection.prepare_cached(sql)?.execute((&id.0, At(at)))? {
        0 => Err(WriteError::NoKey { id: id.clone() }),
        _ => Ok(()),
    }
}

/// A key from the configuration has no row, and its use leaves none.
pub(crate) fn used(connection: &Connection, id: &KeyId, at: Timestamp) -> std::result::Result<(), WriteError> {
    let sql = "UPDATE keys SET last_used = max(coalesce(last_used, ?2), ?2) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute((&id.0, At(at)))?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<KeyRow>> {
    connection.prepare_cached("SELECT * FROM keys ORDER BY created, id")?.query_map([], read)?.collect()
}

pub(crate) fn by_digest(connection: &Connection, sha256: [u8; 32]) -> Result<Option<KeyRow>> {
    connection.prepare_cached("SELECT * FROM keys WHERE sha256 = ?1")?.query_row([sha256], read).optional()
}

fn read(row: &Row<'_>) -> Result<KeyRow> {
    Ok(KeyRow {
        id: KeyId(row.get("id")?),
        name: row.get("name")?,
        sha256: row.get("sha256")?,
        scopes: row.get::<_, Json<_>>("scopes")?.0,
        created: row.get::<_, At>("created")?.0,
        revoked: row.get::<_, Option<At>>("revoked")?.map(|at| at.0),
        last_used: row.get::<_, Option<At>>("last_used")?.map(|at| at.0),
    })
}
