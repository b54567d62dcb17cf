//! Which orders are taken, and what comes next.

use vocabulary::Mac;

use super::*;

fn node(last: u8) -> NodeId {
    NodeId::of(Mac([0x52, 0x54, 0, 0, 0, last]))
}

fn ready() -> Candidate {
    Candidate { state: NodeState::Ready, address: Some(Ipv4Addr::new(10, 77, 0, 9)), data: Data::Kept }
}

fn server(last: u8, phase: Phase) -> Server {
    let address = Ipv4Addr::new(10, 77, 0, last);
    Server { node: node(last), address, phase, by: "ann".into(), since: Timestamp::UNIX_EPOCH, run: None }
}

fn peer(name: &str, is_healthy: bool) -> Peer {
    Peer { name: name.to_owned(), is_voter: true, is_healthy }
}

fn raft(names: &[&str]) -> Raft {
    let peers: Vec<Peer> = names.iter().map(|name| peer(name, true)).collect();
    Raft { consul: peers.clone(), nomad: peers }
}

fn order(turn: Turn, nodes: &[u8]) -> ServersOrder {
    ServersOrder { turn, nodes: nodes.iter().map(|last| node(*last)).collect(), allows_even: false }
}

fn promote(nodes: &[u8], servers: &[Server], candidate: &Candidate) -> Result<usize, Refusal> {
    let order = order(Turn::Promote, nodes);
    let known: Vec<_> = order.nodes.iter().map(|node| (node.clone(), Some(candidate.clone()))).collect();
    check(&order, servers, &known, &raft(&["control"])).map(|change| change.len())
}

fn cause(refused: Result<usize, Refusal>) -> String {
    let reason = refused.unwrap_err().reason;
    assert!(reason.remedy.contains("roost ") || reason.remedy.contains("--even") || reason.remedy.contains("once"));
    reason.cause
}

#[test]
fn one_becomes_three_and_two_takes_a_word() {
    assert_eq!(promote(&[1, 2], &[], &ready()), Ok(2));
    assert!(cause(promote(&[1], &[], &ready())).contains("2 servers"));
    assert_eq!(promote(&[2], &[server(1, Phase::Serving)], &ready()), Ok(1), "what is missing of three");
    let even = ServersOrder { allows_even: true, ..order(Turn::Promote, &[1]) };
    assert!(check(&even, &[], &[(node(1), Some(ready()))], &raft(&["control"])).is_ok());
    assert!(cause(promote(&[1, 1], &[], &ready())).contains("twice"));
    assert!(cause(promote(&[1, 2], &[server(1, Phase::Serving)], &ready())).contains("is a server"));
}

#[test]
fn a_server_is_on_a_node_that_is_ready_and_keeps_its_data() {
    let of = |candidate: Candidate| cause(promote(&[1, 2], &[], &candidate));
    assert!(of(Candidate { state: NodeState::Joining, ..ready() }).contains("joining, not ready"));
    assert!(of(Candidate { data: Data::Lost, ..ready() }).contains("not outlive a reboot"));
    assert!(of(Candidate { data: Data::KeptFromNextBoot, ..ready() }).contains("since this boot"));
    assert!(of(Candidate { address: None, ..ready() }).contains("address"));
    let nobody = check(&order(Turn::Promote, &[1, 2]), &[], &[(node(1), None)], &Raft::default());
    assert!(nobody.unwrap_err().reason.cause.contains("no node"));
}

#[test]
fn one_change_at_a_time_and_the_one_under_way_can_be_taken_back() {
    let servers = [server(1, Phase::Joining)];
    let refused = promote(&[2, 3], &servers, &ready()).unwrap_err();
    assert!(refused.is_conflict && refused.reason.cause.contains("joining still"), "{refused:?}");
    let back = check(&order(Turn::Demote, &[1]), &servers, &[], &raft(&["control"]));
    assert_eq!(back.unwrap().len(), 1);
}

#[test]
fn nobody_is_let_go_whose_leaving_would_cost_the_majority() {
    let servers = [server(1, Phase::Serving), server(2, Phase::Serving)];
    let (one, two) = (node(1).to_string(), node(2).to_string());
    let all = raft(&["control", &one, &two]);
    let demote = |nodes: &[u8], raft: &Raft| check(&order(Turn::Demote, nodes), &servers, &[], raft);
    assert_eq!(demote(&[1, 2], &all).unwrap().len(), 2);
    assert!(demote(&[1], &all).unwrap_err().reason.cause.contains("2 servers"));
    assert!(demote(&[3], &all).unwrap_err().reason.cause.contains("no server"));
    let ill = Raft { nomad: vec![peer("control", false), peer(&one, true), peer(&two, true)], ..all };
    let refused = demote(&[1, 2], &ill).unwrap_err().reason.cause;
    assert!(refused.contains("Nomad would be left with 0 of 1"), "{refused}");
}

#[test]
fn a_node_becomes_a_server_by_a_run_that_knows_of_it_and_two_votes() {
    use RunStanding::{Failed, Going, Succeeded};
    let (before, own, again) = (RunId(3), RunId(4), RunId(5));
    let asked = |run| Server { run, ..server(1, Phase::Joining) };
    let (nobody, both) = (raft(&["control"]), raft(&["control", &node(1).to_string()]));
    assert!(matches!(next(&asked(None), Some(&(before, Going)), &nobody), Next::Wait(_)));
    assert_eq!(next(&asked(None), Some(&(before, Succeeded)), &nobody), Next::Run);
    assert_eq!(next(&asked(None), Some(&(before, Failed("x".into()))), &nobody), Next::Run);
    let with = |last: &(RunId, RunStanding), raft: &Raft| next(&asked(Some(own)), Some(last), raft);
    assert!(matches!(with(&(own, Going), &both), Next::Wait(_)), "half a run is none");
    let Next::Wait(what) = with(&(own, Succeeded), &Raft { consul: both.consul.clone(), ..nobody.clone() }) else {
        panic!("it waits")
    };
    assert!(what.contains("Nomad") && !what.contains("Consul"), "{what}");
    let Next::Stuck(reason) = with(&(own, Failed("no disk".into())), &nobody) else { panic!("it is stuck") };
    assert!(reason.cause.contains("no disk") && reason.remedy.contains("retry 4"), "{reason:?}");
    assert_eq!(with(&(again, Succeeded), &both), Next::Settle, "whichever run it was in the end");
    assert!(matches!(next(&asked(Some(own)), None, &both), Next::Stuck(_)), "forgotten meanwhile");
}

#[test]
fn a_server_has_left_when_neither_agent_knows_it() {
    let leaving = Server { run: Some(RunId(4)), ..server(1, Phase::Leaving) };
    let done = (RunId(4), RunStanding::Succeeded);
    let both = raft(&["control", &node(1).to_string()]);
    let Next::Wait(what) = next(&leaving, Some(&done), &both) else { panic!("it waits") };
    assert!(what.contains("Consul and Nomad"), "{what}");
    assert_eq!(next(&leaving, Some(&done), &raft(&["control"])), Next::Settle);
    assert_eq!(next(&leaving, None, &raft(&["control"])), Next::Settle, "it is gone in every way");
}

#[test]
fn what_is_kept_is_read_back_and_says_what_the_node_is() {
    for (phase, role) in [
        (Phase::Joining, Role::Server(Ipv4Addr::new(10, 77, 0, 1).into())),
        (Phase::Serving, Role::Server(Ipv4Addr::new(10, 77, 0, 1).into())),
        (Phase::Leaving, Role::FormerServer),
    ] {
        let one = server(1, phase);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Server>(&text).unwrap(), one);
        assert_eq!(one.role(), role);
    }
}
