//! Small facts by name, such as the open approval window: what deserves no table of its own.

use rusqlite::{Connection, OptionalExtension as _, Result};
use serde_json::Value;

use crate::{WriteError, sql::Json};

pub(crate) fn write(connection: &Connection, name: &str, value: Option<&Value>) -> std::result::Result<(), WriteError> {
    match value {
        Some(value) => {
            let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2";
            connection.prepare_cached(sql)?.execute((name, Json(value)))?;
        }
        None => {
            connection.prepare_cached("DELETE FROM settings WHERE name = ?1")?.execute([name])?;
        }
    }
    Ok(())
}

pub(crate) fn one(connection: &Connection, name: &str) -> Result<Option<Value>> {
    let mut statement = connection.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    let value: Option<Json<Value>> = statement.query_row([name], |row| row.get(0)).optional()?;
    Ok(value.map(|json| json.0))
}
