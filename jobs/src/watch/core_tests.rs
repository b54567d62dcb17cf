//! The plan, driven by hand: what is asked after what, and that no agent can make the watcher ask without end.

use std::time::Duration;

use serde_json::json;

use super::{
    change::{Change, Subject, Turn},
    core::{Core, Input},
    part::Config,
    picture::Entries,
    plan::Ask,
    seen::{InNamespace, Service},
    source::{Source, Standing},
};
use crate::{
    blocking::Index,
    nomad::{Event, EventBatch},
};

const fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn batch(index: u64, topic: &str, kind: &str, payload: &serde_json::Value) -> EventBatch {
    let event = json!({"Topic": topic, "Type": kind, "Key": "k", "Namespace": "default", "Payload": payload});
    let event: Event = serde_json::from_value(event).unwrap();
    EventBatch { index: Index(index), events: vec![event] }
}

fn job(id: &str, index: u64) -> serde_json::Value {
    json!({"Job": {"ID": id, "Namespace": "default", "Name": id, "Type": "service", "Status": "running",
        "ModifyIndex": index, "JobModifyIndex": index, "TaskGroups": [{"Name": "g"}], "Env": "s3cret"}})
}

fn node(id: &str, index: u64) -> serde_json::Value {
    json!({"Node": {"ID": id, "Name": id, "Status": "ready", "SchedulingEligibility": "eligible", "ModifyIndex": index}})
}

fn listed(source: Source, index: u64, entries: Entries) -> Input {
    Input::Listed { source, index: Index(index), entries, pages: 1 }
}

/// With an open stream and every table of Nomad listed at this index.
fn running(index: u64) -> Core {
    let mut core = Core::new(Config::default());
    assert_eq!(core.next(Source::Events, at(0)), Ask::Open);
    assert!(matches!(core.next(Source::Nodes, at(0)), Ask::Wait(_)), "the stream has a head start");
    core.handle(at(1), Input::Opened);
    for (source, entries) in [
        (Source::Jobs, Entries::Jobs(Vec::new())),
        (Source::Allocations, Entries::Allocations(Vec::new())),
        (Source::Deployments, Entries::Deployments(Vec::new())),
        (Source::Evaluations, Entries::Evaluations(Vec::new())),
        (Source::Nodes, Entries::Nodes(Vec::new())),
        (Source::NomadServices, Entries::NomadServices(Vec::new())),
    ] {
        assert_eq!(core.next(source, at(1)), Ask::List);
        let changes = core.handle(at(2), listed(source, index, entries));
        assert!(matches!(&*changes, [Change { subject: Subject::Source(status), .. }]
            if status.source == source && status.standing == Standing::Current));
    }
    core
}

fn probed(core: &mut Core, source: Source, now: Duration, index: u64) {
    assert!(core.handle(now, Input::Probed { source, index: Index(index) }).is_empty());
}

#[test]
fn what_the_stream_told_is_listed_when_it_has_settled() {
    let mut core = running(10);
    let wait = Config::default().wait;
    assert_eq!(core.next(Source::Nodes, at(10)), Ask::Probe { after: Index(10), wait });
    let told = core.handle(at(20), Input::Told(batch(11, "Node", "NodeRegistration", &node("n1", 11))));
    assert!(matches!(&told[0].subject, Subject::Node(Turn::Appeared, node) if node.eligible));
    probed(&mut core, Source::Nodes, at(21), 11);
    assert_eq!(core.next(Source::Nodes, at(22)), Ask::Probe { after: Index(11), wait });
    probed(&mut core, Source::Nodes, at(40_000), 11);
    let Ask::Probe { wait, .. } = core.next(Source::Nodes, at(50_021)) else { panic!("it has not settled yet") };
    assert_eq!(wait, at(10_000), "it waits no longer than until it has settled");
    assert_eq!(core.next(Source::Nodes, at(60_022)), Ask::List);
}

#[test]
fn what_the_stream_did_not_tell_is_listed_at_once() {
    let mut core = running(10);
    // The table moved, and it may be a moment before the stream says so.
    probed(&mut core, Source::Evaluations, at(100), 12);
    assert_eq!(core.next(Source::Evaluations, at(100)), Ask::Wait(at(400)));
    // It told of something else at that index; garbage collection has no event.
    core.handle(at(150), Input::Told(batch(12, "Node", "NodeRegistration", &node("n1", 12))));
    assert_eq!(core.next(Source::Evaluations, at(400)), Ask::List);
    // The listing of jobs moves with counts that make no job another.
    probed(&mut core, Source::Jobs, at(200), 12);
    assert!(matches!(core.next(Source::Jobs, at(201)), Ask::Probe { after: Index(12), .. }));
    // Of services the stream carries nothing that a listing would have.
    probed(&mut core, Source::NomadServices, at(200), 12);
    assert_eq!(core.next(Source::NomadServices, at(201)), Ask::List);
}

#[test]
fn after_a_gap_in_the_stream_each_table_is_listed_when_it_has_moved() {
    let mut core = running(10);
    core.handle(at(20), Input::Told(batch(11, "Node", "NodeRegistration", &node("n1", 11))));
    probed(&mut core, Source::Nodes, at(21), 11);
    let changes = core.handle(at(30), Input::Failed { source: Source::Events, why: "cut".to_owned() });
    assert!(matches!(&changes[0].subject, Subject::Source(status) if status.standing == Standing::Stale));
    assert_eq!(core.next(Source::Nodes, at(31)), Ask::List, "nobody vouches for what it has settled on");
    core.handle(at(32), listed(Source::Nodes, 11, Entries::Nodes(Vec::new())));
    core.handle(at(1000), Input::Opened);
    // The new stream tells all again; it is old.
    assert!(core.handle(at(1001), Input::Told(batch(11, "Node", "NodeRegistration", &node("n1", 11)))).is_empty());
    assert!(matches!(core.next(Source::Nodes, at(1002)), Ask::Probe { .. }), "what has not moved has missed nothing");
    core.handle(at(1003), Input::Told(batch(15, "Node", "NodeRegistration", &node("n1", 15))));
    probed(&mut core, Source::Nodes, at(1004), 15);
    assert_eq!(core.next(Source::Nodes, at(1005)), Ask::List, "between the streams anything may have been missed");
}

#[test]
fn a_purge_takes_along_what_belonged_to_the_job() {
    let mut core = running(10);
    core.handle(at(20), Input::Told(batch(12, "Job", "JobRegistered", &job("web", 12))));
    let key = InNamespace { namespace: "default".to_owned(), id: crate::nomad::JobId::new("web") };
    assert!(core.picture().jobs().contains_key(&key));
    assert!(!format!("{:?}", core.picture()).contains("s3cret"));
    // Stopped but kept: it is there, at the event's own version.
    let mut stopped = job("web", 14);
    stopped["Job"]["Stop"] = true.into();
    let changes = core.handle(at(30), Input::Told(batch(14, "Job", "JobDeregistered", &stopped)));
    assert!(matches!(&changes[0].subject, Subject::Job(Turn::Altered, job) if job.stopped));
    assert!(!core.is_called_back(Source::Allocations));
    let changes = core.handle(at(40), Input::Told(batch(17, "Job", "JobDeregistered", &job("web", 14))));
    assert!(matches!(&changes[0].subject, Subject::Job(Turn::Gone, _)));
    for source in [Source::Allocations, Source::Deployments, Source::Evaluations] {
        assert!(core.is_called_back(source));
        assert_eq!(core.next(source, at(41)), Ask::List);
    }
    assert!(!core.is_called_back(Source::Nodes));
}

#[test]
fn an_index_that_went_backwards_has_everything_read_anew() {
    let mut core = running(500);
    core.handle(at(20), Input::Told(batch(510, "Node", "NodeRegistration", &node("n1", 510))));
    probed(&mut core, Source::Nodes, at(30), 7);
    assert!(core.is_called_back(Source::Events) && core.is_called_back(Source::Jobs));
    assert!(core.handle(at(31), Input::Told(batch(511, "Node", "NodeEvent", &node("n1", 511)))).is_empty());
    assert_eq!((core.next(Source::Nodes, at(32)), core.next(Source::Events, at(32))), (Ask::List, Ask::Open));
    let changes = core.handle(at(33), listed(Source::Nodes, 7, Entries::Nodes(Vec::new())));
    assert!(matches!(&changes[0].subject, Subject::Node(Turn::Gone, _)));
    core.handle(at(34), Input::Opened);
    let changes = core.handle(at(35), Input::Told(batch(8, "Node", "NodeRegistration", &node("n1", 8))));
    assert!(matches!(&changes[0].subject, Subject::Node(Turn::Appeared, _)), "{changes:?}");
}

#[test]
fn an_event_that_is_not_understood_has_its_table_listed() {
    let mut core = running(10);
    let strange = json!({"Deployment": {"ID": 7}});
    assert!(core.handle(at(20), Input::Told(batch(11, "Deployment", "?", &strange))).is_empty());
    assert!(core.is_called_back(Source::Deployments));
    assert!(core.handle(at(21), Input::Told(batch(12, "OfTheFuture", "?", &json!({})))).is_empty());
}

#[test]
fn after_an_outage_the_last_picture_stands_and_says_so() {
    let mut core = Core::new(Config::default());
    let service =
        |name: &str| Service { key: InNamespace { namespace: String::new(), id: name.to_owned() }, tags: Vec::new() };
    assert!(matches!(core.next(Source::ConsulServices, at(0)), Ask::Follow { after: None, .. }));
    core.handle(at(1), listed(Source::ConsulServices, 5, Entries::ConsulServices(vec![service("web")])));
    let down = || Input::Failed { source: Source::ConsulServices, why: "nobody there".to_owned() };
    let changes = core.handle(at(2), down());
    let [Change { subject: Subject::Source(status), .. }] = &*changes else { panic!("{changes:?}") };
    assert_eq!((status.standing, status.trouble.as_deref()), (Standing::Stale, Some("nobody there")));
    assert!(core.handle(at(3), down()).is_empty(), "said once");
    assert_eq!(core.picture().consul_services().len(), 1);
    let status = core.statuses(at(90_001)).into_iter().find(|status| status.source == Source::ConsulServices);
    assert_eq!(status.and_then(|status| status.age), Some(at(90_000)));
    let both = vec![service("db"), service("web")];
    let changes = core.handle(at(90_002), listed(Source::ConsulServices, 9, Entries::ConsulServices(both)));
    assert!(matches!(&changes[0].subject, Subject::ConsulService(Turn::Appeared, one) if one.key.id == "db"));
    assert!(matches!(&changes[1].subject, Subject::Source(status) if status.standing == Standing::Current));
    let numbers: Vec<u64> = changes.iter().map(|change| change.number).collect();
    assert_eq!(numbers, [3, 4]);
}

#[test]
fn a_source_that_never_answers_is_stale_whatever_its_connection_says() {
    let mut core = running(10);
    let changes = core.handle(at(80_000), Input::Tick);
    let stale = changes.iter().filter(|change| {
        matches!(&change.subject, Subject::Source(one)
        if one.standing == Standing::Stale && one.trouble.as_deref() == Some("it does not answer"))
    });
    assert_eq!(stale.count(), 6, "{changes:?}");
}

/// Agents that answer at once and always say that something moved, or that fail at once: the worst that they can do.
#[test]
fn no_agent_makes_the_watcher_ask_without_end() {
    for fail in [false, true] {
        let mut core = Core::new(Config::default());
        let (mut index, mut requests, minutes) = (1, 0_u64, 10);
        for step in 0..minutes * 60 * 20 {
            let now = at(step * 50);
            for source in Source::ALL {
                index += 1;
                let ask = core.next(source, now);
                let input = match ask {
                    Ask::Wait(until) => {
                        assert!(until > now);
                        continue;
                    }
                    _ if fail => Input::Failed { source, why: "no".to_owned() },
                    Ask::Open => Input::Failed { source, why: "cut".to_owned() },
                    Ask::Probe { .. } => Input::Probed { source, index: Index(index) },
                    Ask::List | Ask::Follow { .. } => {
                        let entries = match source {
                            Source::Jobs => Entries::Jobs(Vec::new()),
                            Source::Allocations => Entries::Allocations(Vec::new()),
                            Source::Deployments => Entries::Deployments(Vec::new()),
                            Source::Evaluations => Entries::Evaluations(Vec::new()),
                            Source::Nodes | Source::Events => Entries::Nodes(Vec::new()),
                            Source::NomadServices => Entries::NomadServices(Vec::new()),
                            Source::ConsulServices => Entries::ConsulServices(Vec::new()),
                            Source::ConsulChecks => Entries::Checks(Vec::new()),
                        };
                        listed(source, index, entries)
                    }
                };
                requests += 1;
                core.handle(now, input);
            }
        }
        let most = minutes * 60 * 5;
        assert!(requests <= most, "{requests} requests in {minutes} minutes, failing: {fail}");
        assert_eq!(requests, core.statuses(Duration::ZERO).iter().map(|status| status.requests).sum::<u64>());
    }
}
