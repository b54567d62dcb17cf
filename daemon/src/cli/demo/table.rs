//! What the demo shows: a live line a station, and at the end one table of stages.
//!
//! Pure: timelines in, text out. Seconds count from the moment the power was switched on, which is the start of the
//! measure that Roost is built for.

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use vocabulary::{Step, StepRecord, Timestamp};

use super::served::Served;

/// The stations that make a stage of the table; the others are shown live only.
const STAGES: [(Step, &str); 13] = [
    (Step::Discover, "firmware asks for an address"),
    (Step::Script, "boot script with its token"),
    (Step::Initrd, "kernel and initrd loaded"),
    (Step::KernelUp, "kernel up"),
    (Step::ImageFetched, "root image fetched"),
    (Step::ImageVerified, "its digest verified"),
    (Step::RootUp, "Debian starts"),
    (Step::CalledHome, "called home"),
    (Step::RunStarted, "Ansible run started"),
    (Step::RolesDone, "roles done"),
    (Step::ConsulJoined, "alive in Consul's gossip"),
    (Step::NomadJoined, "Nomad has its client"),
    (Step::Ready, "verified and ready"),
];

/// One machine's way, from its power button on.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The lab's name for it.
    pub(super) machine: String,
    /// When its power was switched on.
    pub(super) power_on: Timestamp,
    /// Its timeline.
    pub(super) steps: Vec<StepRecord>,
}

impl Way {
    /// Seconds from power-on to a station of this boot.
    #[must_use]
    pub(super) fn seconds_to(&self, step: Step) -> Option<f64> {
        let record = self.steps.iter().find(|record| record.step == step && record.at >= self.power_on)?;
        Some(record.at.duration_since(self.power_on).as_secs_f64())
    }
}

/// A line for a station just reached.
#[must_use]
pub(super) fn line(way: &Way, record: &StepRecord) -> String {
    let seconds = record.at.duration_since(way.power_on).as_secs_f64();
    format!("{seconds:>7.1} s  {:<8} {:<16} {}", way.machine, record.step.name(), record.detail)
}

/// The table at the end.
#[must_use]
pub(super) fn table(ways: &[Way], served: &Served) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(["machine", "stage", "seconds", "since power on"]);
    for way in ways {
        let mut before = 0.0;
        for (step, name) in STAGES {
            let Some(seconds) = way.seconds_to(step) else { continue };
            table.add_row([
                way.machine.clone(),
                name.to_owned(),
                format!("{:.1}", seconds - before),
                format!("{seconds:.1}"),
            ]);
            before = seconds;
        }
    }
    add_served(&mut table, ways, served);
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// The job's stages, since the power button of the machine that it landed on.
fn add_served(table: &mut Table, ways: &[Way], served: &Served) {
    let Some(way) = ways.iter().find(|way| way.steps.iter().any(|step| step.node == served.node)) else { return };
    let mut before = way.seconds_to(Step::Ready).unwrap_or_default();
    let stages = [("its first job runs, and is found", served.found), ("its first job answers", served.answered)];
    for (name, at) in stages {
        let seconds = at.duration_since(way.power_on).as_secs_f64();
        table.add_row([
            way.machine.clone(),
            name.to_owned(),
            format!("{:.1}", seconds - before),
            format!("{seconds:.1}"),
        ]);
        before = seconds;
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::{Mac, NodeId};

    use super::*;

    fn way(steps: &[(Step, i64)]) -> Way {
        let start = Timestamp::from_second(1_700_000_000).unwrap();
        let record = |&(step, second): &(Step, i64)| StepRecord {
            node: NodeId::of(Mac([2; 6])),
            boot: None,
            at: Timestamp::from_second(1_700_000_000 + second).unwrap(),
            step,
            detail: "detail".into(),
            took_ms: None,
        };
        Way { machine: "bios".into(), power_on: start, steps: steps.iter().map(record).collect() }
    }

    #[test]
    fn stages_show_their_own_and_the_whole_time() {
        let way = way(&[(Step::Discover, 3), (Step::Script, 8), (Step::Ready, 100)]);
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let text = table(&[way], &Served { node: NodeId::of(Mac([2; 6])), found: at(103), answered: at(104) });
        assert!(text.contains("firmware asks for an address"), "{text}");
        assert!(text.contains("5.0") && text.contains("8.0"), "{text}");
        assert!(text.contains("92.0") && text.contains("100.0"), "{text}");
        assert!(text.contains("3.0") && text.contains("104.0"), "{text}");
    }

    #[test]
    fn what_came_before_power_on_is_another_boot() {
        let way = way(&[(Step::Ready, -50), (Step::Ready, 70)]);
        assert_eq!(way.seconds_to(Step::Ready), Some(70.0));
        assert!(line(&way, &way.steps[1]).contains("70.0 s  bios     ready"));
    }
}
