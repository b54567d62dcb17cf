//! Every table: what is written is read, what does not fit is refused with a reason.

use store::{
    Batch, BootRow, Claims, EventsError, KeyRow, LeaseRow, NewEvent, NodeWrite, Retention, RunFilter, RunTaskRow,
    Trimmed, Write, WriteError,
};
use vocabulary::{BootId, EventKind, Hardware, KeyId, NodeState, RunId, RunState, Seq, Step, Token, TokenHash};

use crate::samples::{at, event, id, mac, node, process, run, step, store, text};

fn nodes(write: NodeWrite) -> Batch {
    Batch { nodes: vec![write], ..Batch::default() }
}

#[tokio::test]
async fn a_node_reads_back_and_a_lost_race_is_a_conflict() {
    let (_folder, store) = store().await;
    assert_eq!(store.node(id(1)).await.unwrap(), Some(node(1)));
    assert_eq!(store.node(id(9)).await.unwrap(), None);

    let mut changed = node(1);
    (changed.state, changed.reason, changed.generation) = (NodeState::Ready, None, 5);
    store.commit(nodes(NodeWrite { node: changed.clone(), from: 1 })).await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), [changed.clone(), node(2), node(3)]);

    let lost = store.commit(nodes(NodeWrite { node: changed.clone(), from: 1 })).await.unwrap_err();
    assert!(matches!(lost, WriteError::Conflict { from: 1, stored: 5, .. }), "{lost}");
    let unknown = NodeWrite { node: node(9), from: 3 };
    assert!(matches!(store.commit(nodes(unknown)).await, Err(WriteError::Conflict { stored: 0, .. })));
    let again = nodes(NodeWrite { node: changed, from: 0 });
    assert!(matches!(store.commit(again).await, Err(WriteError::Conflict { from: 0, stored: 5, .. })));
}

#[tokio::test]
async fn what_a_machine_claims_stands_beside_and_survives_writes_of_the_node() {
    let (_folder, store) = store().await;
    assert_eq!(store.claims(id(1)).await.unwrap(), None);
    let hardware = Hardware { vendor: "{{ evil }}".to_owned(), cpus: 4, ..Hardware::default() };
    let claims = Claims { hostname: "x ansible_connection=local".to_owned(), hardware };
    let batch = |last| Batch { claims: vec![(id(last), claims.clone())], ..Batch::default() };
    store.commit(batch(1)).await.unwrap();
    let mut next = node(1);
    next.generation = 2;
    store.commit(nodes(next.into())).await.unwrap();
    assert_eq!(store.claims(id(1)).await.unwrap(), Some(claims.clone()));
    assert!(matches!(store.commit(batch(9)).await, Err(WriteError::Unknown { .. })));
}

#[tokio::test]
async fn boots_are_found_by_number_and_node() {
    let (_folder, store) = store().await;
    assert_eq!(store.numbers().await.unwrap().next_boot, BootId(1));
    let mut boot = BootRow::new(BootId(7), id(1), at(1));
    let put = |boot: &BootRow| Batch { boots: vec![Write::Put(boot.clone())], ..Batch::default() };
    store.commit(put(&boot)).await.unwrap();
    let token = TokenHash([9; 32]);
    (boot.token, boot.minted, boot.expires) = (Some(token), Some(at(2)), Some(at(900)));
    boot.uuid = "4c4c4544-0042-3510-8054-b4c04f564433".parse().ok();
    (boot.firmware, boot.used) = (Some(vocabulary::Firmware::Bios), Some(at(60)));
    (boot.accepted, boot.run) = (Some([3; 32]), Some(RunId(1)));
    store.commit(put(&boot)).await.unwrap();

    assert_eq!(store.boot(BootId(7)).await.unwrap().as_ref(), Some(&boot));
    assert_eq!(store.numbers().await.unwrap().next_boot, BootId(8));

    let new = |last| Write::New(BootRow::new(BootId(0), id(last), at(5)));
    let batch = Batch { boots: vec![new(1), new(2)], ..Batch::default() };
    assert_eq!(store.commit(batch).await.unwrap().boots, [BootId(8), BootId(9)]);
    let boots: Vec<_> = store.boots(id(1), 9).await.unwrap().into_iter().map(|boot| boot.id).collect();
    assert_eq!(boots, [BootId(8), BootId(7)]);
    let last: Vec<_> = store.last_boots().await.unwrap().into_iter().map(|boot| boot.id).collect();
    assert_eq!(last, [BootId(7), BootId(8), BootId(9)], "the newest, and the newest with a token");

    let mut thief = BootRow::new(BootId(20), id(2), at(6));
    thief.token = Some(token);
    assert!(matches!(store.commit(put(&thief)).await, Err(WriteError::DuplicateToken { .. })));
    assert!(matches!(store.commit(put(&BootRow::new(BootId(7), id(2), at(6)))).await, Err(WriteError::Unknown { .. })));
    assert!(matches!(
        store.commit(put(&BootRow::new(BootId(30), id(9), at(6)))).await,
        Err(WriteError::Unknown { .. })
    ));
}

#[tokio::test]
async fn a_line_tells_the_time_since_the_line_before_it_in_its_boot() {
    let (_folder, store) = store().await;
    let mut given = step(1, Some(2), 10, Step::Loader);
    given.took_ms = Some(5);
    let steps = vec![
        step(1, None, 0, Step::PowerOn),
        step(1, Some(1), 1, Step::Discover),
        step(1, Some(2), 2, Step::Discover),
        step(2, Some(1), 3, Step::Discover),
        step(1, Some(1), 4, Step::Offer),
        given,
        step(1, Some(1), 3, Step::Ack),
        step(1, None, 60, Step::PowerOff),
    ];
    store.commit(Batch { steps, ..Batch::default() }).await.unwrap();
    let lines = store.timeline(id(1), None, 100).await.unwrap();
    let took: Vec<_> = lines.iter().map(|line| line.took_ms).collect();
    assert_eq!(took, [None, None, None, Some(3000), Some(5), Some(0), Some(60_000)]);
    let boot: Vec<_> = store.timeline(id(1), Some(BootId(1)), 2).await.unwrap();
    assert_eq!(boot.iter().map(|line| line.step).collect::<Vec<_>>(), [Step::Offer, Step::Ack]);
    let stranger = Batch { steps: vec![step(9, None, 0, Step::Note)], ..Batch::default() };
    assert!(matches!(store.commit(stranger).await, Err(WriteError::Unknown { .. })));
}

#[tokio::test]
async fn no_token_is_kept_wherever_a_writer_forgot_it() {
    let (folder, store) = store().await;
    let token = Token::from_random([0xa5; 32]);
    let mut line = step(1, None, 0, Step::Script);
    line.detail = format!("roost.token={} quiet", token.expose());
    let told = event(&format!("\"{}\"\n", token.expose()));
    let committed = store.commit(Batch { steps: vec![line], events: vec![told], ..Batch::default() }).await.unwrap();
    assert_eq!(text(&committed.events[0]), "\"<token>\"\n");
    assert_eq!(store.timeline(id(1), None, 1).await.unwrap()[0].detail, "roost.token=<token> quiet");
    assert_eq!(store.events_since(Seq(0), 9).await.unwrap(), committed.events);
    store.close().await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(20).any(|window| window == &token.expose().as_bytes()[..20]));
    }
}

#[tokio::test]
async fn a_run_moves_forward_and_ends_once() {
    let (_folder, store) = store().await;
    let put = |run: &vocabulary::Run| Batch { runs: vec![Write::Put(run.clone())], ..Batch::default() };
    let batch = Batch { runs: vec![Write::New(run(1, Some(1), 0)), Write::New(run(2, None, 0))], ..Batch::default() };
    assert_eq!(store.commit(batch).await.unwrap().runs, [RunId(1), RunId(2)]);
    let mut first = store.run(RunId(1)).await.unwrap().unwrap();
    (first.state, first.process, first.started) = (RunState::Running, Some(process()), Some(at(5)));
    store.commit(put(&first)).await.unwrap();
    (first.tasks_done, first.tasks_changed, first.task) = (7, 2, Some("common : hosts".to_owned()));
    store.commit(put(&first)).await.unwrap();
    assert_eq!(store.run(RunId(1)).await.unwrap().as_ref(), Some(&first));

    let mut back = first.clone();
    back.state = RunState::Queued;
    let refused = store.commit(put(&back)).await.unwrap_err();
    assert!(matches!(refused, WriteError::RunState { stored: RunState::Running, wanted: RunState::Queued, .. }));
    (first.state, first.ended, first.cause) = (RunState::Failed, Some(at(9)), Some("task x".to_owned()));
    store.commit(put(&first)).await.unwrap();
    store.commit(put(&first)).await.unwrap();
    let mut reborn = first.clone();
    reborn.state = RunState::Succeeded;
    assert!(matches!(store.commit(put(&reborn)).await, Err(WriteError::RunState { .. })));
    assert_eq!(store.run(RunId(1)).await.unwrap(), Some(first));
}

#[tokio::test]
async fn a_boot_has_its_nth_run_once() {
    let (_folder, store) = store().await;
    let new = |boot, attempt| Batch { runs: vec![Write::New(run(1, boot, attempt))], ..Batch::default() };
    store.commit(new(Some(1), 0)).await.unwrap();
    let twice = store.commit(new(Some(1), 0)).await.unwrap_err();
    assert!(
        matches!(twice, WriteError::DuplicateRun { existing: RunId(1), boot: BootId(1), attempt: 0, .. }),
        "{twice}"
    );
    store.commit(new(Some(1), 1)).await.unwrap();
    store.commit(new(None, 0)).await.unwrap();
    store.commit(new(None, 0)).await.unwrap();
    assert_eq!(store.run(RunId(2)).await.unwrap().unwrap().attempt, 1);
    assert_eq!(store.numbers().await.unwrap().next_run, RunId(5));
}

#[tokio::test]
async fn runs_are_listed_by_node_and_state_newest_first() {
    let (_folder, store) = store().await;
    let mut running = run(2, None, 0);
    running.state = RunState::Running;
    let mut lost = run(1, None, 0);
    lost.state = RunState::Lost;
    let runs = [run(1, None, 0), running, lost, run(3, None, 0)].map(Write::New).to_vec();
    store.commit(Batch { runs, ..Batch::default() }).await.unwrap();
    let ids = async |filter| store.runs(filter).await.unwrap().iter().map(|run| run.id.0).collect::<Vec<_>>();
    assert_eq!(ids(RunFilter::default()).await, [4, 3, 2, 1]);
    assert_eq!(ids(RunFilter::open()).await, [4, 2, 1]);
    assert_eq!(ids(RunFilter { node: Some(id(1)), ..RunFilter::open() }).await, [1]);
    assert_eq!(ids(RunFilter { limit: 2, ..RunFilter::default() }).await, [4, 3]);
}

#[tokio::test]
async fn reports_of_a_task_count_once() {
    let (_folder, store) = store().await;
    store.commit(Batch { runs: vec![Write::New(run(1, None, 0))], ..Batch::default() }).await.unwrap();
    let task = |run, seq: u64, name: &str| RunTaskRow { run: RunId(run), seq, at: at(0), data: name.into() };
    let tasks = |tasks| Batch { run_tasks: tasks, ..Batch::default() };
    store.commit(tasks(vec![task(1, 1, "a"), task(1, 2, "b")])).await.unwrap();
    store.commit(tasks(vec![task(1, 2, "again"), task(1, 3, "c")])).await.unwrap();
    assert_eq!(store.run_tasks(RunId(1), 1).await.unwrap(), [task(1, 2, "b"), task(1, 3, "c")]);
    assert!(matches!(store.commit(tasks(vec![task(9, 1, "x")])).await, Err(WriteError::Unknown { .. })));
}

#[tokio::test]
async fn events_have_no_gaps_and_a_reader_below_the_floor_is_told() {
    let (_folder, store) = store().await;
    let mut hint = store.commits();
    assert_eq!((store.last_seq().await.unwrap(), *hint.borrow_and_update()), (Seq(0), Seq(0)));
    for number in 1..=5 {
        let events = vec![event(&format!("{number}a")), event(&format!("{number}b"))];
        store.commit(Batch { events, ..Batch::default() }).await.unwrap();
        let refused = Batch {
            events: vec![event("no")],
            run_tasks: vec![],
            steps: vec![step(9, None, 0, Step::Note)],
            ..Batch::default()
        };
        store.commit(refused).await.unwrap_err();
    }
    assert!(hint.has_changed().unwrap());
    assert_eq!(*hint.borrow_and_update(), Seq(10));
    let all = store.events_since(Seq(0), 100).await.unwrap();
    assert!(all.iter().map(|event| event.seq.0).eq(1..=10));
    assert_eq!(store.events_since(Seq(3), 2).await.unwrap(), all[3..5]);
    assert_eq!(store.events_since(Seq(10), 2).await.unwrap(), []);
    assert!(matches!(store.events_since(Seq(11), 2).await, Err(EventsError::Ahead { last: Seq(10) })));

    store.trim(Retention { events: 4, ..Retention::default() }).await.unwrap();
    assert!(matches!(store.events_since(Seq(5), 2).await, Err(EventsError::Gone { first: Seq(7) })));
    assert_eq!(store.events_since(Seq(6), 100).await.unwrap(), all[6..]);
    store.trim(Retention { events: 0, ..Retention::default() }).await.unwrap();
    let next = store.commit(Batch { events: vec![event("next")], ..Batch::default() }).await.unwrap();
    assert_eq!(next.events[0].seq, Seq(11));
    assert!(matches!(store.events_since(Seq(9), 2).await, Err(EventsError::Gone { first: Seq(11) })));
}

#[tokio::test]
async fn a_flood_pushes_out_no_audit_and_no_alarm_and_a_reader_gets_them_and_is_told_of_the_rest() {
    let (_folder, store) = store().await;
    let of = |kind| NewEvent { kind, ..event("x") };
    let (audit, alarm) = (|| of(EventKind::Audit), || of(EventKind::Alarm));
    let flood = |count: usize| std::iter::repeat_with(move || of(EventKind::Timeline)).take(count);
    // 1 audit, 2 to 4 flood, 5 alarm, 6 audit, 7 and 8 flood, 9 audit, 10 and 11 flood.
    let events = [audit()].into_iter().chain(flood(3)).chain([alarm(), audit()]).chain(flood(2));
    let events = events.chain([audit()]).chain(flood(2)).collect();
    store.commit(Batch { events, ..Batch::default() }).await.unwrap();
    let keep = Retention { events: 2, audits: 2, alarms: 9, ..Retention::default() };
    store.trim(keep).await.unwrap();
    let places = |events: Vec<vocabulary::Event>| events.iter().map(|event| event.seq.0).collect::<Vec<_>>();
    assert_eq!(places(store.events_since(Seq(0), 9).await.unwrap()), [5, 6], "the audit at 1 is beyond its bound");
    assert!(matches!(store.events_since(Seq(6), 9).await, Err(EventsError::Gone { first: Seq(9) })));
    assert_eq!(places(store.events_since(Seq(8), 9).await.unwrap()), [9, 10, 11], "nothing is missing from there on");
    assert_eq!(store.trim(keep).await.unwrap(), Trimmed::default());
}

#[tokio::test]
async fn a_flood_is_bounded_without_a_look_at_the_clock() {
    let (_folder, store) = store().await;
    for _ in 0..12 {
        let events = std::iter::repeat_with(|| event("x")).take(10_000).collect();
        store.commit(Batch { events, ..Batch::default() }).await.unwrap();
    }
    assert!(matches!(store.events_since(Seq(0), 1).await, Err(EventsError::Gone { first: Seq(20_001) })));
}

#[tokio::test]
async fn the_past_is_bounded_and_open_runs_stay() {
    let (_folder, store) = store().await;
    let mut done = run(1, None, 0);
    done.state = RunState::Succeeded;
    let batch = Batch {
        boots: (0..4).map(|_| Write::New(BootRow::new(BootId(0), id(1), at(0)))).collect(),
        runs: vec![Write::New(run(1, None, 0)), Write::New(done.clone()), Write::New(done.clone()), Write::New(done)],
        steps: (0..5).map(|second| step(1, None, second, Step::Note)).chain([step(2, None, 0, Step::Note)]).collect(),
        ..Batch::default()
    };
    store.commit(batch).await.unwrap();
    let keep = Retention { steps_per_node: 2, boots_per_node: 3, runs_per_node: 1, events: 10, ..Retention::default() };
    assert_eq!(store.trim(keep).await.unwrap(), Trimmed { steps: 3, boots: 1, runs: 2, events: 0 });
    assert_eq!(store.trim(keep).await.unwrap(), Trimmed::default());
    assert_eq!(store.timeline(id(1), None, 9).await.unwrap()[0].at, at(3));
    let runs: Vec<_> = store.runs(RunFilter::default()).await.unwrap().iter().map(|run| run.id.0).collect();
    assert_eq!(runs, [4, 1]);
    assert_eq!(store.numbers().await.unwrap().next_run, RunId(5));
}

#[tokio::test]
async fn an_address_has_one_lease_and_a_client_may_have_declined_another() {
    let (_folder, store) = store().await;
    let lease = |client: &str, last: u8, state: &str| LeaseRow {
        address: [10, 77, 1, last].into(),
        client: client.to_owned(),
        mac: Some(mac(last)),
        hostname: Some("pc".to_owned()),
        state: state.to_owned(),
        since: at(1),
        expires: at(3600),
    };
    let leases = |leases| Batch { leases, ..Batch::default() };
    let first = vec![lease("a", 1, "declined"), lease("a", 2, "bound"), lease("c", 3, "bound")];
    store.commit(leases(first.clone())).await.unwrap();
    assert_eq!(store.leases().await.unwrap(), first);
    store.commit(leases(vec![lease("b", 3, "bound")])).await.unwrap();
    let gone = vec![[10, 77, 1, 1].into(), [10, 77, 1, 99].into()];
    store.commit(Batch { leases_gone: gone, ..Batch::default() }).await.unwrap();
    assert_eq!(store.leases().await.unwrap(), [lease("a", 2, "bound"), lease("b", 3, "bound")]);
}

#[tokio::test]
async fn keys_are_unique_used_and_revoked() {
    let (_folder, store) = store().await;
    let key = |id: &str, byte| KeyRow {
        id: KeyId(id.to_owned()),
        name: "laptop".to_owned(),
        sha256: [byte; 32],
        scopes: vec!["read".to_owned(), "operate".to_owned()],
        created: at(0),
        revoked: None,
        last_used: None,
    };
    store.put_key(key("k1", 1)).await.unwrap();
    assert!(matches!(store.put_key(key("k1", 2)).await, Err(WriteError::DuplicateKey { .. })));
    assert!(matches!(store.put_key(key("k2", 1)).await, Err(WriteError::DuplicateKey { .. })));
    let used = |second| Batch { keys_used: vec![(KeyId("k1".to_owned()), at(second))], ..Batch::default() };
    store.commit(used(50)).await.unwrap();
    store.commit(used(40)).await.unwrap();
    store.revoke_key(KeyId("k1".to_owned()), at(60)).await.unwrap();
    store.revoke_key(KeyId("k1".to_owned()), at(70)).await.unwrap();
    assert!(matches!(store.revoke_key(KeyId("k9".to_owned()), at(70)).await, Err(WriteError::NoKey { .. })));
    let expected = KeyRow { last_used: Some(at(50)), revoked: Some(at(60)), ..key("k1", 1) };
    assert_eq!(store.key_by_digest([1; 32]).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(store.keys().await.unwrap(), [expected]);
    assert_eq!(store.key_by_digest([2; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn settings_are_set_and_removed() {
    let (_folder, store) = store().await;
    let set = |value| Batch { settings: vec![("window".to_owned(), value)], ..Batch::default() };
    store.commit(set(Some(serde_json::json!({"left": 3})))).await.unwrap();
    store.commit(set(Some(serde_json::json!({"left": 2})))).await.unwrap();
    assert_eq!(store.setting("window".to_owned()).await.unwrap(), Some(serde_json::json!({"left": 2})));
    store.commit(set(None)).await.unwrap();
    assert_eq!(store.setting("window".to_owned()).await.unwrap(), None);
}

#[tokio::test]
async fn a_forgotten_node_takes_its_rows_along_but_not_what_happened() {
    let (_folder, store) = store().await;
    let batch = Batch {
        boots: vec![Write::New(BootRow::new(BootId(0), id(1), at(0)))],
        runs: vec![Write::New(run(1, Some(1), 0))],
        steps: vec![step(1, Some(1), 0, Step::Note)],
        events: vec![event("was here")],
        ..Batch::default()
    };
    store.commit(batch).await.unwrap();
    store.commit(Batch { forgotten: vec![id(1)], ..nodes(node(1).into()) }).await.unwrap();
    assert_eq!(store.node(id(1)).await.unwrap(), Some(node(1)), "forgotten and met anew");
    store.commit(Batch { forgotten: vec![id(1)], ..Batch::default() }).await.unwrap();
    assert_eq!(store.node(id(1)).await.unwrap(), None);
    assert_eq!(store.boots(id(1), 9).await.unwrap(), []);
    assert_eq!(store.timeline(id(1), None, 9).await.unwrap(), []);
    assert_eq!(store.runs(RunFilter::default()).await.unwrap(), []);
    assert_eq!(store.events_since(Seq(0), 9).await.unwrap().len(), 1);
    assert_eq!(store.numbers().await.unwrap().next_run, RunId(2));
}
