//! `roost backup` and `roost restore`: the daemon's database in one file.
//!
//! A backup goes beside a running daemon (SQLite's own backup, a reader like any other); a restore needs the daemon's
//! lock and so a stopped daemon. Keys for it are made here too, so that a first backup needs no other program.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use store::{BackupError, Identity, Protection, Recipient, RestoreError, UnsealError};
use tasks::{Clock as _, SystemClock};

use crate::cluster::kept::{Kept, Sealing};

use super::{
    Global,
    exit::{Exit, Failure},
    screen::{self, Rehearsal},
};

/// Where to copy to, and for whom.
#[derive(Debug, Args)]
#[command(after_help = "\
In it: the database, which is nodes with their pinned identities, boots, timelines, runs and
their tasks, events, leases, and the digests of API keys and tokens.

Not in it, because it can be had otherwise or belongs elsewhere: the fleet's SSH key and the
authority's key under data_dir (made anew where they are missing; running machines take a new
fleet key at their next boot), the cluster's secrets (docs/operations/backup.md says how they are
kept: without them a cluster cannot be opened again), roost.toml, the inventory files of your own, playbooks, output
of runs, boot files and images.

The file has the age format with the SQLite database inside, so that it can be read without
roost: age --decrypt -i IDENTITY FILE

Examples:
  roost backup --new-identity /media/key/backup.key     once; keep it away from this host
  roost backup /srv/backup/roost-monday.age --to age1...
  roost restore /srv/backup/roost-monday.age --identity /media/key/backup.key --dry-run")]
pub(super) struct BackupArgs {
    /// The file; must not exist yet. It is made with mode 0600.
    #[arg(required_unless_present = "new_identity")]
    file: Option<PathBuf>,
    /// Who can read it: a recipient of age (age1...). May be said several times: each of them can. Without it: those
    /// of `[backup] recipients` in the configuration.
    #[arg(long = "to", value_name = "RECIPIENT")]
    recipients: Vec<Recipient>,
    /// Do not encrypt: whoever reads the file knows every node, key digest and timeline. Without this and without a
    /// recipient a backup is refused.
    #[arg(long, conflicts_with = "recipients")]
    plain: bool,
    /// Instead of a backup, make a new key: the identity goes to this file (mode 0600, must not exist yet), the
    /// recipient is printed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "recipients", "plain"])]
    new_identity: Option<PathBuf>,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

/// What to restore.
#[derive(Debug, Args)]
#[command(after_help = "\
The copy is opened and checked whole (seal, schema version, integrity) before anything is
replaced; an older schema is brought up to date at the next start. With --dry-run this is all
that happens, also beside a running daemon: a way to try a backup before it is needed.")]
pub(super) struct RestoreArgs {
    /// The file that `roost backup` made.
    file: PathBuf,
    /// The file with the identity (AGE-SECRET-KEY-1...) that opens it. May be said several times: each is tried. Not
    /// needed for a copy that was made with --plain.
    #[arg(long = "identity", short = 'i', value_name = "FILE")]
    identities: Vec<PathBuf>,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl BackupArgs {
    /// Carries it out.
    ///
    /// # Errors
    /// There is nothing to copy, nobody to copy for, or no place to copy to.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        if let Some(path) = &self.new_identity {
            return new_identity(path, self.rehearsal);
        }
        let config = global.load_config()?;
        let recipients = if self.recipients.is_empty() { config.backup.recipients } else { self.recipients };
        let (protection, readers) = if self.plain {
            (Protection::Plain, "not encrypted".to_owned())
        } else {
            let names: Vec<String> = recipients.iter().map(Recipient::to_string).collect();
            (Protection::Encrypted(recipients), format!("readable by {}", names.join(", ")))
        };
        let (file, data_dir) = (self.file.unwrap_or_default(), config.data_dir);
        if self.rehearsal.dry_run {
            store::check_backup(&data_dir, &file, &protection).map_err(backup_failure)?;
            let (from, to) = (data_dir.display(), file.display());
            return screen::line(format!("would: copy the database of {from} to {to}, {readers}"));
        }
        store::backup(&data_dir, &file, protection).await.map_err(backup_failure)?;
        screen::line(format!("{}: backup of {}, {readers}", file.display(), data_dir.display()))?;
        cluster_is_apart(&data_dir)
    }
}

/// Whoever has the cluster's secrets has the cluster, so a copy that opens nothing must not hold them; and whoever loses
/// them has no cluster, so that must be said where copies are made.
fn cluster_is_apart(data_dir: &Path) -> Result<(), Failure> {
    let Ok(Some(kept)) = Kept::open(data_dir) else { return Ok(()) };
    let place = match kept.sealing() {
        Sealing::Credential => systemd::sealed_path(systemd::unit::CLUSTER_CREDENTIAL),
        Sealing::OwnerFile => kept.folder().join("secrets.json"),
    };
    screen::line(format!(
        "not in it: the cluster's secrets, {}; without them a cluster cannot be opened again (keep them apart: \
         docs/operations/backup.md, The cluster's secrets)",
        place.display()
    ))
}

impl RestoreArgs {
    /// Carries it out.
    ///
    /// # Errors
    /// A daemon runs, or the copy is no usable one.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let data_dir = global.load_config()?.data_dir;
        let mut identities = Vec::new();
        for file in &self.identities {
            identities.extend(Identity::read(file).map_err(|error| {
                Failure::new(Exit::Failed, error, "name the file that roost backup --new-identity made")
            })?);
        }
        if self.rehearsal.dry_run {
            return rehearse(&self.file, identities, &data_dir).await;
        }
        let restored = store::restore(&self.file, identities, &data_dir, SystemClock.now()).await;
        let restored = restored.map_err(restore_failure)?;
        screen::line(format!("{}: restored from {}", data_dir.display(), self.file.display()))?;
        match restored.kept {
            Some(kept) => screen::line(format!("what was there is kept in {}", kept.display())),
            None => Ok(()),
        }
    }
}

fn new_identity(path: &Path, rehearsal: Rehearsal) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        let cause = anyhow::Error::from(error).context(format!("cannot write {}", path.display()));
        Failure::new(Exit::Failed, cause, "choose a new name in a folder that you may write")
    };
    if rehearsal.dry_run {
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        return screen::line(format!("would: make {} with a new identity", path.display()));
    }
    let identity = Identity::generate();
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    let written = made.and_then(|mut file| {
        file.write_all(identity.expose().as_bytes())?;
        file.sync_all()
    });
    written.map_err(failed)?;
    screen::line(identity.recipient().to_string())
}

async fn rehearse(file: &Path, identities: Vec<Identity>, data_dir: &Path) -> Result<(), Failure> {
    let found = store::inspect(file, identities, data_dir).await.map_err(restore_failure)?;
    screen::line(format!("{}: whole, schema version {}", file.display(), found.version))?;
    if let Some(held) = found.held {
        return Err(restore_failure(RestoreError::Folder(held)));
    }
    screen::line(format!("would: replace the database of {} by it", data_dir.display()))
}

fn backup_failure(error: BackupError) -> Failure {
    let (exit, hint) = match &error {
        BackupError::NoRecipient => (
            Exit::Usage,
            "make a key: roost backup --new-identity KEYFILE; then --to age1..., or [backup] recipients in roost.toml; \
             or say --plain and keep the file where only you can read it",
        ),
        BackupError::Exists { .. } => (Exit::Conflict, "choose another name, or move the old copy away"),
        BackupError::Source(source) => (Exit::Failed, source.remedy()),
        BackupError::Write { .. } => (Exit::Failed, "is there room, and may you write there and in data_dir?"),
        BackupError::Cut => (Exit::Failed, "try again"),
    };
    Failure::new(exit, error, hint)
}

fn restore_failure(error: RestoreError) -> Failure {
    let (exit, hint) = match &error {
        RestoreError::Folder(source @ store::OpenError::Held { .. }) => (Exit::Conflict, source.remedy()),
        // The remedy of a damaged database is to restore a copy, and this is the copy.
        RestoreError::Copy(store::OpenError::Corrupt { .. } | store::OpenError::Foreign { .. }) => {
            (Exit::Failed, "use another copy; the database is as it was")
        }
        RestoreError::Folder(source) | RestoreError::Copy(source) => (Exit::Failed, source.remedy()),
        RestoreError::Sealed { .. } => (Exit::Usage, "name the key that opens it: --identity KEYFILE"),
        RestoreError::Unseal { source: UnsealError::AnotherRecipient, .. } => {
            (Exit::Failed, "use the identity of a recipient that it was made for; the database is as it was")
        }
        RestoreError::Unseal { source: UnsealError::Damaged, .. } => {
            (Exit::Failed, "use another copy; the database is as it was")
        }
        RestoreError::Unseal { .. } | RestoreError::Write { .. } => {
            (Exit::Failed, "is there room, and may you read the copy and write to data_dir?")
        }
        RestoreError::Cut => (Exit::Failed, "try again; the database is as it was"),
    };
    Failure::new(exit, error, hint)
}
