//! The keys that Consul's and Nomad's gossip is encrypted with, as both agents speak of them.
//!
//! Serf tells a key to every member over the gossip itself, encrypted with the key before it: whoever hears the gossip
//! while a key is told, knows the key. What is asked here is of the members that are alive at that moment.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use vocabulary::Secret;

/// A key as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GossipKey(pub(crate) Secret<String>);

/// The keys of one gossip, and how many of its members have each.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Ring {
    /// Whether it is the gossip between datacenters.
    #[serde(rename = "WAN", default)]
    pub(crate) wan: bool,
    #[serde(rename = "Keys", default)]
    keys: Option<BTreeMap<String, u32>>,
    /// Those that are encrypted with; Nomad does not say.
    #[serde(rename = "PrimaryKeys", default)]
    primary: Option<BTreeMap<String, u32>>,
    /// How many members answered.
    #[serde(rename = "NumNodes", default)]
    members: u32,
}

impl Ring {
    /// How many members answered.
    #[must_use]
    pub const fn members(&self) -> u32 {
        self.members
    }

    /// How many of them take this key.
    #[must_use]
    pub fn take(&self, key: &Secret<String>) -> u32 {
        self.keys.as_ref().and_then(|keys| keys.get(key.expose())).copied().unwrap_or_default()
    }

    /// Whether nobody takes any other than this one.
    #[must_use]
    pub fn is_only(&self, key: &Secret<String>) -> bool {
        self.take(key) == self.members && self.others(key).next().is_none()
    }

    /// Every key but this one.
    pub fn others<'a>(&'a self, key: &'a Secret<String>) -> impl Iterator<Item = Secret<String>> + 'a {
        let keys = self.keys.iter().flat_map(|keys| keys.keys());
        keys.filter(move |known| *known != key.expose()).map(|known| Secret::new(known.clone()))
    }

    /// Whether all that say so encrypt with this key.
    #[must_use]
    pub fn use_it(&self, key: &Secret<String>) -> bool {
        self.primary.as_ref().is_some_and(|primary| primary.keys().all(|known| known == key.expose()))
    }
}

/// Counts alone: the keys are secrets.
impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.as_ref().map_or(0, BTreeMap::len);
        f.debug_struct("Ring").field("keys", &keys).field("members", &self.members).finish_non_exhaustive()
    }
}

impl Serialize for GossipKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("GossipKey", 1)?;
        body.serialize_field("Key", self.0.expose())?;
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_read_as_both_agents_write_it_and_shows_no_key() {
        let key = |name: &str| Secret::new(name.to_owned());
        let consul = r#"{"WAN":false,"Keys":{"old":2,"new":1},"PrimaryKeys":{"old":2},"NumNodes":2}"#;
        let ring: Ring = serde_json::from_str(consul).unwrap();
        assert_eq!((ring.take(&key("old")), ring.take(&key("new")), ring.take(&key("?"))), (2, 1, 0));
        assert!(ring.use_it(&key("old")) && !ring.use_it(&key("new")) && !ring.is_only(&key("old")));
        assert_eq!(ring.others(&key("new")).collect::<Vec<_>>(), [key("old")]);
        assert!(!format!("{ring:?}").contains("old"));
        let nomad: Ring = serde_json::from_str(r#"{"Keys":{"new":1},"Messages":{},"NumNodes":1}"#).unwrap();
        assert!(nomad.is_only(&key("new")) && !nomad.use_it(&key("new")), "Nomad does not say what it encrypts with");
        let half: Ring = serde_json::from_str(r#"{"Keys":{"new":1},"NumNodes":2}"#).unwrap();
        assert!(!half.is_only(&key("new")));
        assert_eq!(serde_json::from_str::<Ring>(r#"{"Keys":null}"#).unwrap().members(), 0);
    }
}
