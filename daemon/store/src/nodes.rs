//! Nodes, compared and swapped on their generation, with what they claim about themselves kept beside.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use vocabulary::{BootId, Hardware, Node, NodeId, Reason, RunId};

use crate::{
    WriteError,
    sql::{At, Json, Num, Text, Word},
};

/// A node to be written over the version that the writer had read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWrite {
    /// The new version.
    pub node: Node,
    /// The generation that was read; 0 if there was none. Another one in the store is a conflict.
    pub from: u64,
}

/// What a machine says of itself: for people and placement, never for a name, a template or a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The name it calls itself by.
    pub hostname: String,
    /// What it says is in the box.
    pub hardware: Hardware,
}

impl From<Node> for NodeWrite {
    /// The version after the one before it.
    fn from(node: Node) -> Self {
        let from = node.generation.saturating_sub(1);
        Self { node, from }
    }
}

const INSERT: &str = "INSERT OR IGNORE INTO nodes
    (id, mac, state, since, cause, remedy, waits_for, approved, identity, address, firmware, boot, run, nomad,
    certificates, created, generation)
    VALUES (:id, :mac, :state, :since, :cause, :remedy, :waits_for, :approved, :identity, :address, :firmware, :boot,
        :run, :nomad, :certificates, :created, :generation)";

const UPDATE: &str = "UPDATE nodes SET mac = :mac, state = :state, since = :since, cause = :cause, remedy = :remedy,
    waits_for = :waits_for, approved = :approved, identity = :identity, address = :address, firmware = :firmware,
    boot = :boot, run = :run, nomad = :nomad, certificates = :certificates, created = :created, generation = :generation
    WHERE id = :id AND generation = :from";

pub(crate) fn write(connection: &Connection, write: &NodeWrite) -> std::result::Result<(), WriteError> {
    let changed = if write.node.generation <= write.from {
        0
    } else if write.from == 0 {
        insert(connection, &write.node)?
    } else {
        update(connection, write)?
    };
    if changed == 1 {
        return Ok(());
    }
    let stored = generation(connection, &write.node.id)?;
    Err(WriteError::Conflict { node: write.node.id.clone(), from: write.from, stored })
}

macro_rules! columns {
    ($node:ident $(, $extra:literal : $value:expr)*) => {
        named_params! {
            ":id": Text(&$node.id),
            ":mac": Text($node.mac),
            ":state": Word($node.state),
            ":since": At($node.since),
            ":cause": $node.reason.as_ref().map(|reason| &reason.cause),
            ":remedy": $node.reason.as_ref().map(|reason| &reason.remedy),
            ":waits_for": Word($node.waits_for),
            ":approved": $node.approved,
            ":identity": $node.identity.as_ref().map(Json),
            ":address": $node.address.map(Text),
            ":firmware": $node.firmware.map(Word),
            ":boot": $node.boot.map(|boot| Num(boot.0)),
            ":run": $node.run.map(|run| Num(run.0)),
            ":nomad": $node.nomad.as_ref().map(Text),
            ":certificates": $node.certificates.map(At),
            ":created": At($node.created),
            ":generation": Num($node.generation),
            $($extra: $value,)*
        }
    };
}

fn insert(connection: &Connection, node: &Node) -> Result<usize> {
    connection.prepare_cached(INSERT)?.execute(columns!(node))
}

fn update(connection: &Connection, write: &NodeWrite) -> Result<usize> {
    let node = &write.node;
    connection.prepare_cached(UPDATE)?.execute(columns!(node, ":from": Num(write.from)))
}

fn generation(connection: &Connection, id: &NodeId) -> Result<u64> {
    let mut statement = connection.prepare_cached("SELECT generation FROM nodes WHERE id = ?1")?;
    let stored: Option<Num> = statement.query_row([Text(id)], |row| row.get(0)).optional()?;
    Ok(stored.map_or(0, |stored| stored.0))
}

pub(crate) fn write_claims(
    connection: &Connection,
    node: &NodeId,
    claims: &Claims,
) -> std::result::Result<(), WriteError> {
    let mut statement = connection.prepare_cached("UPDATE nodes SET hostname = ?2, hardware = ?3 WHERE id = ?1")?;
    match statement.execute((Text(node), &claims.hostname, Json(&claims.hardware)))? {
        0 => Err(WriteError::Unknown { what: format!("what {node} claims") }),
        _ => Ok(()),
    }
}

pub(crate) fn forget(connection: &Connection, node: &NodeId) -> std::result::Result<(), WriteError> {
    connection.prepare_cached("DELETE FROM nodes WHERE id = ?1")?.execute([Text(node)])?;
    Ok(())
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<Node>> {
    connection.prepare_cached("SELECT * FROM nodes ORDER BY id")?.query_map([], read)?.collect()
}

pub(crate) fn one(connection: &Connection, id: &NodeId) -> Result<Option<Node>> {
    connection.prepare_cached("SELECT * FROM nodes WHERE id = ?1")?.query_row([Text(id)], read).optional()
}

pub(crate) fn claims(connection: &Connection, id: &NodeId) -> Result<Option<Claims>> {
    let mut statement =
        connection.prepare_cached("SELECT hostname, hardware FROM nodes WHERE id = ?1 AND hardware IS NOT NULL")?;
    let read = |row: &Row<'_>| Ok(Claims { hostname: row.get(0)?, hardware: row.get::<_, Json<_>>(1)?.0 });
    statement.query_row([Text(id)], read).optional()
}

fn read(row: &Row<'_>) -> Result<Node> {
    let reason = match (row.get("cause")?, row.get("remedy")?) {
        (Some(cause), Some(remedy)) => Some(Reason { cause, remedy }),
        _ => None,
    };
    Ok(Node {
        id: row.get::<_, Text<_>>("id")?.0,
        mac: row.get::<_, Text<_>>("mac")?.0,
        state: row.get::<_, Word<_>>("state")?.0,
        since: row.get::<_, At>("since")?.0,
        reason,
        waits_for: row.get::<_, Word<_>>("waits_for")?.0,
        approved: row.get("approved")?,
        identity: row.get::<_, Option<Json<_>>>("identity")?.map(|json| json.0),
        address: row.get::<_, Option<Text<_>>>("address")?.map(|text| text.0),
        firmware: row.get::<_, Option<Word<_>>>("firmware")?.map(|word| word.0),
        boot: row.get::<_, Option<Num>>("boot")?.map(|boot| BootId(boot.0)),
        run: row.get::<_, Option<Num>>("run")?.map(|run| RunId(run.0)),
        nomad: row.get::<_, Option<Text<_>>>("nomad")?.map(|text| text.0),
        certificates: row.get::<_, Option<At>>("certificates")?.map(|at| at.0),
        created: row.get::<_, At>("created")?.0,
        generation: row.get::<_, Num>("generation")?.0,
    })
}
