//! What may happen without a person, and the only place besides the API's authentication that mints an approval.
//!
//! Two rules so far: `nodes.enroll = "auto"`, which the configuration accepts only together with
//! `trust_boot_network`, and an approval window that a person opened (`roost node approve --next N --for 30m`).
//! A window is a person's decision in advance: it names who opened it, counts down and closes by itself.

use serde::Serialize;
use vocabulary::{Approved, Authority, NodeId, Timestamp};

use crate::nodes::lifecycle::Enroll;

/// An order to admit one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Admission {
    /// Which machine.
    pub node: NodeId,
}

/// A person's decision in advance about machines not seen yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Window {
    /// How many machines may still enter.
    pub left: u32,
    /// Since when: machines that were seen before are not meant, however often they ask again.
    #[serde(default)]
    pub opened: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who opened it.
    pub by: String,
}

impl Window {
    /// Whether one more machine may enter at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.left > 0 && now <= self.until
    }

    fn is_for(&self, now: Timestamp, first_seen: Timestamp) -> bool {
        self.is_open(now) && first_seen >= self.opened
    }
}

/// The approval that policy gives to a machine nobody decided on, where it gives one.
///
/// # Errors
/// The order has no JSON form.
pub fn admission(
    now: Timestamp,
    enroll: Enroll,
    window: Option<&Window>,
    (node, first_seen): (&NodeId, Timestamp),
) -> Result<Option<Approved<Admission>>, serde_json::Error> {
    let order = Admission { node: node.clone() };
    let authority = match (enroll, window.filter(|window| window.is_for(now, first_seen))) {
        (Enroll::Auto, _) => Authority::Policy { rule: "nodes.enroll = \"auto\"" },
        (_, Some(window)) => Authority::Person { name: format!("{} (window)", window.by) },
        _ => return Ok(None),
    };
    Approved::mint(order, authority).map(Some)
}

#[cfg(test)]
mod tests {
    use vocabulary::Mac;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn asked(enroll: Enroll, window: Option<&Window>) -> Option<String> {
        let approved = admission(at(100), enroll, window, (&NodeId::of(Mac([2; 6])), at(50))).unwrap()?;
        Some(match approved.authority() {
            Authority::Policy { rule } => (*rule).to_owned(),
            Authority::Person { name } => name.clone(),
        })
    }

    #[test]
    fn only_auto_and_an_open_window_admit() {
        let since = |opened, left, until| Window { left, opened: at(opened), until: at(until), by: "ann".into() };
        let window = |left, until| since(50, left, until);
        assert_eq!(asked(Enroll::Approve, None), None);
        assert_eq!(asked(Enroll::Deny, None), None);
        assert_eq!(asked(Enroll::Auto, None).as_deref(), Some("nodes.enroll = \"auto\""));
        assert_eq!(asked(Enroll::Approve, Some(&window(1, 100))).as_deref(), Some("ann (window)"));
        assert_eq!(asked(Enroll::Approve, Some(&window(0, 200))), None);
        assert_eq!(asked(Enroll::Approve, Some(&window(1, 99))), None);
        assert_eq!(asked(Enroll::Approve, Some(&since(51, 1, 100))), None, "it waited before the window was opened");
    }
}
