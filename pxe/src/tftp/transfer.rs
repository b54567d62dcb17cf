//! One transfer: counts what is read, and says at its end what became of it.
//!
//! async-tftp tells nobody how a transfer ended; it drops the reader. So the reader keeps count: a transfer whose end
//! was read and that was dropped soon after is complete, since a client that goes silent is only given up after
//! [`GIVEN_UP_AFTER`]. One whose end was not read was a size probe or broke off, and neither is a failure here: ROMs
//! ask for the size, abort, and ask again.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use futures_util::AsyncRead;
use tasks::Clock;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};
use vocabulary::Step;

use super::{
    admission::Admission,
    library::{Content, Item},
};
use crate::{
    dhcp::AddressBook,
    witness::{Sighting, Witness},
};

/// How long async-tftp goes on sending a window that nobody acknowledges: six times a second.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_secs(6);

/// What every transfer shares.
pub(super) struct Desk {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) addresses: Arc<dyn AddressBook>,
    pub(super) admission: Mutex<Admission>,
}

/// A place at the door; given back when it is dropped.
pub(super) struct Place {
    desk: Arc<Desk>,
    peer: IpAddr,
}

/// The reader that async-tftp is given.
pub(super) struct Transfer {
    place: Place,
    name: String,
    is_loader: bool,
    bytes: u64,
    sent: u64,
    /// The end was read: the last window is on its way.
    at_end: bool,
    began: Duration,
    last_read: Duration,
    source: Source,
}

enum Source {
    Memory(Bytes),
    /// Boxed: a file reader is ten times the size.
    Disk(Box<Compat<tokio::io::BufReader<tokio::fs::File>>>),
}

/// Read at a time from disk, so that a window costs one trip to the blocking pool.
const BUFFER_BYTES: usize = 64 * 1024;

impl Desk {
    /// Takes a place for this client.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Place, super::Busy> {
        let mut admission = self.admission.lock().unwrap_or_else(PoisonError::into_inner);
        admission.enter(self.clock.uptime(), peer)?;
        Ok(Place { desk: Arc::clone(self), peer })
    }

    /// Tells the witness, with the MAC that leased this address.
    pub(super) fn saw(&self, peer: IpAddr, step: Step, detail: String) {
        let address = match peer {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        };
        let mac = address.and_then(|address| self.addresses.mac_of(address));
        self.witness.saw(Sighting { mac, address, step, detail, firmware: None, uuid: None });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.admission.lock().unwrap_or_else(PoisonError::into_inner).leave(self.peer);
    }
}

impl Transfer {
    pub(super) fn new(place: Place, item: Item) -> Self {
        let now = place.desk.clock.uptime();
        let source = match item.content {
            Content::Memory(bytes) => Source::Memory(bytes),
            Content::Disk(file) => {
                let file = tokio::io::BufReader::with_capacity(BUFFER_BYTES, tokio::fs::File::from_std(file));
                Source::Disk(Box::new(file.compat()))
            }
        };
        let (name, is_loader, bytes) = (item.name, item.is_loader, item.bytes);
        Self { place, name, is_loader, bytes, sent: 0, at_end: false, began: now, last_read: now, source }
    }

    /// What became of it: a line for the timeline if every byte arrived.
    fn finish(&self) {
        let now = self.place.desk.clock.uptime();
        let complete = self.at_end && now.saturating_sub(self.last_read) < GIVEN_UP_AFTER;
        if !complete {
            tracing::debug!(peer = %self.place.peer, file = self.name, read = self.sent, of = self.bytes, "tftp transfer broke off");
            return;
        }
        let took_ms = now.saturating_sub(self.began).as_millis();
        tracing::info!(peer = %self.place.peer, file = self.name, bytes = self.sent, took_ms, "tftp transfer done");
        let step = if self.is_loader { Step::Loader } else { Step::Note };
        let detail = format!("{} over TFTP, {} bytes in {took_ms} ms", self.name, self.sent);
        self.place.desk.saw(self.place.peer, step, detail);
    }

    fn count(&mut self, asked: usize, read: usize) {
        self.sent += read as u64;
        self.at_end = asked > 0 && read == 0;
        self.last_read = self.place.desk.clock.uptime();
    }
}

impl AsyncRead for Transfer {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = match &mut self.source {
            Source::Memory(bytes) => {
                let count = bytes.len().min(buffer.len());
                bytes.copy_to_slice(&mut buffer[..count]);
                Ok(count)
            }
            Source::Disk(file) => std::task::ready!(Pin::new(file.as_mut()).poll_read(cx, buffer)),
        };
        if let Ok(count) = read {
            self.count(buffer.len(), count);
        }
        Poll::Ready(read)
    }
}

impl Drop for Transfer {
    /// An empty file (`autoexec.ipxe`) is no news.
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.finish();
        }
    }
}
