//! Several servers of one cluster, of which any can answer: the ways to them, and which one is taken now.
//!
//! A request goes the way that worked last. Where no connection comes about nothing was sent, so the next way is tried at
//! once; a look that breaks off is looked again elsewhere. Whatever else fails may have happened: its caller gets the
//! error and decides, and its next request goes another way. So does the one after an answer of 500 and above, with which
//! a server says that it has no leader.
//!
//! Rejected: one client with all addresses behind one name. It tells a server that hangs from one that is gone by nothing,
//! and its pool goes on with connections to the former.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use reqwest::{Method, Request, Response, Url};

/// Which of the ways is taken now. All clients of one cluster share it, so that what one found out spares the others.
#[derive(Debug, Clone, Default)]
pub struct Turn(Arc<AtomicUsize>);

/// The way to one server.
pub(crate) struct Way {
    pub(crate) http: reqwest::Client,
    /// With the name that its certificate is checked against.
    pub(crate) base: Url,
}

/// The ways to all of them; there is always one.
pub(crate) struct Ways {
    pub(crate) first: Way,
    pub(crate) others: Vec<Way>,
    pub(crate) turn: Turn,
}

impl Turn {
    fn of(&self, count: usize) -> usize {
        self.0.load(Ordering::Relaxed) % count.max(1)
    }

    /// The next, unless somebody went on from there already.
    fn past(&self, at: usize, count: usize) {
        let seen = self.0.load(Ordering::Relaxed);
        if seen % count.max(1) == at {
            let _ = self.0.compare_exchange(seen, (at + 1) % count.max(1), Ordering::Relaxed, Ordering::Relaxed);
        }
    }
}

impl Way {
    fn aim(&self, request: &mut Request) {
        let url = request.url_mut();
        // Both are of one scheme and well formed, so neither can fail.
        let _ = url.set_host(self.base.host_str());
        let _ = url.set_port(self.base.port());
    }
}

impl Ways {
    /// Which way is taken now.
    pub(crate) fn at(&self) -> usize {
        self.turn.of(self.count())
    }

    /// The way that was taken did not lead anywhere.
    pub(crate) fn past(&self, at: usize) {
        self.turn.past(at, self.count());
    }

    fn count(&self) -> usize {
        1 + self.others.len()
    }

    fn way(&self, at: usize) -> &Way {
        at.checked_sub(1).and_then(|at| self.others.get(at)).unwrap_or(&self.first)
    }

    /// Sends it, by another way where nobody answers.
    pub(crate) async fn send(&self, mut request: Request) -> reqwest::Result<Response> {
        let only_looks = request.method() == Method::GET;
        for _ in 1..self.count() {
            let again = request.try_clone();
            let at = self.at();
            self.way(at).aim(&mut request);
            let error = match self.way(at).http.execute(request).await {
                Ok(answer) if answer.status().is_server_error() => {
                    self.past(at);
                    return Ok(answer);
                }
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.past(at);
            match again {
                Some(again) if error.is_connect() || (only_looks && !error.is_timeout()) => request = again,
                _ => return Err(error),
            }
        }
        let at = self.at();
        self.way(at).aim(&mut request);
        let answer = self.way(at).http.execute(request).await;
        if !answer.as_ref().is_ok_and(|answer| !answer.status().is_server_error()) {
            self.past(at);
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_a_way_blocked_goes_on_once_and_after_the_last_comes_the_first() {
        let turn = Turn::default();
        let shared = turn.clone();
        turn.past(0, 3);
        shared.past(0, 3);
        assert_eq!((turn.of(3), shared.of(3)), (1, 1), "two that failed at once skip no server");
        turn.past(1, 3);
        turn.past(2, 3);
        assert_eq!(shared.of(3), 0);
        assert_eq!(turn.of(1), 0);
    }
}
