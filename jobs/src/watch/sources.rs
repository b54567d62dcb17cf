//! The loops that ask: one a source, each doing what the plan says and bringing back what came of it.

use std::{convert::Infallible, pin::pin, time::Duration};

use super::{
    core::Input,
    part::{Agents, Asked, Config, Shared},
    picture::{Entries, Picture},
    plan::Ask,
    read,
    seen::{Check, Service},
    shelf::History,
    source::Source,
};
use crate::{
    blocking::{Index, LeaderKnown, Listing, Page, Query},
    consul::{self, Catalog as _},
    nomad::{self, Topic},
    transport::CallError,
};

/// Of these the stream carries objects. Services are few; their table says when to list them.
const TOPICS: &[Topic] = &[Topic::Job, Topic::Allocation, Topic::Deployment, Topic::Evaluation, Topic::Node];

/// A listing with what it took.
struct Listed {
    index: Index,
    entries: Entries,
    pages: u32,
}

/// A listing that is being read, each page made small before the next is asked for. The first page's index holds for
/// all: what changed while the others were read is above it.
struct Pages<T> {
    size: u16,
    first: Option<Index>,
    count: u32,
    /// Where the next page begins; none when there is no next.
    next: Option<Option<String>>,
    all: Vec<T>,
}

/// Asks one source for ever.
pub(super) async fn keep(shared: &Shared, source: Source, agents: &dyn Agents) -> Infallible {
    let mut nudges = shared.nudges();
    loop {
        nudges.mark_unchanged();
        let mut doing = pin!(act(shared, source, agents));
        // What waits is planned anew at each nudge; what asks is called back only when there is no more point in it.
        while tokio::select! {
            () = &mut doing => false,
            _ = nudges.changed() => !shared.is_called_back(source),
        } {}
    }
}

async fn act(shared: &Shared, source: Source, agents: &dyn Agents) {
    let ask = shared.next(source);
    if let Ask::Wait(until) = ask {
        return pause(shared, until).await;
    }
    let answer = match agents.now() {
        Ok(agents) => answer(shared, source, ask, &agents).await,
        Err(error) => failed(source, tasks::chain(&*error)),
    };
    shared.take_in(answer);
}

async fn answer(shared: &Shared, source: Source, ask: Ask, agents: &Asked) -> Input {
    let (nomad, size) = (agents.nomad.in_namespace("*"), shared.config.page);
    let answer = match (ask, &agents.consul) {
        (Ask::Open, _) => return stream(shared, &nomad).await,
        (Ask::List, _) => list(&nomad, source, size).await.map(|listed| heard(source, listed)),
        (Ask::Probe { after, wait }, _) => probe(&nomad, source, after, wait).await,
        (Ask::Follow { after, wait }, Some(consul)) => {
            let query = after.map_or_else(Query::default, |after| Query::newer_than(after).waiting(wait));
            follow(consul, source, &query).await.map(|listed| heard(source, listed))
        }
        (Ask::Follow { .. } | Ask::Wait(_), _) => return failed(source, "there is nobody to ask".to_owned()),
    };
    answer.unwrap_or_else(|error| failed(source, tasks::chain(&error)))
}

/// Until the time has come, or until something may have changed the plan.
async fn pause(shared: &Shared, until: Duration) {
    let mut nudges = shared.nudges();
    tokio::select! {
        () = tokio::time::sleep(shared.until(until)) => {}
        _ = nudges.changed() => {}
    }
}

/// Reads the stream to its end, which is a failure however it ends.
async fn stream(shared: &Shared, nomad: &nomad::Client) -> Input {
    let why = match nomad.events(TOPICS, None).await {
        Err(error) => tasks::chain(&error),
        Ok(mut events) => {
            shared.take_in(Input::Opened);
            loop {
                match events.next().await {
                    Ok(batch) => shared.take_in(Input::Told(batch)),
                    Err(error) => break tasks::chain(&error),
                }
            }
        }
    };
    failed(Source::Events, why)
}

fn failed(source: Source, why: String) -> Input {
    tracing::info!(%source, why, "no answer for now");
    Input::Failed { source, why }
}

fn heard(source: Source, listed: Listed) -> Input {
    let Listed { index, entries, pages } = listed;
    Input::Listed { source, index, entries, pages }
}

/// Waits until a table moves. Its one entry is read by nobody; an entry is the least that can be asked for.
async fn probe(nomad: &nomad::Client, source: Source, after: Index, wait: Duration) -> Result<Input, CallError> {
    let page = Page { size: 1, from: None };
    let query = Query { page: Some(page), ..Query::newer_than(after).waiting(wait) };
    let index = match source {
        Source::Jobs => led(nomad.jobs(&query).await?)?.index,
        Source::Allocations => led(nomad.allocations(&query).await?)?.index,
        Source::Deployments => led(nomad.deployments(&query).await?)?.index,
        Source::Evaluations => led(nomad.evaluations(&query).await?)?.index,
        Source::NomadServices => led(nomad.services(&query).await?)?.index,
        _ => led(nomad.nodes(&query).await?)?.index,
    };
    Ok(Input::Probed { source, index })
}

async fn list(nomad: &nomad::Client, source: Source, size: u16) -> Result<Listed, CallError> {
    Ok(match source {
        Source::Jobs => {
            let mut pages = Pages::new(size);
            while let Some(query) = pages.query() {
                pages.add(led(nomad.jobs(&query).await?)?, Into::into);
            }
            pages.end(Entries::Jobs)
        }
        Source::Allocations => {
            let mut pages = Pages::new(size);
            while let Some(query) = pages.query() {
                pages.add(led(nomad.allocations(&query).await?)?, Into::into);
            }
            pages.end(Entries::Allocations)
        }
        Source::Deployments => {
            let mut pages = Pages::new(size);
            while let Some(query) = pages.query() {
                pages.add(led(nomad.deployments(&query).await?)?, Into::into);
            }
            pages.end(Entries::Deployments)
        }
        Source::Evaluations => {
            let mut pages = Pages::new(size);
            while let Some(query) = pages.query() {
                pages.add(led(nomad.evaluations(&query).await?)?, Into::into);
            }
            pages.end(Entries::Evaluations)
        }
        Source::NomadServices => {
            let mut pages = Pages::new(size);
            while let Some(query) = pages.query() {
                pages.add(led(nomad.services(&query).await?)?, |one| one);
            }
            pages.end(|all| Entries::NomadServices(all.into_iter().flat_map(read::nomad_services).collect()))
        }
        _ => {
            let mut pages = Pages::new(size);
            while let Some(query) = pages.query() {
                pages.add(led(nomad.nodes(&query).await?)?, Into::into);
            }
            pages.end(Entries::Nodes)
        }
    })
}

impl<T> Pages<T> {
    const fn new(size: u16) -> Self {
        Self { size, first: None, count: 0, next: Some(None), all: Vec::new() }
    }

    /// What to ask; none when all is read.
    fn query(&mut self) -> Option<Query> {
        let page = Page { size: self.size, from: self.next.take()? };
        Some(Query { page: Some(page), ..Query::default() })
    }

    fn add<U>(&mut self, listing: Listing<Vec<U>>, make: impl Fn(U) -> T) {
        self.count += 1;
        self.first.get_or_insert(listing.index);
        self.all.extend(listing.value.into_iter().map(make));
        self.next = listing.next.map(Some);
    }

    fn end(self, entries: impl FnOnce(Vec<T>) -> Entries) -> Listed {
        Listed { index: self.first.unwrap_or_default(), entries: entries(self.all), pages: self.count }
    }
}

async fn follow(consul: &consul::Client, source: Source, query: &Query) -> Result<Listed, CallError> {
    let (index, entries) = match source {
        Source::ConsulServices => {
            let listing = led(consul.services(query).await?)?;
            let services: Vec<Service> = listing.value.into_iter().map(read::consul_service).collect();
            (listing.index, Entries::ConsulServices(services))
        }
        _ => {
            let listing = led(consul.checks(None, query).await?)?;
            let checks: Vec<Check> = listing.value.into_iter().map(Into::into).collect();
            (listing.index, Entries::Checks(checks))
        }
    };
    Ok(Listed { index, entries, pages: 1 })
}

/// An answer of servers without a leader may be of any age, so it is none.
fn led<T>(listing: Listing<T>) -> Result<Listing<T>, CallError> {
    if listing.leader == LeaderKnown::No {
        let said = "what the server that answered has may be old".to_owned();
        return Err(CallError::NoLeader { service: "cluster's", said });
    }
    Ok(listing)
}

/// One look at everything, without watching: each listing as of its own moment.
pub async fn look(nomad: &nomad::Client, consul: Option<&consul::Client>) -> Result<Picture, CallError> {
    let (nomad, size) = (nomad.in_namespace("*"), Config::default().page);
    let mut picture = Picture::default();
    for source in Source::ALL {
        let listed = match (source, consul) {
            (Source::Events, _) => continue,
            (source, Some(consul)) if source.is_consul() => follow(consul, source, &Query::default()).await?,
            (source, None) if source.is_consul() => continue,
            (source, _) => list(&nomad, source, size).await?,
        };
        picture.list(listed.index, listed.entries, History::GoesOn);
    }
    Ok(picture)
}
