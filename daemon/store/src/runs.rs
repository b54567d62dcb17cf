//! Runs, which only move forward and end once, and what their tasks reported.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use vocabulary::{BootId, NodeId, Run, RunId, RunState, Timestamp};

use crate::{
    Write, WriteError,
    error::{is_duplicate, refers_to_nothing},
    sql::{At, Json, Num, Text, Word},
};

/// Which runs to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this node alone.
    pub node: Option<NodeId>,
    /// In one of these states; none means any.
    pub states: Vec<RunState>,
    /// The newest so many.
    pub limit: u32,
}

/// What one task of a run reported.
#[derive(Debug, Clone, PartialEq)]
pub struct RunTaskRow {
    /// Of which run.
    pub run: RunId,
    /// Its place in the run, counted by the runner.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The report; never holds a secret.
    pub data: serde_json::Value,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self { node: None, states: Vec::new(), limit: 100 }
    }
}

impl RunFilter {
    /// Every run that has not ended.
    #[must_use]
    pub fn open() -> Self {
        Self { states: vec![RunState::Queued, RunState::Running], limit: u32::MAX, ..Self::default() }
    }
}

const INSERT: &str = "INSERT INTO runs
    (id, node, boot, state, purpose, retry_of, attempt, asked_by, cause, process, created, started, ended, tasks_done,
        tasks_changed, task)
    VALUES (:id, :node, :boot, :state, :purpose, :retry_of, :attempt, :asked_by, :cause, :process, :created, :started, :ended,
        :tasks_done, :tasks_changed, :task)";

/// Who asked for what stays as it was first written; only what happens to a run changes.
const UPDATE: &str = "UPDATE runs SET state = :state, cause = :cause, process = :process, started = :started,
    ended = :ended, tasks_done = :tasks_done, tasks_changed = :tasks_changed, task = :task WHERE id = :id";

pub(crate) fn write(connection: &Connection, write: &Write<Run>) -> std::result::Result<RunId, WriteError> {
    let run = match write {
        Write::New(run) => return insert(connection, None, run),
        Write::Put(run) => run,
    };
    let Some(stored) = one(connection, run.id)? else { return insert(connection, Some(run.id), run) };
    if stored == *run {
        return Ok(run.id);
    }
    if rank(run.state) < rank(stored.state) || stored.state.ended() {
        return Err(WriteError::RunState { run: run.id, stored: stored.state, wanted: run.state });
    }
    update(connection, run)?;
    Ok(run.id)
}

const fn rank(state: RunState) -> u8 {
    match state {
        RunState::Queued => 0,
        RunState::Running => 1,
        _ => 2,
    }
}

fn insert(connection: &Connection, id: Option<RunId>, run: &Run) -> std::result::Result<RunId, WriteError> {
    let inserted = connection.prepare_cached(INSERT)?.execute(named_params! {
        ":id": id.map(|id| Num(id.0)),
        ":node": Text(&run.node),
        ":boot": run.boot.map(|boot| Num(boot.0)),
        ":state": Word(run.state),
        ":purpose": Word(run.purpose),
        ":retry_of": run.retry_of.map(|run| Num(run.0)),
        ":attempt": run.attempt,
        ":asked_by": run.asked_by,
        ":cause": run.cause,
        ":process": run.process.as_ref().map(Json),
        ":created": At(run.created),
        ":started": run.started.map(At),
        ":ended": run.ended.map(At),
        ":tasks_done": run.tasks_done,
        ":tasks_changed": run.tasks_changed,
        ":task": run.task,
    });
    match inserted {
        Ok(_) => Ok(RunId(connection.last_insert_rowid().unsigned_abs())),
        Err(error) if refers_to_nothing(&error) => Err(WriteError::Unknown { what: format!("a run of {}", run.node) }),
        Err(error) if is_duplicate(&error) => Err(duplicate(connection, run, error)),
        Err(error) => Err(error.into()),
    }
}

fn duplicate(connection: &Connection, run: &Run, error: rusqlite::Error) -> WriteError {
    let Some(boot) = run.boot else { return error.into() };
    match by_key(connection, &run.node, boot, run.attempt) {
        Ok(Some(found)) => {
            let (node, attempt, existing) = (run.node.clone(), run.attempt, found.id);
            WriteError::DuplicateRun { node, boot, attempt, existing }
        }
        Ok(None) => error.into(),
        Err(error) => error.into(),
    }
}

fn update(connection: &Connection, run: &Run) -> Result<usize> {
    connection.prepare_cached(UPDATE)?.execute(named_params! {
        ":id": Num(run.id.0),
        ":state": Word(run.state),
        ":cause": run.cause,
        ":process": run.process.as_ref().map(Json),
        ":started": run.started.map(At),
        ":ended": run.ended.map(At),
        ":tasks_done": run.tasks_done,
        ":tasks_changed": run.tasks_changed,
        ":task": run.task,
    })
}

pub(crate) fn write_task(connection: &Connection, task: &RunTaskRow) -> std::result::Result<(), WriteError> {
    let sql = "INSERT INTO run_tasks (run, seq, at, data) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let row = (Num(task.run.0), Num(task.seq), At(task.at), Json(&task.data));
    match connection.prepare_cached(sql)?.execute(row) {
        Ok(_) => Ok(()),
        Err(error) if refers_to_nothing(&error) => {
            Err(WriteError::Unknown { what: format!("a task of run {}", task.run) })
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn one(connection: &Connection, id: RunId) -> Result<Option<Run>> {
    connection.prepare_cached("SELECT * FROM runs WHERE id = ?1")?.query_row([Num(id.0)], read).optional()
}

fn by_key(connection: &Connection, node: &NodeId, boot: BootId, attempt: u32) -> Result<Option<Run>> {
    let sql = "SELECT * FROM runs WHERE node = ?1 AND boot = ?2 AND attempt = ?3";
    connection.prepare_cached(sql)?.query_row((Text(node), Num(boot.0), attempt), read).optional()
}

/// The newest first.
pub(crate) fn list(connection: &Connection, filter: &RunFilter) -> Result<Vec<Run>> {
    let sql = "SELECT * FROM runs WHERE (?1 IS NULL OR node = ?1)
        AND (?2 = '[]' OR state IN (SELECT value FROM json_each(?2))) ORDER BY id DESC LIMIT ?3";
    let row = (filter.node.as_ref().map(Text), Json(&filter.states), filter.limit);
    connection.prepare_cached(sql)?.query_map(row, read)?.collect()
}

/// Those after `since`, in their order.
pub(crate) fn tasks(connection: &Connection, run: RunId, since: u64) -> Result<Vec<RunTaskRow>> {
    let mut statement =
        connection.prepare_cached("SELECT seq, at, data FROM run_tasks WHERE run = ?1 AND seq > ?2 ORDER BY seq")?;
    let read = |row: &Row<'_>| {
        let (seq, at) = (row.get::<_, Num>(0)?.0, row.get::<_, At>(1)?.0);
        Ok(RunTaskRow { run, seq, at, data: row.get::<_, Json<_>>(2)?.0 })
    };
    statement.query_map((Num(run.0), Num(since)), read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Run> {
    Ok(Run {
        id: RunId(row.get::<_, Num>("id")?.0),
        node: row.get::<_, Text<_>>("node")?.0,
        boot: row.get::<_, Option<Num>>("boot")?.map(|boot| BootId(boot.0)),
        state: row.get::<_, Word<_>>("state")?.0,
        purpose: row.get::<_, Word<_>>("purpose")?.0,
        retry_of: row.get::<_, Option<Num>>("retry_of")?.map(|run| RunId(run.0)),
        attempt: row.get("attempt")?,
        asked_by: row.get("asked_by")?,
        cause: row.get("cause")?,
        process: row.get::<_, Option<Json<_>>>("process")?.map(|json| json.0),
        created: row.get::<_, At>("created")?.0,
        started: row.get::<_, Option<At>>("started")?.map(|at| at.0),
        ended: row.get::<_, Option<At>>("ended")?.map(|at| at.0),
        tasks_done: row.get("tasks_done")?,
        tasks_changed: row.get("tasks_changed")?,
        task: row.get("task")?,
    })
}
