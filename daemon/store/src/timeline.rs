//! Timelines: one line a station, with the time since the line before it.

use rusqlite::{Connection, OptionalExtension as _, Result, Row};
use vocabulary::{BootId, NodeId, Step, StepRecord, Timestamp, redact_tokens};

use crate::{
    WriteError,
    error::refers_to_nothing,
    sql::{At, Num, Text, Word},
};

const INSERT: &str = "INSERT INTO steps (node, boot, at, step, detail, took_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Whatever the writer overlooked, no token is kept: the detail is redacted here as well.
pub(crate) fn write(connection: &Connection, line: &StepRecord) -> std::result::Result<(), WriteError> {
    let took = match line.took_ms {
        Some(took) => Some(took),
        None => before(connection, line)?.map(|before| millis_between(before, line.at)),
    };
    let boot = line.boot.map(|boot| Num(boot.0));
    let detail = redact_tokens(&line.detail);
    let row = (Text(&line.node), boot, At(line.at), Word(line.step), detail, took.map(Num));
    match connection.prepare_cached(INSERT)?.execute(row) {
        Ok(_) => Ok(()),
        Err(error) if refers_to_nothing(&error) => {
            Err(WriteError::Unknown { what: format!("a timeline line of {}", line.node) })
        }
        Err(error) => Err(error.into()),
    }
}

/// When the line before this one was written, in the same boot.
fn before(connection: &Connection, line: &StepRecord) -> Result<Option<Timestamp>> {
    let sql = "SELECT at FROM steps WHERE node = ?1 AND boot IS ?2 ORDER BY id DESC LIMIT 1";
    let boot = line.boot.map(|boot| Num(boot.0));
    let at: Option<At> =
        connection.prepare_cached(sql)?.query_row((Text(&line.node), boot), |row| row.get(0)).optional()?;
    Ok(at.map(|at| at.0))
}

/// A wall clock that was set back makes no negative duration.
fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// The last `limit` lines of a node, or of one of its boots, the oldest of them first.
pub(crate) fn of_node(
    connection: &Connection,
    node: &NodeId,
    boot: Option<BootId>,
    limit: u32,
) -> Result<Vec<StepRecord>> {
    let sql = "SELECT * FROM
        (SELECT * FROM steps WHERE node = ?1 AND (?2 IS NULL OR boot = ?2) ORDER BY id DESC LIMIT ?3)
        ORDER BY id";
    let boot = boot.map(|boot| Num(boot.0));
    connection.prepare_cached(sql)?.query_map((Text(node), boot, limit), read)?.collect()
}

fn read(row: &Row<'_>) -> Result<StepRecord> {
    Ok(StepRecord {
        node: row.get::<_, Text<_>>("node")?.0,
        boot: row.get::<_, Option<Num>>("boot")?.map(|boot| BootId(boot.0)),
        at: row.get::<_, At>("at")?.0,
        step: row.get::<_, Word<Step>>("step")?.0,
        detail: row.get("detail")?,
        took_ms: row.get::<_, Option<Num>>("took_ms")?.map(|took| took.0),
    })
}
