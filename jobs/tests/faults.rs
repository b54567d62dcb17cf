//! Bad times: leaders killed, agents frozen, streams cut, nobody there.

use std::time::Duration;

use ::jobs::{
    CallError, Endpoint, Index, Limits, Query,
    blocking::{Consistency, LeaderKnown},
    nomad::{self, JobId, Over, RegisterError, StreamError, Topic},
};
use lab::agents::{Agents, Client, Consul, Spec};

use crate::support::{eventually, nomad_at, now_query, script, start};

const LIMIT: Duration = Duration::from_secs(60);

fn impatient(url: &str) -> nomad::Client {
    let limits = Limits { answer: Duration::from_secs(1), silence: Duration::from_secs(2), ..Limits::default() };
    nomad::Client::build(&Endpoint { limits, ..Endpoint::plain(url) }).unwrap()
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_named_with_its_address() {
    let error = nomad_at("http://127.0.0.1:1").jobs(&now_query()).await.unwrap_err();
    assert!(matches!(&error, CallError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("http://127.0.0.1:1") && error.is_transient());
    let error = crate::support::consul_at("http://127.0.0.1:1").leader().await.unwrap_err();
    assert!(error.to_string().starts_with("Consul at http://127.0.0.1:1 cannot be reached"), "{error}");
}

#[tokio::test]
async fn a_frozen_agent_is_waited_for_no_longer_than_allowed() {
    let agents = start(Spec { consul: Consul::No, client: Client::No, ..Spec::default() }).await;
    let agent = &agents.nomad()[0];
    let nomad = impatient(&agent.url());
    let mut events = nomad.events(&[Topic::All], None).await.unwrap();
    let index = nomad.nodes(&now_query()).await.unwrap().index.max(Index(1));
    agent.freeze().unwrap();
    let begun = tokio::time::Instant::now();
    // A busy host takes a moment to stop all threads of a process.
    let error = eventually("it is silent", async || nomad.jobs(&now_query()).await.err()).await;
    assert!(matches!(error, CallError::TimedOut { .. }) && error.may_have_happened(), "{error:?}");
    // A long poll waits as long as it was told to, and a little more.
    let query = Query::newer_than(index).waiting(Duration::from_secs(1));
    let error = nomad.nodes(&query).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
    let error = events.next().await.unwrap_err();
    assert!(matches!(error, StreamError::Silent(_)), "{error:?}");
    let error = nomad.events(&[Topic::All], None).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    agent.thaw().unwrap();
    eventually("it answers again", async || nomad.jobs(&now_query()).await.ok()).await;
}

#[tokio::test]
async fn a_killed_leader_costs_an_error_and_no_registration_twice() {
    let spec = Spec { servers: 3, consul: Consul::No, client: Client::No, ..Spec::default() };
    let agents = start(spec).await;
    let (leader, follower) = leader_and_follower(&agents).await;
    let nomad = nomad_at(&agents.nomad()[follower].url());
    let index = nomad.jobs(&now_query()).await.unwrap().index;
    let mut events = nomad_at(&agents.nomad()[leader].url()).events(&[Topic::All], None).await.unwrap();
    let waiting = nomad.clone();
    let poll = async move { waiting.jobs(&Query::newer_than(index).waiting(Duration::from_secs(20))).await };
    let act = async {
        agents.nomad()[leader].kill().unwrap();
        // Whatever comes back, whoever asks again with the index that it knows registers once.
        let job = script("once", "batch", "true");
        let mut lost = 0;
        let registering = async {
            loop {
                match nomad.register(&job, Over::Nothing).await {
                    Ok(_) | Err(RegisterError::Conflict { .. }) => return,
                    Err(RegisterError::Call(error)) if error.is_transient() => lost += 1,
                    Err(error) => panic!("{error:?}"),
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(LIMIT, registering).await.unwrap();
        lost
    };
    let (polled, lost) = tokio::join!(poll, act);
    if let Err(error) = polled {
        assert!(error.is_transient(), "{error:?}");
    }
    assert!(lost < 100, "{lost} tries");
    assert_eq!(nomad.job(&JobId::new("once"), &now_query()).await.unwrap().value.version(), 0);
    let error = tokio::time::timeout(LIMIT, async {
        loop {
            if let Err(error) = events.next().await {
                return error;
            }
        }
    });
    let error = error.await.unwrap();
    assert!(matches!(error, StreamError::Broken(_) | StreamError::Closed), "{error:?}");

    without_quorum(&agents, leader, follower).await;
    agents.nomad()[leader].restart(LIMIT).await.unwrap();
    eventually("it is its old self again", async || {
        (nomad.job(&JobId::new("once"), &now_query()).await.ok()?.value.version() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_dies_with_a_registration_in_its_hands_leaves_it_open_and_never_doubles_it() {
    let agents = start(Spec { servers: 3, consul: Consul::No, client: Client::No, ..Spec::default() }).await;
    let (leader, follower) = leader_and_follower(&agents).await;
    let url = agents.nomad()[follower].url();
    // Longer than an election takes: the follower is to say what became of it, not our own patience.
    let limits = Limits { answer: LIMIT, ..Limits::default() };
    let nomad = nomad::Client::build(&Endpoint { limits, ..Endpoint::plain(url.clone()) }).unwrap();
    let (other, old) = (nomad_at(&url), nomad.leader().await.unwrap());
    let job = script("in-flight", "batch", "true");
    agents.nomad()[leader].freeze().unwrap();
    let register = nomad.register(&job, Over::Nothing);
    let kill = async {
        // By the time that another leads, the one that is frozen has long been handed the registration.
        eventually("another leads", async || {
            other.leader().await.ok().flatten().filter(|now| Some(now) != old.as_ref())
        })
        .await;
        agents.nomad()[leader].kill().unwrap();
    };
    let (registered, ()) = tokio::join!(register, kill);
    let Err(RegisterError::Call(error)) = registered else { panic!("{registered:?}") };
    assert!(error.is_transient() && error.may_have_happened(), "{error:?}");
    assert!(error.said().is_some_and(|said| said.contains("rpc error")), "the follower's own words: {error:?}");
    let again = async || match nomad.register(&job, Over::Nothing).await {
        Ok(_) | Err(RegisterError::Conflict { .. }) => Some(()),
        Err(RegisterError::Call(error)) if error.is_transient() => None,
        Err(error) => panic!("{error:?}"),
    };
    eventually("it is registered", again).await;
    let id = JobId::new("in-flight");
    assert_eq!(nomad.job(&id, &now_query()).await.unwrap().value.version(), 0);
    assert_eq!(nomad.versions(&id).await.unwrap().jobs.len(), 1);
}

/// With one server of three: changes are refused with a reason, stale reading goes on.
async fn without_quorum(agents: &Agents, dead: usize, last: usize) {
    let third = (0..3).find(|at| *at != dead && *at != last).unwrap();
    let nomad = nomad_at(&agents.nomad()[last].url());
    let stale = Query { consistency: Consistency::Stale, ..Query::default() };
    let known = async || nomad.jobs(&stale).await.ok().filter(|jobs| !jobs.value.is_empty());
    eventually("this server has heard of the job itself", known).await;
    agents.nomad()[third].kill().unwrap();
    let said = eventually("the lost leader is noticed", async || match nomad.jobs(&now_query()).await {
        Err(error @ CallError::NoLeader { .. }) => Some(error.to_string()),
        _ => None,
    })
    .await;
    assert!(said.contains("no leader"), "{said}");
    // It takes the last server a moment more to give its leader up itself; from then on its answers say so.
    let listing = eventually("what may be old says so", async || {
        nomad.jobs(&stale).await.ok().filter(|listing| listing.leader == LeaderKnown::No)
    });
    assert_eq!(listing.await.value[0].id, "once");
    assert_eq!(nomad.leader().await.unwrap(), None);
    agents.nomad()[third].launch().unwrap();
}

pub(crate) async fn leader_and_follower(agents: &Agents) -> (usize, usize) {
    let any = nomad_at(&agents.nomad()[0].url());
    eventually("all three vote", async || (any.peers().await.ok()?.len() == 3).then_some(())).await;
    let members = any.members().await.unwrap().members.unwrap_or_default();
    let leader = any.leader().await.unwrap().unwrap();
    let port = leader.rsplit(':').next().unwrap().to_owned();
    let leads = |member: &&::jobs::nomad::AgentMember| member.tags.as_ref().is_some_and(|tags| tags["port"] == port);
    let name = members.iter().find(leads).unwrap().name.clone();
    let at = agents.nomad().iter().position(|agent| name.starts_with(agent.name())).unwrap();
    (at, (at + 1) % 3)
}
