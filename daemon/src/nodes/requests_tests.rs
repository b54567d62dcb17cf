//! Whole stories on the ledger: what machines and people ask for, in the order in which they do.

use std::time::Duration;

use vocabulary::{Authority, BootId, Firmware, Hardware, HostKey, MachineId};

use super::*;
use crate::nodes::{
    ledger::{Seen, Verifying},
    lifecycle::{Counters, Enroll, Membership, Promises, Rules, Slas, TpmRule},
};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub(crate) fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

pub(crate) fn ledger(enroll: Enroll) -> Ledger {
    let minute = Duration::from_secs(60);
    let sla = Slas {
        power_on: minute,
        readmitted: 60 * minute,
        booting: 10 * minute,
        called_home: minute,
        configuring: minute,
        verifying: minute,
        joining: minute,
        absent: minute,
        retiring: minute,
    };
    let rules = Rules {
        enroll,
        tpm: TpmRule::Prove,
        token_ttl: 15 * minute,
        sla,
        membership: Membership::NotAsked,
        certificate_lifetime: Duration::from_secs(30 * 86_400),
        max_runs: 3,
        max_strangers: 2,
    };
    Ledger::new(rules, Counters { boot: 1, run: 1 }, vec![], vec![], None)
}

pub(crate) fn discover(ledger: &mut Ledger, second: i64, last: u8) -> Writes {
    let mut writes = Writes::default();
    let seen = Seen {
        mac: mac(last),
        address: None,
        step: Step::Discover,
        detail: "x".into(),
        firmware: Some(Firmware::Bios),
    };
    ledger.saw(at(second), seen, &mut writes);
    writes
}

pub(crate) fn outside() -> Outside {
    Outside { random: [3; 32], living: Living::Silent, image: Ok(()) }
}

pub(crate) fn ask(ledger: &mut Ledger, second: i64, last: u8, outside: Outside) -> (Answer, Writes) {
    let mut writes = Writes::default();
    let asked = Asked { mac: mac(last), uuid: None, firmware: None, peer: "10.77.1.5".parse().unwrap() };
    let answer = ledger.script(at(second), asked, outside, &mut writes);
    (answer, writes)
}

pub(crate) fn call(last: u8, token: Token) -> CallHome {
    CallHome {
        token,
        hostname: "x ansible_connection=local".into(),
        addresses: vec![],
        mac: mac(last),
        smbios_uuid: None,
        machine_id: MachineId::try_from("0".repeat(32)).unwrap(),
        ssh_host_keys: vec![HostKey::try_from(format!("ssh-ed25519 {}", "A".repeat(64))).unwrap()],
        hardware: Hardware::default(),
        data: None,
    }
}

pub(crate) fn call_home(ledger: &mut Ledger, second: i64, call: &CallHome) -> (Result<RunId, TurnedDown>, Writes) {
    let mut writes = Writes::default();
    let result = ledger.call_home(
        at(second),
        call,
        "10.77.9.9".parse().unwrap(),
        Some("10.77.1.5".parse().unwrap()),
        &mut writes,
    );
    (result, writes)
}

pub(crate) fn by_ann<T: Serialize>(value: T) -> Approved<T> {
    Approved::mint(value, Authority::Person { name: "ann".into() }).unwrap()
}

pub(crate) fn booting(enroll: Enroll) -> (Ledger, Token) {
    let mut ledger = ledger(enroll);
    discover(&mut ledger, 0, 1);
    let (Answer::Boot(token), _) = ask(&mut ledger, 2, 1, outside()) else { panic!("no token") };
    (ledger, token)
}

#[test]
fn an_unknown_machine_waits_until_a_person_approves_it() {
    let mut ledger = ledger(Enroll::Approve);
    discover(&mut ledger, 0, 1);
    let (Answer::Wait(reason), _) = ask(&mut ledger, 1, 1, outside()) else { panic!("it must wait") };
    assert_eq!(reason.remedy, "roost node approve 52:54:00:00:00:01");
    let mut writes = Writes::default();
    ledger.approve(at(5), by_ann(Approval::Nodes(vec![NodeId::of(mac(1))])), &mut writes).unwrap();
    assert!(writes.events.iter().any(|event| event.kind == EventKind::Audit));
    assert!(matches!(ask(&mut ledger, 6, 1, outside()).0, Answer::Boot(_)));
}

#[test]
fn approving_several_is_all_or_nothing() {
    let mut ledger = ledger(Enroll::Approve);
    discover(&mut ledger, 0, 1);
    let order = Approval::Nodes(vec![NodeId::of(mac(1)), NodeId::of(mac(2))]);
    let error = ledger.approve(at(5), by_ann(order), &mut Writes::default()).unwrap_err();
    assert_eq!(error, OrderError::UnknownNode(NodeId::of(mac(2))));
    assert!(matches!(ask(&mut ledger, 6, 1, outside()).0, Answer::Wait(_)));
}

#[test]
fn a_window_admits_as_many_as_it_says_until_it_closes() {
    let mut ledger = ledger(Enroll::Approve);
    ledger.approve(at(0), by_ann(Approval::Next { count: 1, until: at(60) }), &mut Writes::default()).unwrap();
    assert!(matches!(ask(&mut ledger, 1, 1, outside()).0, Answer::Boot(_)));
    assert!(matches!(ask(&mut ledger, 2, 2, outside()).0, Answer::Wait(_)));
    ledger.approve(at(3), by_ann(Approval::Next { count: 5, until: at(60) }), &mut Writes::default()).unwrap();
    assert!(matches!(ask(&mut ledger, 4, 2, outside()).0, Answer::Wait(_)), "it was seen before");
    assert!(matches!(ask(&mut ledger, 61, 3, outside()).0, Answer::Wait(_)), "the window has closed");
}

#[test]
fn a_call_home_is_a_run_in_one_write_and_names_nothing_after_what_the_machine_says() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let (run, writes) = call_home(&mut ledger, 60, &call(1, token));
    assert_eq!(run, Ok(RunId(1)));
    let (_, node) = &writes.nodes[&NodeId::of(mac(1))];
    assert_eq!(
        (node.state, node.run, node.address),
        (NodeState::CalledHome, Some(RunId(1)), Some("10.77.1.5".parse().unwrap()))
    );
    assert_eq!(writes.runs[&RunId(1)].state, RunState::Queued);
    assert!(writes.boots.values().all(|(_, boot)| boot.accepted.is_some()));
    let said = serde_json::to_string(&(
        &writes.nodes.values().collect::<Vec<_>>(),
        &writes.runs.values().collect::<Vec<_>>(),
        &writes.steps,
    ))
    .unwrap();
    assert!(!said.contains("ansible_connection"), "{said}");
    let host = &ledger.hosts()[0];
    assert_eq!((&host.node, host.address.to_string().as_str()), (&NodeId::of(mac(1)), "10.77.1.5"));
    assert_eq!(ledger.launchables().len(), 1);
}

#[test]
fn b34_the_same_call_home_twice_writes_nothing_the_second_time() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let call = call(1, token);
    let (first, _) = call_home(&mut ledger, 60, &call);
    let (second, writes) = call_home(&mut ledger, 61, &call);
    assert_eq!(first, second);
    assert!(writes.is_empty(), "{writes:?}");
}

#[test]
fn b34_a_token_nobody_minted_is_refused_and_touches_no_timeline() {
    let (mut ledger, _) = booting(Enroll::Auto);
    let (result, writes) = call_home(&mut ledger, 60, &call(1, Token::from_random([99; 32])));
    assert_eq!(result, Err(TurnedDown::Refused(Refusal::UnknownToken)));
    assert!(writes.is_empty());
}

#[test]
fn a_parked_node_is_out_of_the_inventory_and_gets_no_script() {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 60, &call(1, token.clone())).0.unwrap();
    let mut other = call(1, token);
    other.machine_id = MachineId::try_from("1".repeat(32)).unwrap();
    let (result, writes) = call_home(&mut ledger, 61, &other);
    assert!(matches!(result, Err(TurnedDown::Parked(_))));
    assert!(writes.events.iter().any(|event| event.kind == EventKind::Alarm));
    assert!(ledger.hosts().is_empty());
    assert!(matches!(ask(&mut ledger, 62, 1, outside()).0, Answer::Refuse(_)));
}

#[test]
fn while_a_node_answers_nobody_else_gets_a_token_under_its_mac() {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    let (answer, writes) = ask(&mut ledger, 70, 1, Outside { living: Living::Answers, ..outside() });
    assert!(matches!(answer, Answer::Refuse(_)));
    assert!(writes.boots.is_empty());
    assert!(writes.events.iter().any(|event| event.kind == EventKind::Alarm));
}

#[test]
fn a_missing_image_is_said_and_the_machine_goes_on_once_it_is_there() {
    let mut ledger = ledger(Enroll::Auto);
    discover(&mut ledger, 0, 1);
    let missing = || Err(Reason { cause: "no node image".into(), remedy: "roost image build".into() });
    for second in 1..3 {
        let (answer, _) = ask(&mut ledger, second, 1, Outside { image: missing(), ..outside() });
        assert!(matches!(answer, Answer::Wait(why) if why.remedy == "roost image build"));
    }
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Failed);
    assert!(matches!(ask(&mut ledger, 5, 1, outside()).0, Answer::Boot(_)));
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Booting);
}

#[test]
fn a_flood_of_macs_is_bounded() {
    let mut ledger = ledger(Enroll::Approve);
    for last in 0..10 {
        discover(&mut ledger, i64::from(last), last);
    }
    assert_eq!(ledger.machines().count(), 2);
}

#[test]
fn a_machine_reports_its_stations_only_while_it_boots() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let report = |step: Step| Report { token: token.clone(), step, detail: "d".into() };
    let mut writes = Writes::default();
    ledger.progress(at(30), &report(Step::ImageVerified), &mut writes).unwrap();
    assert_eq!(writes.steps.len(), 1);
    assert!(writes.nodes.is_empty(), "progress changed a node");
    let late = ledger.progress(at(10_000), &report(Step::Note), &mut Writes::default());
    assert_eq!(late, Err(TurnedDown::Refused(Refusal::Expired)));
    let mut writes = Writes::default();
    ledger.progress(at(31), &report(Step::Failed), &mut writes).unwrap();
    assert_eq!(writes.steps.len(), 1);
    assert!(writes.nodes.is_empty(), "what a machine says of its boot changed its state");
    ledger.tick(at(10_000), &mut Writes::default());
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Failed, "its SLA does");
}

#[test]
fn a_report_that_is_sent_again_is_written_once_also_after_a_restart() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let report = Report { token, step: Step::ImageFetched, detail: "9 bytes".into() };
    let mut writes = Writes::default();
    ledger.progress(at(30), &report, &mut writes).unwrap();
    let written: Vec<(BootId, Step)> = writes.steps.iter().map(|line| (line.boot.unwrap(), line.step)).collect();
    let mut again = Writes::default();
    ledger.progress(at(31), &report, &mut again).unwrap();
    assert!(again.is_empty(), "{again:?}");

    let machines = ledger.machines().cloned().collect();
    let mut ledger = Ledger::new(ledger.rules.clone(), ledger.counters, machines, vec![], None);
    for (boot, step) in written {
        ledger.resume_stations(mac(1), boot, [step]);
    }
    ledger.progress(at(40), &report, &mut again).unwrap();
    assert!(again.is_empty(), "{again:?}");
    ledger.progress(at(41), &Report { step: Step::ImageVerified, ..report }, &mut again).unwrap();
    assert_eq!(again.steps.len(), 1);
}

#[test]
fn where_it_is_unknown_whether_the_owner_of_a_mac_is_up_nobody_gets_a_token_under_it() {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    let (answer, writes) = ask(&mut ledger, 70, 1, Outside { living: Living::Unknown, ..outside() });
    let Answer::Wait(reason) = answer else { panic!("{answer:?}") };
    assert!(reason.cause.contains("cannot find out") && !reason.remedy.is_empty(), "{reason:?}");
    assert!(writes.boots.is_empty());
}

#[test]
fn an_installed_systems_dhcp_client_is_no_boot() {
    let mut ledger = ledger(Enroll::Auto);
    let mut writes = Writes::default();
    let seen = Seen { mac: mac(1), address: None, step: Step::Discover, detail: "x".into(), firmware: None };
    ledger.saw(at(0), seen, &mut writes);
    assert!(writes.is_empty());
    assert_eq!(ledger.machines().count(), 0);
}

#[test]
fn each_station_stands_once_on_a_boots_timeline() {
    let (mut ledger, _) = booting(Enroll::Auto);
    let mut lines = 0;
    for second in 0..5 {
        let mut writes = Writes::default();
        let address = Some("10.77.1.5".parse().unwrap());
        let seen = Seen { mac: mac(1), address, step: Step::Ack, detail: "10.77.1.5".into(), firmware: None };
        ledger.saw(at(10 + second), seen, &mut writes);
        lines += writes.steps.len();
    }
    assert_eq!(lines, 1);
}

#[test]
fn a_flood_of_refusals_is_a_few_lines_and_a_count() {
    let (mut ledger, _) = booting(Enroll::Auto);
    let (mut lines, mut events) = (0, 0);
    for number in 0..10_000 {
        let mut writes = Writes::default();
        let detail = format!("TFTP file-{}: no such file", number % 100);
        let seen = Seen { mac: mac(1), address: None, step: Step::Refused, detail, firmware: None };
        ledger.saw(at(10 + number / 200), seen, &mut writes);
        assert!(lines < 8 || writes.is_empty(), "nothing is committed for a repeat");
        lines += writes.steps.len();
        events += writes.events.len();
    }
    assert_eq!((lines, events), (8, 8));
    let mut writes = Writes::default();
    ledger.tick(at(100), &mut writes);
    let told: Vec<&str> = writes.steps.iter().map(|line| line.detail.as_str()).collect();
    assert_eq!(told.len(), 9, "{told:?}");
    assert_eq!(told[0], "99 times more within a minute: TFTP file-0: no such file");
    assert_eq!(told[8], "9200 times more within a minute: refused for other causes");
}

/// A loop of GETs for the script of a machine that is away, with a made-up DISCOVER after each, for an hour.
#[test]
fn a_flood_of_scripts_and_discovers_is_a_few_rows_a_minute_and_a_count_and_takes_no_memory() {
    const MINUTES: i64 = 60;
    let (mut ledger, _) = booting(Enroll::Auto);
    let (mut lines, mut events, mut boots) = (0, 0, std::collections::BTreeSet::new());
    let (mut told, mut random) = (0, [0; 32]);
    for number in 0..MINUTES * 600 {
        let second = 10 + number / 10;
        random[..8].copy_from_slice(&number.to_le_bytes());
        let (answer, script) = ask(&mut ledger, second, 1, Outside { random, ..outside() });
        assert!(matches!(answer, Answer::Boot(_)), "the real machine may be behind that MAC too");
        let mut writes = vec![script, discover(&mut ledger, second, 1)];
        if number % 10 == 0 {
            let mut tick = Writes::default();
            ledger.tick(at(second), &mut tick);
            told += tick.steps.iter().filter(|line| line.detail.contains("times more within a minute")).count();
            writes.push(tick);
        }
        for writes in writes {
            lines += writes.steps.len();
            events += writes.events.len();
            boots.extend(writes.boots.into_keys());
        }
        assert!(ledger.known_tokens() <= 8, "tokens of one machine, after {number} scripts: {}", ledger.known_tokens());
    }
    let bound = usize::try_from(MINUTES).unwrap() * 25;
    assert!(lines <= bound && events <= bound, "{lines} lines, {events} events");
    assert!(boots.len() <= usize::try_from(MINUTES).unwrap() * 9, "{} boots", boots.len());
    assert!(told >= 50, "how hard somebody tried is told: {told}");
    let newest = Token::from_random(random);
    call_home(&mut ledger, 10 + MINUTES * 60, &call(1, newest)).0.unwrap();
}

/// Whoever holds a token can call home with it and ask for the next script, again and again, for an hour.
#[test]
fn a_loop_of_scripts_and_call_homes_is_a_few_boots_and_runs_a_minute() {
    const MINUTES: i64 = 60;
    let mut ledger = ledger(Enroll::Auto);
    let (mut rows, mut events, mut random) = (0, 0, [0; 32]);
    let (mut boots, mut runs) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let mut waits = 0;
    for number in 0..MINUTES * 600 {
        let second = 10 + number / 10;
        random[..8].copy_from_slice(&number.to_le_bytes());
        let (answer, script) = ask(&mut ledger, second, 1, Outside { random, ..outside() });
        let mut writes = vec![script];
        match answer {
            Answer::Boot(token) => {
                let (run, writing) = call_home(&mut ledger, second, &call(1, token));
                run.unwrap();
                writes.push(writing);
            }
            Answer::Wait(reason) => {
                assert!(reason.cause.contains("more often than a machine can") && writes[0].is_empty(), "{reason:?}");
                waits += 1;
            }
            Answer::Refuse(reason) => panic!("{reason:?}"),
        }
        for writes in writes {
            rows += writes.steps.len();
            events += writes.events.len();
            boots.extend(writes.boots.into_keys());
            runs.extend(writes.runs.into_keys());
        }
    }
    let bound = usize::try_from(MINUTES).unwrap() * 9;
    assert!(boots.len() <= bound && runs.len() <= bound, "{} boots, {} runs", boots.len(), runs.len());
    assert!(rows <= bound * 4 && events <= bound * 8, "{rows} lines, {events} events");
    assert!(
        waits > 30_000 && boots.len() > 400,
        "the real machine gets in once a minute is over: {} boots",
        boots.len()
    );
}

#[test]
fn where_one_look_found_nobody_a_machine_waits_for_the_second() {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    let (answer, writes) = ask(&mut ledger, 70, 1, Outside { living: Living::SilentOnce, ..outside() });
    let Answer::Wait(reason) = answer else { panic!("{answer:?}") };
    assert!(reason.cause.contains("looked for once more"), "{reason:?}");
    assert!(writes.is_empty(), "{writes:?}");
    assert!(matches!(ask(&mut ledger, 75, 1, outside()).0, Answer::Boot(_)));
}

/// Anybody can send a DISCOVER under a machine's MAC while it boots.
#[test]
fn a_discover_in_its_midst_leaves_a_boot_its_timeline() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let first = ledger.machine(mac(1)).unwrap().node.boot;
    let (mut lines, report) = (Vec::new(), |step| Report { token: token.clone(), step, detail: "d".into() });
    for second in [30, 40, 50] {
        for step in [Step::KernelUp, Step::ImageFetched] {
            let mut writes = Writes::default();
            ledger.progress(at(second), &report(step), &mut writes).unwrap();
            lines.append(&mut writes.steps);
        }
        let mut writes = Writes::default();
        let seen = Seen { mac: mac(1), address: None, step: Step::Kernel, detail: "x".into(), firmware: None };
        ledger.saw(at(second), seen, &mut writes);
        lines.append(&mut writes.steps);
        discover(&mut ledger, second + 1, 1);
    }
    assert_ne!(ledger.machine(mac(1)).unwrap().node.boot, first, "it opened another");
    let (run, mut writes) = call_home(&mut ledger, 60, &call(1, token.clone()));
    lines.append(&mut writes.steps);
    assert_eq!(
        lines.iter().map(|line| line.step).collect::<Vec<_>>(),
        [Step::KernelUp, Step::ImageFetched, Step::Kernel, Step::CalledHome, Step::RunQueued]
    );
    assert!(lines.iter().all(|line| line.boot == first), "{lines:?}");
    assert_eq!((ledger.run(run.unwrap()).unwrap().boot, ledger.machine(mac(1)).unwrap().node.boot), (first, first));
}

#[test]
fn an_alarm_that_changes_nothing_is_raised_once_a_minute() {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    let asked = |ledger: &mut Ledger, second| {
        let outside = Outside { living: Living::Answers, ..outside() };
        let (_, writes) = ask(ledger, second, 1, outside);
        writes.events.iter().filter(|event| event.kind == vocabulary::EventKind::Alarm).count()
    };
    assert_eq!([70, 71, 72].map(|second| asked(&mut ledger, second)), [1, 0, 0]);
    let mut writes = Writes::default();
    ledger.tick(at(140), &mut writes);
    assert!(writes.steps.iter().any(|line| line.detail.starts_with("2 times more within a minute: somebody boots")));
}

#[test]
fn only_the_last_ended_run_of_a_node_can_be_asked_for_again() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let run = call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    assert!(matches!(ledger.retry(at(61), &by_ann(run), &mut Writes::default()), Err(OrderError::Conflict { .. })));
    let failed = Run { state: RunState::Failed, ..ledger.run(run).unwrap().clone() };
    ledger.run_changed(at(62), &failed, None, Verifying::NotYet, &mut Writes::default());
    let again = ledger.retry(at(63), &by_ann(run), &mut Writes::default()).unwrap();
    assert_eq!(ledger.run(again).unwrap().retry_of, Some(run));
    assert_eq!(ledger.retry(at(64), &by_ann(run), &mut Writes::default()), Err(OrderError::UnknownRun(run)));
    assert!(ledger.cancel_queued(at(65), again, "ann", &mut Writes::default()));
    assert!(ledger.launchables().is_empty());
}

#[test]
fn a_run_that_waits_for_a_machine_which_boots_again_gives_way_to_the_new_one() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let first = call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    discover(&mut ledger, 70, 1);
    let (Answer::Boot(token), _) = ask(&mut ledger, 71, 1, Outside { random: [4; 32], ..outside() }) else {
        panic!("no token")
    };
    let (second, writes) = call_home(&mut ledger, 130, &call(1, token));
    assert!(writes.runs.contains_key(second.as_ref().unwrap()));
    assert!(ledger.run(first).is_none_or(|run| run.state == RunState::Cancelled));
    assert_eq!(ledger.launchables().iter().map(|one| one.run.id).collect::<Vec<_>>(), [second.unwrap()]);
}

#[test]
fn an_address_that_was_proved_is_not_moved_by_whoever_boots_under_the_mac() {
    let (mut ledger, token) = booting(Enroll::Auto);
    call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    discover(&mut ledger, 70, 1);
    let address = Some("10.88.0.66".parse().unwrap());
    let seen = Seen { mac: mac(1), address, step: Step::Ack, detail: "x".into(), firmware: None };
    ledger.saw(at(71), seen, &mut Writes::default());
    assert_eq!(ledger.hosts()[0].address.to_string(), "10.77.1.5");
}

#[test]
fn a_whole_way_to_ready() {
    let (mut ledger, token) = booting(Enroll::Auto);
    let id = call_home(&mut ledger, 60, &call(1, token)).0.unwrap();
    let queued = ledger.run(id).unwrap().clone();
    let process = Some(vocabulary::ProcessId { pid: 1, start_ticks: 2, host_boot: "b".into() });
    let running = Run { state: RunState::Running, process, ..queued };
    ledger.run_changed(at(61), &running, None, Verifying::NotYet, &mut Writes::default());
    ledger.run_changed(at(90), &running, None, Verifying::Began, &mut Writes::default());
    assert_eq!(ledger.machine(mac(1)).unwrap().node.state, NodeState::Verifying);
    let mut writes = Writes::default();
    let done = Run { state: RunState::Succeeded, ..running };
    ledger.run_changed(at(95), &done, Some(&Promises::Kept { count: 4, nomad: None }), Verifying::NotYet, &mut writes);
    assert_eq!(writes.nodes[&NodeId::of(mac(1))].1.state, NodeState::Ready);
    assert_eq!(writes.steps.last().unwrap().step, Step::Ready);
}
