//! `roost config`: check a configuration, print an example, print the reference.

use clap::Subcommand;

use super::{
    Global,
    exit::{Exit, Failure},
    screen::{self, Output},
};
use crate::config;

/// Check the configuration, or see what can stand in it.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Report every mistake at once, each with its key and line; exit 7 if there is one.
    Check(Output),
    /// Print a configuration with every key and its default.
    Example,
    /// Print the reference of every key, in Markdown.
    Docs,
}

impl ConfigVerb {
    /// Carries it out.
    ///
    /// # Errors
    /// The configuration has mistakes.
    pub(super) fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Check(output) => check(output, global),
            Self::Example => screen::write(&config::example()),
            Self::Docs => screen::write(&config::reference()),
        }
    }
}

fn check(output: Output, global: &Global) -> Result<(), Failure> {
    let env = |name: &str| std::env::var(name).ok();
    if output.json {
        return match config::load(global.config.as_deref(), &env) {
            Ok(_) => screen::json(&serde_json::json!({ "mistakes": [] })),
            Err(problems) => {
                screen::json(&serde_json::json!({ "file": problems.file, "mistakes": problems.list }))?;
                Err(mistakes())
            }
        };
    }
    let (report, sound) = config::report(global.config.as_deref(), &env);
    screen::line(report.trim_end())?;
    if sound { Ok(()) } else { Err(mistakes()) }
}

fn mistakes() -> Failure {
    Failure::words(Exit::Configuration, "the configuration has mistakes", "mend those listed above and check again")
}
