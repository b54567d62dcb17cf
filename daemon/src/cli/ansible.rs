//! `roost ansible`: the Ansible that configures machines, in a virtual environment of Roost's own.

use ::ansible::venv::{Venv, VenvStep};
use clap::Subcommand;
use indicatif::ProgressBar;

use super::{
    Global,
    exit::{Exit, Failure},
    screen::{self, Rehearsal},
};

/// The Ansible that configures machines.
#[derive(Debug, Subcommand)]
pub(super) enum AnsibleVerb {
    /// Install ansible-core into [ansible] venv; an up-to-date one is left alone.
    Setup(Rehearsal),
}

impl AnsibleVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// Python is missing, or the package index cannot be reached.
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let Self::Setup(rehearsal) = self;
        let folder = global.load_config()?.ansible.venv;
        if rehearsal.dry_run {
            let what = if Venv::at(folder.clone()).check() { "leave it alone" } else { "install ansible-core into it" };
            return screen::line(format!("would: {}: {what}", folder.display()));
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(screen::TICK);
        let stop = tasks::stop_on_signals()?;
        let venv = stop.run_until_cancelled(Venv::ensure(&folder, |step| bar.set_message(words(step)))).await;
        bar.finish_and_clear();
        let venv = venv.ok_or_else(|| Failure::words(Exit::Failed, "interrupted", "run it again: it begins anew"))?;
        let venv = venv.map_err(|error| {
            let remedy = error.remedy();
            Failure::new(Exit::Failed, error, remedy)
        })?;
        screen::line(format!("{}: {}", folder.display(), venv.version().await?))
    }
}

const fn words(step: VenvStep) -> &'static str {
    match step {
        VenvStep::Ready => "ready",
        VenvStep::Waiting => "looks whether somebody else is installing",
        VenvStep::Creating => "makes the environment",
        VenvStep::Installing => "installs ansible-core",
        VenvStep::Checking => "tries it",
    }
}
