//! Takes call-home tokens out of what machines print and send, while it is being written down.
//!
//! A token may arrive in pieces: what could still become one is held back until the next byte decides. Bytes are
//! treated as one character each, so that a console's odd bytes pass unchanged through the redaction of text. A token
//! that firmware broke over two screen lines is not recognised; nothing on Roost's boot path prints one so.

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

const PREFIX: &[u8] = b"rt_";
/// More token-like bytes than this are no token: a console without line ends must not be held back for ever.
const HELD_BYTES_MAX: usize = 512;

/// Redacts a stream piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    held: Vec<u8>,
}

impl Redactor {
    /// What may be written down now.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let safe = safe_len(&self.held);
        let rest = self.held.split_off(safe);
        redact(&std::mem::replace(&mut self.held, rest))
    }

    /// What was held back, once nothing more comes.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        redact(&std::mem::take(&mut self.held))
    }
}

/// Overwrites every token in the file with `x`, byte for byte, so that lengths in it stay true.
pub fn mask_tokens_in_file(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut from = 0;
    while let Some(start) = find(&bytes[from..], PREFIX).map(|at| from + at) {
        let body = start + PREFIX.len();
        let end = body + token_run(&bytes[body..]);
        let whole = String::from_utf8_lossy(&bytes[start..end]);
        if vocabulary::redact_tokens(&whole) != whole {
            file.seek(SeekFrom::Start(body as u64))?;
            file.write_all(&vec![b'x'; end - body])?;
        }
        from = end;
    }
    Ok(())
}

/// How many bytes at the front can't be part of a token that is still arriving.
fn safe_len(bytes: &[u8]) -> usize {
    let tail = bytes.len() - bytes.iter().rev().take_while(|byte| is_token_byte(**byte)).count();
    let word = &bytes[tail..];
    let start = find(word, PREFIX)
        .or_else(|| (1..PREFIX.len()).rev().find(|n| word.ends_with(&PREFIX[..*n])).map(|n| word.len() - n));
    match start {
        Some(start) if word.len() - start <= HELD_BYTES_MAX => tail + start,
        _ => bytes.len(),
    }
}

fn redact(bytes: &[u8]) -> Vec<u8> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let shown = vocabulary::redact_tokens(&text);
    shown.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}

fn token_run(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_token_byte(**byte)).count()
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_single_bytes_is_redacted_and_all_else_passes() {
        let token = vocabulary::Token::from_random([9; 32]);
        let console = format!("login\u{e9}r: x={} quiet rt_short\r\nr", token.expose());
        let mut redactor = Redactor::default();
        let mut shown = Vec::new();
        for byte in console.chars().map(|c| c as u8) {
            shown.extend(redactor.feed(&[byte]));
        }
        shown.extend(redactor.finish());
        let expected: Vec<u8> = "login\u{e9}r: x=<token> quiet rt_short\r\nr".chars().map(|c| c as u8).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_prompt_is_not_held_back() {
        assert_eq!(Redactor::default().feed(b"node login: "), b"node login: ");
    }

    #[test]
    fn a_capture_keeps_its_length() {
        let token = vocabulary::Token::from_random([3; 32]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [b"\0\xffroost.token=", token.expose().as_bytes(), b" rt_x\0"].concat()).unwrap();
        let before = std::fs::metadata(file.path()).unwrap().len();
        mask_tokens_in_file(file.path()).unwrap();
        let after = std::fs::read(file.path()).unwrap();
        assert_eq!(after.len() as u64, before);
        assert!(find(&after, token.expose().as_bytes()).is_none());
        assert!(find(&after, b" rt_x\0").is_some());
    }
}
