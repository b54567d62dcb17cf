//! Picture and plan together: what came in, what changed by it, what to ask next. Pure in its time.

use std::time::Duration;

use super::{
    change::{Change, Subject, Turn},
    part::Config,
    picture::{Entries, Picture},
    plan::{Ask, Plan},
    read::{Object, object},
    source::{Source, SourceStatus, Standing},
};
use crate::{blocking::Index, nomad::EventBatch};

/// What a source's loop brings back.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The table was listed.
    Listed {
        /// Which.
        source: Source,
        /// As of where; the first page's, where there were several.
        index: Index,
        /// What is in it.
        entries: Entries,
        /// Requests that it took.
        pages: u32,
    },
    /// The query that waits for the table was answered.
    Probed {
        /// Which table.
        source: Source,
        /// Where it is now.
        index: Index,
    },
    /// The stream is open.
    Opened,
    /// The stream said this.
    Told(EventBatch),
    /// It could not be asked, or the stream ended.
    Failed {
        /// What.
        source: Source,
        /// In words.
        why: String,
    },
    /// Time went by.
    Tick,
}

/// The watcher without its sockets.
#[derive(Debug)]
pub struct Core {
    picture: Picture,
    plan: Plan,
    /// How each source stood when it was last told.
    shown: [Standing; 9],
    changes: u64,
}

impl Entries {
    fn len(&self) -> usize {
        match self {
            Self::Jobs(all) => all.len(),
            Self::Allocations(all) => all.len(),
            Self::Deployments(all) => all.len(),
            Self::Evaluations(all) => all.len(),
            Self::Nodes(all) => all.len(),
            Self::NomadServices(all) | Self::ConsulServices(all) => all.len(),
            Self::Checks(all) => all.len(),
        }
    }
}

impl Core {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { picture: Picture::default(), plan: Plan::new(config), shown: [Standing::Unread; 9], changes: 0 }
    }

    /// What is known.
    #[must_use]
    pub const fn picture(&self) -> &Picture {
        &self.picture
    }

    /// What this source does next; anything but waiting counts as a request.
    pub fn next(&mut self, source: Source, now: Duration) -> Ask {
        self.plan.next(source, now)
    }

    /// Whether what this source is doing has lost its point.
    #[must_use]
    pub fn is_called_back(&self, source: Source) -> bool {
        self.plan.is_called_back(source)
    }

    /// How every source stands.
    #[must_use]
    pub fn statuses(&self, now: Duration) -> Vec<SourceStatus> {
        Source::ALL.map(|source| self.plan.status(source, now)).into()
    }

    /// Takes in what came; gives what changed by it, in order.
    pub fn handle(&mut self, now: Duration, input: Input) -> Vec<Change> {
        let (index, mut subjects) = match input {
            Input::Listed { source, index, entries, pages } => {
                let (index, history) = self.plan.listed(source, now, index, entries.len(), pages);
                (index, self.picture.list(index, entries, history))
            }
            Input::Probed { source, index } => {
                self.plan.probed(source, now, index);
                (index, Vec::new())
            }
            Input::Opened => {
                self.plan.opened(now);
                (Index(0), Vec::new())
            }
            Input::Told(batch) => (batch.index, self.told(now, batch)),
            Input::Failed { source, why } => {
                self.plan.failed(source, now, why);
                (Index(0), Vec::new())
            }
            Input::Tick => (Index(0), Vec::new()),
        };
        subjects.extend(self.turned(now));
        subjects.into_iter().map(|subject| self.numbered(index, subject)).collect()
    }

    fn told(&mut self, now: Duration, batch: EventBatch) -> Vec<Subject> {
        let at = batch.index;
        if !self.plan.told(now, at) {
            return Vec::new();
        }
        let mut subjects = Vec::new();
        for event in batch.events {
            let object = object(at, event);
            match &object {
                Object::Job(_) => self.plan.carried(Source::Jobs, at),
                Object::Allocation(_) => self.plan.carried(Source::Allocations, at),
                Object::Deployment(_) => self.plan.carried(Source::Deployments, at),
                Object::Evaluation(_) => self.plan.carried(Source::Evaluations, at),
                Object::Node(_) => self.plan.carried(Source::Nodes, at),
                Object::Unreadable(source) => self.plan.owe(*source),
                Object::Other => {}
            }
            subjects.extend(self.picture.tell(at, object));
        }
        // What belonged to a purged job goes without a word.
        if subjects.iter().any(|subject| matches!(subject, Subject::Job(Turn::Gone, _))) {
            for source in [Source::Allocations, Source::Deployments, Source::Evaluations] {
                self.plan.owe(source);
            }
        }
        subjects
    }

    /// Sources that stand otherwise than was told.
    fn turned(&mut self, now: Duration) -> Vec<Subject> {
        let mut turned = Vec::new();
        for source in Source::ALL {
            let status = self.plan.status(source, now);
            let shown = &mut self.shown[source.place()];
            if status.standing != *shown {
                *shown = status.standing;
                turned.push(Subject::Source(status));
            }
        }
        turned
    }

    fn numbered(&mut self, index: Index, subject: Subject) -> Change {
        self.changes += 1;
        Change { number: self.changes, index, subject }
    }
}

impl Subject {
    /// What became of it; none for a source.
    #[must_use]
    pub const fn turn(&self) -> Option<Turn> {
        match self {
            Self::Job(turn, _)
            | Self::Allocation(turn, ..)
            | Self::Deployment(turn, _)
            | Self::Evaluation(turn, _)
            | Self::Node(turn, _)
            | Self::NomadService(turn, _)
            | Self::ConsulService(turn, _)
            | Self::Check(turn, _) => Some(*turn),
            Self::Source(_) => None,
        }
    }
}
