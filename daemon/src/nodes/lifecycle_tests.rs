//! The lifecycle on a jumped clock: every way in, every way out, and what must never happen.

use proptest::prelude::*;
use vocabulary::{Firmware, Mac, NodeState, RunState, Step, Timestamp, Token};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn rules() -> Rules {
    let minute = Duration::from_secs(60);
    Rules {
        enroll: Enroll::Approve,
        tpm: TpmRule::Prove,
        token_ttl: 15 * minute,
        sla: Slas {
            power_on: 2 * minute,
            readmitted: 60 * minute,
            booting: 10 * minute,
            called_home: 30 * minute,
            configuring: 20 * minute,
            verifying: 5 * minute,
            joining: 5 * minute,
            absent: minute,
            retiring: minute,
        },
        membership: Membership::NotAsked,
        certificate_lifetime: Duration::from_secs(30 * 86_400),
        max_runs: 3,
        max_strangers: 1000,
    }
}

struct Machine {
    tracked: Tracked,
    counters: Counters,
    turn: Turn,
    last_run: Option<Run>,
}

impl Machine {
    fn new() -> Self {
        let tracked = Tracked::new(at(0), Mac([0x52, 0x54, 0, 0, 0, 1]));
        Self { tracked, counters: Counters { boot: 1, run: 1 }, turn: Turn::default(), last_run: None }
    }

    fn discover(&mut self, second: i64) {
        self.tracked.discovered(at(second), Firmware::UefiX64, &mut self.counters, &mut self.turn);
    }

    fn script(&mut self, second: i64) {
        let minted = (Token::from_random([second.to_le_bytes()[0]; 32]).hash(), rules().token_ttl);
        self.tracked.script_sent(at(second), minted, None, &mut self.counters, &mut self.turn);
    }

    fn call_home(&mut self, second: i64) -> RunId {
        let run =
            self.tracked.queue_run(at(second), "call-home", Repeat::default(), &mut self.counters, &mut self.turn);
        self.tracked.boot.as_mut().unwrap().accepted = Some(Accepted { digest: [0; 32], run, at: at(second) });
        self.last_run = self.turn.run.take();
        run
    }

    fn configuring() -> (Self, RunId) {
        let mut machine = Self::new();
        machine.discover(0);
        machine.tracked.admit(at(0), "test", &mut machine.turn);
        machine.script(1);
        let run = machine.call_home(60);
        machine.tracked.run_started(at(61), run, &mut machine.turn);
        (machine, run)
    }

    fn end(&mut self, second: i64, state: RunState, promises: &Promises) {
        let run = Run { state, ..self.last_run.clone().unwrap() };
        self.tracked.run_ended(at(second), &rules(), &run, promises, &mut self.counters, &mut self.turn);
        if self.turn.run.is_some() {
            self.last_run = self.turn.run.take();
        }
    }

    fn state(&self) -> NodeState {
        self.tracked.node.state
    }

    fn steps(&self) -> Vec<Step> {
        self.turn.lines.iter().map(|(step, _)| *step).collect()
    }
}

#[test]
fn an_undisturbed_machine_becomes_ready() {
    let (mut machine, run) = Machine::configuring();
    machine.tracked.verification_began(at(90), run, &mut machine.turn);
    assert_eq!(machine.state(), NodeState::Verifying);
    machine.end(95, RunState::Succeeded, &Promises::Kept { count: 4, nomad: None });
    assert_eq!(machine.state(), NodeState::Ready);
    use Step::{Approved, Discover, Ready, RolesDone, RunQueued, RunStarted, Script, Verified};
    assert_eq!(machine.steps(), [Discover, Approved, Script, RunQueued, RunStarted, RolesDone, Verified, Ready]);
}

#[test]
fn a_run_that_verified_nothing_makes_no_ready_node() {
    let (mut machine, _) = Machine::configuring();
    machine.end(95, RunState::Succeeded, &Promises::Broken("nothing was verified".into()));
    assert_eq!(machine.state(), NodeState::Failed);
}

#[test]
fn a_failed_run_says_why_and_how_to_go_on() {
    let (mut machine, _) = Machine::configuring();
    machine.last_run.as_mut().unwrap().cause = Some("preflight: 200 MiB free".into());
    machine.end(95, RunState::Failed, &Promises::Broken(String::new()));
    let reason = machine.tracked.node.reason.clone().unwrap();
    assert!(reason.cause.contains("preflight: 200 MiB free"), "{reason:?}");
    assert!(reason.remedy.contains("roost run retry 1"), "{reason:?}");
}

#[test]
fn a_lost_run_is_repeated_until_the_rules_say_stop() {
    let (mut machine, _) = Machine::configuring();
    for attempt in 1..3 {
        machine.end(95, RunState::Lost, &Promises::Broken(String::new()));
        assert_eq!(machine.state(), NodeState::CalledHome);
        assert_eq!(machine.last_run.as_ref().unwrap().attempt, attempt);
    }
    machine.end(96, RunState::Lost, &Promises::Broken(String::new()));
    assert_eq!(machine.state(), NodeState::Failed);
}

#[test]
fn the_end_of_an_older_run_changes_nothing() {
    let (mut machine, _) = Machine::configuring();
    let old = machine.last_run.clone().unwrap();
    machine.discover(100);
    machine.script(101);
    machine.call_home(160);
    let run = Run { state: RunState::Failed, ..old };
    machine.tracked.run_ended(
        at(161),
        &rules(),
        &run,
        &Promises::Kept { count: 1, nomad: None },
        &mut machine.counters,
        &mut machine.turn,
    );
    assert_eq!(machine.state(), NodeState::CalledHome);
}

#[test]
fn a_ready_node_that_boots_again_is_admitted_by_itself() {
    let (mut machine, _) = Machine::configuring();
    machine.end(95, RunState::Succeeded, &Promises::Kept { count: 4, nomad: None });
    let first = machine.tracked.node.boot;
    machine.discover(1000);
    assert_ne!(machine.tracked.node.boot, first);
    assert_eq!(machine.state(), NodeState::Ready, "one packet that anybody can send demoted a node");
    machine.script(1001);
    assert_eq!(machine.state(), NodeState::Booting);
}

#[test]
fn discovers_of_one_boot_open_one_boot() {
    let mut machine = Machine::new();
    for second in 0..5 {
        machine.discover(second);
    }
    assert_eq!(machine.tracked.node.boot, Some(BootId(1)));
    assert_eq!(machine.steps(), [Step::Discover]);
}

#[test]
fn each_policy_decides_once() {
    for (enroll, state) in
        [(Enroll::Auto, NodeState::Approved), (Enroll::Approve, NodeState::Waiting), (Enroll::Deny, NodeState::Denied)]
    {
        let mut machine = Machine::new();
        machine.tracked.enrol(at(0), enroll, &mut machine.turn);
        assert_eq!(machine.state(), state);
        let lines = machine.turn.lines.len();
        machine.tracked.enrol(at(1), enroll, &mut machine.turn);
        assert_eq!(machine.turn.lines.len(), lines, "{enroll:?} decides again");
    }
}

#[test]
fn every_state_that_waits_for_a_machine_or_a_run_has_an_sla() {
    let (mut machine, run) = Machine::configuring();
    let hour = 3600;
    let check = |machine: &mut Machine, state: NodeState, since: i64| {
        machine.tracked.enter(at(since), state);
        machine.tracked.node.since = at(since);
        assert_eq!(machine.tracked.overdue(at(since + 1), &rules(), &mut machine.turn), Overdue::No, "{state}");
        assert_eq!(machine.tracked.overdue(at(since + hour), &rules(), &mut machine.turn), Overdue::Yes, "{state}");
        let reason = machine.tracked.node.reason.clone().unwrap();
        assert!(reason.cause.contains("within"), "{reason:?}");
        assert!(!reason.remedy.is_empty());
        assert_eq!(machine.state(), NodeState::Failed);
    };
    for (index, state) in
        (0..).zip([NodeState::Booting, NodeState::CalledHome, NodeState::Configuring, NodeState::Verifying])
    {
        check(&mut machine, state, 1000 + 10_000 * index);
    }
    assert_eq!(machine.tracked.node.run, Some(run));
}

#[test]
fn states_that_wait_for_a_person_wait_for_ever() {
    for state in [NodeState::Waiting, NodeState::Suspect, NodeState::Denied, NodeState::Ready, NodeState::Failed] {
        let mut machine = Machine::new();
        machine.tracked.enter(at(0), state);
        assert_eq!(machine.tracked.overdue(at(1_000_000), &rules(), &mut machine.turn), Overdue::No, "{state}");
    }
}

#[test]
fn power_on_succeeds_with_the_next_discover_and_not_before() {
    let mut machine = Machine::new();
    machine.tracked.powered = Some(Awaited::since(at(0)));
    assert_eq!(machine.tracked.overdue(at(100), &rules(), &mut machine.turn), Overdue::No);
    machine.discover(110);
    assert_eq!(machine.tracked.overdue(at(1000), &rules(), &mut machine.turn), Overdue::No);

    let mut dead = Machine::new();
    dead.tracked.admit(at(0), "test", &mut dead.turn);
    dead.tracked.powered = Some(Awaited::since(at(0)));
    assert_eq!(dead.tracked.overdue(at(121), &rules(), &mut dead.turn), Overdue::Yes);
    assert!(dead.tracked.node.reason.unwrap().cause.contains("no DISCOVER"));
}

#[test]
fn a_parked_machine_that_boots_again_stays_parked() {
    let (mut machine, _) = Machine::configuring();
    machine.tracked.park(at(70), "another UUID", &mut machine.turn);
    machine.discover(100);
    assert_eq!(machine.state(), NodeState::Suspect);
}

#[derive(Debug, Clone)]
enum Poke {
    Discover,
    Script,
    CallHome,
    Started,
    Verifying,
    Ended(RunState),
    Admit,
    Deny,
    Park,
    Tick(i64),
}

fn poke() -> impl Strategy<Value = Poke> {
    prop_oneof![
        Just(Poke::Discover),
        Just(Poke::Script),
        Just(Poke::CallHome),
        Just(Poke::Started),
        Just(Poke::Verifying),
        proptest::sample::select(&RunState::ALL[2..]).prop_map(Poke::Ended),
        Just(Poke::Admit),
        Just(Poke::Deny),
        Just(Poke::Park),
        (1i64..2000).prop_map(Poke::Tick),
    ]
}

proptest! {
    /// Whatever happens in whatever order: ready only through a succeeded run with kept promises, never when denied
    /// or parked in between, every state's wait and reason consistent.
    #[test]
    fn ready_is_earned(pokes in proptest::collection::vec(poke(), 1..60)) {
        let mut machine = Machine::new();
        let mut now = 0;
        for poke in pokes {
            now += 1;
            let before = machine.state();
            let earned = matches!(poke, Poke::Ended(RunState::Succeeded));
            match poke {
                Poke::Discover => machine.discover(now),
                Poke::Script if machine.tracked.node.approved && before != NodeState::Suspect => machine.script(now),
                Poke::CallHome if before == NodeState::Booting => { machine.call_home(now); }
                Poke::Started => if let Some(run) = machine.tracked.node.run {
                    machine.tracked.run_started(at(now), run, &mut machine.turn);
                },
                Poke::Verifying => if let Some(run) = machine.tracked.node.run {
                    machine.tracked.verification_began(at(now), run, &mut machine.turn);
                },
                Poke::Ended(state) if machine.last_run.is_some() => machine.end(now, state, &Promises::Kept { count: 1, nomad: None }),
                Poke::Admit => machine.tracked.admit(at(now), "root", &mut machine.turn),
                Poke::Deny => machine.tracked.deny(at(now), "root", &mut machine.turn),
                Poke::Park => machine.tracked.park(at(now), "test", &mut machine.turn),
                Poke::Tick(seconds) => {
                    now += seconds;
                    machine.tracked.overdue(at(now), &rules(), &mut machine.turn);
                }
                _ => {}
            }
            let node = &machine.tracked.node;
            prop_assert_eq!(node.waits_for, node.state.waits_for());
            if node.state == NodeState::Ready && before != NodeState::Ready {
                prop_assert!(earned);
            }
            if matches!(node.state, NodeState::Failed | NodeState::Suspect | NodeState::Denied | NodeState::Waiting) {
                prop_assert!(node.reason.is_some());
            }
        }
    }
}

#[test]
fn a_power_order_lifts_no_suspicion_and_no_denial() {
    for state in [NodeState::Suspect, NodeState::Denied, NodeState::Waiting] {
        let mut machine = Machine::new();
        machine.tracked.node.approved = state == NodeState::Suspect;
        machine.tracked.enter(at(0), state);
        machine.tracked.powered = Some(Awaited::since(at(0)));
        assert_eq!(machine.tracked.overdue(at(121), &rules(), &mut machine.turn), Overdue::Yes);
        assert_eq!(machine.state(), state);
        assert_eq!(machine.turn.alarms.len(), 1);
    }
}

#[test]
fn an_admitted_machine_that_never_asks_for_its_script_is_said() {
    let mut machine = Machine::new();
    machine.discover(0);
    machine.tracked.admit(at(0), "test", &mut machine.turn);
    assert_eq!(machine.tracked.overdue(at(500), &rules(), &mut machine.turn), Overdue::No);
    assert_eq!(machine.tracked.overdue(at(601), &rules(), &mut machine.turn), Overdue::Yes);
    assert!(machine.tracked.node.reason.unwrap().cause.contains("not for its script"));
}

#[test]
fn a_late_success_heals_the_failure_that_lateness_was() {
    let (mut machine, _) = Machine::configuring();
    assert_eq!(machine.tracked.overdue(at(5000), &rules(), &mut machine.turn), Overdue::Yes);
    machine.end(5001, RunState::Succeeded, &Promises::Kept { count: 4, nomad: None });
    assert_eq!(machine.state(), NodeState::Ready);
}

#[test]
fn attempts_are_counted_within_one_boot() {
    let (machine, _) = Machine::configuring();
    let run = machine.last_run.unwrap();
    assert_eq!(Repeat::after(run.boot, Some(&run)).attempt, 1);
    assert_eq!(Repeat::after(Some(BootId(99)), Some(&run)).attempt, 0);
    assert_eq!(Repeat::after(run.boot, None).attempt, 0);
}
