//! The event log: places without gaps, a floor that is remembered.
//!
//! The table is the truth; [`crate::Store::commits`] only hints that there is more to read. A reader who comes back
//! with a place below the floor, or beyond the end (the database was restored from a backup), is told so instead of
//! silently missing events. What people did and alarms are kept longer than the rest, by bounds of their own: whoever can
//! make things happen (the boot network can) must not be able to push out of the log what was done about it.

use rusqlite::{Connection, Result, Row};
use vocabulary::{Event, EventKind, NodeId, RunId, Seq, Timestamp, redact_tokens};

use crate::{
    ReadError, Retention, WriteError,
    sql::{At, Json, Num, Text, Word},
};

/// So many events after the last time, those beyond the bounds are dropped with the commit that brings more: a flood
/// between two looks at the clock must not fill the disk.
const TRIM_EVERY: u64 = 10_000;

/// An event before it has its place.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What it is about.
    pub kind: EventKind,
    /// Which node, where one is concerned.
    pub node: Option<NodeId>,
    /// Which run, where one is concerned.
    pub run: Option<RunId>,
    /// The subject itself; never holds a secret.
    pub data: serde_json::Value,
}

/// Why events could not be read on from a place.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Some that the reader has not seen are dropped already.
    #[error("events before {first} are no longer kept", first = first.0)]
    Gone {
        /// The oldest that is kept: read the state anew, then go on from the one before it.
        first: Seq,
    },
    /// The reader has seen events that this log never had.
    #[error("the log ends at {last}", last = last.0)]
    Ahead {
        /// The newest: read the state anew, then go on from here.
        last: Seq,
    },
    /// The table could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<rusqlite::Error> for EventsError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Read(error.into())
    }
}

pub(crate) fn append(connection: &Connection, events: Vec<NewEvent>) -> std::result::Result<Vec<Event>, WriteError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let (_, Seq(before)) = bounds(connection)?;
    let placed: Vec<Event> = events.into_iter().zip(before + 1..).map(|(event, seq)| place(event, Seq(seq))).collect();
    let sql = "INSERT INTO events (seq, at, kind, node, run, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = connection.prepare_cached(sql)?;
    for event in &placed {
        let (node, run) = (event.node.as_ref().map(Text), event.run.map(|run| Num(run.0)));
        statement.execute((Num(event.seq.0), At(event.at), Word(event.kind), node, run, Json(&event.data)))?;
    }
    let last = before + placed.len() as u64;
    connection.prepare_cached("UPDATE event_log SET last = ?1")?.execute([Num(last)])?;
    if last / TRIM_EVERY > before / TRIM_EVERY {
        trim(connection, &Retention::default())?;
    }
    Ok(placed)
}

/// Whatever the writer overlooked, no token is kept.
fn place(event: NewEvent, seq: Seq) -> Event {
    let NewEvent { at, kind, node, run, data } = event;
    let text = data.to_string();
    let shown = redact_tokens(&text);
    // Redaction swaps letters within a JSON string for others that need no escaping, so it still parses.
    let data = if shown == text { data } else { serde_json::from_str(&shown).unwrap_or_default() };
    Event { seq, at, kind, node, run, data }
}

/// The oldest and the newest; the newest is one less than the oldest when there are none.
pub(crate) fn bounds(connection: &Connection) -> Result<(Seq, Seq)> {
    let mut statement = connection.prepare_cached("SELECT first, last FROM event_log")?;
    statement.query_row([], |row| Ok((Seq(row.get::<_, Num>(0)?.0), Seq(row.get::<_, Num>(1)?.0))))
}

/// Those after `since`, at most `limit`, in their order. Below the floor those that are kept longer come first; then the
/// reader is told that others are gone.
pub(crate) fn since(connection: &Connection, since: Seq, limit: u32) -> std::result::Result<Vec<Event>, EventsError> {
    // One snapshot for both questions, or a trim between them would make a silent gap.
    let snapshot = connection.unchecked_transaction()?;
    let (first, last) = bounds(&snapshot)?;
    if since.0 + 1 < first.0 {
        let sql = "SELECT * FROM events WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
        let mut statement = snapshot.prepare_cached(sql)?;
        let kept = statement.query_map((Num(since.0), Num(first.0), limit), read)?;
        let kept = kept.collect::<Result<Vec<Event>>>()?;
        return if kept.is_empty() { Err(EventsError::Gone { first }) } else { Ok(kept) };
    }
    if since > last {
        return Err(EventsError::Ahead { last });
    }
    let mut statement = snapshot.prepare_cached("SELECT * FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    Ok(statement.query_map((Num(since.0), limit), read)?.collect::<Result<_>>()?)
}

/// Keeps the newest of all, and more of what people did and of alarms; remembers from where on nothing is missing.
pub(crate) fn trim(connection: &Connection, keep: &Retention) -> Result<usize> {
    let (first, last) = bounds(connection)?;
    let whole = (last.0 + 1).saturating_sub(keep.events).max(first.0);
    let (audit, alarm) = (EventKind::Audit, EventKind::Alarm);
    let others = "DELETE FROM events WHERE seq < ?1 AND kind NOT IN (?2, ?3)";
    let mut dropped = connection.execute(others, (Num(whole), Word(audit), Word(alarm)))?;
    for (kind, keep) in [(audit, keep.audits), (alarm, keep.alarms)] {
        let beyond = "DELETE FROM events WHERE kind = ?2 AND seq < ?1 AND seq <=
            (SELECT seq FROM events WHERE kind = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)";
        dropped += connection.execute(beyond, (Num(whole), Word(kind), Num(keep)))?;
    }
    let floor = floor(connection, first, Seq(whole))?;
    connection.execute("UPDATE event_log SET first = ?1", [Num(floor.0)])?;
    Ok(dropped)
}

/// The lowest place from which on nothing is missing: the one before it is gone, so whoever reads up to there is told.
fn floor(connection: &Connection, first: Seq, whole: Seq) -> Result<Seq> {
    let mut there = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM events WHERE seq = ?1)")?;
    let mut floor = whole.0;
    while floor > first.0 && there.query_row([Num(floor - 1)], |row| row.get(0))? {
        floor -= 1;
    }
    Ok(Seq(floor))
}

fn read(row: &Row<'_>) -> Result<Event> {
    Ok(Event {
        seq: Seq(row.get::<_, Num>("seq")?.0),
        at: row.get::<_, At>("at")?.0,
        kind: row.get::<_, Word<_>>("kind")?.0,
        node: row.get::<_, Option<Text<_>>>("node")?.map(|text| text.0),
        run: row.get::<_, Option<Num>>("run")?.map(|run| RunId(run.0)),
        data: row.get::<_, Json<_>>("data")?.0,
    })
}
