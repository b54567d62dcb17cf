//! Nomad's event stream: a hint that something changed, and at which index.
//!
//! A hint, not the truth: a reader that was away for long misses events without being told (Nomad keeps some hundreds),
//! so whoever needs the truth lists it again after every gap. A stream that is silent for longer than its heartbeat is
//! cut as far as its reader is concerned: a dead connection says nothing either.

use std::time::Duration;

use futures_util::StreamExt as _;
use progenitor_client::ByteStream;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Client,
    ndjson::{ObjectError, Objects},
};
use crate::{
    blocking::Index,
    transport::{CallError, Wire, broken},
};

/// What to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Everything that the token may see.
    All,
    /// Jobs registered, deregistered, batched.
    Job,
    /// Evaluations.
    Evaluation,
    /// Allocations created or updated.
    Allocation,
    /// Deployments.
    Deployment,
    /// Nodes.
    Node,
    /// Services registered in Nomad.
    Service,
}

/// Events of one index.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventBatch {
    /// Where the state was; a stream that is opened with it goes on after it.
    pub index: Index,
    /// What happened.
    #[serde(default)]
    pub events: Vec<Event>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// Of what kind of thing, such as `Job`.
    pub topic: String,
    /// What happened to it, such as `JobRegistered`.
    #[serde(default)]
    pub r#type: String,
    /// Its id.
    #[serde(default)]
    pub key: String,
    /// Its namespace.
    #[serde(default)]
    pub namespace: String,
    /// Other ids that it belongs to.
    #[serde(default)]
    pub filter_keys: Option<Vec<String>>,
    /// The thing itself, as Nomad writes it.
    #[serde(default)]
    pub payload: Value,
}

/// An open stream of events.
pub struct Events {
    wire: Wire,
    stream: ByteStream,
    objects: Objects,
    silence: Duration,
    /// What is not newer was asked for by nobody.
    after: Index,
}

/// The stream is over; open another one and list what may have been missed.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The agent closed it: it restarts, it lost the leader, or the reader was too slow.
    #[error("the agent closed the stream")]
    Closed,
    /// Not even a heartbeat for so long.
    #[error("the stream was silent for {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// The connection broke.
    #[error("the stream broke off")]
    Broken(#[source] CallError),
    /// What came is not understood.
    #[error("the stream is not understood")]
    Unreadable(#[source] ObjectError),
}

/// A line of the stream; a heartbeat is `{}`.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "Index")]
    index: Option<Index>,
    #[serde(rename = "Events", default)]
    events: Option<Vec<Event>>,
}

impl Topic {
    fn as_sent(self) -> String {
        let name = match self {
            Self::All => "*",
            Self::Job => "Job",
            Self::Evaluation => "Evaluation",
            Self::Allocation => "Allocation",
            Self::Deployment => "Deployment",
            Self::Node => "Node",
            Self::Service => "Service",
        };
        format!("{name}:*")
    }
}

impl Client {
    /// Opens the stream after this index; without one, at the oldest event that Nomad still keeps.
    pub async fn events(&self, topics: &[Topic], after: Option<Index>) -> Result<Events, CallError> {
        let topics: Vec<String> = topics.iter().map(|topic| topic.as_sent()).collect();
        // Nomad sends from this index on, or from the closest one that it has, which may be older.
        let from = after.map(|index| index.0.saturating_add(1));
        let stream = self.open(Box::pin(self.api.event_stream(from, Some(&topics)))).await?;
        let after = after.unwrap_or_default();
        Ok(Events { wire: self.wire().clone(), stream, objects: Objects::default(), silence: self.silence(), after })
    }
}

impl Events {
    /// The next events. May be cancelled and called again: what was read is kept.
    pub async fn next(&mut self) -> Result<EventBatch, StreamError> {
        loop {
            while let Some(line) = self.objects.next::<Line>().map_err(StreamError::Unreadable)? {
                if let Some(index) = line.index.filter(|index| *index > self.after) {
                    return Ok(EventBatch { index, events: line.events.unwrap_or_default() });
                }
            }
            let part = tokio::time::timeout(self.silence, self.stream.next()).await;
            match part.map_err(|_| StreamError::Silent(self.silence))? {
                Some(Ok(bytes)) => self.objects.push(&bytes),
                Some(Err(source)) => return Err(StreamError::Broken(broken(&self.wire, source))),
                None => return Err(StreamError::Closed),
            }
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("wire", &self.wire).finish_non_exhaustive()
    }
}
