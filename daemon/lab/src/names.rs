//! Names of racks and machines, and what follows from them: addresses and identities that are the same every time.
//!
//! A machine's MAC, SMBIOS UUID and serial number come from the rack's name and the machine's place in it, so that a
//! rack that is taken down and put up again is the same rack to a daemon that remembers it. Rejected: random
//! addresses (a test that fails could not be repeated) and one fixed MAC (two racks could not share a bridge).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use vocabulary::{Mac, SmbiosUuid};

/// Longest name: with `roost-` and a machine's name it stays readable in `ip netns list`.
const NAME_CHARS_MAX: usize = 24;

/// The text is no name for a rack or a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no name for a {kind} (1 to {NAME_CHARS_MAX} of a-z, 0-9 and -, not starting or ending with -)")]
pub struct ParseNameError {
    /// `rack` or `machine`.
    pub kind: &'static str,
    /// What was given.
    pub text: String,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseNameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let fits = (1..=NAME_CHARS_MAX).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                    && !text.starts_with('-')
                    && !text.ends_with('-');
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ParseNameError { kind: $kind, text: text.chars().take(64).collect() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseNameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name!(
    /// A rack's name: also the name of its run directory and, after `roost-`, of its network namespace.
    RackName, "rack"
);
name!(
    /// A machine's name within its rack.
    MachineName, "machine"
);

impl RackName {
    /// The network namespace that holds the bridge and the taps.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("roost-{self}")
    }

    /// The network namespace of one synthetic machine.
    #[must_use]
    pub fn machine_namespace(&self, machine: &MachineName) -> String {
        format!("roost-{self}-{machine}")
    }
}

/// The MAC of a machine's NIC: QEMU's prefix, a byte of the rack, the machine's place, the NIC's place.
#[must_use]
pub fn mac_for(rack: &RackName, machine_index: u8, nic_index: u8) -> Mac {
    Mac([0x52, 0x54, 0x00, fold(rack.as_str()), machine_index, nic_index])
}

/// The SMBIOS UUID of the machine that boots with this MAC.
#[must_use]
pub fn uuid_for(mac: Mac) -> SmbiosUuid {
    let mut bytes = *b"roost\0\x40\0\x80\0......";
    bytes[10..].copy_from_slice(&mac.0);
    let text = hex::encode(bytes);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    parts.join("-").parse().unwrap_or_else(|_| unreachable!("sixteen bytes in hex are a UUID"))
}

/// The SMBIOS serial number of the machine that boots with this MAC.
#[must_use]
pub fn serial_for(mac: Mac) -> String {
    format!("LAB-{}", mac.bare().to_ascii_uppercase())
}

/// FNV-1a folded to one byte: stable across builds, unlike `DefaultHasher`.
fn fold(text: &str) -> u8 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.to_le_bytes().into_iter().fold(0, |folded, byte| folded ^ byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded() {
        for good in ["demo", "t4711-2", "a"] {
            assert!(good.parse::<RackName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a b", "abcdefghijklmnopqrstuvwxyz"] {
            assert!(bad.parse::<MachineName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn identities_are_the_same_every_time_and_differ_between_machines() {
        let rack: RackName = "demo".parse().unwrap();
        let mac = mac_for(&rack, 1, 0);
        assert_eq!(mac, mac_for(&rack, 1, 0));
        assert_ne!(mac, mac_for(&rack, 2, 0));
        assert_ne!(mac, mac_for(&rack, 1, 1));
        assert_eq!(uuid_for(mac).identifying(), Some(uuid_for(mac)));
        assert_ne!(uuid_for(mac), uuid_for(mac_for(&rack, 2, 0)));
        assert!(uuid_for(mac).to_string().ends_with(&mac.bare()));
    }
}
