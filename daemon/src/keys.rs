//! API keys: what they look like, what they may do, and how a presented key is found among the known ones.
//!
//! A key is 32 random bytes, so its SHA-256 needs no salt and no slow hash: nobody guesses it, and a stolen table of
//! digests opens nothing. Known keys come from two places, the store (`roost key create`) and the configuration;
//! both are kept as digests. Looking one up compares with every digest in constant time and never stops early.
//!
//! Scopes imply nothing: `operate` without `read` is possible. A hierarchy was rejected because its exceptions
//! ("admin may not read prompts") are what people get wrong.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use vocabulary::{KeyId, Secret};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look at everything but evidence and logs.
    Read,
    /// Evidence and logs; runs and power.
    Operate,
    /// Admit machines and approve changes.
    Approve,
    /// Call models.
    Models,
    /// Manage keys, backups and the daemon.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Operate, Self::Approve, Self::Models, Self::Admin];

    /// The word in JSON, SQL and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Approve => "approve",
            Self::Models => "models",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The word names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope (read, operate, approve, models, admin)")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

impl From<crate::config::Scope> for Scope {
    fn from(scope: crate::config::Scope) -> Self {
        match scope {
            crate::config::Scope::Read => Self::Read,
            crate::config::Scope::Operate => Self::Operate,
            crate::config::Scope::Approve => Self::Approve,
            crate::config::Scope::Models => Self::Models,
            crate::config::Scope::Admin => Self::Admin,
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope: the operator over the Unix socket, and the first key.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether the set holds this scope.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether every scope of `other` is in this set.
    #[must_use]
    pub const fn include(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The scopes, in their fixed order.
    #[must_use]
    pub fn list(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| self.allow(*scope)).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | 1 << scope as u8))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list().iter().map(|scope| scope.name()).collect::<Vec<_>>().join("+"))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split('+').filter(|word| !word.is_empty()).map(Scope::from_str).collect()
    }
}

/// What every key begins with, so that secret scanners and people recognise one.
const KEY_PREFIX: &str = "rk_";

/// A key itself: shown once, kept nowhere.
#[derive(Debug, Clone)]
pub struct ApiKey(Secret<String>);

impl ApiKey {
    /// A new key from the kernel's randomness.
    ///
    /// # Errors
    /// The kernel gives no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(Secret::new(format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))))
    }

    /// The written form, for the one who asked for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.expose())
    }
}

/// SHA-256 of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 32]);

impl KeyDigest {
    /// The digest of a presented key.
    #[must_use]
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }
}

/// Where a key is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyOrigin {
    /// Made by `roost key create`; can be revoked.
    Store,
    /// Stands in the configuration or the environment; goes when it is taken out there.
    Configuration,
}

/// A key as the daemon knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// As listings and the audit show it.
    pub name: KeyId,
    /// What a presented key is compared with.
    pub digest: KeyDigest,
    /// What it may do.
    pub scopes: Scopes,
    /// Where it is known from.
    pub origin: KeyOrigin,
}

impl From<&crate::config::ApiKey> for KnownKey {
    fn from(key: &crate::config::ApiKey) -> Self {
        Self {
            name: KeyId(key.name.clone()),
            digest: KeyDigest(key.sha256.0),
            scopes: key.scopes.iter().copied().map(Scope::from).collect(),
            origin: KeyOrigin::Configuration,
        }
    }
}

/// The key among the known ones that was presented. Every digest is compared, whatever the first bytes say.
#[must_use]
pub fn find<'k>(known: &'k [KnownKey], presented: &KeyDigest) -> Option<&'k KnownKey> {
    let mut found = u64::MAX;
    for (index, key) in (0..).zip(known) {
        let same: Choice = key.digest.0.ct_eq(&presented.0);
        found.conditional_assign(&index, same);
    }
    usize::try_from(found).ok().and_then(|index| known.get(index))
}

/// Whether a key may be called that: it stands in logs, tables and URLs.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && name != "root" && !name.starts_with("uid")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, key: &str) -> KnownKey {
        KnownKey {
            name: KeyId(name.to_owned()),
            digest: KeyDigest::of(key),
            scopes: Scopes::all(),
            origin: KeyOrigin::Store,
        }
    }

    #[test]
    fn a_key_is_found_by_its_digest_alone() {
        let keys = [known("a", "first"), known("b", "second")];
        assert_eq!(find(&keys, &KeyDigest::of("second")).map(|key| key.name.0.as_str()), Some("b"));
        assert_eq!(find(&keys, &KeyDigest::of("third")), None);
        assert_eq!(find(&[], &KeyDigest::of("first")), None);
    }

    #[test]
    fn a_new_key_is_long_and_shows_itself_to_nobody() {
        let key = ApiKey::random().unwrap();
        assert_eq!(key.expose().len(), KEY_PREFIX.len() + 43);
        assert!(!format!("{key:?}").contains(key.expose()));
        assert_ne!(key.digest(), ApiKey::random().unwrap().digest());
    }

    #[test]
    fn scopes_imply_nothing() {
        let scopes: Scopes = "admin+read".parse().unwrap();
        assert_eq!(scopes.to_string(), "read+admin");
        assert!(scopes.allow(Scope::Read) && !scopes.allow(Scope::Operate));
        assert!(Scopes::all().include(scopes) && !scopes.include(Scopes::all()));
        assert!("admin+write".parse::<Scopes>().is_err());
    }

    #[test]
    fn no_key_is_called_like_the_operator() {
        for bad in ["", "root", "uid:0", "a b", "a\nb", "ä", &"a".repeat(65)] {
            assert!(!is_key_name(bad), "{bad:?}");
        }
        assert!(is_key_name("ci-2.rack_1"));
    }
}
