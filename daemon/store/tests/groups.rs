//! Group commit: everyone gets their own answer.

use store::{Batch, NodeWrite, RunFilter, Write, WriteError};
use tokio::task::JoinSet;
use vocabulary::Seq;

use crate::samples::{event, id, node, run, step, store, text};

#[tokio::test]
async fn a_crowd_shares_transactions_and_each_gets_its_own_places() {
    let (_folder, store) = store().await;
    let before = store.write_stats();
    let mut crowd = JoinSet::new();
    for number in 0..100 {
        let store = store.clone();
        crowd.spawn(async move {
            let events = vec![event(&format!("{number} a")), event(&format!("{number} b"))];
            let committed = store.commit(Batch { events, ..Batch::default() }).await.unwrap();
            assert_eq!(text(&committed.events[1]), format!("{number} b"));
            assert_eq!(committed.events[1].seq.0, committed.events[0].seq.0 + 1);
            committed.events
        });
    }
    let mut events: Vec<_> = crowd.join_all().await.concat();
    events.sort_by_key(|event| event.seq);
    assert_eq!(store.events_since(Seq(0), 1000).await.unwrap(), events);
    let after = store.write_stats();
    assert_eq!(after.batches - before.batches, 100);
    assert!(after.transactions - before.transactions < 50, "{after:?}");
}

#[tokio::test]
async fn a_batch_that_fails_takes_nobody_down_and_leaves_nothing() {
    let (_folder, store) = store().await;
    let mut crowd = JoinSet::new();
    for number in 0..60_u32 {
        let store = store.clone();
        crowd.spawn(async move {
            let mut batch = Batch { events: vec![event(&number.to_string())], ..Batch::default() };
            batch.runs.push(Write::New(run(1, None, 0)));
            if number % 3 == 0 {
                batch.steps.push(step(9, None, 0, vocabulary::Step::Note));
            }
            (number % 3 == 0, store.commit(batch).await)
        });
    }
    for (bad, result) in crowd.join_all().await {
        assert_eq!(matches!(result, Err(WriteError::Unknown { .. })), bad);
    }
    let events = store.events_since(Seq(0), 1000).await.unwrap();
    assert!(events.iter().map(|event| event.seq.0).eq(1..=40));
    assert!(events.iter().all(|event| text(event).parse::<u32>().unwrap() % 3 != 0));
    assert_eq!(store.runs(RunFilter::default()).await.unwrap().len(), 40);
}

#[tokio::test]
async fn of_many_writers_of_one_generation_one_wins() {
    let (_folder, store) = store().await;
    let mut crowd = JoinSet::new();
    for cause in 0..20 {
        let store = store.clone();
        crowd.spawn(async move {
            let mut next = node(1);
            next.generation = 2;
            next.reason.as_mut().unwrap().cause = cause.to_string();
            let batch = Batch { nodes: vec![NodeWrite::from(next.clone())], ..Batch::default() };
            store.commit(batch).await.is_ok().then_some(next)
        });
    }
    let winners: Vec<_> = crowd.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(store.node(id(1)).await.unwrap().as_ref(), winners.first());
}

#[tokio::test]
async fn a_caller_that_goes_away_has_its_batch_written_all_the_same() {
    let (_folder, store) = store().await;
    let batch = |word| Batch { events: vec![event(word)], ..Batch::default() };
    {
        let commit = std::pin::pin!(store.commit(batch("dropped")));
        assert!(futures_util::poll!(commit).is_pending());
    }
    store.commit(batch("next")).await.unwrap();
    let events = store.events_since(Seq(0), 9).await.unwrap();
    assert_eq!(events.iter().map(text).collect::<Vec<_>>(), ["dropped", "next"]);
}
