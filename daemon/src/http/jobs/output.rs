//! What tasks write: the end of it, or followed until the task is over.

use std::convert::Infallible;

use ::jobs::nomad::{JobId, Output};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response, sse::Event},
};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocabulary::redact_tokens;

use crate::{
    http::{
        auth::{Operate, Watching},
        error::{ApiError, ErrorBody, InputError},
        events,
        input::{At, Params},
        state::Api,
    },
    workload::tasks_output::{Followed, Source, Wanted},
};

/// Where it is not said, so much of the end.
const USUAL_TAIL_BYTES: u64 = 64 * 1024;
const LARGEST_TAIL_BYTES: u64 = 4 * 1024 * 1024;

/// Which output.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OutputQuery {
    /// Without it, `default`.
    namespace: Option<String>,
    /// The beginning of an allocation's id; without it, the newest that runs.
    allocation: Option<String>,
    /// Which task; it may be left out where there is one only.
    task: Option<String>,
    /// `stdout` or `stderr`; without it, `stdout`.
    output: Option<String>,
    /// So many bytes of the end; 65536 where it is not said, 4194304 at most.
    tail: Option<u64>,
    /// Answer with a stream of events (`output`, then `end`) until the task is over.
    follow: bool,
    /// For browsers, which cannot send a key with a stream: a ticket from `POST /api/tickets`.
    #[serde(rename = "ticket")]
    _ticket: Option<String>,
}

/// A piece of a task's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputView {
    /// Of which allocation.
    pub allocation: String,
    /// Where that is.
    pub node: String,
    /// Of which task.
    pub task: String,
    /// The text; bytes that are no UTF-8 are replaced, call-home tokens are taken out.
    pub text: String,
}

/// Reads what a task writes.
#[utoipa::path(
    get, path = "/api/jobs/{id}/log", tag = "jobs",
    params(("id" = String, Path, description = "The job's id; a `/` in it as %2F"), OutputQuery),
    responses(
        (status = 200, description = "A piece; with follow=true text/event-stream of pieces", body = OutputView),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
        (status = 503, body = ErrorBody),
    ),
    security(("bearer" = ["operate"])),
)]
pub(super) async fn log(
    watching: Watching<Operate>,
    State(api): State<Api>,
    At(id): At<String>,
    Params(query): Params<OutputQuery>,
) -> Result<Response, ApiError> {
    let (namespace, tail) = (query.namespace.clone(), query.tail.unwrap_or(USUAL_TAIL_BYTES));
    let follow = query.follow;
    if !(1..=LARGEST_TAIL_BYTES).contains(&tail) {
        return Err(InputError::Query("tail: from 1 to 4194304".to_owned()).into());
    }
    let workload = api.workload()?;
    let source = workload.source(&JobId::new(id), namespace.as_deref(), wanted(query)?).await?;
    if !follow {
        let bytes = workload.output(namespace.as_deref(), &source, tail).await?;
        return Ok(Json(piece(&source, &String::from_utf8_lossy(&bytes))).into_response());
    }
    let followed = workload.follow(namespace.as_deref(), source.clone(), tail).await?;
    let reader = Reader { api, source, followed: Some(followed), rest: Vec::new() };
    Ok(events::streaming(&watching.caller, reader.stream()))
}

fn wanted(query: OutputQuery) -> Result<Wanted, InputError> {
    let output = match query.output.as_deref() {
        None | Some("stdout") => Output::Stdout,
        Some("stderr") => Output::Stderr,
        Some(other) => return Err(InputError::Query(format!("output {other:?} is none of stdout, stderr"))),
    };
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Wanted { allocation: named(query.allocation), task: named(query.task), output })
}

fn piece(source: &Source, text: &str) -> OutputView {
    let Source { allocation, node, task, .. } = source;
    let text = redact_tokens(text);
    OutputView { allocation: allocation.to_string(), node: node.clone(), task: task.clone(), text }
}

/// A client that reads along.
struct Reader {
    api: Api,
    source: Source,
    followed: Option<Followed>,
    /// The beginning of a character that was cut.
    rest: Vec<u8>,
}

impl Reader {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let event = reader.next().await?;
            Some((Ok(event), reader))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            let followed = self.followed.as_mut()?;
            let found = self.api.closing().run_until_cancelled(followed.next()).await?;
            match found {
                Ok(Some(frame)) => {
                    self.rest.extend_from_slice(&frame.data);
                    let text = take_text(&mut self.rest);
                    if !text.is_empty() {
                        return Event::default().event("output").json_data(piece(&self.source, &text)).ok();
                    }
                }
                Ok(None) => {
                    self.followed = None;
                    return Some(Event::default().event("end").data("{}"));
                }
                Err(error) => {
                    self.followed = None;
                    let said = serde_json::json!({ "error": tasks::chain(&error) });
                    return Some(Event::default().event("broken").data(said.to_string()));
                }
            }
        }
    }
}

/// Whole characters; what is cut at the end stays.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    let taken: Vec<u8> = bytes.drain(..whole).collect();
    String::from_utf8_lossy(&taken).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_was_cut_waits_for_its_end() {
        let mut bytes = "ok ä".as_bytes()[..4].to_vec();
        assert_eq!((take_text(&mut bytes).as_str(), bytes.len()), ("ok ", 1));
        bytes.extend_from_slice(&"ä".as_bytes()[1..]);
        assert_eq!(take_text(&mut bytes), "ä");
        let mut bytes = b"bad \xff byte".to_vec();
        assert_eq!(take_text(&mut bytes), "bad \u{fffd} byte");
    }
}
