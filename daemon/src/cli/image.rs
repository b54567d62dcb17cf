//! `roost image`: the diskless Debian that machines boot, built here and put among the assets.

use std::{sync::Mutex, time::Duration};

use clap::Subcommand;
use indicatif::ProgressBar;
use pxe::{
    assets::Assets,
    image::{self, Origin, PlanState, Stage},
};
use tasks::SystemClock;

use super::{
    Global,
    exit::Failure,
    screen::{self, Rehearsal},
};

/// The diskless Debian that machines boot.
#[derive(Debug, Subcommand)]
pub(super) enum ImageVerb {
    /// Build the node image and put it among the assets, from where machines get it at their next boot. Needs root.
    /// An image of the same inputs is not built twice.
    Build(Rehearsal),
}

impl ImageVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// No root, a missing tool, no room, or a failing program.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self::Build(rehearsal) = self;
        let config = global.load_config()?;
        let plan = image::plan(&config.image());
        if rehearsal.dry_run {
            let what = if plan.state == PlanState::Cached { "take it from the cache" } else { "build it" };
            let packages = plan.packages.len();
            return screen::line(format!("would: {}: {what} ({packages} packages by name)", plan.folder.display()));
        }
        let stop = tasks::stop_on_signals()?;
        let bar = Bar(Mutex::new(ProgressBar::new_spinner()));
        let built = image::build(&config.image(), &SystemClock, &bar, &stop).await;
        bar.bar(ProgressBar::finish_and_clear);
        let built = built?;
        let assets = Assets::open(config.assets())?;
        let image =
            tokio::task::spawn_blocking(move || assets.add_image(&built.files()).map(|image| (image, built))).await??;
        let (image, built) = image;
        let how = if built.origin == Origin::Cache { "from the cache" } else { "built" };
        let (key, release, mib) = (&built.manifest.key, &built.manifest.kernel_release, image.root.bytes >> 20);
        screen::line(format!("image {key}: {how}, Linux {release}, root {mib} MiB"))
    }
}

/// A spinner with the stage and the last line that its program said; finished stages stay on the screen.
struct Bar(Mutex<ProgressBar>);

impl Bar {
    fn bar(&self, act: impl FnOnce(&ProgressBar)) {
        act(&self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl image::Progress for Bar {
    fn begin(&self, stage: Stage) {
        self.bar(|bar| {
            bar.enable_steady_tick(screen::TICK);
            bar.set_message(stage.title());
        });
    }

    fn line(&self, stage: Stage, line: &str) {
        self.bar(|bar| bar.set_message(format!("{}: {}", stage.title(), screen::plain(line))));
    }

    fn end(&self, stage: Stage, took: Duration) {
        // A terminal that has gone loses its progress and nothing else.
        let _ = screen::line(format!("{}: {:.1} s", stage.title(), took.as_secs_f64()));
    }
}
