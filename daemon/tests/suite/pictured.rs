//! What `roost job list` and `show` say while a real Nomad is away: the last picture, marked, with its age.

use std::{sync::Arc, time::Duration};

use jobs::{
    bootstrap::Clients,
    nomad::{Job, JobId, Over},
    watch::{Asked, Config, Deps, Handle, Source, Standing, Watch},
};
use lab::agents::{Agents, Consul, Spec};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tasks::{Stop, SystemClock};
use tokio::task::JoinSet;

use super::{
    api::{Running, Setup, Time, refused},
    jobs::{Door, clients, done, eventually, failed},
};

fn service(id: &str) -> Job {
    let task = json!({"Name": "main", "Driver": "raw_exec", "Config": {"command": "/bin/sleep", "args": ["600"]},
        "Resources": {"CPU": 20, "MemoryMB": 20}, "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 2}});
    let group = json!({"Name": "web", "Count": 1, "Tasks": [task], "EphemeralDisk": {"SizeMB": 20}});
    let job = json!({"ID": id, "Name": id, "Type": "service", "Datacenters": ["*"], "TaskGroups": [group]});
    Job::from_json(job).unwrap()
}

fn age(watched: &Handle) -> Option<Duration> {
    let status = watched.statuses().into_iter().find(|status| status.source == Source::Jobs).unwrap();
    status.age.filter(|_| status.standing == Standing::Stale)
}

/// Ends with its tasks.
fn watched(clients: &Clients) -> (Handle, Stop, JoinSet<()>) {
    let watcher = Asked { nomad: clients.nomad.clone(), consul: None };
    let deps = Deps { agents: Arc::new(watcher), clock: Arc::new(SystemClock) };
    let (watch, handle) = Watch::build(Config::default(), deps);
    let (stop, mut running) = (Stop::new(), JoinSet::new());
    let stopped = stop.clone();
    running.spawn(async move {
        let Ok(()) = watch.run(stopped).await;
    });
    (handle, stop, running)
}

/// The allocation of this job, once the picture shows that it runs.
async fn in_the_picture(watched: &Handle, job: &JobId) -> String {
    eventually("it runs and is in the picture", async || {
        watched.read(|picture| {
            let found = picture.allocations().values().find(|it| it.job.id == *job && it.status == "running");
            let listed = picture.deployments().values().any(|it| it.job.id == *job);
            found.filter(|_| listed).map(|it| it.id.to_string())
        })
    })
    .await
}

#[tokio::test]
async fn while_nomad_is_away_its_last_picture_is_listed_and_shown_marked_with_its_age() {
    let agents = Agents::start(&Spec { consul: Consul::No, ..Spec::default() }).await;
    let agents = agents.unwrap_or_else(|error| panic!("{}", tasks::chain(&error)));
    let clients = clients(&agents);
    let (handle, stop, mut running) = watched(&clients);
    let cluster = Arc::new(Door(clients.clone()));
    let api = Setup { cluster, picture: Some(handle.clone()), time: Time::Passes, ..Setup::default() };
    super::api::provider();
    let api = Running::with(api).await;

    clients.nomad.register(&service("pictured"), Over::Nothing).await.unwrap();
    let allocation = in_the_picture(&handle, &JobId::new("pictured")).await;
    let listed: Value = serde_json::from_str(&done(&api, &["job", "list", "--json"]).await).unwrap();
    assert!(listed[0].get("stale").is_none() && listed[0]["version"] == 0, "{listed}");

    for agent in agents.nomad() {
        agent.kill().unwrap();
    }
    eventually("it is away for a while", async || age(&handle).filter(|age| *age >= Duration::from_secs(2))).await;
    let listed: Value = serde_json::from_str(&done(&api, &["job", "list", "--json"]).await).unwrap();
    let one = &listed[0];
    assert_eq!((&one["id"], &one["running"], &one["wanted"]), (&json!("pictured"), &json!(1), &json!(1)), "{listed}");
    assert_eq!(one["version"], Value::Null, "what is not known is not guessed");
    assert_eq!(one["stale"]["standing"], "stale");
    assert!(one["stale"]["age_s"].as_u64().unwrap() >= 2, "{one}");
    assert!(one["stale"]["cause"].as_str().unwrap().contains("cannot be reached"), "{one}");
    let table = done(&api, &["job", "list"]).await;
    let first = table.lines().next().unwrap();
    assert!(first.starts_with("stale: Nomad at ") && first.contains("this is how the cluster was"), "{table}");
    assert!(first.ends_with("s ago") && table.contains("1 of 1"), "{table}");

    let shown = done(&api, &["job", "show", "pictured"]).await;
    assert!(shown.starts_with("stale: ") && shown.contains("service job pictured: running, index"), "{shown}");
    assert!(shown.contains(&allocation[..8]) && shown.contains("main running"), "{shown}");
    let shown: Value = serde_json::from_str(&done(&api, &["job", "show", "--json", "pictured"]).await).unwrap();
    assert_eq!(shown["allocations"][0]["id"], allocation.as_str());
    assert_eq!((&shown["groups"][0]["running"], &shown["versions"]), (&json!(1), &json!([])));

    // What is not in it, and every change, fails as before.
    failed(&api, 1, &["job", "show", "never-seen"]).await;
    failed(&api, 1, &["job", "list", "never-seen"]).await;
    failed(&api, 1, &["job", "list", "--namespace", "another"]).await;
    let (status, code) = refused(api.request(Method::POST, "/api/jobs/pictured/stop").json(&json!({}))).await;
    assert_eq!((status, code.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "cluster_unreachable"));

    agents.nomad()[0].restart(Duration::from_secs(90)).await.unwrap();
    eventually("Nomad's own answer comes again", async || {
        let listed: Value = serde_json::from_str(&done(&api, &["job", "list", "--json"]).await).unwrap();
        listed[0].get("stale").is_none().then_some(())
    })
    .await;
    stop.cancel();
    running.join_next().await.unwrap().unwrap();
    api.stop().await;
}
