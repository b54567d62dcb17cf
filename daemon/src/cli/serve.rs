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
    holder::{self, Protocol},
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

/// A socket that a part could not have.
struct Taken<'a> {
    protocol: Protocol,
    port: u16,
    /// What to change where the holder is to stay.
    instead: String,
    source: &'a std::io::Error,
}

impl Taken<'_> {
    fn remedy(self) -> Option<String> {
        let rights = matches!(self.source.kind(), std::io::ErrorKind::PermissionDenied);
        if rights {
            let right = "ports below 1024 need CAP_NET_BIND_SERVICE";
            return Some(format!("{right}: run it by systemd, whose unit grants it (systemctl cat roost), or as root"));
        }
        let holder = holder::for_error(self.protocol, self.port, self.source)?;
        Some(format!("the port is held by {holder}: stop it, or {}", self.instead))
    }
}

/// The socket that this error is about, if it is about one.
fn taken<'a>(error: &'a (dyn Error + 'static)) -> Option<Taken<'a>> {
    use crate::http::serve::BuildError as Api;
    use pxe::{dhcp::BuildError as Dhcp, http::BuildError as Boot, tftp::BuildError as Tftp};
    const DHCP_PORT: u16 = 67;
    let of = |protocol, port, instead, source| Some(Taken { protocol, port, instead, source });
    if let Some(Api::Bind { address, source, .. }) = error.downcast_ref() {
        return of(Protocol::Tcp, address.port(), format!("take {address} out of http.listen"), source);
    }
    if let Some(Boot::Bind { address, source }) = error.downcast_ref() {
        return of(Protocol::Tcp, address.port(), format!("change {address} in boot.listen"), source);
    }
    if let Some(Tftp::Bind { address, source }) = error.downcast_ref() {
        return of(Protocol::Udp, address.port(), format!("take {address} out of tftp.listen"), source);
    }
    if let Some(Dhcp::Listen { interface, source }) = error.downcast_ref() {
        let instead = format!("take {interface} out of dhcp.interfaces, or set dhcp.mode = \"off\"");
        return of(Protocol::Udp, DHCP_PORT, instead, source);
    }
    None
}

fn remedy(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(store) = error.downcast_ref::<store::OpenError>() {
            return Some(store.remedy().to_owned());
        }
        if let Some(remedy) = taken(error).and_then(Taken::remedy) {
            return Some(remedy);
        }
        cause = error.source();
    }
    None
}
