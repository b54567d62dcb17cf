//! `roost assets`: loaders, images and programs, kept by content.

use std::{env, path::PathBuf, sync::Mutex};

use clap::Subcommand;
use indicatif::ProgressBar;
use pxe::assets::{self, Adoption, Assets, Condition, FetchStep};

use super::{
    Global,
    exit::{Exit, Failure},
    screen::{self, Output, Rehearsal},
};

/// Loaders and images that machines boot from, and the programs that they run.
#[derive(Debug, Subcommand)]
pub(super) enum AssetsVerb {
    /// Fetch the loaders from Debian's package `ipxe`, checked against the archive's signatures. What was downloaded
    /// before is not downloaded again.
    Fetch(Rehearsal),
    /// Take Consul and Nomad as this machine has them, and serve them to nodes. Looked for in the named folders, then in
    /// PATH, then where Roost's own setup builds them. Both are HashiCorp's, under the Business Source Licence; Roost
    /// does not ship them. A node gets a new version at its next run.
    Adopt(Adopt),
    /// List what is there.
    List(Output),
    /// Read every file again and compare it with its digest; exit 1 if one is missing or damaged.
    Verify(Output),
}

/// What is adopted, from where.
#[derive(Debug, clap::Args)]
pub(super) struct Adopt {
    /// Folders to look in first.
    folders: Vec<PathBuf>,
    #[command(flatten)]
    rehearsal: Rehearsal,
}

impl AssetsVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The archive cannot be reached, or a file is missing or damaged.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let config = global.load_config()?.assets();
        let (mirror, dir) = (config.mirror.to_string(), config.dir.clone());
        let store = Assets::open(config)?;
        match self {
            Self::Fetch(Rehearsal { dry_run: true }) => {
                screen::line(format!("would: fetch the package ipxe from {mirror} into {}", dir.display()))
            }
            Self::Fetch(_) => fetch(&store).await,
            Self::Adopt(adopt) => adopt.run(&store).await,
            Self::List(output) => list(&store, output),
            Self::Verify(output) => verify(&store, output),
        }
    }
}

impl Adopt {
    async fn run(self, store: &Assets) -> Result<(), Failure> {
        let folders = self.looked_in();
        // Both are looked for before either is taken.
        let find = |name| assets::find_program(name, &folders).map(|path| (name, path));
        for (name, path) in assets::PROGRAMS.map(find).into_iter().collect::<Result<Vec<_>, _>>()? {
            if self.rehearsal.dry_run {
                screen::line(format!("would: take {name} from {}", path.display()))?;
                continue;
            }
            let (taken, adoption) = store.adopt(name, &path).await?;
            let word = if adoption == Adoption::New { "taken" } else { "known" };
            let (version, bytes) = (taken.version, taken.packed.bytes);
            screen::line(format!("{name} {version}: {word} from {}, {bytes} bytes packed", path.display()))?;
        }
        Ok(())
    }

    fn looked_in(&self) -> Vec<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let cache = env::var_os("ROOST_CACHE").map_or_else(|| PathBuf::from("/var/cache/roost"), PathBuf::from);
        let built = cache.join("tools/bin");
        self.folders.iter().cloned().chain(env::split_paths(&path)).chain([built]).collect()
    }
}

async fn fetch(store: &Assets) -> Result<(), Failure> {
    let bar = Bar(Mutex::new(ProgressBar::new(100)));
    let fetched = store.fetch(&bar).await;
    bar.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish_and_clear();
    let fetched = fetched?;
    screen::line(format!("{}: {} loaders", fetched.from, fetched.loaders.len()))
}

/// Progress as a bar, which draws nothing where there is no terminal.
struct Bar(Mutex<ProgressBar>);

impl assets::Progress for Bar {
    fn at(&self, step: FetchStep, percent: u8) {
        let bar = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        bar.set_message(step.to_string());
        bar.set_position(percent.into());
    }
}

fn list(store: &Assets, output: Output) -> Result<(), Failure> {
    let listed = store.list()?;
    if output.json {
        return screen::json(&listed);
    }
    let row = |one: assets::Listed| {
        let here = if one.present { "here" } else { "missing" };
        cells(&one.entry, here.to_owned())
    };
    let rows = listed.into_iter().map(row).collect();
    screen::table(HEADER, rows, "nothing yet: roost assets fetch; roost image build; roost assets adopt")
}

fn verify(store: &Assets, output: Output) -> Result<(), Failure> {
    let verified = store.verify()?;
    let unsound = verified.iter().filter(|(_, condition)| *condition != Condition::Intact).count();
    if output.json {
        screen::json(&verified)?;
    } else {
        let row = |(entry, condition): (assets::Entry, Condition)| {
            let words = match condition {
                Condition::Intact => "intact".to_owned(),
                Condition::Missing => "missing".to_owned(),
                Condition::Changed { found } => format!("changed: {}", found.sha256),
            };
            cells(&entry, words)
        };
        screen::table(HEADER, verified.into_iter().map(row).collect(), "nothing yet: roost assets fetch")?;
    }
    if unsound == 0 {
        return Ok(());
    }
    let cause = format!("{unsound} files are missing or changed");
    Err(Failure::words(Exit::Failed, cause, "roost assets fetch; roost image build; and look at the disk's health"))
}

const HEADER: [&str; 5] = ["file", "version", "bytes", "sha256", "state"];

fn cells(entry: &assets::Entry, state: String) -> [String; 5] {
    let digest = entry.blob.sha256.to_string();
    [entry.name.clone(), entry.version.clone(), entry.blob.bytes.to_string(), digest[..16].to_owned(), state]
}
