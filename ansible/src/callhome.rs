//! The two POST bodies of a booted machine, bounded and judged: call-home and progress.
//!
//! Pure: bytes in, a checked value or a refusal out. Everything here is a stranger's claim (docs/architecture.md,
//! Trust): nothing of it becomes an inventory name, a variable, a path or a template value. The bounds are wide
//! enough for real machines and narrow enough that a row, a screen and a log line can hold what is kept; texts that
//! could open a template or forge a log line are refused rather than escaped, so that no reader has to remember to.
//! What a refusal quotes of the body is escaped, shortened and free of tokens.

use std::{collections::HashSet, net::IpAddr};

use vocabulary::{CallHome, Hardware, Mac, NodeId, Progress, Step, Token, redact_tokens};

/// Longest call-home body.
pub const CALL_HOME_LIMIT_BYTES: usize = 16 * 1024;
/// Longest progress body.
pub const PROGRESS_LIMIT_BYTES: usize = 4 * 1024;

const HOSTNAME_LIMIT_BYTES: usize = 253;
const LABEL_LIMIT_BYTES: usize = 63;
const ADDRESS_LIMIT: usize = 32;
const HOST_KEY_LIMIT: usize = 8;
const DISK_LIMIT: usize = 128;
const TEXT_LIMIT_BYTES: usize = 128;
const NAME_LIMIT_BYTES: usize = 32;
const DETAIL_LIMIT_BYTES: usize = 512;
const DATA_DETAIL_LIMIT_BYTES: usize = 256;
const CPU_LIMIT: u32 = 65_536;
const MEMORY_LIMIT_MIB: u64 = 1 << 30;
const QUOTE_LIMIT_CHARS: usize = 80;

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More bytes than the route takes.
    #[error("the body has {bytes} bytes, at most {limit} are taken")]
    TooLong {
        /// What came.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// Not the JSON that is expected.
    #[error("the body is not understood: {problem}")]
    Malformed {
        /// What the parser said, escaped.
        problem: String,
    },
    /// A field holds too much.
    #[error("{field} holds {count}, at most {limit} are taken")]
    TooMany {
        /// Which.
        field: &'static str,
        /// What came: characters of a text, entries of a list, or a number's value.
        count: u64,
        /// What is taken.
        limit: u64,
    },
    /// A field that must say something is empty.
    #[error("{field} is empty")]
    Empty {
        /// Which.
        field: &'static str,
    },
    /// A text holds a control character, an invisible one, or the opening of a template.
    #[error("{field} holds a character that is not taken: {quoted}")]
    Text {
        /// Which.
        field: &'static str,
        /// The text, escaped and shortened.
        quoted: String,
    },
    /// No host name of RFC 1123.
    #[error("hostname {quoted} is no RFC 1123 name")]
    Hostname {
        /// The text, escaped and shortened.
        quoted: String,
    },
    /// The name belongs to another node.
    #[error("hostname {hostname} is another node's name; this machine is {own}")]
    ForeignName {
        /// What it calls itself: another node's id, so safe to show.
        hostname: NodeId,
        /// What its MAC makes it.
        own: NodeId,
    },
    /// An address no other host can reach it at.
    #[error("address {address} is {kind}")]
    Address {
        /// Which.
        address: IpAddr,
        /// What is wrong with it.
        kind: &'static str,
    },
    /// One entry twice.
    #[error("{field} holds {quoted} twice")]
    Duplicate {
        /// Which list.
        field: &'static str,
        /// The entry, escaped and shortened.
        quoted: String,
    },
    /// A group address cannot belong to a machine.
    #[error("mac {mac} is no station's address")]
    NoStation {
        /// Which.
        mac: Mac,
    },
    /// A station that a machine may not report itself.
    #[error("step {quoted} is not a machine's to report")]
    Step {
        /// The text, escaped and shortened.
        quoted: String,
    },
}

/// A checked progress report: adds one line to a timeline and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose boot it claims to be; the daemon looks its hash up.
    pub token: Token,
    /// One of [`REPORTABLE`].
    pub step: Step,
    /// For people: one line, no control characters, no token.
    pub detail: String,
}

/// The stations that a machine may report itself; all others are Roost's own observations.
pub const REPORTABLE: [Step; 6] =
    [Step::KernelUp, Step::ImageFetched, Step::ImageVerified, Step::RootUp, Step::Note, Step::Failed];

/// Reads the body of `POST /api/provision/call-home`.
///
/// # Errors
/// The body is too long, is not the expected JSON, or claims something that no honest machine claims.
pub fn call_home(body: &[u8]) -> Result<CallHome, Refusal> {
    let claim: CallHome = read(body, CALL_HOME_LIMIT_BYTES)?;
    if claim.mac.0[0] & 1 == 1 || claim.mac.0 == [0; 6] {
        return Err(Refusal::NoStation { mac: claim.mac });
    }
    hostname(&claim.hostname, claim.mac)?;
    addresses(&claim.addresses)?;
    if claim.ssh_host_keys.is_empty() {
        return Err(Refusal::Empty { field: "ssh_host_keys" });
    }
    at_most("ssh_host_keys", claim.ssh_host_keys.len(), HOST_KEY_LIMIT)?;
    distinct("ssh_host_keys", claim.ssh_host_keys.iter().map(ToString::to_string))?;
    hardware(&claim.hardware)?;
    claim.data.as_ref().map_or(Ok(()), |data| text("data.detail", &data.detail, DATA_DETAIL_LIMIT_BYTES))?;
    Ok(claim)
}

/// Reads the body of `POST /api/provision/progress`.
///
/// # Errors
/// The body is too long, is not the expected JSON, or names a station that is not a machine's to report.
pub fn progress(body: &[u8]) -> Result<Report, Refusal> {
    let claim: Progress = read(body, PROGRESS_LIMIT_BYTES)?;
    let step = Step::named(&claim.step).filter(|step| REPORTABLE.contains(step));
    let step = step.ok_or_else(|| Refusal::Step { quoted: quote(&claim.step) })?;
    text("detail", &claim.detail, DETAIL_LIMIT_BYTES)?;
    Ok(Report { token: claim.token, step, detail: redact_tokens(&claim.detail) })
}

impl Refusal {
    /// What the person at the machine, or who wrote its image, can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "send less: the hardware summary lists whole disks only, details are one line",
            Self::Malformed { .. } => "the body is JSON with exactly the fields that /docs lists",
            Self::TooMany { .. } | Self::Empty { .. } => "see the bounds of this field at /docs",
            Self::Text { .. } => "send plain printable text without control characters, `{{`, `{%`, `{#` or `${`",
            Self::Hostname { .. } => "letters, digits and hyphens, labels of at most 63 characters joined by dots",
            Self::ForeignName { .. } => "boot with roost.mac= of this machine; a copied disk image keeps the old name",
            Self::Address { .. } => "leave out addresses that other hosts cannot reach: loopback, link-local, group",
            Self::Duplicate { .. } => "list each entry once",
            Self::NoStation { .. } => "send the MAC of the interface that booted, as on the kernel command line",
            Self::Step { .. } => "a machine reports kernel_up, image_fetched, image_verified, root_up, note or failed",
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8], limit: usize) -> Result<T, Refusal> {
    if body.len() > limit {
        return Err(Refusal::TooLong { bytes: body.len(), limit });
    }
    serde_json::from_slice(body).map_err(|error| Refusal::Malformed { problem: shorten(&error.to_string(), 240) })
}

fn hostname(name: &str, mac: Mac) -> Result<(), Refusal> {
    let label = |label: &str| {
        (1..=LABEL_LIMIT_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > HOSTNAME_LIMIT_BYTES || !name.split('.').all(label) {
        return Err(Refusal::Hostname { quoted: quote(name) });
    }
    let first = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let claimed = first.strip_prefix("node-").and_then(|mac| mac.parse::<Mac>().ok());
    match claimed {
        Some(other) if other != mac => Err(Refusal::ForeignName { hostname: NodeId::of(other), own: NodeId::of(mac) }),
        _ => Ok(()),
    }
}

fn addresses(addresses: &[IpAddr]) -> Result<(), Refusal> {
    at_most("addresses", addresses.len(), ADDRESS_LIMIT)?;
    distinct("addresses", addresses.iter().map(ToString::to_string))?;
    let unfit = addresses.iter().find_map(|address| unreachable_kind(*address).map(|kind| (*address, kind)));
    unfit.map_or(Ok(()), |(address, kind)| Err(Refusal::Address { address, kind }))
}

/// Why no other host of the rack could reach a machine there, where that is so.
fn unreachable_kind(address: IpAddr) -> Option<&'static str> {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let reserved = match address {
        IpAddr::V4(v4) => v4.octets()[0] == 0 || v4.octets()[0] >= 240,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().is_some(),
    };
    let kinds = [
        (address.is_loopback(), "a loopback address"),
        (address.is_unspecified(), "the unspecified address"),
        (address.is_multicast(), "a group address"),
        (link_local, "a link-local address"),
        (reserved, "a reserved address"),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind))
}

fn hardware(hardware: &Hardware) -> Result<(), Refusal> {
    text("hardware.vendor", &hardware.vendor, TEXT_LIMIT_BYTES)?;
    text("hardware.product", &hardware.product, TEXT_LIMIT_BYTES)?;
    kernel_name("hardware.architecture", &hardware.architecture)?;
    at_most("hardware.cpus", hardware.cpus, CPU_LIMIT)?;
    at_most("hardware.memory_mib", hardware.memory_mib, MEMORY_LIMIT_MIB)?;
    at_most("hardware.disks", hardware.disks.len(), DISK_LIMIT)?;
    hardware.disks.iter().try_for_each(|disk| kernel_name("hardware.disks.name", &disk.name))?;
    distinct("hardware.disks", hardware.disks.iter().map(|disk| disk.name.clone()))
}

/// A name that the kernel made: `vda`, `nvme0n1`, `cciss!c0d0`, `x86_64`.
fn kernel_name(field: &'static str, name: &str) -> Result<(), Refusal> {
    at_most(field, name.len(), NAME_LIMIT_BYTES)?;
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'!' | b'.'));
    if fits { Ok(()) } else { Err(Refusal::Text { field, quoted: quote(name) }) }
}

/// Free text for people.
fn text(field: &'static str, text: &str, limit_bytes: usize) -> Result<(), Refusal> {
    at_most(field, text.len(), limit_bytes)?;
    let opens_template = ["{{", "{%", "{#", "${"].iter().any(|opening| text.contains(opening));
    if opens_template || text.chars().any(unprintable) {
        return Err(Refusal::Text { field, quoted: quote(text) });
    }
    Ok(())
}

/// Control characters, and those that are invisible or turn the reading direction: both can forge a log line.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn at_most<N: TryInto<u64>, L: TryInto<u64>>(field: &'static str, count: N, limit: L) -> Result<(), Refusal> {
    let count = count.try_into().unwrap_or(u64::MAX);
    let limit = limit.try_into().unwrap_or(u64::MAX);
    if count > limit { Err(Refusal::TooMany { field, count, limit }) } else { Ok(()) }
}

fn distinct(field: &'static str, entries: impl Iterator<Item = String>) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for entry in entries {
        if seen.contains(&entry) {
            return Err(Refusal::Duplicate { field, quoted: quote(&entry) });
        }
        seen.insert(entry);
    }
    Ok(())
}

fn quote(text: &str) -> String {
    format!("\"{}\"", shorten(text, QUOTE_LIMIT_CHARS))
}

/// Escaped, without tokens, at most so many characters.
fn shorten(text: &str, limit_chars: usize) -> String {
    let escaped: String = redact_tokens(text).chars().flat_map(char::escape_debug).collect();
    escaped.chars().take(limit_chars).collect()
}

#[cfg(test)]
mod tests;
