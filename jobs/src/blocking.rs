//! Blocking queries: ask for what is newer than an index, and be answered when there is something or time is up.
//!
//! Pure: a [`Cursor`] holds the index and judges each answer, so that the rules are tested without an agent. They are
//! the ones that both HashiCorp documents give: an index that went backwards starts over (the agent was restored or
//! rebuilt), an index of 0 counts as 1 (0 would never block, and loop), and the same index means that time was up.

use std::{fmt, time::Duration};

use reqwest::header::HeaderMap;

/// A point in the history of the agents' state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Index(pub u64);

/// How a listing is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Answer only what is newer.
    pub index: Option<Index>,
    /// But answer after this long; whole milliseconds. Without it and with an index, [`Query::WAIT`].
    pub wait: Option<Duration>,
    /// Who may answer.
    pub consistency: Consistency,
    /// Only ids that begin so (Nomad alone).
    pub prefix: Option<String>,
    /// An expression over the fields.
    pub filter: Option<String>,
    /// At most so many, and where the page begins (Nomad alone).
    pub page: Option<Page>,
}

/// Which server may answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Consistency {
    /// The leader; without one the call fails.
    #[default]
    Leader,
    /// Any server, from what it has: answers without a leader, maybe old.
    Stale,
}

/// One page of a long listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many entries.
    pub size: u16,
    /// Where it begins: [`Listing::next`] of the page before.
    pub from: Option<String>,
}

/// An answer with what the agent says of its age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The answer itself.
    pub value: T,
    /// Where the state was.
    pub index: Index,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// Whether the answering server knew a leader.
    pub leader: LeaderKnown,
    /// How long ago the answering server had heard of the leader.
    pub last_contact: Duration,
}

/// Whether the server that answered knew a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderKnown {
    /// It did.
    Yes,
    /// It did not: the answer may be old.
    No,
    /// It does not say.
    Unsaid,
}

/// Where a watcher of one listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor(Index);

/// What an answer's index means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is something new (or this was the first answer).
    Changed,
    /// Time was up, nothing is new.
    Same,
    /// The index went backwards: everything may be different, and the next question does not block.
    Reset,
}

impl Query {
    /// How long a blocking query waits unless it says otherwise.
    pub const WAIT: Duration = Duration::from_secs(60);

    /// What is newer than this.
    #[must_use]
    pub fn newer_than(index: Index) -> Self {
        Self { index: Some(index), ..Self::default() }
    }

    /// Waits at most so long.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }

    /// Only ids that begin so.
    #[must_use]
    pub fn starting_with(self, prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..self }
    }

    /// Only what this expression holds for.
    #[must_use]
    pub fn matching(self, filter: impl Into<String>) -> Self {
        Self { filter: Some(filter.into()), ..self }
    }

    pub(crate) fn index_number(&self) -> Option<u64> {
        self.index.map(|index| index.0)
    }

    /// As the agents read it; only a query with an index waits.
    pub(crate) fn wait_text(&self) -> Option<String> {
        self.index?;
        Some(format!("{}ms", self.wait.unwrap_or(Self::WAIT).as_millis()))
    }

    pub(crate) fn stale(&self) -> Option<bool> {
        (self.consistency == Consistency::Stale).then_some(true)
    }

    pub(crate) fn page_size(&self) -> Option<i32> {
        self.page.as_ref().map(|page| i32::from(page.size))
    }

    pub(crate) fn page_from(&self) -> Option<&str> {
        self.page.as_ref().and_then(|page| page.from.as_deref())
    }
}

impl<T> Listing<T> {
    pub(crate) fn new(value: T, headers: &HeaderMap, service: &str) -> Self {
        let read = |name: &str| headers.get(format!("x-{service}-{name}"))?.to_str().ok().map(str::to_owned);
        let number = |name: &str| read(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let leader = match read("knownleader").as_deref() {
            Some("true") => LeaderKnown::Yes,
            Some(_) => LeaderKnown::No,
            None => LeaderKnown::Unsaid,
        };
        Self {
            value,
            index: Index(number("index")),
            next: read("nexttoken").filter(|token| !token.is_empty()),
            leader,
            last_contact: Duration::from_millis(number("lastcontact")),
        }
    }

    /// What is not there, from an agent that says nothing else.
    pub(crate) fn absent() -> Self
    where
        T: Default,
    {
        let (index, last_contact) = (Index::default(), Duration::ZERO);
        Self { value: T::default(), index, next: None, leader: LeaderKnown::Unsaid, last_contact }
    }

    /// The same answer, made something else.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Listing<U> {
        let Self { value, index, next, leader, last_contact } = self;
        Listing { value: make(value), index, next, leader, last_contact }
    }
}

impl Cursor {
    /// What to ask next: everything the first time and after a reset, then what is newer.
    #[must_use]
    pub fn query(&self, wait: Duration) -> Query {
        match self.0 {
            Index(0) => Query::default(),
            index => Query::newer_than(index).waiting(wait),
        }
    }

    /// Judges an answer's index and moves on.
    pub fn advance(&mut self, answered: Index) -> Step {
        let answered = Index(answered.0.max(1));
        let step = match answered {
            answered if answered < self.0 => Step::Reset,
            answered if answered == self.0 => Step::Same,
            _ => Step::Changed,
        };
        self.0 = if step == Step::Reset { Index(0) } else { answered };
        step
    }

    /// Starts over, after an error that may hide a gap.
    pub fn reset(&mut self) {
        self.0 = Index(0);
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_cursor_asks_for_everything_then_for_what_is_newer() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.query(WAIT), Query::default());
        assert_eq!(cursor.advance(Index(7)), Step::Changed);
        assert_eq!(cursor.query(WAIT), Query::newer_than(Index(7)).waiting(WAIT));
        assert_eq!(cursor.advance(Index(7)), Step::Same);
        assert_eq!(cursor.advance(Index(9)), Step::Changed);
    }

    #[test]
    fn an_index_that_went_backwards_starts_over() {
        let mut cursor = Cursor::default();
        cursor.advance(Index(100));
        assert_eq!(cursor.advance(Index(3)), Step::Reset);
        assert_eq!(cursor.query(WAIT).index, None, "the next question must not block");
        assert_eq!(cursor.advance(Index(3)), Step::Changed);
    }

    #[test]
    fn an_index_of_zero_never_loops() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.advance(Index(0)), Step::Changed);
        assert_eq!(cursor.query(WAIT).index, Some(Index(1)), "0 would be answered at once, for ever");
        assert_eq!(cursor.advance(Index(0)), Step::Same);
    }

    #[test]
    fn only_a_query_with_an_index_waits() {
        assert_eq!(Query::default().waiting(WAIT).wait_text(), None);
        assert_eq!(Query::newer_than(Index(1)).wait_text().as_deref(), Some("60000ms"));
        let short = Query::newer_than(Index(1)).waiting(Duration::from_millis(1500));
        assert_eq!(short.wait_text().as_deref(), Some("1500ms"));
    }

    #[test]
    fn the_age_of_an_answer_is_read_from_its_headers() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("X-Nomad-Index", "42"), ("X-Nomad-LastContact", "250"), ("X-Nomad-KnownLeader", "false")]
        {
            headers.insert(reqwest::header::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let listing = Listing::new((), &headers, "nomad");
        assert_eq!((listing.index, listing.next, listing.leader), (Index(42), None, LeaderKnown::No));
        assert_eq!(listing.last_contact, Duration::from_millis(250));
        assert_eq!(Listing::new((), &headers, "consul").index, Index(0), "another service's headers say nothing");
    }
}
