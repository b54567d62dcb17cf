//! The text of Roost's own inventory file: rendered from types that need no escaping, parsed back strictly.
//!
//! The header's digest covers the body byte for byte, so that an edit by hand is noticed whatever it changed.

use std::{collections::BTreeMap, fmt::Write as _, net::Ipv4Addr};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use vocabulary::NodeId;

use super::{CONTROL_GROUP, CONTROL_HOST, NODES_GROUP, SshUser};

const INTRODUCTION: &str = "\
# Written by Roost. An edit here is refused by the next write, not lost: put hosts and variables of your own
# into files of your own beside this one (group_vars/nodes.yaml sets variables of all nodes).
";

/// What Roost's inventory file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Counts the writes of the file.
    pub generation: u64,
    /// Every node that may be configured.
    pub nodes: BTreeMap<NodeId, Entry>,
}

/// One node's variables.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Where it is.
    pub ansible_host: Ipv4Addr,
    /// As whom.
    pub ansible_user: SshUser,
}

/// The file is not as Roost wrote it.
#[derive(Debug, thiserror::Error)]
pub enum ParsePageError {
    /// The comment lines at its head are not Roost's.
    #[error("the header lacks its {0} line")]
    Header(&'static str),
    /// The body is another than the one the header was written for.
    #[error("the text below the header does not have the digest in it")]
    Digest,
    /// The body is no inventory of Roost's form.
    #[error("the text below the header is not understood")]
    Body(#[source] Box<serde_saphyr::Error>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "control")]
    _control: Group<Control>,
    nodes: Group<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group<T> {
    hosts: BTreeMap<String, T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    #[serde(rename = "ansible_connection")]
    _connection: Local,
}

#[derive(Deserialize)]
enum Local {
    #[serde(rename = "local")]
    Local,
}

impl Page {
    /// Puts a node at an address; returns who had that address before.
    pub(super) fn put(&mut self, node: NodeId, address: Ipv4Addr, user: SshUser) -> Vec<NodeId> {
        let holds = |(other, entry): &(&NodeId, &Entry)| **other != node && entry.ansible_host == address;
        let displaced: Vec<NodeId> = self.nodes.iter().filter(holds).map(|(other, _)| other.clone()).collect();
        for other in &displaced {
            self.nodes.remove(other);
        }
        self.nodes.insert(node, Entry { ansible_host: address, ansible_user: user });
        displaced
    }

    /// Every host and group name in it.
    pub(super) fn names(&self) -> Vec<String> {
        let fixed = [NODES_GROUP, CONTROL_GROUP, CONTROL_HOST].map(str::to_owned);
        fixed.into_iter().chain(self.nodes.keys().map(ToString::to_string)).collect()
    }

    /// The whole file.
    #[must_use]
    pub fn render(&self) -> String {
        let body = self.body();
        let digest = digest(&body);
        format!("{INTRODUCTION}# generation: {}\n# sha256: {digest}\n{body}", self.generation)
    }

    /// Reads the whole file back.
    ///
    /// # Errors
    /// Somebody changed it.
    pub fn parse(text: &str) -> Result<Self, ParsePageError> {
        let (header, body) = split(text).ok_or(ParsePageError::Header("sha256"))?;
        let value = |key: &str| header.lines().find_map(|line| line.strip_prefix(key));
        let generation = value("# generation: ").and_then(|number| number.parse().ok());
        let generation = generation.ok_or(ParsePageError::Header("generation"))?;
        if value("# sha256: ") != Some(digest(body).as_str()) {
            return Err(ParsePageError::Digest);
        }
        let body: Body = serde_saphyr::from_str(body).map_err(|error| ParsePageError::Body(Box::new(error)))?;
        let nodes =
            body.nodes.hosts.into_iter().filter_map(|(name, entry)| Some((name.parse().ok()?, entry))).collect();
        Ok(Self { generation, nodes })
    }

    fn body(&self) -> String {
        let mut body = format!("{CONTROL_GROUP}:\n  hosts:\n    {CONTROL_HOST}:\n      ansible_connection: local\n");
        let hosts = if self.nodes.is_empty() { " {}" } else { "" };
        let _ = writeln!(body, "{NODES_GROUP}:\n  hosts:{hosts}");
        for (node, Entry { ansible_host, ansible_user }) in &self.nodes {
            let user = ansible_user.as_str();
            let _ = write!(body, "    {node}:\n      ansible_host: {ansible_host}\n      ansible_user: \"{user}\"\n");
        }
        body
    }
}

/// Header and body, parted after the digest line.
fn split(text: &str) -> Option<(&str, &str)> {
    let start = text.find("# sha256: ")?;
    let end = start + text[start..].find('\n')? + 1;
    Some(text.split_at(end))
}

fn digest(body: &str) -> String {
    hex::encode(Sha256::digest(body.as_bytes()))
}
