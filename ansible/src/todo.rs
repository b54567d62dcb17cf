//! `TODO.md`: a person's list, in which Roost keeps one item for each thing that fails, and checks it off itself.
//!
//! An item is one line with a marker comment and three lines below it. Its key is the node and the failing task, so
//! a task that fails a hundred times is one item with a count. The node's next success checks its items off; a task
//! that fails again opens its item again. Every other line is the operator's and keeps every byte, also notes that
//! a person writes below an item. The same run counts once, however often it is told.
//!
//! The text work is pure ([`note_failure`], [`note_success`]); [`TodoFile`] brings lock and atomic write.

use std::{
    fmt::Write as _,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use vocabulary::{NodeId, RunId, Timestamp};

use crate::{
    events::tidy,
    files::{self, LockError},
};

const CAUSE_LIMIT_CHARS: usize = 400;
const MARKER: &str = "<!-- roost ";
const OWN_LINES: [&str; 4] = ["  - cause: ", "  - remedy: ", "  - retry: ", "  - log: "];

/// What a failed run leaves for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where.
    pub node: NodeId,
    /// The failing task, or what stood in its place: `unreachable`, `timeout`.
    pub task: String,
    /// What happened; text of the node's, so it is tidied here.
    pub cause: String,
    /// What to do, where Roost knows.
    pub remedy: Option<String>,
    /// The run that failed.
    pub run: RunId,
    /// Its output.
    pub log: PathBuf,
}

/// The list could not be changed; the old file is whole.
#[derive(Debug, thiserror::Error)]
pub enum TodoError {
    /// Somebody else is writing.
    #[error("the list is locked")]
    Lock(#[from] LockError),
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}; the old file is whole", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The list on disk.
#[derive(Debug, Clone)]
pub struct TodoFile {
    path: PathBuf,
    patience: Duration,
}

/// What the marker of an item carries.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marker {
    key: String,
    count: u32,
    run: u64,
    first: Timestamp,
}

impl TodoFile {
    /// The list at `path`, which need not be there yet.
    #[must_use]
    pub const fn new(path: PathBuf, patience: Duration) -> Self {
        Self { path, patience }
    }

    /// Adds the failure, or counts it onto its item. Blocks.
    ///
    /// # Errors
    /// See [`TodoError`]; the old file is whole.
    pub fn failed(&self, failure: &Failure, now: Timestamp) -> Result<(), TodoError> {
        self.change(|text| note_failure(text, failure, now))
    }

    /// Checks off every item of the node. Blocks.
    ///
    /// # Errors
    /// See [`TodoError`]; the old file is whole.
    pub fn succeeded(&self, node: &NodeId, run: RunId, now: Timestamp) -> Result<(), TodoError> {
        self.change(|text| note_success(text, node, run, now))
    }

    fn change(&self, edit: impl FnOnce(&str) -> String) -> Result<(), TodoError> {
        // A link is the operator's way to keep the list elsewhere: replace what it points to, not the link.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let _lock = files::lock(&files::sibling(&path, ".lock"), self.patience)?;
        let (old, mode) = read(&path).map_err(|source| TodoError::Read { path: path.clone(), source })?;
        let new = edit(&old);
        if new == old {
            return Ok(());
        }
        files::replace(&path, new.as_bytes(), mode)
            .map_err(|error| TodoError::Write { path: error.path, source: error.source })
    }
}

/// The list with this failure in it.
#[must_use]
pub fn note_failure(text: &str, failure: &Failure, now: Timestamp) -> String {
    let key = key(failure);
    let mut lines: Vec<String> = text.split_terminator('\n').map(str::to_owned).collect();
    let place = lines.iter().position(|line| Marker::of(line).is_some_and(|marker| marker.key == key));
    let fresh = Marker { key, count: 0, run: 0, first: now };
    let old = place.and_then(|place| Marker::of(&lines[place])).unwrap_or(fresh);
    if old.run == failure.run.0 {
        return text.to_owned();
    }
    let marker = Marker { count: old.count.saturating_add(1), run: failure.run.0, ..old };
    let item = render(failure, &marker, now);
    match place {
        Some(place) => {
            let own = lines[place + 1..].iter().take_while(|line| is_own(line)).count();
            lines.splice(place..=place + own, item);
        }
        None => {
            if lines.last().is_some_and(|last| !last.trim().is_empty() && !last.starts_with("  - ")) {
                lines.push(String::new());
            }
            lines.extend(item);
        }
    }
    joined(&lines)
}

/// The list with every item of the node checked off.
#[must_use]
pub fn note_success(text: &str, node: &NodeId, run: RunId, now: Timestamp) -> String {
    let prefix = format!("{node}/");
    let close = |line: &str| {
        let open = line.strip_prefix("- [ ] ")?;
        let marker = Marker::of(line).filter(|marker| marker.key.starts_with(&prefix))?;
        let said = open.split(MARKER).next().unwrap_or_default().trim_end();
        Some(format!("- [x] {said}, mended by run {run} at {} {}", second(now), marker.render()))
    };
    let lines: Vec<String> =
        text.split_terminator('\n').map(|line| close(line).unwrap_or_else(|| line.to_owned())).collect();
    if lines.iter().map(String::as_str).eq(text.split_terminator('\n')) { text.to_owned() } else { joined(&lines) }
}

impl Marker {
    fn of(line: &str) -> Option<Self> {
        if !(line.starts_with("- [ ] ") || line.starts_with("- [x] ") || line.starts_with("- [X] ")) {
            return None;
        }
        let inside = line.split_once(MARKER)?.1.strip_suffix("-->")?;
        let value = |key: &str| inside.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        Some(Self {
            key: value("item")?.to_owned(),
            count: value("count")?.parse().ok()?,
            run: value("run")?.parse().ok()?,
            first: value("first")?.parse().ok()?,
        })
    }

    fn render(&self) -> String {
        format!("{MARKER}item={} count={} run={} first={} -->", self.key, self.count, self.run, second(self.first))
    }
}

fn render(failure: &Failure, marker: &Marker, now: Timestamp) -> Vec<String> {
    let task = code(&failure.task, 120);
    let times = if marker.count == 1 { "once".to_owned() } else { format!("{} times", marker.count) };
    let mut said = format!("- [ ] {}: {task} failed {times}, ", failure.node);
    if marker.count > 1 {
        let _ = write!(said, "first {}, ", second(marker.first));
    }
    let _ = write!(said, "last {} {}", second(now), marker.render());
    let values = [
        Some(code(&failure.cause, CAUSE_LIMIT_CHARS)),
        failure.remedy.as_ref().map(|remedy| code(remedy, CAUSE_LIMIT_CHARS)),
        Some(format!("`roost run retry {}`", failure.run)),
        Some(code(&failure.log.to_string_lossy(), CAUSE_LIMIT_CHARS)),
    ];
    let below = OWN_LINES.iter().zip(values).filter_map(|(label, value)| Some(format!("{label}{}", value?)));
    std::iter::once(said).chain(below).collect()
}

/// A code span: Markdown and HTML inside it mean nothing, and a backquote cannot end it early.
fn code(text: &str, limit_chars: usize) -> String {
    format!("`{}`", tidy(text, limit_chars).replace('`', "'").replace("<!--", "<! --"))
}

fn key(failure: &Failure) -> String {
    let digest = hex::encode(Sha256::digest(failure.task.as_bytes()));
    format!("{}/{}", failure.node, &digest[..12])
}

fn is_own(line: &str) -> bool {
    OWN_LINES.iter().any(|label| line.starts_with(label))
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn read(path: &Path) -> io::Result<(String, u32)> {
    match fs::read_to_string(path) {
        Ok(text) => Ok((text, fs::metadata(path)?.permissions().mode() & 0o777)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((String::new(), 0o644)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn failure(run: u64) -> Failure {
        Failure {
            node: "node-525400000001".parse().unwrap(),
            task: "docker : Start the engine".to_owned(),
            cause: "unit `docker` failed\nsee journal -->".to_owned(),
            remedy: Some("journalctl -u docker".to_owned()),
            run: RunId(run),
            log: PathBuf::from("/var/lib/roost/runs/7/output.log"),
        }
    }

    #[test]
    fn b39_two_failures_are_one_item_and_success_closes_it() {
        let own = "# My list\n\n- [ ] buy cables\n";
        let once = note_failure(own, &failure(7), at(0));
        assert_eq!(
            once.strip_prefix(own).unwrap(),
            "\n- [ ] node-525400000001: `docker : Start the engine` failed once, last 2027-01-15T08:00:00Z \
             <!-- roost item=node-525400000001/ae52a374d323 count=1 run=7 first=2027-01-15T08:00:00Z -->\n\
             \x20 - cause: `unit 'docker' failed see journal -->`\n\
             \x20 - remedy: `journalctl -u docker`\n\
             \x20 - retry: `roost run retry 7`\n\
             \x20 - log: `/var/lib/roost/runs/7/output.log`\n"
        );
        let twice = note_failure(&once, &failure(8), at(60));
        assert_eq!(twice.matches("- [ ] node-").count(), 1);
        assert!(twice.contains("failed 2 times, first 2027-01-15T08:00:00Z, last 2027-01-15T08:01:00Z"), "{twice}");
        let closed = note_success(&twice, &failure(8).node, RunId(9), at(120));
        assert!(closed.starts_with(own) && closed.contains("mended by run 9") && !closed.contains("- [ ] node-"));
        assert_eq!(note_success(&closed, &failure(8).node, RunId(10), at(180)), closed);
        let again = note_failure(&closed, &failure(11), at(240));
        assert!(again.contains("failed 3 times") && !again.contains("mended"), "{again}");
    }

    #[test]
    fn one_run_counts_once() {
        let once = note_failure("", &failure(7), at(0));
        assert_eq!(note_failure(&once, &failure(7), at(9)), once);
    }

    #[test]
    fn a_persons_notes_and_other_nodes_stay() {
        let other = Failure { node: "node-525400000002".parse().unwrap(), ..failure(6) };
        let text = note_failure(&note_failure("", &other, at(0)), &failure(7), at(0));
        let noted = format!("{text}  - I looked: bad DIMM\n\nlater\n");
        let twice = note_failure(&noted, &failure(8), at(5));
        assert!(twice.ends_with("  - I looked: bad DIMM\n\nlater\n"), "{twice}");
        let closed = note_success(&twice, &other.node, RunId(9), at(6));
        assert_eq!((closed.matches("- [x]").count(), closed.matches("- [ ]").count()), (1, 1));
    }

    #[test]
    fn a_crafted_cause_makes_no_item() {
        let mut evil = failure(7);
        evil.cause = format!("x\n- [ ] {MARKER}item=node-525400000001/0 count=1 run=1 first=2027-01-15T08:00:00Z -->");
        let text = note_failure("", &evil, at(0));
        assert_eq!(text.lines().filter(|line| Marker::of(line).is_some()).count(), 1);
    }

    #[test]
    fn the_file_keeps_its_mode_and_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("real.md"), folder.path().join("TODO.md"));
        fs::write(&path, "mine\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        TodoFile::new(link.clone(), Duration::from_secs(5)).failed(&failure(1), at(0)).unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&path).unwrap().starts_with("mine\n\n- [ ] node-"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    }

    proptest::proptest! {
        #[test]
        fn foreign_lines_survive(lines in proptest::collection::vec("[^\n]{0,40}", 0..10), cause: String) {
            let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            let noted = note_failure(&text, &Failure { cause, ..failure(3) }, at(0));
            proptest::prop_assert!(noted.starts_with(text.trim_end_matches('\n')));
            let closed = note_success(&noted, &failure(3).node, RunId(4), at(1));
            proptest::prop_assert_eq!(closed.lines().count(), noted.lines().count());
        }
    }
}
