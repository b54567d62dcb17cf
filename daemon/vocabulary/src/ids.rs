//! Newtypes for every id, so that a run is never looked up by a node's name.
//!
//! Numbers where SQLite counts (runs, boots): short to type at a console at night. Text where the outside world
//! reads it: a node's id is its inventory name and host name, Roost's own and RFC 1123, made from the MAC alone so
//! that nothing a machine says can choose it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Mac;

/// The text is no id of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind} id (expected {expected})")]
pub struct ParseIdError {
    /// Which id was asked for.
    pub kind: &'static str,
    /// What was given, shortened.
    pub text: String,
    /// An example of the right shape.
    pub expected: &'static str,
}

/// A node's name in the inventory, in the API and as its host name: `node-525400123456`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(Mac);

impl NodeId {
    /// The id of the machine with this boot MAC.
    #[must_use]
    pub fn of(mac: Mac) -> Self {
        Self(mac)
    }

    /// The boot MAC inside.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node-{}", self.0.bare())
    }
}

impl FromStr for NodeId {
    type Err = ParseIdError;

    /// Takes the id itself or the machine's MAC in any spelling, since people have one or the other at hand.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mac = text.strip_prefix("node-").unwrap_or(text);
        mac.parse().map(Self).map_err(|_| ParseIdError {
            kind: "node",
            text: text.chars().take(64).collect(),
            expected: "node-525400123456 or a MAC address",
        })
    }
}

impl TryFrom<String> for NodeId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.to_string()
    }
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix($prefix).unwrap_or(text);
                digits.parse().map(Self).map_err(|_| ParseIdError {
                    kind: $kind,
                    text: text.chars().take(64).collect(),
                    expected: "a number such as 17",
                })
            }
        }
    };
}

numbered!(
    /// One Ansible run, counted by the store from 1.
    RunId, "run", "run-"
);
numbered!(
    /// One attempt of a machine to boot: from the script it fetched to its call-home; counted by the store from 1.
    BootId, "boot", "boot-"
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Names an API key in listings and the audit; never the key itself.
    KeyId
);
text_id!(
    /// Joins one HTTP answer to its lines in the log.
    RequestId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_by_id_or_mac() {
        let id = NodeId::of(Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(id.to_string(), "node-525400123456");
        assert_eq!("node-525400123456".parse(), Ok(id.clone()));
        assert_eq!("52:54:00:12:34:56".parse(), Ok(id));
        assert!("localhost".parse::<NodeId>().is_err());
    }

    #[test]
    fn numbers_parse_with_and_without_prefix() {
        assert_eq!("17".parse(), Ok(RunId(17)));
        assert_eq!("run-17".parse(), Ok(RunId(17)));
        assert!("boot-1".parse::<RunId>().is_err());
    }

    #[test]
    fn a_node_id_holds_its_mac_and_is_written_in_one_way() {
        let mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        let id = NodeId::of(mac);
        assert_eq!(id.mac(), mac);
        assert_eq!(String::from(id.clone()), "node-525400123456");
        assert_eq!(NodeId::try_from("5254.0012.3456".to_owned()), Ok(id.clone()));
        assert_eq!(serde_json::to_value(&id).unwrap(), "node-525400123456");
        assert_eq!(serde_json::from_str::<NodeId>("\"node-525400123456\"").unwrap(), id);
        assert!(serde_json::from_str::<NodeId>("\"node-1\"").is_err());
    }

    #[test]
    fn numbers_are_written_without_their_prefix() {
        assert_eq!(format!("{} {}", RunId(17), BootId(18)), "17 18");
        assert_eq!(serde_json::to_value(RunId(17)).unwrap(), 17);
        assert_eq!(serde_json::from_str::<BootId>("18").unwrap(), BootId(18));
    }

    #[test]
    fn a_boot_is_no_run() {
        assert_eq!("18".parse(), Ok(BootId(18)));
        assert_eq!("boot-18".parse(), Ok(BootId(18)));
        for text in ["", "boot-", "run-18", "boot-boot-18", "-18", "18446744073709551616"] {
            let error = text.parse::<BootId>().unwrap_err();
            assert_eq!((error.kind, &*error.text), ("boot", text));
        }
    }

    #[test]
    fn an_error_says_which_id_was_asked_for_and_what_it_looks_like() {
        for (error, said) in [
            (
                "localhost".parse::<NodeId>().unwrap_err(),
                "\"localhost\" is not a node id (expected node-525400123456 or a MAC address)",
            ),
            ("x".parse::<RunId>().unwrap_err(), "\"x\" is not a run id (expected a number such as 17)"),
            ("x".parse::<BootId>().unwrap_err(), "\"x\" is not a boot id (expected a number such as 17)"),
        ] {
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn errors_show_the_beginning_of_a_long_text() {
        let text = "é".repeat(1000);
        assert_eq!(text.parse::<NodeId>().unwrap_err().text, "é".repeat(64));
        assert_eq!(text.parse::<RunId>().unwrap_err().text, "é".repeat(64));
    }

    #[test]
    fn names_are_written_as_they_are() {
        let (key, request) = (KeyId("ops".to_owned()), RequestId("r-1".to_owned()));
        assert_eq!(format!("{key} {request}"), "ops r-1");
        assert_eq!(serde_json::to_value(&key).unwrap(), "ops");
        assert_eq!(serde_json::from_str::<RequestId>("\"r-1\"").unwrap(), request);
    }
}
