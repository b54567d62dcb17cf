//! Power orders, and what proves that one was obeyed: of `on` and `cycle` the machine's next DISCOVER, of `off` the word
//! of whoever switches.
//!
//! The order ([`Switching`]) and the wait for its answer ([`Awaited`]) are in the store before anything is switched, and
//! the order leaves it with its outcome. So a daemon that ends in between finds at its start what it was doing, and
//! finds out how that ended (`adapters::switches`). An order is not given again after a restart: a second `cycle` would
//! take down a machine that obeyed the first. An order changes what an earlier one waits for only once it was carried
//! out. Rejected: reading orders back out of the timeline, which would make its wording part of the protocol.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vocabulary::{NodeId, NodeState, Step, Timestamp};

use super::{
    ledger::{Ledger, Writes},
    lifecycle::{Rules, Tracked, Turn, passed, seconds},
    requests::{Living, OrderError},
};
use crate::power::PowerAction;

/// Orders that no DISCOVER has answered yet, and when each was given: as the store keeps them.
pub type Orders = BTreeMap<NodeId, Timestamp>;

/// Orders that are being carried out: as the store keeps them.
pub type Switchings = BTreeMap<NodeId, Switching>;

/// An order between its row and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switching {
    /// What is being done.
    pub action: PowerAction,
    /// Who ordered it.
    pub by: String,
    /// When it was given.
    pub ordered: Timestamp,
    /// The order before it whose DISCOVER was awaited; it is awaited on if this one fails.
    pub before: Option<Timestamp>,
}

/// How an order ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchEnd {
    /// Whoever switches says that it was done.
    Switched,
    /// It was not, and why.
    NotSwitched(String),
    /// The daemon ended meanwhile: the machine's next DISCOVER, or its absence, tells.
    CutShort,
}

/// A power order that waits for its DISCOVER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited {
    /// When the order was given.
    pub ordered: Timestamp,
    /// Since when somebody listens: what a machine sent while no daemon ran is not held against it.
    pub listening: Timestamp,
}

impl Awaited {
    /// An order given now.
    #[must_use]
    pub const fn since(now: Timestamp) -> Self {
        Self { ordered: now, listening: now }
    }
}

/// What power orders have left of a machine: the one that waits, and the one that is being carried out.
pub(super) type Power = (Option<Awaited>, Option<Switching>);

impl Tracked {
    pub(super) fn power(&self) -> Power {
        (self.powered, self.switching.clone())
    }

    /// Roost is about to switch it. A machine that is up takes no notice of `on`, so nothing is awaited then.
    fn power_ordered(&mut self, now: Timestamp, action: PowerAction, by: &str, living: Living, turn: &mut Turn) {
        let before = self.powered.map(|order| order.ordered);
        self.switching = Some(Switching { action, by: by.to_owned(), ordered: now, before });
        if action == PowerAction::Off {
            turn.line(Step::PowerOff, format!("by {by}"));
            return;
        }
        if action == PowerAction::Cycle || !self.is_up() || living == Living::Silent {
            self.powered = Some(Awaited::since(now));
        }
        if self.node.state == NodeState::Approved {
            let remedy = format!("wait for its first packet; then roost node timeline {}", self.node.id);
            self.enter_because(now, NodeState::Approved, format!("switched on by {by}"), remedy);
        }
        turn.line(Step::PowerOn, format!("{} by {by}", action.name()));
    }

    /// The order that was being carried out is over.
    fn switch_ended(&mut self, now: Timestamp, end: &SwitchEnd, turn: &mut Turn) {
        let Some(order) = self.switching.take() else { return };
        match (end, order.action) {
            (SwitchEnd::Switched, PowerAction::On | PowerAction::Cycle) => {}
            (SwitchEnd::Switched, PowerAction::Off) => {
                self.powered = None;
                turn.line(Step::Note, "switched off");
                self.switched_off(now, &order.by);
            }
            (SwitchEnd::NotSwitched(cause), _) => self.not_switched(now, &order, cause, turn),
            (SwitchEnd::CutShort, action) => {
                let detail = format!("the daemon ended during power {}; its next DISCOVER tells", action.name());
                turn.line(Step::Note, detail);
            }
        }
    }

    /// Whoever switches it said that it is off: an admitted machine goes on with its next boot.
    fn switched_off(&mut self, now: Timestamp, by: &str) {
        let decided_against = matches!(self.node.state, NodeState::Suspect | NodeState::Denied);
        if self.node.approved && !decided_against {
            let remedy = format!("roost node power {} on", self.node.id);
            self.enter_because(now, NodeState::Approved, format!("switched off by {by}"), remedy);
        }
    }

    fn not_switched(&mut self, now: Timestamp, order: &Switching, cause: &str, turn: &mut Turn) {
        turn.line(Step::Note, format!("power order failed: {cause}"));
        let action = order.action.name();
        if order.action == PowerAction::Off {
            return;
        }
        if self.powered.is_some_and(|awaited| awaited.ordered == order.ordered) {
            self.powered = order.before.map(|ordered| Awaited { ordered, listening: now });
        }
        if self.node.state == NodeState::Approved && self.powered.is_none() && self.node.reason.is_some() {
            let remedy = format!("look at [power] in roost.toml; then roost node power {} {action}", self.node.id);
            self.enter_because(now, NodeState::Approved, format!("not switched {action}: {cause}"), remedy);
        }
    }

    /// Its DISCOVER came: the order that waits for one was obeyed.
    pub(super) fn answered_power(&mut self, now: Timestamp, turn: &mut Turn) {
        let Some(order) = self.powered.take() else { return };
        turn.line(Step::Note, format!("answered power on after {}", seconds(order.ordered, now)));
        if self.node.state == NodeState::Approved {
            self.node.reason = None;
        }
    }

    /// Whether it let an order's SLA pass; the wait is over then.
    pub(super) fn ignored_power(&mut self, now: Timestamp, rules: &Rules, turn: &mut Turn) -> bool {
        let late = |order: &Awaited| passed(order.listening, now, rules.sla.power_on);
        if self.powered.take_if(|order| late(order)).is_none() {
            return false;
        }
        let cause = format!("no DISCOVER within {:?} of power on", rules.sla.power_on);
        let remedy = format!("look at its cables and firmware settings, then roost node power {} cycle", self.node.id);
        // A machine that a person has yet to decide on, or has decided against, stays as it is: only a line says so.
        let undecided = !self.node.approved || self.node.state == NodeState::Suspect;
        if undecided {
            turn.alarm(cause, remedy);
        } else {
            self.fail(now, cause, remedy, turn);
        }
        true
    }
}

impl Ledger {
    /// Roost is about to switch a machine: the intent is on the timeline and in the store before the order leaves.
    ///
    /// # Errors
    /// The machine is unknown, or another order for it is being carried out.
    pub fn power(
        &mut self,
        now: Timestamp,
        (node, action): (&NodeId, PowerAction),
        by: &str,
        living: Living,
        writes: &mut Writes,
    ) -> Result<(), OrderError> {
        let machine = self.machine(node.mac()).ok_or_else(|| OrderError::UnknownNode(node.clone()))?;
        if let Some(order) = &machine.switching {
            return Err(OrderError::Conflict {
                cause: format!("{node}: power {} by {} is being carried out", order.action.name(), order.by),
                remedy: format!("wait for its end: roost node timeline {node}"),
            });
        }
        self.audit(by, "power", &json!({"node": node, "action": action}), writes);
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.power_ordered(now, action, by, living, turn))
            .ok_or_else(|| OrderError::UnknownNode(node.clone()))
    }

    /// An order is over; one that nobody knows of, since the machine was forgotten, changes nothing.
    pub fn switch_ended(&mut self, now: Timestamp, node: &NodeId, end: &SwitchEnd, writes: &mut Writes) {
        self.turn(now, node.mac(), writes, |tracked, _, turn, _| tracked.switch_ended(now, end, turn));
    }

    /// Writes down what became of power orders, where a turn changed it.
    pub(super) fn note_power(&self, before: &Power, after: &Power, writes: &mut Writes) {
        if before.0 != after.0 {
            writes.powered = Some(self.power_orders());
        }
        if before.1 != after.1 {
            writes.switching = Some(self.switchings());
        }
    }

    /// Every order that is being carried out.
    #[must_use]
    pub fn switchings(&self) -> Switchings {
        self.machines().filter_map(|one| Some((one.node.id.clone(), one.switching.clone()?))).collect()
    }

    /// Every order that waits for its DISCOVER.
    #[must_use]
    pub fn power_orders(&self) -> Orders {
        let waiting = |one: &Tracked| Some((one.node.id.clone(), one.powered?.ordered));
        self.machines().filter_map(waiting).collect()
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::{Approved, Authority, Firmware, Mac};

    use super::*;
    use crate::nodes::{
        ledger::Seen,
        lifecycle::{Counters, Enroll, Membership, Slas, TpmRule},
    };

    const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 1]);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn rules() -> Rules {
        let minute = std::time::Duration::from_secs(60);
        let sla = Slas {
            power_on: 2 * minute,
            readmitted: 60 * minute,
            booting: 10 * minute,
            called_home: minute,
            configuring: minute,
            verifying: minute,
            joining: minute,
            absent: minute,
            retiring: minute,
        };
        Rules {
            enroll: Enroll::Approve,
            tpm: TpmRule::Prove,
            token_ttl: 15 * minute,
            sla,
            membership: Membership::NotAsked,
            certificate_lifetime: 30 * 24 * 60 * minute,
            max_runs: 3,
            max_strangers: 9,
        }
    }

    fn in_state(state: NodeState) -> Ledger {
        let mut tracked = Tracked::new(at(0), MAC);
        tracked.node.approved = true;
        tracked.node.generation = 1;
        tracked.enter(at(0), state);
        Ledger::new(rules(), Counters { boot: 1, run: 1 }, vec![tracked], vec![], None)
    }

    fn order(ledger: &mut Ledger, second: i64, action: PowerAction, living: Living) -> Writes {
        let mut writes = Writes::default();
        ledger.power(at(second), (&NodeId::of(MAC), action), "ann", living, &mut writes).unwrap();
        writes
    }

    fn ended(ledger: &mut Ledger, second: i64, end: &SwitchEnd) -> Writes {
        let mut writes = Writes::default();
        ledger.switch_ended(at(second), &NodeId::of(MAC), end, &mut writes);
        writes
    }

    fn reason(ledger: &Ledger) -> String {
        ledger.machine(MAC).unwrap().node.reason.clone().unwrap().cause
    }

    fn discover(ledger: &mut Ledger, second: i64) -> Writes {
        let mut writes = Writes::default();
        let (detail, firmware) = ("x".to_owned(), Some(Firmware::Bios));
        ledger.saw(at(second), Seen { mac: MAC, address: None, step: Step::Discover, detail, firmware }, &mut writes);
        writes
    }

    fn tick(ledger: &mut Ledger, second: i64) -> NodeState {
        ledger.tick(at(second), &mut Writes::default());
        ledger.machine(MAC).unwrap().node.state
    }

    #[test]
    fn a_wait_is_written_with_its_order_and_again_when_it_is_over() {
        let mut ledger = in_state(NodeState::Failed);
        let writes = order(&mut ledger, 10, PowerAction::On, Living::Silent);
        assert_eq!(writes.powered, Some(Orders::from([(NodeId::of(MAC), at(10))])));
        assert_eq!(discover(&mut ledger, 20).powered, Some(Orders::new()));
        assert_eq!(discover(&mut ledger, 21).powered, None, "nothing changed");
    }

    #[test]
    fn nothing_is_awaited_of_a_machine_that_is_forgotten() {
        let mut ledger = in_state(NodeState::Failed);
        order(&mut ledger, 10, PowerAction::On, Living::Silent);
        let mut writes = Writes::default();
        let forget = Approved::mint(NodeId::of(MAC), Authority::Person { name: "ann".into() }).unwrap();
        ledger.forget(at(20), forget, Living::Silent, &mut writes).unwrap();
        assert_eq!(writes.powered, Some(Orders::new()));
    }

    #[test]
    fn a_daemon_that_comes_back_goes_on_waiting_and_counts_from_then_on() {
        let mut ledger = in_state(NodeState::Approved);
        let orders = order(&mut ledger, 10, PowerAction::On, Living::Silent).powered.unwrap();
        let tracked = ledger.machine(MAC).unwrap();
        let kept = Tracked::kept(tracked.node.clone(), None, orders.get(&NodeId::of(MAC)).copied(), at(500));
        let mut ledger = Ledger::new(rules(), ledger.counters, vec![kept], vec![], None);
        assert_eq!(tick(&mut ledger, 501), NodeState::Approved, "it could not hear the machine before");
        assert_eq!(tick(&mut ledger, 621), NodeState::Failed);
    }

    #[test]
    fn a_node_that_seems_up_but_does_not_answer_must_prove_that_it_was_switched_on() {
        for (living, after) in [(Living::Answers, NodeState::Ready), (Living::Silent, NodeState::Failed)] {
            let mut ledger = in_state(NodeState::Ready);
            order(&mut ledger, 10, PowerAction::On, living);
            assert_eq!(tick(&mut ledger, 200), after, "{living:?}");
        }
    }

    #[test]
    fn a_node_that_was_switched_off_is_not_ready_and_waits_for_nothing() {
        let mut ledger = in_state(NodeState::Ready);
        order(&mut ledger, 5, PowerAction::Cycle, Living::Answers);
        ended(&mut ledger, 6, &SwitchEnd::Switched);
        order(&mut ledger, 10, PowerAction::Off, Living::Answers);
        assert_eq!(ledger.machine(MAC).unwrap().node.state, NodeState::Ready, "the order alone proves nothing");
        ended(&mut ledger, 11, &SwitchEnd::Switched);
        assert_eq!(tick(&mut ledger, 10_000), NodeState::Approved);
        assert_eq!(reason(&ledger), "switched off by ann");

        order(&mut ledger, 20_000, PowerAction::On, Living::Silent);
        assert_eq!(reason(&ledger), "switched on by ann");
        discover(&mut ledger, 20_005);
        assert_eq!(ledger.machine(MAC).unwrap().node.reason, None);
    }

    #[test]
    fn switching_off_decides_nothing_that_a_person_must() {
        for state in [NodeState::Suspect, NodeState::Denied] {
            let mut ledger = in_state(state);
            order(&mut ledger, 10, PowerAction::Off, Living::Answers);
            ended(&mut ledger, 11, &SwitchEnd::Switched);
            assert_eq!(ledger.machine(MAC).unwrap().node.state, state);
        }
    }

    #[test]
    fn an_order_is_stored_before_it_is_given_and_leaves_with_its_outcome() {
        let mut ledger = in_state(NodeState::Ready);
        let stored = order(&mut ledger, 10, PowerAction::Off, Living::Answers).switching.unwrap();
        let kept = &stored[&NodeId::of(MAC)];
        assert_eq!((kept.action, kept.by.as_str(), kept.ordered), (PowerAction::Off, "ann", at(10)));
        let again =
            ledger.power(at(11), (&NodeId::of(MAC), PowerAction::On), "bob", Living::Silent, &mut Writes::default());
        assert!(matches!(again, Err(OrderError::Conflict { .. })), "one order at a time");
        assert_eq!(ended(&mut ledger, 12, &SwitchEnd::Switched).switching, Some(Switchings::new()));
    }

    #[test]
    fn a_refused_off_leaves_what_an_earlier_on_waits_for() {
        let mut ledger = in_state(NodeState::Approved);
        order(&mut ledger, 10, PowerAction::On, Living::Silent);
        ended(&mut ledger, 11, &SwitchEnd::Switched);
        order(&mut ledger, 12, PowerAction::Off, Living::Silent);
        ended(&mut ledger, 13, &SwitchEnd::NotSwitched("no outlet".into()));
        assert_eq!(tick(&mut ledger, 200), NodeState::Failed, "it never answered the first order");
    }

    #[test]
    fn a_failed_on_is_the_reason_and_the_one_before_it_is_awaited_on() {
        let mut ledger = in_state(NodeState::Approved);
        order(&mut ledger, 10, PowerAction::On, Living::Silent);
        ended(&mut ledger, 11, &SwitchEnd::NotSwitched("no outlet".into()));
        assert_eq!(reason(&ledger), "not switched on: no outlet");
        assert_eq!(tick(&mut ledger, 200), NodeState::Approved, "nothing was switched, so nothing is awaited");

        order(&mut ledger, 300, PowerAction::On, Living::Silent);
        ended(&mut ledger, 301, &SwitchEnd::Switched);
        order(&mut ledger, 302, PowerAction::Cycle, Living::Silent);
        ended(&mut ledger, 303, &SwitchEnd::NotSwitched("no outlet".into()));
        assert_eq!(tick(&mut ledger, 500), NodeState::Failed, "the order before it is awaited");
    }
}
