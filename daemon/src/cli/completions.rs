//! `roost completions`: what a shell needs to complete our commands.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, exit::Failure, screen};

/// Prints the completions of a shell.
///
/// # Errors
/// Nobody reads any more.
pub(super) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "roost", &mut script);
    screen::write(&String::from_utf8_lossy(&script))
}
