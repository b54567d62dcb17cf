//! The operator's own boot files: one folder, read-only, public by definition, over TFTP and HTTP alike.
//!
//! A name from the network becomes a [`PublicPath`] or is refused with a reason that the asker sees. The parser looks
//! at the text alone; the kernel then confines the open itself (`openat2` with `RESOLVE_BENEATH`), so that a symlink
//! that is swapped in between cannot lead out. Symlinks that stay inside the folder work; operators use them.
//! Rejected: canonicalise-and-compare (a race), and serving everything (`/srv/boot` collects keys sooner or later).

use std::{
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags},
    io::Errno,
};

/// A name inside the served folder: relative, without `.` or `..`, and not that of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublicPath(String);

/// Why a name is not served; the text goes to the asker's console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing was asked for.
    #[error("no file name given")]
    Empty,
    /// Longer than any file name can be.
    #[error("the file name is too long")]
    TooLong,
    /// NUL, a control character, or no UTF-8.
    #[error("the file name holds a control character")]
    Control,
    /// Windows spelling; a backslash means something else on every system.
    #[error("the file name holds a backslash, use /")]
    Backslash,
    /// `.` or `..`.
    #[error("the file name leads out of the served folder")]
    Outside,
    /// A name under which keys and passwords are kept.
    #[error("the file name looks like a secret, and what is served here is public")]
    Secret,
}

/// Why a file is not served.
#[derive(Debug, thiserror::Error)]
pub enum RefusedFile {
    /// No `boot.files` is configured.
    #[error("no folder of boot files is configured (boot.files)")]
    NoFolder,
    /// Not there.
    #[error("no such file")]
    Absent,
    /// A folder; there are no listings.
    #[error("not a regular file")]
    NotAFile,
    /// A symlink, a mount or a race leads out.
    #[error("the file is outside of the served folder")]
    Outside,
    /// The daemon may not read it.
    #[error("the file is not readable for Roost")]
    Unreadable(#[source] io::Error),
}

/// An open regular file.
#[derive(Debug)]
pub struct OpenedFile {
    /// Open for reading, at its start.
    pub file: File,
    /// Its length when it was opened.
    pub bytes: u64,
}

/// The served folder.
#[derive(Debug, Clone)]
pub struct PublicFiles {
    root: Option<PathBuf>,
}

/// Longest name, as PATH_MAX would have it, less what the folder itself takes.
const LIMIT_BYTES: usize = 1024;
/// Words that name a secret wherever they stand in a name.
const SECRET_WORDS: [&str; 7] = ["token", "secret", "passwd", "password", "credential", "shadow", "private"];
/// How the names of key stores end.
const SECRET_ENDS: [&str; 9] = [".key", ".pem", ".p12", ".pfx", ".jks", ".ppk", ".env", ".kdbx", ".keytab"];

impl PublicPath {
    /// Reads a name as a client sent it. Leading and doubled slashes are dropped: firmware writes them at will.
    ///
    /// # Errors
    /// Why it is not served.
    pub fn parse(name: &str) -> Result<Self, Refused> {
        if name.len() > LIMIT_BYTES {
            return Err(Refused::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(Refused::Control);
        }
        if name.contains('\\') {
            return Err(Refused::Backslash);
        }
        let parts: Vec<_> = name.split('/').filter(|part| !part.is_empty()).collect();
        match parts.iter().find_map(|part| refuse(part)) {
            Some(refused) => Err(refused),
            None if parts.is_empty() => Err(Refused::Empty),
            None => Ok(Self(parts.join("/"))),
        }
    }

    /// Relative to the served folder.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for PublicPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PublicFiles {
    /// Serves this folder, or nothing. The folder may appear later.
    #[must_use]
    pub fn new(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// Opens a file of the folder. Blocks for as long as a local disk takes.
    ///
    /// # Errors
    /// Why it is not served.
    pub fn open(&self, path: &PublicPath) -> Result<OpenedFile, RefusedFile> {
        let root = self.root.as_deref().ok_or(RefusedFile::NoFolder)?;
        let file = open_beneath(root, path).map_err(refused_file)?;
        let meta = file.metadata().map_err(RefusedFile::Unreadable)?;
        if !meta.is_file() {
            return Err(RefusedFile::NotAFile);
        }
        Ok(OpenedFile { file, bytes: meta.len() })
    }
}

/// NONBLOCK, or opening a FIFO would hang the caller; it changes nothing for a regular file.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

fn open_beneath(root: &Path, path: &PublicPath) -> Result<File, Errno> {
    let folder = rustix::fs::openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let confined = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(&folder, path.as_str(), READ, Mode::empty(), confined) {
        Err(Errno::NOSYS) => open_without_links(folder, path),
        opened => opened.map(File::from),
    }
}

/// Where a sandbox hides openat2: part by part, following no symlink at all.
fn open_without_links(root: rustix::fd::OwnedFd, path: &PublicPath) -> Result<File, Errno> {
    let (folders, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    let mut folder = root;
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        folder = rustix::fs::openat(&folder, part, flags, Mode::empty())?;
    }
    rustix::fs::openat(&folder, name, READ | OFlags::NOFOLLOW, Mode::empty()).map(File::from)
}

fn refused_file(error: Errno) -> RefusedFile {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => RefusedFile::Absent,
        Errno::XDEV | Errno::LOOP => RefusedFile::Outside,
        Errno::ISDIR | Errno::NXIO => RefusedFile::NotAFile,
        error => RefusedFile::Unreadable(error.into()),
    }
}

fn refuse(part: &str) -> Option<Refused> {
    match part {
        "." | ".." => Some(Refused::Outside),
        part if looks_secret(part) => Some(Refused::Secret),
        _ => None,
    }
}

/// Whether a name is one that keys and passwords are kept under. A net for accidents, not a wall: what must stay
/// secret does not belong under a folder that is served.
fn looks_secret(part: &str) -> bool {
    let part = part.to_lowercase();
    part.starts_with('.')
        || part.starts_with("id_")
        || SECRET_ENDS.iter().any(|end| part.ends_with(end))
        || SECRET_WORDS.iter().any(|word| part.contains(word))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn firmware_spellings_of_one_name_agree() {
        for name in ["debian/linux", "/debian/linux", "//debian//linux", "debian/linux/"] {
            assert_eq!(PublicPath::parse(name).unwrap().as_str(), "debian/linux", "{name}");
        }
    }

    #[test]
    fn every_refusal_has_its_reason() {
        let long = "a".repeat(1025);
        let table = [
            ("", Refused::Empty),
            ("///", Refused::Empty),
            (long.as_str(), Refused::TooLong),
            ("a\0b", Refused::Control),
            ("a\nb", Refused::Control),
            ("..\\..\\etc\\passwd", Refused::Backslash),
            ("../etc/hosts", Refused::Outside),
            ("a/../../b", Refused::Outside),
            ("./a", Refused::Outside),
            (".ssh/config", Refused::Secret),
            ("keys/server.KEY", Refused::Secret),
            ("a.pem", Refused::Secret),
            ("id_ed25519", Refused::Secret),
            ("join-Token.txt", Refused::Secret),
            ("secrets/a", Refused::Secret),
            ("etc/shadow", Refused::Secret),
            ("prod.env", Refused::Secret),
        ];
        for (name, refused) in table {
            assert_eq!(PublicPath::parse(name), Err(refused), "{name:?}");
        }
    }

    #[test]
    fn the_kernel_confines_what_the_parser_cannot_see() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("x"), "outside").unwrap();
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        std::fs::write(root.path().join("sub/file"), "inside").unwrap();
        symlink(outside.path().join("x"), root.path().join("out")).unwrap();
        symlink(outside.path(), root.path().join("outdir")).unwrap();
        symlink("../../../../../../etc/hostname", root.path().join("sub/up")).unwrap();
        symlink("sub/file", root.path().join("in")).unwrap();
        rustix::fs::mkfifoat(CWD, root.path().join("fifo"), Mode::from(0o600)).unwrap();

        let files = PublicFiles::new(Some(root.path().to_owned()));
        let open = |name: &str| files.open(&PublicPath::parse(name).unwrap());
        assert_eq!(open("sub/file").unwrap().bytes, 6);
        assert_eq!(open("in").unwrap().bytes, 6);
        for name in ["out", "outdir/x", "sub/up"] {
            assert!(matches!(open(name), Err(RefusedFile::Outside)), "{name}");
        }
        for name in ["sub", "fifo"] {
            assert!(matches!(open(name), Err(RefusedFile::NotAFile)), "{name}");
        }
        assert!(matches!(open("nothing"), Err(RefusedFile::Absent)));
        assert!(matches!(open("SUB/FILE"), Err(RefusedFile::Absent)), "case matters");
        let nothing = PublicFiles::new(None).open(&PublicPath::parse("a").unwrap());
        assert!(matches!(nothing, Err(RefusedFile::NoFolder)));
    }

    #[test]
    fn without_openat2_no_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        std::fs::write(root.path().join("sub/file"), "inside").unwrap();
        symlink("sub", root.path().join("link")).unwrap();
        let folder = || rustix::fs::openat(CWD, root.path(), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let open = |name| open_without_links(folder(), &PublicPath::parse(name).unwrap());
        assert!(open("sub/file").is_ok());
        assert!(open("link/file").is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_inside(name: String) {
            if let Ok(path) = PublicPath::parse(&name) {
                let inside = path.as_str().split('/').all(|part| !part.is_empty() && part != ".." && part != ".");
                prop_assert!(inside && !path.as_str().contains(['\0', '\\']));
            }
        }

        #[test]
        fn dots_and_slashes_never_lead_out(name in r"[./\\%a]{0,24}") {
            if let Ok(path) = PublicPath::parse(&name) {
                let joined = Path::new("/srv/boot").join(path.as_str());
                prop_assert!(joined.components().all(|part| !matches!(part, std::path::Component::ParentDir)));
                prop_assert!(joined.starts_with("/srv/boot"));
            }
        }
    }
}
