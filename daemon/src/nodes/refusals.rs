//! What was refused, or minted, again and again: told once, then counted.
//!
//! Anybody on the boot network can have a request refused as often as they like, and each line on a timeline is a synced
//! row and an event. So a refusal or an alarm that changes nothing is written when it is new, and its repeats within a
//! minute become one line that says how many they were. A machine that makes up new causes (file names, say) is heard
//! [`CAUSES`] of them a minute; what is beyond is counted as one. Rejected: dropping repeats, which hides how hard somebody
//! tries; a limit on requests, which a real machine behind the same MAC would share.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use vocabulary::{Mac, Node, Step, Timestamp};

use super::lifecycle::{Turn, passed};

/// For how long repeats are counted before they are told.
const PERIOD: Duration = Duration::from_secs(60);
/// How many different causes a machine may bring up in that time.
const CAUSES: usize = 8;

/// What was refused lately.
#[derive(Debug, Default)]
pub struct Refusals(HashMap<Mac, Vec<Heard>>);

#[derive(Debug)]
struct Heard {
    /// Absent where more causes came than are told apart.
    what: Option<(Step, String)>,
    since: Timestamp,
    /// Not told yet.
    more: u64,
}

impl Refusals {
    /// Takes out of a turn what changed nothing and was told within this minute; it is counted instead.
    pub fn leave_out_repeats(&mut self, now: Timestamp, before: &Node, after: &Node, turn: &mut Turn) {
        let repeats = std::mem::take(&mut turn.repeats);
        turn.lines.extend(repeats.into_iter().filter(|(step, what)| self.is_news(now, after.mac, *step, what)));
        if before.state != after.state {
            return;
        }
        let mut repeats = HashSet::new();
        turn.lines.retain(|(step, detail)| {
            let news = !matches!(step, Step::Refused | Step::Alarm) || self.is_news(now, after.mac, *step, detail);
            if !news {
                repeats.insert(detail.clone());
            }
            news
        });
        turn.alarms.retain(|alarm| !repeats.contains(&alarm.cause));
    }

    fn is_news(&mut self, now: Timestamp, mac: Mac, step: Step, cause: &str) -> bool {
        let heard = self.0.entry(mac).or_default();
        let same = |one: &Heard| one.what.as_ref().is_some_and(|(was, why)| *was == step && why == cause);
        if let Some(known) = heard.iter_mut().find(|one| same(one)) {
            known.more += 1;
            return false;
        }
        // A machine's own causes are made up by whoever sends them; of Roost's there are few, and none drives one out.
        let is_made_up = |step: Step| matches!(step, Step::Refused | Step::Alarm);
        let told_apart = heard.iter().filter(|one| one.what.as_ref().is_some_and(|(step, _)| is_made_up(*step)));
        if !is_made_up(step) || told_apart.count() < CAUSES {
            heard.push(Heard { what: Some((step, cause.to_owned())), since: now, more: 0 });
            return true;
        }
        match heard.iter_mut().find(|one| one.what.is_none()) {
            Some(others) => others.more += 1,
            None => heard.push(Heard { what: None, since: now, more: 1 }),
        }
        false
    }

    /// The counts whose time has come, as lines.
    pub fn due(&mut self, now: Timestamp) -> Vec<(Mac, String)> {
        let mut lines = Vec::new();
        for (mac, heard) in &mut self.0 {
            for one in heard.iter_mut().filter(|one| passed(one.since, now, PERIOD) && one.more > 0) {
                lines.push((*mac, one.line()));
                (one.since, one.more) = (now, 0);
            }
            heard.retain(|one| !passed(one.since, now, PERIOD));
        }
        self.0.retain(|_, heard| !heard.is_empty());
        lines
    }
}

impl Heard {
    fn line(&self) -> String {
        let times = if self.more == 1 { "once more".to_owned() } else { format!("{} times more", self.more) };
        let what = self.what.as_ref().map_or("refused for other causes", |(_, cause)| cause.as_str());
        format!("{times} within a minute: {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([2; 6]);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_repeat_is_counted_and_told_once_a_minute() {
        let mut refusals = Refusals::default();
        assert!(refusals.is_news(at(0), MAC, Step::Refused, "no such file"));
        for second in 1..=50 {
            assert!(!refusals.is_news(at(second), MAC, Step::Refused, "no such file"));
        }
        assert!(refusals.is_news(at(51), Mac([3; 6]), Step::Refused, "no such file"), "another machine");
        assert_eq!(refusals.due(at(60)), []);
        assert_eq!(refusals.due(at(61)), [(MAC, "50 times more within a minute: no such file".to_owned())]);
        assert_eq!(refusals.due(at(200)), [], "silence is told by nothing");
        assert!(refusals.is_news(at(201), MAC, Step::Refused, "no such file"), "after a pause it is news");
    }

    #[test]
    fn made_up_causes_are_bounded() {
        let mut refusals = Refusals::default();
        let news = (0..1_000).filter(|n| refusals.is_news(at(0), MAC, Step::Refused, &format!("no {n}"))).count();
        assert_eq!(news, CAUSES);
        assert_eq!(
            refusals.due(at(61)),
            [(MAC, "992 times more within a minute: refused for other causes".to_owned())]
        );
    }
}
