//! A machine's console as a file: read it, wait for words in it, follow it.
//!
//! The file is the interface, not a channel: a person's `roost lab console -f`, a test in another process and the
//! demo all read the same bytes, after tokens were taken out. Matching ignores colours and cursor moves, which
//! firmware sends in the middle of words.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

const POLL: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 15;

/// The console of one machine, from some point on.
#[derive(Debug, Clone)]
pub struct Console {
    path: PathBuf,
    from: u64,
}

/// The words did not come.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Not in time.
    #[error("{pattern:?} did not appear on the console within {limit:?}; its last lines:\n{tail}")]
    Late {
        /// What was waited for.
        pattern: String,
        /// How long.
        limit: Duration,
        /// What was there instead.
        tail: String,
    },
    /// The file can't be read.
    #[error("cannot read the console {}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl Console {
    /// The whole console of any rack's machine, by its file.
    #[must_use]
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), from: 0 }
    }

    /// The same console from byte `from` on, such as [`Self::end`] of a moment ago.
    #[must_use]
    pub fn since(&self, from: u64) -> Self {
        Self { path: self.path.clone(), from }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes were written so far.
    #[must_use]
    pub fn end(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// The bytes from here on, as the machine sent them (without tokens).
    pub fn raw(&self) -> Result<Vec<u8>, WaitError> {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.from))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map(|_| bytes)
        };
        read().map_err(|source| WaitError::Io { path: self.path.clone(), source })
    }

    /// The text from here on, without colours and cursor moves.
    pub fn text(&self) -> Result<String, WaitError> {
        Ok(plain_text(&self.raw()?))
    }

    /// Waits until `pattern` (plain text) is on the console; returns the line that holds it.
    pub async fn wait_for(&self, pattern: &str, limit: Duration) -> Result<String, WaitError> {
        let found = tokio::time::timeout(limit, self.poll_for(pattern)).await;
        found.unwrap_or_else(|_| {
            let tail = last_lines(&self.text()?);
            Err(WaitError::Late { pattern: pattern.to_owned(), limit, tail })
        })
    }

    async fn poll_for(&self, pattern: &str) -> Result<String, WaitError> {
        let mut seen = u64::MAX;
        loop {
            let end = self.end();
            if end != seen {
                seen = end;
                if let Some(line) = self.text()?.lines().find(|line| line.contains(pattern)) {
                    return Ok(line.to_owned());
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// What a console's bytes say, without escape sequences, carriage returns and backspaces.
#[must_use]
pub fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{8}' => drop(shown.pop()),
            '\r' | '\0' => (),
            _ => shown.push(c),
        }
    }
    shown
}

/// `ESC [ parameters letter`, or `ESC` and one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.next() == Some('[') {
        for c in chars.by_ref() {
            if c.is_ascii_alphabetic() {
                break;
            }
        }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_backspaces_vanish() {
        let sent = b"\x1b[0;1miPXE 1.0\x1b[0m -- x\x08y\r\n\x1bcnext";
        assert_eq!(plain_text(sent), "iPXE 1.0 -- y\nnext");
    }

    #[tokio::test]
    async fn says_what_was_there_instead() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "old\nkernel panic\n").unwrap();
        let console = Console::open(file.path());
        assert_eq!(console.wait_for("panic", Duration::from_secs(5)).await.unwrap(), "kernel panic");
        let error = console.since(4).wait_for("old", Duration::ZERO).await.unwrap_err();
        assert!(error.to_string().contains("kernel panic") && !error.to_string().contains("\nold"), "{error}");
    }
}
