//! Root works in a folder of the daemon's with the daemon's rights.
//!
//! Whoever owns a folder says what each name in it is. Were root to open, give away or cut off what it finds there, the
//! daemon's user could have it do that to any file of the machine; so everything that happens in the folder, SQLite's
//! own files included, is done by a thread that has become the owner and never comes back. Rejected: refusing links in
//! each place that opens a file, since SQLite opens its log and its journal by itself, follows links there and gives
//! them away as root; and a child process, which would hand nothing back but text.

use std::{io, os::unix::fs::MetadataExt as _, panic::resume_unwind, path::Path, thread};

use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

/// Does `work` as the owner of the folder, where root is asked to work in the folder of another; else as it is.
///
/// # Errors
/// The folder cannot be looked at, or the rights cannot be given up; nothing was done.
pub(crate) fn as_owner<T: Send>(folder: &Path, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let owner = folder.metadata()?;
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(work());
    }
    let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
    // The kernel keeps these rights per thread; all three of them, so that there is no way back.
    let become_owner = move || {
        set_thread_groups(&[])?;
        set_thread_res_gid(group, group, group)?;
        set_thread_res_uid(user, user, user)
    };
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("as-owner".to_owned()).spawn_scoped(scope, || {
            become_owner()?;
            Ok(work())
        })?;
        worker.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    #[test]
    fn a_thread_of_root_becomes_the_owner_and_root_stays_root() {
        if !geteuid().is_root() {
            eprintln!("SKIPPED: only root can become somebody else");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(12_345), Some(12_346)).unwrap();
        let status = as_owner(folder.path(), || std::fs::read_to_string("/proc/thread-self/status").unwrap()).unwrap();
        let ids = |field: &str| status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim().to_owned();
        assert_eq!((ids("Uid:"), ids("Gid:")), (["12345"; 4].join("\t"), ["12346"; 4].join("\t")));
        assert_eq!((ids("Groups:"), ids("CapEff:")), (String::new(), "0".repeat(16)));
        assert!(geteuid().is_root());
        assert!(as_owner(&folder.path().join("none"), || ()).is_err());
    }
}
