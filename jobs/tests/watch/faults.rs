//! Bad times. Each ends in a picture that equals a fresh listing, with changes that lead there one by one, and with no
//! more requests than are allowed.

use std::time::Duration;

use ::jobs::{
    Endpoint, Limits,
    consul::{LocalAgent as _, Registration},
    nomad::{self, AclPolicy, JobId, NewToken, Over, Purge},
    watch::{Source, Standing, Subject, Turn},
};
use lab::{
    agents::{Acl, Client, Consul, Spec},
    relay::Relay,
};
use vocabulary::Secret;

use super::scene::{LIMIT, Scene, flat};
use crate::support::{consul_at, eventually, nomad_at, run_until, script, start};

/// Gives up sooner than a daemon would; but it takes Nomad five seconds to say that nobody leads.
fn impatient(url: &str) -> Endpoint {
    let limits = Limits { answer: Duration::from_secs(8), silence: Duration::from_secs(13), ..Limits::default() };
    Endpoint { limits, ..Endpoint::plain(url) }
}

fn without_consul() -> Spec {
    Spec { consul: Consul::No, ..Spec::default() }
}

/// Registers although the agents are just not themselves.
async fn register(nomad: &nomad::Client, id: &str) {
    let job = script(id, "batch", "true");
    eventually("it is registered", async || nomad.register(&job, Over::Whatever).await.ok()).await;
}

#[tokio::test]
async fn a_killed_leader_and_servers_that_all_restart_lose_no_change() {
    let agents = start(Spec { servers: 3, ..without_consul() }).await;
    let (leader, follower) = crate::faults::leader_and_follower(&agents).await;
    let watched = impatient(&agents.nomad()[follower].url());
    let nomad = nomad::Client::build(&watched).unwrap();
    run_until(&nomad, &script("stays", "service", "sleep 600"), "running").await;
    let mut scene = Scene::open(&watched, None).await;

    agents.nomad()[leader].kill().unwrap();
    register(&nomad, "after-the-leader").await;
    scene.agrees(&nomad, None).await;

    // One of three is left: nobody leads, and the last picture stands.
    let third = (0..3).find(|at| *at != leader && *at != follower).unwrap();
    agents.nomad()[third].kill().unwrap();
    let before = scene.handle.read(flat);
    let said = scene
        .until("the lost leader shows", |scene| {
            let status = scene.status(Source::Jobs);
            let lost = status.trouble.filter(|why| why.contains("leader"));
            lost.filter(|_| status.standing == Standing::Stale)
        })
        .await;
    assert!(said.contains("no leader"), "{said}");
    assert_eq!(scene.handle.read(flat), before);

    agents.nomad()[follower].kill().unwrap();
    scene
        .until("nobody answers", |scene| {
            let stale = |source: Source| source.is_consul() || scene.status(source).standing == Standing::Stale;
            Source::ALL.into_iter().all(stale).then_some(())
        })
        .await;
    assert_eq!(scene.handle.read(flat), before, "the last picture stands");
    for server in &agents.nomad()[..3] {
        server.launch().unwrap();
    }
    for server in &agents.nomad()[..3] {
        server.ready(LIMIT).await.unwrap();
    }
    register(&nomad, "after-all").await;
    scene.agrees(&nomad, None).await;
    scene
        .until("every source answers again", |scene| {
            let current = |source: Source| source.is_consul() || scene.status(source).standing == Standing::Current;
            Source::ALL.into_iter().all(current).then_some(())
        })
        .await;
    scene.close().await;
}

#[tokio::test]
async fn a_client_that_is_frozen_beyond_its_heartbeat_is_down_and_comes_back() {
    let agents = start(Spec { heartbeat_grace: Duration::from_secs(1), ..without_consul() }).await;
    let nomad = nomad_at(&agents.nomad()[0].url());
    run_until(&nomad, &script("lives-on", "service", "sleep 600"), "running").await;
    let mut scene = Scene::open(&Endpoint::plain(agents.nomad()[0].url()), None).await;
    let client = agents.nomad().iter().find(|agent| !agent.is_server()).unwrap();
    client.freeze().unwrap();
    let node = async |scene: &mut Scene, word: &str| {
        let is = |subject: &Subject| match subject {
            Subject::Node(Turn::Altered, node) if node.status == word => Some(()),
            _ => None,
        };
        scene.hears(word, is).await;
    };
    node(&mut scene, "down").await;
    scene
        .hears("what ran there is lost", |subject| match subject {
            Subject::Allocation(_, one, _) if one.status == "lost" => Some(()),
            _ => None,
        })
        .await;
    scene.agrees(&nomad, None).await;
    client.thaw().unwrap();
    scene.heard.clear();
    node(&mut scene, "ready").await;
    scene.agrees(&nomad, None).await;
    scene.close().await;
}

#[tokio::test]
async fn a_stream_that_is_cut_and_answers_that_are_slow_lose_no_change() {
    let agents = start(Spec { client: Client::No, ..without_consul() }).await;
    let direct = nomad_at(&agents.nomad()[0].url());
    let relay = Relay::to(&agents.nomad()[0].url()).await.unwrap();
    let mut scene = Scene::open(&impatient(relay.url()), None).await;
    for round in 0..8 {
        register(&direct, &format!("cut-{round}")).await;
        relay.cut();
        if round % 2 == 0 {
            direct.stop(&JobId::new(format!("cut-{round}")), Purge::Forget).await.unwrap();
        }
    }
    scene.agrees(&direct, None).await;
    relay.slow_down(Duration::from_millis(700));
    for round in 0..4 {
        register(&direct, &format!("slow-{round}")).await;
    }
    scene.agrees(&direct, None).await;
    relay.slow_down(Duration::ZERO);
    // What the servers collect has no event; the tables say that they moved.
    direct.stop(&JobId::new("slow-0"), Purge::Keep).await.unwrap();
    scene.agrees(&direct, None).await;
    direct.collect_garbage().await.unwrap();
    eventually("it is collected", async || {
        let jobs = direct.jobs(&::jobs::Query::default()).await.ok()?;
        (!jobs.value.iter().any(|job| job.id == "slow-0")).then_some(())
    })
    .await;
    scene.agrees(&direct, None).await;
    scene.close().await;
}

#[tokio::test]
async fn a_server_that_was_rebuilt_from_nothing_replaces_the_picture() {
    let agents = start(Spec { client: Client::No, ..without_consul() }).await;
    let server = &agents.nomad()[0];
    let watched = impatient(&server.url());
    let nomad = nomad::Client::build(&watched).unwrap();
    for round in 0..5 {
        register(&nomad, &format!("forgotten-{round}")).await;
    }
    let mut scene = Scene::open(&watched, None).await;
    scene.agrees(&nomad, None).await;
    server.kill().unwrap();
    std::fs::remove_dir_all(agents.dir().join(server.name())).unwrap();
    std::fs::create_dir(agents.dir().join(server.name())).unwrap();
    server.restart(LIMIT).await.unwrap();
    scene
        .hears("they are gone", |subject| match subject {
            Subject::Job(Turn::Gone, one) if one.key.id.as_str() == "forgotten-4" => Some(()),
            _ => None,
        })
        .await;
    register(&nomad, "a-new-beginning").await;
    scene.agrees(&nomad, None).await;
    assert!(scene.known.keys().any(|key| key.contains("a-new-beginning")));
    scene.close().await;
}

#[tokio::test]
async fn a_consul_that_is_away_for_longer_than_every_wait_leaves_its_last_picture() {
    let agents = start(Spec { client: Client::No, ..Spec::default() }).await;
    let nomad = nomad_at(&agents.nomad()[0].url());
    let (in_nomad, in_consul) = (Endpoint::plain(agents.nomad()[0].url()), impatient(&agents.consul()[0].url()));
    let consul = ::jobs::consul::Client::build(&in_consul).unwrap();
    let service = |name: &str| Registration { id: name.to_owned(), name: name.to_owned(), ..Registration::default() };
    consul.register(&service("before")).await.unwrap();
    let mut scene = Scene::open(&in_nomad, Some(&in_consul)).await;
    let sources = [Source::ConsulServices, Source::ConsulChecks];
    let standing = |scene: &Scene, wanted| sources.map(|source| scene.status(source).standing) == [wanted; 2];
    agents.consul()[0].kill().unwrap();
    scene.until("Consul is away", |scene| standing(scene, Standing::Stale).then_some(())).await;
    let longer = Duration::from_secs(6);
    scene
        .until("it is away for long", |scene| {
            let age = |source| scene.status(source).age.unwrap();
            sources.into_iter().all(|source| age(source) > longer).then_some(())
        })
        .await;
    assert_eq!(scene.status(Source::Jobs).standing, Standing::Current, "Nomad is not concerned");
    assert!(scene.handle.read(|picture| picture.consul_services().keys().any(|key| key.id == "before")));
    agents.consul()[0].restart(LIMIT).await.unwrap();
    let direct = consul_at(&agents.consul()[0].url());
    eventually("it takes a service", async || direct.register(&service("after")).await.ok()).await;
    scene
        .hears("what is new there is seen", |subject| match subject {
            Subject::ConsulService(Turn::Appeared, one) if one.key.id == "after" => Some(()),
            _ => None,
        })
        .await;
    scene.agrees(&nomad, Some(&direct)).await;
    scene.until("all is well", |scene| standing(scene, Standing::Current).then_some(())).await;
    scene.close().await;
}

#[tokio::test]
async fn a_token_that_is_revoked_leaves_the_last_picture_and_says_why() {
    let agents = start(Spec { client: Client::No, acl: Acl::On, ..without_consul() }).await;
    let url = agents.nomad()[0].url();
    let with = |token: Secret<String>| nomad::Client::build(&impatient(&url).with_token(token)).unwrap();
    let root = with(nomad_at(&url).bootstrap_acl(None).await.unwrap().secret);
    let rules = "namespace \"*\" {\n  policy = \"read\"\n}\nnode {\n  policy = \"read\"\n}\n".to_owned();
    let policy = AclPolicy { name: "watcher".to_owned(), description: String::new(), rules, job_acl: None };
    root.write_policy(&policy).await.unwrap();
    let token = NewToken {
        name: "watcher".to_owned(),
        r#type: "client".to_owned(),
        policies: vec!["watcher".to_owned()],
        lives: None,
    };
    let token = root.create_token(&token).await.unwrap();
    register(&root, "seen").await;
    let mut scene = Scene::open(&impatient(&url).with_token(token.secret.clone()), None).await;
    scene.agrees(&root, None).await;

    // Its rights go and come back.
    root.delete_policy("watcher").await.unwrap();
    let denied = |scene: &Scene| {
        let status = scene.status(Source::Nodes);
        (status.standing == Standing::Stale && status.trouble.is_some_and(|why| why.contains("refuses"))).then_some(())
    };
    scene.until("it may not look any more", denied).await;
    root.write_policy(&policy).await.unwrap();
    register(&root, "seen-later").await;
    scene.agrees(&root, None).await;

    root.revoke_token(&token.accessor).await.unwrap();
    scene
        .until("nobody answers it", |scene| {
            let stale = |source: Source| source.is_consul() || scene.status(source).standing == Standing::Stale;
            Source::ALL.into_iter().all(stale).then_some(())
        })
        .await;
    scene.agrees(&root, None).await;
    scene.close().await;
}
