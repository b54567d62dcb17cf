//! What our callback plugin writes into `events.jsonl`, read back, bounded and made safe to show.
//!
//! One line, one event; a line's number is its sequence number, so that a reader that starts anew after a crash
//! repeats nothing that the book has. Messages come from modules that ran on a node, so they are a stranger's text:
//! control characters become spaces, tokens are taken out, length is bounded. A line that is not understood is
//! skipped and said so: a newer plugin must not stop a run.

use serde::{Deserialize, Deserializer, Serialize};
use vocabulary::{NomadId, Timestamp, redact_tokens};

/// Longest line that is read.
pub const LINE_LIMIT_BYTES: usize = 256 * 1024;
const NAME_LIMIT_CHARS: usize = 200;
const MESSAGE_LIMIT_CHARS: usize = 1000;
const PROMISE_LIMIT: usize = 100;

/// How one task stands on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    /// It began.
    Started,
    /// Nothing was to be changed.
    Ok,
    /// It changed something.
    Changed,
    /// Its condition said no.
    Skipped,
    /// It failed.
    Failed,
    /// It failed and the play says that this does not matter.
    Ignored,
    /// The host was not reached.
    Unreachable,
}

/// One task on one host, started or done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Counts the events of the run from 1; the same number is the same report, however often it is delivered.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Inventory name of the host.
    pub host: String,
    /// Name of the task.
    pub task: String,
    /// The role it belongs to.
    pub role: Option<String>,
    /// How it stands.
    pub outcome: TaskOutcome,
    /// How long it took, once it is done.
    pub took_ms: Option<u64>,
    /// What it said, where it failed.
    pub message: Option<String>,
    /// Tasks of the run done so far, this one included.
    pub tasks_done: u32,
    /// Tasks among them that changed something.
    pub tasks_changed: u32,
}

/// Something that a node must be or have, as `bootstrap_agent` found it over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Which: `docker runs containers`.
    pub name: String,
    /// Whether it was found so.
    pub kept: bool,
    /// What was seen.
    #[serde(default)]
    pub detail: String,
    /// The Nomad client that was found, where that was promised.
    #[serde(default, deserialize_with = "nomad_id", skip_serializing_if = "Option::is_none")]
    pub nomad: Option<NomadId>,
    /// When the first of the agents' certificates ends, where that was looked at; in JSON seconds since 1970.
    #[serde(default, deserialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Timestamp>,
}

/// One line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// A play began.
    Play {
        /// Its name.
        name: String,
    },
    /// A task began or ended.
    Task(TaskReport),
    /// What `bootstrap_agent` found.
    Promises(Vec<Promise>),
    /// The play has no host of this run.
    NoHosts,
    /// The playbook reached its end.
    Stats,
}

/// A line is not understood.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Longer than any event.
    #[error("a line of {0} bytes")]
    TooLong(usize),
    /// No JSON of the expected form.
    #[error("no event")]
    Malformed(#[from] serde_json::Error),
    /// A kind that this version does not know.
    #[error("unknown kind {0:?}")]
    Unknown(String),
}

#[derive(Deserialize)]
struct Line {
    at_ms: i64,
    kind: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    task: String,
    role: Option<String>,
    took_ms: Option<u64>,
    message: Option<String>,
    #[serde(default)]
    promises: Vec<Promise>,
}

impl TaskOutcome {
    /// Whether the task is over.
    #[must_use]
    pub const fn done(self) -> bool {
        !matches!(self, Self::Started)
    }

    fn named(kind: &str) -> Option<Self> {
        Some(match kind {
            "start" => Self::Started,
            "ok" => Self::Ok,
            "changed" => Self::Changed,
            "skipped" => Self::Skipped,
            "failed" => Self::Failed,
            "ignored" => Self::Ignored,
            "unreachable" => Self::Unreachable,
            _ => return None,
        })
    }
}

impl TaskReport {
    /// `role : task`, as Ansible shows it.
    #[must_use]
    pub fn full_name(&self) -> String {
        self.role.as_ref().map_or_else(|| self.task.clone(), |role| format!("{role} : {}", self.task))
    }
}

/// Reads one line; its totals are counted by whoever reads all lines.
///
/// # Errors
/// It is too long, no JSON, or of an unknown kind.
pub fn parse(line: &[u8], seq: u64) -> Result<RunEvent, EventError> {
    if line.len() > LINE_LIMIT_BYTES {
        return Err(EventError::TooLong(line.len()));
    }
    let line: Line = serde_json::from_slice(line)?;
    if let Some(outcome) = TaskOutcome::named(&line.kind) {
        return Ok(RunEvent::Task(task(line, seq, outcome)));
    }
    match line.kind.as_str() {
        "play" => Ok(RunEvent::Play { name: tidy(&line.task, NAME_LIMIT_CHARS) }),
        "promises" => Ok(RunEvent::Promises(line.promises.iter().take(PROMISE_LIMIT).map(tidy_promise).collect())),
        "nohosts" => Ok(RunEvent::NoHosts),
        "stats" => Ok(RunEvent::Stats),
        other => Err(EventError::Unknown(tidy(other, NAME_LIMIT_CHARS))),
    }
}

/// One line without control characters and tokens, at most so many characters.
#[must_use]
pub fn tidy(text: &str, limit_chars: usize) -> String {
    let spaced: String = redact_tokens(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(limit_chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn task(line: Line, seq: u64, outcome: TaskOutcome) -> TaskReport {
    TaskReport {
        seq,
        at: Timestamp::from_millisecond(line.at_ms).unwrap_or(Timestamp::UNIX_EPOCH),
        host: tidy(&line.host, NAME_LIMIT_CHARS),
        task: tidy(&line.task, NAME_LIMIT_CHARS),
        role: line.role.map(|role| tidy(&role, NAME_LIMIT_CHARS)),
        outcome,
        took_ms: line.took_ms,
        message: line.message.map(|message| tidy(&message, MESSAGE_LIMIT_CHARS)),
        tasks_done: 0,
        tasks_changed: 0,
    }
}

fn tidy_promise(promise: &Promise) -> Promise {
    Promise {
        name: tidy(&promise.name, NAME_LIMIT_CHARS),
        kept: promise.kept,
        detail: tidy(&promise.detail, MESSAGE_LIMIT_CHARS),
        nomad: promise.nomad.clone(),
        certificates: promise.certificates,
    }
}

/// The machine says it: what is no id is none, and the line is read all the same.
fn nomad_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NomadId>, D::Error> {
    let said = Option::<String>::deserialize(deserializer)?;
    Ok(said.and_then(|said| said.parse().ok()))
}

/// The same for a time.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let said = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(said.and_then(|said| said.as_i64()).and_then(|said| Timestamp::from_second(said).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_task_is_read_and_tidied() {
        let line = br#"{"v":1,"at_ms":1700000000000,"kind":"failed","host":"node-1","task":"Start it","role":"docker",
            "took_ms":12,"message":"boom\n\u001b[31m here"}"#;
        let Ok(RunEvent::Task(report)) = parse(line, 3) else { panic!("no task") };
        assert_eq!(report.full_name(), "docker : Start it");
        assert_eq!(report.message.as_deref(), Some("boom [31m here"));
        assert_eq!((report.seq, report.outcome, report.took_ms), (3, TaskOutcome::Failed, Some(12)));
    }

    #[test]
    fn promises_are_bounded() {
        let line = br#"{"at_ms":0,"kind":"promises","promises":[{"name":"clock","kept":true},{"name":"d","kept":false,"detail":"x"}]}"#;
        let Ok(RunEvent::Promises(promises)) = parse(line, 1) else { panic!("no promises") };
        assert_eq!(promises.len(), 2);
        assert!(!promises[1].kept);
    }

    #[test]
    fn a_nomad_client_is_known_by_a_well_formed_id_alone() {
        let id = "6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b2c";
        for (said, known) in [(id, Some(id)), ("../../etc", None), ("", None)] {
            let promise = serde_json::json!({"name": "n", "kept": true, "nomad": said});
            let line = serde_json::json!({"at_ms": 0, "kind": "promises", "promises": [promise]}).to_string();
            let Ok(RunEvent::Promises(promises)) = parse(line.as_bytes(), 1) else { panic!("no promises") };
            assert_eq!(promises[0].nomad.as_ref().map(NomadId::as_str), known, "{said}");
        }
    }

    #[test]
    fn what_is_no_time_is_none_and_the_line_is_read_all_the_same() {
        let known = Timestamp::from_second(1_800_000_000).ok();
        for (said, known) in [
            (serde_json::json!(1_800_000_000), known),
            (serde_json::json!("tomorrow"), None),
            (serde_json::json!(i64::MAX), None),
            (serde_json::Value::Null, None),
        ] {
            let promise = serde_json::json!({"name": "n", "kept": true, "certificates": said});
            let line = serde_json::json!({"at_ms": 0, "kind": "promises", "promises": [promise]}).to_string();
            let Ok(RunEvent::Promises(promises)) = parse(line.as_bytes(), 1) else { panic!("no promises") };
            assert_eq!(promises[0].certificates, known, "{said}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert!(matches!(parse(b"{\"at_ms\":0,\"kind\":\"new\"}", 1), Err(EventError::Unknown(_))));
        assert!(matches!(parse(b"half a li", 1), Err(EventError::Malformed(_))));
        assert!(matches!(parse(&vec![b' '; LINE_LIMIT_BYTES + 1], 1), Err(EventError::TooLong(_))));
    }

    #[test]
    fn tokens_do_not_pass() {
        let token = vocabulary::Token::from_random([1; 32]);
        assert_eq!(tidy(&format!("a {}\n", token.expose()), 100), "a <token>");
        assert_eq!(tidy("ééééé", 3), "ééé…");
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line: Vec<u8>, text: String, limit in 0usize..50) {
            let _ = parse(&line, 1);
            proptest::prop_assert!(!tidy(&text, limit).chars().any(char::is_control));
        }
    }
}
