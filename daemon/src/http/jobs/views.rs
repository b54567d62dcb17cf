//! What answers about jobs look like: what people decide by, and nothing of the specification, which may hold secrets.

use ::jobs::{
    follow::{self, Follower, Patience, Sight},
    nomad::{AllocationStub, Job, JobStatusStub, JobStub},
    told::{self, history},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::Timestamp;

use super::pictured::StaleView;
use crate::http::wire::ReasonView;

/// A job in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Its id.
    #[schema(example = "web")]
    pub id: String,
    /// Its namespace.
    #[schema(example = "default")]
    pub namespace: String,
    /// `service`, `batch`, `system` or `sysbatch`.
    pub kind: String,
    /// `pending`, `running` or `dead`; `dead` is also said between a failure and the next try.
    pub status: String,
    /// Whether somebody stopped it.
    pub stopped: bool,
    /// From 1 to 100.
    pub priority: i64,
    /// How many allocations are wanted, where a count says so.
    pub wanted: Option<u64>,
    /// How many run.
    pub running: u64,
    /// How many have failed or are lost, of the version that is there now.
    pub failed: u64,
    /// Its version; none where the picture is shown, which does not hold it.
    pub version: Option<u64>,
    /// When that was registered.
    #[schema(value_type = String, format = DateTime)]
    pub submitted: Timestamp,
    /// That Nomad did not answer and this is the last picture of it; absent where this is Nomad's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<StaleView>,
}

/// A job with everything around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobDetailView {
    /// The job.
    pub job: JobView,
    /// Whether its version is known as one to revert to.
    pub stable: bool,
    /// What a change must name to be sure that nobody changed it meanwhile.
    pub check_index: u64,
    /// By group; where the picture is shown, those of its last deployment.
    pub groups: Vec<GroupView>,
    /// What Nomad says of the deployment of its version.
    pub deployment: Option<String>,
    /// What finds no place.
    pub shortfalls: Vec<ShortfallView>,
    /// Newest first.
    pub allocations: Vec<AllocationView>,
    /// Newest first, those that Nomad still keeps; empty where the picture is shown.
    pub versions: Vec<VersionView>,
}

/// One group at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
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

/// Something that finds no place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShortfallView {
    /// Which group.
    pub group: String,
    /// How many of its allocations.
    pub unplaced: u64,
    /// Why, and what to do.
    pub reasons: Vec<ReasonView>,
}

/// One allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AllocationView {
    /// Its id.
    pub id: String,
    /// Its group.
    pub group: String,
    /// Where it is.
    pub node: String,
    /// `pending`, `running`, `complete`, `failed`, `lost` or `unknown`.
    pub status: String,
    /// Whether it is meant to run: `run`, `stop` or `evict`.
    pub desired: String,
    /// Of which version of the job; none where the picture is shown.
    pub version: Option<u64>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// Its tasks.
    pub tasks: Vec<TaskStateView>,
    /// What says best why it is as it is, where it failed.
    pub why: Option<String>,
}

/// One task of an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskStateView {
    /// Its name.
    pub name: String,
    /// `pending`, `running` or `dead`.
    pub state: String,
    /// Whether it failed.
    pub failed: bool,
    /// How often it was restarted.
    pub restarts: u64,
}

/// One version of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// Its number.
    pub version: u64,
    /// Whether it is one to revert to.
    pub stable: bool,
    /// Whether it stopped the job.
    pub stopped: bool,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub submitted: Timestamp,
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineView {
    /// `added`, `removed` or `changed`.
    #[schema(value_type = String, example = "changed")]
    pub mark: told::Mark,
    /// Where it stands.
    #[schema(example = "group web, task server, Resources, MemoryMB")]
    pub path: String,
    /// What it was.
    pub old: String,
    /// What it becomes.
    pub new: String,
    /// What Nomad does because of it.
    pub notes: Vec<String>,
}

/// What registering a job would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The job's id.
    pub id: String,
    /// Its namespace.
    pub namespace: String,
    /// `creates`, `changes` or `nothing`.
    #[schema(value_type = String, example = "changes")]
    pub effect: told::Effect,
    /// What the registration must name; 0 says that there must be none yet.
    pub check_index: u64,
    /// By group: what happens to how many.
    pub groups: Vec<GroupPlanView>,
    /// What would find no place.
    pub shortfalls: Vec<ShortfallView>,
    /// The fields that change.
    pub diff: Vec<LineView>,
    /// What Nomad warns of.
    pub warnings: Option<String>,
    /// When a periodic job starts next.
    pub next_launch: Option<String>,
    /// The job that was planned, in Nomad's form: send exactly this to register it.
    #[schema(value_type = Object)]
    pub job: Job,
}

/// What would happen to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupPlanView {
    /// Its name.
    pub name: String,
    /// How many are wanted.
    pub count: i64,
    /// What happens to how many: `place`, `replace`, `update in place`, `stop`, ...
    pub changes: Vec<GroupChangeView>,
}

/// What would happen to some of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupChangeView {
    /// What.
    pub what: String,
    /// To how many.
    pub count: u64,
}

/// A registration at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// By group.
    pub groups: Vec<GroupView>,
    /// What Nomad says of the deployment.
    pub deployment: Option<String>,
    /// What finds no place now.
    pub shortfalls: Vec<ShortfallView>,
    /// What failed allocations say of themselves.
    pub failures: Vec<String>,
}

/// How a registration ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndView {
    /// Whether everything that was wanted runs, or ended well.
    pub done: bool,
    /// In words.
    pub said: String,
    /// What to do next.
    pub hint: String,
}

/// One thing that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HappeningView {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// To what.
    pub subject: String,
    /// What.
    pub what: String,
}

impl JobView {
    /// From both listings that know the job.
    #[must_use]
    pub fn of(stub: JobStub, status: Option<&JobStatusStub>) -> Self {
        let has_count = matches!(stub.type_.as_str(), "service" | "batch") && !stub.parameterized_job && !stub.periodic;
        let allocations = status.and_then(|status| status.allocs.as_deref()).unwrap_or_default();
        let version = status.map_or(0, |status| status.version);
        let wanted = status.and_then(|status| u64::try_from(status.group_count_sum).ok());
        let current = allocations.iter().filter(|it| it.job_version == version);
        let failed = current.filter(|it| matches!(it.client_status.as_str(), "failed" | "lost")).count();
        Self {
            wanted: wanted.filter(|_| has_count).map(|wanted| if stub.stop { 0 } else { wanted }),
            running: allocations.iter().filter(|it| it.client_status == "running").count() as u64,
            failed: failed as u64,
            id: stub.id,
            namespace: stub.namespace,
            kind: stub.type_,
            status: stub.status,
            stopped: stub.stop,
            priority: stub.priority,
            version: Some(version),
            submitted: at(stub.submit_time),
            stale: None,
        }
    }
}

impl JobDetailView {
    /// From everything around a job.
    #[must_use]
    pub fn of(job: &Job, sight: &Sight<'_>, versions: &[Job]) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let progress = Follower::new(job, Patience::default(), now).look(now, sight).progress.unwrap_or_default();
        let mut allocations: Vec<&AllocationStub> = sight.allocations.iter().collect();
        allocations.sort_by_key(|it| std::cmp::Reverse(it.create_index));
        let running = sight.allocations.iter().filter(|it| it.client_status == "running").count();
        let text =
            |field: &str| job.as_map().get(field).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let has_count = matches!(job.kind(), Some("service" | "batch"));
        let wanted: u64 = progress.groups.iter().map(|group| group.wanted).sum();
        let view = JobView {
            id: text("ID"),
            namespace: text("Namespace"),
            kind: text("Type"),
            status: text("Status"),
            stopped: job.is_stopped(),
            priority: job.as_map().get("Priority").and_then(serde_json::Value::as_i64).unwrap_or_default(),
            wanted: has_count.then_some(if job.is_stopped() { 0 } else { wanted }),
            running: running as u64,
            failed: progress.groups.iter().map(|group| group.failed).sum(),
            version: Some(job.version()),
            submitted: submitted(job),
            stale: None,
        };
        Self {
            job: view,
            stable: job.is_stable(),
            check_index: job.job_modify_index().0,
            groups: progress.groups.into_iter().map(GroupView::from).collect(),
            deployment: progress.deployment,
            shortfalls: if job.is_stopped() { Vec::new() } else { shortfalls(progress.shortfalls) },
            allocations: allocations.into_iter().map(AllocationView::from).collect(),
            versions: versions.iter().map(VersionView::from).collect(),
        }
    }
}

impl PlanView {
    /// A plan of this job.
    #[must_use]
    pub fn of(job: Job, preview: told::Preview) -> Self {
        let check_index = match preview.over {
            ::jobs::nomad::Over::Version(index) => index.0,
            ::jobs::nomad::Over::Nothing | ::jobs::nomad::Over::Whatever => 0,
        };
        let change = |(what, count): (String, u64)| GroupChangeView { what, count };
        let group = |group: told::GroupPreview| GroupPlanView {
            name: group.name,
            count: group.count,
            changes: group.changes.into_iter().map(change).collect(),
        };
        Self {
            id: job.id().map(|id| id.to_string()).unwrap_or_default(),
            namespace: job.namespace().unwrap_or("default").to_owned(),
            effect: preview.effect,
            check_index,
            groups: preview.groups.into_iter().map(group).collect(),
            shortfalls: shortfalls(preview.shortfalls),
            diff: preview.diff.into_iter().map(LineView::from).collect(),
            warnings: preview.warnings,
            next_launch: preview.next_launch,
            job,
        }
    }
}

impl From<&AllocationStub> for AllocationView {
    fn from(allocation: &AllocationStub) -> Self {
        let states = allocation.task_states.iter().flatten();
        let mut tasks: Vec<TaskStateView> = states
            .map(|(name, task)| TaskStateView {
                name: name.clone(),
                state: task.state.clone(),
                failed: task.failed,
                restarts: task.restarts,
            })
            .collect();
        tasks.sort_by(|one, other| one.name.cmp(&other.name));
        let is_bad = matches!(allocation.client_status.as_str(), "failed" | "lost" | "unknown");
        let why = history::telling(allocation.task_states.as_ref()).filter(|_| is_bad);
        Self {
            id: allocation.id.clone(),
            group: allocation.task_group.clone(),
            node: allocation.node_name.clone(),
            status: allocation.client_status.clone(),
            desired: allocation.desired_status.clone(),
            version: Some(allocation.job_version),
            created: at(allocation.create_time),
            tasks,
            why: why.or_else(|| is_bad.then(|| told::one_line(&allocation.client_description))),
        }
    }
}

impl From<&Job> for VersionView {
    fn from(job: &Job) -> Self {
        let (version, stable, stopped) = (job.version(), job.is_stable(), job.is_stopped());
        Self { version, stable, stopped, submitted: submitted(job) }
    }
}

impl From<follow::GroupProgress> for GroupView {
    fn from(group: follow::GroupProgress) -> Self {
        let follow::GroupProgress { name, wanted, placed, running, healthy, complete, failed } = group;
        Self { name, wanted, placed, running, healthy, complete, failed }
    }
}

impl From<follow::Progress> for ProgressView {
    fn from(progress: follow::Progress) -> Self {
        Self {
            groups: progress.groups.into_iter().map(GroupView::from).collect(),
            deployment: progress.deployment,
            shortfalls: shortfalls(progress.shortfalls),
            failures: progress.failures,
        }
    }
}

impl From<told::Line> for LineView {
    fn from(line: told::Line) -> Self {
        let told::Line { mark, path, old, new, notes } = line;
        Self { mark, path, old, new, notes }
    }
}

impl LineView {
    /// In one line, as people read it.
    #[must_use]
    pub fn in_words(self) -> String {
        let Self { mark, path, old, new, notes } = self;
        told::Line { mark, path, old, new, notes }.in_words()
    }
}

impl From<told::Happening> for HappeningView {
    fn from(happening: told::Happening) -> Self {
        let told::Happening { at, subject, what, .. } = happening;
        Self { at, subject, what }
    }
}

/// What finds no place, for people.
#[must_use]
pub fn shortfalls(found: Vec<told::Shortfall>) -> Vec<ShortfallView> {
    let reason = |why: told::Reason| ReasonView { cause: why.cause, remedy: why.remedy };
    let view = |short: told::Shortfall| ShortfallView {
        group: short.group,
        unplaced: short.unplaced,
        reasons: short.reasons.into_iter().map(reason).collect(),
    };
    found.into_iter().map(view).collect()
}

pub(super) fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

fn submitted(job: &Job) -> Timestamp {
    at(job.as_map().get("SubmitTime").and_then(serde_json::Value::as_i64).unwrap_or_default())
}
