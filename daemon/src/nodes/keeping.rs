//! What a data disk means for a node: whose host keys and machine id outlive a reboot must come back with them. Pure.
//!
//! A live machine makes both anew at each boot, unless a disk labelled `ROOST_DATA` keeps them. Of a node that has such a
//! disk, by an operator's order or because it said so at an accepted call-home, the next call-home must bring the same ones.
//! Whoever brings others is parked like any other stranger under a known MAC, and the cause says what the machine makes of
//! its disk: gone, broken, another. That word opens nothing: a cloner could say it as well. A person decides, and
//! `roost node approve` is the window in which the disk may be missing.
//!
//! Rejected: to let in a machine which says that its disk broke, with an alarm alone. Its word is all that would tell it
//! from a cloner, and the disk would then protect the node exactly as long as nobody claims that it failed.

use vocabulary::{CallHome, DataState, Identity, Kept, Mac, NodeId, Step, Timestamp};

use super::{
    admission::{self, Decision},
    lifecycle::{Tracked, Turn},
};

/// Whether a call-home lacks what the node's disk keeps, and in which way.
#[must_use]
pub fn strays(known: &Identity, call: &CallHome) -> Option<&'static str> {
    known.kept?;
    if same_keys(known, call) {
        return None;
    }
    Some(match call.data.as_ref().map(|data| data.state) {
        None => "its disk ROOST_DATA is gone, and with it the host keys and machine id that it is known by",
        Some(DataState::Unusable) => {
            "it can make nothing of its disk ROOST_DATA, which keeps the host keys and machine id that it is known by"
        }
        Some(DataState::Ambiguous) => {
            "it has two disks ROOST_DATA and used neither; one keeps the host keys and machine id that it is known by"
        }
        Some(DataState::Mounted | DataState::IdentityOnly) => {
            "its disk ROOST_DATA keeps other host keys or another machine id than those that it is known by"
        }
    })
}

fn same_keys(known: &Identity, call: &CallHome) -> bool {
    let claimed = admission::identity(call);
    known.host_keys == claimed.host_keys && known.machine_id == claimed.machine_id
}

/// A machine that would be let in, but with the keys of another node's disk: a person must say that the disk was moved.
pub fn of_another<'a>(
    machines: impl Iterator<Item = &'a Tracked>,
    mac: Mac,
    call: &CallHome,
    decision: Decision,
) -> Decision {
    if decision != Decision::Accept || !call.data.as_ref().is_some_and(|data| data.state.keeps_identity()) {
        return decision;
    }
    let (mut pardoned, mut elsewhere) = (false, false);
    for one in machines {
        if one.node.mac == mac {
            pardoned = one.pardoned.is_some();
        } else if let Some(known) = &one.node.identity {
            elsewhere |= known.host_keys.iter().any(|key| call.ssh_host_keys.contains(key));
        }
    }
    if elsewhere && !pardoned {
        return Decision::Park("its disk ROOST_DATA keeps the host keys of another node");
    }
    decision
}

/// The disk that the next identity rests on, of a machine that is let in.
#[must_use]
pub fn kept(now: Timestamp, known: Option<&Identity>, call: &CallHome) -> Option<Kept> {
    let before = known.filter(|known| same_keys(known, call)).and_then(|known| known.kept);
    let Some(data) = call.data.as_ref().filter(|data| data.state.keeps_identity()) else { return before };
    let same = before.filter(|kept| kept.disk == data.uuid);
    Some(same.unwrap_or(Kept { disk: data.uuid, since: now }))
}

/// What a machine that is parked says of its disk, in its own words.
pub fn quote(call: &CallHome, turn: &mut Turn) {
    if let Some(data) = call.data.as_ref().filter(|data| !data.detail.is_empty()) {
        turn.line(Step::Note, format!("it says of its data disk: {}", data.detail));
    }
}

/// What a machine that is let in says of its disk, on its timeline; what a person must look at is an alarm.
pub fn tell(node: &NodeId, before: Option<&Identity>, call: &CallHome, turn: &mut Turn) {
    let Some(data) = &call.data else {
        if before.is_some_and(|known| known.kept.is_some()) {
            turn.line(Step::Note, "it has no data disk any more: nothing on it outlives a reboot");
        }
        return;
    };
    let words = if data.detail.is_empty() { "no reason was given" } else { &data.detail };
    let show = format!("look at the disk on the node (dmesg, smartctl), then roost node power {node} cycle");
    match data.state {
        DataState::Mounted => turn.line(Step::Note, format!("its data disk is mounted: {}", data.detail)),
        DataState::IdentityOnly => turn.alarm(
            format!("its data disk says who it is and takes no data, which lie in RAM in this boot: {words}"),
            show,
        ),
        DataState::Unusable => turn.alarm(format!("its data disk is of no use, its data lie in RAM: {words}"), show),
        DataState::Ambiguous => turn.alarm(
            format!("two of its disks are labelled ROOST_DATA, and neither is mounted: {words}"),
            format!(
                "on the node, take the label from one of them (e2label DEVICE ''), then roost node power {node} cycle"
            ),
        ),
    }
}

#[cfg(test)]
#[path = "keeping_tests.rs"]
mod tests;
