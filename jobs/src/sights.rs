//! What is seen of one job, kept current: its four listings, each by a blocking query of its own.
//!
//! A listing is asked again only when it changed or its wait is over, and after a pause, so that a job in turmoil costs a
//! few requests a second and a quiet one four a minute. An error loses nothing that was seen: it is told, and the listing
//! is asked anew from its beginning. Rejected: polling (late, or costly), and the event stream as the source (it forgets).

use std::{pin::Pin, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use crate::{
    blocking::{Cursor, Listing, Step},
    follow::Sight,
    nomad::{AllocationStub, Client, Deployment, Evaluation, Job, JobId},
    transport::CallError,
};

/// How long one question waits for an answer.
const WAIT: Duration = Duration::from_secs(60);
/// The shortest time between two questions for the same listing.
const PAUSE: Duration = Duration::from_millis(250);
/// The same after an error.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The listings of one job.
pub struct Sights {
    nomad: Client,
    id: JobId,
    job: Option<Job>,
    deployments: Vec<Deployment>,
    allocations: Vec<AllocationStub>,
    evaluations: Vec<Evaluation>,
    asked: FuturesUnordered<Asked>,
}

/// What became of a wait.
#[derive(Debug)]
pub enum News {
    /// Something is new.
    Changed,
    /// Time was up.
    Quiet,
    /// A question failed; what was seen before stands. It is asked again by itself.
    Lost(CallError),
}

type Asked = Pin<Box<dyn Future<Output = Answer> + Send>>;

struct Answer {
    cursor: Cursor,
    found: Result<Found, CallError>,
    which: Which,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Job,
    Deployments,
    Allocations,
    Evaluations,
}

enum Found {
    Job(Listing<Option<Job>>),
    Deployments(Listing<Vec<Deployment>>),
    Allocations(Listing<Vec<AllocationStub>>),
    Evaluations(Listing<Vec<Evaluation>>),
}

impl Sights {
    /// Begins to look. Nothing is known before the first [`Sights::first`].
    #[must_use]
    pub fn new(nomad: Client, id: JobId) -> Self {
        let (deployments, allocations, evaluations) = (Vec::new(), Vec::new(), Vec::new());
        Self { nomad, id, job: None, deployments, allocations, evaluations, asked: FuturesUnordered::new() }
    }

    /// Asks for everything once.
    ///
    /// # Errors
    /// One of the questions failed.
    pub async fn first(&mut self) -> Result<(), CallError> {
        for which in [Which::Job, Which::Deployments, Which::Allocations, Which::Evaluations] {
            let answer = ask(self.nomad.clone(), self.id.clone(), which, Cursor::default(), Duration::ZERO).await;
            self.take(answer)?;
        }
        Ok(())
    }

    /// What is known.
    #[must_use]
    pub fn sight(&self) -> Sight<'_> {
        let Self { job, deployments, allocations, evaluations, .. } = self;
        Sight { job: job.as_ref(), deployments, allocations, evaluations }
    }

    /// Waits until something is new, at most so long. May be cancelled and called again.
    pub async fn changed(&mut self, limit: Duration) -> News {
        let wait = async {
            while let Some(answer) = self.asked.next().await {
                match self.take(answer) {
                    Ok(Step::Same) => {}
                    Ok(Step::Changed | Step::Reset) => return News::Changed,
                    Err(error) => return News::Lost(error),
                }
            }
            std::future::pending().await
        };
        tokio::time::timeout(limit, wait).await.unwrap_or(News::Quiet)
    }

    /// Keeps what was found and asks again.
    fn take(&mut self, answer: Answer) -> Result<Step, CallError> {
        let Answer { mut cursor, found, which } = answer;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                cursor.reset();
                self.ask_again(which, cursor, PAUSE_AFTER_ERROR);
                return Err(error);
            }
        };
        let step = cursor.advance(found.index());
        // A job that is not there has no index to wait for.
        let gone = matches!(&found, Found::Job(listing) if listing.value.is_none());
        let step = if gone && self.job.is_none() { Step::Same } else { step };
        match found {
            Found::Job(listing) => self.job = listing.value,
            Found::Deployments(listing) => self.deployments = listing.value,
            Found::Allocations(listing) => self.allocations = listing.value,
            Found::Evaluations(listing) => self.evaluations = listing.value,
        }
        if gone {
            cursor.reset();
        }
        self.ask_again(which, cursor, if gone { PAUSE_AFTER_ERROR } else { PAUSE });
        Ok(step)
    }

    fn ask_again(&mut self, which: Which, cursor: Cursor, pause: Duration) {
        self.asked.push(Box::pin(ask(self.nomad.clone(), self.id.clone(), which, cursor, pause)));
    }
}

impl Found {
    const fn index(&self) -> crate::Index {
        match self {
            Self::Job(listing) => listing.index,
            Self::Deployments(listing) => listing.index,
            Self::Allocations(listing) => listing.index,
            Self::Evaluations(listing) => listing.index,
        }
    }
}

async fn ask(nomad: Client, id: JobId, which: Which, cursor: Cursor, pause: Duration) -> Answer {
    tokio::time::sleep(pause).await;
    let query = cursor.query(WAIT);
    let found = match which {
        Which::Job => match nomad.job(&id, &query).await {
            Ok(listing) => Ok(Found::Job(listing.map(Some))),
            Err(CallError::NotFound { .. }) => Ok(Found::Job(Listing::absent())),
            Err(error) => Err(error),
        },
        Which::Deployments => nomad.job_deployments(&id, &query).await.map(Found::Deployments),
        Which::Allocations => nomad.job_allocations(&id, &query).await.map(Found::Allocations),
        Which::Evaluations => nomad.job_evaluations(&id, &query).await.map(Found::Evaluations),
    };
    Answer { cursor, found, which }
}

impl std::fmt::Debug for Sights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sights").field("nomad", &self.nomad).field("job", &self.id).finish_non_exhaustive()
    }
}
