//! Jobs as the picture of the cluster last had them: what is shown while Nomad does not answer.
//!
//! Whoever looks during an outage wants to know what ran a minute ago, and the daemon knows it. Every answer from the
//! picture says that it is one, how old, and why Nomad was not asked instead; what the picture does not hold (versions, a
//! specification) is left out and never guessed. A token that is refused is no outage: then nothing is shown. Rejected:
//! answering from the picture always, which would be later than Nomad by the watcher's delay, and say less.

use std::{collections::HashMap, time::Duration};

use ::jobs::{
    CallError,
    nomad::JobId,
    told::{self, one_line, shortfall},
    watch::{
        Handle, Picture, Source, Standing,
        seen::{Allocation, Deployment, InNamespace, Job},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::quote_said;

use super::views::{AllocationView, GroupView, JobDetailView, JobView, TaskStateView, at, shortfalls};

/// What an answer about jobs is made of.
const SOURCES: [Source; 4] = [Source::Jobs, Source::Allocations, Source::Deployments, Source::Evaluations];

/// That an answer is not Nomad's of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaleView {
    /// `stale`; `current` where the watcher heard Nomad just before it did not answer.
    #[schema(example = "stale")]
    pub standing: String,
    /// So many seconds ago Nomad said this, at most.
    pub age_s: u64,
    /// Why Nomad's answer of now is not to be had.
    pub cause: String,
}

impl StaleView {
    /// In one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let age = humantime::format_duration(Duration::from_secs(self.age_s));
        format!("stale: {}; this is how the cluster was {age} ago", self.cause)
    }
}

/// The jobs that the picture holds, where Nomad is not to be asked and there is a picture of them.
pub(super) fn list(watched: Option<&Handle>, place: Place<'_>, error: &CallError) -> Option<Vec<JobView>> {
    let (watched, stale) = (watched?, stale(watched?, error)?);
    let rows = watched.read(|picture| {
        let wanted = |key: &InNamespace<JobId>| place.holds(&key.namespace) && key.id.as_str().starts_with(place.id);
        let jobs = picture.jobs().values().filter(|job| wanted(&job.key));
        jobs.map(|job| row(picture, job, &stale)).collect::<Vec<_>>()
    });
    // That nothing is there is not for a picture to say.
    (!rows.is_empty()).then_some(rows)
}

/// One job, as far as the picture holds it.
pub(super) fn detail(watched: Option<&Handle>, place: Place<'_>, error: &CallError) -> Option<JobDetailView> {
    let (watched, stale) = (watched?, stale(watched?, error)?);
    watched.read(|picture| {
        let namespace = place.namespace.unwrap_or("default").to_owned();
        let job = picture.jobs().get(&InNamespace { namespace, id: JobId::new(place.id) })?;
        Some(whole(picture, job, &stale))
    })
}

/// Which jobs: those of a namespace (`*` is all of them) whose id begins so, or is this.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) id: &'a str,
}

impl Place<'_> {
    fn holds(self, namespace: &str) -> bool {
        let wanted = self.namespace.unwrap_or("default");
        wanted == "*" || wanted == namespace
    }
}

/// How old the picture is; none where there is none yet, or where the error is no outage.
fn stale(watched: &Handle, error: &CallError) -> Option<StaleView> {
    if !error.is_transient() && !matches!(error, CallError::Certificate { .. }) {
        return None;
    }
    let mut statuses = watched.statuses();
    statuses.retain(|status| SOURCES.contains(&status.source));
    let is_stale = statuses.iter().any(|status| status.standing == Standing::Stale);
    let ages: Option<Vec<Duration>> = statuses.iter().map(|status| status.age).collect();
    let standing = if is_stale { "stale" } else { "current" };
    let age_s = ages?.into_iter().max()?.as_secs();
    Some(StaleView { standing: standing.to_owned(), age_s, cause: tasks::chain(error) })
}

fn row(picture: &Picture, job: &Job, stale: &StaleView) -> JobView {
    let of_job: Vec<&Allocation> = allocations(picture, job);
    let count = |holds: &dyn Fn(&Allocation) -> bool| of_job.iter().filter(|it| holds(it)).count() as u64;
    let wanted = deployment(picture, job).map(|it| it.groups.values().map(|group| group.wanted).sum::<i64>());
    JobView {
        id: job.key.id.to_string(),
        namespace: job.key.namespace.clone(),
        kind: job.kind.clone(),
        status: job.status.clone(),
        stopped: job.stopped,
        priority: job.priority,
        wanted: if job.stopped { Some(0) } else { wanted.and_then(|wanted| u64::try_from(wanted).ok()) },
        running: count(&|it| it.status == "running"),
        failed: count(&is_failed),
        version: None,
        submitted: at(job.submitted_ns),
        stale: Some(stale.clone()),
    }
}

fn whole(picture: &Picture, job: &Job, stale: &StaleView) -> JobDetailView {
    let of_job = allocations(picture, job);
    let deployment = deployment(picture, job);
    let group = |(name, it): (&String, &::jobs::watch::seen::DeployedGroup)| {
        let count = |holds: &dyn Fn(&Allocation) -> bool| {
            of_job.iter().filter(|one| one.group == *name && holds(one)).count() as u64
        };
        GroupView {
            name: name.clone(),
            wanted: u64::try_from(it.wanted).unwrap_or_default(),
            placed: count(&|one| matches!(one.status.as_str(), "pending" | "running")),
            running: count(&|one| one.status == "running"),
            healthy: count(&|one| one.status == "running" && one.healthy == Some(true)),
            complete: count(&|one| one.status == "complete" && one.desired == "run"),
            failed: count(&is_failed),
        }
    };
    let groups = deployment.into_iter().flat_map(|it| &it.groups).map(group).collect();
    JobDetailView {
        job: row(picture, job, stale),
        stable: false,
        check_index: job.job_modify_index.0,
        groups,
        deployment: deployment.map(|it| one_line(&it.status_description)),
        shortfalls: if job.stopped { Vec::new() } else { without_place(picture, job) },
        allocations: of_job.into_iter().map(|it| allocation(picture, it)).collect(),
        versions: Vec::new(),
    }
}

/// Newest first.
fn allocations<'a>(picture: &'a Picture, job: &Job) -> Vec<&'a Allocation> {
    let of_job = picture.allocations().values().filter(|it| it.job == job.key);
    let mut of_job: Vec<&Allocation> = of_job.map(|it| &**it).collect();
    of_job.sort_by_key(|it| std::cmp::Reverse(it.created_ns));
    of_job
}

fn deployment<'a>(picture: &'a Picture, job: &Job) -> Option<&'a Deployment> {
    let of_job = picture.deployments().values().filter(|it| it.job == job.key);
    of_job.map(|it| &**it).max_by_key(|it| it.job_version)
}

fn without_place(picture: &Picture, job: &Job) -> Vec<super::views::ShortfallView> {
    let waiting = picture.evaluations().values().filter(|it| it.job == job.key && it.status == "blocked");
    let failed: HashMap<_, _> = waiting.flat_map(|it| it.failed.clone()).collect();
    shortfalls(shortfall::shortfalls(&failed))
}

fn allocation(picture: &Picture, it: &Allocation) -> AllocationView {
    let task = |(name, task): (&String, &::jobs::watch::seen::Task)| TaskStateView {
        name: name.clone(),
        state: task.state.clone(),
        failed: task.failed,
        restarts: task.restarts,
    };
    let is_bad = matches!(it.status.as_str(), "failed" | "lost" | "unknown");
    let note = picture.notes(&it.id).filter(|note| note.is_failure()).max_by_key(|note| note.at_ns);
    let said = note.map(|note| {
        let (task, kind) = (one_line(&note.task), one_line(&note.kind));
        format!("task {task}: {kind}: {}", quote_said(&one_line(&note.said)))
    });
    AllocationView {
        id: it.id.to_string(),
        group: it.group.clone(),
        node: it.node_name.clone(),
        status: it.status.clone(),
        desired: it.desired.clone(),
        version: None,
        created: at(it.created_ns),
        tasks: it.tasks.iter().map(task).collect(),
        why: is_bad.then(|| said.unwrap_or_else(|| told::one_line(&it.status_description))),
    }
}

/// Failed, and not replaced or stopped since.
fn is_failed(it: &Allocation) -> bool {
    it.desired == "run" && it.next.is_none() && matches!(it.status.as_str(), "failed" | "lost")
}
