//! `kill -9` at any point: what was acknowledged is there, whole and once; what was not is there whole or not at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use store::{Batch, Store};
use tokio::task::JoinSet;
use vocabulary::Seq;

use crate::{
    again, role,
    samples::{at, event, text},
    say,
};

const WRITERS: u32 = 4;

/// A batch's name: which writer, its how manieth.
type Name = (u32, u64);

/// Not a test of its own: writes until it is killed, and says what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_role() {
    let Some((role, folder)) = role() else { return };
    assert_eq!(role, "writer");
    let store = Store::open(&folder, at(0)).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let name = format!("next {writer}");
            let next = store.setting(name.clone()).await.unwrap().map_or(0, |next| next.as_u64().unwrap());
            for count in next.. {
                let settings = vec![(name.clone(), Some((count + 1).into()))];
                let events = vec![event(&format!("{writer} {count} a")), event(&format!("{writer} {count} b"))];
                let committed = store.commit(Batch { settings, events, ..Batch::default() }).await.unwrap();
                say(&format!("ack {writer} {count} {}", committed.events[0].seq.0));
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn whatever_was_acknowledged_before_a_kill_is_there_and_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut random = 0x5eed_u64;
    for round in 0..10 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let wanted = (random >> 33) % 60 + u64::from(round == 0);
        acknowledged.extend(write_and_kill(folder.path(), wanted));
        check(folder.path(), &acknowledged).await;
    }
    assert!(acknowledged.len() > 50);
}

/// Kills the writer after so many acknowledgements; some more may be on their way.
fn write_and_kill(folder: &Path, wanted: u64) -> BTreeMap<Name, u64> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    again(&mut command, "durability::child_role", "writer", folder);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    while (acknowledged.len() as u64) < wanted {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the writer ended by itself");
        acknowledged.extend(parse(&line));
    }
    kill(&mut child);
    acknowledged.extend(rest(lines));
    acknowledged
}

fn kill(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn rest(mut lines: BufReader<ChildStdout>) -> BTreeMap<Name, u64> {
    let mut text = String::new();
    lines.read_to_string(&mut text).unwrap();
    // The last line counts only if it is whole.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().filter_map(parse).collect()
}

fn parse(line: &str) -> Option<(Name, u64)> {
    let mut words = line.trim_end().strip_prefix("ack ")?.split(' ').map(|word| word.parse::<u64>().unwrap());
    let mut next = || words.next().unwrap();
    let (writer, count) = (u32::try_from(next()).unwrap(), next());
    Some(((writer, count), next()))
}

async fn check(folder: &Path, acknowledged: &BTreeMap<Name, u64>) {
    let store = Store::open(folder, at(0)).await.unwrap();
    let events = store.events_since(Seq(0), u32::MAX).await.unwrap();
    assert!(events.iter().map(|event| event.seq.0).eq(1..=events.len() as u64), "gaps");
    let texts: BTreeSet<&str> = events.iter().map(text).collect();
    assert_eq!(texts.len(), events.len(), "something is there twice");
    for ((writer, count), seq) in acknowledged {
        let place = usize::try_from(*seq).unwrap() - 1;
        assert_eq!(text(&events[place]), format!("{writer} {count} a"));
        assert_eq!(text(&events[place + 1]), format!("{writer} {count} b"));
    }
    // Every batch is whole: both events and the counter, each counted up to the same number.
    for writer in 0..WRITERS {
        let next = store.setting(format!("next {writer}")).await.unwrap().map_or(0, |next| next.as_u64().unwrap());
        let written = texts.iter().filter(|text| text.starts_with(&format!("{writer} "))).count() as u64;
        assert_eq!(written, 2 * next, "writer {writer}");
    }
    store.close().await;
}
