//! A response body that knows its exact length and reports, when it is dropped, how much of it left.
//!
//! hyper drops a body as soon as its last chunk is in the socket's buffer, so a line of a timeline may be early by
//! what that buffer holds (a few MB at most); a client that goes away before the end is reported as such.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::Stream as _;
use hyper::body::{Body, Frame, SizeHint};
use tasks::Clock;
use tokio::{io::AsyncReadExt as _, sync::OwnedSemaphorePermit};
use tokio_util::io::ReaderStream;
use vocabulary::Step;

use crate::witness::{Sighting, Witness};

/// Read at a time: large enough that a disk read costs one trip to the blocking pool for many frames.
const CHUNK_BYTES: usize = 128 * 1024;

/// The body.
pub(super) struct Delivery {
    source: Source,
    /// Bytes that the client was promised and has not got.
    left: u64,
    report: Report,
    /// The place among the concurrent transfers, where the body takes one.
    _place: Option<OwnedSemaphorePermit>,
}

enum Source {
    Memory(Bytes),
    Disk(Pin<Box<ReaderStream<tokio::io::Take<tokio::fs::File>>>>),
}

/// What is told when the body is done.
pub(super) struct Report {
    pub(super) witness: Arc<dyn Witness>,
    pub(super) clock: Arc<dyn Clock>,
    /// Uptime when the answer began.
    pub(super) began: Duration,
    /// Bytes of this answer.
    pub(super) bytes: u64,
    /// Whose line it is and what it says; the length and the duration are added. Nothing for bodies without news.
    pub(super) news: Option<Sighting>,
}

impl Delivery {
    /// A body from memory.
    pub(super) fn memory(bytes: Bytes, report: Report) -> Self {
        Self { left: bytes.len() as u64, source: Source::Memory(bytes), report, _place: None }
    }

    /// A body from a file that stands at the first byte to send.
    pub(super) fn disk(file: tokio::fs::File, report: Report, place: Option<OwnedSemaphorePermit>) -> Self {
        let stream = ReaderStream::with_capacity(file.take(report.bytes), CHUNK_BYTES);
        Self { left: report.bytes, source: Source::Disk(Box::pin(stream)), report, _place: place }
    }
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let chunk = match &mut self.source {
            Source::Memory(bytes) => Some(Ok(std::mem::take(bytes))),
            Source::Disk(stream) => std::task::ready!(stream.as_mut().poll_next(cx)),
        };
        Poll::Ready(Some(match chunk {
            Some(Ok(chunk)) => {
                self.left = self.left.saturating_sub(chunk.len() as u64);
                Ok(Frame::data(chunk))
            }
            Some(Err(error)) => Err(error),
            // Cut the connection rather than send less than was promised.
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Report { witness, clock, began, bytes, news } = &mut self.report;
        let Some(mut news) = news.take() else { return };
        let took_ms = clock.uptime().saturating_sub(*began).as_millis();
        if self.left == 0 {
            news.detail = format!("{}, {bytes} bytes in {took_ms} ms", news.detail);
        } else {
            news.step = Step::Note;
            news.detail =
                format!("{} broke off, {} of {bytes} bytes after {took_ms} ms", news.detail, *bytes - self.left);
        }
        witness.saw(news);
    }
}
