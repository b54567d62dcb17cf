//! Follows `events.jsonl` of a run and keeps what the verdict needs of it.
//!
//! The file is read from its start after a restart, since the verdict needs all of it; only what the book has not
//! seen is told again. Looking ten times a second was chosen over inotify: it costs one read that finds nothing,
//! needs no descriptor a run, and cannot miss a line.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use crate::events::{self, LINE_LIMIT_BYTES, Promise, RunEvent, TaskOutcome, TaskReport};

/// Read at one go, so that a play that floods its events floods no memory.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// What all events of a run amount to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) done: u32,
    pub(super) changed: u32,
    pub(super) failed: Option<TaskReport>,
    pub(super) unreachable: Option<TaskReport>,
    pub(super) last: Option<TaskReport>,
    pub(super) promises: Vec<Promise>,
}

pub(super) struct Follower {
    path: PathBuf,
    offset: u64,
    seq: u64,
    partial: Vec<u8>,
    pub(super) tally: Tally,
}

impl Follower {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, seq: 0, partial: Vec::new(), tally: Tally::default() }
    }

    /// The reports of every whole line that came since the last call.
    pub(super) fn read(&mut self) -> io::Result<Vec<TaskReport>> {
        let mut reports = Vec::new();
        loop {
            let bytes = self.fetch()?;
            if bytes.is_empty() {
                return Ok(reports);
            }
            for byte in bytes {
                if byte == b'\n' {
                    let line = std::mem::take(&mut self.partial);
                    reports.extend(self.take(&line));
                } else if self.partial.len() <= LINE_LIMIT_BYTES {
                    self.partial.push(byte);
                }
            }
        }
    }

    fn fetch(&mut self) -> io::Result<Vec<u8>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        let read = file.take(CHUNK_BYTES).read_to_end(&mut bytes)?;
        self.offset += u64::try_from(read).unwrap_or_default();
        Ok(bytes)
    }

    fn take(&mut self, line: &[u8]) -> Option<TaskReport> {
        self.seq += 1;
        match events::parse(line, self.seq) {
            Ok(RunEvent::Task(report)) => Some(self.tally.count(report)),
            Ok(RunEvent::Promises(promises)) => {
                self.tally.promises = promises;
                None
            }
            Ok(RunEvent::Play { .. } | RunEvent::NoHosts | RunEvent::Stats) => None,
            Err(error) => {
                tracing::warn!(path = %self.path.display(), line = self.seq, %error, "skipped an event");
                None
            }
        }
    }
}

impl Tally {
    fn count(&mut self, mut report: TaskReport) -> TaskReport {
        if report.outcome.done() && report.outcome != TaskOutcome::Skipped {
            self.done += 1;
        }
        match report.outcome {
            TaskOutcome::Changed => self.changed += 1,
            TaskOutcome::Failed => self.failed = Some(report.clone()),
            TaskOutcome::Unreachable => self.unreachable = Some(report.clone()),
            _ => {}
        }
        report.tasks_done = self.done;
        report.tasks_changed = self.changed;
        self.last = Some(report.clone());
        report
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;

    fn line(kind: &str) -> String {
        format!("{{\"at_ms\":1,\"kind\":\"{kind}\",\"host\":\"h\",\"task\":\"t\"}}\n")
    }

    #[test]
    fn lines_are_told_once_and_only_when_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let mut follower = Follower::new(path.clone());
        assert!(follower.read().unwrap().is_empty(), "no file yet");
        let changed = line("changed");
        let (half, rest) = changed.split_at(10);
        fs::write(&path, format!("{}{half}", line("start"))).unwrap();
        assert_eq!(follower.read().unwrap().len(), 1);
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        write!(file, "{rest}not an event\n{}", line("failed")).unwrap();
        let reports = follower.read().unwrap();
        assert_eq!(reports.iter().map(|report| report.seq).collect::<Vec<_>>(), [2, 4]);
        assert_eq!((reports[1].tasks_done, reports[1].tasks_changed), (2, 1));
        assert!(follower.tally.failed.is_some());
    }

    #[test]
    fn an_endless_line_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        fs::write(&path, vec![b'x'; LINE_LIMIT_BYTES * 5]).unwrap();
        let mut follower = Follower::new(path);
        assert!(follower.read().unwrap().is_empty());
        assert!(follower.partial.len() <= LINE_LIMIT_BYTES + 1);
    }
}
