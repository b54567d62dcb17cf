//! From a real Nomad to the bus, to `/readyz` and to the gauges.

use std::{sync::Arc, time::Duration};

use daemon::{
    adapters::watching::{Teller, parts},
    bus::{Bus, News},
};
use jobs::{
    Endpoint,
    nomad::{self, Job, Over},
    watch::{Asked, Config, Deps, Watch},
};
use lab::agents::{Agents, Client, Consul, Spec};
use serde_json::json;
use store::Store;
use tasks::{Stop, SystemClock};
use tokio::task::JoinSet;
use vocabulary::{Event, EventKind, Seq, Timestamp};

const LIMIT: Duration = Duration::from_secs(90);

async fn told(bus: &Bus, what: &str, is: impl Fn(&Event) -> bool) -> Event {
    let mut follower = bus.follow(Seq(0));
    let search = async {
        loop {
            let News::Events(events) = follower.next().await.unwrap() else { panic!("a gap in a small log") };
            if let Some(found) = events.into_iter().find(&is) {
                return found;
            }
        }
    };
    tokio::time::timeout(LIMIT, search).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}

#[tokio::test]
async fn what_changes_in_nomad_is_on_the_bus_and_a_silent_nomad_shows() {
    let spec = Spec { consul: Consul::No, client: Client::No, ..Spec::default() };
    let agents = Agents::start(&spec).await.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    let nomad = nomad::Client::build(&Endpoint::plain(agents.nomad()[0].url())).unwrap();
    let data = tempfile::tempdir().unwrap();
    let store = Store::open(data.path(), Timestamp::UNIX_EPOCH).await.unwrap();
    let (clock, stop, mut running) = (Arc::new(SystemClock), Stop::new(), JoinSet::new());
    let asked = Arc::new(Asked { nomad: nomad.clone(), consul: None });
    let deps = Deps { agents: asked, clock: clock.clone() };
    let (watch, handle) = Watch::build(Config::default(), deps);
    let teller = Teller::new(&handle, store.clone(), clock);
    let (watching, telling) = (stop.clone(), stop.clone());
    running.spawn(async move {
        let Ok(()) = watch.run(watching).await;
    });
    running.spawn(async move { teller.run(telling).await.unwrap() });
    let bus = Bus::new(store);
    let about = |event: &Event, what: &str| event.kind == EventKind::Cluster && event.data["what"] == what;

    told(&bus, "its jobs are listed", |event| about(event, "source") && event.data["source"] == "jobs").await;
    let task = json!({"Name": "t", "Driver": "raw_exec", "Config": {"command": "true"}});
    let group = json!({"Name": "g", "Tasks": [task]});
    let job = json!({"ID": "told", "Name": "told", "Type": "batch", "Datacenters": ["*"], "TaskGroups": [group]});
    nomad.register(&Job::from_json(job).unwrap(), Over::Nothing).await.unwrap();
    let event = told(&bus, "a job appears", |event| about(event, "job")).await;
    assert_eq!((&event.data["id"], &event.data["turn"]), (&json!("told"), &json!("appeared")));
    assert!(event.data["index"].as_u64().unwrap() > 1);
    let event =
        told(&bus, "nobody can run it", |event| about(event, "evaluation") && event.data["status"] == "blocked");
    assert_eq!(event.await.data["not_placed"], json!(["g"]));
    assert!(parts(&handle).iter().all(|part| part.name.starts_with("cluster/") && part.reason.is_some()));

    agents.nomad()[0].kill().unwrap();
    let stale = |event: &Event| about(event, "source") && event.data["standing"] == "stale";
    let event = told(&bus, "Nomad is away", |event| stale(event) && event.data["source"] == "jobs").await;
    assert!(event.data["cause"].as_str().unwrap().starts_with('«'), "{event:?}");
    let part = parts(&handle).into_iter().find(|part| part.name == "cluster/jobs").unwrap();
    assert!(!part.ready && part.reason.unwrap().starts_with("stale: index "));
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
