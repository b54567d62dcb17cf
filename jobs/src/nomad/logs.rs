//! Output of tasks, as frames: from an offset, or followed as it is written.
//!
//! Frames and not plain bytes, because only frames say which file a chunk came from, and that a file was rotated away. A followed log sends heartbeats too, so silence means a dead connection.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::StreamExt as _;
use progenitor_client::ByteStream;
use serde::Deserialize;

use super::{AllocationId, Client, StreamError, ndjson::Objects};
use crate::transport::{CallError, Wire, broken};

/// Which output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Whether to stay for what is written later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Yes. Nomad does not end the stream when the task ends: whoever follows watches the allocation too.
    Yes,
    /// No: what is there now.
    No,
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Which task.
    pub task: String,
    /// Which of its outputs.
    pub output: Output,
    /// Whether to stay.
    pub follow: Follow,
    /// Where to begin.
    pub from: LogFrom,
}

/// Where a log begins to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFrom {
    /// So many bytes after the oldest that Nomad still keeps.
    Start(u64),
    /// So many bytes before the end.
    End(u64),
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the task wrote.
    pub data: Bytes,
    /// The file that it is in; Nomad rotates them.
    pub file: String,
    /// Where in that file the data ends.
    pub offset: i64,
    /// Something happened to the file, such as `file deleted` or `file truncated`.
    pub event: Option<String>,
}

/// An open log.
pub struct Logs {
    wire: Wire,
    stream: ByteStream,
    objects: Objects,
    silence: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    file: String,
    #[serde(default)]
    offset: i64,
    #[serde(default)]
    file_event: Option<String>,
}

impl Client {
    /// Opens the output of a task.
    pub async fn logs(&self, id: &AllocationId, query: &LogQuery) -> Result<Logs, CallError> {
        let (origin, offset) = match query.from {
            LogFrom::Start(bytes) => ("start", bytes),
            LogFrom::End(bytes) => ("end", bytes),
        };
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let output = match query.output {
            Output::Stdout => "stdout",
            Output::Stderr => "stderr",
        };
        let follow = Some(query.follow == Follow::Yes);
        let (origin, offset) = (Some(origin), Some(offset));
        let answer = self.api.log_stream(id.as_str(), follow, offset, origin, Some(false), &query.task, output);
        let stream = self.open(Box::pin(answer)).await?;
        Ok(Logs { wire: self.wire().clone(), stream, objects: Objects::default(), silence: self.silence() })
    }
}

impl Logs {
    /// The next frame; none at the end. May be cancelled and called again.
    pub async fn next(&mut self) -> Result<Option<Frame>, StreamError> {
        loop {
            while let Some(raw) = self.objects.next::<Raw>().map_err(StreamError::Unreadable)? {
                if let Some(frame) = raw.into_frame() {
                    return Ok(Some(frame));
                }
            }
            let part = tokio::time::timeout(self.silence, self.stream.next()).await;
            match part.map_err(|_| StreamError::Silent(self.silence))? {
                Some(Ok(bytes)) => self.objects.push(&bytes),
                Some(Err(source)) => return Err(StreamError::Broken(broken(&self.wire, source))),
                None if self.objects.is_partial() => return Err(StreamError::Closed),
                None => return Ok(None),
            }
        }
    }

    /// Everything that is still to come, for a log that is not followed; cut off after `bytes_max`.
    pub async fn read_to_end(mut self, bytes_max: usize) -> Result<Vec<u8>, StreamError> {
        let mut all = Vec::new();
        while let Some(frame) = self.next().await? {
            all.extend_from_slice(&frame.data);
            if all.len() >= bytes_max {
                all.truncate(bytes_max);
                break;
            }
        }
        Ok(all)
    }
}

impl Raw {
    /// A heartbeat is no frame. Data that is no base64 is shown as it is: it is a log, not a protocol.
    fn into_frame(self) -> Option<Frame> {
        let data = self.data.unwrap_or_default();
        let event = self.file_event.filter(|event| !event.is_empty());
        if data.is_empty() && event.is_none() {
            return None;
        }
        let data = STANDARD.decode(&data).unwrap_or_else(|_| data.into_bytes()).into();
        Some(Frame { data, file: self.file, offset: self.offset, event })
    }
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").field("wire", &self.wire).finish_non_exhaustive()
    }
}
