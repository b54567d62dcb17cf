//! Commits a second, alone and together: what group commit is worth on this disk.
//!
//! `cargo bench -p store`. The folder is under `$TMPDIR`; on a tmpfs a sync is free and the figure says nothing.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no figure")]

use divan::{Bencher, counter::ItemsCount};
use store::{Batch, LeaseRow, Store};
use tokio::{runtime::Runtime, task::JoinSet};
use vocabulary::Timestamp;

fn main() {
    divan::main();
}

/// So many commits of one lease each, all at once; the counter shows leases a second.
#[divan::bench(args = [1, 8, 64, 512], sample_count = 20)]
fn leases_at_once(bencher: Bencher<'_, '_>, many: u32) {
    let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
    let store = runtime.block_on(Store::open(folder.path(), Timestamp::UNIX_EPOCH)).unwrap();
    bencher.counter(ItemsCount::new(many)).bench_local(|| {
        runtime.block_on(async {
            let mut commits = JoinSet::new();
            for number in 0..many {
                let store = store.clone();
                commits.spawn(async move { store.commit(lease(number)).await.unwrap() });
            }
            commits.join_all().await;
        });
    });
    runtime.block_on(store.close());
}

fn lease(number: u32) -> Batch {
    let row = LeaseRow {
        client: format!("client {number}"),
        address: number.into(),
        mac: None,
        hostname: None,
        state: "bound".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        expires: Timestamp::UNIX_EPOCH,
    };
    Batch { leases: vec![row], ..Batch::default() }
}
