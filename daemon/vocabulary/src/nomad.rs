//! What Nomad calls a node's client.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The id of a Nomad client: a UUID that the client chose when it first started, and keeps as long as its data. The
/// machine says it, so it is taken in this one spelling alone; what it proves is that the servers know it too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NomadId(String);

/// The text is no client's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a Nomad client (expected a UUID in lower case)")]
pub struct ParseNomadIdError;

/// Digits between the dashes of a UUID.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

impl NomadId {
    /// As Nomad writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NomadId {
    type Err = ParseNomadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = |group: &str| group.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let well_formed = text.split('-').map(str::len).eq(GROUPS) && text.split('-').all(is_hex);
        if well_formed { Ok(Self(text.to_owned())) } else { Err(ParseNomadIdError) }
    }
}

impl TryFrom<String> for NomadId {
    type Error = ParseNomadIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NomadId> for String {
    fn from(id: NomadId) -> Self {
        id.0
    }
}

impl fmt::Display for NomadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "6b7a2c1e-0f3d-4e5a-9b8c-7d6e5f4a3b2c";
        let id: NomadId = text.parse().unwrap();
        assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
        assert_eq!(serde_json::to_value(&id).unwrap(), text);
        assert_eq!(serde_json::from_value::<NomadId>(text.into()).unwrap(), id);
        for other in
            ["", &text.to_uppercase(), &text.replace('-', ""), &format!("{text}\n"), &format!("{text}-"), &text[1..]]
        {
            assert_eq!(other.parse::<NomadId>(), Err(ParseNomadIdError), "{other:?}");
        }
    }
}
