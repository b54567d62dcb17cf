//! What to ask next, and when. Pure.
//!
//! A table of Nomad is in one of four places: never listed; listed, and a query waits for it to move; moved, and the
//! stream has told how (it is listed within the time to settle, and watched meanwhile); moved, and the stream has not
//! (it is listed at once). The stream is believed about a table only when that was listed since the stream was opened:
//! between two streams anything may have been missed.

use std::time::Duration;

use tasks::backoff::Backoff;

use super::{
    line::Line,
    part::Config,
    shelf::History,
    source::{Source, SourceStatus, Standing},
};
use crate::blocking::Index;

/// At the start the tables wait so long for the stream, which saves listing them twice.
const HEAD_START: Duration = Duration::from_secs(2);
/// A source that has not answered for two waits and this is taken for lost, whatever its connection says.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a source's loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Nothing until this moment of the clock's uptime, unless it is nudged.
    Wait(Duration),
    /// Opens the event stream.
    Open,
    /// Lists the table, in pages.
    List,
    /// Waits until the table moves beyond this index: a blocking query of one entry.
    Probe {
        /// What is known.
        after: Index,
        /// For so long.
        wait: Duration,
    },
    /// Waits until the listing moves beyond this index, and lists it (Consul).
    Follow {
        /// What is known.
        after: Option<Index>,
        /// For so long.
        wait: Duration,
    },
}

/// Everything that is planned.
#[derive(Debug)]
pub(super) struct Plan {
    config: Config,
    begun: Option<Duration>,
    lines: [Line; 9],
    tables: [Table; 9],
    stream: Stream,
}

#[derive(Debug, Default)]
struct Table {
    /// As of where it was listed last.
    listed: Option<Index>,
    moved: Option<Moved>,
    /// In which stream's time it was asked for last, and listed last.
    asked_in: u64,
    listed_in: u64,
    /// It is to be listed whatever its index says, and this is its history since then.
    owed: Option<History>,
    entries: usize,
}

#[derive(Debug)]
struct Moved {
    to: Index,
    first: Duration,
    last: Duration,
}

#[derive(Debug, Default)]
struct Stream {
    phase: Phase,
    /// Counts streams that were opened.
    epoch: u64,
    told: Index,
    /// The last index at which it told of each table.
    carried: [Index; 9],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Untried,
    Live,
    Down,
}

impl Plan {
    pub(super) fn new(config: Config) -> Self {
        let lines = Source::ALL.map(|source| {
            let seed = config.seed.wrapping_add(source.place() as u64);
            let pace = if source.is_consul() { config.consul_pace } else { config.nomad_pace };
            Line::new(pace, Backoff::new(config.retry.0, config.retry.1, seed))
        });
        Self { config, begun: None, lines, tables: Default::default(), stream: Stream::default() }
    }

    /// What this source does next. Whatever it is but waiting counts as a request.
    pub(super) fn next(&mut self, source: Source, now: Duration) -> Ask {
        let begun = *self.begun.get_or_insert(now);
        let ready = self.lines[source.place()].ready_at();
        if ready > now {
            return Ask::Wait(ready);
        }
        let ask = match source {
            Source::Events => Ask::Open,
            _ if source.is_consul() => {
                let after = self.tables[source.place()].listed;
                Ask::Follow { after, wait: self.config.wait }
            }
            _ if self.stream.phase == Phase::Untried && now < begun + HEAD_START => Ask::Wait(begun + HEAD_START),
            _ => self.next_of_table(source, now),
        };
        if !matches!(ask, Ask::Wait(_)) {
            self.lines[source.place()].used(now, 1);
        }
        if ask == Ask::List {
            self.tables[source.place()].asked_in = self.stream.epoch;
        }
        ask
    }

    fn next_of_table(&self, source: Source, now: Duration) -> Ask {
        let (table, wait) = (&self.tables[source.place()], self.config.wait);
        let Some(listed) = table.listed.filter(|_| table.owed.is_none()) else { return Ask::List };
        let Some(moved) = &table.moved else { return Ask::Probe { after: listed, wait } };
        let believed = self.stream.phase == Phase::Live && table.listed_in == self.stream.epoch;
        if !source.is_streamed() || !believed {
            return Ask::List;
        }
        if self.told_of(source) < moved.to {
            let grace = moved.last + self.config.grace;
            return if now < grace { Ask::Wait(grace) } else { Ask::List };
        }
        match (moved.first + self.config.settle).checked_sub(now) {
            None | Some(Duration::ZERO) => Ask::List,
            Some(left) => Ask::Probe { after: moved.to, wait: wait.min(left) },
        }
    }

    /// Up to where the stream has said all that it will say of a table. The listing of jobs moves with every allocation
    /// (it counts them) without a job being another; of those moves there is nothing to be told.
    const fn told_of(&self, source: Source) -> Index {
        match source {
            Source::Jobs => self.stream.told,
            _ => self.stream.carried[source.place()],
        }
    }

    /// Whether what this source is doing has lost its point: it is to list, or to open another stream.
    pub(super) fn is_called_back(&self, source: Source) -> bool {
        match source {
            Source::Events => self.stream.phase != Phase::Live,
            _ => self.tables[source.place()].owed.is_some(),
        }
    }

    pub(super) fn probed(&mut self, source: Source, now: Duration, index: Index) {
        self.lines[source.place()].answered(now);
        let index = Index(index.0.max(1));
        let table = &mut self.tables[source.place()];
        let listed = table.listed.unwrap_or_default();
        let seen = table.moved.as_ref().map_or(listed, |moved| moved.to);
        if index < listed {
            self.begin_anew();
        } else if index > seen {
            let first = table.moved.as_ref().map_or(now, |moved| moved.first);
            table.moved = Some(Moved { to: index, first, last: now });
        }
    }

    /// Gives whether the agents' history goes on.
    pub(super) fn listed(
        &mut self,
        source: Source,
        now: Duration,
        index: Index,
        entries: usize,
        pages: u32,
    ) -> (Index, History) {
        let line = &mut self.lines[source.place()];
        line.answered(now);
        line.used(now, pages.saturating_sub(1));
        let index = Index(index.0.max(1));
        let table = &mut self.tables[source.place()];
        let owed = table.owed.take();
        let backwards = table.listed.is_some_and(|listed| index < listed);
        let history = if backwards { History::Anew } else { owed.unwrap_or(History::GoesOn) };
        (table.listed, table.moved, table.entries) = (Some(index), None, entries);
        table.listed_in = table.asked_in;
        if backwards && !source.is_consul() {
            self.begin_anew();
            self.tables[source.place()].owed = None;
        }
        (index, history)
    }

    /// The servers were restored or rebuilt: nothing that was said of Nomad counts any more.
    fn begin_anew(&mut self) {
        for source in Source::ALL.into_iter().filter(|source| !source.is_consul()) {
            self.tables[source.place()].owed = Some(History::Anew);
        }
        self.stream.phase = Phase::Down;
    }

    pub(super) fn opened(&mut self, now: Duration) {
        self.lines[Source::Events.place()].answered(now);
        self.stream = Stream { phase: Phase::Live, epoch: self.stream.epoch + 1, ..Stream::default() };
    }

    /// Whether what the stream said counts.
    pub(super) fn told(&mut self, now: Duration, index: Index) -> bool {
        if self.stream.phase != Phase::Live {
            return false;
        }
        self.lines[Source::Events.place()].heard = Some(now);
        self.stream.told = self.stream.told.max(index);
        true
    }

    /// The stream told of this table.
    pub(super) fn carried(&mut self, source: Source, index: Index) {
        let carried = &mut self.stream.carried[source.place()];
        *carried = index.max(*carried);
    }

    /// Something that the stream said cannot be true of this table as it is known: it is listed at once.
    pub(super) fn owe(&mut self, source: Source) {
        let table = &mut self.tables[source.place()];
        if table.listed.is_some() {
            table.owed.get_or_insert(History::GoesOn);
        }
    }

    pub(super) fn failed(&mut self, source: Source, now: Duration, why: String) {
        self.lines[source.place()].failed(now, why);
        if source == Source::Events {
            self.stream.phase = Phase::Down;
        }
    }

    pub(super) fn status(&self, source: Source, now: Duration) -> SourceStatus {
        let (line, table) = (&self.lines[source.place()], &self.tables[source.place()]);
        let age = line.heard.map(|heard| now.saturating_sub(heard));
        let silent = source != Source::Events && age.is_some_and(|age| age > self.config.wait * 2 + PATIENCE);
        let trouble = line.trouble.clone().or_else(|| silent.then(|| "it does not answer".to_owned()));
        let answered = if source == Source::Events { line.heard.is_some() } else { table.listed.is_some() };
        let standing = match (answered, &trouble) {
            (false, _) => Standing::Unread,
            (true, None) => Standing::Current,
            (true, Some(_)) => Standing::Stale,
        };
        let index = if source == Source::Events {
            self.stream.told
        } else {
            table.moved.as_ref().map_or(table.listed.unwrap_or_default(), |moved| moved.to)
        };
        let (entries, failures, requests) = (table.entries, line.failures(), line.requests);
        SourceStatus { source, standing, age, index, entries, trouble, failures, requests }
    }
}
