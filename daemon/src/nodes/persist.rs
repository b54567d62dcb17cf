//! The ledger in the store's words: what is written after a turn, and what is read at the start.

use serde::de::DeserializeOwned;
use store::{Batch, BootRow, Claims, NewEvent, NodeWrite, ReadError, RunFilter, RunTaskRow, Store, Write, WriteError};
use vocabulary::{BootId, Node, NodeId, NodeState, Run, RunId, Step, Timestamp};

use super::{
    disks::Makings,
    ledger::{Ledger, Pardons, Writes},
    lifecycle::{Accepted, Boot, Counters, Rules, Tracked},
    power::{Orders, Switchings},
    retiring::Retirements,
};
use crate::policy::Window;

/// The setting that holds the approval window.
const WINDOW: &str = "nodes.approval_window";
/// The setting that holds the power orders that wait for a DISCOVER.
const POWERED: &str = "nodes.power_orders";
/// The setting that holds the power orders that are being carried out.
const SWITCHING: &str = "nodes.power_switching";

/// The setting that holds the orders for data disks that are being carried out.
const MAKINGS: &str = "nodes.disk_orders";

/// The setting that holds the nodes that are being retired.
const RETIREMENTS: &str = "nodes.retirements";

/// The setting that holds the approvals of suspects that stand open.
const PARDONED: &str = "nodes.pardons";

/// What the store remembers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be read.
    #[error("the store cannot be read")]
    Read(#[from] ReadError),
    /// A row that this daemon did not write.
    #[error("the setting {name} in the store cannot be understood")]
    Setting {
        /// Which.
        name: &'static str,
        /// Where the reader stopped.
        #[source]
        source: serde_json::Error,
    },
}

/// Writes one turn, all or nothing.
///
/// # Errors
/// Nothing was written.
pub async fn commit(store: &Store, writes: Writes, now: Timestamp) -> Result<(), WriteError> {
    store.commit(batch(writes, now)).await.map(drop)
}

fn batch(writes: Writes, now: Timestamp) -> Batch {
    let boots = writes.boots.into_values().map(|(node, boot)| Write::Put(boot_row(node, &boot))).collect();
    let window = writes.window.map(|window| (WINDOW.to_owned(), window.map(|window| serde_json::json!(window))));
    let powered = writes.powered.map(|orders| (POWERED.to_owned(), Some(serde_json::json!(orders))));
    let switching = writes.switching.map(|orders| (SWITCHING.to_owned(), Some(serde_json::json!(orders))));
    let makings = writes.makings.map(|orders| (MAKINGS.to_owned(), Some(serde_json::json!(orders))));
    let retiring = writes.retirements.map(|orders| (RETIREMENTS.to_owned(), Some(serde_json::json!(orders))));
    let pardoned = writes.pardoned.map(|open| (PARDONED.to_owned(), Some(serde_json::json!(open))));
    let mut runs: Vec<Run> = writes.runs.into_values().collect();
    runs.sort_by_key(|run| run.id);
    Batch {
        nodes: writes.nodes.into_values().map(|(from, node)| NodeWrite { node, from }).collect(),
        claims: writes
            .claims
            .into_iter()
            .map(|(node, hostname, hardware)| (node, Claims { hostname, hardware }))
            .collect(),
        boots,
        forgotten: writes.forgotten,
        runs: runs.into_iter().map(Write::Put).collect(),
        run_tasks: writes.tasks.into_iter().map(|(run, seq, data)| RunTaskRow { run, seq, at: now, data }).collect(),
        steps: writes.steps,
        settings: [window, powered, switching, makings, retiring, pardoned].into_iter().flatten().collect(),
        events: writes
            .events
            .into_iter()
            .map(|report| NewEvent {
                at: now,
                kind: report.kind,
                node: report.node,
                run: report.run,
                data: report.data,
            })
            .collect(),
        ..Batch::default()
    }
}

fn boot_row(node: NodeId, boot: &Boot) -> BootRow {
    BootRow {
        token: boot.token,
        minted: boot.minted,
        expires: boot.expires,
        uuid: boot.uuid,
        used: boot.accepted.map(|accepted| accepted.at),
        accepted: boot.accepted.map(|accepted| accepted.digest),
        run: boot.accepted.map(|accepted| accepted.run),
        ..BootRow::new(boot.id, node, boot.opened)
    }
}

/// Reads everything that the lifecycle goes on from.
///
/// # Errors
/// The store is damaged or closed.
pub async fn load(store: &Store, rules: Rules, now: Timestamp) -> Result<Ledger, LoadError> {
    let numbers = store.numbers().await?;
    let counters = Counters { boot: numbers.next_boot.0, run: numbers.next_run.0 };
    let boots = store.last_boots().await?;
    let nodes = store.nodes().await?;
    let open = store.runs(RunFilter::open()).await?;
    let last = last_runs(store, &nodes).await?;
    let window = setting::<Window>(store, WINDOW).await?;
    let powered = setting::<Orders>(store, POWERED).await?.unwrap_or_default();
    let mut switching = setting::<Switchings>(store, SWITCHING).await?.unwrap_or_default();
    let mut makings = setting::<Makings>(store, MAKINGS).await?.unwrap_or_default();
    let mut retirements = setting::<Retirements>(store, RETIREMENTS).await?.unwrap_or_default();
    let pardons = setting::<Pardons>(store, PARDONED).await?.unwrap_or_default();
    let tracked = |node: Node| {
        let ((boot, earlier), ordered) = (boots_of(&node, &boots), powered.get(&node.id).copied());
        let (switching, pardoned) = (switching.remove(&node.id), pardons.get(&node.id).copied());
        let (making, retiring) = (makings.remove(&node.id), retirements.remove(&node.id));
        Tracked { earlier, switching, making, retiring, pardoned, ..Tracked::kept(node, boot, ordered, now) }
    };
    let machines = nodes.iter().cloned().map(tracked).collect();
    let reports = last_reports(store, &open).await?;
    let stations = stations(store, &nodes, &boots).await?;
    let runs = last.into_iter().chain(open).collect();
    let mut ledger = Ledger::new(rules, counters, machines, runs, window);
    for (run, place) in reports {
        ledger.resume_reports(run, place);
    }
    for (node, boot, steps) in stations {
        ledger.resume_stations(node.mac(), boot, steps);
    }
    Ok(ledger)
}

async fn setting<T: DeserializeOwned>(store: &Store, name: &'static str) -> Result<Option<T>, LoadError> {
    let value = store.setting(name.to_owned()).await?;
    let read = |value| serde_json::from_value(value).map_err(|source| LoadError::Setting { name, source });
    value.map(read).transpose()
}

async fn last_runs(store: &Store, nodes: &[Node]) -> Result<Vec<Run>, ReadError> {
    let mut runs = Vec::new();
    for id in nodes.iter().filter_map(|node| node.run) {
        runs.extend(store.run(id).await?);
    }
    Ok(runs)
}

async fn last_reports(store: &Store, open: &[Run]) -> Result<Vec<(RunId, u64)>, ReadError> {
    let mut reports = Vec::new();
    for run in open {
        let last = store.run_tasks(run.id, 0).await?.last().map(|task| task.seq);
        reports.extend(last.map(|last| (run.id, last)));
    }
    Ok(reports)
}

/// The stations of each boot that has not called home, or whose machine is joining the cluster, so that a daemon that comes back writes none of them again.
async fn stations(
    store: &Store,
    nodes: &[Node],
    boots: &[BootRow],
) -> Result<Vec<(NodeId, BootId, Vec<Step>)>, ReadError> {
    let mut stations = Vec::new();
    let joining = |boot: &BootRow| nodes.iter().any(|node| node.id == boot.node && node.state == NodeState::Joining);
    let open = |boot: &&BootRow| boot.accepted.is_none() || joining(boot);
    let goes_on = |boot: &&BootRow| boot.token.is_some() || nodes.iter().any(|node| node.boot == Some(boot.id));
    for boot in boots.iter().filter(open).filter(goes_on) {
        let lines = store.timeline(boot.node.clone(), Some(boot.id), u32::MAX).await?;
        stations.push((boot.node.clone(), boot.id, lines.into_iter().map(|line| line.step).collect()));
    }
    Ok(stations)
}

/// The node's last attempt, and the one before it where that holds the last token. A token that was minted and is gone
/// was withdrawn: its attempt is over.
fn boots_of(node: &Node, boots: &[BootRow]) -> (Option<Boot>, Option<Boot>) {
    let own = |row: &&BootRow| row.node == node.id;
    let over = |row: &BootRow| row.minted.is_some() && row.token.is_none();
    let last = boots.iter().filter(own).find(|row| node.boot == Some(row.id) && !over(row)).map(boot);
    let counts = |row: &&BootRow| row.token.is_some() && node.boot != Some(row.id);
    let earlier = boots.iter().filter(own).filter(counts).max_by_key(|row| row.id).map(boot);
    let token = last.as_ref().is_some_and(|boot| boot.token.is_some());
    (last, earlier.filter(|_| !token))
}

fn boot(row: &BootRow) -> Boot {
    Boot {
        id: row.id,
        opened: row.opened,
        token: row.token,
        minted: row.minted,
        expires: row.expires,
        uuid: row.uuid,
        accepted: accepted(row),
    }
}

fn accepted(row: &BootRow) -> Option<Accepted> {
    Some(Accepted { digest: row.accepted?, run: row.run?, at: row.used? })
}

#[cfg(test)]
#[path = "persist_tests.rs"]
mod tests;
