//! Reads a growing log from an offset, for `roost run logs` and `logs -f`.
//!
//! A piece ends at a character's border, so that a reader that joins pieces never shows half a character; call-home
//! tokens are taken out, whoever wrote them. Following is the caller's loop: a piece shorter than asked for means
//! that the end is reached for now, and the run's state says whether more will come.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use vocabulary::redact_tokens;

/// Longest piece.
pub const PIECE_LIMIT_BYTES: u64 = 256 * 1024;

/// Some of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it says.
    pub text: String,
    /// Where the next piece begins.
    pub next: u64,
}

/// What stands in the log from `offset` on, at most [`PIECE_LIMIT_BYTES`]. An absent log is empty. Blocks.
///
/// # Errors
/// The log cannot be read.
pub fn read(log: &Path, offset: u64) -> io::Result<Piece> {
    let mut bytes = read_bytes(log, offset)?;
    // Half a line stays for the next piece, or a token might be cut in two; a piece without any line end goes out.
    let line_end = bytes.iter().rposition(|byte| *byte == b'\n').map(|place| place + 1);
    let whole = line_end.unwrap_or_else(|| character_border(&bytes));
    bytes.truncate(whole);
    let next = offset + u64::try_from(bytes.len()).unwrap_or_default();
    Ok(Piece { text: redact_tokens(&String::from_utf8_lossy(&bytes)), next })
}

/// The last of a log, as text. Blocks.
///
/// # Errors
/// The log cannot be read.
pub fn last(log: &Path, limit_bytes: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let start = file.metadata()?.len().saturating_sub(limit_bytes);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(redact_tokens(&String::from_utf8_lossy(&bytes)))
}

fn read_bytes(log: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(PIECE_LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Without the beginning of a character whose rest is not there yet (at most three bytes).
fn character_border(bytes: &[u8]) -> usize {
    let starts = |place: &usize| bytes[*place] & 0xc0 != 0x80;
    let Some(last) = (bytes.len().saturating_sub(4)..bytes.len()).rev().find(starts) else { return bytes.len() };
    match std::str::from_utf8(&bytes[last..]) {
        Err(error) if error.error_len().is_none() => last,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pieces_join_to_the_whole_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("output.log");
        assert_eq!(read(&log, 0).unwrap(), Piece { text: String::new(), next: 0 });
        fs::write(&log, "one\nzwölf\nhal").unwrap();
        let first = read(&log, 0).unwrap();
        assert_eq!((first.text.as_str(), first.next), ("one\nzwölf\n", 11));
        assert_eq!(read(&log, first.next).unwrap().text, "hal");
        assert_eq!(read(&log, 999).unwrap().text, "");
        assert_eq!(last(&log, 3).unwrap(), "hal");
    }

    #[test]
    fn half_a_character_waits() {
        assert_eq!(character_border("aö".as_bytes()), 3);
        assert_eq!(character_border(&"aö".as_bytes()[..2]), 1);
        assert_eq!(character_border(b"a\xff"), 2);
        assert_eq!(character_border(b""), 0);
    }

    #[test]
    fn tokens_are_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("output.log");
        let token = vocabulary::Token::from_random([3; 32]);
        fs::write(&log, format!("roost.token={} x\n", token.expose())).unwrap();
        assert_eq!(read(&log, 0).unwrap().text, "roost.token=<token> x\n");
        assert!(!last(&log, 1000).unwrap().contains(token.expose()));
    }
}
