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
    use super::*;

    #[test]
    fn an_approval_is_bound_to_the_bytes() {
        let authority = Authority::Policy { rule: "nodes.enroll" };
        let one = Approved::mint("a", authority.clone()).unwrap();
        let two = Approved::mint("b", authority).unwrap();
        assert_ne!(one.digest(), two.digest());
        assert_eq!(one.into_value(), "a");
    }
}
