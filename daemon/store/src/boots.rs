//! Boot attempts: which token was minted for which, and what its 202 was for.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use vocabulary::{BootId, Firmware, NodeId, RunId, SmbiosUuid, Timestamp, TokenHash};

use crate::{
    Write, WriteError,
    error::{is_duplicate, refers_to_nothing},
    sql::{At, Num, Text, Word},
};

/// One attempt of a machine to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRow {
    /// Its number.
    pub id: BootId,
    /// Whose.
    pub node: NodeId,
    /// When it began: its first DISCOVER, or its script.
    pub opened: Timestamp,
    /// Digest of the token in its last script; absent until one was sent.
    pub token: Option<TokenHash>,
    /// When that token was minted.
    pub minted: Option<Timestamp>,
    /// When it stops counting.
    pub expires: Option<Timestamp>,
    /// The UUID that the script was asked with.
    pub uuid: Option<SmbiosUuid>,
    /// The firmware that asked.
    pub firmware: Option<Firmware>,
    /// When its call-home was accepted.
    pub used: Option<Timestamp>,
    /// Digest of the identity that was accepted, so that a repeat gets the same answer and another machine none.
    pub accepted: Option<[u8; 32]>,
    /// The run that was promised.
    pub run: Option<RunId>,
}

impl BootRow {
    /// An attempt of which nothing is known but that it began.
    #[must_use]
    pub const fn new(id: BootId, node: NodeId, opened: Timestamp) -> Self {
        let (token, minted, expires, uuid, firmware) = (None, None, None, None, None);
        Self { id, node, opened, token, minted, expires, uuid, firmware, used: None, accepted: None, run: None }
    }
}

/// `node` and `opened` stay as they were first written.
const UPSERT: &str = "INSERT INTO boots
    (id, node, opened, token, minted, expires, uuid, firmware, used, accepted, run)
    VALUES (:id, :node, :opened, :token, :minted, :expires, :uuid, :firmware, :used, :accepted, :run)
    ON CONFLICT (id) DO UPDATE SET token = :token, minted = :minted, expires = :expires, uuid = :uuid,
        firmware = :firmware, used = :used, accepted = :accepted, run = :run
        WHERE node = :node";

pub(crate) fn write(connection: &Connection, write: &Write<BootRow>) -> std::result::Result<BootId, WriteError> {
    let (id, boot) = match write {
        Write::New(boot) => (None, boot),
        Write::Put(boot) => (Some(boot.id), boot),
    };
    let unknown = || WriteError::Unknown { what: format!("a boot of {}", boot.node) };
    match upsert(connection, id, boot) {
        Ok(0) => Err(unknown()),
        Ok(_) => Ok(id.unwrap_or(BootId(connection.last_insert_rowid().unsigned_abs()))),
        Err(error) if refers_to_nothing(&error) => Err(unknown()),
        Err(error) if is_duplicate(&error) => Err(WriteError::DuplicateToken { node: boot.node.clone() }),
        Err(error) => Err(error.into()),
    }
}

fn upsert(connection: &Connection, id: Option<BootId>, boot: &BootRow) -> Result<usize> {
    connection.prepare_cached(UPSERT)?.execute(named_params! {
        ":id": id.map(|id| Num(id.0)),
        ":node": Text(&boot.node),
        ":opened": At(boot.opened),
        ":token": boot.token.map(|hash| hash.0),
        ":minted": boot.minted.map(At),
        ":expires": boot.expires.map(At),
        ":uuid": boot.uuid.map(Text),
        ":firmware": boot.firmware.map(Word),
        ":used": boot.used.map(At),
        ":accepted": boot.accepted,
        ":run": boot.run.map(|run| Num(run.0)),
    })
}

pub(crate) fn one(connection: &Connection, id: BootId) -> Result<Option<BootRow>> {
    connection.prepare_cached("SELECT * FROM boots WHERE id = ?1")?.query_row([Num(id.0)], read).optional()
}

/// The newest first.
pub(crate) fn of_node(connection: &Connection, node: &NodeId, limit: u32) -> Result<Vec<BootRow>> {
    let mut statement = connection.prepare_cached("SELECT * FROM boots WHERE node = ?1 ORDER BY id DESC LIMIT ?2")?;
    statement.query_map((Text(node), limit), read)?.collect()
}

/// The last one of every node that has any, and the last one with a token.
pub(crate) fn last_of_each(connection: &Connection) -> Result<Vec<BootRow>> {
    let sql = "SELECT * FROM boots WHERE id IN (SELECT max(id) FROM boots GROUP BY node UNION
        SELECT max(id) FROM boots WHERE token IS NOT NULL GROUP BY node) ORDER BY node, id";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> Result<BootRow> {
    Ok(BootRow {
        id: BootId(row.get::<_, Num>("id")?.0),
        node: row.get::<_, Text<_>>("node")?.0,
        opened: row.get::<_, At>("opened")?.0,
        token: row.get::<_, Option<_>>("token")?.map(TokenHash),
        minted: row.get::<_, Option<At>>("minted")?.map(|at| at.0),
        expires: row.get::<_, Option<At>>("expires")?.map(|at| at.0),
        uuid: row.get::<_, Option<Text<_>>>("uuid")?.map(|text| text.0),
        firmware: row.get::<_, Option<Word<_>>>("firmware")?.map(|word| word.0),
        used: row.get::<_, Option<At>>("used")?.map(|at| at.0),
        accepted: row.get("accepted")?,
        run: row.get::<_, Option<Num>>("run")?.map(|run| RunId(run.0)),
    })
}
