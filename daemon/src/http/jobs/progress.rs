//! A registration followed to its end, and what happened to a job: both as it happens.
//!
//! The stream carries states, not steps: a client that connects again is told where things stand now.

use std::{collections::HashSet, convert::Infallible, time::Duration};

use ::jobs::{
    Index,
    follow::{Follower, Patience, Progress, Sight as Seen, Verdict},
    nomad::{Job, JobId},
    sights::{News, Sights},
    told::{Happening, Shortfall, Sources, history},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response, sse::Event},
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use utoipa::IntoParams;

use super::views::{EndView, HappeningView, ProgressView};
use crate::{
    http::{
        auth::{Read, Watching},
        error::{ApiError, ErrorBody, InputError},
        events::streaming,
        input::{At, Params},
        sight::Sight,
        state::Api,
    },
    workload::{ClusterError, orders::job_in_words},
};

/// How often the patience of whoever follows is looked at.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST: u64 = 86_400;

/// What to follow.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ProgressQuery {
    /// Without it, `default`.
    namespace: Option<String>,
    /// `check_index` of the registration; without it, whatever version is there.
    registered: Option<u64>,
    /// For how many seconds at most; 900 where it is not said.
    limit_s: Option<u64>,
    /// For how many seconds something may be without a place while nothing moves; 20 where it is not said.
    place_s: Option<u64>,
    /// For browsers, which cannot send a key with a stream: a ticket from `POST /api/tickets`.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// Follows a registration to its end: events `progress` with each new state, `lost` when the cluster cannot be asked for
/// a while, and `end`.
#[utoipa::path(
    get, path = "/api/jobs/{id}/progress", tag = "jobs",
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), ProgressQuery),
    responses(
        (status = 200, description = "A stream of states, then of EndView", body = ProgressView, content_type = "text/event-stream"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
pub(super) async fn progress(
    watching: Watching<Read>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<ProgressQuery>,
) -> Result<Response, ApiError> {
    let (id, namespace) = (JobId::new(id), query.namespace.as_deref());
    let patience = patience(&query)?;
    let workload = api.workload()?;
    let now = workload.job(&id, namespace).await?;
    let job = version(&workload, &id, namespace, now, query.registered.map(Index)).await?;
    let mut sights = Sights::new(workload.nomad(namespace), id.clone());
    sights.first().await.map_err(super::cluster)?;
    let follower = Follower::new(&job, patience, api.clock().now());
    let sight = Sight::of(&watching.caller);
    let subject = job_in_words(&id, namespace);
    let watch = Watch {
        api,
        sights,
        follower,
        sight,
        id,
        subject,
        last: Progress::default(),
        waits: false,
        lost: false,
        ended: false,
    };
    Ok(streaming(&watching.caller, watch.stream()))
}

fn patience(query: &ProgressQuery) -> Result<Patience, InputError> {
    let usual = Patience::default();
    let seconds = |asked: Option<u64>, usual: Duration| match asked {
        None => Ok(usual),
        Some(seconds @ 1..=LONGEST) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(InputError::Query("limit_s, place_s: from 1 to 86400".to_owned())),
    };
    Ok(Patience { whole: seconds(query.limit_s, usual.whole)?, place: seconds(query.place_s, usual.place)?, ..usual })
}

/// The version that was registered at this index.
async fn version(
    workload: &crate::workload::Workload,
    id: &JobId,
    namespace: Option<&str>,
    now: Job,
    registered: Option<Index>,
) -> Result<Job, ApiError> {
    let Some(index) = registered.filter(|index| *index != now.job_modify_index()) else { return Ok(now) };
    let kept = workload.nomad(namespace).versions(id).await.map_err(super::cluster)?;
    let found = kept.jobs.into_iter().find(|job| job.job_modify_index() == index);
    found.ok_or_else(|| {
        let (what, hint) = (
            format!("registration {index} of {}", job_in_words(id, namespace)),
            "roost job show JOB says what is there",
        );
        ClusterError::Unknown { what, hint }.into()
    })
}

/// Somebody who follows a registration.
struct Watch {
    api: Api,
    sights: Sights,
    follower: Follower,
    sight: Sight,
    id: JobId,
    subject: String,
    last: Progress,
    /// Whether to wait before the next look.
    waits: bool,
    /// Whether the client knows that the cluster cannot be asked.
    lost: bool,
    ended: bool,
}

impl Watch {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut watch| async move {
            let event = watch.next().await?;
            Some((Ok(event), watch))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        loop {
            if self.waits {
                match self.api.closing().run_until_cancelled(self.sights.changed(LOOK)).await? {
                    // Each listing is lost for itself; the client is told once.
                    News::Lost(error) if self.lost && error.is_transient() => {}
                    News::Lost(error) => return Some(self.lost(&error)),
                    News::Changed => self.lost = false,
                    News::Quiet => {}
                }
            }
            self.waits = true;
            let step = self.follower.look(self.api.clock().now(), &self.sights.sight());
            if let Some(verdict) = step.verdict {
                self.last = step.progress.unwrap_or_else(|| std::mem::take(&mut self.last));
                self.ended = true;
                let view = self.sight.show(end(&self.id, &self.subject, &verdict, &self.last)).ok()?;
                return Event::default().event("end").json_data(view).ok();
            }
            if let Some(progress) = step.progress {
                self.last = progress.clone();
                let view = self.sight.show(ProgressView::from(progress)).ok()?;
                return Event::default().event("progress").json_data(view).ok();
            }
        }
    }

    /// Sight comes back by itself, unless the credential is the reason.
    fn lost(&mut self, error: &::jobs::CallError) -> Event {
        self.lost = true;
        self.ended = !error.is_transient();
        let (done, said) = (false, format!("{}: {error}", self.subject));
        let hint = match self.ended {
            true => "roost cluster status; it goes on by itself: roost job show".to_owned(),
            false => "it is looked at again by itself".to_owned(),
        };
        let name = if self.ended { "end" } else { "lost" };
        let event = Event::default().event(name).json_data(EndView { done, said, hint });
        event.unwrap_or_else(|_| Event::default().event(name))
    }
}

/// The end in words.
fn end(id: &JobId, subject: &str, verdict: &Verdict, last: &Progress) -> EndView {
    let why: Vec<String> =
        last.shortfalls.iter().map(Shortfall::in_words).chain(last.failures.iter().cloned()).collect();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
    let show = format!("roost job show {id}; roost job logs {id}");
    let (done, said, hint) = match verdict {
        Verdict::Done => (true, format!("{subject} is as it was ordered"), show),
        Verdict::Failed { why: nomad } => {
            (false, format!("{subject} failed: {nomad}{why}"), format!("{show}; back: roost job revert {id} VERSION"))
        }
        Verdict::Short { running, wanted } => (
            false,
            format!("{subject}: {running} of {wanted} run{why}"),
            "it stays registered and goes on by itself when there is room".to_owned(),
        ),
        Verdict::Waits { why } => {
            (false, format!("{subject}: {why}"), "promote or resume the deployment in Nomad".to_owned())
        }
        Verdict::Replaced { by } => {
            (false, format!("{subject}: version {by} took its place"), format!("roost job diff --job {id}"))
        }
        Verdict::Stopped => (false, format!("{subject}: somebody stopped it"), format!("roost job show {id}")),
        Verdict::Gone => (false, format!("{subject} is gone"), "roost job list".to_owned()),
        Verdict::TimedOut => (
            false,
            format!("{subject} is still under way{why}"),
            format!("it goes on by itself: roost job events -f {id}"),
        ),
    };
    EndView { done, said, hint }
}

/// Which happenings.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Without it, `default`.
    namespace: Option<String>,
    /// Answer with a stream of events (`happened`) instead, beginning with what is known.
    follow: bool,
    /// For browsers, which cannot send a key with a stream: a ticket from `POST /api/tickets`.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// Says what happened to a job: evaluations, deployments, allocations, and the events of their tasks.
#[utoipa::path(
    get, path = "/api/jobs/{id}/events", tag = "jobs",
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), EventsQuery),
    responses(
        (status = 200, description = "Oldest first; with follow=true text/event-stream", body = [HappeningView]),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["read"])),
)]
pub(super) async fn events(
    watching: Watching<Read>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<EventsQuery>,
) -> Result<Response, ApiError> {
    let (id, namespace) = (JobId::new(id), query.namespace.as_deref());
    let workload = api.workload()?;
    workload.job(&id, namespace).await?;
    let mut sights = Sights::new(workload.nomad(namespace), id);
    sights.first().await.map_err(super::cluster)?;
    let sight = Sight::of(&watching.caller);
    if !query.follow {
        let all: Vec<HappeningView> = happened(&sights.sight()).into_iter().map(HappeningView::from).collect();
        return Ok(Json(sight.show(all)?).into_response());
    }
    let told = Told { api, sights, sight, known: HashSet::new(), ready: Vec::new(), waits: false };
    Ok(streaming(&watching.caller, told.stream()))
}

fn happened(seen: &Seen<'_>) -> Vec<Happening> {
    let Seen { allocations, evaluations, deployments, .. } = *seen;
    history::history(Sources { allocations, evaluations, deployments })
}

/// Somebody who is told what happens.
struct Told {
    api: Api,
    sights: Sights,
    sight: Sight,
    /// Keys of the last listing.
    known: HashSet<String>,
    /// Newest first.
    ready: Vec<Happening>,
    waits: bool,
}

impl Told {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut told| async move {
            let event = told.next().await?;
            Some((Ok(event), told))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(next) = self.ready.pop() {
                let view = self.sight.show(HappeningView::from(next)).ok()?;
                return Event::default().event("happened").json_data(view).ok();
            }
            if self.waits {
                match self.api.closing().run_until_cancelled(self.sights.changed(Duration::from_secs(60))).await? {
                    News::Changed | News::Quiet => {}
                    // What was missed meanwhile is in the next listing.
                    News::Lost(error) if error.is_transient() => {}
                    News::Lost(_) => return None,
                }
            }
            self.waits = true;
            let listed = happened(&self.sights.sight());
            self.ready = unheard(&mut self.known, listed);
            self.ready.reverse();
        }
    }
}

/// What of a listing was not in the one before; from then on this one is known. What is listed no longer is forgotten:
/// it does not come back, and whoever follows for weeks keeps no more than one listing of it.
fn unheard(known: &mut HashSet<String>, listed: Vec<Happening>) -> Vec<Happening> {
    let before = std::mem::replace(known, listed.iter().map(|it| it.key.clone()).collect());
    listed.into_iter().filter(|it| !before.contains(&it.key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_says_what_to_do_next() {
        let id = JobId::new("web");
        for verdict in [
            Verdict::Done,
            Verdict::Failed { why: "Failed due to progress deadline".to_owned() },
            Verdict::Short { running: 1, wanted: 2 },
            Verdict::Waits { why: "paused".to_owned() },
            Verdict::Replaced { by: 3 },
            Verdict::Stopped,
            Verdict::Gone,
            Verdict::TimedOut,
        ] {
            let view = end(&id, "job web", &verdict, &Progress::default());
            assert!(view.said.starts_with("job web") && !view.hint.is_empty(), "{view:?}");
            assert_eq!(view.done, verdict == Verdict::Done);
        }
        let last = Progress { failures: vec!["web.main[0] on vm: boom".to_owned()], ..Progress::default() };
        assert!(end(&id, "job web", &Verdict::TimedOut, &last).said.ends_with(": web.main[0] on vm: boom"));
    }

    #[test]
    fn who_follows_for_long_keeps_one_listing_and_hears_each_thing_once() {
        let one = |n: usize| Happening {
            key: format!("a/{n}"),
            at: vocabulary::Timestamp::UNIX_EPOCH,
            subject: String::new(),
            what: String::new(),
        };
        // Nomad keeps the last ten of what happens to a task, and two come each time.
        let (mut known, mut heard) = (HashSet::new(), Vec::new());
        for first in (0..10_000).step_by(2) {
            let listed: Vec<Happening> = (first..first + 10).map(one).collect();
            heard.extend(unheard(&mut known, listed).into_iter().map(|it| it.key));
            assert_eq!(known.len(), 10);
        }
        assert_eq!(heard, (0..10_008).map(|n| one(n).key).collect::<Vec<_>>());
    }
}
