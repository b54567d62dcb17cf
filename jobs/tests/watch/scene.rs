//! A watcher at work, and a reader who applies every change to what it knew and refuses those that make no sense.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use ::jobs::{
    Endpoint, consul,
    nomad::{self, AllocationId, JobId},
    watch::{
        Asked, Change, Config, Deps, Handle, News, Pace, Picture, Reader, Source, SourceStatus, Standing, Subject,
        Turn, Watch, look, seen,
    },
};
use serde::Serialize;
use tasks::{Clock as _, Stop, SystemClock};
use tokio::task::JoinSet;

use crate::support::eventually;

/// What a busy host may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// Everything in a picture, by kind and key.
pub(crate) type Flat = BTreeMap<String, String>;

pub(crate) struct Scene {
    pub(crate) handle: Handle,
    reader: Reader,
    /// What the reader knows.
    pub(crate) known: Flat,
    /// What it heard.
    pub(crate) heard: Vec<Arc<Change>>,
    /// Clients that nobody but the watcher asks by, so that their counts are what it put on the wire.
    asked: Asked,
    begun: Duration,
    stop: Stop,
    running: JoinSet<()>,
}

/// Times as in a minute that lasts two seconds.
pub(crate) fn quick() -> Config {
    Config {
        wait: Duration::from_secs(2),
        settle: Duration::from_secs(2),
        page: 20,
        nomad_pace: Pace { interval: Duration::from_millis(500), burst: 10 },
        consul_pace: Pace { interval: Duration::from_millis(300), burst: 10 },
        retry: (Duration::from_millis(100), Duration::from_secs(1)),
        ..Config::default()
    }
}

impl Scene {
    /// Watches, and begins to read once every source has answered.
    pub(crate) async fn open(nomad: &Endpoint, consul: Option<&Endpoint>) -> Self {
        let asked = Asked {
            nomad: nomad::Client::build(nomad).unwrap(),
            consul: consul.map(|consul| consul::Client::build(consul).unwrap()),
        };
        let begun = SystemClock.uptime();
        let deps = Deps { agents: Arc::new(asked.clone()), clock: Arc::new(SystemClock) };
        let (watch, handle) = Watch::build(quick(), deps);
        let (stop, mut running) = (Stop::new(), JoinSet::new());
        let stopped = stop.clone();
        running.spawn(async move {
            let Ok(()) = watch.run(stopped).await;
        });
        // Whoever follows earlier gets what the sources had at their first answer with the picture, not as changes.
        let watched = |status: &SourceStatus| consul.is_some() || !status.source.is_consul();
        eventually("every source answers", async || {
            let current = |status: SourceStatus| status.standing == Standing::Current;
            handle.statuses().into_iter().filter(watched).all(current).then_some(())
        })
        .await;
        let (picture, reader) = handle.follow();
        Self { handle, reader, known: flat(&picture), heard: Vec::new(), asked, begun, stop, running }
    }

    pub(crate) fn status(&self, source: Source) -> SourceStatus {
        self.handle.statuses().into_iter().find(|status| status.source == source).unwrap()
    }

    /// Reads what is there.
    pub(crate) fn catch_up(&mut self) {
        while let Some(news) = self.reader.ready() {
            let News::Change(change) = news else { panic!("{news:?}: nobody was slow here") };
            self.apply(&change);
            self.heard.push(change);
        }
    }

    fn apply(&mut self, change: &Change) {
        if let Some(last) = self.heard.last() {
            assert_eq!(change.number, last.number + 1, "one change follows the other");
        }
        let Some((turn, key, entry)) = entry_of(&change.subject) else { return };
        let before = match turn {
            Turn::Gone => self.known.remove(&key),
            Turn::Appeared | Turn::Altered => self.known.insert(key.clone(), entry.clone()),
        };
        match turn {
            Turn::Appeared => assert_eq!(before, None, "{key} appeared twice"),
            Turn::Altered => assert!(before.as_ref().is_some_and(|before| *before != entry), "{key}: {before:?}"),
            Turn::Gone => assert!(before.is_some(), "{key} was gone already"),
        }
    }

    /// Until the reader has heard enough.
    pub(crate) async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let end = SystemClock.uptime() + LIMIT;
        loop {
            self.catch_up();
            if let Some(found) = look(self) {
                return found;
            }
            let late = SystemClock.uptime() > end;
            assert!(!late, "{what}: not within {LIMIT:?}\n{:#?}\n{:#?}", self.handle.statuses(), self.heard);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The first change that this holds for.
    pub(crate) async fn hears<T>(&mut self, what: &str, holds: impl Fn(&Subject) -> Option<T>) -> T {
        self.until(what, |scene| scene.heard.iter().find_map(|change| holds(&change.subject))).await
    }

    /// Such a change of this job.
    pub(crate) async fn hears_of_job(&mut self, what: &str, id: &JobId, holds: impl Fn(Turn, &seen::Job) -> bool) {
        let is = |subject: &Subject| match subject {
            Subject::Job(turn, one) if one.key.id == *id && holds(*turn, one) => Some(()),
            _ => None,
        };
        self.hears(what, is).await;
    }

    /// Such a change of an allocation of this job.
    pub(crate) async fn hears_of_allocation(
        &mut self,
        what: &str,
        job: &JobId,
        holds: impl Fn(Turn, &seen::Allocation) -> bool,
    ) -> AllocationId {
        let is = |subject: &Subject| match subject {
            Subject::Allocation(turn, one, _) if one.job.id == *job && holds(*turn, one) => Some(one.id.clone()),
            _ => None,
        };
        self.hears(what, is).await
    }

    /// The picture equals what the agents say now, and so does what the reader made of the changes.
    pub(crate) async fn agrees(&mut self, nomad: &nomad::Client, consul: Option<&consul::Client>) {
        let end = SystemClock.uptime() + LIMIT;
        loop {
            let fresh = look(nomad, consul).await.map(|picture| flat(&picture));
            self.catch_up();
            let shown = self.handle.read(flat);
            if fresh.as_ref().is_ok_and(|fresh| *fresh == shown) && shown == self.known {
                return;
            }
            if SystemClock.uptime() > end {
                let fresh = fresh.unwrap_or_else(|error| panic!("{error:?}"));
                let lacks = fresh.iter().filter(|(key, entry)| shown.get(*key) != Some(*entry));
                let has = shown.iter().filter(|(key, entry)| fresh.get(*key) != Some(*entry));
                let (lacks, has): (Vec<_>, Vec<_>) = (lacks.collect(), has.collect());
                panic!("lacks {lacks:#?}\nhas {has:#?}\n{:#?}", self.handle.statuses());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What went over the wire since it began was within the pace that is allowed: counted where requests are sent, not
    /// where they are planned.
    pub(crate) fn asked_with_measure(&self) {
        let took = (SystemClock.uptime() - self.begun).as_secs_f64();
        let pace = quick();
        let within = |asked: u64, sources: u32, pace: Pace| {
            let most = f64::from(sources) * (took / pace.interval.as_secs_f64() + f64::from(pace.burst));
            let sent = f64::from(u32::try_from(asked).unwrap());
            assert!(sent <= most, "{asked} requests of {sources} sources in {took} s, {most} are allowed");
        };
        within(self.asked.nomad.requests(), 7, pace.nomad_pace);
        if let Some(consul) = &self.asked.consul {
            within(consul.requests(), 2, pace.consul_pace);
        }
        let planned: u64 = self.handle.statuses().iter().map(|status| status.requests).sum();
        let sent = self.asked.nomad.requests() + self.asked.consul.as_ref().map_or(0, consul::Client::requests);
        // A page more of a listing is told when the listing is there, and what waits for its turn is not sent yet.
        assert!(
            sent.abs_diff(planned) <= 9 + planned / 10,
            "{sent} requests were sent, and {planned} are told in /metrics"
        );
    }

    /// Ends it as a daemon would.
    pub(crate) async fn close(mut self) {
        self.asked_with_measure();
        self.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(10), self.running.join_next()).await;
        ended.expect("it stops when it is told to").unwrap().unwrap();
    }
}

pub(crate) fn flat(picture: &Picture) -> Flat {
    let mut all = Flat::new();
    collect(&mut all, "job", picture.jobs());
    collect(&mut all, "allocation", picture.allocations());
    collect(&mut all, "deployment", picture.deployments());
    collect(&mut all, "evaluation", picture.evaluations());
    collect(&mut all, "node", picture.nodes());
    collect(&mut all, "nomad service", picture.nomad_services());
    collect(&mut all, "consul service", picture.consul_services());
    collect(&mut all, "check", picture.checks());
    all
}

fn collect<K: Debug, T: Serialize>(all: &mut Flat, kind: &str, entries: &BTreeMap<K, Arc<T>>) {
    all.extend(entries.iter().map(|(key, one)| (format!("{kind} {key:?}"), written(&**one))));
}

/// As JSON, whose maps are in order.
fn written(one: &impl Serialize) -> String {
    serde_json::to_value(one).unwrap().to_string()
}

fn entry_of(subject: &Subject) -> Option<(Turn, String, String)> {
    fn entry(turn: Turn, kind: &str, key: &impl Debug, one: &impl Serialize) -> Option<(Turn, String, String)> {
        Some((turn, format!("{kind} {key:?}"), written(one)))
    }
    match subject {
        Subject::Job(turn, one) => entry(*turn, "job", &one.key, &**one),
        Subject::Allocation(turn, one, _) => entry(*turn, "allocation", &one.id, &**one),
        Subject::Deployment(turn, one) => entry(*turn, "deployment", &one.id, &**one),
        Subject::Evaluation(turn, one) => entry(*turn, "evaluation", &one.id, &**one),
        Subject::Node(turn, one) => entry(*turn, "node", &one.id, &**one),
        Subject::NomadService(turn, one) => entry(*turn, "nomad service", &one.key, &**one),
        Subject::ConsulService(turn, one) => entry(*turn, "consul service", &one.key, &**one),
        Subject::Check(turn, one) => entry(*turn, "check", &one.key, &**one),
        Subject::Source(_) => None,
    }
}
