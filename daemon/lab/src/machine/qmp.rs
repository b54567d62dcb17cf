//! QEMU's control protocol (QMP): one JSON object a line, over a Unix socket that QEMU connects to.
//!
//! We listen and QEMU connects, so that there is nothing to poll for: either it comes, or it has ended and its log
//! says why. Blocking with a timeout, because the answers take milliseconds and `Drop` asks too.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};

const ANSWER: Duration = Duration::from_secs(20);

/// QEMU did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The connection failed or QEMU is silent.
    #[error("cannot talk to QEMU")]
    Io(#[from] io::Error),
    /// Not the protocol.
    #[error("QEMU's answer is not understood")]
    Json(#[from] serde_json::Error),
    /// The command was refused.
    #[error("QEMU refused {command}: {said}")]
    Refused {
        /// The command.
        command: String,
        /// QEMU's reason.
        said: String,
    },
}

/// A connection to one QEMU.
#[derive(Debug)]
pub(crate) struct Qmp {
    lines: BufReader<UnixStream>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "return")]
    returned: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    desc: String,
}

/// A fresh socket for QEMU to connect to.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Qmp {
    /// The greeting and the negotiation, on a connection just accepted.
    pub(crate) fn greet(stream: UnixStream) -> Result<Self, QmpError> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let mut qmp = Self { lines: BufReader::new(stream) };
        qmp.line()?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs one command and returns its answer; events in between are passed over.
    pub(crate) fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value, QmpError> {
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.lines.get_mut(), "{request}")?;
        loop {
            let message: Message = serde_json::from_str(&self.line()?)?;
            if let Some(refusal) = message.error {
                return Err(QmpError::Refused { command: command.to_owned(), said: refusal.desc });
            }
            if let Some(returned) = message.returned {
                return Ok(returned);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line),
        }
    }
}
