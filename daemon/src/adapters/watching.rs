//! What changes in Nomad and Consul, told on the bus; and how the watcher's sources stand, for `/readyz` and metrics.
//!
//! An event is small: what it is about, how that stands now, where the agents' state was. Whoever wants all of it asks
//! for the thing itself. What tasks said is quoted as another program's words, so that it takes `operate` to read them.
//! The changes that are there are written together, so a storm costs few commits; if it outruns the backlog, one event
//! says how many changes were not told, and that things are to be looked at anew.

use std::sync::Arc;

use jobs::watch::{
    Agents, Asked, Change, Config, Deps, Handle, News, Reader, SourceStatus, Standing, Subject, TaskNote, Turn, Watch,
};
use serde_json::{Value, json};
use store::{Batch, NewEvent, Store, WriteError};
use tasks::{BoxError, Clock, Stop};
use vocabulary::{EventKind, Timestamp, quote_said};

use crate::{cluster::Door, http::desks::PartStatus};

/// Changes in one commit.
const AT_ONCE: usize = 256;

/// The watcher as the daemon runs it.
pub struct Watchers {
    /// What watches.
    pub watch: Watch,
    /// What tells of it.
    pub teller: Teller,
    /// The picture.
    pub handle: Handle,
}

/// The clients of now, from the door.
struct Behind(Door);

impl Agents for Behind {
    fn now(&self) -> Result<Asked, BoxError> {
        let clients = self.0.agents()?;
        Ok(Asked { nomad: clients.nomad, consul: Some(clients.consul) })
    }

    fn has_consul(&self) -> bool {
        true
    }
}

/// A watcher, where there is a cluster.
#[must_use]
pub fn watchers(door: &Door, store: &Store, clock: &Arc<dyn Clock>) -> Option<Watchers> {
    door.agents().ok()?;
    let config = Config { seed: u64::from(std::process::id()), ..Config::default() };
    let deps = Deps { agents: Arc::new(Behind(door.clone())), clock: Arc::clone(clock) };
    let (watch, handle) = Watch::build(config, deps);
    let teller = Teller::new(&handle, store.clone(), Arc::clone(clock));
    Some(Watchers { watch, teller, handle })
}

/// Writes changes down as events.
pub struct Teller {
    reader: Reader,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Teller {
    /// From now on; what is there already is no news.
    #[must_use]
    pub fn new(watched: &Handle, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { reader: watched.follow().1, store, clock }
    }

    /// Tells until it is told to stop, or the watcher is gone.
    ///
    /// # Errors
    /// The store does not take events any more.
    pub async fn run(mut self, stop: Stop) -> Result<(), WriteError> {
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                first = self.reader.next() => first,
            };
            let Some(first) = first else { return Ok(()) };
            let at = self.clock.now();
            let mut events = vec![event(at, &first)];
            while events.len() < AT_ONCE
                && let Some(more) = self.reader.ready()
            {
                events.push(event(at, &more));
            }
            self.store.commit(Batch { events, ..Batch::default() }).await?;
        }
    }
}

fn event(at: Timestamp, news: &News) -> NewEvent {
    let data = match news {
        News::Change(change) => data(change),
        News::Missed(count) => json!({"what": "missed", "count": count}),
    };
    NewEvent { at, kind: EventKind::Cluster, node: None, run: None, data }
}

fn data(change: &Change) -> Value {
    let (what, turn, mut data) = subject(&change.subject);
    if let Value::Object(fields) = &mut data {
        fields.insert("what".to_owned(), what.into());
        fields.insert("index".to_owned(), change.index.0.into());
        if let Some(turn) = turn {
            fields.insert("turn".to_owned(), turn.name().into());
        }
    }
    data
}

fn subject(subject: &Subject) -> (&'static str, Option<Turn>, Value) {
    match subject {
        Subject::Job(turn, one) => {
            let (id, namespace) = (&one.key.id, &one.key.namespace);
            let data = json!({"id": id, "namespace": namespace, "kind": one.kind, "status": one.status,
                "stopped": one.stopped});
            ("job", Some(*turn), data)
        }
        Subject::Allocation(turn, one, notes) => {
            let (job, namespace) = (&one.job.id, &one.job.namespace);
            let notes: Vec<Value> = notes.iter().map(note).collect();
            let data = json!({"id": one.id, "name": one.name, "job": job, "namespace": namespace, "group": one.group,
                "node": one.node, "desired": one.desired, "status": one.status, "healthy": one.healthy, "tasks": notes});
            ("allocation", Some(*turn), data)
        }
        Subject::Deployment(turn, one) => {
            let (job, namespace) = (&one.job.id, &one.job.namespace);
            let data = json!({"id": one.id, "job": job, "namespace": namespace, "version": one.job_version,
                "status": one.status, "cause": one.status_description});
            ("deployment", Some(*turn), data)
        }
        Subject::Evaluation(turn, one) => {
            let (job, namespace) = (&one.job.id, &one.job.namespace);
            let failed: Vec<&String> = one.failed.keys().collect();
            let data = json!({"id": one.id, "job": job, "namespace": namespace, "status": one.status,
                "triggered_by": one.triggered_by, "not_placed": failed});
            ("evaluation", Some(*turn), data)
        }
        Subject::Node(turn, one) => {
            let data = json!({"id": one.id, "name": one.name, "status": one.status, "eligible": one.eligible,
                "draining": one.draining});
            ("node", Some(*turn), data)
        }
        Subject::NomadService(turn, one) => {
            ("nomad_service", Some(*turn), json!({"name": one.key.id, "namespace": one.key.namespace}))
        }
        Subject::ConsulService(turn, one) => ("consul_service", Some(*turn), json!({"name": one.key.id})),
        Subject::Check(turn, one) => {
            let data = json!({"id": one.key.id, "node": one.key.node, "service": one.service,
                "status": one.status.name()});
            ("check", Some(*turn), data)
        }
        Subject::Source(one) => {
            let cause = one.trouble.as_deref().map(quote_said);
            ("source", None, json!({"source": one.source, "standing": one.standing, "cause": cause}))
        }
    }
}

fn note(note: &TaskNote) -> Value {
    json!({"task": note.task, "at_ns": note.at_ns, "kind": note.kind, "exit_code": note.exit_code,
        "signal": note.signal, "out_of_memory": note.out_of_memory, "failure": note.is_failure(),
        "said": quote_said(&note.said)})
}

/// How the sources stand, a part each. Anybody may read it, so what is in the way is not quoted: the events say it.
#[must_use]
pub fn parts(watched: &Handle) -> Vec<PartStatus> {
    watched.statuses().iter().filter(|status| !is_unasked(status)).map(part).collect()
}

/// Consul's sources where there is no Consul.
fn is_unasked(status: &SourceStatus) -> bool {
    status.requests == 0
}

fn part(status: &SourceStatus) -> PartStatus {
    let age = status.age.map_or_else(String::new, |age| format!(", {} s ago", age.as_secs()));
    let seen = format!("index {}{age}", status.index);
    let (ready, reason) = match status.standing {
        Standing::Current => (true, seen),
        Standing::Unread => (false, "it has not answered yet; roost event follow --kind cluster says why".to_owned()),
        Standing::Stale => (false, format!("stale: {seen}; roost event follow --kind cluster says why")),
    };
    PartStatus { name: format!("cluster/{}", status.source), ready, reason: Some(reason) }
}

/// Sets the gauges of every source.
pub fn measure(watched: &Handle) {
    for status in watched.statuses().into_iter().filter(|status| !is_unasked(status)) {
        let source = status.source.name();
        let stale = if status.standing == Standing::Current { 0.0 } else { 1.0 };
        metrics::gauge!("roost_watch_stale", "source" => source).set(stale);
        if let Some(age) = status.age {
            metrics::gauge!("roost_watch_age_seconds", "source" => source).set(age.as_secs_f64());
        }
        metrics::gauge!("roost_watch_index", "source" => source).set(as_f64(status.index.0));
        metrics::gauge!("roost_watch_entries", "source" => source).set(as_f64(status.entries as u64));
        metrics::counter!("roost_watch_requests_total", "source" => source).absolute(status.requests);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; nobody's cluster has seen 2^53 changes")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jobs::{Index, watch::Source};

    use super::*;

    #[test]
    fn an_event_says_what_changed_and_quotes_what_others_said() {
        let note = TaskNote {
            task: "main".to_owned(),
            at_ns: 7,
            kind: "Driver Failure".to_owned(),
            said: "cannot pull s3cret/image".to_owned(),
            exit_code: 0,
            signal: 0,
            out_of_memory: false,
            fails_task: true,
        };
        let told = super::note(&note);
        assert_eq!((&told["failure"], &told["kind"]), (&json!(true), &json!("Driver Failure")));
        assert!(!vocabulary::leave_out_said(told["said"].as_str().unwrap()).contains("s3cret"));

        let status = SourceStatus {
            source: Source::Jobs,
            standing: Standing::Stale,
            age: Some(Duration::from_secs(3)),
            index: Index(17),
            entries: 2,
            trouble: Some("nobody leads".to_owned()),
            failures: 1,
            requests: 9,
        };
        let shown = part(&status);
        assert_eq!((shown.name.as_str(), shown.ready), ("cluster/jobs", false));
        let reason = shown.reason.unwrap();
        assert!(reason.starts_with("stale: index 17, 3 s ago") && !reason.contains("nobody leads"), "{reason}");
        let change = Change { number: 1, index: Index(17), subject: Subject::Source(status) };
        let told = event(Timestamp::UNIX_EPOCH, &News::Change(Arc::new(change)));
        let expected = json!({"what": "source", "source": "jobs", "standing": "stale", "cause": "«nobody leads»",
            "index": 17});
        assert_eq!((told.kind, told.data), (EventKind::Cluster, expected));
        let told = event(Timestamp::UNIX_EPOCH, &News::Missed(4));
        assert_eq!(told.data, json!({"what": "missed", "count": 4}));
    }
}
