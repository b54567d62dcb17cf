//! What makes a machine the same machine: MAC plus SMBIOS UUID, plus its TPM, plus what an installed disk keeps.
//!
//! Source addresses, ARP entries and host names are deliberately absent: on a boot network they prove nothing.
//! Vendors ship boards with one UUID for all; such a default counts as none, or ten thousand boards are one node.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Mac, ParseIdError, Timestamp};

/// The UUID of SMBIOS table 1 (DMTF DSP0134, System Information).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SmbiosUuid(pub Uuid);

/// Values seen on whole product lines: they name a board's model, not the board.
const VENDOR_DEFAULTS: [u128; 6] = [
    0,
    u128::MAX,
    0x03000200_0400_0500_0006_000700080009,
    0x12345678_1234_5678_90ab_cddeefaabbcc,
    0x01020304_0506_0708_090a_0b0c0d0e0f10,
    0x11111111_2222_3333_4444_555555555555,
];

impl SmbiosUuid {
    /// This UUID if it tells one machine from another, nothing if it is a vendor's default.
    #[must_use]
    pub fn identifying(self) -> Option<Self> {
        (!VENDOR_DEFAULTS.contains(&self.0.as_u128())).then_some(self)
    }
}

impl fmt::Display for SmbiosUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for SmbiosUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for SmbiosUuid {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError {
            kind: "SMBIOS UUID",
            text: text.chars().take(64).collect(),
            expected: "4c4c4544-0042-3510-8054-b4c04f564433",
        })
    }
}

/// `/etc/machine-id`: 32 hex digits (machine-id(5)).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MachineId([u8; 16]);

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl TryFrom<String> for MachineId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(&text, &mut bytes).map_err(|_| ParseIdError {
            kind: "machine",
            text: text.chars().take(64).collect(),
            expected: "32 hex digits, as in /etc/machine-id",
        })?;
        Ok(Self(bytes))
    }
}

impl From<MachineId> for String {
    fn from(id: MachineId) -> Self {
        id.to_string()
    }
}

/// An SSH host public key as OpenSSH writes it, without its comment: `ssh-ed25519 AAAA...`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostKey(String);

/// The algorithms a node may pin; DSA is gone from OpenSSH and anything else is not a host key.
const HOST_KEY_ALGORITHMS: [&str; 5] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"];

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for HostKey {
    type Error = ParseIdError;

    /// The comment is dropped: it is free text from a machine and would reach a known_hosts file.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let mut words = text.split(' ');
        let algorithm = words.next().and_then(|name| HOST_KEY_ALGORITHMS.iter().find(|known| **known == name));
        let body = words.next().filter(|body| (32..=4096).contains(&body.len()) && STANDARD.decode(body).is_ok());
        match (algorithm, body) {
            (Some(algorithm), Some(body)) => Ok(Self(format!("{algorithm} {body}"))),
            _ => Err(ParseIdError {
                kind: "SSH host key",
                text: text.chars().take(64).collect(),
                expected: "ssh-ed25519 AAAA..., as in ssh_host_ed25519_key.pub",
            }),
        }
    }
}

impl From<HostKey> for String {
    fn from(key: HostKey) -> Self {
        key.to_string()
    }
}

/// From which of the two default templates of the TCG EK profile an endorsement key is made. A TPM makes the same key
/// from the same template for as long as nobody replaces its endorsement seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndorsementKind {
    /// RSA with 2048 bits: what nearly every TPM has.
    Rsa2048,
    /// ECC on NIST P-256, where the TPM has no RSA.
    EccP256,
}

impl EndorsementKind {
    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rsa2048, Self::EccP256].into_iter().find(|kind| kind.name() == name)
    }

    /// The name in JSON and in what a machine is asked.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa2048",
            Self::EccP256 => "ecc_p256",
        }
    }
}

/// A TPM's endorsement key: which template, and the SHA-256 of its public area. Two TPMs never share one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndorsementKey {
    /// Which template, so that the machine is asked for the same one again.
    pub kind: EndorsementKind,
    /// SHA-256 of the public area as the TPM writes it.
    pub sha256: [u8; 32],
}

impl fmt::Display for EndorsementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), hex::encode(self.sha256))
    }
}

impl TryFrom<String> for EndorsementKey {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut sha256 = [0; 32];
        let parsed = text.split_once(':').and_then(|(name, digest)| {
            hex::decode_to_slice(digest, &mut sha256).ok()?;
            EndorsementKind::named(name)
        });
        parsed.map(|kind| Self { kind, sha256 }).ok_or_else(|| ParseIdError {
            kind: "endorsement key",
            text: text.chars().take(64).collect(),
            expected: "rsa2048: or ecc_p256: and 64 hex digits",
        })
    }
}

impl From<EndorsementKey> for String {
    fn from(key: EndorsementKey) -> Self {
        key.to_string()
    }
}

impl fmt::Debug for EndorsementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The TPM that an identity rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TpmIdentity {
    /// The key that answered a credential activation once, and must answer at every boot since.
    pub key: EndorsementKey,
    /// When it answered over the host keys of this identity; absent until it has, and then no run starts.
    pub proven: Option<Timestamp>,
}

/// The disk that keeps a machine's host keys and machine id from one boot to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Of its file system, where it is known; for people, the keys are what is compared.
    pub disk: Option<Uuid>,
    /// Since when Roost knows of it.
    pub since: Timestamp,
}

/// Everything that says which machine this is. Two boots of one machine agree in every part that both have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The boot interface's address.
    pub mac: Mac,
    /// Absent when the board has a vendor's default.
    pub smbios_uuid: Option<SmbiosUuid>,
    /// Compared only where a disk keeps it across boots; a diskless machine makes a new one each time.
    pub machine_id: Option<MachineId>,
    /// Sorted; the pinned known hosts of this boot.
    pub host_keys: Vec<HostKey>,
    /// When one of these keys first answered at the node's address; until then no playbook speaks to what is there.
    pub answered: Option<Timestamp>,
    /// Its TPM, once one was proven; absent where the machine has none.
    pub tpm: Option<TpmIdentity>,
    /// The disk that keeps its host keys and machine id; absent where they are new at each boot.
    pub kept: Option<Kept>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_default_identifies_nobody() {
        let shared: SmbiosUuid = "03000200-0400-0500-0006-000700080009".parse().unwrap();
        let own: SmbiosUuid = "4c4c4544-0042-3510-8054-b4c04f564433".parse().unwrap();
        assert_eq!(shared.identifying(), None);
        assert_eq!(own.identifying(), Some(own));
    }

    #[test]
    fn a_host_key_cannot_smuggle_a_second_line() {
        let body = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy";
        let key = HostKey::try_from(format!("ssh-ed25519 {body} root@evil\nother ssh-rsa AAAA")).unwrap();
        assert_eq!(key.to_string(), format!("ssh-ed25519 {body}"));
        for bad in ["", "ssh-ed25519", "ssh-ed25519 a\nb", "ssh-dss AAAA", "@cert-authority * ssh-rsa AAAA"] {
            assert!(HostKey::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_machine_id_is_thirty_two_hex_digits() {
        assert!(MachineId::try_from("0123456789abcdef0123456789abcdef".to_owned()).is_ok());
        assert!(MachineId::try_from("0123".to_owned()).is_err());
    }

    #[test]
    fn every_vendor_default_identifies_nobody_and_its_neighbour_somebody() {
        for default in VENDOR_DEFAULTS {
            let neighbour = SmbiosUuid(Uuid::from_u128(default ^ 2));
            assert_eq!(SmbiosUuid(Uuid::from_u128(default)).identifying(), None, "{default:032x}");
            assert_eq!(neighbour.identifying(), Some(neighbour));
        }
    }

    #[test]
    fn an_smbios_uuid_is_written_in_one_way() {
        let text = "4c4c4544-0042-3510-8054-b4c04f564433";
        let uuid: SmbiosUuid = text.to_uppercase().parse().unwrap();
        assert_eq!(format!("{uuid} {uuid:?}"), format!("{text} {text}"));
        assert_eq!(serde_json::to_value(uuid).unwrap(), text);
        assert_eq!(serde_json::from_value::<SmbiosUuid>(text.into()).unwrap(), uuid);
    }

    #[test]
    fn what_is_no_smbios_uuid_is_refused() {
        for text in ["", "Not Specified", "4c4c4544-0042-3510-8054-b4c04f56443", "4c4c4544-0042-3510-8054-b4c04f56443g"]
        {
            let error = text.parse::<SmbiosUuid>().unwrap_err();
            assert_eq!((error.kind, &*error.text), ("SMBIOS UUID", text));
        }
    }

    #[test]
    fn a_machine_id_is_written_in_lower_case() {
        let text = "0123456789abcdef0123456789abcdef";
        let id = MachineId::try_from(text.to_uppercase()).unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(String::from(id.clone()), text);
        assert_eq!(serde_json::to_value(&id).unwrap(), text);
        assert_eq!(serde_json::from_value::<MachineId>(text.into()).unwrap(), id);
    }

    #[test]
    fn what_is_no_machine_id_is_refused() {
        for text in ["", "uninitialized", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &format!("{:032}\n", 0)] {
            let error = MachineId::try_from(text.to_owned()).unwrap_err();
            assert_eq!((error.kind, &*error.text), ("machine", text));
        }
    }

    #[test]
    fn a_host_key_of_each_algorithm_is_written_as_it_came() {
        for algorithm in HOST_KEY_ALGORITHMS {
            let text = format!("{algorithm} {}", "A".repeat(68));
            let key = HostKey::try_from(text.clone()).unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(String::from(key.clone()), text);
            assert_eq!(serde_json::to_value(&key).unwrap(), text);
            assert_eq!(serde_json::from_value::<HostKey>(text.into()).unwrap(), key);
        }
    }

    #[test]
    fn the_body_of_a_host_key_is_base64_of_a_bounded_length() {
        for (body, accepted) in [
            ("A".repeat(28), false),
            ("A".repeat(32), true),
            ("A".repeat(4096), true),
            ("A".repeat(4100), false),
            ("A".repeat(33), false),
            ("*".repeat(32), false),
        ] {
            let key = HostKey::try_from(format!("ssh-ed25519 {body}"));
            assert_eq!(key.is_ok(), accepted, "{} of {:?}", body.len(), &body[..1]);
        }
    }

    #[test]
    fn errors_show_the_beginning_of_a_long_text() {
        let text = "x".repeat(1000);
        let errors = [
            text.parse::<SmbiosUuid>().unwrap_err(),
            MachineId::try_from(text.clone()).unwrap_err(),
            HostKey::try_from(text.clone()).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.text, text[..64], "{}", error.kind);
        }
    }

    #[test]
    fn an_identity_reads_back_as_it_was_written() {
        let written = concat!(
            r#"{"mac":"52:54:00:12:34:56","smbios_uuid":"4c4c4544-0042-3510-8054-b4c04f564433","machine_id":null,"#,
            r#""host_keys":["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy"],"#,
            r#""answered":null,"tpm":null,"kept":null}"#
        );
        let identity: Identity = serde_json::from_str(written).unwrap();
        assert_eq!(identity.mac, Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(serde_json::to_string(&identity).unwrap(), written);
        let older = written.replace("\"answered\":null,\"tpm\":null,\"kept\":null", "\"tpm\":null");
        assert_eq!(serde_json::from_str::<Identity>(&older).unwrap(), identity, "as it stood before it had that word");
    }

    #[test]
    fn a_proven_tpm_reads_back_as_it_was_written() {
        let written = format!(r#"{{"key":"ecc_p256:{}","proven":"2026-03-01T10:00:00Z"}}"#, "0a".repeat(32));
        let tpm: TpmIdentity = serde_json::from_str(&written).unwrap();
        assert_eq!(tpm.key, EndorsementKey { kind: EndorsementKind::EccP256, sha256: [10; 32] });
        assert_eq!(serde_json::to_string(&tpm).unwrap(), written);
    }

    #[test]
    fn what_is_no_endorsement_key_is_refused() {
        let digest = "0a".repeat(32);
        for text in [digest.clone(), format!("rsa1024:{digest}"), format!("rsa2048:{digest}0a"), "rsa2048:".to_owned()]
        {
            let error = EndorsementKey::try_from(text.clone()).unwrap_err();
            assert_eq!((error.kind, &*error.text), ("endorsement key", &text[..text.len().min(64)]));
        }
    }
}
