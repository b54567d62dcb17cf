//! How much of a log a caller sees: with `operate` all of it, without it nothing that another program said.
//!
//! Causes quote modules, ssh and Ansible, and are copied into nodes, timelines, runs and events. What is quoted is marked
//! ([`vocabulary::quote_said`]), so it is left out of whole answers here rather than field by field, and a new field
//! that carries a cause is covered. What is a log as a whole (a task's message) goes as a whole.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use vocabulary::{Event, EventKind, leave_out_said};

use super::{auth::Caller, error::ApiError};
use crate::keys::Scope;

/// How much of a log a caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Logs,
    NoLogs,
}

impl Sight {
    pub(super) fn of(caller: &Caller) -> Self {
        if caller.scopes.allow(Scope::Operate) { Self::Logs } else { Self::NoLogs }
    }

    /// An answer as this caller may see it.
    pub(super) fn show<T: Serialize + DeserializeOwned>(self, view: T) -> Result<T, ApiError> {
        if self == Self::Logs {
            return Ok(view);
        }
        let shown = serde_json::to_value(view).and_then(|value| serde_json::from_value(leave_out(value)));
        shown.map_err(|error| ApiError::Internal(error.into()))
    }

    /// Text that is nothing but a log.
    pub(super) fn log(self, text: Option<String>) -> Option<String> {
        text.filter(|_| self == Self::Logs)
    }

    /// An event as this caller may see it; nothing where the event as a whole is for others.
    pub(super) fn event(self, mut event: Event) -> Option<Event> {
        if self == Self::Logs {
            return Some(event);
        }
        match event.kind {
            EventKind::Audit => return None,
            EventKind::RunTask => {
                event.data.as_object_mut().and_then(|report| report.remove("message"));
            }
            _ => {}
        }
        event.data = leave_out(event.data);
        Some(event)
    }
}

fn leave_out(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(leave_out_said(&text)),
        Value::Array(values) => values.into_iter().map(leave_out).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, leave_out(value))).collect(),
        other => other,
    }
}
