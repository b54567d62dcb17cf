//! `roost serve`: the daemon, until SIGTERM or Ctrl-C.

use std::{error::Error, io::IsTerminal as _};

use tasks::BoxError;
use tracing_subscriber::{EnvFilter, fmt};

use super::{
    Global,
    exit::{Exit, Failure},
};
use crate::{
    Daemon,
    config::{Log, LogFormat},
};

/// Carries it out.
///
/// # Errors
/// The configuration has mistakes, something is in the way at start, or a part failed.
pub(super) async fn run(global: &Global) -> Result<(), Failure> {
    let config = global.load_config()?;
    start_log(&config.log)?;
    let stop = tasks::stop_on_signals()?;
    let daemon = Daemon::build(&config).await.map_err(failure)?;
    tracing::info!(addresses = ?daemon.addresses(), socket = %config.http.socket.display(), "the API listens");
    daemon.run(stop).await.map_err(failure)
}

/// Lines go to standard error, where systemd's journal reads them. `RUST_LOG` goes before the configuration.
fn start_log(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new(log.level.name()))?;
    let colours = std::io::stderr().is_terminal();
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|error| Failure::words(Exit::Failed, error.to_string(), "run one daemon in a process"))
}

/// The cause, with the next step where the part that failed knows one.
fn failure(error: BoxError) -> Failure {
    let remedy = remedy(&*error);
    let hint = remedy.or_else(|| Some("roost config check; then the cause above".to_owned()));
    Failure { exit: Exit::Failed, cause: anyhow::Error::from_boxed(error), hint }
}

fn remedy(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(store) = error.downcast_ref::<store::OpenError>() {
            return Some(store.remedy().to_owned());
        }
        if let Some(crate::http::serve::BuildError::Bind { holder: Some(holder), address, .. }) = error.downcast_ref() {
            return Some(format!("stop {holder}, or take {address} out of the configuration"));
        }
        cause = error.source();
    }
    None
}
