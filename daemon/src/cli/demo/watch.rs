//! Follows machines through the daemon's API, prints each station as it is reached, and knows when it is over.

use std::{collections::HashMap, time::Duration};

use lab::Api;
use serde::de::DeserializeOwned;
use tasks::{Clock as _, SystemClock};
use vocabulary::{Mac, NodeId, NodeState, StepRecord, Timestamp};

use super::table::{self, Way};
use crate::{
    cli::{
        exit::{Exit, Failure},
        screen,
    },
    http::wire::{NodeView, StepView},
};

/// How often the API is asked.
const PERIOD: Duration = Duration::from_millis(500);

/// A machine that was just switched on.
pub(super) struct Powered {
    name: String,
    mac: Mac,
    at: Timestamp,
}

impl Powered {
    /// Its power goes on now.
    pub(super) fn now(name: &str, mac: Mac) -> Self {
        Self { name: name.to_owned(), mac, at: SystemClock.now() }
    }
}

/// Returns every machine's way once all are ready.
///
/// # Errors
/// One failed, or the time is over: with the stage, the cause and the next step.
pub(super) async fn until_ready(api: &Api, machines: Vec<Powered>, limit: Duration) -> Result<Vec<Way>, Failure> {
    let clock = SystemClock;
    let end = clock.uptime() + limit;
    let mut shown: HashMap<Mac, usize> = HashMap::new();
    loop {
        let mut ways = Vec::new();
        let mut ready = 0;
        for machine in &machines {
            let way = Way { machine: machine.name.clone(), power_on: machine.at, steps: steps(api, machine).await };
            let from = shown.insert(machine.mac, way.steps.len()).unwrap_or_default();
            for record in way.steps.iter().skip(from) {
                screen::line(table::line(&way, record))?;
            }
            ready += usize::from(is_ready(api, machine, &way).await?);
            ways.push(way);
        }
        if ready == machines.len() {
            return Ok(ways);
        }
        if clock.uptime() > end {
            return Err(late(&ways, limit));
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn get<T: DeserializeOwned>(api: &Api, path: &str) -> Option<T> {
    let answer = api.get(path).await.ok()?;
    serde_json::from_slice(&answer.body).ok().filter(|_| answer.status == 200)
}

async fn steps(api: &Api, machine: &Powered) -> Vec<StepRecord> {
    let node = NodeId::of(machine.mac);
    let steps: Vec<StepView> = get(api, &format!("/api/nodes/{node}/timeline")).await.unwrap_or_default();
    let record = |view: StepView| StepRecord {
        node: node.clone(),
        boot: view.boot,
        at: view.at,
        step: view.step,
        detail: view.detail,
        took_ms: view.took_ms,
    };
    steps.into_iter().map(record).collect()
}

async fn is_ready(api: &Api, machine: &Powered, way: &Way) -> Result<bool, Failure> {
    let node = NodeId::of(machine.mac);
    let Some(view) = get::<NodeView>(api, &format!("/api/nodes/{node}")).await else { return Ok(false) };
    match view.state {
        NodeState::Ready => Ok(true),
        NodeState::Failed | NodeState::Suspect | NodeState::Denied => {
            let (cause, remedy) = view
                .reason
                .map_or_else(|| ("no reason was given".into(), String::new()), |reason| (reason.cause, reason.remedy));
            let cause = format!("{} is {} after {}: {cause}", machine.name, view.state, last_station(way));
            Err(Failure::words(Exit::Failed, cause, remedy))
        }
        _ => Ok(false),
    }
}

fn last_station(way: &Way) -> &'static str {
    way.steps.iter().rev().map(|record| record.step.name()).find(|name| *name != "failed").unwrap_or("power on")
}

fn late(ways: &[Way], limit: Duration) -> Failure {
    let reached: Vec<String> =
        ways.iter().map(|way| format!("{} reached {}", way.machine, last_station(way))).collect();
    let cause =
        format!("not every machine was ready within {}: {}", humantime::format_duration(limit), reached.join(", "));
    Failure::words(Exit::Failed, cause, "run it with --keep and look at the consoles; on a slow host give --limit 30m")
}
