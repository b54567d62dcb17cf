//! Copies that only a recipient can read: the age format (age-encryption.org/v1) with X25519 keys.
//!
//! Inside is the database and nothing else, so that `age --decrypt` gives a file that any SQLite reads: a copy must
//! be of use on a day when this program is not at hand. Everything streams; each 64 KiB carry their own seal, and
//! the last one says that it is the last, so that a file that was cut off or changed is known as such.
//!
//! Rejected: a passphrase (weak where people choose it, and it would stand beside the timer that makes the copies),
//! GnuPG (its keyring is a state of its own), SSH keys as recipients (they bring RSA, with a timing weakness that is
//! not mended), and a format of our own.

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use age::{DecryptError, Decryptor, Encryptor, secrecy::ExposeSecret as _, x25519};

/// What every file of this format begins with.
const MAGIC: &[u8] = b"age-encryption.org/v1\n";
const PIECE_BYTES: usize = 64 << 10;

/// Who can read a copy: the public half of an [`Identity`].
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(x25519::Recipient);

/// What opens a copy. Shows itself to nobody.
#[derive(Clone)]
pub struct Identity(x25519::Identity);

/// A text that names no recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no age recipient: {0}")]
pub struct ParseRecipientError(String);

/// Why a file holds no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of it is no key; the line is not repeated, since it may be half a secret.
    #[error("{}:{line} is no age identity (AGE-SECRET-KEY-1...)", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// It holds comments alone.
    #[error("{} holds no identity", path.display())]
    None {
        /// Which.
        path: PathBuf,
    },
}

/// Why a sealed copy was not opened.
#[derive(Debug, thiserror::Error)]
pub enum UnsealError {
    /// It is for somebody else.
    #[error("it is encrypted to another recipient")]
    AnotherRecipient,
    /// It was changed, or it ends too early.
    #[error("it is damaged or cut off")]
    Damaged,
    /// It could not be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// What was inside could not be written.
    #[error("could not write what is inside")]
    Write(#[source] io::Error),
}

impl FromStr for Recipient {
    type Err = ParseRecipientError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("AGE-SECRET-KEY-") {
            return Err(ParseRecipientError("this is the secret half; the recipient begins with age1".to_owned()));
        }
        text.parse().map(Self).map_err(|why: &str| ParseRecipientError(why.to_owned()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<identity>")
    }
}

impl Identity {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Who can read what this opens.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// The text of an identity file, for the one place that writes it.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("# recipient: {}\n{}\n", self.recipient(), self.0.to_string().expose_secret())
    }

    /// Every identity in a file, as [`Identity::expose`] and `age-keygen` write them.
    ///
    /// # Errors
    /// There is none, or a line is none.
    pub fn read(path: &Path) -> Result<Vec<Self>, IdentityError> {
        let owned = || path.to_owned();
        let text = std::fs::read_to_string(path).map_err(|source| IdentityError::Read { path: owned(), source })?;
        let lines = text.lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let parse = |(index, line): (usize, &str)| {
            line.parse().map(Self).map_err(|_| IdentityError::Line { path: owned(), line: index + 1 })
        };
        let identities: Vec<Self> = keys.map(parse).collect::<Result<_, _>>()?;
        if identities.is_empty() { Err(IdentityError::None { path: owned() }) } else { Ok(identities) }
    }
}

/// Whether the file says that it is sealed.
pub(crate) fn is_sealed(file: &mut File) -> io::Result<bool> {
    begins_with(file, &[MAGIC])
}

/// Whether a file begins with one of these words; it stands at its beginning afterwards.
pub(crate) fn begins_with(file: &mut File, words: &[&[u8]]) -> io::Result<bool> {
    let longest = words.iter().map(|word| word.len()).max().unwrap_or_default();
    let mut start = Vec::with_capacity(longest);
    (&*file).take(longest as u64).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(words.iter().any(|word| start.starts_with(word)))
}

/// Writes what is in `from` to `to`, for these recipients alone; synced.
pub(crate) fn seal(from: &mut File, to: &File, recipients: &[Recipient]) -> io::Result<()> {
    let recipients = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut sealed = encryptor.wrap_output(BufWriter::new(to))?;
    io::copy(from, &mut sealed)?;
    sealed.finish()?.flush()?;
    to.sync_all()
}

/// Writes what is inside `from` to `to`.
pub(crate) fn unseal(from: File, to: &mut File, identities: &[Identity]) -> Result<(), UnsealError> {
    let decryptor = Decryptor::new_buffered(BufReader::new(from)).map_err(refused)?;
    let identities = identities.iter().map(|identity| &identity.0 as &dyn age::Identity);
    let mut inside = decryptor.decrypt(identities).map_err(refused)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match inside.read(&mut piece) {
            Ok(0) => return to.sync_all().map_err(UnsealError::Write),
            Ok(count) => to.write_all(&piece[..count]).map_err(UnsealError::Write)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(broken(error)),
        }
    }
}

fn refused(error: DecryptError) -> UnsealError {
    match error {
        DecryptError::NoMatchingKeys => UnsealError::AnotherRecipient,
        DecryptError::Io(error) => broken(error),
        _ => UnsealError::Damaged,
    }
}

/// Whatever the disk did not say itself is about what stands in the file.
fn broken(error: io::Error) -> UnsealError {
    if error.raw_os_error().is_some() { UnsealError::Read(error) } else { UnsealError::Damaged }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_and_read_and_shown_to_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        let identity = Identity::generate();
        std::fs::write(&path, identity.expose()).unwrap();
        let read = Identity::read(&path).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].recipient(), identity.recipient());
        assert_eq!(format!("{identity:?}"), "<identity>");
        assert_eq!(identity.recipient().to_string().parse(), Ok(identity.recipient()));
    }

    #[test]
    fn what_is_no_identity_is_named_by_its_line_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        std::fs::write(&path, "# mine\n\nAGE-SECRET-KEY-1HALF\n").unwrap();
        let error = Identity::read(&path).unwrap_err().to_string();
        assert!(error.contains(":3 is no age identity") && !error.contains("HALF"), "{error}");
        std::fs::write(&path, "# nothing\n").unwrap();
        assert!(matches!(Identity::read(&path), Err(IdentityError::None { .. })));
        assert!(matches!(Identity::read(&folder.path().join("none")), Err(IdentityError::Read { .. })));
    }

    #[test]
    fn the_secret_half_is_never_taken_for_a_recipient() {
        let identity = Identity::generate();
        let secret = identity.expose().lines().last().unwrap().to_owned();
        let error = secret.parse::<Recipient>().unwrap_err().to_string();
        assert!(error.contains("secret half") && !error.contains(&secret), "{error}");
        for text in ["", "age1", "age1qqqq", "ssh-ed25519 AAAA"] {
            assert!(text.parse::<Recipient>().is_err(), "{text}");
        }
    }
}
