//! A directory, and a process that clears it away with everyone who lives in it once its owner is gone.
//!
//! Nomad's tasks outlive their agent on purpose, and a test may be killed at any point. So a shell waits for the end of
//! a pipe that only the owner holds: when the owner drops it or dies in any way, every process that runs in the
//! directory or names it is killed, every mount below it is taken away, and the directory goes. Rejected: a parent
//! death signal (it follows the thread that started the agent, and tests end their threads) and cgroups (not
//! everywhere writable).

use std::{
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use super::AgentError;
use crate::rack::private_dir;

/// `$1` is the directory, whose name is the beginning of no other's. A process belongs to it by its folder, its root or
/// its arguments; the keeper's own shells are named after it.
const KEEPER: &str = r#"
trap '' INT TERM HUP
read -r _
dir=$1
residents() {
    for process in /proc/[0-9]*; do
        pid=${process#/proc/}
        case "$(readlink "$process/cwd") $(readlink "$process/root") $(tr '\0' ' ' <"$process/cmdline")" in
            *roost-agents-keeper*) ;;
            *"$dir"*) echo "$pid" ;;
        esac
    done
}
for try in 1 2 3 4 5 6 7 8 9 10; do
    found=$(residents 2>/dev/null)
    [ -n "$found" ] || break
    kill -9 $found 2>/dev/null
    sleep 0.1
done
awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
    umount -l "$mount"
done
rm -rf --one-file-system "$dir"
"#;

/// Owns a directory; dropping it clears it away.
#[derive(Debug)]
pub struct Owner {
    dir: PathBuf,
    keeper: Child,
    /// Its end is the sign.
    pipe: Option<ChildStdin>,
}

impl Owner {
    /// A new directory with its keeper.
    pub fn of_new_directory() -> Result<Self, AgentError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("roost-agents-{}-{number}.d", std::process::id()));
        let error = |source: io::Error| AgentError::Directory { path: dir.clone(), source };
        private_dir(&dir).map_err(error)?;
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "roost-agents-keeper"]).arg(&dir).current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keeper = command.spawn().map_err(error)?;
        let pipe = keeper.stdin.take();
        Ok(Self { dir, keeper, pipe })
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.pipe.take());
        if let Err(error) = self.keeper.wait() {
            tracing::warn!(%error, dir = %self.dir.display(), "agents not cleared away");
        }
    }
}
