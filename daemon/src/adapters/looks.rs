//! Looks at whether machines are up: a bounded number at once, one a machine, shared by all who ask meanwhile.
//!
//! Each look is a process of ssh that lasts seconds, and whoever can ask for a boot script can ask for one. A look that
//! finds no place in time says that nothing is known, which lets nobody boot and nobody be forgotten. Whoever asks about
//! a machine that is being looked at gets that look's answer, so that a loop of requests cannot keep the machine itself
//! from being asked about. Rejected: an answer that is kept for the next to ask, since a token rests on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::sync::Semaphore;
use vocabulary::Mac;

use crate::nodes::requests::Living;

type Look = BoxFuture<'static, Living>;

/// The looks that are under way.
#[derive(Debug)]
pub(super) struct Looks {
    places: Arc<Semaphore>,
    /// How long a look waits for its place: less than a machine's patience with a request.
    patience: Duration,
    /// Held weakly: a look ends with the last of those who wait for it.
    under_way: Mutex<HashMap<Mac, WeakShared<Look>>>,
}

impl Looks {
    pub(super) fn new(at_once: usize, patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)), patience, under_way: Mutex::default() }
    }

    /// The answer of the look that is under way at this machine, or else of this one.
    pub(super) async fn share(&self, mac: Mac, look: impl Future<Output = Living> + Send + 'static) -> Living {
        self.join(mac, look).await
    }

    fn join(&self, mac: Mac, look: impl Future<Output = Living> + Send + 'static) -> Shared<Look> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, look| look.upgrade().is_some_and(|look| look.peek().is_none()));
        if let Some(same) = under_way.get(&mac).and_then(WeakShared::upgrade) {
            return same;
        }
        let (places, patience) = (Arc::clone(&self.places), self.patience);
        let look = async move {
            let Ok(Ok(place)) = tokio::time::timeout(patience, places.acquire_owned()).await else {
                tracing::warn!(%mac, "too many machines are looked at to find out whether this one is up");
                return Living::Unknown;
            };
            let living = look.await;
            drop(place);
            living
        };
        let look = look.boxed().shared();
        under_way.extend(look.downgrade().map(|weak| (mac, weak)));
        look
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{sync::Notify, task::JoinSet};

    use super::*;

    fn mac(number: usize) -> Mac {
        let [.., a, b] = number.to_be_bytes();
        Mac([2, 0, 0, 0, a, b])
    }

    /// Counts who looks at the same time; each look lasts until it is let go.
    #[derive(Default)]
    struct Count {
        began: AtomicUsize,
        now: AtomicUsize,
        most: AtomicUsize,
        go: Notify,
    }

    impl Count {
        async fn look(self: Arc<Self>) -> Living {
            self.began.fetch_add(1, Ordering::SeqCst);
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.go.notified().await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            Living::Silent
        }
    }

    #[tokio::test]
    async fn a_crowd_of_requests_starts_no_more_looks_than_there_are_places_and_one_a_machine() {
        let (looks, count) = (Arc::new(Looks::new(4, Duration::from_millis(50))), Arc::new(Count::default()));
        let mut crowd = JoinSet::new();
        for request in 0..1_000 {
            let (looks, count) = (Arc::clone(&looks), Arc::clone(&count));
            crowd.spawn(async move { looks.share(mac(request % 20), count.look()).await });
        }
        let mut answers = Vec::new();
        while answers.len() < 800 {
            answers.push(crowd.join_next().await.unwrap().unwrap());
        }
        assert!(answers.iter().all(|living| *living == Living::Unknown), "no place in time, nothing known");
        assert_eq!((count.began.load(Ordering::SeqCst), count.most.load(Ordering::SeqCst)), (4, 4));
        while !crowd.is_empty() {
            count.go.notify_waiters();
            tokio::task::yield_now().await;
            while let Some(answer) = crowd.try_join_next() {
                assert_eq!(answer.unwrap(), Living::Silent, "shared by all who asked");
            }
        }
        assert_eq!(looks.places.available_permits(), 4);
    }

    #[tokio::test]
    async fn a_look_ends_with_the_last_who_waits_and_the_next_one_is_new() {
        let (looks, count) = (Looks::new(1, Duration::from_secs(60)), Arc::new(Count::default()));
        {
            let left = looks.share(mac(1), Arc::clone(&count).look());
            assert!(tokio::time::timeout(Duration::from_millis(50), left).await.is_err());
        }
        assert_eq!(looks.places.available_permits(), 1, "its place is free");
        assert_eq!(looks.share(mac(1), async { Living::Answers }).await, Living::Answers);
        assert_eq!(looks.share(mac(1), async { Living::Silent }).await, Living::Silent, "an answer is not kept");
    }
}
