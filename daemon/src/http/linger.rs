//! The rest of a request that was refused before it was read.
//!
//! A body that is too long, or that came with no key, is answered before its end. If the connection is closed on what
//! is still under way, the client's kernel is told so with a reset and throws the answer away (RFC 9112 section 9.6):
//! the person reads "connection closed" instead of the reason. So a refusal first reads on for a bounded while and
//! drops what it reads. A client that asked before it sent (`Expect: 100-continue`) has sent nothing, and needs none.
//!
//! Rejected: reading every body whole before any check, which would let a stranger fill the memory.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, extract::Request, http::header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// What is read on at most: well above what a person sends by mistake.
const MOST_BYTES: usize = 16 << 20;
/// How long it is read on at most, so that a slow sender holds nothing.
const LONGEST: Duration = Duration::from_secs(5);

/// The body of a request, to be read on after its handler let go of it.
pub(super) struct Rest(Option<Lent>);

impl Rest {
    /// Lends the request its own body.
    pub(super) fn of(request: &mut Request) -> Self {
        if request.headers().contains_key(header::EXPECT) {
            return Self(None);
        }
        let lent = Lent(Arc::new(Mutex::new(std::mem::take(request.body_mut()))));
        *request.body_mut() = Body::new(lent.clone());
        Self(Some(lent))
    }

    /// Reads on to the end, or to the bounds, and drops what it reads.
    pub(super) async fn drop_read(self) {
        let Some(mut lent) = self.0 else { return };
        let reading = async {
            let mut read_bytes = 0;
            while read_bytes < MOST_BYTES {
                let Some(Ok(frame)) = lent.frame().await else { return };
                read_bytes += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        let _cut = tokio::time::timeout(LONGEST, reading).await;
    }
}

/// One body in two hands: the handler's, and after it the refusal's.
#[derive(Clone)]
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn with<T>(&self, of: impl FnOnce(&mut Body) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(task))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
