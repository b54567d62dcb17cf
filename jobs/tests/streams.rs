//! What does not end: events and followed logs.

use std::time::Duration;

use ::jobs::{
    Index, Query,
    nomad::{AllocationId, Follow, JobId, LogFrom, LogQuery, Output, Over, Purge, Topic},
};

use crate::support::{run_until, script, shared_nomad};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn events_tell_of_a_job_and_a_stream_goes_on_where_it_was() {
    let nomad = shared_nomad().await;
    let now = nomad.jobs(&Query::default()).await.unwrap().index;
    let mut events = nomad.events(&[Topic::Job, Topic::Allocation], Some(now)).await.unwrap();
    nomad.register(&script("told-of", "batch", "true"), Over::Nothing).await.unwrap();
    let registered = async {
        loop {
            let batch = events.next().await.unwrap();
            if let Some(event) = batch.events.iter().find(|event| event.key == "told-of") {
                return (batch.index, event.clone());
            }
        }
    };
    let (index, event) = tokio::time::timeout(LIMIT, registered).await.unwrap();
    assert_eq!((event.topic.as_str(), event.r#type.as_str()), ("Job", "JobRegistered"));
    assert_eq!(event.payload["Job"]["ID"], "told-of");
    // From the index before, the same event comes again; after it, it does not.
    let first_of = async |after: Index| {
        let mut events = nomad.events(&[Topic::All], Some(after)).await.unwrap();
        tokio::time::timeout(LIMIT, events.next()).await.unwrap().unwrap().index
    };
    assert_eq!(first_of(Index(index.0 - 1)).await, index);
    let later = script("told-of-too", "batch", "true");
    let (newer, _) = tokio::join!(first_of(index), nomad.register(&later, Over::Nothing));
    assert!(newer > index);
}

#[tokio::test]
async fn a_log_is_followed_while_it_is_written() {
    let nomad = shared_nomad().await;
    let job = script("talks", "service", "i=0; while :; do echo \"line $i\"; i=$((i+1)); sleep 0.2; done");
    let allocation = AllocationId::new(run_until(&nomad, &job, "running").await.id);
    let query = |follow, from| LogQuery { task: "main".to_owned(), output: Output::Stdout, follow, from };
    let mut logs = nomad.logs(&allocation, &query(Follow::Yes, LogFrom::Start(0))).await.unwrap();
    let mut text = String::new();
    let follow = async {
        while text.lines().count() < 5 {
            text += &String::from_utf8_lossy(&logs.next().await.unwrap().unwrap().data);
        }
    };
    tokio::time::timeout(LIMIT, follow).await.unwrap();
    assert!(text.starts_with("line 0\nline 1\nline 2\n"), "{text}");
    drop(logs);

    let there = nomad.logs(&allocation, &query(Follow::No, LogFrom::Start(7))).await.unwrap();
    let there = there.read_to_end(1 << 20).await.unwrap();
    assert!(there.starts_with(b"line 1\n"), "{}", String::from_utf8_lossy(&there));
    let last = nomad.logs(&allocation, &query(Follow::No, LogFrom::End(3))).await.unwrap();
    assert!(last.read_to_end(1 << 20).await.unwrap().len() >= 3);
    let error =
        nomad.logs(&allocation, &LogQuery { task: "other".to_owned(), ..query(Follow::No, LogFrom::Start(0)) }).await;
    assert!(error.unwrap_err().said().unwrap().contains("other"));
    nomad.stop(&JobId::new("talks"), Purge::Forget).await.unwrap();
}

#[tokio::test]
async fn what_a_task_said_is_there_after_its_end() {
    let nomad = shared_nomad().await;
    let job = script("says-little", "batch", "echo out; echo err >&2");
    let allocation = AllocationId::new(run_until(&nomad, &job, "complete").await.id);
    for (output, wanted) in [(Output::Stdout, "out\n"), (Output::Stderr, "err\n")] {
        let query = |follow| LogQuery { task: "main".to_owned(), output, follow, from: LogFrom::Start(0) };
        let logs = nomad.logs(&allocation, &query(Follow::No)).await.unwrap();
        let all = tokio::time::timeout(LIMIT, logs.read_to_end(1 << 20)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&all), wanted);
        let mut followed = nomad.logs(&allocation, &query(Follow::Yes)).await.unwrap();
        let frame = tokio::time::timeout(LIMIT, followed.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(&frame.data[..], wanted.as_bytes());
        assert!(frame.file.starts_with("alloc/logs/main.std"), "{frame:?}");
    }
}
