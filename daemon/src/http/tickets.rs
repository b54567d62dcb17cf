//! One-minute, single-use tickets: how a browser opens an event stream.
//!
//! `EventSource` and `WebSocket` send no headers, and a key in a URL ends up in histories and proxy logs. A ticket
//! carries the caller's scopes, opens one stream within a minute and is worth nothing after. It lives in memory
//! alone: after a restart the browser asks for another.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocabulary::Timestamp;

use super::auth::Caller;
use crate::keys::{ApiKey, KeyDigest};

/// How long a ticket waits for its use.
pub(super) const TICKET_TTL: Duration = Duration::from_secs(60);
/// More than a room full of browsers; a flood stops here.
const MAX_UNUSED: usize = 1024;

/// A ticket, as its owner gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct Ticket {
    /// Goes into the stream's URL: `?ticket=...`.
    pub ticket: String,
    /// After that it opens nothing.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// The unused tickets.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// By digest, so that a core dump opens no stream.
    unused: Mutex<HashMap<[u8; 32], (Caller, Timestamp)>>,
}

/// Why there is no ticket.
#[derive(Debug)]
pub(super) enum IssueError {
    TooMany,
    Random(getrandom::Error),
}

impl Tickets {
    pub(super) fn issue(&self, caller: Caller, now: Timestamp) -> Result<Ticket, IssueError> {
        let secret = ApiKey::random().map_err(IssueError::Random)?;
        let expires_at = now.saturating_add(TICKET_TTL).unwrap_or(now);
        let mut unused = self.lock();
        unused.retain(|_, (_, expires)| *expires >= now);
        if unused.len() >= MAX_UNUSED {
            return Err(IssueError::TooMany);
        }
        unused.insert(secret.digest().0, (caller, expires_at));
        Ok(Ticket { ticket: secret.expose().to_owned(), expires_at })
    }

    pub(super) fn redeem(&self, presented: &str, now: Timestamp) -> Option<Caller> {
        let (caller, expires) = self.lock().remove(&KeyDigest::of(presented).0)?;
        (expires >= now && !caller.revoked.is_cancelled()).then_some(caller)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (Caller, Timestamp)>> {
        self.unused.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The ticket in a query. Tickets hold no character that a URL would escape.
pub(super) fn in_query(query: Option<&str>) -> Option<String> {
    query?.split('&').find_map(|pair| pair.strip_prefix("ticket=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use tasks::Stop;

    use super::*;
    use crate::keys::Scopes;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn caller() -> Caller {
        Caller { name: "ann".to_owned(), scopes: Scopes::all(), revoked: Stop::new() }
    }

    #[test]
    fn a_ticket_opens_one_stream() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(caller(), at(0)).unwrap().ticket;
        assert!(tickets.redeem(&ticket, at(60)).is_some_and(|caller| caller.name == "ann"));
        assert!(tickets.redeem(&ticket, at(60)).is_none());
    }

    #[test]
    fn a_ticket_lives_a_minute() {
        let tickets = Tickets::default();
        let ticket = tickets.issue(caller(), at(0)).unwrap().ticket;
        assert!(tickets.redeem(&ticket, at(61)).is_none());
        assert!(tickets.redeem("made up", at(0)).is_none());
    }

    #[test]
    fn a_ticket_goes_with_the_key_that_took_it() {
        let (tickets, caller) = (Tickets::default(), caller());
        let ticket = tickets.issue(caller.clone(), at(0)).unwrap().ticket;
        caller.revoked.cancel();
        assert!(tickets.redeem(&ticket, at(1)).is_none());
    }

    #[test]
    fn hoarded_tickets_go_after_their_minute() {
        let tickets = Tickets::default();
        for _ in 0..MAX_UNUSED {
            tickets.issue(caller(), at(0)).unwrap();
        }
        assert!(matches!(tickets.issue(caller(), at(60)), Err(IssueError::TooMany)));
        assert!(tickets.issue(caller(), at(61)).is_ok());
    }

    #[test]
    fn a_ticket_is_found_among_other_parameters() {
        assert_eq!(in_query(Some("since=3&ticket=abc")).as_deref(), Some("abc"));
        assert_eq!(in_query(Some("since=3")), None);
    }
}
