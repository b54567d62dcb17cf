//! Changes of jobs: foreseen, noted down, carried out.
//!
//! What is foreseen for `?dry_run=true` is computed by the same function as before the real thing, so what was shown is
//! what is done. An answer that never came is not taken for a failure: the job is looked at again before anybody is told
//! to try once more.

use ::jobs::{
    Index,
    nomad::{AllocationId, AllocationStub, Changed, Job, JobId, Over, Purge, RegisterError, ScaleTo, Which},
    told::{Conflict, Preview, history::short, preview},
};
use serde_json::json;
use vocabulary::Approved;

use super::{
    ClusterError, Workload,
    orders::{Act, Afterwards, JobOrder},
};
use crate::http::desks::Effect;

/// What an order brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In words.
    pub effects: Vec<Effect>,
    /// Which look of the scheduler carries it out.
    pub evaluation: Option<String>,
    /// What the next change must name.
    pub check_index: Option<Index>,
    /// What Nomad warns of.
    pub warnings: Option<String>,
    /// The job that a dispatch started.
    pub dispatched: Option<String>,
}

/// What will happen, and the facts that it rests on.
struct Foreseen {
    effects: Vec<Effect>,
    /// The job as it is; none where it is to be made.
    job: Option<Job>,
    allocations: Vec<AllocationStub>,
}

impl Workload {
    /// What an order would bring about; fails as the order would.
    ///
    /// # Errors
    /// It cannot be done as things are, or Nomad cannot be asked.
    pub async fn foresee(&self, order: &JobOrder) -> Result<Vec<Effect>, ClusterError> {
        Ok(self.foreseen(order).await?.effects)
    }

    /// Carries an order out.
    ///
    /// # Errors
    /// It cannot be done as things are, or Nomad cannot be asked.
    pub async fn carry_out(&self, order: Approved<JobOrder>) -> Result<Outcome, ClusterError> {
        let foreseen = self.foreseen(order.value()).await?;
        let JobOrder { job, namespace, act } = order.value();
        let subject = json!({ "job": job, "namespace": namespace, "effects": foreseen.effects, "digest": hex::encode(order.digest()) });
        self.note(order.authority(), act.name(), subject).await?;
        let effects = foreseen.effects.clone();
        let outcome = self.act(order.into_value(), foreseen).await?;
        Ok(Outcome { effects, ..outcome })
    }

    async fn foreseen(&self, order: &JobOrder) -> Result<Foreseen, ClusterError> {
        let subject = order.subject();
        if let Act::Register { spec, check_index } = &order.act {
            let preview = self.plan(spec).await?;
            if preview.over != preview::over(*check_index) {
                return Err(self.conflict(order, spec, *check_index).await);
            }
            return Ok(Foreseen { effects: registered(&subject, &preview), job: None, allocations: Vec::new() });
        }
        let job = self.job(&order.job, order.namespace.as_deref()).await?;
        let (effect, allocations) = match &order.act {
            Act::Restart { allocations, task } => {
                let found = self.to_restart(order, allocations).await?;
                let names: Vec<&str> = found.iter().map(|it| short(&it.id)).collect();
                let which = task.as_ref().map_or_else(|| "every task".to_owned(), |task| format!("task {task}"));
                (format!("{which} restarted where it is, in {}", names.join(", ")), found)
            }
            Act::Revert { version } => (self.reverted(order, &job, *version).await?, Vec::new()),
            act => (foretold(act, &job)?, Vec::new()),
        };
        Ok(Foreseen { effects: vec![Effect { subject, effect }], job: Some(job), allocations })
    }

    async fn reverted(&self, order: &JobOrder, job: &Job, version: u64) -> Result<String, ClusterError> {
        let now = job.version();
        if version == now {
            let hint = format!("roost job show {} lists its versions", order.job);
            return Err(ClusterError::Refused { reason: format!("version {version} is the one that is there"), hint });
        }
        let versions = self.nomad(order.namespace.as_deref()).versions(&order.job).await?;
        match versions.jobs.iter().any(|job| job.version() == version) {
            true => Ok(format!("version {now} -> what was version {version}, as version {}", now + 1)),
            false => Err(ClusterError::Unknown {
                what: format!("version {version} of {}", order.subject()),
                hint: "roost job show JOB lists the versions that Nomad still keeps",
            }),
        }
    }

    async fn to_restart(&self, order: &JobOrder, wanted: &[String]) -> Result<Vec<AllocationStub>, ClusterError> {
        let nomad = self.nomad(order.namespace.as_deref());
        let mut running = nomad.job_allocations(&order.job, &::jobs::Query::default()).await?.value;
        running.retain(|it| it.client_status == "running" && it.desired_status == "run");
        let unknown = wanted.iter().find(|id| !running.iter().any(|it| it.id.starts_with(id.as_str())));
        if let Some(id) = unknown {
            let (what, hint) =
                (format!("running allocation {id} of {}", order.subject()), "roost job show JOB lists them");
            return Err(ClusterError::Unknown { what, hint });
        }
        running.retain(|it| wanted.is_empty() || wanted.iter().any(|id| it.id.starts_with(id.as_str())));
        if running.is_empty() {
            let hint = format!("roost job show {} says why", order.job);
            return Err(ClusterError::Refused { reason: format!("nothing of {} runs", order.subject()), hint });
        }
        Ok(running)
    }

    async fn act(&self, order: JobOrder, foreseen: Foreseen) -> Result<Outcome, ClusterError> {
        let nomad = self.nomad(order.namespace.as_deref());
        let (subject, id) = (order.subject(), order.job.clone());
        let failed = |error| ClusterError::of_change(&subject, error);
        let version = foreseen.job.as_ref().map(Job::version);
        let now = foreseen.job.as_ref().map(Job::job_modify_index);
        let changed = match order.act {
            Act::Register { ref spec, check_index } => return self.register(&order, spec, check_index).await,
            Act::Stop { then } => {
                let purge = if then == Afterwards::Forget { Purge::Forget } else { Purge::Keep };
                nomad.stop(&id, purge).await.map_err(ClusterError::Act)?
            }
            Act::Scale { group, count, check_index } => {
                let group = group.or_else(|| foreseen.job.as_ref().and_then(only_group)).unwrap_or_default();
                let over = check_index.or(now).map_or(Over::Whatever, Over::Version);
                let message = "roost job scale".to_owned();
                nomad.scale(&id, &ScaleTo { group, count: count.into(), message, over }).await.map_err(failed)?
            }
            Act::Revert { version: to } => nomad.revert(&id, to, version).await.map_err(failed)?,
            Act::Restart { task, .. } => return self.restart(&order.namespace, foreseen.allocations, task).await,
            Act::Dispatch { payload, meta, key } => {
                let done = nomad.dispatch(&id, &payload, meta, key.as_deref()).await.map_err(failed)?;
                let evaluation = Some(done.eval_id).filter(|id| !id.is_empty());
                return Ok(Outcome { evaluation, dispatched: Some(done.dispatched_job_id), ..Outcome::default() });
            }
        };
        Ok(changed.into())
    }

    async fn register(&self, order: &JobOrder, spec: &Job, check_index: Index) -> Result<Outcome, ClusterError> {
        let nomad = self.nomad(spec.namespace());
        match nomad.register(spec, preview::over(check_index)).await {
            Ok(changed) => Ok(changed.into()),
            Err(RegisterError::Conflict { .. }) => Err(self.conflict(order, spec, check_index).await),
            Err(RegisterError::Call(error)) if error.may_have_happened() => {
                match self.happened(spec, check_index).await {
                    Some(outcome) => Ok(outcome),
                    None => Err(ClusterError::Act(error)),
                }
            }
            Err(error) => Err(ClusterError::of_change(&order.subject(), error)),
        }
    }

    /// Whether the registration whose answer was lost took place: then a plan of the same job changes nothing.
    async fn happened(&self, spec: &Job, check_index: Index) -> Option<Outcome> {
        let preview = self.plan(spec).await.ok()?;
        let Over::Version(now) = preview.over else { return None };
        (preview.effect == ::jobs::told::Effect::Nothing && now > check_index)
            .then(|| Outcome { check_index: Some(now), ..Outcome::default() })
    }

    async fn conflict(&self, order: &JobOrder, spec: &Job, check_index: Index) -> ClusterError {
        // What cannot be had for the explanation is left out of it: the conflict stands.
        let versions = self.nomad(spec.namespace()).versions(&order.job).await.ok();
        let versions = versions.filter(|versions| !versions.jobs.is_empty());
        let ours = self.plan(spec).await.ok();
        let both = Conflict::of(preview::over(check_index), versions.as_ref(), ours.as_ref());
        ClusterError::Changed { job: order.subject(), both: Box::new(both) }
    }

    async fn restart(
        &self,
        namespace: &Option<String>,
        allocations: Vec<AllocationStub>,
        task: Option<String>,
    ) -> Result<Outcome, ClusterError> {
        let nomad = self.nomad(namespace.as_deref());
        let which = task.map_or(Which::Running, Which::Task);
        let mut restarted: Vec<String> = Vec::new();
        for AllocationStub { id, .. } in allocations {
            let name = short(&id).to_owned();
            match nomad.restart_allocation(&AllocationId::new(id), &which).await {
                Ok(()) => restarted.push(name),
                Err(error) if restarted.is_empty() => return Err(ClusterError::Act(error)),
                Err(source) => {
                    let done = format!("{} restarted", restarted.join(", "));
                    return Err(ClusterError::Halfway { done, source });
                }
            }
        }
        Ok(Outcome::default())
    }
}

impl From<Changed> for Outcome {
    fn from(changed: Changed) -> Self {
        Self {
            evaluation: changed.evaluation.map(|id| id.as_str().to_owned()),
            check_index: Some(changed.job_modify_index).filter(|index| *index > Index(0)),
            warnings: changed.warnings.map(|warnings| ::jobs::told::one_line(&warnings)),
            ..Self::default()
        }
    }
}

/// The one group of a job that has one.
fn only_group(job: &Job) -> Option<String> {
    match job.groups()[..] {
        [only] => Some(only.to_owned()),
        _ => None,
    }
}

/// What of an order follows from the job alone.
fn foretold(act: &Act, job: &Job) -> Result<String, ClusterError> {
    let refused = |reason: String, hint: &str| Err(ClusterError::Refused { reason, hint: hint.to_owned() });
    match act {
        Act::Stop { then: Afterwards::Forget } => Ok("stopped and forgotten".to_owned()),
        Act::Stop { then: Afterwards::Keep } if job.is_stopped() => refused(
            "it is stopped already".to_owned(),
            "--purge forgets it; roost job revert starts an earlier version",
        ),
        Act::Stop { then: Afterwards::Keep } => Ok("stopped; Nomad keeps it for a while".to_owned()),
        Act::Scale { group, count, .. } => {
            let Some(name) = group.clone().or_else(|| only_group(job)) else {
                return refused(
                    format!("it has several groups: {}", job.groups().join(", ")),
                    "name one: JOB GROUP COUNT",
                );
            };
            match job.count(&name) {
                Some(now) => Ok(format!("group {name}: {now} -> {count}")),
                None => refused(format!("it has no group {name}"), &format!("it has {}", job.groups().join(", "))),
            }
        }
        Act::Dispatch { .. } if job.as_map().get("ParameterizedJob").is_none_or(serde_json::Value::is_null) => {
            refused("it takes no parameters".to_owned(), "only a job with a `parameterized` block is dispatched")
        }
        Act::Dispatch { payload, meta, .. } => {
            Ok(format!("started once with {} bytes and {} parameters", payload.len(), meta.len()))
        }
        Act::Register { .. } | Act::Revert { .. } | Act::Restart { .. } => Ok(String::new()),
    }
}

/// A registration in words.
fn registered(subject: &str, preview: &Preview) -> Vec<Effect> {
    let effect = |subject: String, effect: String| Effect { subject, effect };
    let whole = match preview.effect {
        ::jobs::told::Effect::Creates => "registered, which is new",
        ::jobs::told::Effect::Changes => "registered as its next version",
        ::jobs::told::Effect::Nothing => "registered again, which changes nothing",
    };
    let mut effects = vec![effect(subject.to_owned(), whole.to_owned())];
    for group in &preview.groups {
        let changes: Vec<String> = group.changes.iter().map(|(what, count)| format!("{what} {count}")).collect();
        let changes = if changes.is_empty() { "nothing to do".to_owned() } else { changes.join(", ") };
        effects.push(effect(format!("group {}", group.name), changes));
    }
    effects.extend(preview.shortfalls.iter().map(|short| effect(format!("group {}", short.group), short.in_words())));
    effects
}

/// The id under which a job goes, where it has one.
///
/// # Errors
/// It has none.
pub fn id_of(job: &Job) -> Result<JobId, ClusterError> {
    job.id().ok_or_else(|| ClusterError::Invalid { said: "the job has no ID".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(fields: serde_json::Value) -> Job {
        Job::from_json(fields).unwrap()
    }

    #[test]
    fn a_change_that_makes_no_sense_is_refused_before_it_is_tried() {
        let one = job(json!({"ID": "a", "TaskGroups": [{"Name": "web", "Count": 2}]}));
        let two = job(json!({"ID": "a", "TaskGroups": [{"Name": "web"}, {"Name": "db"}]}));
        let scale = |group: Option<&str>| Act::Scale { group: group.map(str::to_owned), count: 3, check_index: None };
        assert_eq!(foretold(&scale(None), &one).unwrap(), "group web: 2 -> 3");
        assert!(foretold(&scale(Some("db")), &one).unwrap_err().to_string().contains("no group db"));
        assert!(foretold(&scale(None), &two).unwrap_err().to_string().contains("several groups: web, db"));
        let stop = |then| Act::Stop { then };
        let stopped = job(json!({"ID": "a", "Stop": true}));
        assert!(foretold(&stop(Afterwards::Keep), &stopped).is_err());
        assert!(foretold(&stop(Afterwards::Forget), &stopped).is_ok());
        let dispatch = Act::Dispatch { payload: vec![1], meta: [].into(), key: None };
        assert!(foretold(&dispatch, &one).unwrap_err().to_string().contains("no parameters"));
    }
}
