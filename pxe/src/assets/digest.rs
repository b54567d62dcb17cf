//! What an asset is called: the SHA-256 of its bytes.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a file, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest (expected 64 lower-case hex digits)")]
pub struct ParseDigestError;

/// A file by content: what to ask for and how much will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Its name in the store and in URLs.
    pub sha256: Digest,
    /// Its exact length.
    pub bytes: u64,
}

impl Blob {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// The file cannot be opened or read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Self::copy(&mut File::open(path)?, &mut io::sink())
    }

    /// Copies and measures in one pass, so that what is named is what was written.
    pub(super) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let count = from.read(&mut buffer)?;
            let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else {
                return Ok(Self { sha256: Digest(hasher.finalize().into()), bytes });
            };
            hasher.update(chunk);
            to.write_all(chunk)?;
            bytes += chunk.len() as u64;
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    /// One spelling only: two names for one file would be two entries in every cache.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseDigestError)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) { Err(ParseDigestError) } else { Ok(Self(bytes)) }
    }
}

impl TryFrom<String> for Digest {
    type Error = ParseDigestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_has_one_spelling() {
        let digest: Digest = EMPTY.parse().unwrap();
        assert_eq!(digest.to_string(), EMPTY);
        for bad in ["", "e3", &EMPTY.to_uppercase(), &format!("{EMPTY}\n"), "../../etc/passwd"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_blob_is_measured_while_it_is_copied() {
        let mut copy = Vec::new();
        let blob = Blob::copy(&mut &b"abc"[..], &mut copy).unwrap();
        assert_eq!((blob.bytes, copy.as_slice()), (3, &b"abc"[..]));
        assert!(blob.sha256.to_string().starts_with("ba7816bf"));
    }
}
