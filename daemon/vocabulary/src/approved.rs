//! `Approved<T>`: the only key to a change of the cluster.
//!
//! A function that changes something takes `Approved<T>` instead of `T`. The value is bound to the digest of its
//! exact JSON bytes at the moment of approval, so what was shown to a person is what is done. There is no status
//! field to set and no `Deserialize`: an approval cannot be read back from a file or a request. The house rules
//! (`daemon/tests/tidy.rs`) allow minting in two places only: the API's authentication and policy.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Who opened the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Authority {
    /// An authenticated call: the key's name, or `root` over the Unix socket.
    Person {
        /// As the audit shows it.
        name: String,
    },
    /// A rule in the configuration: `nodes.enroll = "auto"`.
    Policy {
        /// The rule's key path.
        rule: &'static str,
    },
}

/// A value that may be carried out, bound to its exact bytes.
#[derive(Debug, Clone)]
pub struct Approved<T> {
    value: T,
    digest: [u8; 32],
    authority: Authority,
}

impl<T: Serialize> Approved<T> {
    /// Mints an approval. Only the API's authentication and policy may call this.
    ///
    /// # Errors
    /// The value has no JSON form.
    pub fn mint(value: T, authority: Authority) -> Result<Self, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(&value)?).into();
        Ok(Self { value, digest, authority })
    }

    /// SHA-256 of the value's JSON bytes, as the audit keeps it.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Who approved.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The value, to look at; it cannot be changed without losing the approval.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// The value, to carry out.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_approval_is_bound_to_the_bytes() {
        let authority = Authority::Policy { rule: "nodes.enroll" };
        let one = Approved::mint("a", authority.clone()).unwrap();
        let two = Approved::mint("b", authority).unwrap();
        assert_ne!(one.digest(), two.digest());
        assert_eq!(one.into_value(), "a");
    }

    #[test]
    fn an_approval_shows_what_was_approved_and_by_whom() {
        let root = Authority::Person { name: "root".to_owned() };
        let approved = Approved::mint("a", root.clone()).unwrap();
        assert_eq!(approved.value(), &"a");
        assert_eq!(approved.authority(), &root);
    }

    #[test]
    fn the_digest_is_that_of_the_json_bytes() {
        let approved = Approved::mint("a", Authority::Policy { rule: "nodes.enroll" }).unwrap();
        let of_the_letter_in_quotes = "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c";
        assert_eq!(hex::encode(approved.digest()), of_the_letter_in_quotes);
    }

    #[test]
    fn the_audit_tells_a_person_from_a_rule() {
        for (authority, written) in [
            (Authority::Person { name: "root".to_owned() }, r#"{"by":"person","name":"root"}"#),
            (Authority::Policy { rule: "nodes.enroll" }, r#"{"by":"policy","rule":"nodes.enroll"}"#),
        ] {
            assert_eq!(serde_json::to_string(&authority).unwrap(), written);
        }
    }

    #[test]
    fn what_has_no_json_form_cannot_be_approved() {
        let keys_are_no_text = BTreeMap::from([((1, 2), 3)]);
        assert!(Approved::mint(keys_are_no_text, Authority::Policy { rule: "nodes.enroll" }).is_err());
    }
}
