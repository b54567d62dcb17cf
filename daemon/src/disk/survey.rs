//! What a node says of its disks, and which of them may become its data disk. Pure.
//!
//! ```text
//! roost-disk lacks PROGRAM
//! roost-disk disk NAME BYTES rw|ro fixed|removable SERIAL MODEL HOLDS USERS data|-     texts in base64, - for none
//! roost-disk end
//! roost-disk made|refused|failed WORDS                                                how an order ended
//! ```
//!
//! Lines are of a machine whose host key answered and which may lie all the same: decoded strictly, bounded, and shown to
//! people as printable text alone.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Content, DeviceName, DiskError, DiskOrder, Made};

/// How the node's lines begin; anything else is a login message or the like.
const MARK: &str = "roost-disk ";
/// More of a machine's words reach no person.
const WORDS_SHOWN: usize = 200;
/// More disks than any machine of a rack has.
const DISKS: usize = 256;
/// Less is not worth a disk of its own.
const SMALLEST_BYTES: u64 = 1 << 30;

/// One disk of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The kernel's name.
    pub device: DeviceName,
    /// How large it is.
    pub size_bytes: u64,
    /// Whether it takes no writes.
    pub read_only: bool,
    /// Whether it can be pulled out: never chosen unasked.
    pub removable: bool,
    /// Empty where it has none.
    pub serial: String,
    /// For people.
    pub model: String,
    /// Partition tables, file systems and signatures of LVM, RAID or LUKS; empty where there is none.
    pub holds: String,
    /// What is mounted from it or built on it; empty where nothing is.
    pub users: String,
    /// Whether something on it is labelled `ROOST_DATA`.
    pub data: bool,
}

impl Found {
    /// Its size, model and serial number, for people.
    #[must_use]
    pub fn described(&self) -> String {
        let mut words = vec![format!("{}.{} GiB", self.size_bytes >> 30, ((self.size_bytes % (1 << 30)) * 10) >> 30)];
        words.extend((!self.model.is_empty()).then(|| self.model.clone()));
        words.push(if self.serial.is_empty() { "no serial".to_owned() } else { format!("serial {}", self.serial) });
        words.join(", ")
    }

    /// What is on it, for people.
    #[must_use]
    pub fn content(&self) -> String {
        let holds = if self.holds.is_empty() { "empty".to_owned() } else { format!("holds {}", self.holds) };
        if self.users.is_empty() { holds } else { format!("{holds}; used by {}", self.users) }
    }
}

/// Collects what a node says.
#[derive(Debug, Default)]
pub struct Survey {
    found: Vec<Found>,
    trouble: Option<DiskError>,
    ended: bool,
}

impl Survey {
    /// The node said a line.
    pub fn hear(&mut self, line: &str) {
        let Some(said) = line.trim_end().strip_prefix(MARK) else { return };
        let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
        match word {
            "disk" if self.found.len() < DISKS => match disk(rest) {
                Some(disk) => self.found.push(disk),
                None => self.trouble = Some(DiskError::Unclear("a line about a disk")),
            },
            "end" => self.ended = true,
            "lacks" => self.trouble = Some(DiskError::Lacks(printable(rest))),
            _ => self.trouble = Some(DiskError::Unclear("an unknown word")),
        }
    }

    /// Every disk, once the node has said all.
    ///
    /// # Errors
    /// It lacks a program, or its words make no sense.
    pub fn end(self) -> Result<Vec<Found>, DiskError> {
        match self.trouble {
            Some(trouble) => Err(trouble),
            None if !self.ended => Err(DiskError::Unclear("it was cut off")),
            None => Ok(self.found),
        }
    }
}

/// How an order ended, where this line says it.
#[must_use]
pub fn verdict(line: &str) -> Option<Made> {
    let (word, rest) = line.trim_end().strip_prefix(MARK)?.split_once(' ')?;
    let words = printable(rest);
    match word {
        "made" => Some(Made::Done(words)),
        "refused" => Some(Made::Refused(words)),
        "failed" => Some(Made::Failed(words)),
        _ => None,
    }
}

fn disk(line: &str) -> Option<Found> {
    let words: Vec<&str> = line.split(' ').collect();
    let [name, size, access, kind, serial, model, holds, users, data] = words[..] else { return None };
    Some(Found {
        device: name.parse().ok()?,
        size_bytes: size.parse().ok()?,
        read_only: either(access, "ro", "rw")?,
        removable: either(kind, "removable", "fixed")?,
        serial: text(serial)?,
        model: text(model)?,
        holds: text(holds)?,
        users: text(users)?,
        data: either(data, "data", "-")?,
    })
}

fn either(word: &str, yes: &str, no: &str) -> Option<bool> {
    [yes, no].contains(&word).then_some(word == yes)
}

fn text(word: &str) -> Option<String> {
    if word == "-" {
        return Some(String::new());
    }
    Some(printable(&String::from_utf8_lossy(&STANDARD.decode(word).ok()?)))
}

fn printable(words: &str) -> String {
    let shown: String = words.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(WORDS_SHOWN).collect();
    shown.trim().to_owned()
}

/// What an order comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// This disk is made.
    Make(&'a Found, Content),
    /// This one is the data disk already.
    Already(&'a Found),
}

/// Why no disk is made, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    /// What is in the way.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

/// Which disk an order is about, and whether it may be made.
///
/// # Errors
/// None fits, several do, or what is on it would be lost without a person's word.
pub fn choose<'a>(found: &'a [Found], order: &DiskOrder) -> Result<Choice<'a>, Refusal> {
    let labelled: Vec<&Found> = found.iter().filter(|disk| disk.data).collect();
    let named = |disk: &Found| order.device.as_ref().is_none_or(|device| *device == disk.device);
    match labelled[..] {
        [] => {}
        [one] if named(one) && order.wipe.is_none() => return Ok(Choice::Already(one)),
        [one] if order.wipe.as_ref() == Some(&one.serial) && named(one) => {}
        [one] => {
            return refuse(
                format!("{} is labelled ROOST_DATA already; with a second one neither would be mounted", one.device),
                format!("take the label from it first, on the node: e2label /dev/{}... ''", one.device),
            );
        }
        _ => {
            return refuse(
                format!("several disks are labelled ROOST_DATA: {}; none is mounted", names(&labelled)),
                "take the label from all but one, on the node: e2label DEVICE ''; then start it again",
            );
        }
    }
    let disk = about(found, order)?;
    fits(disk, order).map(|content| Choice::Make(disk, content))
}

/// The disk that was named, or the one that nobody would miss.
fn about<'a>(found: &'a [Found], order: &DiskOrder) -> Result<&'a Found, Refusal> {
    let all: Vec<&Found> = found.iter().collect();
    if order.device.is_some() || order.wipe.is_some() {
        let device = |disk: &Found| order.device.as_ref().is_none_or(|device| *device == disk.device);
        let serial = |disk: &Found| order.device.is_some() || order.wipe.as_ref() == Some(&disk.serial);
        let mut matching = all.iter().filter(|disk| device(disk) && serial(disk));
        return match (matching.next(), matching.next()) {
            (Some(disk), None) => Ok(disk),
            (None, _) => refuse("it has no such disk", format!("it has {}", described(&all))),
            (Some(_), Some(_)) => refuse("several disks have this serial number", "name one: --device"),
        };
    }
    let free = |disk: &&&Found| disk.holds.is_empty() && disk.users.is_empty() && !disk.read_only && !disk.removable;
    let free: Vec<&Found> = all.iter().filter(free).filter(|disk| disk.size_bytes >= SMALLEST_BYTES).copied().collect();
    match free[..] {
        [disk] => Ok(disk),
        [] if all.is_empty() => refuse("it has no disk", "put one in; roost node show lists what it called home with"),
        [] => refuse(
            format!("it has no empty disk of 1 GiB or more: {}", described(&all)),
            "name one with --device; to destroy what is on it: --wipe SERIAL",
        ),
        _ => refuse(format!("several of its disks are empty: {}", names(&free)), "name one: --device"),
    }
}

/// Whether this disk may be made, and what may become of what is on it.
fn fits(disk: &Found, order: &DiskOrder) -> Result<Content, Refusal> {
    let Found { device, serial, .. } = disk;
    if disk.read_only {
        return refuse(format!("{device} is read-only"), "look for its write protection");
    }
    if disk.size_bytes < SMALLEST_BYTES {
        return refuse(format!("{device} is smaller than 1 GiB"), "put a larger one in");
    }
    if !disk.users.is_empty() {
        return refuse(
            format!("{device} is in use: {}", disk.users),
            "unmount it and end what uses it, on the node; or name another: --device",
        );
    }
    match &order.wipe {
        Some(wipe) if wipe == serial && !serial.is_empty() => Ok(Content::Destroy),
        Some(_) => refuse(
            format!("{device} has another serial number: {}", if serial.is_empty() { "none" } else { serial }),
            "look at roost node disk --dry-run once more",
        ),
        None if disk.holds.is_empty() => Ok(Content::Keep),
        None if serial.is_empty() => refuse(
            format!("{device} {}, and has no serial number to give it up by", disk.content()),
            format!("if that may be destroyed, on the node: wipefs -a /dev/{device}*; then the same order again"),
        ),
        None => refuse(
            format!("{device} {}, which would be lost", disk.content()),
            format!("if that may be destroyed: --device {device} --wipe '{serial}'"),
        ),
    }
}

fn refuse<T>(cause: impl Into<String>, remedy: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { cause: cause.into(), remedy: remedy.into() })
}

fn names(disks: &[&Found]) -> String {
    disks.iter().map(|disk| disk.device.to_string()).collect::<Vec<_>>().join(", ")
}

fn described(disks: &[&Found]) -> String {
    let one = |disk: &&Found| format!("{} ({}; {})", disk.device, disk.described(), disk.content());
    disks.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
