//! Following a registration to its end, as a stepper: what is seen in, progress and a verdict out.
//!
//! Nomad's own words are not enough (each seen on live agents): a deployment that placed nothing stays `running` for
//! ever; one that placed a part ends `successful` or `failed` while the rest is forgotten, its blocked evaluation
//! cancelled and its queue 0; a job is `dead` for a moment between a failure and its rescheduling. So what counts is the
//! wanted count against what runs, the evaluations say why something finds no place, and every state that could pass by
//! itself has a time after which it is told.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    blocking::Index,
    nomad::{AllocationMetric, AllocationStub, Deployment, Evaluation, Job},
    told::{
        history::{short, telling},
        one_line,
        shortfall::{Shortfall, shortfalls},
    },
};

/// How long each state may last before it is told as the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Something finds no place, and nothing moves.
    pub place: Duration,
    /// The listings may be of different moments.
    pub settle: Duration,
    /// All of it.
    pub whole: Duration,
}

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    version: u64,
    created: u64,
    registered: Index,
    kind: Kind,
    groups: Vec<(String, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Service,
    Batch,
    System,
    SystemBatch,
    /// Parameterised or periodic: nothing starts by registering it.
    Pattern,
}

/// What is seen at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sight<'a> {
    /// The job as it is now; none if it is gone.
    pub job: Option<&'a Job>,
    /// Its deployments.
    pub deployments: &'a [Deployment],
    /// Its allocations.
    pub allocations: &'a [AllocationStub],
    /// Its evaluations.
    pub evaluations: &'a [Evaluation],
}

/// One group at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupProgress {
    /// Its name.
    pub name: String,
    /// How many are wanted; for a system job, how many have a place.
    pub wanted: u64,
    /// How many have a place and have not ended.
    pub placed: u64,
    /// How many run.
    pub running: u64,
    /// How many passed their checks.
    pub healthy: u64,
    /// How many ended well.
    pub complete: u64,
    /// How many failed and were not replaced.
    pub failed: u64,
}

/// All of it at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// By group, in the job's order.
    pub groups: Vec<GroupProgress>,
    /// What Nomad says of the deployment, where there is one.
    pub deployment: Option<String>,
    /// What finds no place now.
    pub shortfalls: Vec<Shortfall>,
    /// What failed allocations say of themselves.
    pub failures: Vec<String>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that is wanted runs, or ended well.
    Done,
    /// It failed.
    Failed {
        /// As Nomad sees it.
        why: String,
    },
    /// Less runs than is wanted, and nothing moves. What has no place yet gets one when there is room.
    Short {
        /// How many run.
        running: u64,
        /// How many are wanted.
        wanted: u64,
    },
    /// A person must act: canaries wait to be promoted, or somebody paused it.
    Waits {
        /// For what.
        why: String,
    },
    /// Another version took its place.
    Replaced {
        /// Which.
        by: u64,
    },
    /// Somebody stopped the job.
    Stopped,
    /// The job is gone.
    Gone,
    /// It is still under way when all patience is at an end.
    TimedOut,
}

/// What one look gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The new state, where it is another than at the last look.
    pub progress: Option<Progress>,
    /// The end, once.
    pub verdict: Option<Verdict>,
}

/// Follows one registration.
#[derive(Debug, Clone)]
pub struct Follower {
    target: Target,
    patience: Patience,
    started: Timestamp,
    moved: Timestamp,
    last: Option<Progress>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { place: Duration::from_secs(20), settle: Duration::from_secs(3), whole: Duration::from_secs(900) }
    }
}

impl Follower {
    /// Follows this version of a job.
    #[must_use]
    pub fn new(job: &Job, patience: Patience, now: Timestamp) -> Self {
        Self { target: Target::of(job), patience, started: now, moved: now, last: None }
    }

    /// Looks once.
    pub fn look(&mut self, now: Timestamp, sight: &Sight<'_>) -> Step {
        let progress = self.target.progress(sight);
        let is_new = self.last.as_ref() != Some(&progress);
        if is_new {
            self.moved = now;
            self.last = Some(progress.clone());
        }
        let late = since(now, self.started) >= self.patience.whole;
        let verdict = self.verdict(now, sight, &progress).or_else(|| late.then_some(Verdict::TimedOut));
        Step { progress: is_new.then_some(progress), verdict }
    }

    fn verdict(&self, now: Timestamp, sight: &Sight<'_>, progress: &Progress) -> Option<Verdict> {
        let still = since(now, self.moved);
        let deployment = self.target.deployment(sight);
        if let Some(failed) = deployment.filter(|it| matches!(it.status.as_str(), "failed" | "cancelled")) {
            // One that was cancelled because the next version is there says so by the job.
            let overtaken =
                failed.status == "cancelled" && sight.job.is_some_and(|job| job.version() > self.target.version);
            if !overtaken {
                return Some(Verdict::Failed { why: one_line(&failed.status_description) });
            }
        }
        if let Some(verdict) = self.target.overtaken(sight.job) {
            return Some(verdict);
        }
        let short = || progress.short();
        match self.target.kind {
            Kind::Pattern => Some(Verdict::Done),
            _ if !progress.shortfalls.is_empty() && still >= self.patience.place => Some(short()),
            Kind::Service => self.service(progress, deployment, still),
            Kind::Batch | Kind::SystemBatch => self.batch(now, sight, progress, still),
            Kind::System => {
                let all = progress.groups.iter().all(|group| group.running == group.placed && group.running > 0);
                let nothing = !all && progress.placed() == 0 && still >= self.patience.place;
                (all && still >= self.patience.settle).then_some(Verdict::Done).or_else(|| nothing.then(short))
            }
        }
    }

    fn service(&self, progress: &Progress, deployment: Option<&Deployment>, still: Duration) -> Option<Verdict> {
        let all = progress.groups.iter().all(|group| group.running >= group.wanted);
        match deployment.map(|deployment| deployment.status.as_str()) {
            Some("successful") if all => Some(Verdict::Done),
            Some("successful") => (still >= self.patience.settle).then(|| progress.short()),
            Some("paused") => Some(Verdict::Waits { why: "somebody paused the deployment".to_owned() }),
            Some(_) => deployment
                .filter(|it| awaits_promotion(it))
                .map(|_| Verdict::Waits { why: "the canaries are healthy and wait to be promoted".to_owned() }),
            None => (all && still >= self.patience.settle).then_some(Verdict::Done),
        }
    }

    fn batch(&self, now: Timestamp, sight: &Sight<'_>, progress: &Progress, still: Duration) -> Option<Verdict> {
        if still < self.patience.settle && progress.failed() > 0 {
            return None;
        }
        let under_way = sight.evaluations.iter().any(|evaluation| !evaluation.is_over() || waits(evaluation, now));
        let failed = progress.failed();
        if failed > 0 && !under_way && progress.placed() == 0 {
            return Some(Verdict::Failed { why: format!("{failed} failed and will not be tried again") });
        }
        let settled = self.target.kind == Kind::Batch || still >= self.patience.settle;
        let all = progress.groups.iter().all(|group| group.complete >= group.wanted && group.wanted > 0);
        let none_wanted = progress.groups.iter().all(|group| group.wanted == 0) && self.target.kind == Kind::Batch;
        (settled && (all || none_wanted)).then_some(Verdict::Done)
    }
}

impl Target {
    fn of(job: &Job) -> Self {
        let is_pattern = ["ParameterizedJob", "Periodic"]
            .iter()
            .any(|field| job.as_map().get(*field).is_some_and(|it| !it.is_null()));
        let dispatched = job.as_map().get("Dispatched").and_then(serde_json::Value::as_bool).unwrap_or_default();
        let kind = match job.kind() {
            _ if is_pattern && !dispatched => Kind::Pattern,
            Some("batch") => Kind::Batch,
            Some("system") => Kind::System,
            Some("sysbatch") => Kind::SystemBatch,
            _ => Kind::Service,
        };
        let wanted = |group: &str| u64::try_from(job.count(group).unwrap_or(1)).unwrap_or_default();
        let groups = job.groups().into_iter().map(|group| (group.to_owned(), wanted(group))).collect();
        Self { version: job.version(), created: created(job), registered: job.job_modify_index(), kind, groups }
    }

    /// What became of the job, where it is no longer the one that is followed.
    fn overtaken(&self, job: Option<&Job>) -> Option<Verdict> {
        let Some(job) = job else { return Some(Verdict::Gone) };
        if created(job) != self.created || job.version() > self.version {
            return Some(if job.is_stopped() { Verdict::Stopped } else { Verdict::Replaced { by: job.version() } });
        }
        job.is_stopped().then_some(Verdict::Stopped)
    }

    fn deployment<'a>(&self, sight: &Sight<'a>) -> Option<&'a Deployment> {
        let ours = |it: &&Deployment| it.job_version == self.version && it.job_create_index == self.created;
        sight.deployments.iter().filter(ours).max_by_key(|it| it.create_index)
    }

    fn progress(&self, sight: &Sight<'_>) -> Progress {
        let ours = |it: &&AllocationStub| it.job_version == self.version && it.create_index >= self.created;
        let allocations: Vec<&AllocationStub> = sight.allocations.iter().filter(ours).collect();
        let groups: Vec<GroupProgress> = self.groups.iter().map(|group| self.group(group, &allocations)).collect();
        let shortfalls = self.shortfalls(sight.evaluations, &groups);
        let failures = allocations.iter().filter(|it| has_failed(it)).map(|it| failure(it)).collect();
        let deployment = self.deployment(sight).map(|it| one_line(&it.status_description));
        Progress { groups, deployment, shortfalls, failures }
    }

    fn group(&self, (name, wanted): &(String, u64), allocations: &[&AllocationStub]) -> GroupProgress {
        let mut group = GroupProgress { name: name.clone(), wanted: *wanted, ..GroupProgress::default() };
        for allocation in allocations.iter().filter(|it| it.task_group == *name) {
            let status = allocation.client_status.as_str();
            let stays = allocation.desired_status == "run";
            group.placed += u64::from(stays && matches!(status, "pending" | "running" | "unknown"));
            group.running += u64::from(stays && status == "running");
            group.complete += u64::from(status == "complete" && stays);
            group.failed += u64::from(has_failed(allocation));
            let healthy = allocation.deployment_status.as_ref().and_then(|it| it.healthy).unwrap_or_default();
            group.healthy += u64::from(healthy && stays);
        }
        if matches!(self.kind, Kind::System | Kind::SystemBatch) {
            group.wanted = group.placed + group.complete;
        }
        group
    }

    /// The newest reason for each group that has fewer places than it wants. A cancelled evaluation counts too: its
    /// reason stands although Nomad has given up.
    fn shortfalls(&self, evaluations: &[Evaluation], groups: &[GroupProgress]) -> Vec<Shortfall> {
        let mut newest: Vec<&Evaluation> =
            evaluations.iter().filter(|it| it.create_index >= self.registered.0).collect();
        newest.sort_by_key(|it| std::cmp::Reverse(it.modify_index));
        let reason = |group: &str| newest.iter().find_map(|it| it.failed_tg_allocs.as_ref()?.get(group).cloned());
        let is_system = matches!(self.kind, Kind::System | Kind::SystemBatch);
        let missing = |group: &GroupProgress| group.wanted.saturating_sub(group.placed + group.complete + group.failed);
        let mut found = Vec::new();
        for group in groups.iter().filter(|group| is_system || missing(group) > 0) {
            let failed: HashMap<String, AllocationMetric> =
                reason(&group.name).map(|why| (group.name.clone(), why)).into_iter().collect();
            found.extend(
                shortfalls(&failed).into_iter().map(|short| Shortfall {
                    unplaced: if is_system { short.unplaced } else { missing(group) },
                    ..short
                }),
            );
        }
        found
    }
}

impl Progress {
    fn placed(&self) -> u64 {
        self.groups.iter().map(|group| group.placed).sum()
    }

    fn failed(&self) -> u64 {
        self.groups.iter().map(|group| group.failed).sum()
    }

    fn short(&self) -> Verdict {
        let sum = |of: fn(&GroupProgress) -> u64| self.groups.iter().map(of).sum();
        let unplaced: u64 = self.shortfalls.iter().map(|short| short.unplaced).sum();
        let wanted: u64 = sum(|group| group.wanted);
        let running = sum(|group| group.running + group.complete);
        Verdict::Short { running, wanted: wanted.max(running + unplaced.min(1)) }
    }
}

fn created(job: &Job) -> u64 {
    job.as_map().get("CreateIndex").and_then(serde_json::Value::as_u64).unwrap_or_default()
}

fn has_failed(allocation: &AllocationStub) -> bool {
    matches!(allocation.client_status.as_str(), "failed" | "lost") && allocation.next_allocation.is_empty()
}

fn failure(allocation: &AllocationStub) -> String {
    let why = telling(allocation.task_states.as_ref()).unwrap_or_else(|| one_line(&allocation.client_description));
    format!("{} ({}) on {}: {why}", one_line(&allocation.name), short(&allocation.id), one_line(&allocation.node_name))
}

fn awaits_promotion(deployment: &Deployment) -> bool {
    let mut canaries = deployment
        .task_groups
        .iter()
        .flat_map(|groups| groups.values())
        .filter(|it| it.desired_canaries > 0)
        .peekable();
    canaries.peek().is_some()
        && canaries.all(|it| !it.promoted && !it.auto_promote && it.healthy_allocs >= it.desired_canaries)
}

/// Whether it begins later.
fn waits(evaluation: &Evaluation, now: Timestamp) -> bool {
    let until = evaluation.wait_until.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
    until.is_some_and(|until| until > now)
}

fn since(now: Timestamp, then: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or_default()
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
