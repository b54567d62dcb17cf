//! The binary: install the one TLS provider, read the command line, carry it out.
//!
//! Nothing here is worth testing; what is lives in the library beside it.

use std::process::ExitCode;

use clap::Parser as _;
use daemon::cli::{self, Cli};

fn main() -> ExitCode {
    // Two providers may be compiled in by dependencies; rustls panics unless one is chosen before the first use.
    // An error means that one was chosen already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    cli::run(Cli::parse())
}
