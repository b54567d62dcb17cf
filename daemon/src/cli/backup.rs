//! `roost backup` and `roost restore`: the daemon's database in one file.
//!
//! A backup goes beside a running daemon (SQLite's own backup, a reader like any other); a restore needs the daemon's
//! lock and so a stopped daemon.

use std::path::PathBuf;

use clap::Args;
use store::{BackupError, Protection, RestoreError};
use tasks::{Clock as _, SystemClock};

use super::{
    Global,
    exit::{Exit, Failure},
    screen::{self, Rehearsal},
};

/// Where to copy to.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file; must not exist yet. It is made with mode 0600.
    file: PathBuf,
    /// Do not encrypt: whoever reads the file knows every node, key digest and log line. Without this a backup is
    /// refused, until encryption to a recipient is built.
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// What to restore.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The file that `roost backup` made.
    file: PathBuf,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl BackupArgs {
    /// Carries it out.
    ///
    /// # Errors
    /// There is nothing to copy, or no place to copy to.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let data_dir = global.load_config()?.data_dir;
        let protection = if self.plain { Protection::Plain } else { Protection::Encrypted };
        if self.rehearsal.dry_run && self.plain {
            return screen::line(format!(
                "would: copy the database of {} to {}",
                data_dir.display(),
                self.file.display()
            ));
        }
        store::backup(&data_dir, &self.file, protection).await.map_err(backup_failure)?;
        screen::line(format!("{}: backup of {}, not encrypted", self.file.display(), data_dir.display()))
    }
}

impl RestoreArgs {
    /// Carries it out.
    ///
    /// # Errors
    /// A daemon runs, or the copy is no usable one.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let data_dir = global.load_config()?.data_dir;
        if self.rehearsal.dry_run {
            return screen::line(format!(
                "would: replace the database of {} by {}",
                data_dir.display(),
                self.file.display()
            ));
        }
        let restored = store::restore(&self.file, &data_dir, SystemClock.now()).await.map_err(restore_failure)?;
        screen::line(format!("{}: restored from {}", data_dir.display(), self.file.display()))?;
        match restored.kept {
            Some(kept) => screen::line(format!("what was there is kept in {}", kept.display())),
            None => Ok(()),
        }
    }
}

fn backup_failure(error: BackupError) -> Failure {
    let (exit, hint) = match &error {
        BackupError::NotEncrypted => (Exit::Usage, "say --plain and keep the file where only you can read it"),
        BackupError::Exists { .. } => (Exit::Conflict, "choose another name, or move the old copy away"),
        BackupError::Source(source) => (Exit::Failed, source.remedy()),
        BackupError::Write { .. } => (Exit::Failed, "is there room, and may you write there?"),
        BackupError::Cut => (Exit::Failed, "try again"),
    };
    Failure::new(exit, error, hint)
}

fn restore_failure(error: RestoreError) -> Failure {
    let (exit, hint) = match &error {
        RestoreError::Folder(source @ store::OpenError::Held { .. }) => (Exit::Conflict, source.remedy()),
        RestoreError::Folder(source) | RestoreError::Copy(source) => (Exit::Failed, source.remedy()),
        RestoreError::Write { .. } => (Exit::Failed, "is there room, and may you write there?"),
        RestoreError::Cut => (Exit::Failed, "try again; the database is as it was"),
    };
    Failure::new(exit, error, hint)
}
