//! Why a group finds no place, in words, each reason with what to do about it.
//!
//! Nomad names the rule that said no, not the thing that is away: a missing bridge plugin reads
//! `${attr.plugins.cni.version.bridge} semver >= 0.4.0`, an unreachable Vault `${attr.vault.version} semver >= 0.6.1`, a
//! volume whose single writer is elsewhere `missing compatible host volumes`. Those are mapped to the thing. What is not
//! known here is told in Nomad's words, never left out.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::one_line;
use crate::nomad::AllocationMetric;

/// A group of which something finds no place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// Which group.
    pub group: String,
    /// How many of its allocations.
    pub unplaced: u64,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What stands in the way.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

/// What of a job finds no place, by group.
#[must_use]
pub fn shortfalls(failed: &HashMap<String, AllocationMetric>) -> Vec<Shortfall> {
    let mut found: Vec<Shortfall> = failed.iter().map(|(group, metric)| shortfall(group, metric)).collect();
    found.sort_by(|one, other| one.group.cmp(&other.group));
    found
}

impl Shortfall {
    /// All of it in one line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(|why| format!("{} ({})", why.cause, why.remedy)).collect();
        let Self { group, unplaced, .. } = self;
        format!("group {group}: {unplaced} without a place: {}", reasons.join("; "))
    }
}

fn shortfall(group: &str, metric: &AllocationMetric) -> Shortfall {
    let unplaced = u64::try_from(metric.coalesced_failures).unwrap_or_default().saturating_add(1);
    let mut reasons = nowhere(metric);
    reasons.extend(sorted(metric.constraint_filtered.as_ref()).into_iter().map(|(rule, nodes)| filtered(rule, nodes)));
    let exhausted = sorted(metric.dimension_exhausted.as_ref());
    reasons.extend(exhausted.into_iter().map(|(what, nodes)| exhausted_by(what, nodes, metric)));
    reasons.extend(metric.quota_exhausted.iter().flatten().map(|quota| Reason {
        cause: format!("the quota is used up: {}", one_line(quota)),
        remedy: "raise the namespace's quota, or ask for less".to_owned(),
    }));
    if reasons.is_empty() {
        reasons.push(unsaid(metric));
    }
    Shortfall { group: group.to_owned(), unplaced, reasons }
}

fn sorted(counts: Option<&HashMap<String, i64>>) -> Vec<(&str, i64)> {
    let mut sorted: Vec<(&str, i64)> =
        counts.into_iter().flatten().map(|(name, count)| (name.as_str(), *count)).collect();
    sorted.sort_unstable();
    sorted
}

/// No node was looked at.
fn nowhere(metric: &AllocationMetric) -> Vec<Reason> {
    if metric.nodes_evaluated > 0 {
        return Vec::new();
    }
    let pool = if metric.node_pool.is_empty() { "default" } else { &metric.node_pool };
    let ready: i64 = metric.nodes_available.iter().flatten().map(|(_, count)| count).sum();
    let reason = if ready == 0 && metric.nodes_in_pool > 0 {
        Reason {
            cause: format!(
                "none of the {} nodes in the pool `{pool}` takes work in the datacenters asked for",
                metric.nodes_in_pool
            ),
            remedy: "see which are down, drained or not eligible: roost cluster status; or change `datacenters`"
                .to_owned(),
        }
    } else {
        Reason {
            cause: format!("no node is in the pool `{pool}` and the datacenters asked for"),
            remedy: "change `datacenters` or `node_pool` of the job, or let a machine in: roost node approve"
                .to_owned(),
        }
    };
    vec![reason]
}

/// A rule that nodes did not pass.
fn filtered(rule: &str, nodes: i64) -> Reason {
    let on = nodes_in_words(nodes);
    let say = |cause: String, remedy: &str| Reason { cause, remedy: remedy.to_owned() };
    match rule {
        "missing drivers" => say(
            format!("{on} lacks the task driver, or the driver is not healthy there"),
            "use a driver that the nodes have (exec and docker), or mend it: its health is in Nomad's node status",
        ),
        "missing devices" => say(format!("{on} has no such device free"), "ask for fewer or other devices"),
        "missing compatible host volumes" => say(
            format!("{on} offers no such volume, or its only writer is another allocation"),
            "end the allocation that writes to it, or give a node the volume",
        ),
        "missing network" => say(format!("{on} lacks the network"), "use `mode = \"host\"`, or configure it there"),
        "distinct_hosts" => say(
            format!("{on} already runs one, and no two may share a node"),
            "let in more machines, lower `count`, or take away `distinct_hosts`",
        ),
        "computed class ineligible" => {
            say(format!("{on} is like one that was ruled out"), "the other reasons say what rules it out")
        }
        _ if rule.starts_with("distinct_property") => say(
            format!("{on} has a value that is taken: {}", one_line(rule)),
            "lower `count`, or let in machines with other values",
        ),
        _ => attribute(rule, &on),
    }
}

/// `${attr.x} = y` and the like: the thing behind it where it is known.
fn attribute(rule: &str, on: &str) -> Reason {
    let say = |cause: String, remedy: String| Reason { cause, remedy };
    if let Some(rest) = rule.strip_prefix("${attr.plugins.cni.version.") {
        let plugin = rest.split('}').next().unwrap_or_default();
        return say(
            format!("{on} lacks the network plugin `{plugin}` (CNI)"),
            "the role `cni` installs it: roost run retry on that machine; or use `mode = \"host\"`".to_owned(),
        );
    }
    if rule.starts_with("${attr.vault.") {
        return say(
            format!("{on} reaches no Vault"),
            "start or mend Vault, or use Nomad variables (roost secret)".to_owned(),
        );
    }
    if rule.starts_with("${attr.consul.") {
        return say(format!("{on} reaches no Consul agent"), "see its Consul agent: roost cluster status".to_owned());
    }
    let rule = one_line(rule);
    if rule.starts_with("${meta.") || rule.starts_with("${node.") || rule.starts_with("${attr.") {
        let remedy = "change the constraint, or let in a machine that fits it".to_owned();
        return say(format!("{on} does not fit the constraint `{rule}`"), remedy);
    }
    say(format!("{on} is ruled out: {rule}"), "change what the job asks for, or the nodes".to_owned())
}

/// Something that nodes have too little of.
fn exhausted_by(what: &str, nodes: i64, metric: &AllocationMetric) -> Reason {
    let on = nodes_in_words(nodes);
    let asked = |field: &str, unit: &str| {
        let amount: u64 = metric
            .resources_exhausted
            .iter()
            .flat_map(|tasks| tasks.values())
            .filter_map(|task| task.get(field).and_then(Value::as_u64))
            .sum();
        if amount == 0 { String::new() } else { format!(" ({amount} {unit} asked for)") }
    };
    let say = |cause: String, remedy: &str| Reason { cause, remedy: remedy.to_owned() };
    match what {
        "memory" => say(
            format!("{on} has too little memory free{}", asked("MemoryMB", "MiB")),
            "lower `memory` or `count`, stop another job, or let in a machine",
        ),
        "cpu" | "cores" => say(
            format!("{on} has too little processor free{}", asked("CPU", "MHz")),
            "lower `cpu`, `cores` or `count`, stop another job, or let in a machine",
        ),
        "disk" => say(
            format!("{on} has too little disk free"),
            "lower `ephemeral_disk` or `count`; a live machine keeps its disk in memory unless it has ROOST_DATA",
        ),
        "devices" => say(format!("{on} has no such device free"), "ask for fewer devices, or stop who holds them"),
        _ if what.contains("port collision") || what.contains("reserved port") => say(
            format!("{on} has the port in use ({})", one_line(what)),
            "use a dynamic port, lower `count`, or stop who holds it",
        ),
        _ => say(format!("{on} has too little left: {}", one_line(what)), "ask for less, or let in a machine"),
    }
}

/// Nothing that we know was said.
fn unsaid(metric: &AllocationMetric) -> Reason {
    let (seen, away, full) = (metric.nodes_evaluated, metric.nodes_filtered, metric.nodes_exhausted);
    Reason {
        cause: format!("of {seen} nodes {away} were ruled out and {full} were full, and Nomad does not say why"),
        remedy: "plan again; then see the evaluation in Nomad".to_owned(),
    }
}

fn nodes_in_words(nodes: i64) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes, each of which") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// As Nomad 1.11.1 answered plans on one node, less what is null.
    fn told(metric: Value) -> Shortfall {
        let failed = HashMap::from([("main".to_owned(), serde_json::from_value(metric).unwrap())]);
        shortfalls(&failed).remove(0)
    }

    fn one_node(rule: &Value) -> Value {
        let mut metric =
            json!({"NodePool": "default", "NodesAvailable": {"dc1": 1}, "NodesEvaluated": 1, "NodesInPool": 1});
        for (name, value) in rule.as_object().unwrap() {
            metric[name] = value.clone();
        }
        metric
    }

    #[test]
    fn what_is_too_little_is_named_with_how_much_was_asked_for() {
        let resources = json!({"main": {"CPU": 20, "MemoryMB": 3000}});
        let found = told(one_node(&json!({
            "CoalescedFailures": 21, "NodesExhausted": 1, "DimensionExhausted": {"memory": 1}, "ResourcesExhausted": resources
        })));
        assert_eq!((found.group.as_str(), found.unplaced), ("main", 22));
        assert_eq!(found.reasons[0].cause, "1 node has too little memory free (3000 MiB asked for)");
        assert!(found.in_words().starts_with("group main: 22 without a place: 1 node"), "{}", found.in_words());
    }

    #[test]
    fn a_rule_is_told_as_the_thing_that_is_away() {
        for (rule, thing) in [
            ("missing drivers", "task driver"),
            ("${attr.plugins.cni.version.bridge} semver >= 0.4.0", "network plugin `bridge`"),
            ("${attr.vault.version} semver >= 0.6.1", "no Vault"),
            ("${attr.consul.version} semver >= 1.8.0", "no Consul agent"),
            ("missing compatible host volumes", "only writer"),
            ("distinct_hosts", "no two may share"),
            ("${meta.rack} = r1", "`${meta.rack} = r1`"),
            ("${attr.kernel.name} = windows", "`${attr.kernel.name} = windows`"),
            ("of a later version", "of a later version"),
        ] {
            let found = told(one_node(&json!({"NodesFiltered": 1, "ConstraintFiltered": {rule: 1}})));
            assert!(found.reasons[0].cause.contains(thing), "{rule}: {:?}", found.reasons);
        }
    }

    #[test]
    fn no_node_at_all_is_told_from_nodes_that_take_no_work() {
        let none = told(json!({"NodePool": "default", "NodesAvailable": {}, "NodesEvaluated": 0, "NodesInPool": 0}));
        assert!(none.reasons[0].remedy.contains("datacenters"), "{none:?}");
        let drained =
            told(json!({"NodePool": "", "NodesAvailable": {"dc1": 0}, "NodesEvaluated": 0, "NodesInPool": 3}));
        assert!(drained.reasons[0].cause.contains("none of the 3 nodes in the pool `default`"), "{drained:?}");
    }

    proptest! {
        #[test]
        fn there_is_always_a_reason_with_a_remedy_on_one_line(
            rule in ".{0,40}", what in ".{0,40}", nodes in -3_i64..9, more in any::<i64>(), evaluated in 0_i64..4,
        ) {
            let metric = json!({
                "NodesEvaluated": evaluated, "CoalescedFailures": more,
                "ConstraintFiltered": {rule: nodes}, "DimensionExhausted": {what: nodes},
            });
            let found = told(metric);
            prop_assert!(found.unplaced >= 1 && !found.reasons.is_empty());
            for reason in &found.reasons {
                prop_assert!(!reason.remedy.is_empty() && !reason.cause.contains(char::is_control));
            }
        }
    }
}
